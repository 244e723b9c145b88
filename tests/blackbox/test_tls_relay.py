"""Relay to and from TLS, and wait for it."""

import contextlib
import hashlib
import os
import signal
import socket
import threading

import pytest
from peer import Peer
from paths import SANITIZED
from program import PATIENCE
from tls import Authority, TlsPeer, pinned

BULK = 8_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def files(authority):
    return authority.issue("relay")


@pytest.fixture
def target():
    """Gives back what it gets, and the digest of it at the end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(s):
        digest = hashlib.sha256()
        with s, contextlib.suppress(ConnectionError):
            while data := s.recv(1 << 16):
                digest.update(data)
                s.sendall(data)
            s.sendall(digest.hexdigest().encode())

    def accept():
        try:
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    yield f"tcp:127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def relay(start):
    """Starts one, and gives the address it listens on."""

    def run(source, *words):
        program = start("relay", "--json", source, *words)
        found = program.wait_for(r'"listening","address":"([^"]+)"')
        program.address = found[1].decode().replace("localhost", "127.0.0.1")
        return program

    return run


@pytest.fixture
def ending(relay, files, target):
    return relay(f"tls:localhost:0?cert={files[0]}&key={files[1]}", target)


def exchange(send, receive, end, data):
    """What comes back for DATA, sent meanwhile."""
    got = bytearray()

    def read():
        while piece := receive(1 << 16):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    send(data)
    end()
    reader.join(PATIENCE)
    return bytes(got)


def through(peer, data):
    s = peer.socket
    return exchange(s.sendall, s.recv, lambda: s.shutdown(socket.SHUT_WR), data)


def proof(data):
    return data + hashlib.sha256(data).hexdigest().encode()


def test_it_ends_and_begins_tls(ending, relay, authority):
    """Two relays, TLS between them: what goes in comes out, and each end by itself."""
    address = ending.address.replace("127.0.0.1", "localhost")
    begin = relay("tcp:localhost:0", address, f"--ca={authority.path}")
    for size in (0, 1, 100_000, BULK):
        data = os.urandom(size)
        with Peer(begin.address) as peer:
            assert through(peer, data) == proof(data)


def test_many_at_once(ending, authority):
    right = []

    def one(n):
        data = os.urandom(10_000 + n)
        with TlsPeer(ending.address, authority.context()) as peer:
            peer.send(data)
            right.append(peer.read(len(data)) == data)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(PATIENCE)
    assert right == [True] * 50


def test_a_client_that_does_not_read_costs_little(ending, authority):
    """All of it comes, but the relay holds no more than a few blocks meanwhile."""
    data = os.urandom(60_000_000)
    with TlsPeer(ending.address, authority.context()) as peer:
        sender = threading.Thread(target=lambda: peer.socket.sendall(data))
        sender.start()
        got = bytearray()
        while len(got) < len(data):
            got += peer.socket.recv(1 << 16)
        sender.join(PATIENCE)
        assert got == data
    assert SANITIZED or ending.memory("VmHWM") < 40_000_000


def test_the_own_key(relay, target, ferry):
    program = relay("tls:localhost:0", target)
    assert program.address.endswith(ferry("key").stdout.strip())
    begin = relay("tcp:localhost:0", program.address)
    with Peer(begin.address) as peer:
        assert through(peer, b"hello") == proof(b"hello")


def test_reload_without_dropping_anyone(relay, target, authority, tmp_path):
    cert, key = tmp_path / "now.pem", tmp_path / "now.key"

    def put(name):
        for source, place in zip(authority.issue(name), (cert, key)):
            os.replace(source, place)
        return pinned(cert)

    first = put("first")
    program = relay(f"tls:localhost:0?cert={cert}&key={key}", target)
    begin = relay("tcp:localhost:0", f"{program.address}?pin={first}")
    with Peer(begin.address) as stays:
        stays.send("before")
        assert stays.read(6) == b"before"
        second = put("second")
        program.process.send_signal(signal.SIGHUP)
        program.wait_for_errors("read again")
        again = relay("tcp:localhost:0", f"{program.address}?pin={second}")
        with Peer(again.address) as peer:
            assert through(peer, b"hello") == proof(b"hello")
        digest = hashlib.sha256(b"beforeafter").hexdigest().encode()
        assert through(stays, b"after") == b"after" + digest


def test_who_speaks_no_tls_reaches_no_target(ending):
    with Peer(ending.address.replace("tls:", "tcp:")) as peer:
        peer.send("GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while peer.socket.recv(100):
                pass
    ended = ending.wait_for(r'.*"end":.*').group()
    assert b'"end":"refused"' in ended and b'"to":""' in ended
    assert b"no TLS: it does not speak TLS" in ended


def test_a_target_that_may_not_be_trusted(ending, relay):
    wrong = f"{ending.address}?pin=sha256:{'A' * 43}"
    begin = relay("tcp:localhost:0", wrong)
    with pytest.raises(ConnectionResetError), Peer(begin.address) as peer:
        while peer.socket.recv(100):
            pass
    ended = begin.wait_for(r'"end":.*').group()
    assert b'"unreachable"' in ended and b"it is not the hub that the pin names" in ended


def test_the_next_target_is_tried(ending, relay, files):
    wrong = f"{ending.address}?pin=sha256:{'A' * 43}"
    right = f"{ending.address}?pin={pinned(files[0])}"
    begin = relay("tcp:localhost:0", wrong, "--or", right)
    with Peer(begin.address) as peer:
        assert through(peer, b"hello") == proof(b"hello")


def test_what_is_cut_off_is_reset(relay, authority, files):
    """An end without close_notify never looks like an end at the other side."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    program = relay(f"tls:localhost:0?cert={files[0]}&key={files[1]}", f"tcp:127.0.0.1:{port}")
    peer = TlsPeer(program.address, authority.context())
    peer.send("half")
    s, _ = listener.accept()
    s.settimeout(PATIENCE)
    assert s.recv(100) == b"half"
    peer.socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ConnectionResetError):
        s.recv(100)
    assert b'"reset by from"' in program.wait_for(r'"end":.*').group()
    s.close()
    listener.close()


def test_the_proxy_header_stands_before_tls(relay, files, target, authority):
    """To a target, and from one who connects."""
    last = relay(f"tls:localhost:0?cert={files[0]}&key={files[1]}&proxy=v2", target)
    address = last.address.replace("127.0.0.1", "localhost").replace("?proxy=v2", "")
    begin = relay("tcp:localhost:0", address, "--send-proxy", "v2", f"--ca={authority.path}")
    with Peer(begin.address) as peer:
        name = peer.name
        assert through(peer, b"hello") == proof(b"hello")
    assert f'"from":"{name}"'.encode() in last.wait_for(r'.*"end":.*').group()


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["tls:localhost:0?cert=missing", "1"], 69, "cannot read missing"),
        (["0", "tls:localhost:1", "--ca=missing"], 69, "cannot read missing"),
        (["0", "tls:localhost:1", "--pin=none"], 64, "a pin is sha256:"),
    ],
)
def test_misused(ferry, words, status, said):
    result = ferry("relay", *words)
    assert result.returncode == status and said in result.stderr


# ---- wait ----


def test_wait_until_the_handshake_is_done(ferry, ending, authority, files):
    address = ending.address.replace("127.0.0.1", "localhost")
    assert ferry("wait", address, f"--ca={authority.path}").returncode == 0
    assert ferry("wait", f"{address}?pin={pinned(files[0])}").returncode == 0
    refused = ferry("wait", f"{address}?pin=sha256:{'A' * 43}")
    assert refused.returncode == 77 and "no TLS: it is not the hub" in refused.stderr
    bare = socket.create_server(("127.0.0.1", 0))
    late = ferry("wait", f"tls:localhost:{bare.getsockname()[1]}", "--timeout", "300ms")
    assert late.returncode == 124
    bare.close()


def test_wait_for_what_is_said_behind_tls(ferry, start_hub, files):
    hub = start_hub("tls:localhost:0", f"--cert={files[0]}", f"--key={files[1]}")
    address = f"{hub.address}?pin={pinned(files[0])}"
    assert ferry("wait", "--http", "/status", address).returncode == 0
