"""Nothing acknowledged is lost: a hub with a store is killed at random moments under load, by HTTP,
WebSocket, and plain clients who are promised nothing.

FERRY_KILLS says how often (20 by default; a thousand take some minutes).
"""

import contextlib
import json
import os
import random
import sqlite3
import threading
import time

import pytest
from hub import Hub
from paths import FERRY
from program import PATIENCE
from publisher import Publisher, Receipted, UnixHTTP, check, finish, shout, stored

KILLS = int(os.environ.get("FERRY_KILLS", "20"))


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
    publishers += [Receipted(path, "socket", 1), Receipted(path, "sockets", 20)]
    stop = threading.Event()
    noise = threading.Thread(target=shout, args=(path, stop), daemon=True)
    noise.start()
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, 0.05))  # the random moment
        hub.discard()
        hub = restart()
    finish(publishers)
    stop.set()
    noise.join(PATIENCE)

    check(stored(path), publishers)
    assert all(publisher.acknowledged for publisher in publishers)
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
