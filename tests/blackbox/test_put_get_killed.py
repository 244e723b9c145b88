"""Uploads and downloads whose client or hub is killed, again and again, at random moments.

FERRY_KILLS says how often (20); FERRY_FILE_SIZE how large the file is.
"""

import hashlib
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest
from paths import FERRY
from program import PATIENCE

KILLS = int(os.environ.get("FERRY_KILLS", 20))
SIZE = int(os.environ.get("FERRY_FILE_SIZE", 64_000_000))

pytestmark = pytest.mark.timeout(60 + 2 * KILLS + SIZE // 2_000_000)


def digest_of(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Kept:
    """A hub that is killed and started again on the same port, over the same directory."""

    def __init__(self, start_hub, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"tcp:127.0.0.1:{self.port}"
        self.files = tmp_path / "files"
        self.files.mkdir()
        self.start_hub = start_hub
        self.start()

    def start(self):
        self.hub = self.start_hub(self.address, f"--files={self.files}")

    def accepted(self):
        return self.hub.output.count(b"Accepted connection")

    def kill(self):
        self.hub.process.kill()
        self.hub.process.wait(PATIENCE)


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // 1_000_000):
            file.write(os.urandom(1_000_000))
    return path


@pytest.fixture
def kept(start_hub, tmp_path):
    return Kept(start_hub, tmp_path)


class Watch(threading.Thread):
    """Looks all the time whether PATH is there with another size than it should have."""

    def __init__(self, path, size):
        super().__init__(daemon=True)
        self.path, self.size = path, size
        self.wrong, self.ended = [], threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.001):
            try:
                size = self.path.stat().st_size
            except FileNotFoundError:
                continue
            if size != self.size:
                self.wrong.append(size)

    def end(self):
        self.ended.set()
        self.join()
        assert not self.wrong


def run(environment, tmp_path, *words):
    return subprocess.Popen([FERRY, *words], env=environment, cwd=tmp_path, stderr=subprocess.PIPE)


def moments(again):
    """Pauses in which a transfer comes some way, longer after some that were too short."""
    longest = 0.05
    for _ in range(KILLS):
        yield random.uniform(0, longest)
        longest = min(longest * 1.1, again)


def finish(process):
    _, errors = process.communicate(timeout=4 * PATIENCE)
    assert process.returncode == 0, errors.decode()


def killed(process, pause):
    """Kills it unless it ends before; whether it did."""
    try:
        process.wait(pause)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait(PATIENCE)
    process.stderr.close()
    return process.returncode == -signal.SIGKILL


WORDS = {
    "put": lambda address: ("put", address, "large.bin"),
    "get": lambda address: ("get", address, "large.bin", "-o", "back.bin"),
}


def prepare(kept, verb, environment, tmp_path):
    """For a download, the file is there. Where the result will be."""
    if verb == "put":
        return kept.files / "large.bin"
    finish(run(environment, tmp_path, *WORDS["put"](kept.address)))
    return tmp_path / "back.bin"


@pytest.mark.parametrize("verb", ["put", "get"])
def test_the_client_is_killed(kept, large, environment, tmp_path, verb):
    result = prepare(kept, verb, environment, tmp_path)
    expected = digest_of(large)
    watch = Watch(result, SIZE)
    for pause in moments(0.4):
        process = run(environment, tmp_path, *WORDS[verb](kept.address))
        if not killed(process, pause):  # it was quick: once more from the beginning
            assert process.returncode == 0 and digest_of(result) == expected
            result.unlink()
    finish(run(environment, tmp_path, *WORDS[verb](kept.address)))
    watch.end()
    assert digest_of(result) == expected
    assert not [name for name in os.listdir(tmp_path) if name.endswith((".part", ".etag"))]
    notes = tmp_path / "ferry/uploads"
    assert not notes.exists() or not os.listdir(notes)


@pytest.mark.parametrize("verb", ["put", "get"])
def test_the_hub_is_killed(kept, large, environment, tmp_path, verb):
    result = prepare(kept, verb, environment, tmp_path)
    expected = digest_of(large)
    watch = Watch(result, SIZE)

    def begin():
        """Until it has met the hub: what is never there is not waited for."""
        before = kept.accepted()
        process = run(environment, tmp_path, *WORDS[verb](kept.address))
        with kept.hub.more:
            assert kept.hub.more.wait_for(lambda: kept.accepted() > before, PATIENCE)
        return process

    process = begin()
    for pause in moments(0.4):
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            kept.kill()
            kept.start()
            continue
        finish(process)
        assert digest_of(result) == expected
        result.unlink()
        process = begin()
    finish(process)
    watch.end()
    assert digest_of(result) == expected


@pytest.mark.parametrize("verb", ["put", "get"])
def test_the_hub_is_killed_among_many_files(kept, environment, tmp_path, verb):
    for at in range(600):
        path = tmp_path / "many" / f"{at}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{at}\n" * at * 10)
    expected = {path.name: path.read_text() for path in (tmp_path / "many").iterdir()}
    words = {
        "put": ("put", kept.address, "many"),
        "get": ("get", kept.address, "many/", "-o", "back/"),
    }
    result = kept.files / "many"
    if verb == "get":
        finish(run(environment, tmp_path, *words["put"]))
        result = tmp_path / "back/many"
    before = kept.accepted()
    process = run(environment, tmp_path, *words[verb])
    with kept.hub.more:
        assert kept.hub.more.wait_for(lambda: kept.accepted() > before + 2, PATIENCE)
    for _ in range(5):
        try:
            process.wait(random.uniform(0, 0.2))
            break
        except subprocess.TimeoutExpired:
            kept.kill()
            kept.start()
    finish(process)
    assert {path.name: path.read_text() for path in result.iterdir()} == expected


def test_a_killed_upload_is_gone_on_with(kept, large, environment, tmp_path, ferry):
    """Not sent anew: the hub counts what comes in."""
    process = run(environment, tmp_path, *WORDS["put"](kept.address))
    private = kept.files / ".ferry"
    while sum(each.stat().st_size for each in private.iterdir()) < SIZE // 4:
        assert process.poll() is None
    process.kill()
    process.wait(PATIENCE)
    process.stderr.close()
    notes = tmp_path / "ferry/uploads"
    assert len(os.listdir(notes)) == 1
    traced = ferry("put", kept.address, "large.bin", "--trace")
    assert traced.returncode == 0 and "PATCH /uploads/" in traced.stderr
    assert digest_of(kept.files / "large.bin") == digest_of(large)
    assert not os.listdir(notes)


def test_old_notes_go(kept, large, environment, tmp_path):
    notes = tmp_path / "ferry/uploads"
    notes.mkdir(parents=True)
    for name, age in (("old", 3), ("new", 1)):
        (notes / name).write_text("/uploads/0")
        then = time.time() - age * 24 * 60 * 60
        os.utime(notes / name, (then, then))
    finish(run(environment, tmp_path, *WORDS["put"](kept.address)))
    assert os.listdir(notes) == ["new"]
