"""TLS at the hub: the same port for plain and TLS, with openssl, curl and Python as clients."""

import asyncio
import os
import re
import signal
import socket
import ssl
import subprocess

import pytest
import websockets
from peer import Peer, place
from program import PATIENCE
from tls import RSA, Authority, TlsPeer, client_hello, openssl, pinned, plain
from web import ask

GET = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def files(authority):
    """The hub's certificate and key."""
    return authority.issue("hub")


def options(files):
    return f"--cert={files[0]}", f"--key={files[1]}"


@pytest.fixture
def both(start_hub, files):
    """One port, plain and TLS."""
    return start_hub("tcp:localhost:0", *options(files))


@pytest.fixture
def only(start_hub, files):
    return start_hub("tls:localhost:0", *options(files))


def s_client(hub, *words, typed=b"", text=True):
    """What openssl says, and how it ends."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"localhost:{hub.port}", *words],
        input=typed,
        capture_output=True,
        timeout=20,
    )
    return result.returncode, (result.stdout + result.stderr).decode(errors="replace")


# ---- one port, every wire ----


def test_plain_and_tls_on_one_port(both, authority):
    with Peer(both.address) as bare, TlsPeer(both.address, authority.context()) as secret:
        bare.send("hello\n")
        both.wait_for("sent: hello")
        secret.send("how do you do\n")
        assert bare.line().endswith(b": how do you do")
        bare.send("fine\n")
        assert secret.line().endswith(b": fine")
    with Peer(both.address) as bare, TlsPeer(both.address, authority.context()) as secret:
        assert ask(bare, GET).status == 200 and ask(secret, GET).status == 200


def test_websocket_over_tls(both, authority):
    async def talk():
        url = f"wss://localhost:{both.port}/topics/lobby"
        async with websockets.connect(url, ssl=authority.context()) as one:
            async with websockets.connect(url, ssl=authority.context()) as other:
                await one.send("hello")
                assert await other.recv() == "hello"
                await other.send("x" * 500_000)
                assert await one.recv() == "x" * 500_000

    asyncio.run(asyncio.wait_for(talk(), 20))


def test_a_client_that_ends_is_told_the_end(both, authority):
    secret = TlsPeer(both.address, authority.context())
    secret.send("last words")  # without a line end
    secret.socket.unwrap().close()  # close_notify both ways
    both.wait_for("sent: last words")
    both.wait_for("Closed connection")


def test_what_is_cut_off_is_no_request(both, authority):
    """TLS that does not end is no end of a body."""
    secret = TlsPeer(both.address, authority.context())
    secret.send("POST /topics/lobby HTTP/1.0\r\nContent-Length: 10\r\n\r\nhalf")
    secret.socket.shutdown(socket.SHUT_RDWR)  # the connection's, not that of TLS
    both.wait_for("Closed connection")
    assert b"half" not in both.output


def test_a_handshake_byte_by_byte(both, authority):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with Peer(both.address) as bare:

        def step(call):
            while True:
                try:
                    return call()
                except ssl.SSLWantReadError:
                    bare.send_bytewise(outgoing.read())
                    incoming.write(bare.socket.recv(1 if tls.version() else 1 << 16))

        step(tls.do_handshake)
        tls.write(GET.encode())
        bare.send_bytewise(outgoing.read())
        assert step(lambda: tls.read(1 << 16)).startswith(b"HTTP/1.1 200")


# ---- addresses ----


def test_a_tls_address_takes_nothing_else(only, authority):
    with Peer(plain(only.address)) as bare:
        bare.send("hello\n")
        assert bare.rest() == b""
    with TlsPeer(only.address, authority.context()) as secret:
        secret.send("hello\n")
        only.wait_for("sent: hello$")
    only.wait_for_errors("no TLS: it does not speak TLS")


def test_the_address_of_an_own_key_has_its_pin(start_hub, ferry):
    hub = start_hub("tls:localhost:0")
    pin = ferry("key").stdout.strip()
    assert hub.address.endswith(f"?pin={pin}")
    assert ferry("send", hub.address, "hello").returncode == 0
    hub.wait_for("sent: hello$")


def test_a_hub_without_a_key_says_what_to_do(hub):
    status, said = s_client(hub)
    assert status == 1 and "alert handshake failure" in said
    with Peer(hub.address) as bare:
        assert ask(bare, GET).json["tls_failed"] == 1
    hub.wait_for_errors("this hub has no key; give it one with --cert FILE")


def test_unix_sockets(start_hub, files, ferry, tmp_path):
    hub = start_hub(f"tls+unix:{tmp_path}/s", *options(files))
    assert hub.address == f"tls+unix:{tmp_path}/s"
    address = f"{hub.address}?pin={pinned(files[0])}"
    assert ferry("send", address, "hello").returncode == 0
    hub.wait_for("sent: hello$")


@pytest.mark.parametrize("address", ["tls:localhost:0?type=dgram", "tls+unix:/x?type=seqpacket"])
def test_packets_carry_no_tls(ferry, address):
    result = ferry("listen", address)
    assert result.returncode == 64
    assert "takes no option 'type'" in result.stderr


def test_a_proxy_names_the_client_before_tls(start_hub, files, authority):
    hub = start_hub("tls:localhost:0?proxy=v1", *options(files))
    bare = Peer(plain(hub.address))
    bare.send("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")
    secret = authority.context().wrap_socket(bare.socket, server_hostname="localhost")
    secret.sendall(b"hello\n")
    hub.wait_for("This is what 192.0.2.7:4711 sent: hello$")
    secret.close()


# ---- what curl and openssl make of it ----


def curl(hub, *words, host="localhost"):
    command = ["curl", "-sS", "--max-time", "20", *words, f"https://{host}:{hub.port}/status"]
    return subprocess.run(command, capture_output=True, text=True)


def test_curl_checks_authority_and_name(only, authority, start_hub):
    assert '"clients":1' in curl(only, "--cacert", authority.path).stdout
    assert curl(only).returncode == 60
    wrong = start_hub("tls:localhost:0", *options(authority.issue("other", "DNS:example.org")))
    assert curl(wrong, "--cacert", authority.path).returncode == 60


def test_curl_knows_a_pin(only, files):
    digest = pinned(files[0])[7:].replace("-", "+").replace("_", "/") + "="
    assert curl(only, "-k", "--pinnedpubkey", f"sha256//{digest}").returncode == 0
    assert curl(only, "-k", "--pinnedpubkey", f"sha256//{'A' * 43}=").returncode == 90


def test_a_chain_leads_to_the_authority(start_hub, authority):
    hub = start_hub("tls:localhost:0", *options(authority.issue_chain()))
    assert curl(hub, "--cacert", authority.path).returncode == 0


ACCEPTED = {
    "-tls1_3": "TLSv1.3",
    "-tls1_2": "TLSv1.2",
    "-ciphersuites TLS_AES_128_GCM_SHA256": "TLS_AES_128_GCM_SHA256",
    "-ciphersuites TLS_AES_256_GCM_SHA384": "TLS_AES_256_GCM_SHA384",
    "-ciphersuites TLS_CHACHA20_POLY1305_SHA256": "TLS_CHACHA20_POLY1305_SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "-groups X25519": "X25519",
    "-groups P-256": "prime256v1",
    "-alpn http/1.1": "ALPN protocol: http/1.1",
    "-alpn h2,http/1.1": "ALPN protocol: http/1.1",
}

REFUSED = [
    "-tls1_1 -cipher DEFAULT@SECLEVEL=0",
    "-tls1 -cipher DEFAULT@SECLEVEL=0",
    "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA",
    "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256",
    "-tls1_2 -cipher ECDHE-ECDSA-AES256-CCM",
    "-tls1_2 -cipher AES128-GCM-SHA256",
    "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256",
    "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256",  # the key is none of RSA
    "-tls1_2 -cipher aNULL:eNULL@SECLEVEL=0",
    "-alpn h2",
]


@pytest.mark.parametrize("words", ACCEPTED)
def test_accepted(only, words):
    status, said = s_client(only, *words.split())
    assert status == 0 and ACCEPTED[words] in said
    assert "Compression: NONE" in said


@pytest.mark.parametrize("words", REFUSED)
def test_refused(only, words):
    status, said = s_client(only, *words.split())
    assert status == 1 and "Cipher is (NONE)" in said, said
    assert "SSL alert number" in said, "it is the hub that refuses"


def test_a_key_of_rsa(start_hub, authority):
    hub = start_hub("tls:localhost:0", *options(authority.issue("rsa", kind=RSA)))
    for words in ("-tls1_3", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"):
        assert s_client(hub, *words.split())[0] == 0
    assert s_client(hub, "-tls1_2", "-cipher", "AES128-GCM-SHA256")[0] == 1


def test_no_renegotiation(only):
    status, said = s_client(only, "-tls1_2", "-quiet", "-no_ign_eof", typed=b"R\n")
    assert status == 1 and "no renegotiation" in said


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tickets(only, authority, version):
    limit = getattr(ssl.TLSVersion, version)
    context = authority.context(maximum_version=limit, minimum_version=limit)
    with TlsPeer(only.address, context) as first:
        ask(first, GET)
        session = first.socket.session
    with TlsPeer(only.address, context, session=session) as again:
        assert again.socket.session_reused
        answer = ask(again, GET).json
    assert (answer["tls_handshakes"], answer["tls_resumed"]) == (2, 1)


# ---- the key ----


def test_reload_without_dropping_anyone(start_hub, authority, tmp_path):
    cert, key = tmp_path / "hub.pem", tmp_path / "hub.key"

    def put(name):
        for source, target in zip(authority.issue(name), (cert, key)):
            os.replace(source, target)
        return pinned(cert)

    def shown():
        with TlsPeer(hub.address, authority.context()) as peer:
            (tmp_path / "shown").write_text(
                ssl.DER_cert_to_PEM_cert(peer.socket.getpeercert(binary_form=True))
            )
        return pinned(tmp_path / "shown")

    first = put("first")
    hub = start_hub("tls:localhost:0", f"--cert={cert}", f"--key={key}")
    assert shown() == first
    with TlsPeer(hub.address, authority.context()) as stays:
        stays.send("before\n")
        hub.wait_for("sent: before")
        second = put("second")
        hub.process.send_signal(signal.SIGHUP)
        hub.wait_for_errors("read again")
        assert shown() == second
        cert.write_text("nothing")
        hub.process.send_signal(signal.SIGHUP)
        hub.wait_for_errors("the key stays as it was")
        assert shown() == second
        stays.send("after\n")
        hub.wait_for("sent: after")


def test_keys_that_are_none(ferry, files, authority, tmp_path):
    cert, key = files
    other = authority.issue("another")[1]
    (tmp_path / "empty").touch()
    openssl("pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", tmp_path / "locked")
    for words, status, said in (
        ([f"--cert={cert}", f"--key={other}"], 64, "does not fit"),
        ([f"--key={key}"], 64, "--cert FILE"),
        (["--cert=missing"], 69, "cannot read missing"),
        (["--cert=empty"], 64, "holds no certificate"),
        ([f"--cert={cert}"], 64, "holds no private key"),
        ([f"--cert={cert}", "--key=locked"], 64, "without a password"),
    ):
        result = ferry("listen", "tls:localhost:0", *words)
        assert result.returncode == status and said in result.stderr, result.stderr


# ---- bounds ----


def test_a_handshake_has_ten_seconds(only, both, authority):
    """Whoever connects and says nothing, half a hello, or a hello and no more, is sent away."""
    silent, mute = Peer(plain(only.address)), Peer(plain(only.address))
    slow = Peer(both.address)
    slow.send(client_hello()[:100])
    mute.send(client_hello())
    assert silent.rest() == b"" and slow.rest() == b"" and mute.rest()[0] == 0x16
    for hub, late in (only, 2), (both, 1):
        with TlsPeer(hub.address, authority.context()) as peer:
            answer = ask(peer, GET).json
        assert (answer["tls_late"], answer["tls_under_way"]) == (late, 0)


def test_a_crowd_is_let_in_by_and_by(only, authority):
    """Handshakes are spread over many turns; all who come are served, in the end."""
    context = authority.context()

    async def visit():
        reader, writer = await asyncio.open_connection("localhost", only.port, ssl=context)
        writer.write(GET.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return head.startswith(b"HTTP/1.1 200")

    async def crowd():
        return await asyncio.gather(*(visit() for _ in range(300)))

    assert asyncio.run(asyncio.wait_for(crowd(), 20)) == [True] * 300
    with TlsPeer(only.address, context) as peer:
        answer = ask(peer, GET).json
    assert (answer["tls_handshakes"], answer["tls_under_way"]) == (301, 0)


def test_a_hello_in_pieces(both, authority):
    """It is kept until it is whole, however it is cut; what comes behind it is not lost."""
    with socket.create_connection(("127.0.0.1", both.port)) as s:
        hello, answer = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = authority.context().wrap_bio(answer, hello, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hello.read():
            s.sendall(bytes([byte]))
        while True:
            answer.write(s.recv(1 << 16))
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        s.sendall(hello.read())
    both.wait_for("Closed connection")


def test_hellos_with_nothing_behind(only, authority):
    """While many end nothing others begin slowly, but they do, those from the same place too."""
    hello, count = client_hello(), 200
    family, where = place(plain(only.address))
    mute = [socket.socket(family) for _ in range(count)]
    for s in mute:
        s.settimeout(PATIENCE)
        s.connect(where)
        s.sendall(hello)
    with TlsPeer(only.address, authority.context()) as peer:
        answer = ask(peer, GET).json
    assert (answer["tls_under_way"], answer["tls_waiting"]) == (count, 0)
    for s in mute:
        assert s.recv(1) == b"\x16"
        s.close()


def test_counted(only, authority):
    s_client(only, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    with TlsPeer(only.address, authority.context()) as peer:
        body = ask(peer, GET.replace("status", "metrics")).body.decode()
    assert re.search("^ferry_tls_handshakes_total 1$", body, re.MULTILINE)
    assert re.search("^ferry_tls_failed_total 1$", body, re.MULTILINE)
