"""WebSocket at the hub: python3-websockets as the client, frames by hand where it is too polite."""

import asyncio
import json
import struct

import pytest
import websockets
from program import PATIENCE
from web import (
    BINARY,
    CLOSE,
    CONTINUATION,
    HOST,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    ask,
    frame,
    read_frame,
    upgrade,
)


def converse(conversation):
    """Runs a coroutine; whatever it awaits comes soon."""
    return asyncio.run(asyncio.wait_for(conversation, PATIENCE))


def connect(hub, target="/topics/t", **options):
    return websockets.connect(f"ws://localhost:{hub.port}{target}", **options)


def post(peer, topic, body):
    body = body.encode() if isinstance(body, str) else body
    peer.send(f"POST /topics/{topic} HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n\r\n")
    return ask(peer, body, "POST")


def test_both_ways(hub):
    async def talk():
        async with connect(hub, "/topics/t?name=anna") as anna, connect(hub) as other:
            await anna.send("grüß dich")
            assert await other.recv() == "grüß dich"
            await other.send(b"\xff\x00\r\n")
            assert await anna.recv() == b"\xff\x00\r\n"
            await anna.send("")
            assert await other.recv() == ""
            assert anna.extensions == [] and anna.subprotocol is None

    converse(talk())
    hub.wait_for("^This is what anna sent to t: grüß dich$")


def test_a_sender_is_not_sent_its_own(hub):
    async def talk():
        async with connect(hub) as one, connect(hub) as two:
            await one.send("from one")
            await two.recv()
            await two.send("from two")
            assert await one.recv() == "from two"

    converse(talk())


def test_as_json(hub):
    async def talk():
        async with connect(hub, "/topics/t?format=json") as reader:
            async with connect(hub, "/topics/t?name=anna") as writer:
                await writer.send("hi")
                await writer.send(b"\xff")
                text, binary = [json.loads(await reader.recv()) for _ in range(2)]
        assert text.pop("time").endswith("Z") and binary.pop("time")
        assert text == {"id": 1, "topic": "t", "from": "anna", "text": "hi"}
        assert binary == {"id": 2, "topic": "t", "from": "anna", "base64": "/w=="}

    converse(talk())


@pytest.mark.parametrize(
    "since, expected", [("all", "123"), ("1", "23"), ("3", ""), ("10m", "123")]
)
def test_since(hub, since, expected):
    with hub.peer() as peer:
        for body in "123":
            assert post(peer, "t", body).status == 200

        async def talk():
            async with connect(hub, f"/topics/t?since={since}") as reader:
                async with connect(hub) as writer:
                    await writer.send("end")
                heard = []
                while (message := await reader.recv()) != "end":
                    heard.append(message)
                assert "".join(heard) == expected

        converse(talk())


def test_a_fragmented_message_is_one(hub):
    async def talk():
        async with connect(hub) as one, connect(hub) as two:
            await one.send(["he", "l", "", "lo"])
            assert await two.recv() == "hello"
            await one.send([b"\xff"] * 1000)
            assert await two.recv() == b"\xff" * 1000

    converse(talk())


def test_the_largest_message(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-message=100000")

    async def talk():
        async with connect(hub) as one, connect(hub) as two:
            await one.send("x" * 100_000)
            assert await two.recv() == "x" * 100_000
            await one.send("x" * 100_001)
            await one.wait_closed()
            assert one.close_code == 1009
            await two.send("still here")

    converse(talk())
    hub.wait_for("still here")


@pytest.mark.parametrize("code, answered", [(1000, 1000), (1001, 1001), (3000, 3000), (4999, 4999)])
def test_the_client_closes(hub, code, answered):
    async def talk():
        async with connect(hub) as client:
            await client.close(code, "bye")
            assert client.close_code == answered

    converse(talk())
    hub.wait_for("^Closed connection")


def test_the_hub_goes_away(hub):
    async def talk():
        async with connect(hub) as client:
            await client.ping()
            await asyncio.to_thread(hub.stop)
            await client.wait_closed()
            assert (client.close_code, client.close_reason) == (1001, "the hub stops")

    converse(talk())


def test_pings_are_answered(hub):
    async def talk():
        async with connect(hub) as client:
            await (await client.ping(b"x" * 125))

    converse(talk())


# ---- frames by hand: what comes back, and what of it became a message ----

CODE = {code: struct.pack(">H", code) for code in (999, 1000, 1004, 1005, 1006, 1015, 2999, 5000)}

CASES = [
    ("an empty close", [frame(CLOSE)], (CLOSE, b""), []),
    ("half a close code", [frame(CLOSE, b"\x03")], 1002, []),
    *[
        (f"close code {code}", [frame(CLOSE, CODE[code])], 1002, [])
        for code in (999, 1004, 1005, 1006, 1015, 2999, 5000)
    ],
    ("a close reason that is no UTF-8", [frame(CLOSE, CODE[1000] + b"\xff")], 1007, []),
    ("a long ping", [frame(PING, b"x" * 126)], 1002, []),
    ("a fragmented ping", [frame(PING, b"", fin=False)], 1002, []),
    (
        "a pong unasked for",
        [frame(PONG, b"x"), frame(TEXT, b"hi"), frame(CLOSE)],
        (CLOSE, b""),
        [b"hi"],
    ),
    *[(f"opcode {code}", [frame(code, b"x")], 1002, []) for code in (3, 7, 11, 15)],
    *[(f"reserved bit {bit}", [frame(TEXT, b"x", reserved=bit)], 1002, []) for bit in (1, 2, 4)],
    ("no mask", [frame(TEXT, b"x", masked=False)], 1002, []),
    ("a continuation of nothing", [frame(CONTINUATION, b"x")], 1002, []),
    ("a message within a message", [frame(TEXT, b"a", fin=False), frame(TEXT, b"b")], 1002, []),
    (
        "a ping within a message",
        [frame(TEXT, b"a", fin=False), frame(PING, b"p"), frame(CONTINUATION, b"b")],
        (PONG, b"p"),
        [b"ab"],
    ),
    ("text that is no UTF-8", [frame(TEXT, b"\xff")], 1007, []),
    ("a surrogate", [frame(TEXT, b"\xed\xa0\x80")], 1007, []),
    ("half a character", [frame(TEXT, b"\xc3")], 1007, []),
    (
        "a character over two frames",
        [frame(TEXT, b"\xc3", fin=False), frame(CONTINUATION, b"\xbc"), frame(CLOSE)],
        (CLOSE, b""),
        ["ü".encode()],
    ),
    (
        "no UTF-8 known before the end",
        [frame(TEXT, b"\xff", fin=False)],
        1007,
        [],
    ),
    ("any bytes in binary", [frame(BINARY, b"\xff"), frame(CLOSE)], (CLOSE, b""), [b"\xff"]),
    ("a length of 2^63", [b"\x82\xff" + b"\xff" * 12], 1002, []),
    ("what follows a close", [frame(CLOSE), frame(TEXT, b"x")], (CLOSE, b""), []),
]


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
@pytest.mark.parametrize("name, frames, answer, messages", CASES, ids=[case[0] for case in CASES])
def test_frames(hub, name, frames, answer, messages, bytewise):
    with hub.peer() as peer, hub.peer() as watcher:
        upgrade(peer, "/topics/t")
        try:
            (peer.send_bytewise if bytewise else peer.send)(b"".join(frames))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the hub had seen enough
        opcode, payload = read_frame(peer)
        if isinstance(answer, int):
            assert (opcode, struct.unpack(">H", payload[:2])[0]) == (CLOSE, answer)
        else:
            assert (opcode, payload) == answer
        if opcode == CLOSE:
            assert peer.rest() == b""
        stored = ask(
            watcher,
            f"GET /topics/t?poll=1 HTTP/1.1\r\n{HOST}Accept: application/x-ndjson\r\n\r\n",
        )
        got = [json.loads(line) for line in stored.body.splitlines()]
        assert [m.get("text", "").encode() or b"\xff" for m in got] == messages


def test_frames_that_come_with_the_handshake(hub):
    with hub.peer() as peer:
        peer.send(f"GET /topics/t HTTP/1.1\r\n{HOST}{UPGRADE}\r\n".encode() + frame(PING, b"early"))
        peer.until(b"\r\n\r\n")
        assert read_frame(peer) == (PONG, b"early")


HANDSHAKES = [
    ("GET", UPGRADE, 101),
    ("GET", UPGRADE.replace("websocket", "WebSocket"), 101),
    ("GET", UPGRADE.replace("Connection: Upgrade", "Connection: keep-alive, upgrade"), 101),
    ("GET", UPGRADE + "Sec-WebSocket-Extensions: permessage-deflate\r\n", 101),
    ("GET", UPGRADE + "Sec-WebSocket-Protocol: chat\r\n", 101),
    ("GET", UPGRADE.replace(": 13", ": 8"), 426),
    ("GET", UPGRADE.replace("Sec-WebSocket-Version: 13\r\n", ""), 426),
    ("GET", UPGRADE.replace("dGhl", ""), 400),
    ("GET", UPGRADE.replace("Connection: Upgrade\r\n", ""), 400),
    ("GET", UPGRADE + "Content-Length: 1\r\n", 400),
    ("POST", UPGRADE, 200),  # who cannot upgrade is answered as it is
    ("HEAD", UPGRADE, 200),
]


@pytest.mark.parametrize("method, fields, status", HANDSHAKES)
def test_handshake(hub, method, fields, status):
    with hub.peer() as peer:
        answer = ask(peer, f"{method} /topics/t HTTP/1.1\r\n{HOST}{fields}\r\n")
        assert answer.status == status
        if status == 101:
            assert answer["upgrade"] == "websocket" and answer["connection"] == "Upgrade"
            assert answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & answer.fields.keys()
        if status == 426:
            assert answer["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "query", ["client=", "client=a%20b", "client=a&first=0", "client=a&first=x"]
)
def test_a_bad_token(hub, query):
    with hub.peer() as peer:
        request = f"GET /topics/t?format=json&{query} HTTP/1.1\r\n{HOST}{UPGRADE}\r\n"
        assert ask(peer, request).status == 400


def test_nothing_follows_a_close(start_hub):
    """RFC 6455 section 5.5.1, of a hub that stops while a client is far behind."""
    hub = start_hub("tcp:localhost:0")
    with hub.peer(receive_buffer=4096) as slow, hub.peer() as sender:
        upgrade(slow, "/topics/t")
        for n in range(40):
            assert post(sender, "t", f"{n} " + "x" * 100_000).status == 200
        seen = []
        hub.process.terminate()
        while not seen or seen[-1][0] != CLOSE:
            seen.append(read_frame(slow))
        assert slow.rest() == b""
        numbers = [int(payload.split()[0]) for opcode, payload in seen[:-1]]
        assert numbers == list(range(len(numbers)))
        assert seen[-1][1] == struct.pack(">H", 1001) + b"the hub stops"
    hub.wait()
