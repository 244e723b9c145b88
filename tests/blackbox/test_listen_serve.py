"""ferry listen --serve: a hub with services of its own."""

import os
import signal
import socket
from pathlib import Path

import pytest
from program import PATIENCE
from service import Client, until_waiting


def test_serves_what_it_is_told(start_hub, ferry):
    hub = start_hub("tcp:localhost:0", "--serve=upper=tr a-z A-Z; exit 3", "--serve=env=env")
    assert all(address.startswith("tcp:") for address in hub.addresses)
    until_waiting(hub, 1, "upper")
    until_waiting(hub, 1, "env")
    for _ in range(2):
        asked = ferry("request", hub.address, "upper", "hello")
        assert (asked.returncode, asked.stdout) == (3, "HELLO")
    facts = ferry("request", hub.address, "env").stdout.splitlines()
    assert "FERRY_SERVICE=env" in facts
    hub.stop()  # nothing is left behind


def test_ends_when_the_hub_is_killed(start_hub):
    hub = start_hub("tcp:localhost:0", "--serve=cat=cat")
    until_waiting(hub, 1, "cat")
    hub.process.kill()
    hub.process.wait()
    assert hub.group_ends()


def test_a_servant_that_dies_is_told_of(start_hub, ferry):
    hub = start_hub("tcp:localhost:0", "--serve=cat=cat")
    until_waiting(hub, 1, "cat")
    pid = hub.process.pid
    (servant,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(servant), signal.SIGKILL)
    with hub.more:
        assert hub.more.wait_for(lambda: b"--serve cat has ended" in hub.errors, PATIENCE)
    assert ferry("request", hub.address, "cat", "x").returncode == 69


def test_serves_a_hub_that_lets_in_few(start_hub, ferry, tmp_path):
    """The hub's own servers need no token, and nobody else becomes one of them."""
    tokens = tmp_path / "tokens"
    tokens.write_text("anna " + "t" * 32 + " ask\n")
    tokens.chmod(0o600)
    hub = start_hub("tcp:localhost:0", f"--token-file={tokens}", "--serve=upper=tr a-z A-Z")
    (tmp_path / "mine").write_text("t" * 32)
    (tmp_path / "mine").chmod(0o600)
    while True:
        asked = ferry("request", hub.address, "upper", "hello", f"--token-file={tmp_path}/mine")
        if asked.returncode != 69:
            break
    assert (asked.returncode, asked.stdout) == (0, "HELLO")
    with open("/proc/net/unix") as sockets:
        name = next(line.split()[-1] for line in sockets if f"@ferry-{hub.process.pid}-" in line)
    for target in (b"topics/lobby", b"services/upper", b"services/other/next"):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect("\0" + name[1:])
            peer.sendall(b"POST /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target)
            assert b" 403 " in peer.recv(4096)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become someone else")
def test_the_entrance_is_for_one_user(start_hub, ferry):
    hub = start_hub("tcp:localhost:0", "--serve=who=id -un", "--user=nobody")
    until_waiting(hub, 1, "who")
    assert ferry("request", hub.address, "who").stdout == "nobody\n"
    with open("/proc/net/unix") as sockets:
        name = next(line.split()[-1] for line in sockets if f"@ferry-{hub.process.pid}-" in line)
    with socket.socket(socket.AF_UNIX) as peer:  # we are root, not nobody
        peer.connect("\0" + name[1:])
        peer.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 403 " in peer.recv(4096)


@pytest.mark.parametrize("text", ["nothing", "=cat", "a name=cat", "name="])
def test_what_cannot_be_served(ferry, text):
    said = ferry("listen", "tcp:localhost:0", f"--serve={text}")
    assert said.returncode == 64
    assert said.stderr.startswith("ferry: --serve")


def test_over_http_as_well(start_hub):
    hub = start_hub("tcp:localhost:0", "--serve=cat=cat")
    until_waiting(hub, 1, "cat")
    with Client(hub) as c:
        assert c.ask("cat", b"\0any bytes")[1] == b"\0any bytes"
