"""ferry relay: bytes and ends, exact on both sides, whatever the kinds of sockets that are joined.

The client and the target are plain sockets of the test's own, one to one relay; or there are two
relays with another kind of socket between them, to which the first dials and on which the second
listens: so a kind is tested at both places, and what it loses of an end is seen.

FERRY_RELAY_BULK (MiB, 8 unless set; 256 is what was meant) makes what passes in bulk larger.
"""

import hashlib
import os
import re
import select
import socket
import sys

import pytest
from paths import FERRY
from relays import BLOCK, STREAMS, Side, bound, connect, has_ended, in_thread, relay, reset  # noqa: F401
from transports import TEST_MACHINE

BULK = int(os.environ.get("FERRY_RELAY_BULK", "8")) << 20

DIRECT = [f"{client}-{target}" for client in STREAMS for target in STREAMS]

# What stands between two relays, as the second is told to listen.
BETWEEN = {
    "abstract": "unix:@{name}",
    "seqpacket": "unix:{path}?type=seqpacket",
    "mptcp": "mptcp:127.0.0.1:0",
    "tls": "tls:localhost:0",
    "tls-unix": "tls+unix:{path}",
    "vsock": "vsock:local:0",
    "vsock-seqpacket": "vsock:local:0?type=seqpacket",
}
INHERITED = ["fd", "systemd"]  # what is bound by another process
RESETS = ["tcp-tcp", "mptcp", "tls", "tls-unix"]  # kinds that can say that something broke off
KINDS = [*DIRECT, *BETWEEN, *INHERITED, "child"]


def without_mptcp(kinds):
    """Of a reset that comes while data waits, Linux now and then tells MPTCP that one of its ways
    is gone, and it waits for another one: net.mptcp.close_timeout, a minute."""
    return [kind for kind in kinds if kind != "mptcp"]


# Binds a port, and becomes a relay from it.
INHERIT = """
import os, socket, sys
kind, program, target = sys.argv[1:]
made = socket.create_server(("127.0.0.1", 0))
print(f"Listening on tcp:127.0.0.1:{made.getsockname()[1]}", flush=True)
source = f"fd:{made.fileno()}"
made.set_inheritable(True)
if kind == "systemd":
    os.dup2(made.fileno(), 3)
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    source = "systemd:"
os.execv(program, [program, "relay", source, target])
"""


class Chain:
    """Relays that are one after the other: the address of the first is where they are reached."""

    def __init__(self, *programs):
        self.programs = programs
        self.address = programs[0].address

    def stop(self):
        for program in self.programs:
            program.stop()


@pytest.fixture
def way(relay, spawn, tmp_path):
    """Makes the way of one kind to the address of a target."""

    def between(kind, target):
        where = BETWEEN[kind].format(path=tmp_path / "between", name=f"{tmp_path.name}-{os.getpid()}")
        last = relay(where, target)
        return Chain(relay("tcp:127.0.0.1:0", last.address), last)

    def make(kind, target):
        if kind.startswith("vsock") and not TEST_MACHINE:
            pytest.skip("vsock is tested only inside a machine that the tests started")
        if kind in DIRECT:
            unix = kind.startswith("unix")
            return relay(f"unix:{tmp_path}/relay" if unix else "tcp:127.0.0.1:0", target)
        if kind in INHERITED:
            last = bound(spawn(sys.executable, "-c", INHERIT, kind, FERRY, target))
            return Chain(relay("tcp:127.0.0.1:0", last.address), last)
        if kind == "child":  # whose standard input and output are the way
            return relay("tcp:127.0.0.1:0", f"exec:exec {FERRY} relay - {target}")
        return between(kind, target)

    return make


# A packet of vsock for which there is room in part is sent in part, and Linux says that it was not:
# who cannot wait within the call (a loop) sends it again, and the part is there twice.
WHOLE = pytest.mark.parametrize("joined", [k for k in KINDS if k != "vsock-seqpacket"], indirect=True)


@pytest.fixture(params=KINDS)
def joined(request, way, tmp_path):
    """Both ends of a connection through a relay, or two, and these."""
    unix = request.param in ("tcp-unix", "unix-unix")
    target = Side("unix" if unix else "tcp", tmp_path)
    relays = way(request.param, target.address)
    with connect(relays.address) as here, target.accept() as there:
        yield here, there, relays
    target.socket.close()


def read_all(connection, size=1 << 18):
    """What comes until the end: length and hash."""
    length, digest = 0, hashlib.sha256()
    while data := connection.recv(size):
        length += len(data)
        digest.update(data)
    return length, digest.hexdigest()


def expected(total):
    digest = hashlib.sha256()
    for _ in range(total // len(BLOCK)):
        digest.update(BLOCK)
    return total, digest.hexdigest()


def write_bulk(connection, total):
    for _ in range(total // len(BLOCK)):
        connection.sendall(BLOCK)
    connection.shutdown(socket.SHUT_WR)


@WHOLE
def test_bulk_both_ways_at_once(joined):
    here, there, relays = joined
    tasks = [in_thread(write_bulk, side, BULK) for side in (here, there)]
    reads = [in_thread(read_all, side) for side in (here, there)]
    for task in tasks:
        task()
    assert [read() for read in reads] == [expected(BULK)] * 2
    relays.stop()


def test_a_slow_reply_after_our_end(joined):
    here, there, _ = joined
    here.sendall(b"question")
    here.shutdown(socket.SHUT_WR)
    assert there.recv(100) == b"question"
    assert has_ended(there)
    for word in (b"slow", b" answer"):
        there.sendall(word)
        assert here.recv(100) == word
    there.close()
    assert has_ended(here)


def test_the_target_ends_first(joined):
    here, there, _ = joined
    there.sendall(b"greeting")
    there.shutdown(socket.SHUT_WR)
    assert here.recv(100) == b"greeting"
    assert has_ended(here)
    for word in (b"and", b" yet"):
        here.sendall(word)
        assert there.recv(100) == word
    here.close()
    assert has_ended(there)


@WHOLE
@pytest.mark.parametrize("who", ["client", "target"])
def test_a_slow_reader_gets_all(joined, who):
    here, there, _ = joined
    reader, writer = (here, there) if who == "client" else (there, here)
    writing = in_thread(write_bulk, writer, BULK)
    # Nobody reads before the writer is held up, by the kernel's buffers and the relay's, or done.
    while not writing.done() and select.select([], [writer], [], 0.2)[1]:
        pass
    assert in_thread(read_all, reader, 1 << 14)() == expected(BULK)
    writing()


@pytest.mark.parametrize("who", ["client", "target"])
def test_a_slow_writer(joined, who):
    here, there, _ = joined
    writer, reader = (here, there) if who == "client" else (there, here)
    for i in range(256):
        writer.sendall(bytes([i]))
        assert reader.recv(10) == bytes([i])
    writer.close()
    assert has_ended(reader)


@pytest.mark.parametrize("who", ["client", "target"])
def test_closed_in_the_middle(joined, who):
    here, there, relays = joined
    writer, reader = (here, there) if who == "client" else (there, here)
    writer.sendall(BLOCK[:100_000])
    got = 0
    while got < 100_000:
        got += len(reader.recv(100_000))
    writer.close()
    assert has_ended(reader)
    reader.close()
    relays.stop()


@pytest.mark.parametrize("joined", without_mptcp(KINDS), indirect=True)
@pytest.mark.parametrize("who", ["client", "target"])
def test_a_reader_that_leaves_ends_the_writer(joined, who):
    here, there, relays = joined
    writer, reader = (here, there) if who == "client" else (there, here)
    writer.sendall(b"x")
    assert reader.recv(1) == b"x"
    reader.close()
    assert has_ended(writer)
    with pytest.raises(ConnectionError):
        while True:
            writer.sendall(BLOCK)
    writer.close()
    relays.stop()


def test_what_was_answered_early_arrives(joined):
    """A server that answers and leaves while the client still sends (HTTP 413)."""
    here, there, _ = joined
    here.sendall(b"part of a request")
    assert there.recv(100)
    there.sendall(b"answer")
    there.shutdown(socket.SHUT_WR)
    assert here.recv(100) == b"answer"
    assert has_ended(here)


@pytest.mark.parametrize("kind", RESETS)
@pytest.mark.parametrize("who", ["client", "target"])
def test_a_reset_is_handed_on(way, tmp_path, kind, who):
    target = Side("tcp", tmp_path)
    relays = way(kind, target.address)
    with connect(relays.address) as here, target.accept() as there:
        failing, other = (here, there) if who == "client" else (there, here)
        failing.sendall(b"last words")
        assert other.recv(100) == b"last words"
        reset(failing)
        with pytest.raises(ConnectionResetError):
            other.recv(1)
    relays.stop()


@pytest.mark.parametrize("kind", without_mptcp(RESETS))
def test_a_reset_reaches_a_writer_that_is_held_up(way, tmp_path, kind):
    target = Side("tcp", tmp_path)
    relays = way(kind, target.address)
    with connect(relays.address) as here, target.accept() as there:
        here.setblocking(False)
        while select.select([], [here], [], 0.2)[1]:
            here.send(BLOCK)
        reset(here)
        with pytest.raises(ConnectionResetError):
            read_all(there)
    relays.stop()


NOBODY = {
    "tcp": "tcp:127.0.0.1:1",
    "tls": "tls:127.0.0.1:1",
    "unix": "unix:none",
    "abstract": "unix:@nobody-is-there",
    "seqpacket": "unix:none?type=seqpacket",
    "dgram": "unix:none?type=dgram",
    "monitor": "vsock+unix:none:80",
}


@pytest.mark.parametrize("kind", NOBODY)
def test_a_refused_target_is_no_orderly_end(relay, kind):
    program = relay("tcp:127.0.0.1:0", NOBODY[kind])
    # The reset may be there before connect(2) has returned.
    with pytest.raises(ConnectionResetError), connect(program.address) as here:
        here.recv(1)
    program.stop()
    assert f"cannot connect to {NOBODY[kind]}: ".encode() in program.errors
