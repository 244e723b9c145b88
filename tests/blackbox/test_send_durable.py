"""Publishing to a hub that is killed in the middle: it goes on where it was, or says how far it came."""

import contextlib
import json
import re
import sqlite3
import threading

import pytest
from feed import ask, eventually, history
from hub import Hub
from paths import FERRY

LINES = 60000


def line(n):
    """Long enough that only some thousand are on their way at a time."""
    return f"line {n} {'.' * 300}"


@pytest.fixture
def start_stored(environment, tmp_path):
    hubs = []

    def run():
        words = [f"unix:{tmp_path}/hub"], ["--store=chat.db", "-q"]
        hubs.append(Hub(FERRY, *words, env=environment, cwd=tmp_path))
        return hubs[-1]

    yield run
    for hub in hubs:
        hub.discard()


class Typing(threading.Thread):
    """Writes LINES numbered lines to a program, as fast as it takes them."""

    def __init__(self, program):
        super().__init__(daemon=True)
        self.program = program
        self.start()

    def run(self):
        with contextlib.suppress(BrokenPipeError):
            for begin in range(0, LINES, 1000):
                self.program.type("".join(f"{line(n)}\n" for n in range(begin, begin + 1000)))
            self.program.close_input()


def stored_count(hub):
    return json.loads(ask(hub.address, "GET", "/status")[1])["store_messages"]


@pytest.mark.parametrize("command", ["send", "chat"])  # POST; WebSocket
def test_every_line_is_stored_once(start_stored, start, command):
    hub = start_stored()
    send = start(command, hub.address)
    typing = Typing(send)
    for share in (0.1, 0.3, 0.6):
        eventually(lambda hub=hub, share=share: stored_count(hub) > share * LINES)
        hub.discard()
        assert send.process.poll() is None
        hub = start_stored()
    send.wait(timeout=40)
    typing.join()
    assert b"trying again" in send.errors
    assert not send.output  # nobody hears himself, on no connection
    texts = [message["text"] for message in history(hub.address)]
    assert texts == [line(n) for n in range(LINES)]


def test_it_says_how_many_were_stored(start_stored, start, tmp_path):
    hub = start_stored()
    send = start("send", hub.address, "--timeout", "2s")
    Typing(send)
    eventually(lambda: stored_count(hub) > LINES // 10)
    hub.discard()
    send.wait(124)
    match = re.search(rb"(\d+) of (\d+) messages are known to be stored", send.errors)
    known, given = int(match[1]), int(match[2])
    with contextlib.closing(sqlite3.connect(tmp_path / "chat.db")) as file:
        texts = [text for (text,) in file.execute("select text from log")]
    assert 0 < known <= len(texts) <= given
    assert texts == [line(n) for n in range(len(texts))]
