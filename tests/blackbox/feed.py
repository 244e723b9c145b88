"""A topic on each of the wires: what is published, and what a subscriber reads."""

import contextlib
import http.client
import json
import re
import socket
import time

from peer import place
from program import PATIENCE

UPGRADE = (
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

# By wire, what asks for it.
ASKING = {
    "text": "",
    "ndjson": "Accept: application/x-ndjson\r\n",
    "sse": "Accept: text/event-stream\r\n",
    "websocket": UPGRADE,
}

LIVE = ("plain", *ASKING)  # all wires; plain begins with what comes next


class Skipped(int):
    """So many messages are missing at this point."""


def chunks(file):
    while size := int(file.readline(), 16):
        yield file.read(size)
        assert file.read(2) == b"\r\n"


def frames(file):
    """The text messages of a WebSocket; pings are not answered, which a test is too short for."""
    while head := file.read(2):
        size = head[1]
        if size > 125:
            size = int.from_bytes(file.read(2 if size == 126 else 8), "big")
        data = file.read(size)
        if head[0] == 0x81:
            yield data


def text_line(line):
    """A line of plain text, with or without its sender in front."""
    if match := re.fullmatch(rb"skipped (\d+) messages\n", line):
        return Skipped(match[1])
    return line.rpartition(b": ")[2].decode().removesuffix("\n")


def json_line(line):
    if line.startswith(b'{"skipped":'):
        return Skipped(json.loads(line)["skipped"])
    return json.loads(line)["text"]


def event(lines):
    return json_line(re.search(rb"^data: ?(.*)$", lines, re.MULTILINE)[1])


class Feed:
    """A subscriber. Iterating it gives each message's text, and a Skipped where some are missing.

    When the constructor returns, what is published next will come.
    """

    def __init__(self, address, wire, topic="lobby", since=None, receive_buffer=None):
        family, where = place(address)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(where)
        self.file = self.socket.makefile("rb")
        if wire == "plain":
            self.announce(address)
        else:
            self.request(wire, topic, since)
        self.messages = {
            "plain": lambda: map(text_line, self.file),
            "text": lambda: map(text_line, chunks(self.file)),
            "ndjson": lambda: map(json_line, chunks(self.file)),
            "sse": lambda: map(event, chunks(self.file)),
            "websocket": lambda: map(json_line, frames(self.file)),
        }[wire]()

    def announce(self, address):
        before = subscribers(address)
        self.socket.sendall(b"\n")
        eventually(lambda: subscribers(address) > before)

    def request(self, wire, topic, since):
        query = "" if since is None else f"&since={since}"
        target = f"/topics/{topic}?format=json{query}"
        head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{ASKING[wire]}\r\n"
        self.socket.sendall(head.encode())
        status = self.file.readline().split()[1]
        assert status in (b"200", b"101"), self.file.read()
        while self.file.readline() != b"\r\n":
            pass

    def __iter__(self):
        return self.messages

    def close(self):
        self.file.close()
        self.socket.close()


class Line(http.client.HTTPConnection):
    """An HTTP connection to a hub's address, of any family that the tests use."""

    def __init__(self, address):
        super().__init__("localhost", timeout=PATIENCE)
        self.address = address

    def connect(self):
        family, where = place(self.address)
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(where)

    def ask(self, method, target, body=None, **fields):
        """Status and body of the answer."""
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        self.request(method, target, body, fields)
        answer = self.getresponse()
        return answer.status, answer.read()

    def publish(self, texts, topic="lobby"):
        """Publishes TEXTS in one request: the status, and the last one's id."""
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        target = f"/topics/{topic}?name=load"
        status, body = self.ask("POST", target, lines, Content_Type="application/x-ndjson")
        return status, json.loads(body).get("id")


def eventually(condition):
    """Asks until CONDITION holds: for what nobody tells."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def ask(address, method, target, body=None, **fields):
    with contextlib.closing(Line(address)) as line:
        return line.ask(method, target, body, **fields)


def history(address, topic="lobby", since="all"):
    """What the hub has of TOPIC: the message objects."""
    target = f"/topics/{topic}?since={since}&poll=1"
    status, body = ask(address, "GET", target, Accept="application/x-ndjson")
    assert status == 200, body
    return [json.loads(line) for line in body.splitlines()]


def subscribers(address):
    status, body = ask(address, "GET", "/topics/")
    assert status == 200
    return sum(topic["subscribers"] for topic in json.loads(body))
