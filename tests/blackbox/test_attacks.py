"""Clients that want the hub to fail others: slow ones, many, hasty ones. Each is told or closed and
counted, and whoever behaves is served as ever. What it costs those is measured by `bench/run attacks`."""

import os
import re
import resource
import select
import socket
import ssl
import threading
import time

import pytest
from peer import Peer
from program import PATIENCE
from tls import client_hello
from web import HOST, Answer, ask

MS = 300
HANDSHAKES = int(os.environ.get("FERRY_TEST_HANDSHAKES", "20000"))
ELSEWHERE = "127.0.0.2"  # another address of this machine


@pytest.fixture
def impatient(start_hub):
    return start_hub("tcp:localhost:0", f"--patience={MS}ms")


def figures(hub):
    with hub.peer(hub.addresses[-1]) as peer:
        return ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json


def wait_for_figure(hub, name, value):
    end = time.monotonic() + PATIENCE
    while figures(hub)[name] != value:
        assert time.monotonic() < end, f"{name} is {figures(hub)[name]}, not {value}"


def answers(peer, seconds):
    return bool(select.select([peer.socket], [], [], seconds)[0])


def trickle(peer, seconds=0.02):
    """Sends a byte now and then, until the hub says something."""
    while not answers(peer, seconds):
        peer.send("x")


SLOW = [
    f"GET /status HTTP/1.1\r\n{HOST}X-Long: ",
    f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 100000\r\n\r\n",
]


@pytest.mark.parametrize("beginning", SLOW, ids=["head", "body"])
def test_slow_request(impatient, beginning):
    with impatient.peer() as slow, impatient.peer() as still:
        slow.send(beginning)
        still.send(beginning)
        trickle(slow)
        for peer in (slow, still):
            assert Answer(peer).status == 408
            peer.end()
    now = figures(impatient)
    assert (now["too_slow"], now["messages_in"]) == (2, 0)


def test_a_body_that_passes_through_may_take_its_time(impatient):
    with impatient.peer() as peer:
        peer.send(
            f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Type: application/x-ndjson\r\n"
            'Content-Length: 30\r\n\r\n{"text":"one"}\n'
        )
        assert not answers(peer, 3 * MS / 1000)
        peer.send('{"text":"two"}\n')
        assert Answer(peer).json["count"] == 2
    assert figures(impatient)["too_slow"] == 0


def test_an_idle_client_owes_nothing(impatient):
    with impatient.peer() as peer, impatient.peer() as listener:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200
        listener.send("\n")
        assert not answers(peer, 3 * MS / 1000)
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json["too_slow"] == 0


def test_answers_that_nobody_reads(impatient):
    with Peer(impatient.address, receive_buffer=4096) as peer:
        peer.socket.setblocking(False)
        request = f"GET / HTTP/1.1\r\n{HOST}\r\n".encode()
        while select.select([], [peer.socket], [], MS / 1000)[1]:
            try:
                peer.socket.send(request * 50)
            except ConnectionError:
                break
        wait_for_figure(impatient, "too_slow", 1)
    wait_for_figure(impatient, "clients", 1)


def test_a_file_that_nobody_reads(start_hub, tmp_path):
    (tmp_path / "files").mkdir()
    with open(tmp_path / "files/large", "wb") as file:
        file.truncate(64 << 20)
    hub = start_hub("tcp:localhost:0", f"--patience={MS}ms", f"--files={tmp_path}/files")
    with Peer(hub.address, receive_buffer=4096) as still, hub.peer() as reader:
        for peer in (still, reader):
            peer.send(f"GET /files/large HTTP/1.1\r\n{HOST}\r\n")
            peer.until(b"\r\n\r\n")
        while figures(hub)["too_slow"] != 1:
            reader.read(4 << 10)
        reader.read(1 << 20)


def connect_from(source, port):
    peer = socket.socket()
    peer.settimeout(PATIENCE)
    peer.bind((source, 0))
    peer.connect(("127.0.0.1", port))
    return peer


def test_many_from_one_address(start_hub):
    hub = start_hub("tcp:127.0.0.1:0", "--max-clients-per-address=10")
    crowd = [connect_from(ELSEWHERE, hub.port) for _ in range(1000)]
    wait_for_figure(hub, "crowded", 990)
    assert figures(hub)["clients"] == 11
    with hub.peer() as peer:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200
    for peer in crowd[:10]:  # those that came first stay
        peer.sendall(f"GET /status HTTP/1.1\r\n{HOST}\r\n".encode())
        assert peer.recv(12) == b"HTTP/1.1 200"
    for peer in crowd:
        peer.close()
    wait_for_figure(hub, "clients", 1)
    with connect_from(ELSEWHERE, hub.port) as peer:
        peer.sendall(f"GET /status HTTP/1.1\r\n{HOST}\r\n".encode())
        assert peer.recv(12) == b"HTTP/1.1 200"


def test_one_too_many_is_told(start_hub, ferry):
    hub = start_hub("tcp:127.0.0.1:0", "--max-clients-per-address=1")
    with hub.peer() as first:
        assert ask(first, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200
        with hub.peer() as second:
            answer = ask(second, f"GET /status HTTP/1.1\r\n{HOST}\r\n")
            assert (answer.status, answer["retry-after"]) == (429, "1")
        with hub.peer() as plain:
            plain.send("hello\n")
            assert b"from your address" in plain.line()
            plain.end()
        for words in (["send", hub.address, "hi"], ["status", hub.address]):
            result = ferry(*words)
            assert (words, result.returncode) == (words, 75)
            assert "from your address" in result.stderr


def raise_limit(count):
    """As many descriptors as may be had, up to what is wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(max(soft, count + 500), hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return min(count, wanted - 500)


# Half a hello, which costs no handshake; a whole one with nothing behind it, which makes the hub sign.
HELLOS = {"half": client_hello()[:100], "whole": client_hello()}


@pytest.mark.parametrize("hello", HELLOS.values(), ids=HELLOS)
def test_half_open_handshakes(start_hub, tmp_path, hello):
    """Whoever comes from elsewhere gets in as if those who end nothing were not there."""
    count = raise_limit(HANDSHAKES)
    hub = start_hub("tls:127.0.0.1:0", f"unix:{tmp_path}/hub")
    port = int(re.match(r"tls:127.0.0.1:(\d+)", hub.address)[1])
    half_open = []
    for at in range(count):
        half_open.append(connect_from(f"127.0.0.{2 + at // 5000}", port))
        half_open[-1].sendall(hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connect_from("127.0.0.1", port) as behind, context.wrap_socket(behind) as peer:
        peer.sendall(f"GET /status HTTP/1.1\r\n{HOST}\r\n".encode())
        assert peer.recv(12) == b"HTTP/1.1 200"
    now = figures(hub)
    assert (now["tls_handshakes"], now["tls_failed"]) == (1, 0)
    if hello == HELLOS["half"]:
        assert (now["tls_under_way"], now["tls_waiting"]) == (0, 0)
    else:
        assert 128 <= now["tls_under_way"] <= 600 < now["tls_waiting"]
    for peer in half_open:
        peer.close()


def test_rate_over_http(start_hub):
    """Coming anew brings no new allowance."""
    hub = start_hub("tcp:localhost:0", "--max-rate=20")
    post = f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nhi"
    statuses = []
    for _ in range(30):
        with hub.peer() as peer:
            statuses.append(ask(peer, post).status)
    stored = statuses.count(200)
    assert 20 <= stored < 30 and set(statuses) == {200, 429}
    now = figures(hub)
    assert (now["messages_in"], now["throttled"]) == (stored, 30 - stored)


@pytest.mark.parametrize("option", ["--max-rate=100", "--max-bandwidth=2048"])
def test_rate_of_a_stream_loses_nothing(start_hub, option):
    """A burst is taken; what comes behind it waits until it is paid for, and then comes in order."""
    hub = start_hub("tcp:localhost:0", option)
    with hub.peer() as peer:
        peer.send("a line of some twenty bytes\n" * 150)
        wait_for_figure(hub, "messages_in", 150)
        before = time.monotonic()
        peer.send("last\n" * 10)
        wait_for_figure(hub, "messages_in", 160)
        assert time.monotonic() - before > 0.3
    assert figures(hub)["throttled"] > 0


def test_who_waits_for_its_rate_is_not_idle(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-bandwidth=2048", "--idle-timeout=200ms")
    with hub.peer() as peer:
        peer.send("x" * 4000 + "\n")
        hub.wait_for("sent: xxx")
        peer.send("last\n")
        hub.wait_for("sent: last$")


def took(action):
    before = time.monotonic()
    result = action()
    return result, time.monotonic() - before


def test_rate_of_requests(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-rate=20")
    answers = []
    for _ in range(30):
        with hub.peer() as peer:
            answers.append(ask(peer, f"POST /services/none HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n"))
    passed = [answer.status for answer in answers].count(503)
    refused = [answer for answer in answers if answer.status == 429]
    assert 20 <= passed < 30 and len(refused) == 30 - passed
    assert all(answer["retry-after"] == "1" for answer in refused)
    assert figures(hub)["throttled"] == len(refused)


def test_rate_of_files_loses_none(start_hub, tmp_path):
    """Each waits for its turn, whether it comes on a new connection or asks first."""
    (tmp_path / "files").mkdir()
    hub = start_hub("tcp:localhost:0", "--max-rate=5", f"--files={tmp_path}/files")

    def store(name):
        with hub.peer() as peer:
            peer.send(f"PUT /files/{name} HTTP/1.1\r\n{HOST}Content-Length: 2\r\n")
            peer.send("Expect: 100-continue\r\n\r\n")
            assert peer.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
            peer.send("hi")
            return Answer(peer).status

    def fetch(name):
        with hub.peer() as peer:
            return ask(peer, f"GET /files/{name} HTTP/1.1\r\n{HOST}\r\n").body

    assert [store(name) for name in range(4)] == [201] * 4
    (stored, fetched), seconds = took(lambda: ([store(4)], [fetch(name) for name in range(5)]))
    assert (stored, fetched) == ([201], [b"hi"] * 5)
    assert seconds > 0.3 and figures(hub)["throttled"] > 0


DATA = os.urandom(600_000)


def test_bandwidth_of_files(start_hub, tmp_path):
    """They move no faster than they may, and that is not taken for a client that is too slow."""
    (tmp_path / "files").mkdir()
    hub = start_hub("tcp:localhost:0", "--max-bandwidth=300K", "--patience=200ms", f"--files={tmp_path}/files")
    with hub.peer() as peer:
        peer.send(f"PUT /files/data HTTP/1.1\r\n{HOST}Content-Length: {len(DATA)}\r\n\r\n".encode() + DATA)
        assert Answer(peer).status == 201
        answer, seconds = took(lambda: ask(peer, f"GET /files/data HTTP/1.1\r\n{HOST}\r\n"))
    assert answer.body == DATA and seconds > 1
    now = figures(hub)
    assert now["throttled"] > 0 and now["too_slow"] == 0


def test_bandwidth_of_services(start_hub, tmp_path):
    """Over Unix sockets each connection has an account of its own: the asker's pays for the request,
    the server's for the reply."""
    hub = start_hub(f"unix:{tmp_path}/hub", "--max-bandwidth=200K")
    with hub.peer() as asker, hub.peer() as server:
        server.send(f"POST /services/up/next HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n")
        with hub.peer() as onlooker:
            while not ask(onlooker, f"GET /services/ HTTP/1.1\r\n{HOST}\r\n").json:
                pass
        request = f"POST /services/up HTTP/1.1\r\n{HOST}Content-Length: {len(DATA)}\r\n\r\n".encode()
        sending = threading.Thread(target=asker.send, args=(request + DATA,))
        sending.start()
        given, seconds = took(lambda: Answer(server))
        sending.join()
        assert given.body == DATA and seconds > 0.5
        name = given["request-id"]
        reply = f"POST /services/up/replies/{name} HTTP/1.1\r\n{HOST}Content-Length: {len(DATA)}\r\n\r\n"
        sending = threading.Thread(target=server.send, args=(reply.encode() + DATA,))
        sending.start()
        answer, seconds = took(lambda: Answer(asker))
        sending.join()
        assert answer.body == DATA and seconds > 0.5
