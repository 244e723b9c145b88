"""The harness itself, and the least a hub does."""

import pytest


def test_starts_and_stops(hub):
    assert hub.address == f"tcp:127.0.0.1:{hub.port}"
    hub.stop()


def test_prints_what_a_client_sends(hub):
    with hub.connect() as client:
        name = "{}:{}".format(*client.getsockname())
        hub.wait_for(f"^Accepted connection from: {name}$")
        client.sendall("grüß dich\n".encode())
        hub.wait_for(f"^This is what {name} sent: grüß dich$")
    hub.wait_for(f"^Closed connection from: {name}$")


def test_a_word_that_never_comes_is_told(hub):
    with pytest.raises(AssertionError, match="did not come"):
        hub.wait_for("no such line", timeout=0.01)


def test_removes_its_socket_file(start_hub, tmp_path):
    path = tmp_path / "hub.sock"
    hub = start_hub(f"unix:{path}")
    assert path.is_socket()
    hub.stop()
    assert not path.exists()


def test_listens_beyond_the_machine_only_when_told(ferry, start_hub):
    refused = ferry("listen", "tcp:*:0")
    assert refused.returncode == 77
    assert "--open" in refused.stderr
    assert start_hub("tcp:*:0", "--open").address.startswith("tcp:[::]:")
