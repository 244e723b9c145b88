"""A store that cannot: full, not writable, damaged, of another time. The hub says so, once and
clearly, and goes on serving what it can."""

import contextlib
import json
import resource
import sqlite3

import pytest
from feed import Line, ask, history
from hub import Hub
from namespaces import can_mount, in_namespace
from paths import FERRY

TEXT = "x" * 1000


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, resource.RLIM_INFINITY))


@pytest.fixture(params=["disk", "limit"])
def small_store(request, tmp_path, environment):
    """A hub whose store has no room for more than a few thousand messages of TEXT."""
    options = {"env": environment, "cwd": tmp_path}
    program = FERRY
    place = tmp_path / "disk"
    place.mkdir()
    if request.param == "disk":
        if not can_mount():
            pytest.skip("no mount namespace to be had")
        program = in_namespace(tmp_path, f"mount -t tmpfs -o size=4M none {place}")
    else:
        options["preexec_fn"] = limit_files
    hub = Hub(program, [f"unix:{tmp_path}/hub"], ["--store", f"{place}/chat.db", "-q"], **options)
    yield hub
    hub.discard()


def fill(hub):
    """Publishes until the store is full; what was acknowledged, and the answer that was none."""
    acknowledged = []
    with contextlib.closing(Line(hub.address)) as line:
        for number in range(20000):
            body = f"{number} {TEXT}"
            status, answer = line.ask("POST", "/topics/lobby", body)
            if status != 200:
                return acknowledged, status, answer
            acknowledged.append((json.loads(answer)["id"], body))
    raise AssertionError("it is never full")


def stored(hub):
    return [(message["id"], message["text"]) for message in history(hub.address)]


def test_a_full_store_takes_no_more_and_loses_nothing(small_store, ferry):
    hub = small_store
    acknowledged, status, answer = fill(hub)
    assert len(acknowledged) > 100
    assert status == 507 and b"No space left" in answer
    assert stored(hub) == acknowledged

    result = ferry("send", hub.address, TEXT * 100)
    assert result.returncode == 75 and "space" in result.stderr
    result = ferry("send", hub.address, input=f"{TEXT}\n" * 5000)
    assert result.returncode == 75 and "5000 messages" in result.stderr
    known = int(result.stderr.split(" of 5000 messages")[0].split()[-1])
    assert len(stored(hub)) >= len(acknowledged) + known
    assert stored(hub)[: len(acknowledged)] == acknowledged
    assert ask(hub.address, "GET", "/status")[0] == 200
    hub.stop()


@pytest.fixture
def start_limited(environment, tmp_path):
    hubs = []

    def run(**options):
        words = [f"unix:{tmp_path}/hub"], ["--store=chat.db", "-q"]
        hubs.append(Hub(FERRY, *words, env=environment, cwd=tmp_path, **options))
        return hubs[-1]

    yield run
    for hub in hubs:
        hub.discard()


def test_what_was_full_takes_messages_again(start_limited):
    hub = start_limited(preexec_fn=limit_files)
    acknowledged, status, _ = fill(hub)
    assert status == 507
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, unlimited)
    status, answer = ask(hub.address, "POST", "/topics/lobby", "again")
    assert status == 200
    acknowledged.append((json.loads(answer)["id"], "again"))
    assert stored(hub) == acknowledged
    hub.discard()
    hub = start_limited()
    assert stored(hub) == acknowledged
    hub.stop()


@pytest.fixture
def refused(ferry, tmp_path, monkeypatch):
    """Runs a hub that cannot start: its exit status and its one line."""

    def run(program=None):
        words = ["listen", f"unix:{tmp_path}/hub", "--store", "chat.db"]
        if program:
            monkeypatch.setattr("conftest.FERRY", program)
        result = ferry(*words)
        assert len(result.stderr.splitlines()) == 1 and "chat.db: " in result.stderr
        assert not (tmp_path / "hub").exists()
        return result.returncode, result.stderr

    return run


@pytest.fixture
def chat_db(start_hub, tmp_path):
    """A store with some messages, which no hub has open."""
    hub = start_hub(f"unix:{tmp_path}/hub", "--store=chat.db", "-q")
    with contextlib.closing(Line(hub.address)) as line:
        line.publish(f"{number} {TEXT}" for number in range(500))
    hub.stop()
    return tmp_path / "chat.db"


def test_of_a_newer_version(refused, chat_db):
    with contextlib.closing(sqlite3.connect(chat_db)) as file:
        (version,) = file.execute("pragma user_version").fetchone()
        file.execute(f"pragma user_version = {version + 1}")
    status, line = refused()
    assert status == 65 and "newer ferry" in line


def test_damaged(refused, chat_db):
    data = bytearray(chat_db.read_bytes())
    data[4096:-4096] = b"\xa5" * (len(data) - 8192)
    chat_db.write_bytes(data)
    status, line = refused()
    assert status == 65 and "malformed" in line


def test_damaged_while_it_runs(start_hub, ferry, chat_db, tmp_path):
    """Who publishes is told, so is who runs the hub, and what needs no store goes on."""
    hub = start_hub(f"unix:{tmp_path}/hub", "--store=chat.db", "-q")
    with chat_db.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (chat_db.stat().st_size - 4096))
    status, answer = ask(hub.address, "POST", "/topics/lobby", "hi", Idempotency_Key="a")
    assert status == 503 and b"not everything is stored: the store's file is damaged" in answer
    result = ferry("send", hub.address, "--timeout", "500ms", "hi")
    assert result.returncode == 75
    last = "stored nothing for 500 ms; the hub says: not everything is stored: the store's file is"
    assert last in result.stderr.splitlines()[-1]
    ferry("follow", hub.address, "--since", "all", "--timeout", "500ms")
    hub.wait_for_error("messages are not stored: the store's file is damaged")
    hub.wait_for_error("cannot be sent what is stored: the store's file is damaged")
    assert ask(hub.address, "GET", "/status")[0] == 200
    hub.stop()


def test_cut_off(refused, chat_db):
    chat_db.write_bytes(chat_db.read_bytes()[:5000])
    assert refused()[0] == 65


def test_of_another_program(refused, chat_db):
    chat_db.unlink()
    with contextlib.closing(sqlite3.connect(chat_db)) as file:
        file.execute("create table songs (title)")
    status, line = refused()
    assert status == 65 and "not a hub's" in line
    with contextlib.closing(sqlite3.connect(chat_db)) as file:
        assert file.execute("select count(*) from sqlite_schema").fetchone() == (1,)


def test_a_directory(refused, tmp_path):
    (tmp_path / "chat.db").mkdir()
    assert refused()[0] == 64


def test_not_writable(refused, chat_db, tmp_path):
    if not can_mount():
        pytest.skip("no mount namespace to be had")
    bind = f"mount --bind {chat_db} {chat_db}; mount -o remount,bind,ro {chat_db}"
    status, line = refused(in_namespace(tmp_path, bind))
    assert status == 74 and "ead-only" in line


def test_in_use(refused, start_hub, tmp_path):
    hub = start_hub(f"unix:{tmp_path}/first", "--store=chat.db", "-q")
    status, line = refused()
    assert status == 75 and "another hub" in line
    assert ask(hub.address, "POST", "/topics/lobby", "still here")[0] == 200
