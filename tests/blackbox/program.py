"""Running ferry, and waiting for what it says."""

import os
import re
import signal
import subprocess
import threading
import time

PATIENCE = 20  # seconds until a test gives up waiting: only ever reached by a failing one

SANITIZER = re.compile(rb"Sanitizer|runtime error:")


class Reader(threading.Thread):
    """Collects a stream's lines as they come; `more` is notified of each, and of the end."""

    def __init__(self, stream, more):
        super().__init__(daemon=True)
        self.stream, self.more = stream, more
        self.lines, self.ended = [], False
        self.start()

    def run(self):
        for line in self.stream:
            with self.more:
                self.lines.append(line)
                self.more.notify_all()
        with self.more:
            self.ended = True
            self.more.notify_all()


class Program:
    """A program that runs beside the test, in a process group of its own.

    `wait_for` takes its output as a log with one cursor: each call goes on behind the line that the
    last one matched.
    """

    def __init__(self, command, **popen):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **popen,
        )
        self.more = threading.Condition()
        self.out = Reader(self.process.stdout, self.more)
        self.err = Reader(self.process.stderr, self.more)
        self.cursor = 0
        self.error_cursor = 0

    @property
    def output(self):
        return b"".join(self.out.lines)

    @property
    def errors(self):
        return b"".join(self.err.lines)

    def type(self, text):
        """Writes to its standard input."""
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def close_input(self):
        self.process.stdin.close()

    def wait_for(self, pattern, timeout=PATIENCE):
        """The match of PATTERN (text or bytes) in the first line of output that has one."""
        match, self.cursor = self.find(self.out, self.cursor, pattern, timeout)
        return match

    def wait_for_error(self, pattern, timeout=PATIENCE):
        """The same in what it says on standard error."""
        match, self.error_cursor = self.find(self.err, self.error_cursor, pattern, timeout)
        return match

    def find(self, stream, cursor, pattern, timeout):
        pattern = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        match = None

        def found():
            nonlocal match, cursor
            while not match and cursor < len(stream.lines):
                match = pattern.search(stream.lines[cursor])
                cursor += 1
            return match or stream.ended

        with self.more:
            self.more.wait_for(found, timeout)
        assert match, f"{pattern.pattern} did not come from {self}"
        return match, cursor

    def memory(self, what="VmRSS"):
        """In bytes: what it has now, VmHWM: had at most, VmSize: may have."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"{what}:\s+(\d+) kB", status.read())[1]) << 10

    def wait_for_errors(self, text, timeout=PATIENCE):
        """Until TEXT is somewhere in what it wrote to standard error."""
        with self.more:
            self.more.wait_for(lambda: text.encode() in self.errors or self.err.ended, timeout)
        assert text.encode() in self.errors, f"{text} did not come from {self}"

    def wait(self, status=0, timeout=PATIENCE):
        """Waits for its end, which must be with STATUS and leave no process behind."""
        ended = self.process.wait(timeout)
        self.out.join(PATIENCE)
        self.err.join(PATIENCE)
        assert not SANITIZER.search(self.errors), self.errors.decode(errors="replace")
        assert ended == status, f"exit status {ended}, not {status}: {self}"
        assert self.group_ends(), f"left a process behind: {self}"

    def stop(self, status=0):
        """Asks it to end, as a terminal or a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        self.wait(status)

    def group_ends(self):
        """Whether nothing of it is left; a child that has its end of input may still be on its way."""
        end = time.monotonic() + PATIENCE
        while self.group_lives() and time.monotonic() < end:
            time.sleep(0.01)
        return not self.group_lives()

    def group_lives(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def discard(self):
        """Ends whatever still runs, without a word."""
        if self.group_lives():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.out.join(PATIENCE)
        self.err.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def __str__(self):
        said = (self.output + self.errors).decode(errors="replace")
        return f"{' '.join(self.command)}\n{said}"
