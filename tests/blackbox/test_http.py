"""HTTP/1.1 at the hub (RFC 9110, RFC 9112), with requests written by hand, and with curl."""

import json
import os
import re
import resource
import socket
import threading

import pytest
from web import HOST, Answer, ask, curl, name_of, serves_on

# ---- a table of requests, each with the one right answer ----

GOOD = [
    ("GET /status HTTP/1.1\r\n" + HOST, 200),
    ("GET /metrics HTTP/1.1\r\n" + HOST, 200),
    ("GET /topics/ HTTP/1.1\r\n" + HOST, 200),
    ("GET /topics/t?poll=1 HTTP/1.1\r\n" + HOST, 200),
    ("HEAD /status HTTP/1.1\r\n" + HOST, 200),
    ("HEAD /topics/t HTTP/1.1\r\n" + HOST, 200),
    ("OPTIONS /status HTTP/1.1\r\n" + HOST, 204),
    ("OPTIONS * HTTP/1.1\r\n" + HOST, 204),
    ("GET /status?x=y HTTP/1.1\r\n" + HOST, 200),
    ("GET http://localhost/status HTTP/1.1\r\nHost: localhost\r\n", 200),  # 9112 3.2.2
    ("GET HTTP://LOCALHOST/status HTTP/1.1\r\nHost: localhost\r\n", 200),
    ("GET /status HTTP/1.1\r\nHost: localhost:8080\r\n", 200),
    ("GET /status HTTP/1.1\r\nHost: [::1]:8080\r\n", 200),
    ("GET /status HTTP/1.1\r\nhOsT:\tlocalhost \t\r\n", 200),  # 9110 5.1, 5.5
    ("GET /status HTTP/1.9\r\n" + HOST, 200),  # 9110 2.5: as 1.1
    ("GET /status HTTP/1.1\r\n" + HOST + "X: a\xe9b\r\n", 200),  # 9110 5.5: obs-text
    ("GET /status HTTP/1.1\r\n" + HOST + "X-Empty:\r\n", 200),
    ("GET /t%6fpics/ HTTP/1.1\r\n" + HOST, 404),
    ("GET / HTTP/1.1\r\n" + HOST + "Accept: */*\r\n", 200),
    ("GET /nothing HTTP/1.1\r\n" + HOST, 404),
    ("GET /status/ HTTP/1.1\r\n" + HOST, 404),
    ("GET /topics HTTP/1.1\r\n" + HOST, 404),
    ("GET /topics/a%20b HTTP/1.1\r\n" + HOST, 400),  # no topic's name
    ("GET /topics/a/b HTTP/1.1\r\n" + HOST, 400),
    ("GET /topics/%zz HTTP/1.1\r\n" + HOST, 400),
    ("GET /topics/" + "n" * 129 + " HTTP/1.1\r\n" + HOST, 400),
    ("GET /topics/t?since=yesterday HTTP/1.1\r\n" + HOST, 400),
    ("GET /topics/t?poll=1 HTTP/1.1\r\n" + HOST + "Accept: image/png\r\n", 406),
    ("GET /topics/t?poll=1 HTTP/1.1\r\n" + HOST + "Accept: text/*;q=0\r\n", 406),
    ("POST /topics/t?name=%0a HTTP/1.1\r\n" + HOST, 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Idempotency-Key: " + "k" * 400 + "\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 0\r\n", 200),
    ("POST /status HTTP/1.1\r\n" + HOST, 405),
    ("DELETE /topics/t HTTP/1.1\r\n" + HOST, 405),
    ("PUT /topics/ HTTP/1.1\r\n" + HOST, 405),
    ("PATCH /metrics HTTP/1.1\r\n" + HOST, 405),
    ("TRACE /status HTTP/1.1\r\n" + HOST, 501),
    ("BREW /status HTTP/1.1\r\n" + HOST, 501),
]

# Those behind which nothing can be trusted: answered, and the connection ends.
BAD = [
    ("GET /status HTTP/1.1\r\n", 400),  # 9112 3.2: no Host
    ("GET /status HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost: a b\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost: user@localhost\r\n", 400),
    ("GET /status HTTP/1.1\r\nHost : localhost\r\n", 400),  # 9112 5.1
    ("GET /status HTTP/1.1\r\n" + HOST + " folded\r\n", 400),  # 9112 5.2: obs-fold
    ("GET /status HTTP/1.1\r\n Host: localhost\r\n", 400),  # 9112 2.2
    ("GET /status HTTP/1.1\r\n" + HOST + "No colon\r\n", 400),
    ("GET /status HTTP/1.1\r\n" + HOST + ": no name\r\n", 400),
    ("GET /status HTTP/1.1\r\n" + HOST + "X: a\0b\r\n", 400),
    ("GET /status HTTP/1.1\r\n" + HOST + "X: a\rb\r\n", 400),  # 9112 2.2: bare CR
    ("GET /status HTTP/1.1\r\n" + HOST + "X: a\nY: b\r\n", 400),  # a lone LF among CR LF
    ("GET http:///status HTTP/1.1\r\n" + HOST, 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: x\r\n", 400),  # 9112 6.3
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: -1\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: +1\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 0x1\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 1 1\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 1, 1\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length:\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 1\r\n" * 2, 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + f"Content-Length: {1 << 64}\r\n", 413),
    (
        "POST /topics/t HTTP/1.1\r\n"
        + HOST
        + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        400,
    ),
    ("POST /topics/t HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Transfer-Encoding: gzip\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked, gzip\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Transfer-Encoding: gzip, chunked\r\n", 501),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n" * 2, 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Transfer-Encoding: \vchunked\r\n", 400),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\nExpect: tea\r\n", 417),
    ("POST /topics/t HTTP/1.1\r\n" + HOST + f"Content-Length: {(1 << 20) + 1}\r\n", 413),
    ("GET /status HTTP/1.1\r\n" + HOST + f"Content-Length: {1 << 20}\r\n", 413),
    ("GET /" + "x" * 9000 + " HTTP/1.1\r\n" + HOST, 414),
    ("GET /status HTTP/1.1\r\n" + HOST + "X: " + "x" * 17000 + "\r\n", 431),
    ("GET /status HTTP/1.1\r\n" + HOST + "X: y\r\n" * 100, 431),
]


@pytest.mark.parametrize("head, status", GOOD, ids=name_of)
def test_well_formed(hub, head, status):
    with hub.peer() as peer:
        answer = ask(peer, (head + "\r\n").encode("latin-1").decode("latin-1"))
        assert (answer.version, answer.status) == ("HTTP/1.1", status)
        assert answer.reason and answer["date"].endswith(" GMT")
        if status >= 400 and not head.startswith("HEAD"):
            assert answer["content-type"] == "application/problem+json"
            assert answer.json["status"] == status and answer.json["detail"]
        assert not answer.closes and serves_on(peer)


@pytest.mark.parametrize("head, status", BAD, ids=name_of)
def test_malformed(hub, head, status):
    with hub.peer() as peer:
        answer = ask(peer, head + "\r\n")
        assert (answer.status, answer.closes) == (status, True)
        assert answer["content-type"] == "application/problem+json"
        assert answer.json["status"] == status
        assert peer.rest() == b""


def test_a_bad_request_costs_no_one_else_anything(hub):
    with hub.peer() as watching, hub.peer() as bad:
        assert serves_on(watching)
        assert ask(bad, "GET /status HTTP/1.1\r\n\r\n").closes
        assert serves_on(watching)


CHUNKS = [
    ("5\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("00005\r\nhello\r\n000\r\n\r\n", b"hello"),
    ("2;a=b\r\nhe\r\n3;c\r\nllo\r\n0;last\r\n\r\n", b"hello"),
    ("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", b"0123456789" * 2),
    ("4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
]

BAD_CHUNKS = [
    "x\r\n",
    "-1\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "\r\n",
    "5;" + "x" * 300 + "\r\nhello\r\n0\r\n\r\n",
]

CHUNKED = f"POST /topics/t HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("chunks, body", CHUNKS, ids=name_of)
def test_chunked_upload(hub, chunks, body, bytewise):
    with hub.peer() as peer:
        (peer.send_bytewise if bytewise else peer.send)((CHUNKED + chunks).encode())
        assert Answer(peer).json == {"id": 1}
        (message,) = ask(
            peer,
            f"GET /topics/t?poll=1 HTTP/1.1\r\n{HOST}Accept: application/x-ndjson\r\n\r\n",
        ).body.splitlines()
        assert json.loads(message)["text"].encode() == body


@pytest.mark.parametrize("chunks", BAD_CHUNKS, ids=name_of)
def test_bad_chunks(hub, chunks):
    with hub.peer() as peer:
        answer = ask(peer, CHUNKED + chunks)
        assert (answer.status, answer.closes) == (400, True)


def test_chunks_beyond_the_largest_message(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-message=1000")
    with hub.peer() as peer:
        answer = ask(peer, CHUNKED + f"3e9\r\n{'x' * 1001}\r\n0\r\n\r\n")
        assert (answer.status, answer.closes) == (413, True)
    with hub.peer() as peer:
        assert ask(peer, CHUNKED + "10000000000000000\r\n").status == 413
    with hub.peer() as peer:
        assert ask(peer, CHUNKED + f"3e8\r\n{'x' * 1000}\r\n0\r\n\r\n").status == 200


# ---- how the bytes come ----


def test_one_byte_at_a_time(hub):
    with hub.peer() as peer:
        for body in (b"first", b"second"):
            head = f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n\r\n"
            peer.send_bytewise(head.encode() + body)
            assert Answer(peer).status == 200


def test_two_requests_in_one_packet(hub):
    with hub.peer() as peer:
        one = f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\none"
        two = f"GET /status HTTP/1.1\r\n{HOST}\r\n"
        peer.send(one + two)
        assert Answer(peer).json == {"id": 1}
        assert Answer(peer).json["messages_in"] == 1


def test_a_hundred_pipelined_requests(hub):
    with hub.peer() as peer:
        posts = [
            f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: {len(str(n))}\r\n\r\n{n}"
            for n in range(50)
        ]
        gets = [f"GET /topics/t?since={n}&poll=1 HTTP/1.1\r\n{HOST}\r\n" for n in range(50)]
        peer.send("".join(post + get for post, get in zip(posts, gets)))
        for n in range(50):
            assert Answer(peer).json == {"id": n + 1}
            assert Answer(peer).body == f"{n}\n".encode()


def test_pipelined_more_than_the_answers_that_fit(hub):
    """Requests whose answers are not read are not asked for; then all are answered."""
    count = 20_000
    with hub.peer(receive_buffer=4096) as peer:
        requests = f"GET /status HTTP/1.1\r\n{HOST}\r\n".encode() * count
        sender = threading.Thread(target=peer.send, args=[requests])
        sender.start()
        for _ in range(count):
            assert Answer(peer).status == 200
        sender.join()


@pytest.mark.parametrize("empty_lines", ["\r\n", "\n", "\r\n\r\n"])
def test_empty_lines_between_requests(hub, empty_lines):
    """RFC 9112 section 2.2."""
    with hub.peer() as peer:
        assert serves_on(peer)
        peer.send(empty_lines)
        assert serves_on(peer)


def test_lines_that_end_with_a_bare_line_feed(hub):
    with hub.peer() as peer:
        assert ask(peer, "GET /status HTTP/1.1\nHost: localhost\n\n").status == 200


@pytest.mark.parametrize("method, path, status", [
    ("PUT", "/status", 405),
    ("OPTIONS", "/status", 204),
    ("GET", "/status", 200),
    ("GET", "/nothing", 404),
    ("BREW", "/status", 501),
])
def test_a_body_no_one_wants_is_not_a_request(hub, method, path, status):
    body = f"GET /metrics HTTP/1.1\r\n{HOST}\r\n"
    with hub.peer() as peer:
        peer.send(
            f"{method} {path} HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n\r\n{body}"
            f"GET /topics/ HTTP/1.1\r\n{HOST}\r\n"
        )
        answer = Answer(peer, method)
        assert answer.status == status
        if answer.closes:
            assert peer.rest() == b""
        else:
            assert Answer(peer).body == b"[]\n"


# ---- the fields of the connection ----


def test_expect_continue(hub):
    with hub.peer() as peer:
        head = f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        assert ask(peer, head).status == 100
        peer.send("hi")
        assert Answer(peer).json == {"id": 1}


def test_expect_continue_of_what_is_refused(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-message=10")
    with hub.peer() as peer:
        head = "POST /topics/t HTTP/1.1\r\n" + HOST + "Content-Length: 11\r\nExpect: 100-continue"
        answer = ask(peer, head + "\r\n\r\n")
        assert (answer.status, answer.closes) == (413, True)


def test_head_is_get_without_the_body(hub):
    with hub.peer() as peer:
        for path in ("/status", "/metrics", "/topics/", "/nothing"):
            get = ask(peer, f"GET {path} HTTP/1.1\r\n{HOST}\r\n")
            head = ask(peer, f"HEAD {path} HTTP/1.1\r\n{HOST}\r\n")
            volatile = ("date", "content-length")
            assert head.status == get.status
            assert {n: v for n, v in head.fields.items() if n not in volatile} == {
                n: v for n, v in get.fields.items() if n not in volatile
            }
        assert serves_on(peer)


@pytest.mark.parametrize("path, allow", [
    ("/status", "GET, HEAD, OPTIONS"),
    ("/topics/", "GET, HEAD, OPTIONS"),
    ("/topics/t", "GET, HEAD, POST, OPTIONS"),
])
def test_allow(hub, path, allow):
    with hub.peer() as peer:
        for method, status in (("OPTIONS", 204), ("DELETE", 405)):
            answer = ask(peer, f"{method} {path} HTTP/1.1\r\n{HOST}\r\n")
            assert (answer.status, answer["allow"]) == (status, allow)


def test_connection_close(hub):
    with hub.peer() as peer:
        answer = ask(peer, f"GET /status HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")
        assert (answer.status, answer.closes, peer.rest()) == (200, True, b"")


def test_http_1_0(hub):
    with hub.peer() as peer:
        answer = ask(peer, "GET /status HTTP/1.0\r\n\r\n")
        assert (answer.status, answer.closes, peer.rest()) == (200, True, b"")
    with hub.peer() as peer:
        for _ in range(2):
            answer = ask(peer, "GET /status HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert (answer.status, answer["connection"]) == (200, "keep-alive")


def test_http_1_0_knows_no_chunks(hub):
    """What has no length ends with the connection, even when the client would keep it."""
    with hub.peer() as peer:
        assert ask(peer, CHUNKED + "2\r\nhi\r\n0\r\n\r\n").status == 200
    with hub.peer() as peer:
        answer = ask(peer, "GET /topics/t?poll=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert answer["transfer-encoding"] is None
        assert (answer.closes, answer.body) == (True, b"hi\n")


def test_the_end_of_the_client_behind_its_request(hub):
    """As `printf … | nc -N` does it."""
    with hub.peer() as peer:
        peer.send(f"GET /status HTTP/1.1\r\n{HOST}\r\n")
        peer.end()
        assert Answer(peer).status == 200
        assert peer.rest() == b""


def test_an_unfinished_request_ends_with_the_client(hub):
    for unfinished in (
        f"GET /status HTTP/1.1\r\n{HOST}",
        f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhi",
        CHUNKED + "5\r\nhi",
    ):
        with hub.peer() as peer:
            peer.send(unfinished)
            peer.end()
            assert peer.rest() == b""
    with hub.peer() as peer:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json["messages_in"] == 0


# ---- what the hub says of itself ----


def test_metrics_are_prometheus_text(hub):
    with hub.peer() as peer:
        ask(peer, f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nhi")
        answer = ask(peer, f"GET /metrics HTTP/1.1\r\n{HOST}\r\n")
        status = ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json
    assert answer["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.body.endswith(b"\n")
    kinds, values = {}, {}
    for line in answer.body.decode().splitlines():
        if match := re.fullmatch(r"# TYPE (\w+) (counter|gauge)", line):
            assert match[1] not in kinds
            kinds[match[1]] = match[2]
        elif not re.fullmatch(r"# HELP \w+ \S.*", line):
            name, value = re.fullmatch(r"([a-z_][a-z0-9_]*) (\d+)", line).groups()
            assert name in kinds and name not in values, "a sample comes behind its TYPE, once"
            values[name] = int(value)
    assert values.keys() == kinds.keys()
    for name, kind in kinds.items():
        assert name.startswith("ferry_") and name.endswith("_total") == (kind == "counter")
        assert name.removeprefix("ferry_").removesuffix("_total") in status
    assert values["ferry_messages_in_total"] == 1
    assert values["ferry_bytes_in_total"] == 2
    assert values["ferry_requests_total"] == 2
    assert values["ferry_clients"] == 1


def test_status(hub):
    with hub.peer() as peer, hub.peer() as other:
        other.send("hi\n")
        hub.wait_for("sent: hi")
        answer = ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n")
        assert answer["content-type"] == "application/json"
        expected = {"clients": 2, "accepted": 2, "messages_in": 1, "bytes_in": 2, "store": "memory"}
        assert answer.json.items() >= expected.items()
        topics = ask(peer, f"GET /topics/ HTTP/1.1\r\n{HOST}\r\n").json
        assert topics == [{"name": "lobby", "messages": 1, "last_id": 1, "subscribers": 1}]


# ---- clients that are not ours ----


def test_curl(hub):
    url = f"http://localhost:{hub.port}"
    assert json.loads(curl(url + "/status"))["requests"] == 1
    assert curl("-d", "hello", url + "/topics/t") == '{"id":1}\n'
    chunked = ["-H", "Transfer-Encoding: chunked"]
    assert curl(*chunked, "-d", "there", url + "/topics/t") == '{"id":2}\n'
    assert curl("-0", url + "/topics/t?poll=1") == "hello\nthere\n"
    code = "%{http_code} %{num_connects}\n"
    two = curl("-w", code, "-o", "/dev/null", url + "/status", "-o", "/dev/null", url + "/metrics")
    assert two == "200 1\n200 0\n"
    assert curl("-I", "-w", "%{http_code}", "-o", "/dev/null", url + "/topics/t") == "200"
    assert curl("-X", "DELETE", "-w", "%{http_code}", "-o", "/dev/null", url + "/status") == "405"


def test_curl_sends_a_large_body_after_100_continue(start_hub, tmp_path):
    hub = start_hub("tcp:localhost:0", "--max-message=2M")
    (tmp_path / "body").write_bytes(b"x" * (2 << 20))
    address = f"http://localhost:{hub.port}/topics/t"
    answer = curl("-v", "--data-binary", f"@{tmp_path}/body", address, "--stderr", "-")
    assert "< HTTP/1.1 100 Continue" in answer and '{"id":1}' in answer


def test_curl_over_a_unix_socket(start_hub, tmp_path):
    hub = start_hub(f"unix:{tmp_path}/hub")
    path = hub.address.removeprefix("unix:")
    assert curl("--unix-socket", path, "-d", "hi", "http://hub/topics/t") == '{"id":1}\n'


def test_many_keep_alive_connections(hub):
    """FERRY_TEST_CONNECTIONS says how many, as far as the limit of open files goes."""
    wanted = int(os.environ.get("FERRY_TEST_CONNECTIONS", "3000"))
    count = min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    peers = []
    try:
        for _ in range(count):
            peers.append(socket.create_connection(("127.0.0.1", hub.port)))
        for _ in range(2):
            for peer in peers:
                peer.sendall(f"HEAD /status HTTP/1.1\r\n{HOST}\r\n".encode())
            for peer in peers:
                assert peer.recv(4096).startswith(b"HTTP/1.1 200")
        with hub.peer() as peer:
            assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json["clients"] == count + 1
    finally:
        for peer in peers:
            peer.close()
