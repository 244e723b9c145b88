"""ferry follow: a topic's messages on standard output."""

import json
import os
import subprocess

import pytest
from paths import FERRY
from program import PATIENCE


@pytest.fixture
def history(hub, ferry):
    """Ten messages of bert's."""
    lines = "\n".join(str(n) for n in range(1, 11))
    assert ferry("send", hub.address, "--name", "bert", input=lines).returncode == 0


@pytest.mark.parametrize("wire", ["http", "plain"])
def test_what_comes(hub, ferry, start, wire):
    follow = start("follow", hub.address, "--count", "3", "--wire", wire)
    hub.wait_for_subscribers(1)
    for text in ("one", "two", "three"):
        assert ferry("send", hub.address, text, "--name", "bert").returncode == 0
    follow.wait()
    assert follow.output == b"bert: one\nbert: two\nbert: three\n"
    assert not follow.errors


@pytest.mark.parametrize(
    "since, expected", [("all", 10), ("7", 3), ("0", 10), ("1h", 10), ("10", 0), ("9", 1)]
)
def test_since(hub, ferry, history, since, expected):
    ferry("send", hub.address, "now", "--name", "bert")
    count = str(expected + 1)
    result = ferry("follow", hub.address, "--since", since, "--count", count)
    assert result.returncode == 0
    lines = [f"bert: {n}" for n in range(11 - expected, 11)] + ["bert: now"]
    assert result.stdout.splitlines() == lines


def test_as_json(hub, ferry, history):
    result = ferry("follow", hub.address, "--since", "all", "--count", "10", "--json")
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    assert [message["id"] for message in messages] == list(range(1, 11))
    assert list(messages[0]) == ["id", "time", "topic", "from", "text"]


def test_what_the_hub_no_longer_has(start_hub, ferry):
    hub = start_hub("tcp:localhost:0", "--keep-count=4")
    lines = "\n".join(str(n) for n in range(1, 11))
    assert ferry("send", hub.address, "--name", "bert", input=lines).returncode == 0
    result = ferry("follow", hub.address, "--since", "2", "--json", "--count", "4")
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert objects[0] == {"skipped": objects[0]["skipped"]}
    assert [message["text"] for message in objects[1:]] == ["7", "8", "9", "10"]
    result = ferry("follow", hub.address, "--since", "2", "--count", "4")
    assert result.stdout.splitlines() == [f"bert: {n}" for n in range(7, 11)]
    assert "skipped" in result.stderr


def test_a_since_that_is_none(hub, ferry):
    result = ferry("follow", hub.address, "--since", "yesterday")
    assert result.returncode == 64
    assert "since is an id" in result.stderr


def test_the_time_runs_out(hub, ferry, history):
    result = ferry("follow", hub.address, "--since", "8", "--timeout", "300ms")
    assert (result.returncode, result.stdout) == (124, "bert: 9\nbert: 10\n")
    assert "2 messages" in result.stderr


def test_nobody_is_there(ferry):
    assert ferry("follow", "unix:nobody.sock").returncode == 69


def test_interrupted(hub, start):
    follow = start("follow", hub.address)
    hub.wait_for("^Accepted")
    follow.stop()
    assert not follow.errors


@pytest.mark.parametrize("store", ["memory", "chat.db"])
def test_it_goes_on_when_the_hub_is_back(start_hub, start, ferry, store):
    words = ("unix:hub.sock", f"--store={store}")
    hub = start_hub(*words)
    follow = start("follow", "unix:hub.sock", "--since", "all")
    for n in range(3):
        for text in (f"{n}a", f"{n}b"):
            assert ferry("send", "unix:hub.sock", text).returncode == 0
            follow.wait_for(f"{text}$")
        hub.process.kill()
        hub.process.wait()
        hub = start_hub(*words)
    follow.stop()
    heard = [line.split()[-1] for line in follow.output.decode().splitlines()]
    assert heard == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert b"trying again" in follow.errors


def test_what_is_stored_while_it_is_away_comes_later(start_hub, start, ferry):
    words = ("unix:hub.sock", "--store=chat.db")
    hub = start_hub(*words)
    follow = start("follow", "unix:hub.sock", "--count", "1001", "--since", "all")
    assert ferry("send", "unix:hub.sock", "first").returncode == 0
    follow.wait_for("first$")
    hub.stop()
    # the same store, where the follower does not look
    elsewhere = start_hub("unix:elsewhere.sock", "--store=chat.db")
    lines = "\n".join(str(n) for n in range(1000))
    assert ferry("send", "unix:elsewhere.sock", input=lines).returncode == 0
    elsewhere.stop()
    start_hub(*words)
    follow.wait()
    heard = [line.split()[-1] for line in follow.output.decode().splitlines()]
    assert heard == ["first"] + lines.split()


def test_a_reader_that_takes_its_time_gets_everything(hub, ferry, environment, tmp_path):
    """Standard output holds the hub back, not a buffer of ours."""
    count, size = 400, 50_000
    follow = subprocess.Popen(
        [FERRY, "follow", hub.address, "--since", "all", "--count", str(count)],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    )
    body = "x" * size
    assert ferry("send", hub.address, "-n", "b", input=f"{body}\n" * count).returncode == 0
    memory = f"/proc/{follow.pid}/status"
    with follow.stdout as out:
        first = out.readline()
        with open(memory) as status:
            resident = next(line for line in status if line.startswith("VmRSS"))
        rest = out.read()
    assert follow.wait(PATIENCE) == 0
    assert first + rest == f"b: {body}\n".encode() * count
    if "asan" not in str(FERRY):
        assert int(resident.split()[1]) < 12_000, resident


def test_nobody_reads_any_more(hub, ferry, environment, tmp_path):
    read, write = os.pipe()
    os.close(read)
    follow = subprocess.Popen(
        [FERRY, "follow", hub.address, "--since", "all"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    )
    os.close(write)
    with follow:
        hub.wait_for("^Accepted")
        ferry("send", hub.address, "hi")
        errors = follow.stderr.read()
        assert follow.wait(PATIENCE) == 74
    assert b"standard output" in errors
