"""Topics over HTTP: posting, reading back, following; on each store."""

import json
import re

import pytest
from web import HOST, TEXT, Answer, ask, frame, upgrade

NDJSON = "Accept: application/x-ndjson\r\n"
EVENTS = "Accept: text/event-stream\r\n"


@pytest.fixture(params=["memory", "file"])
def start_stored(request, start_hub, tmp_path):
    """Starts a hub on one store after the other."""
    store = "memory" if request.param == "memory" else f"{tmp_path}/hub.db"
    return lambda *options: start_hub("tcp:localhost:0", f"--store={store}", *options)


@pytest.fixture
def stored(start_stored):
    return start_stored()


@pytest.fixture
def peer(stored):
    with stored.peer() as peer:
        yield peer


def post(peer, body, topic="t", fields="", query=""):
    body = body.encode() if isinstance(body, str) else body
    peer.send(
        f"POST /topics/{topic}{query} HTTP/1.1\r\n{HOST}{fields}"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return Answer(peer)


def post_lines(peer, lines, fields="", **options):
    """Many messages in one request; LINES are objects, or text that stands for itself."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return post(peer, text, fields=f"Content-Type: application/x-ndjson\r\n{fields}", **options)


def read(peer, query="poll=1", topic="t", fields=NDJSON):
    answer = ask(peer, f"GET /topics/{topic}?{query} HTTP/1.1\r\n{HOST}{fields}\r\n")
    assert answer.status == 200, answer.body
    return answer.body


def read_bodies(peer, query="poll=1", **options):
    messages = [json.loads(line) for line in read(peer, query, **options).splitlines()]
    return [message.get("text", message.get("base64")) for message in messages]


class Following:
    """A subscription over HTTP, read line by line as it comes."""

    def __init__(self, hub, target, fields=""):
        self.peer = hub.peer()
        self.peer.send(f"GET {target} HTTP/1.1\r\n{HOST}{fields}\r\n")
        self.head = self.peer.until(b"\r\n\r\n").decode().lower()
        assert self.head.startswith("http/1.1 200")
        self.decoded = b""

    def line(self):
        while b"\n" not in self.decoded:
            size = int(self.peer.line(), 16)
            self.decoded += self.peer.read(size)
            assert self.peer.read(2) == b"\r\n"
        line, _, self.decoded = self.decoded.partition(b"\n")
        return line

    def event(self):
        """The fields of the next event."""
        fields = {}
        while line := self.line():
            name, _, value = line.decode().partition(": ")
            fields[name] = value
        return fields

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()


# ---- POST ----


def test_ids_count_up_over_all_topics(peer):
    assert [post(peer, "x", topic).json["id"] for topic in ("a", "b", "a")] == [1, 2, 3]
    assert read_bodies(peer, topic="a") == ["x", "x"]


@pytest.mark.parametrize(
    "body", [b"", b"hi", "grüß".encode(), b"\n", b"a\r\nb\r\n", b"\0\xff\xfe"]
)
def test_a_body_comes_back_as_it_was(peer, body):
    assert post(peer, body).json == {"id": 1}
    assert read(peer, fields="Accept: text/plain\r\n") == body + b"\n"


def test_many_in_one_request(peer):
    lines = [{"text": "a"}, {"base64": "/w=="}, "", {"text": "c", "id": 9, "x": 0}]
    answer = post_lines(peer, lines)
    assert answer.json == {"id": 3, "count": 3}
    assert read_bodies(peer) == ["a", "/w==", "c"]


def test_many_without_a_last_line_end(peer):
    text = '{"text":"a"}\n{"text":"b"}'
    answer = post(peer, text, fields="Content-Type: application/x-ndjson\r\n")
    assert answer.json == {"id": 2, "count": 2}


@pytest.mark.parametrize("bad", ["{", "[]", '"text"', "{}", '{"text":1}', '{"base64":"!"}'])
def test_a_bad_line_is_named(stored, bad):
    with stored.peer() as peer:
        answer = post_lines(peer, [{"text": "a"}, {"text": "b"}, bad, {"text": "d"}])
        assert (answer.status, answer["content-type"]) == (400, "application/problem+json")
        assert answer.json["detail"].startswith("line 3: ")
    with stored.peer() as peer:
        assert read_bodies(peer) == ["a", "b"]


def test_the_sender_has_a_name(stored, peer):
    post(peer, "hi", topic="lobby", query="?name=anna%20b")
    stored.wait_for("^This is what anna b sent: hi$")
    post(peer, "hi", topic="lobby")
    stored.wait_for(f"^This is what {re.escape(peer.name)} sent: hi$")
    post(peer, "hi", topic="news", query="?name=gr%C3%BC%C3%9F")
    stored.wait_for("^This is what grüß sent to news: hi$")


def test_a_repeat_with_the_same_key_is_harmless(stored, peer):
    for _ in range(2):
        assert post(peer, "once", fields="Idempotency-Key: k1\r\n").json == {"id": 1}
    assert post(peer, "twice", fields="Idempotency-Key: k2\r\n").json == {"id": 2}
    with stored.peer() as other:
        assert post(other, "once", fields="Idempotency-Key: k1\r\n").json == {"id": 1}
    assert read_bodies(peer) == ["once", "twice"]


def test_a_key_used_with_another_body_is_told(stored, peer):
    key = "Idempotency-Key: k\r\n"
    assert post(peer, "one", fields=key).status == 200
    answer = post(peer, "other", fields=key)
    assert answer.status == 422
    assert "with another body" in answer.json["detail"]
    assert post(peer, "one", fields=key).json == {"id": 1}
    assert read_bodies(peer) == ["one"]


def test_a_repeat_of_many_with_the_same_key_stores_what_was_missing(stored, peer):
    key = "Idempotency-Key: many\r\n"
    with stored.peer() as first:
        assert post_lines(first, [{"text": "a"}, {"text": "b"}, "broken"], fields=key).status == 400
    lines = [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    for _ in range(2):
        assert post_lines(peer, lines, fields=key).json == {"id": 3, "count": 3}
    assert read_bodies(peer) == ["a", "b", "c"]


def test_what_is_too_large_counts_as_not_stored(start_stored):
    hub = start_stored("--max-message=100")
    with hub.peer() as peer:
        assert post_lines(peer, [{"text": "x" * 101}, {"text": "a"}]).status == 413
    with hub.peer() as peer:
        assert post(peer, "x" * 101).status == 413
    with hub.peer() as peer:
        peer.send(f"POST /topics/t HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n")
        peer.send("65\r\n" + "x" * 101 + "\r\n0\r\n\r\n")
        assert Answer(peer).status == 413
    with hub.peer() as peer:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json["not_stored"] == 3


@pytest.mark.parametrize("line", [{"text": "x" * 101}, {"base64": "/" * 136}])
def test_a_line_with_too_large_a_message(start_stored, line):
    hub = start_stored("--max-message=100")
    with hub.peer() as peer:
        answer = post_lines(peer, [{"text": "a"}, line, {"text": "x" * 100}])
        assert answer.status == 413
        assert read_bodies(peer) == ["a", "x" * 100]


def test_more_than_the_store_takes_at_once(start_stored):
    """The post waits for the store, and is answered when all of it is there."""
    hub = start_stored("--keep-size=64M")
    lines = [{"text": f"{n} " + "x" * 60_000} for n in range(200)]
    with hub.peer() as peer:
        assert post_lines(peer, lines).json == {"id": 200, "count": 200}
        assert [body.split()[0] for body in read_bodies(peer)] == [str(n) for n in range(200)]


def test_a_last_line_that_fills_the_store(start_stored):
    """Nothing comes behind it that would wake the request up."""
    hub = start_stored("--max-message=16M")
    with hub.peer() as peer:
        for id in (1, 2):
            assert post_lines(peer, [{"text": "x" * (10 << 20)}]).json == {"id": id, "count": 1}


def test_lines_behind_one_that_fills_the_store(start_stored):
    hub = start_stored("--max-message=16M")
    large = {"text": "x" * (10 << 20)}
    with hub.peer() as peer:
        lines = [large, {"text": "a"}, large, {"text": "b"}, {"text": "c"}]
        assert post_lines(peer, lines).json == {"id": 5, "count": 5}
        assert [body[:1] for body in read_bodies(peer)] == ["x", "a", "x", "b", "c"]


@pytest.mark.parametrize("wire", ["plain", "websocket"])
def test_a_client_that_sends_more_than_the_store_takes(start_stored, wire):
    """It is held back, and nothing of it is lost, the end included."""
    hub = start_stored("--max-message=16M")
    numbers = [b"%d" % n for n in range(1000)]
    bodies = [b"I end lines", b"x" * (9 << 20), *numbers, b"y" * (9 << 20), b"last"]
    with hub.peer() as peer:
        if wire == "plain":
            peer.send(b"\n".join(bodies))
        else:
            upgrade(peer, "/topics/lobby")
            peer.send(b"".join(frame(TEXT, body, mask=None) for body in bodies))
        peer.end()
        hub.wait_for("sent: last")
    with hub.peer() as peer:
        heard = read_bodies(peer, topic="lobby")
        assert [len(body) for body in heard] == [len(body) for body in bodies]
        assert heard[2:1002] == [str(n) for n in range(1000)]


def test_a_client_that_ends_behind_its_post(stored):
    with stored.peer() as peer:
        peer.send(f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nhi")
        peer.end()
        assert Answer(peer).json == {"id": 1}
        assert peer.rest() == b""


def test_a_client_that_leaves_behind_its_post(stored):
    """What it was told does not matter to what was stored."""
    for n in range(20):
        with stored.peer() as peer:
            peer.send(f"POST /topics/t HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nhi")
        stored.wait_for("sent to t: hi")


# ---- GET ----


def test_since(peer):
    for n in range(5):
        post(peer, str(n))
    assert read_bodies(peer, "since=all&poll=1") == list("01234")
    assert read_bodies(peer, "poll=1") == list("01234")
    assert read_bodies(peer, "since=3&poll=1") == list("34")
    assert read_bodies(peer, "since=5&poll=1") == []
    assert read_bodies(peer, "since=99&poll=1") == [None, *"01234"]  # an id of an earlier hub
    assert read_bodies(peer, "since=10m&poll=1") == list("01234")
    assert read_bodies(peer, "since=all&poll=1", topic="other") == []


def test_the_three_forms(stored, peer):
    post(peer, "hi", query="?name=anna")
    post(peer, b"\xff\n", query="?name=anna")
    first, second = [json.loads(line) for line in read(peer).splitlines()]
    for message in (first, second):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message.pop("time"))
    assert list(first) == ["id", "topic", "from", "text"]
    assert first == {"id": 1, "topic": "t", "from": "anna", "text": "hi"}
    assert second == {"id": 2, "topic": "t", "from": "anna", "base64": "/wo="}
    assert read(peer, fields="") == b"hi\n\xff\n\n"
    events = read(peer, fields=EVENTS).decode().split("\n\n")
    assert events.pop() == ""
    for number, event in enumerate(events, 1):
        number_field, data = event.split("\n")
        assert number_field == f"id: {number}"
        assert json.loads(data.removeprefix("data: "))["id"] == number


@pytest.mark.parametrize("accept, form", [
    ("", "text/plain"),
    ("Accept: */*\r\n", "text/plain"),
    ("Accept: text/html, */*;q=0.1\r\n", "text/plain"),
    ("Accept: text/event-stream\r\n", "text/event-stream"),
    ("Accept: application/*\r\n", "application/x-ndjson"),
    ("Accept: text/plain;q=0.5, application/x-ndjson\r\n", "application/x-ndjson"),
])
def test_the_form_is_what_is_accepted(hub, accept, form):
    with hub.peer() as peer:
        answer = ask(peer, f"GET /topics/t?poll=1 HTTP/1.1\r\n{HOST}{accept}\r\n")
        assert answer["content-type"].startswith(form)
        assert "Accept" in answer["vary"] and answer["cache-control"] == "no-store"


def test_following_goes_on(stored, peer):
    post(peer, "old")
    with Following(stored, "/topics/t", NDJSON) as live, Following(
        stored, "/topics/t?since=all", NDJSON
    ) as all_of_it:
        for n in range(3):
            post(peer, str(n))
        assert [json.loads(live.line())["text"] for _ in range(3)] == list("012")
        assert [json.loads(all_of_it.line())["text"] for _ in range(4)] == ["old", *"012"]


def test_events_resume_where_they_were(stored, peer):
    for n in range(3):
        post(peer, str(n))
    with Following(stored, "/topics/t?since=all", EVENTS) as first:
        last = [first.event() for _ in range(2)][-1]["id"]
    with Following(stored, "/topics/t?since=all", f"{EVENTS}Last-Event-ID: {last}\r\n") as second:
        post(peer, "3")
        assert [json.loads(second.event()["data"])["text"] for _ in range(2)] == ["2", "3"]


def test_curl_follows(stored, peer, spawn):
    follower = spawn("curl", "-sN", "-H", "Accept: text/event-stream",
                     f"http://localhost:{stored.port}/topics/t?since=all")
    post(peer, "one")
    follower.wait_for("^id: 1$")
    follower.wait_for('^data: .*"text":"one"')
    post(peer, "two")
    follower.wait_for("^id: 2$")


def test_a_text_follower_of_http_1_0(stored, peer):
    with stored.peer() as old:
        old.send("GET /topics/t HTTP/1.0\r\n\r\n")
        assert b"chunked" not in old.until(b"\r\n\r\n")
        post(peer, "hi")
        assert old.line() == b"hi"


def test_a_file_keeps_what_memory_forgets(start_hub, tmp_path):
    for run in range(2):
        hub = start_hub("tcp:localhost:0", f"--store={tmp_path}/hub.db")
        with hub.peer() as peer:
            assert post(peer, "0", fields="Idempotency-Key: k\r\n").json == {"id": 1}
            assert post(peer, "more").json == {"id": run + 2}
            assert read_bodies(peer) == ["0", *["more"] * (run + 1)]
        hub.stop()


def test_keep_count(start_stored):
    hub = start_stored("--keep-count=3")
    with hub.peer() as peer:
        for n in range(10):
            post(peer, str(n))
        assert read_bodies(peer) == list("789")
        lines = read(peer, "since=2&poll=1").splitlines()
        assert json.loads(lines.pop(0)) == {"skipped": None}
        assert [json.loads(line)["id"] for line in lines] == [8, 9, 10]


# ---- the door ----

MESSAGES = [
    "GET me a coffee",
    "POST it",
    "GET",
    "G",
    "HTTP/1.1 200 OK",
    "GET / HTTP/2.0",
    "GET /status",
    "get /status HTTP/1.1",
    "GET  /status HTTP/1.1",
    " GET /status HTTP/1.1",
    "PRI * HTTP/2.0",
    "\x16\x02 is no TLS",
    "\0\x01\x02",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_begins_like_a_request(hub, message):
    with hub.peer() as client, hub.peer() as other:
        other.send("\nready\n")
        hub.wait_for("sent: ready")
        client.send(message + "\n")
        assert other.line() == f"{client.name}: {message}".encode()
        other.send("and back\n")
        assert client.line() == f"{other.name}: and back".encode()


@pytest.mark.parametrize("prefix", ["GET", "GET /status HTTP/1.", "OPTIONS *", "hi", "FOO /"])
def test_a_prefix_that_goes_no_further(hub, prefix):
    """Without a line end: a message, once it is clear that nothing follows."""
    with hub.peer() as client:
        client.send(prefix)
        hub.wait_for(f" sent: {re.escape(prefix)}$")
    with hub.peer() as client:
        client.send(prefix)
        client.end()
        hub.wait_for(f" sent: {re.escape(prefix)}$")
        assert client.rest() == b""


def test_who_has_not_spoken_is_sent_nothing(hub):
    with hub.peer() as silent, hub.peer() as listening, hub.peer() as speaker:
        listening.send("\nready\n")
        hub.wait_for("sent: ready")
        speaker.send("for those who listen\n")
        assert listening.line().endswith(b"for those who listen")
        silent.send("\n")
        assert listening.socket.send(b"me\n") == 3
        hub.wait_for("sent: me")
        assert silent.line() == f"{listening.name}: me".encode()
        assert not silent.unread


def test_a_fixed_wire(start_hub):
    hub = start_hub("tcp4:127.0.0.1:0?wire=plain", "tcp4:127.0.0.1:0?wire=http&topic=x")
    plain, http = [address for address in hub.addresses]
    with hub.peer("tcp:" + plain.partition(":")[2]) as peer:
        peer.send("GET /status HTTP/1.1\n")
        hub.wait_for(r"sent: GET /status HTTP/1\.1$")
    with hub.peer("tcp:" + http.partition(":")[2]) as peer:
        assert ask(peer, "hello\r\n\r\n", "GET").status == 400


def test_a_topic_of_its_own(start_hub):
    hub = start_hub("tcp4:127.0.0.1:0?topic=news", "tcp4:127.0.0.1:0")
    news, lobby = ["tcp:" + address.partition(":")[2] for address in hub.addresses]
    with hub.peer(news) as one, hub.peer(lobby) as two, hub.peer(news) as three:
        two.send("\n")
        one.send("\n")
        three.send("hi\n")
        hub.wait_for("sent to news: hi")
        assert one.line().endswith(b": hi")
        two.send("lobby\n")
        hub.wait_for("sent: lobby")
        three.send("again\n")
        assert one.line().endswith(b": again")
        assert not two.unread
