"""Receipts: what a WebSocket client learns of its own messages, and its identity on all its
connections."""

import asyncio
import json

import pytest
import websockets
from peer import Peer
from program import PATIENCE
from web import TEXT, frame, read_frame, upgrade

TOKEN = "5b3a8d0c9e7f4a12"


def converse(conversation):
    """Runs a coroutine; whatever it awaits comes soon."""
    return asyncio.run(asyncio.wait_for(conversation, PATIENCE))


def connect(hub, query, **options):
    return websockets.connect(f"ws://localhost:{hub.port}/topics/t?format=json&{query}", **options)


async def receipts(client, upto):
    """The ids of the messages stored, by number; other messages of the topic are left out."""
    ids = {}
    while upto not in ids:
        told = json.loads(await client.recv())
        count = told.get("count", 1)
        for back in range(count if "stored" in told else 0):
            ids[told["stored"] - back] = told["id"] - back
    return ids


def test_each_message_has_one_with_its_number_and_id(hub):
    async def talk():
        async with connect(hub, f"client={TOKEN}") as anna, connect(hub, "") as bert:
            for number in (1, 2, 3):
                await anna.send("from anna")
                assert json.loads(await anna.recv()) == {"stored": number, "id": 2 * number - 1}
                await bert.send("from bert")
                assert json.loads(await anna.recv())["text"] == "from bert"

    converse(talk())


def test_messages_sent_at_once_share_one(hub):
    async def talk():
        async with connect(hub, f"client={TOKEN}&first=11") as anna:
            await asyncio.gather(*(anna.send(str(n)) for n in range(10)))
            assert await receipts(anna, 20) == {11 + n: 1 + n for n in range(10)}

    converse(talk())


def test_what_is_repeated_is_not_stored_again(hub):
    async def talk():
        async with connect(hub, f"client={TOKEN}") as anna:
            for text in ("one", "two"):
                await anna.send(text)
            before = await receipts(anna, 2)
        async with connect(hub, f"client={TOKEN}&first=2") as again:
            for text in ("two", "three"):
                await again.send(text)
            after = await receipts(again, 3)
        assert after[2] == before[2]
        async with connect(hub, "since=all") as anyone:
            texts = [json.loads(await anyone.recv())["text"] for _ in range(3)]
        assert texts == ["one", "two", "three"]

    converse(talk())


def test_a_client_is_one_on_all_its_connections(start_hub):
    """Also after the hub was started anew, as far as its store knows."""

    async def talk(hub, numbers, others):
        async with connect(hub, f"client={TOKEN}&first={numbers[0]}&since=all") as anna:
            for number in numbers:
                await anna.send(f"own {number}")
            await receipts(anna, numbers[-1])
        async with connect(hub, "") as bert:
            await bert.send(others[-1])
        async with connect(hub, f"client={TOKEN}&since=all") as anna:
            heard = [json.loads(await anna.recv())["text"] for _ in others]
        assert heard == others

    words = ("tcp:localhost:0", "--store=chat.db")
    hub = start_hub(*words)
    converse(talk(hub, [1, 2], ["one"]))
    hub.stop()
    converse(talk(start_hub(*words), [3, 4], ["one", "two"]))


def test_who_asks_for_none_gets_none(hub):
    async def talk():
        async with connect(hub, "") as anna, connect(hub, "") as bert:
            await anna.send("one")
            await bert.recv()
            await bert.send("two")
            assert json.loads(await anna.recv())["text"] == "two"

    converse(talk())


@pytest.mark.parametrize("query", ["client=", "client=a/b", "client=a&first=0", "client=a&first=x"])
def test_a_bad_request(hub, query):
    async def talk():
        with pytest.raises(websockets.InvalidStatusCode) as refusal:
            await connect(hub, query).__aenter__()
        assert refusal.value.status_code == 400

    converse(talk())


def test_one_who_does_not_read_is_not_read_either(hub, ferry):
    """What it wrote is not lost by that: it is taken when there is room for its receipts."""
    flood = "".join(f"{n} {'.' * 1000}\n" for n in range(8000))
    with Peer(hub.address, receive_buffer=4096) as peer:
        upgrade(peer, f"/topics/t?format=json&client={TOKEN}")
        assert ferry("send", hub.address, "--topic", "t", input=flood).returncode == 0
        for text in (b"one", b"two"):
            peer.send(frame(TEXT, text))
        stored = heard = 0
        while stored < 2 or heard < 8000:
            told = json.loads(read_frame(peer)[1])
            stored = told.get("stored", stored)
            heard += "text" in told or told.get("skipped", 0)
    hub.wait_for(" sent to t: one$")
    hub.wait_for(" sent to t: two$")
