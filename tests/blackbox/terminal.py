"""A program on a terminal, and what a person sees there."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import pyte
from program import PATIENCE


class Terminal:
    """Runs COMMAND on a terminal of its own. `screen` is what is shown, line by line."""

    def __init__(self, command, columns=40, rows=10, **popen):
        self.master, slave = pty.openpty()
        self.settings = termios.tcgetattr(slave)  # before the program can change them
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.display = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.display)
        self.more = threading.Condition()
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            **popen,
        )
        self.slave = slave
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 4096)
            except OSError:  # the other side is closed
                data = b""
            with self.more:
                self.stream.feed(data)
                self.more.notify_all()
            if not data:
                return

    @property
    def screen(self):
        return [line.rstrip() for line in self.display.display]

    def type(self, text):
        os.write(self.master, text.encode())

    def shows(self, *lines):
        """Waits until the screen begins with LINES, and nothing follows; the cursor is behind the
        last of them, unless it was moved."""
        wanted = list(lines)

        def found():
            return self.screen[: len(wanted)] == wanted and not any(self.screen[len(wanted) :])

        with self.more:
            assert self.more.wait_for(found, PATIENCE), "\n".join(["", *self.screen])

    def wait_for(self, pattern):
        with self.more:
            assert self.more.wait_for(
                lambda: re.search(pattern, "\n".join(self.screen)), PATIENCE
            ), "\n".join(["", *self.screen])

    def resize(self, columns, rows):
        with self.more:
            self.display.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def wait(self, status=0):
        ended = self.process.wait(PATIENCE)
        assert ended == status, "\n".join([f"exit status {ended}", *self.screen])
        now = termios.tcgetattr(self.slave)
        assert now == self.settings, f"given back as {now[:4]}, not {self.settings[:4]}"

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.slave)
        self.reader.join(PATIENCE)
        os.close(self.master)
