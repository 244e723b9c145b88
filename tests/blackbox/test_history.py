"""What a hub keeps, and what a subscriber gets of it: all, in order, once.

FERRY_MESSAGES says how many messages a subscriber pauses through (200,000 by default).
"""

import os
import threading
import time

import pytest
from feed import ASKING, LIVE, Feed, Line, Skipped, eventually, history
from paths import SANITIZED

MESSAGES = int(os.environ.get("FERRY_MESSAGES", "200000"))
BATCH = 1000

STORES = {"memory": "--store=memory", "file": "--store=chat.db"}


@pytest.fixture(params=STORES)
def store(request):
    return STORES[request.param]


@pytest.fixture
def feed():
    feeds = []

    def start(*words, **options):
        feeds.append(Feed(*words, **options))
        return feeds[-1]

    yield start
    for each in feeds:
        each.close()


class Publisher(threading.Thread):
    """Publishes the numbers 0, 1, 2 … as fast as the hub takes them, until told to stop."""

    def __init__(self, address, end=None, batch=BATCH, tail="", watch=lambda: None):
        super().__init__(daemon=True)
        self.address, self.end, self.batch = address, end, batch
        self.tail, self.watch = tail, watch
        self.count = 0
        self.ids = {}  # by number, the last of each batch
        self.stopping = threading.Event()
        self.start()

    def run(self):
        line = Line(self.address)
        while not self.stopping.is_set() and (self.end is None or self.count < self.end):
            end = min(self.count + self.batch, self.end or self.count + self.batch)
            status, last = line.publish(f"{n}{self.tail}" for n in range(self.count, end))
            assert status == 200
            self.ids[end - 1] = last
            self.count = end
            self.watch()
        line.close()

    def finish(self):
        """How many messages there were."""
        self.stopping.set()
        self.join()
        return self.count


class Reading(threading.Thread):
    """Reads a feed up to message LAST: what it got, checked on the way."""

    def __init__(self, feed, last, first=0):
        super().__init__(daemon=True)
        self.feed, self.next, self.last = feed, first, last
        self.skipped, self.error = 0, None
        self.start()

    def run(self):
        try:
            for each in self.feed:
                if isinstance(each, Skipped):
                    self.skipped += each
                    self.next += each
                    continue
                assert each.split(" ", 1)[0] == str(self.next)
                self.next += 1
                if self.next > self.last:
                    return
            raise AssertionError("the feed has ended")
        except (AssertionError, OSError) as error:
            self.error = error

    def finish(self):
        self.join()
        assert self.error is None, f"at {self.next} of {self.last}: {self.error}"
        return self.skipped


def test_who_pauses_misses_nothing(start_hub, tmp_path, feed):
    """On every wire at once, in bounded memory, and nobody else notices."""
    hub = start_hub(f"unix:{tmp_path}/hub", "--store=chat.db", "-q")
    sizes = []
    paused = [feed(hub.address, wire) for wire in LIVE]
    live = Reading(feed(hub.address, "ndjson"), MESSAGES - 1)
    publisher = Publisher(hub.address, MESSAGES, watch=lambda: sizes.append(hub.memory()))
    publisher.join()
    assert live.finish() == 0, "the one who reads is not held up by those who do not"
    readings = [Reading(each, MESSAGES - 1) for each in paused]
    while any(reading.is_alive() for reading in readings):
        readings[0].join(0.02)
        sizes.append(hub.memory())
    assert [reading.finish() for reading in readings] == [0] * len(LIVE)
    # A tape each and what is on its way to the store, whatever the number of messages.
    assert SANITIZED or max(sizes) < 48 << 20, f"{max(sizes)} bytes"
    assert publisher.count == MESSAGES


@pytest.mark.parametrize("wire", LIVE)
def test_who_pauses_for_too_long_is_told_how_much_is_gone(start_hub, tmp_path, feed, store, wire):
    hub = start_hub(f"unix:{tmp_path}/hub", store, "--keep-size=64K", "-q")
    paused = feed(hub.address, wire)
    Publisher(hub.address, 40000, tail=" " + "x" * 400).join()
    skipped = Reading(paused, 39999).finish()
    assert 0 < skipped < 40000


@pytest.mark.parametrize("wire", ASKING)
def test_replay_goes_over_to_live(start_hub, tmp_path, feed, store, wire):
    """Without gap or double, at the rate at which the hub takes messages."""
    hub = start_hub(f"unix:{tmp_path}/hub", store, "-q")
    publisher = Publisher(hub.address, batch=20)
    readings = []
    for _ in range(8):
        begin = publisher.count + 500
        eventually(lambda begin=begin: publisher.count > begin)
        number, last_id = list(publisher.ids.copy().items())[len(readings)]
        last = publisher.count + 2000
        readings.append(Reading(feed(hub.address, wire, since="all"), last))
        readings.append(Reading(feed(hub.address, wire, since=last_id), last, number + 1))
        readings.append(Reading(feed(hub.address, wire, since="1h"), last))
    eventually(lambda: publisher.count > last)
    publisher.finish()
    assert [reading.finish() for reading in readings] == [0] * len(readings)


def test_replay_on_the_plain_wire(start_hub, tmp_path, feed, store):
    """Which cannot ask for it: the address says where all begin who come there."""
    firsts = {"all": 0, "700": 700, "1h": 0}  # the first message has the id 1
    places = [f"unix:{tmp_path}/{since}?since={since}" for since in firsts]
    hub = start_hub(f"unix:{tmp_path}/hub", *places, store, "-q")
    publisher = Publisher(hub.address, batch=20)
    eventually(lambda: publisher.count > 1000)
    last = publisher.count + 2000
    readings = [
        Reading(feed(place, "plain"), last, first)
        for place, first in zip(hub.addresses[1:], firsts.values())
    ]
    eventually(lambda: publisher.count > last)
    publisher.finish()
    assert [reading.finish() for reading in readings] == [0] * len(readings)


@pytest.mark.parametrize("wire", ASKING)
def test_history_is_there_after_a_restart(start_hub, tmp_path, feed, wire):
    words = [f"unix:{tmp_path}/hub", "--store=chat.db", "-q"]
    publisher = Publisher((hub := start_hub(*words)).address, 5000)
    publisher.join()
    hub.stop()
    hub = start_hub(*words)
    again = Line(hub.address)
    status, last_id = again.publish(["5000"])
    assert status == 200 and last_id > publisher.ids[4999]
    for since, first in (("all", 0), (publisher.ids[2999], 3000), ("1h", 0)):
        assert Reading(feed(hub.address, wire, since=since), 5000, first).finish() == 0
    ids = [message["id"] for message in history(hub.address)]
    assert ids == sorted(set(ids)) and ids[-1] == last_id


def test_a_count_is_kept(start_hub, tmp_path, store):
    hub = start_hub(f"unix:{tmp_path}/hub", store, "--keep-count=1500", "-q")
    Publisher(hub.address, 10000).join()
    texts = [message["text"] for message in history(hub.address) if "text" in message]
    assert texts == [str(number) for number in range(8500, 10000)]


def test_a_size_is_kept(start_hub, tmp_path, store):
    hub = start_hub(f"unix:{tmp_path}/hub", store, "--keep-size=1M", "-q")
    Publisher(hub.address, 50000).join()
    texts = [message["text"] for message in history(hub.address) if "text" in message]
    assert texts == [str(number) for number in range(50000 - len(texts), 50000)]
    assert 5000 < len(texts) < 20000


def test_an_age_is_kept(start_hub, tmp_path, store):
    hub = start_hub(f"unix:{tmp_path}/hub", store, "--keep-age=2s", "-q")
    line = Line(hub.address)
    began = time.monotonic()
    line.publish(["old"])
    assert [message["text"] for message in history(hub.address)] == ["old"]
    eventually(lambda: all("text" not in message for message in history(hub.address)))
    assert time.monotonic() - began > 1.9
    status, _ = line.publish(["new"])
    assert status == 200
    assert [each["text"] for each in history(hub.address) if "text" in each] == ["new"]
