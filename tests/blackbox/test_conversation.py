"""One conversation across everything that can open a socket, over TCP and a Unix socket at once."""

import asyncio
import base64
import json
import re
import sys
import threading

import pytest
import websockets
from paths import ROOT
from program import PATIENCE
from web import curl

END = "that is all"


class Voice:
    """Somebody in the conversation; says bodies, and has heard those of the others."""

    binary = False  # can say any bytes

    def say(self, body):
        raise NotImplementedError

    def heard(self):
        """Every body it was sent, up to END."""
        return None  # does not listen


class Tool(Voice):
    """A program that takes lines and shows `FROM: BODY` lines."""

    binary = True

    def __init__(self, program):
        self.program = program

    def say(self, body):
        self.program.type(body + b"\n")

    def heard(self):
        self.program.wait_for(f": {END}$")
        return [line.partition(b": ")[2][:-1] for line in self.program.out.lines]


class ArticleClient(Voice):
    def __init__(self, program):
        self.program = program

    def say(self, body):
        self.program.type(body + b"\n")


class Curl(Voice):
    """Says with POST, hears server-sent events."""

    binary = True

    def __init__(self, hub, events, directory, *where):
        self.events, self.where = events, [*where, f"http://localhost:{hub.port}/topics/lobby"]
        self.body = directory / "body"

    def say(self, body):
        self.body.write_bytes(body)
        assert json.loads(curl("--data-binary", f"@{self.body}", *self.where))["id"]

    def heard(self):
        self.events.wait_for(f'"text":"{END}"')
        return [
            body_of(json.loads(line.removeprefix(b"data: ")))
            for line in self.events.out.lines
            if line.startswith(b"data: ")
        ]


class Follow(Voice):
    """ferry follow --json, which says nothing."""

    say = None

    def __init__(self, program):
        self.program = program

    def heard(self):
        self.program.wait_for(f'"text":"{END}"')
        return [body_of(json.loads(line)) for line in self.program.out.lines]


class WebSocket(Voice):
    """A client of python3-websockets, in a loop of its own."""

    binary = True

    def __init__(self, connect, *where, **options):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.connection = self.run(connect, *where, **options)

    def run(self, what, *words, **options):
        async def finish():
            return await what(*words, **options)

        return asyncio.run_coroutine_threadsafe(finish(), self.loop).result(PATIENCE)

    def say(self, body):
        try:
            message = body.decode()
        except UnicodeDecodeError:
            message = body
        self.run(self.connection.send, message)

    def heard(self):
        bodies = []
        while not bodies or bodies[-1] != END.encode():
            body = self.run(self.connection.recv)
            bodies.append(body if isinstance(body, bytes) else body.encode())
        return bodies

    def close(self):
        self.run(self.connection.close)
        self.loop.call_soon_threadsafe(self.loop.stop)


def body_of(message):
    if "base64" in message:
        return base64.b64decode(message["base64"])
    return message["text"].encode()


@pytest.fixture
def hub(start_hub, tmp_path):
    return start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub")


@pytest.fixture
def voices(hub, spawn, start, tmp_path):
    unix = f"{tmp_path}/hub"
    target = f"localhost:{hub.port}/topics/lobby"
    events = ["curl", "-sN", "-H", "Accept: text/event-stream", f"http://{target}"]
    over_unix = ["--unix-socket", unix]
    everyone = {
        "netcat": Tool(spawn("nc", "127.0.0.1", hub.port)),
        "netcat unix": Tool(spawn("nc", "-U", unix)),
        "article": ArticleClient(
            spawn(sys.executable, ROOT / "tests/blackbox/article_client.py", "localhost", hub.port)
        ),
        "curl": Curl(hub, spawn(*events), tmp_path),
        "curl unix": Curl(hub, spawn(*events, *over_unix), tmp_path, *over_unix),
        "websocket": WebSocket(websockets.connect, f"ws://{target}"),
        "websocket unix": WebSocket(websockets.unix_connect, unix, f"ws://{target}"),
        "chat": Tool(start("chat", hub.address)),
        "chat unix": Tool(start("chat", unix)),
        "chat plain": Tool(start("chat", hub.address, "--wire", "plain")),
        "follow": Follow(start("follow", hub.address, "--json")),
    }
    yield everyone
    for voice in everyone.values():
        if isinstance(voice, WebSocket):
            voice.close()


def wait_for_listeners(hub, voices):
    """Until the hub has as many subscribers as listen; who says nothing is none."""
    expected = sum(type(voice).heard is not Voice.heard for voice in voices.values())
    url = f"http://localhost:{hub.port}/status"
    while json.loads(curl(url))["subscribers"] < expected + 1:  # and the article's client
        pass


def test_each_message_reaches_each_other_client_once_in_order(hub, voices):
    for name, voice in voices.items():
        if isinstance(voice, (Tool, ArticleClient)):
            voice.say(f"I am {name}".encode())
            hub.wait_for(f" sent: I am {name}$")
    wait_for_listeners(hub, voices)

    said = []
    bodies = [b"hi", "grüß dich, 日本 🐦".encode(), b'{"a": "b\\n"}', b"GET / HTTP/1.1"]
    raw = [b"\xff\xfe\x00\x80", bytes(set(range(256)) - {10, 13})]
    for name, voice in voices.items():
        if not voice.say:
            continue
        for body in bodies + (raw if voice.binary else []):
            body = name.encode() + b" " + body
            voice.say(body)
            hub.wait_for(b" sent: " + re.escape(body) + b"$")
            said.append((name, body))
    with hub.peer() as last:
        last.send(f"{END}\n")
        for name, voice in voices.items():
            heard = voice.heard()
            if heard is None:
                continue
            heard = [body for body in heard if not body.startswith(b"I am ")]
            own = name if "curl" not in name else None  # who posts is not who listens
            expected = [body for who, body in said if who != own]
            assert heard == [*expected, END.encode()], name


def test_a_hundred_messages_from_each_at_once(hub, voices):
    """Whatever the order among senders, each sender's is kept, and nothing comes twice."""
    for name, voice in voices.items():
        if isinstance(voice, (Tool, ArticleClient)):
            voice.say(f"I am {name}".encode())
            hub.wait_for(f" sent: I am {name}$")
    wait_for_listeners(hub, voices)
    many = {name: voice for name, voice in voices.items() if isinstance(voice, (Tool, WebSocket))}
    for n in range(100):
        for name, voice in many.items():
            voice.say(f"{name}/{n}".encode())
    left = 100 * len(many)
    while left:
        hub.wait_for(r" sent: [\w ]+/\d+$")
        left -= 1
    with hub.peer() as last:
        last.send(f"{END}\n")
        orders = {}
        for name, voice in voices.items():
            heard = voice.heard()
            if heard is None:
                continue
            heard = [body for body in heard if b"/" in body]
            for sender in many.keys() - {name}:
                own = [body for body in heard if body.startswith(sender.encode() + b"/")]
                assert own == [f"{sender}/{n}".encode() for n in range(100)], (name, sender)
            assert len(heard) == 100 * (len(many) - (name in many))
            orders[name] = heard
    for name, heard in orders.items():
        both = [body for body in orders["follow"] if not body.startswith(name.encode() + b"/")]
        assert heard == both, f"{name} heard another order"
