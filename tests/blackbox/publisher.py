"""Publishers that do not give up, and what a hub with a store has of theirs."""

import contextlib
import http.client
import json
import socket
import threading
import time

from peer import Peer
from program import PATIENCE
from web import TEXT, frame, read_frame, upgrade


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Publisher(threading.Thread):
    """Publishes until told to stop, each request again and again until it is acknowledged. Any other
    answer ends it, and is its `error`."""

    def __init__(self, path, name, batch):
        super().__init__(daemon=True)
        self.path, self.label, self.batch = path, name, batch
        self.acknowledged, self.last_ids = [], []
        self.error = None
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
        if answer.status == 503:  # the store is away
            raise http.client.HTTPException(data)
        assert answer.status == 200, data
        return json.loads(data)["id"]

    def publish(self, number, texts):
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                with contextlib.closing(UnixHTTP(self.path)) as connection:
                    return self.ask(connection, number, texts)
            time.sleep(0.002)  # between two tries: the hub is not there

    def run(self):
        try:
            self.publish_all()
        except Exception as error:
            self.error = error

    def publish_all(self):
        number = 0
        while not self.stopping.is_set():
            texts = [f"{self.label} {number} {i}" for i in range(self.batch)]
            self.last_ids.append(self.publish(number, texts))
            self.acknowledged += texts
            number += 1


class Receipted(Publisher):
    """The same over WebSocket: on one connection until that breaks, each message with a receipt."""

    peer = None

    def connect(self, first):
        self.peer = Peer(f"unix:{self.path}")
        query = f"format=json&client={self.label}&first={first}&name={self.label}"
        upgrade(self.peer, f"/topics/load?{query}")

    def receipt(self, last):
        """The id of the message with that number."""
        while True:
            told = json.loads(read_frame(self.peer)[1])
            if "refused" in told:
                raise RuntimeError(told)
            if told.get("stored", 0) >= last:
                return told["id"]

    def publish(self, number, texts):
        first = number * self.batch + 1
        while True:
            with contextlib.suppress(OSError, AssertionError):  # a Peer asserts that it can read
                if not self.peer:
                    self.connect(first)
                for text in texts:
                    self.peer.send(frame(TEXT, text.encode()))
                return self.receipt(first + len(texts) - 1)
            if self.peer:
                self.peer.close()
            self.peer = None
            time.sleep(0.002)  # between two tries: the hub is not there


def shout(path, stop):
    """Clients who are promised nothing: plain lines, as fast as they go."""
    while not stop.is_set():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            while not stop.is_set():
                client.sendall(b"noise\n" * 10)
                time.sleep(0.001)


def check(messages, publishers):
    """All that was acknowledged is there once and in order, and nothing twice; ids grow."""
    ids = [message["id"] for message in messages]
    assert ids == sorted(set(ids)), "ids must grow"
    texts = [message["text"] for message in messages]
    assert len(texts) == len(set(texts)), "a message came twice"
    for publisher in publishers:
        assert publisher.last_ids == sorted(set(publisher.last_ids)), "ids must not go back"
        own = [text for text in texts if text.startswith(publisher.label + " ")]
        missing = set(publisher.acknowledged) - set(own)
        assert not missing, f"{len(missing)} acknowledged messages are lost: {sorted(missing)[:30]}"
        assert own == publisher.acknowledged, "messages are not in order, or not acknowledged"


def finish(publishers):
    for publisher in publishers:
        publisher.stopping.set()
    for publisher in publishers:
        publisher.join(PATIENCE)
        assert not publisher.is_alive()
        assert not publisher.error, publisher.error


def stored(hub_path):
    with contextlib.closing(UnixHTTP(hub_path)) as connection:
        fields = {"Accept": "application/x-ndjson"}
        connection.request("GET", "/topics/load?since=all&poll=1", headers=fields)
        lines = connection.getresponse().read().splitlines()
    return [json.loads(line) for line in lines]
