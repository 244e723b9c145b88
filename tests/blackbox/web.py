"""HTTP by hand, for tests that want to see what is on the wire."""

import json
import re
import struct
import subprocess

from program import PATIENCE

HOST = "Host: localhost\r\n"

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def name_of(case):
    """What pytest calls a case of a table that has a request in it."""
    return re.sub(r"[^ -~]", "", case)[:60] if isinstance(case, str) else None


class Answer:
    """One response, read from PEER to its end."""

    def __init__(self, peer, method="GET"):
        head = peer.until(b"\r\n\r\n").decode()
        line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
        self.version, status, _, self.reason = re.fullmatch(
            r"(HTTP/1\.\d) (\d{3})( (.*))?", line
        ).groups()
        self.status = int(status)
        self.fields = {}
        for field in fields:
            name, value = field.split(": ", 1)
            name = name.lower()
            assert name == "vary" or name not in self.fields, f"{name} twice"
            self.fields[name] = f"{self[name]}, {value}" if name in self.fields else value
        self.body = b""
        if self.status < 200 or self.status in (204, 304) or method == "HEAD":
            assert self.status != 204 or "content-length" not in self.fields
        elif self["transfer-encoding"] == "chunked":
            while size := int(peer.line(), 16):
                self.body += peer.read(size)
                assert peer.read(2) == b"\r\n"
            assert peer.line() == b"\r"
        elif "content-length" in self.fields:
            self.body = peer.read(int(self["content-length"]))
        else:
            self.body = peer.rest()

    def __getitem__(self, name):
        return self.fields.get(name)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def closes(self):
        return self["connection"] == "close"


def ask(peer, request, method=None):
    peer.send(request)
    return Answer(peer, method or request.split(" ", 1)[0])


def serves_on(peer):
    """The next request on the connection is read as one."""
    return ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200


def curl(*words):
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# ---- WebSocket (RFC 6455), where a well-behaved library will not do ----

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, masked=True, reserved=0, mask=b"\x12\x34\x56\x78"):
    """A frame as a client sends it; RESERVED are the three bits behind FIN. A MASK of None is one
    of zeros, for payloads that are long.
    """
    head = bytes([fin << 7 | reserved << 4 | opcode])
    if len(payload) < 126:
        head += bytes([masked << 7 | len(payload)])
    elif len(payload) < 1 << 16:
        head += bytes([masked << 7 | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([masked << 7 | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    if not mask:
        return head + bytes(4) + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def read_frame(peer):
    """The next frame: its opcode and payload. The hub sends whole messages, unmasked."""
    first, length = peer.read(2)
    assert first & 0xF0 == 0x80 and length < 128
    if length == 126:
        (length,) = struct.unpack(">H", peer.read(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", peer.read(8))
    return first & 0x0F, peer.read(length)


def upgrade(peer, target):
    """PEER speaks WebSocket from now on."""
    answer = ask(peer, f"GET {target} HTTP/1.1\r\n{HOST}{UPGRADE}\r\n")
    assert answer.status == 101
    return answer
