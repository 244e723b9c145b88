"""Processes under measurement: started on a core of their own, known and ended by their pid.

A Server runs in a fresh directory on a disk, tells its addresses, and is gone, directory and all, when its
`with` block ends. What it prints goes to a file there and is shown when something fails.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

START_S = 10
LOAD_S = 90


class Failed(Exception):
    """A server that does not start, or a load that does not end well."""


def cores():
    """The server's core and the load's."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise Failed("a core for the server and one for the load are needed, there is one in all")
    return available[0], available[1]


def free_port():
    """A port that was free a moment ago, for servers that cannot say which one they were given."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pin(core):
    return lambda: os.sched_setaffinity(0, {core})


class Server:
    """`command(directory, port)` gives the argv. A server that prints "Listening on ADDRESS" for
    each address is asked with port 0; for another, `port=True`, one is picked beforehand. A relay,
    `target=True`, is told as a third argument where the load will be its target. Its directory is
    made within another one on request, and it has all cores unless it is `pinned`. With `beside`,
    whose `beside(directory, address)` gives the argv, a second program runs next to it, on the same
    core; the load waits until that says "Serving" or "Listening"."""

    def __init__(
        self,
        command,
        port=False,
        addresses=1,
        target=False,
        within="/var/tmp",
        pinned=True,
        beside=None,
    ):
        self.beside = beside
        self.command = command
        self.has_target = target
        self.picks_port = not port
        self.n_addresses = addresses
        self.within = within
        self.pinned = pinned

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ferry-bench-", dir=self.within))
        self.process = self.second = None
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start(self):
        port = 0 if self.picks_port else free_port()
        self.target = free_port() if self.has_target else None
        told = [self.target] if self.has_target else []
        argv = [str(word) for word in self.command(self.directory, port, *told)]
        self.output = self.directory / "output"
        self.process = self.run(argv, self.output)
        self.until(lambda: self.listening(port), self.process, self.output)
        if self.beside:
            argv = [str(word) for word in self.beside(self.directory, self.addresses[0])]
            output = self.directory / "output-beside"
            self.second = self.run(argv, output)
            ready = re.compile("^(Serving|Listening)", re.M)
            self.until(lambda: ready.search(output.read_text()), self.second, output)

    def run(self, argv, output):
        with open(output, "wb") as file:
            return subprocess.Popen(
                argv,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=pin(cores()[0]) if self.pinned else None,
            )

    @staticmethod
    def until(ready, process, output):
        deadline = time.monotonic() + START_S
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                said = output.read_text(errors="replace")[-2000:]
                raise Failed(f"{process.args[0]} does not start: {said}")
            time.sleep(0.02)

    def listening(self, port):
        if self.picks_port:
            self.addresses = re.findall(r"^Listening on (\S+)$", self.said(), re.M)
            return len(self.addresses) >= self.n_addresses
        self.addresses = [f"tcp:127.0.0.1:{port}"]
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    def said(self):
        return self.output.read_text(errors="replace")[-2000:]

    def cpu_ns(self):
        """What its threads have used of a core so far."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total

    def memory(self):
        """Its proportional set size, in bytes."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)[1]) * 1024

    def __exit__(self, *_):
        for process in (self.second, self.process):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.directory)


def start_load(argv, **pipes):
    return subprocess.Popen(
        [str(word) for word in argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=pin(cores()[1]),
        **pipes,
    )


def run_load(argv):
    """What it prints."""
    with start_load(argv) as load:
        try:
            out, err = load.communicate(timeout=LOAD_S)
        except subprocess.TimeoutExpired:
            load.kill()
            raise Failed(f"{argv[0]} does not end")
    if load.returncode:
        raise Failed(f"{pathlib.Path(argv[0]).name}: {err.strip() or load.returncode}")
    return out
