"""Every command that meets a hub, run until it is known whether it was let in."""

import re
import signal
import subprocess

import pytest
from program import PATIENCE

# What each is called with behind the address, and its exit status once it is let in: nobody serves
# the service, so to be told that is to be in.
COMMANDS = {
    "chat": ([], 0),
    "send": (["hi"], 0),
    "follow": (["--since", "all", "--count", "1"], 0),
    "status": ([], 0),
    "request": (["nothing", "body"], 69),
    "serve": (["nothing", "cat"], 0),
}

OPEN_ENDED = {"serve"}  # goes on once it is in

every_command = pytest.mark.parametrize("command", COMMANDS)


class Client:
    def __init__(self, ferry, start):
        self.run, self.start = ferry, start
        self.door = None  # the hub's address for whoever belongs here

    def __call__(self, command, address, *options):
        """The exit status and what was said on standard error."""
        words, _ = COMMANDS[command]
        if command in OPEN_ENDED:
            return self.until_in(self.start(command, *options, address, *words))
        result = self.run(command, *options, address, *words, stdin=subprocess.DEVNULL)
        return result.returncode, result.stderr

    def is_served(self):
        return '"waiting":1' in self.run("status", self.door, "--json").stdout

    def until_in(self, program):
        while program.process.poll() is None:
            if self.is_served():
                program.process.send_signal(signal.SIGTERM)
                break
        program.process.wait(PATIENCE)
        program.err.join(PATIENCE)
        return program.process.returncode, program.errors.decode()


class Secure:
    """A hub with TLS: `bare` is its address without the pin, `pin` that of its own key."""

    def __init__(self, hub):
        self.hub = hub
        self.address = hub.addresses[0]
        found = re.fullmatch(r"tls:[^?]*:(\d+)(?:\?pin=(sha256:[\w-]{43}))?", self.address)
        self.bare = f"tls:localhost:{found[1]}"
        self.url = f"https://localhost:{found[1]}"
        self.port = int(found[1])
        self.pin = found[2]
