"""The scenario of the article that ferry grew from, with a client of its kind at the other end."""

import json
import re
import sys

import pytest
from paths import ROOT

CLIENT = ROOT / "tests/blackbox/article_client.py"
SERVER = ROOT / "tests/blackbox/article_server.py"
CONVERSATION = ["hi", "how are you", "ok bye"]


@pytest.fixture
def article_client(spawn):
    def run(hub):
        return spawn(sys.executable, CLIENT, "localhost", hub.port)

    return run


def test_the_hub_prints_the_articles_lines(hub, article_client):
    client = article_client(hub)
    peer = hub.wait_for(r"^Accepted connection from: (127\.0\.0\.1:\d+)$")[1].decode()
    for message in CONVERSATION:
        client.type(message + "\n")
        hub.wait_for(f"^This is what {re.escape(peer)} sent: {message}$")
    client.wait()
    hub.wait_for(f"^Closed connection from: {re.escape(peer)}$")
    hub.stop()
    assert hub.output.decode().splitlines()[len(hub.addresses) :] == [
        f"Accepted connection from: {peer}",
        *(f"This is what {peer} sent: {message}" for message in CONVERSATION),
        f"Closed connection from: {peer}",
    ]


def test_as_json(start_hub, article_client):
    hub = start_hub("tcp:localhost:0", "--json")
    client = article_client(hub)
    hub.wait_for('"event":"accepted"')
    for message in CONVERSATION:
        client.type(message + "\n")
        hub.wait_for(f'"text":"{message}"')
    client.wait()
    hub.wait_for('"event":"closed"')
    hub.stop()
    lines = [json.loads(line) for line in hub.output.splitlines()]
    accepted, *messages, closed = [line for line in lines if line.get("event") != "listening"]
    peer = accepted["peer"]
    assert accepted == {"event": "accepted", "peer": peer}
    assert closed == {"event": "closed", "peer": peer}
    assert [list(message) for message in messages] == [["id", "time", "topic", "from", "text"]] * 3
    assert [message["text"] for message in messages] == CONVERSATION
    assert [message["id"] for message in messages] == [1, 2, 3]
    assert {(message["topic"], message["from"]) for message in messages} == {("lobby", peer)}
    for message in messages:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["time"])


def test_two_clients_at_once(hub, article_client):
    first, second = article_client(hub), article_client(hub)
    for client in (first, second):
        hub.wait_for("^Accepted connection")
    for client, message in ((first, "one"), (second, "two"), (first, "bye"), (second, "bye")):
        client.type(message + "\n")
        hub.wait_for(f" sent: {message}$")
    first.wait()
    second.wait()


def test_the_hub_stays_when_the_client_has_left(hub, article_client):
    for _ in range(2):
        client = article_client(hub)
        client.type("bye\n")
        client.wait()
        hub.wait_for("sent: bye")
        hub.wait_for("^Closed connection")


@pytest.fixture
def article_server(spawn):
    server = spawn(sys.executable, SERVER)
    server.port = int(server.wait_for(r"^(\d+)$")[1])
    return server


def test_chat_with_the_articles_server(article_server, start):
    chat = start("chat", "--wire", "plain", f"localhost:{article_server.port}")
    article_server.wait_for("^Accepted connection from: ")
    for message in CONVERSATION:
        chat.type(message + "\n")
        article_server.wait_for(f"^This is what the client sent: {message}$")
    chat.wait()
    article_server.wait()


def test_send_to_the_articles_server(article_server, ferry):
    result = ferry("send", "--wire", "plain", f"localhost:{article_server.port}", "grüß dich")
    assert (result.returncode, result.stderr) == (0, "")
    article_server.wait_for("^This is what the client sent: grüß dich$")
    article_server.wait()
