"""Nothing acknowledged is lost: a hub with a store is killed at random moments under load.

FERRY_KILLS says how often (20 by default; a thousand take some minutes).
"""

import contextlib
import http.client
import json
import os
import random
import socket
import sqlite3
import threading
import time

import pytest
from hub import Hub
from paths import FERRY
from program import PATIENCE

KILLS = int(os.environ.get("FERRY_KILLS", "20"))


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Publisher(threading.Thread):
    """Publishes until told to stop, each request again and again until it is acknowledged."""

    def __init__(self, path, name, batch):
        super().__init__(daemon=True)
        self.path, self.label, self.batch = path, name, batch
        self.acknowledged, self.last_ids = [], []
        self.stopping = threading.Event()
        self.start()

    def body(self, texts):
        if self.batch == 1:
            return texts[0].encode(), "text/plain"
        lines = (json.dumps({"text": text}) + "\n" for text in texts)
        return "".join(lines).encode(), "application/x-ndjson"

    def ask(self, connection, number, texts):
        body, kind = self.body(texts)
        fields = {"Content-Type": kind, "Idempotency-Key": f"{self.label}-{number}"}
        connection.request("POST", f"/topics/load?name={self.label}", body, fields)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, data
        return json.loads(data)["id"]

    def publish(self, number, texts):
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                with contextlib.closing(UnixHTTP(self.path)) as connection:
                    return self.ask(connection, number, texts)
            time.sleep(0.002)  # between two tries: the hub is not there

    def run(self):
        number = 0
        while not self.stopping.is_set():
            texts = [f"{self.label} {number} {i}" for i in range(self.batch)]
            self.last_ids.append(self.publish(number, texts))
            self.acknowledged += texts
            number += 1


def shout(path, stop):
    """Clients who are promised nothing: plain lines, as fast as they go."""
    while not stop.is_set():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            while not stop.is_set():
                client.sendall(b"noise\n" * 10)
                time.sleep(0.001)


def stored(hub_path):
    with contextlib.closing(UnixHTTP(hub_path)) as connection:
        fields = {"Accept": "application/x-ndjson"}
        connection.request("GET", "/topics/load?since=all&poll=1", headers=fields)
        lines = connection.getresponse().read().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def restart(tmp_path, environment):
    hubs = []

    def start():
        words = [f"unix:{tmp_path}/hub"]
        options = ["--store", f"{tmp_path}/chat.db", "-q"]
        hubs.append(Hub(FERRY, words, options, env=environment, cwd=tmp_path))
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.discard()


@pytest.mark.timeout(60 + KILLS)
def test_kill_9_at_random_moments(restart, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    path = tmp_path / "hub"
    hub = restart()
    publishers = [Publisher(path, "one", 1), Publisher(path, "two", 1), Publisher(path, "many", 20)]
    stop = threading.Event()
    noise = threading.Thread(target=shout, args=(path, stop), daemon=True)
    noise.start()
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, 0.05))  # the random moment
        hub.discard()
        hub = restart()
    for publisher in publishers:
        publisher.stopping.set()
    for publisher in publishers:
        publisher.join(PATIENCE)
        assert not publisher.is_alive()
    stop.set()
    noise.join(PATIENCE)

    messages = stored(path)
    ids = [message["id"] for message in messages]
    assert ids == sorted(set(ids)), "ids must grow"
    texts = [message["text"] for message in messages]
    assert len(texts) == len(set(texts)), "a message came twice"
    for publisher in publishers:
        assert publisher.last_ids == sorted(set(publisher.last_ids)), "ids must not go back"
        own = [text for text in texts if text.startswith(publisher.label + " ")]
        assert own == publisher.acknowledged
    assert sum(len(publisher.acknowledged) for publisher in publishers) > KILLS
    hub.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "chat.db")) as file:
        assert file.execute("pragma integrity_check").fetchone() == ("ok",)


def test_ids_and_history_go_on_after_a_restart(restart, tmp_path):
    path = tmp_path / "hub"
    ids = []
    for text in ("before", "after"):
        hub = restart()
        with contextlib.closing(UnixHTTP(path)) as connection:
            connection.request("POST", "/topics/load", text)
            ids.append(json.loads(connection.getresponse().read())["id"])
        hub.stop()
    restart()
    assert ids[0] < ids[1]
    assert [(each["id"], each["text"]) for each in stored(path)] == [
        (ids[0], "before"),
        (ids[1], "after"),
    ]


def test_a_store_that_is_none_is_refused(ferry, tmp_path):
    (tmp_path / "none.db").write_text("this is no store, and must not become one" * 100)
    result = ferry("listen", f"unix:{tmp_path}/hub", "--store", tmp_path / "none.db")
    assert result.returncode not in (0, 70) and "none.db" in result.stderr
    assert len(result.stderr.splitlines()) == 1
