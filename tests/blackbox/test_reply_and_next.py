"""A server that replies by the connection that brought the request, and takes the next one with it."""

import json

from service import Client, figures, until_waiting
from web import HOST

TIED = "tied=reply"


def given(server):
    """The request that the server is given."""
    answer = server.answer()
    assert answer.status == 200
    return answer.headers["Request-Id"], answer.read()


def test_one_connection_for_many_requests(hub, client):
    server = client()
    server.post(f"up/next?{TIED}")
    until_waiting(hub, 1)
    for number in range(3):
        asker = client()
        asker.post("up", b"%d" % number)
        name, body = given(server)
        assert body == b"%d" % number
        server.post(f"up/replies/{name}?next=1&{TIED}", b"reply " + body)
        assert asker.answer().read() == b"reply " + body
    until_waiting(hub, 1)
    server.http.close()
    until_waiting(hub, 0)


def test_the_next_one_waits_already(hub, client):
    first, second, server = client(), client(), client()
    server.post(f"up/next?{TIED}")
    until_waiting(hub, 1)
    first.post("up", b"1")
    name, _ = given(server)
    second.post("up", iter([b"2", b"3"]))
    while figures(hub)["calls_queued"] < 1:
        pass
    server.post(f"up/replies/{name}?next=1&{TIED}", iter([b"o", b"ne"]))
    assert first.answer().read() == b"one"
    name, body = given(server)
    assert body == b"23"
    assert server.reply("up", name, b"two") == 204  # that is enough
    assert second.answer().read() == b"two"


def test_it_is_killed_between_request_and_reply(hub, client):
    asker, server = client(), client()
    server.post(f"up/next?{TIED}")
    until_waiting(hub, 1)
    for _ in range(2):
        asker.post("up", b"x")
        name, _ = given(server)
        server.post(f"up/replies/{name}?next=1&{TIED}", b"y")
        assert asker.answer().read() == b"y"
    asker.post("up", b"x")
    given(server)
    server.http.close()
    answer = asker.answer()
    assert (answer.status, json.load(answer)["detail"]) == (
        502,
        "the server is gone without a reply",
    )


def test_a_reply_for_nobody_brings_nothing(hub, client):
    server = client()
    assert server.reply("up", "0" * 32 + f"?next=1&{TIED}", b"y") == 410
    until_waiting(hub, 0)


def test_no_time_to_wait(hub, client):
    asker, server = client(), client()
    server.post(f"up/next?{TIED}")
    until_waiting(hub, 1)
    asker.post("up", b"x")
    name, _ = given(server)
    assert server.reply("up", name + "?next=1&timeout=later", b"y") == 400
    assert server.reply("up", name + "?next=1&timeout=1ms", b"y") == 204
    assert asker.answer().read() == b"y"


def test_speaking_on_ends_the_wait(hub):
    with hub.peer() as peer:
        peer.send(f"POST /services/up/next?{TIED} HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n")
        until_waiting(hub, 1)
        peer.send(f"HEAD / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")
        heads = peer.rest().split(b"\r\n\r\n")
        assert [head[:12] for head in heads] == [b"HTTP/1.1 204", b"HTTP/1.1 200", b""]
        until_waiting(hub, 0)
