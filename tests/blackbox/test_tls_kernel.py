"""TLS whose sending side is the kernel's, where it has that: tests/vm runs this in a machine that does."""

import hashlib
import random
import re
import socket
import ssl
import subprocess

import pytest
from peer import Peer
from program import PATIENCE
from tls import Authority, TlsPeer, pinned, plain
from web import ask

TCP_ULP = 31
LARGE = 5_000_003
STATUS = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"


def is_there():
    """A kernel without says so when a connection is to have it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as one:
            try:
                one.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
            except OSError:
                return False
    return True


pytestmark = pytest.mark.skipif(not is_there(), reason="no TLS in this kernel")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def key(authority):
    return authority.issue("hub")


@pytest.fixture(scope="module")
def large():
    return random.Random(7).randbytes(LARGE)


@pytest.fixture
def shared(tmp_path, large):
    directory = tmp_path / "files"
    directory.mkdir()
    (directory / "large").write_bytes(large)
    return directory


@pytest.fixture
def hub(start_hub, key, shared):
    words = f"--cert={key[0]}", f"--key={key[1]}", f"--files={shared}"
    return start_hub("tls:localhost:0", *words, "--trace", "-v")


def sessions():
    """How many the kernel has begun to send for."""
    with open("/proc/net/tls_stat") as stat:
        return int(re.search(r"TlsTxSw\s+(\d+)", stat.read())[1])


def get(name, more=""):
    return f"GET /files/{name} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"


def s_client(hub, *words, **options):
    command = ["openssl", "s_client", "-connect", f"localhost:{hub.port}", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)


CIPHERS = {
    "1.3 AES-256": ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"],
    "1.3 AES-128": ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
    "1.3 ChaCha20": ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
    "1.2 AES-256": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
    "1.2 AES-128": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
    "1.2 ChaCha20": ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
}


@pytest.mark.parametrize("words", CIPHERS.values(), ids=CIPHERS.keys())
def test_download(hub, large, words):
    before = sessions()
    with s_client(hub, "-quiet", *words, stderr=subprocess.DEVNULL) as client:
        said, _ = client.communicate(get("large", "Connection: close\r\n").encode(), PATIENCE)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and body == large
    assert client.returncode == 0
    assert sessions() == before + 1
    assert b"TCP_ULP, \"tls\") = 0" in hub.errors
    assert b"SOL_TLS, TLS_TX, " in hub.errors and b"sendfile(" in hub.errors


def test_is_counted(hub, authority):
    with TlsPeer(hub.address, authority.context()) as peer:
        answer = ask(peer, STATUS).json
    assert (answer["tls_handshakes"], answer["tls_kernel"]) == (1, 1)


def test_not_on_a_unix_socket(start_hub, key, tmp_path):
    hub = start_hub(f"tls+unix:{tmp_path}/s", f"--cert={key[0]}", f"--key={key[1]}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with TlsPeer(hub.address, context) as peer:
        answer = ask(peer, STATUS).json
    assert (answer["tls_handshakes"], answer["tls_kernel"]) == (1, 0)


def test_resumed(hub, authority):
    context = authority.context()
    session = None
    for _ in range(3):
        with TlsPeer(hub.address, context, session=session) as peer:
            answer = ask(peer, STATUS).json
            session = peer.socket.session
    assert (answer["tls_resumed"], answer["tls_kernel"]) == (2, 3)


def test_put_and_get(ferry, hub, key, large, tmp_path):
    """Both ends of it are ours: each sends by the kernel."""
    address = f"tls:localhost:{hub.port}?pin={pinned(key[0])}"
    (tmp_path / "up").write_bytes(large)
    before = sessions()
    put = ferry("put", address, "up", "--trace")
    assert put.returncode == 0, put.stderr
    assert "sendfile(" in put.stderr
    got = ferry("get", address, "up", "-o", "down")
    assert got.returncode == 0, got.stderr
    assert (tmp_path / "down").read_bytes() == large
    assert sessions() >= before + 4


def test_messages(ferry, start, hub, key):
    address = f"tls:localhost:{hub.port}?pin={pinned(key[0])}"
    follow = start("follow", address, "--since", "all", "--count", "200")
    said = [f"{n} {'x' * (n * 37 % 5000)}" for n in range(200)]
    assert ferry("send", address, input="\n".join(said)).returncode == 0
    follow.wait()
    heard = [line.partition(": ")[2] for line in follow.output.decode().splitlines()]
    missed = [n for n in range(200) if heard[n] != said[n]]
    assert not missed


@pytest.mark.parametrize("size", [0, 1, 16384, 300_000, LARGE])
def test_the_end_is_told_behind_all(hub, authority, shared, large, size):
    """A slow reader keeps the kernel's buffers full when the end comes."""
    (shared / "part").write_bytes(large[:size])
    context = authority.context()
    with Peer(plain(hub.address), receive_buffer=4096) as peer:
        with context.wrap_socket(
            peer.socket, server_hostname="localhost", suppress_ragged_eofs=False
        ) as s:
            s.sendall(get("part", "Connection: close\r\n").encode())
            said = b""
            while data := s.recv(10_000):
                said += data
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and body == large[:size]


def test_half_close(hub, authority):
    """What the client says last is heard behind its end, and answered."""
    with TlsPeer(hub.address, authority.context()) as other:
        other.send("\n")
        hub.wait_for_error("recv")
        with s_client(hub, "-quiet", "-no_ign_eof", stderr=subprocess.DEVNULL) as client:
            client.communicate(b"the last", PATIENCE)
        assert other.line().endswith(b": the last")


@pytest.fixture
def talker(spawn, hub):
    return spawn("openssl", "s_client", "-tls1_3", "-connect", f"localhost:{hub.port}")


def test_new_keys_of_the_peer(hub, talker):
    """Which it may take without asking us for the same."""
    for said in ("one\n", "two\n"):
        talker.type(said)
        hub.wait_for(f"sent: {said.strip()}")
        talker.type("k\n")
        talker.wait_for_error("KEYUPDATE")
    talker.type("three\n")
    hub.wait_for("sent: three")


def test_new_keys_that_are_asked_of_us(hub, talker, authority):
    """The kernel cannot take them: the connection ends in good order, and we say why."""
    with TlsPeer(hub.address, authority.context()) as other:
        talker.type("one\n")
        hub.wait_for("sent: one")
        other.send("two\n")
        talker.wait_for(": two$")
        talker.type("K\n")
        talker.wait_for_error("KEYUPDATE")
        talker.type("three\n")  # before which it is sent
        talker.wait_for("^closed$")
        talker.wait()
        hub.wait_for_error("it asked for new keys")
    with TlsPeer(hub.address, authority.context()) as another:
        assert ask(another, STATUS).status == 200


def test_relay_splices(start, key, authority, large):
    """From a plain target to a client over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        source = f"tls:localhost:0?cert={key[0]}&key={key[1]}"
        relay = start("relay", "--json", "--trace", source, f"tcp:127.0.0.1:{target.getsockname()[1]}")
        address = relay.wait_for(r'"listening","address":"([^"]+)"')[1].decode()
        with TlsPeer(address.replace("localhost", "127.0.0.1"), authority.context()) as client:
            with target.accept()[0] as served:
                client.send("go")
                assert served.recv(2) == b"go"
                served.sendall(large)
            assert hashlib.sha256(client.rest()).digest() == hashlib.sha256(large).digest()
    assert b"splice(" in relay.errors
