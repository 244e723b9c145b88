"""Clients at a hub that a test knows to be there, on whatever wire."""

import json
import re

from web import HOST, TEXT, ask, read_frame, upgrade


def listener(hub, address=None):
    """A plain client that the hub knows to listen."""
    peer = hub.peer(address)
    peer.send("\nhere\n")
    hub.wait_for(f" {re.escape(peer.name)} sent: here$")
    return peer


def post(peer, body, topic="lobby"):
    peer.send(f"POST /topics/{topic} HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n\r\n")
    assert ask(peer, body, "POST").status == 200


class Subscriber:
    """A subscriber that stops reading; `messages` then gives what it is sent, up to `end`."""

    def __init__(self, hub, wire):
        self.wire = wire
        self.peer = hub.peer(receive_buffer=4096)
        if wire == "plain":
            self.peer.send("\nhere\n")
            hub.wait_for(f" {re.escape(self.peer.name)} sent: here$")
        elif wire == "websocket":
            upgrade(self.peer, "/topics/lobby?format=json")
        else:
            accept = {"events": "text/event-stream", "ndjson": "application/x-ndjson"}[wire]
            self.peer.send(f"GET /topics/lobby HTTP/1.0\r\nAccept: {accept}\r\n\r\n")
            self.peer.until(b"\r\n\r\n")

    def next(self):
        if self.wire == "plain":
            line = self.peer.line().decode()
            if skipped := re.fullmatch(r"skipped (\d+) messages", line):
                return {"skipped": int(skipped[1])}
            return {"text": line.partition(": ")[2]}
        if self.wire == "ndjson":
            return json.loads(self.peer.line())
        if self.wire == "events":
            event = self.peer.until(b"\n\n")
            return json.loads(re.search(rb"^data: (.*)$", event, re.MULTILINE)[1])
        opcode, payload = read_frame(self.peer)
        assert opcode == TEXT
        return json.loads(payload)

    def messages(self):
        while (message := self.next()).get("text") != "end":
            yield message
