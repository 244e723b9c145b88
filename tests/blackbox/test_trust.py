"""Whose key a client takes for the hub's, with every command that meets a hub."""

import re
import shlex

import pytest
from authority import Authority
from paths import FERRY
from terminal import Terminal
from tls_client import (
    COMMANDS,
    OPEN_ENDED,
    UNASKED,
    Client,
    Secure,
    every_asked_command,
    every_command,
)

OTHER = "sha256:" + "A" * 43


@pytest.fixture
def client(ferry, start, tmp_path):
    return Client(ferry, start, tmp_path)


@pytest.fixture
def secure_hub(start_hub, ferry, client, tmp_path):
    """A hub with a key of its own, a message, and a door for the tests."""

    def run(*options):
        own = [f"--key-dir={tmp_path / 'hub'}", f"--files={client.files}"]
        hub = Secure(start_hub("tls:localhost:0", client.door, *own, *options))
        assert ferry("send", client.door, "welcome").returncode == 0
        return hub

    return run


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def known(tmp_path):
    return tmp_path / "ferry" / "known"


# Pins


@every_command
def test_the_right_pin(client, secure_hub, known, command):
    hub = secure_hub()
    for options in ([f"{hub.bare}?pin={hub.pin}"], [hub.bare, "--pin", hub.pin]):
        status, errors = client(command, *options)
        assert status == COMMANDS[command].status, errors
    assert not known.exists()


@every_command
def test_a_wrong_pin(client, secure_hub, command):
    hub = secure_hub()
    for options in ([f"{hub.bare}?pin={OTHER}"], [hub.bare, "--pin", OTHER]):
        status, errors = client(command, *options)
        assert status == 77
        assert "not the hub that the pin names" in errors
        assert f"shows {hub.pin}, and the pin is {OTHER}" in errors


@every_command
def test_what_is_no_pin(client, command):
    status, errors = client(command, "tls:localhost:1", "--pin", "sha256:short")
    assert status == 64
    assert "a pin is sha256: and 43 letters" in errors


# First contact


@every_command
def test_an_unknown_key_with_nobody_to_ask(client, secure_hub, known, command):
    hub = secure_hub()
    status, errors = client(command, hub.bare)
    assert status == 77
    assert "its key is not known here (its certificate is signed by itself)" in errors
    instead = shlex.split(re.search("if it is the right one: ferry (.*)\n", errors)[1])
    address = f"{hub.bare}?pin={hub.pin}"
    assert sorted(instead) == sorted([command, *COMMANDS[command].at(address)])
    assert client(command, address)[0] == COMMANDS[command].status
    assert not known.exists()


@every_command
def test_trust_first(client, secure_hub, known, command):
    hub = secure_hub()
    status, errors = client(command, hub.bare, "--trust-first")
    assert status == COMMANDS[command].status, errors
    assert re.fullmatch(f"{hub.bare} {hub.pin} 20[0-9TZ:.-]+\n", known.read_text())
    status, errors = client(command, hub.bare)
    assert status == COMMANDS[command].status, errors
    assert known.read_text().count("\n") == 1


@every_command
def test_a_changed_key(client, secure_hub, known, command):
    hub = secure_hub()
    known.parent.mkdir()
    before = f"# mine\n{hub.bare} {OTHER} 2026-01-01T00:00:00Z\n"
    known.write_text(before)
    for options in ([], ["--trust-first"]):
        status, errors = client(command, hub.bare, *options)
        assert status == 77
        assert f"its key has changed: it was {OTHER}, now it is {hub.pin}" in errors
        assert f"remove line 2 of {known}" in errors
    assert known.read_text() == before


class Person:
    """Someone at a terminal who is asked about a key."""

    def __init__(self, environment, tmp_path, hub, command):
        self.hub = hub
        command = [FERRY, command, *COMMANDS[command].at(hub.bare)]
        self.terminal = Terminal(command, 120, 30, env=environment, cwd=tmp_path)

    def __enter__(self):
        self.terminal.wait_for(
            f"The hub at {self.hub.bare} was not met before, and\n"
            f"its certificate is signed by itself.\nIts key is {self.hub.pin}\n"
            r".*\nIs it the right one \(yes, no, or the pin itself\)\?"
        )
        return self.terminal

    def __exit__(self, *exc):
        self.terminal.discard()


@pytest.fixture
def person(environment, tmp_path):
    return lambda hub, command: Person(environment, tmp_path, hub, command)


@every_asked_command
def test_a_person_says_no(person, client, secure_hub, known, command):
    hub = secure_hub()
    client.prepare(command)
    with person(hub, command) as terminal:
        terminal.type("no\r")
        terminal.wait_for("if it is the right one: ferry")
        terminal.wait(77)
    assert not known.exists()


@every_asked_command
def test_a_person_says_yes(person, client, secure_hub, known, command):
    hub = secure_hub()
    client.prepare(command)
    with person(hub, command) as terminal:
        terminal.type("y\r")
        terminal.wait_for("Please type yes or no, or the pin itself:")
        terminal.type("yes\r")
        if command == "chat":
            terminal.type("bye\r")
        while command in OPEN_ENDED and not client.is_served():
            pass
        if command in OPEN_ENDED:
            terminal.type("\x03")
        terminal.wait(COMMANDS[command].status)
    assert re.fullmatch(f"{hub.bare} {hub.pin} 20[0-9TZ:.-]+\n", known.read_text())
    assert client(command, hub.bare)[0] == COMMANDS[command].status


@pytest.mark.parametrize("command", sorted(UNASKED))
def test_what_runs_unattended_asks_nobody(environment, secure_hub, tmp_path, command):
    hub = secure_hub()
    words = [FERRY, command, *COMMANDS[command].at(hub.bare)]
    terminal = Terminal(words, 120, 30, env=environment, cwd=tmp_path)
    try:
        terminal.wait_for("its key is not known here")
        terminal.wait(77)
    finally:
        terminal.discard()


def test_a_person_pastes_the_pin(person, secure_hub, known):
    hub = secure_hub()
    with person(hub, "send") as terminal:
        terminal.type(f"{OTHER}\r")
        terminal.wait_for("Please type yes or no")
        terminal.type(f"{hub.pin}\r")
        terminal.wait(0)
    assert known.exists()


def test_a_person_leaves(person, secure_hub, known):
    with person(secure_hub(), "send") as terminal:
        terminal.type("\x04")
        terminal.wait(77)
    assert not known.exists()


def test_a_hub_that_is_not_there_is_not_met(environment):
    terminal = Terminal([FERRY, "send", "tls:localhost:1", "hi"], 120, env=environment)
    try:
        terminal.wait_for("cannot connect")
        terminal.wait(69)
    finally:
        terminal.discard()


# Authorities


@every_command
def test_a_certificate_of_an_authority(client, secure_hub, authority, known, command):
    pem = authority.issue(f"right-{command}", "DNS:localhost,IP:127.0.0.1,IP:::1")
    hub = secure_hub(f"--cert={pem}")
    assert hub.pin is None
    status, errors = client(command, hub.bare, "--ca", str(authority.ca))
    assert status == COMMANDS[command].status, errors
    assert not known.exists()


@every_command
@pytest.mark.parametrize(
    "names, days, doubt",
    [
        ("DNS:elsewhere.example", 2, "its certificate is for elsewhere.example, not for localhost"),
        ("DNS:localhost", -1, r"its certificate expired on 20\d\d-\d\d-\d\d \d\d:\d\d UTC"),
    ],
    ids=["wrong-host", "expired"],
)
def test_a_certificate_that_proves_nothing(
    client, secure_hub, authority, command, names, days, doubt
):
    hub = secure_hub(f"--cert={authority.issue(f'wrong-{command}', names, days)}")
    status, errors = client(command, hub.bare, "--ca", str(authority.ca))
    assert status == 77
    assert re.search(f"does not prove who it is: {doubt}", errors), errors


@every_command
def test_an_authority_of_our_own_is_the_only_one(client, secure_hub, authority, known, command):
    hub = secure_hub()
    status, errors = client(command, hub.bare, "--ca", str(authority.ca), "--trust-first")
    assert status == 77
    assert "does not prove who it is: its certificate is signed by itself" in errors
    assert not known.exists()


def test_a_certificate_may_be_known_by_its_key(client, secure_hub, authority):
    """Where its authority is not trusted the key counts, as any other."""
    hub = secure_hub(f"--cert={authority.issue('kept', 'DNS:localhost')}")
    status, errors = client("send", hub.bare)
    assert status == 77
    assert "not signed by an authority that is trusted here" in errors
    assert client("send", hub.bare, "--trust-first")[0] == 0
    assert client("send", hub.bare)[0] == 0


# Files


def test_what_cannot_be_remembered_is_not_trusted(client, secure_hub, tmp_path):
    hub = secure_hub()
    (tmp_path / "file").write_text("")
    status, errors = client("send", hub.bare, "--trust-first", "--key-dir", "file/keys")
    assert status not in (0, 70)
    assert "file/keys" in errors


def test_a_line_that_is_damaged_is_as_if_it_were_not_there(client, secure_hub, known):
    hub = secure_hub()
    known.parent.mkdir()
    known.write_text(f"{hub.bare} sha256:damaged")
    status, errors = client("send", hub.bare)
    assert status == 77
    assert f"line 1 of {known} cannot be read" in errors
    assert client("send", hub.bare, "--trust-first")[0] == 0
    damaged, added = known.read_text().splitlines()
    assert damaged == f"{hub.bare} sha256:damaged"
    assert added.startswith(f"{hub.bare} {hub.pin} ")
