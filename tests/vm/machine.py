"""A virtual machine under test, and talking to it.

A machine has two serial lines: its console goes to a file, which is shown when something is wrong;
the other one carries commands in and their output and status out (see `init`). Every wait has a
deadline, and a machine that panics, hangs or ends in the middle fails whoever is waiting for it.

Two machines, one inside the other, are the host and the guest of each other's AF_VSOCK: the inner
one is started by a command on the outer one, and its line is a third serial line of the outer one.

The outer machine runs on qemu's own interpreter ("tcg") and never on KVM, also where /dev/kvm
exists: nested inside a cloud machine it may hang a stock kernel. `-cpu max` emulates AMD's SVM, so
the inner machine does run on KVM, inside the emulation.
"""

import base64
import ctypes
import select
import shlex
import signal
import socket
import subprocess
import time

QEMU = "qemu-system-x86_64"
BOOT_SECONDS = 120
RUN_SECONDS = 60


class MachineFault(Exception):
    """A machine did not do what it was told in time, or is gone; the text shows its console."""


class Result:
    def __init__(self, status, output):
        self.status = status
        self.output = output

    @property
    def text(self):
        return self.output.decode(errors="replace")

    def __repr__(self):
        return f"<status {self.status}: {self.text}>"


class Job:
    """A command that runs on a machine."""

    def __init__(self, machine, number):
        self._machine = machine
        self._number = number
        self._file = f"/tmp/job.{number}"

    def wait(self, timeout=RUN_SECONDS):
        """Its Result, when it has ended."""
        return self._machine._reply(self._number, timeout)

    def wait_for(self, text, timeout=RUN_SECONDS):
        """Waits until the job has printed TEXT; a fault when it ends or time runs out first."""
        found = f"grep -qF -- {shlex.quote(text)} {self._file}.out"
        loop = f"until {found}; do test -e {self._file} || exit 1; usleep 20000; done"
        if self._machine.run(loop, timeout).status:
            raise MachineFault(f"the command ended without {text!r}: {self.wait()!r}")

    def runs(self):
        return self._machine.run(f"test -e {self._file}").status == 0

    def output(self):
        """What it has printed so far."""
        return self._machine.check(f"cat {self._file}.out").output

    def kill(self, name="TERM"):
        """Sends a signal to the command (which should be one process: start it with exec)."""
        self._machine.check(f"kill -{name} $(cat {self._file}.pid)")


class Machine:
    """One end of the serial line of a machine; `boot` and `boot_inside` make them."""

    def __init__(self, line, console, alive):
        self._line = line
        self._console = console
        self._alive = alive
        self._pending = b""
        self._lines = []
        self._replies = {}
        self._jobs = 0

    def start(self, command):
        """Starts a shell command; returns its Job at once."""
        if not self._alive():  # or what is sent would reach the guest that comes after it
            raise MachineFault(f"the machine is gone{self._shown()}")
        self._jobs += 1
        encoded = base64.b64encode(command.encode()).decode()
        try:
            self._line.sendall(f"{self._jobs} {encoded}\n".encode())
        except BrokenPipeError as error:
            raise MachineFault(f"the machine is gone{self._shown()}") from error
        return Job(self, self._jobs)

    def run(self, command, timeout=RUN_SECONDS):
        """Runs a shell command to its end: its Result."""
        return self.start(command).wait(timeout)

    def check(self, command, timeout=RUN_SECONDS):
        """The same, for commands that must succeed."""
        result = self.run(command, timeout)
        if result.status:
            raise MachineFault(f"{command}: status {result.status}\n{result.text}")
        return result

    def answers(self):
        try:
            return self.run("true", timeout=5).status == 0
        except MachineFault:
            return False

    def _wait_ready(self, timeout=BOOT_SECONDS):
        deadline = time.monotonic() + timeout
        while "ready" not in self._lines:
            self._read(deadline, "boot")
        self._lines.clear()

    def _reply(self, number, timeout):
        deadline = time.monotonic() + timeout
        while number not in self._replies:
            self._read(deadline, "answer")
            for line in self._lines:
                answered, status, *output = line.split(" ")
                output = base64.b64decode(output[0]) if output else b""
                self._replies[int(answered)] = Result(int(status), output)
            self._lines.clear()
        return self._replies[number]

    def _read(self, deadline, what):
        """Takes in what has come, waiting for it until the deadline."""
        while not select.select([self._line], [], [], 0.1)[0]:
            if not self._alive():
                raise MachineFault(f"the machine ended{self._shown()}")
            if time.monotonic() > deadline:
                raise MachineFault(f"the machine did not {what} in time{self._shown()}")
        data = self._line.recv(1 << 16)
        if not data:
            raise MachineFault(f"the machine ended{self._shown()}")
        *lines, self._pending = (self._pending + data).split(b"\n")
        self._lines += [line.decode() for line in lines]

    def _shown(self):
        tail = self._console()[-4000:].decode(errors="replace")
        return f"; its console:\n{tail}"


class Outer(Machine):
    """A machine that runs on this one, as a qemu process."""

    def __init__(self, kernel, image, directory, memory):
        self.inner = None
        console = directory / "console"
        ours, line = socket.socketpair()
        self._inner_line, inner = socket.socketpair()
        with line, inner:
            self._qemu = subprocess.Popen(
                [
                    QEMU,
                    *_machine_options("tcg", memory, kernel.image, image),
                    *["-serial", f"file:{console}"],
                    *["-chardev", f"socket,id=line,fd={line.fileno()}", "-serial", "chardev:line"],
                    *["-chardev", f"socket,id=inner,fd={inner.fileno()}", "-serial", "chardev:inner"],
                ],
                pass_fds=[line.fileno(), inner.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,
            )
        super().__init__(ours, console.read_bytes, lambda: self._qemu.poll() is None)

    def boot_inside(self, cid, image, memory=128):
        """Boots IMAGE (a path on this machine) as a guest that has the vsock address CID."""
        options = _machine_options("kvm", memory, "/boot/vmlinuz", image)
        options += ["-serial", f"file:/tmp/console.{cid}", "-serial", "/dev/ttyS2"]
        options += ["-device", f"vhost-vsock-pci,guest-cid={cid}"]
        job = self.start(f"exec {shlex.join([QEMU, *options])} >/tmp/qemu.{cid} 2>&1")
        self.inner = Inner(self, job, self._inner_line, f"/tmp/qemu.{cid} /tmp/console.{cid}")
        self.inner._wait_ready()
        return self.inner

    def end(self):
        """Ends the machine without ado."""
        self._qemu.kill()
        self._qemu.wait()
        self._line.close()
        self._inner_line.close()


class Inner(Machine):
    """A machine that runs on an Outer one, as its guest."""

    def __init__(self, outer, job, line, console):
        self._job = job
        super().__init__(line, lambda: outer.run(f"cat {console}").output, job.runs)

    def end(self):
        """Ends the machine without ado, as a power cut would."""
        self._job.kill("KILL")
        self._job.wait()


def boot(kernel, image, directory, memory=256):
    machine = Outer(kernel, image, directory, memory)
    try:
        machine._wait_ready()
    except MachineFault:
        machine.end()
        raise
    return machine


def _machine_options(accelerator, memory, kernel, image):
    return [
        *["-accel", accelerator, "-cpu", "max", "-M", "q35", "-smp", "1", "-m", str(memory)],
        *["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-net", "none"],
        *["-kernel", str(kernel), "-initrd", str(image)],
        *["-append", "console=ttyS0 panic=-1 quiet loglevel=4 nokaslr mitigations=off"],
    ]


def _die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
