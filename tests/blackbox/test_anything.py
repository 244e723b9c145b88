"""Clients that do anything, at any moment: what stays is the hub."""

import random
import re

import pytest
from paths import SANITIZED
from service import figures
from web import BINARY, CLOSE, CONTINUATION, HOST, PING, TEXT, UPGRADE, frame

STEPS = 3000 if SANITIZED else 6000
CLIENTS = 24
SIZES = (0, 1, 1000, 20_000, 70_000)
VERSION = "Upload-Draft-Interop-Version: 8\r\n"


class Chance:
    """What a client may say; it picks up the names of requests and uploads that it hears of."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.requests = ["0" * 32]
        self.uploads = ["/uploads/" + "0" * 32]

    def often(self, share):
        return self.random.random() < share

    def hear(self, data):
        self.requests += re.findall(r"Request-Id: (\w+)", data)
        self.uploads += re.findall(r"Location: (/uploads/\w+)", data)

    def head(self, target, fields=""):
        if self.often(0.1):
            fields += "Connection: close\r\n"
        return f"{target} HTTP/1.{int(self.often(0.9))}\r\n{HOST}{fields}".encode()

    def with_body(self, head):
        body = b"z" * self.random.choice(SIZES)
        if self.often(0.15):
            head += b"Expect: 100-continue\r\n"
        if self.often(0.7):
            return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        chunk = b"%x\r\n" % len(body) + body + b"\r\n" if body else b""
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\nExit-Status: 3\r\n\r\n"

    def request(self):
        pick = self.random.choice
        bare, full = pick([
            (f"GET /topics/t{pick(['', '?since=all', '?poll=1'])}", None),
            (f"{pick(['GET', 'HEAD', 'DELETE'])} /files/{pick(['a', 'd/b', '', 'd/'])}", None),
            (f"{pick(['HEAD', 'DELETE'])} {pick(self.uploads[-4:])}", None),
            (None, f"POST /services/s/next{pick(['', '?tied=1', '?timeout=50ms'])}"),
            (None, f"POST /services/s?timeout={pick(['1ms', '50ms', '1s'])}"),
            (None, f"POST /services/s/replies/{pick(self.requests[-6:])}"),
            (None, f"POST /topics/{pick('tu')}"),
            (None, f"PUT /files/{pick(['a', 'd/b'])}{pick(['', '?topic=t'])}"),
            (None, f"PATCH {pick(self.uploads[-4:])}"),
        ])
        if bare:
            fields = pick(["", "Accept: text/event-stream\r\n", "Range: bytes=5-\r\n"])
            return self.head(bare, fields) + b"\r\n"
        fields = pick(["", "Request-Retry: lost\r\n", f"{VERSION}Upload-Complete: ?1\r\n"])
        if full.startswith("PATCH"):
            fields = (
                f"{VERSION}Content-Type: application/partial-upload\r\n"
                f"Upload-Offset: {pick(SIZES)}\r\nUpload-Complete: ?{pick('01')}\r\n"
            )
        return self.with_body(self.head(full, fields))

    def websocket(self):
        frames = [
            frame(TEXT, b"hello"),
            frame(PING, b"?"),
            frame(TEXT, b"a", fin=False) + frame(PING) + frame(CONTINUATION, b"b"),
            frame(BINARY, b"z" * 70_000, mask=None),
            frame(CLOSE, b"\x03\xe8"),
        ]
        said = b"".join(self.random.choices(frames, k=self.random.randrange(8)))
        return f"GET /topics/t?format=json HTTP/1.1\r\n{HOST}{UPGRADE}\r\n".encode() + said

    def words(self):
        if self.often(0.1):
            return self.random.choice([b"a plain line\n", b"no end", b"\xc3\n", self.websocket()])
        said = b"".join(self.request() for _ in range(self.random.choice([1, 1, 1, 2])))
        return said[: self.random.randrange(len(said))] if self.often(0.05) else said


def says(chance, peer, left):
    """What of LEFT, or of something new, the hub does not take yet."""
    left = left or chance.words()
    sent = peer.socket.send(left[: chance.random.choice([1, 4000, len(left), len(left)])])
    return left[sent:]


def step(chance, peers):
    """One of the clients, each with what it has yet to say, does something."""
    peer = chance.random.choice(list(peers))
    what, gone = chance.random.random(), False
    try:
        if what < 0.5:
            peers[peer] = says(chance, peer, peers[peer])
        elif what < 0.95:
            data = peer.socket.recv(chance.random.choice([10, 1000, 1 << 20]))
            chance.hear(data.decode(errors="replace"))
            gone = not data
        elif what < 0.97:
            peer.end()
        elif what < 0.985:
            peer.reset()
            gone = True
        else:
            gone = True
    except BlockingIOError:
        pass
    except OSError:
        gone = True
    if gone:
        del peers[peer]
        peer.close()


@pytest.mark.parametrize("seed, store", [(1, "memory"), (2, "memory"), (3, "file")])
def test_anything(start_hub, tmp_path, seed, store):
    options = [f"--store={tmp_path}/hub.db"] if store == "file" else []
    hub = start_hub(
        "tcp:localhost:0", f"unix:{tmp_path}/hub", "--heartbeat=100ms", f"--files={tmp_path}",
        *options,
    )  # fmt: skip
    chance, peers, addresses = Chance(seed), {}, hub.addresses
    for _ in range(STEPS):
        while len(peers) < CLIENTS:
            peer = hub.peer(chance.random.choice(addresses))
            peer.socket.setblocking(False)
            peers[peer] = b""
        step(chance, peers)
    for peer in peers:
        peer.close()
    while any(figures(hub)[name] for name in ("calls_queued", "calls_running")):
        pass
