"""Requests over /services/, with nothing but HTTP at either end."""

import hashlib
import http.client
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from paths import SANITIZED
from program import PATIENCE
from service import Client, figures, until_waiting
from web import HOST, Answer

MIB = 1 << 20


def pieces(count, size=64 * 1024):
    block = bytes(range(256)) * (size // 256)
    for _ in range(count):
        yield block


def digest(count, size=64 * 1024):
    sha = hashlib.sha256()
    for piece in pieces(count, size):
        sha.update(piece)
    return sha.hexdigest()


def digest_of(answer):
    sha = hashlib.sha256()
    while piece := answer.read(64 * 1024):
        sha.update(piece)
    return sha.hexdigest()


def test_a_request_and_its_reply(hub, client):
    asker, server = client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    asker.post("up?timeout=10s&a=b", b"\0hi\n", Content_Type="image/x-dot")
    taken = server.answer()
    assert taken.status == 200
    assert taken.headers["Content-Type"] == "image/x-dot"
    assert taken.headers["Request-Query"] == "timeout=10s&a=b"
    assert 5000 < int(taken.headers["Request-Timeout"].removesuffix("ms")) <= 10000
    assert taken.read() == b"\0hi\n"
    name = taken.headers["Request-Id"]
    assert server.reply("up", name, b"\xffho", Content_Type="a/b", Exit_Status="3") == 204
    answer = asker.answer()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "a/b")
    assert answer.headers["Exit-Status"] == "3"
    assert answer.read() == b"\xffho"
    assert server.reply("up", name, b"again") == 410
    assert figures(hub)["calls"] == 1


def test_no_one_serves(hub, client):
    status, body, head = client().ask("up", b"x")
    assert (status, head["Content-Type"]) == (503, "application/problem+json")
    assert json.loads(body)["detail"] == "no one serves this"
    assert client().ask("bad%20name")[0] == 400
    assert client().ask("up?timeout=soon")[0] == 400
    assert client().ask("up/replies/0123")[0] == 410
    assert client().ask("up/somewhere")[0] == 404


def test_time_runs_out(hub, client):
    asker, server = client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    asker.post("up?timeout=50ms", b"x")
    name = server.answer().headers["Request-Id"]
    assert asker.answer().status == 504
    server.http.close()
    assert client().reply("up", name, b"late") == 410


def test_a_server_that_ends_between_two_requests(hub, client):
    asker, server = client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    asker.post("up", b"x")
    name = server.answer().headers["Request-Id"]
    server.http.close()
    assert client().reply("up", name, b"y") == 204
    assert asker.answer().read() == b"y"
    asker = client()
    asker.post("up", b"x")  # within the grace: it waits, and is told when that is over
    answer = asker.answer()
    assert (answer.status, json.load(answer)["detail"]) == (503, "no one serves this any more")


def test_a_tied_server_that_is_killed(hub, client):
    asker, server = client(), client()
    server.post("up/next?tied=1")
    until_waiting(hub, 1)
    asker.post("up", b"x")
    assert server.answer().status == 200
    server.http.sock.close()
    server.http.close()
    assert asker.answer().status == 502


def test_both_ends_are_gone_at_once(start_hub):
    """The asker is told that the server is gone when it is gone itself; what is freed is filled."""
    filled = "GLIBC_TUNABLES=glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"
    hub = start_hub("tcp:localhost:0", within=("env", filled))
    for _ in range(3):
        with Client(hub) as asker, Client(hub) as server:
            server.post("up/next?tied=1")
            until_waiting(hub, 1)
            asker.post("up", b"x")
            taken = server.answer()
            assert taken.status == 200
            os.kill(hub.process.pid, signal.SIGSTOP)
            server.http.sock.close()
            taken.close()
            asker.http.sock.close()
            os.kill(hub.process.pid, signal.SIGCONT)
            assert figures(hub)["calls"]


def test_a_server_that_breaks_off(hub, client):
    """Before its first byte the asker gets 502, behind it a body that does not end."""
    for begun, outcome in ((b"", 502), (b"5\r\nhello\r\n", 200)):
        asker, server, reply = client(), client(), hub.connect()
        server.post("up/next")
        until_waiting(hub, 1)
        asker.post("up", b"x")
        name = server.answer().headers["Request-Id"]
        head = f"POST /services/up/replies/{name} HTTP/1.1\r\nHost: localhost\r\n"
        reply.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + begun)
        if begun:
            answer = asker.answer()
            assert answer.read(5) == b"hello"
        reply.close()
        if not begun:
            answer = asker.answer()
        assert answer.status == outcome
        if begun:
            with pytest.raises(http.client.IncompleteRead):
                answer.read()


def test_an_asker_that_leaves(hub, client):
    asker, server, reply = client(), client(), hub.connect()
    server.post("up/next")
    until_waiting(hub, 1)
    asker.post("up", b"x")
    name = server.answer().headers["Request-Id"]
    head = f"POST /services/up/replies/{name} HTTP/1.1\r\nHost: localhost\r\n"
    reply.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    asker.http.close()
    assert reply.recv(100).startswith(b"HTTP/1.1 410 ")  # while it still sends
    reply.close()


def test_an_asker_that_leaves_while_it_waits(hub, client):
    """The next one gets the server; the first is not given to anyone."""
    first, gone, second, server = client(), client(), client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    first.post("up", b"first")
    name, body = (taken := server.answer()).headers["Request-Id"], taken.read()
    assert body == b"first"
    gone.post("up", b"gone")
    gone.http.close()
    second.post("up", b"second")
    while figures(hub)["calls_queued"] != 1 or figures(hub)["calls"] != 3:
        pass
    assert server.reply("up", name, b"1") == 204
    name, body, _ = server.take("up")
    assert body == b"second"
    server.reply("up", name, b"2")
    assert second.answer().read() == b"2"


def test_large_bodies_stream_both_ways(hub, client):
    """The reply begins before the request has ended, and memory stays bounded."""
    count = 1024
    alone = hub.memory()
    asker, server, reply = client(), client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    with ThreadPoolExecutor(3) as pool:
        asked = pool.submit(asker.post, "up", pieces(count))
        taken = server.answer()
        name = taken.headers["Request-Id"]

        def echo():
            while piece := taken.read(64 * 1024):
                yield piece

        replied = pool.submit(reply.reply, "up", name, echo())
        answer = asker.http.response_class(asker.http.sock, method="POST")
        answer.begin()
        assert digest_of(answer) == digest(count)
        asked.result()
        assert replied.result() == 204
    assert SANITIZED or hub.memory("VmHWM") - alone < 48 << 20


def test_a_known_length_is_passed_on(hub, client):
    body = b"x" * (4 * MIB)
    asker, server = client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asker.ask, "up", body)
        taken = server.answer()
        assert int(taken.headers["Content-Length"]) == len(body)
        assert taken.read() == body
        assert server.reply("up", taken.headers["Request-Id"], body) == 204
        status, reply, head = asked.result()
    assert (status, reply, int(head["Content-Length"])) == (200, body, len(body))


def test_a_large_body_that_waits_for_leave(hub, client):
    """It is asked for once there is a server, however late."""
    server, first, second = client(), client(), hub.peer()
    server.post("up/next")
    until_waiting(hub, 1)
    first.post("up", b"one")
    answer = server.answer()
    answer.read()
    with second:
        head = f"POST /services/up HTTP/1.1\r\n{HOST}Content-Length: 100000\r\n"
        second.send(head + "Expect: 100-continue\r\n\r\n")
        while figures(hub)["calls_queued"] < 1:
            pass
        assert server.reply("up", answer.headers["Request-Id"]) == 204
        server.post("up/next")
        assert Answer(second).status == 100
        second.send("x" * 100_000)
        assert server.answer().read() == b"x" * 100_000


def test_a_file_behind_a_request(start_hub, tmp_path):
    """What comes behind the reply is another request, which waits for something else."""
    hub = start_hub("tcp:localhost:0", f"--files={tmp_path}")
    with Client(hub) as server, hub.peer() as asker:
        server.post("up/next")
        until_waiting(hub, 1)
        file = "PUT /files/a HTTP/1.1\r\n" + HOST + "Content-Length: 1000\r\n\r\n" + "x" * 1000
        asker.send(f"POST /services/up HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n" + file)
        answer = server.answer()
        answer.read()
        assert server.reply("up", answer.headers["Request-Id"], b"ok") == 204
        assert Answer(asker).body == b"ok"
        assert Answer(asker).status == 201


def test_a_reply_that_is_read_slowly(start_hub, tmp_path):
    """Who reads gets all of it, also when the connection ends behind it."""
    hub = start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub")
    reply = b"x" * 400_000
    with Client(hub) as server, hub.peer(hub.addresses[1]) as slow:
        server.post("up/next")
        until_waiting(hub, 1)
        slow.send(f"POST /services/up HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")
        answer = server.answer()
        answer.read()
        assert server.reply("up", answer.headers["Request-Id"], reply) == 204
        begun, read = time.monotonic(), b""
        while time.monotonic() - begun < 6:
            read += slow.socket.recv(4000)
            time.sleep(0.2)  # a slow line
        assert (read + slow.rest()).endswith(b"\r\n\r\n" + reply)


def test_a_reply_before_all_was_read(hub, client):
    asker, server = client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asker.ask, "up", b"x" * (32 * MIB))
        name = server.answer().headers["Request-Id"]
        assert client().reply("up", name, b"enough") == 204
        assert asked.result()[:2] == (200, b"enough")
    assert asker.ask("nobody")[0] == 503  # the connection goes on


def test_the_askers_own_fields_are_handed_on(hub, client):
    asker, server = client(), client()
    server.post("up/next")
    until_waiting(hub, 1)
    asker.post("up", b"x", Accept_Language="de", X_Hop="1", Connection="X-Hop", Cookie="a=b",
               Proxy="evil", Authorization="Basic eDp5", X_Thing="one, two")  # fmt: skip
    head = server.answer().headers
    fields = {name: value for name, value in head.items() if name.startswith("Request-Header-")}
    del fields["Request-Header-Accept-Encoding"]  # http.client's
    assert fields == {"Request-Header-Accept-Language": "de", "Request-Header-X-Thing": "one, two"}
    assert client().ask("up", b"x", X_Long="x" * 9000)[0] == 431


def test_a_reply_with_a_status_and_fields_of_its_own(hub, client):
    asker, server = client(), client()
    cases = (("404 Not Found", b"no", b"no"), ("204", b"", b""), ("304", b"x", b""))
    for status, sent, got in cases:
        server.post("up/next")
        until_waiting(hub, 1)
        asker.post("up", b"x")
        taken = server.answer()
        taken.read()
        assert server.reply("up", taken.headers["Request-Id"], sent, Status=status,
                            Reply_Header_ETag='"7"', Reply_Header_Set_Cookie="a=b",
                            Reply_Header_NEL="{}", Reply_Header_Report_To="{}",
                            Reply_Header_Content_Length="9") == 204  # fmt: skip
        answer = asker.answer()
        assert (answer.status, answer.read()) == (int(status[:3]), got)
        assert answer.headers["Status"] == status[:3]
        assert answer.headers["ETag"] == '"7"'
        assert not {"Set-Cookie", "NEL", "Report-To"} & set(answer.headers.keys())
    server.post("up/next")
    until_waiting(hub, 1)
    asker.post("up", b"x")
    name = (taken := server.answer()).headers["Request-Id"]
    taken.read()
    assert server.reply("up", name, b"x", Status="100") == 400
    server = client()
    assert server.reply("up", name, b"x") == 204
    assert asker.answer().read() == b"x"


@pytest.mark.parametrize("body", [b"small", b"x" * 50000])
@pytest.mark.parametrize("begun", [False, True])
def test_another_server_may_take_over(hub, client, body, begun):
    """With Request-Retry the request is given again, under another id."""
    asker, first, second, reply = client(), client(), client(), hub.connect()
    first.post("up/next?tied=1")
    until_waiting(hub, 1)
    asker.post("up", body, Request_Retry="lost")
    taken = first.answer()
    name = taken.headers["Request-Id"]
    assert taken.read() == body
    if begun:
        head = f"POST /services/up/replies/{name} HTTP/1.1\r\nHost: localhost\r\n"
        reply.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    reply.close()
    first.http.close()
    other, again, _ = second.take("up")
    assert again == body
    assert other != name
    assert client().reply("up", name, b"late") == 410
    assert second.reply("up", other, b"done") == 204
    assert asker.answer().read() == b"done"
    assert figures(hub)["calls"] == 1


def test_a_request_that_kills_its_servers(hub, client):
    asker = client()
    servers = [client() for _ in range(4)]
    for count, server in enumerate(servers, 1):
        server.post("up/next?tied=1")
        until_waiting(hub, count)
    asker.post("up", b"poison", Request_Retry="lost")
    for server in servers[:3]:
        assert server.answer().read() == b"poison"
        server.http.close()
    answer = asker.answer()
    assert answer.status == 502
    assert b"3 servers" in answer.read()
    asker.post("up", b"harmless")
    assert servers[3].answer().read() == b"harmless"


def test_nobody_takes_over(hub, client):
    asker, server = client(), client()
    server.post("up/next?tied=1")
    until_waiting(hub, 1)
    asker.post("up", b"x", Request_Retry="lost")
    assert server.answer().read() == b"x"
    server.http.close()
    assert asker.answer().status == 503


def test_a_request_too_large_to_be_given_again(hub, client):
    asker, server = client(), client()
    server.post("up/next?tied=1")
    until_waiting(hub, 1)
    asker.post("up", b"x" * 200000, Request_Retry="lost")
    assert len(server.answer().read()) == 200000
    server.http.close()
    assert asker.answer().status == 502


def test_a_server_that_waits_for_a_while(hub, client):
    server = client()
    for path, fields in (("up/next?timeout=30ms", {}), ("up/next", {"Prefer": "wait=1"})):
        status, body, head = server.ask(path, **fields)
        assert (status, body) == (204, b"")
    assert server.ask("up/next?timeout=soon")[0] == 400
    asker = client()
    asker.post("up", b"x")  # it counts as served for a while
    name, body, _ = server.take("up")
    assert body == b"x"
    assert server.reply("up", name, b"y") == 204
    assert asker.answer().read() == b"y"


def test_a_flood_on_one_server(hub, client):
    """What fits in the queue is answered, the rest is told at once, messages pass."""
    count, room = 1500, 1024
    server = client()
    server.post("up/next")
    until_waiting(hub, 1)
    askers = [client() for _ in range(count)]
    for i, asker in enumerate(askers):
        asker.post("up", b"%d" % i)
    taken = server.answer()
    name, body = taken.headers["Request-Id"], taken.read()
    while figures(hub)["calls_refused"] < count - room - 1:
        pass
    with client() as other:
        other.http.request("POST", "/topics/lobby", b"hi")
        assert other.answer().status == 200
    for _ in range(room):
        assert server.reply("up", name, body * 2) == 204
        name, body, _ = server.take("up")
    assert server.reply("up", name, body * 2) == 204
    statuses = []
    for i, asker in enumerate(askers):
        answer = asker.answer()
        statuses.append(answer.status)
        if answer.status == 200:
            assert answer.read() == b"%d" % i * 2
        else:
            assert answer.headers["Retry-After"]
    assert statuses.count(200) == room + 1
    assert statuses.count(429) == count - room - 1


SCRIPT = """
url=http://localhost:$1/services/upper
while curl -sf -X POST -D head -o body "$url/next"; do
	id=$(sed -n 's/^Request-Id: //p' head | tr -dc 0-9a-f)
	tr a-z A-Z <body | curl -s --data-binary @- -H 'Exit-Status: 3' "$url/replies/$id"
done
"""


def test_a_shell_script_serves(hub, spawn):
    script = spawn("sh", "-c", SCRIPT, "serve", hub.port)
    until_waiting(hub, 1, "upper")
    for text in ("hello", "world"):
        with Client(hub) as c:
            status, body, head = c.ask("upper", text.encode())
            assert (status, body.decode()) == (200, text.upper())
            assert head["Exit-Status"] == "3"
    asked = subprocess.run(
        ["curl", "-s", "-d", "by curl", f"http://localhost:{hub.port}/services/upper"],
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert asked.stdout == b"BY CURL"
    hub.stop()
    script.wait(0)
