"""Every command that meets a hub, run until it is known whether it was let in."""

import re
import signal

import pytest
from program import PATIENCE


class Words:
    """How a command is called, and its exit status once it is let in."""

    def __init__(self, *words, status=0, text=""):
        self.words, self.status, self.text = words, status, text

    def at(self, address):
        return [address if word == "ADDRESS" else word for word in self.words]


# Nobody serves the service: to be told that is to be in.
COMMANDS = {
    "chat": Words("ADDRESS"),
    "send": Words("ADDRESS", "hi"),
    "follow": Words("ADDRESS", "--since", "all", "--count", "1"),
    "status": Words("ADDRESS"),
    "request": Words("ADDRESS", "nothing", "body", status=69),
    "serve": Words("ADDRESS", "nothing", "cat"),
    "put": Words("ADDRESS", "note.txt"),
    "get": Words("ADDRESS", "welcome.txt", "-o", "-"),
    "files": Words("ADDRESS"),
    "rm": Words("ADDRESS", "welcome.txt"),
    "wait": Words("ADDRESS", "--timeout", "15s"),
    "relay": Words("-", "ADDRESS", text="GET /status HTTP/1.0\r\n\r\n"),
}

OPEN_ENDED = {"serve"}  # goes on once it is in
UNASKED = {"wait", "relay"}  # what runs unattended asks nobody

every_command = pytest.mark.parametrize("command", COMMANDS)
every_asked_command = pytest.mark.parametrize("command", [c for c in COMMANDS if c not in UNASKED])


class Client:
    def __init__(self, ferry, start, place):
        self.run, self.start, self.place = ferry, start, place
        self.door = f"unix:{place / 'door'}"  # the hub's, for whoever belongs here
        self.files = place / "files"  # the hub's
        self.files.mkdir()

    def __call__(self, command, address, *options):
        """The exit status and what was said on standard error."""
        self.prepare(command)
        call = COMMANDS[command]
        words = [command, *options, *call.at(address)]
        if command in OPEN_ENDED:
            return self.until_in(self.start(*words))
        result = self.run(*words, input=call.text)
        return result.returncode, result.stderr

    def prepare(self, command):
        if command == "put":
            (self.place / "note.txt").write_text("a note")
        if command in ("get", "rm") and (self.place / "door").exists():
            (self.place / "welcome.txt").write_text("welcome")
            assert self.run("put", self.door, "welcome.txt").returncode == 0

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
