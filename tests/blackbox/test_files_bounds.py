"""What bounds the files of a hub: sizes, the disk; and that no slow client and no slow disk holds up
those who talk."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest
from clients import listener
from files import append, begin, digest, get, listing, offset, put, request, send
from hub import Hub
from paths import FERRY, SANITIZED
from program import PATIENCE
from test_store_faults import can_mount, in_namespace
from web import HOST, Answer, serves_on

SLOW_CLIENTS = 200
RESUMABLE = "Upload-Draft-Interop-Version: 8\r\nUpload-Complete: ?0\r\n"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def bounded(start_hub, place):
    (place / "there").write_bytes(b"x" * 100)
    options = ["--max-file=1000", "--max-files-total=1500"]
    return start_hub("tcp:localhost:0", f"--files={place}", *options)


def chunked(peer, name, size):
    peer.send(f"PUT /files/{name} HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(size // 100):
            peer.send(b"64\r\n" + b"x" * 100 + b"\r\n")
        peer.send(b"0\r\n\r\n")
    return Answer(peer, "PUT")


def attempt(hub, how, name, size):
    with hub.peer() as peer:
        if how == "length":
            return put(peer, name, b"x" * size).status
        return chunked(peer, name, size).status


def await_bytes(hub, size):
    """What was refused is dropped after the answer."""
    end = time.monotonic() + PATIENCE
    with hub.peer() as peer:
        while request(peer, "GET", "/status").json["files_bytes"] != size:
            assert time.monotonic() < end


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_sizes(bounded, place, how):
    assert attempt(bounded, how, "a", 1100) == 413
    await_bytes(bounded, 100)
    assert attempt(bounded, how, "a", 1000) == 201
    assert attempt(bounded, how, "b", 500) == 507  # 1,100 of 1,500 are there
    await_bytes(bounded, 1100)
    assert attempt(bounded, how, "b", 400) == 201
    assert attempt(bounded, how, "c", 100) == 507
    await_bytes(bounded, 1500)
    with bounded.peer() as peer:
        assert request(peer, "DELETE", "/files/a").status == 204
    assert attempt(bounded, how, "c", 1000) == 201
    assert not [*(place / ".ferry").iterdir()]
    with bounded.peer() as peer:
        figures = request(peer, "GET", "/status").json
        assert (figures["files_in"], figures["files_refused"]) == (3, 3)
        assert figures["files_bytes"] == 1500


def test_one_who_is_too_large_is_told_before_the_body(bounded):
    with bounded.peer() as peer:
        fields = "Expect: 100-continue\r\nContent-Length: 1001\r\n"
        send(peer, "PUT", "/files/a", fields)
        assert Answer(peer).status == 413


def test_what_is_unfinished_counts(bounded):
    with bounded.peer() as peer:
        path = begin(peer, "a", 900, "?0")
        peer.send(b"x" * 900)
        assert Answer(peer).status == 201
        assert attempt(bounded, "length", "b", 600) == 507
        assert append(peer, path, 900, b"x" * 101).status == 413
    with bounded.peer() as peer:
        assert offset(peer, path) == 900
        assert append(peer, path, 900, b"x" * 100).status == 201
        assert attempt(bounded, "length", "b", 500) == 507


@pytest.fixture
def full_disk(tmp_path, environment):
    if not can_mount():
        pytest.skip("no mount namespace to be had")
    place = tmp_path / "disk"
    place.mkdir()
    program = in_namespace(tmp_path, f"mount -t tmpfs -o size=4M none {place}")
    options = {"env": environment, "cwd": tmp_path}
    hub = Hub(program, [f"unix:{tmp_path}/hub"], [f"--files={place}"], **options)
    yield hub
    hub.discard()


def test_a_full_disk(full_disk):
    with full_disk.peer() as peer:
        with contextlib.suppress(ConnectionError):
            send(peer, "PUT", "/files/a", "", b"x" * 8_000_000)
        assert Answer(peer, "PUT").status == 507
    with full_disk.peer() as peer:
        assert put(peer, "b", b"x" * 1_000_000).status == 201
        assert [*listing(peer)] == ["b"]


def test_an_upload_goes_on_when_there_is_room_again(full_disk):
    data = os.urandom(3_000_000)
    with full_disk.peer() as peer:
        put(peer, "other", b"x" * 3_000_000)
        path = begin(peer, "a", len(data))
        with contextlib.suppress(ConnectionError):
            peer.send(data)
        assert Answer(peer, "PUT").status == 507
    with full_disk.peer() as peer:
        at = offset(peer, path)
        assert 0 < at < len(data)
        assert request(peer, "DELETE", "/files/other").status == 204
        answer = append(peer, path, at, data[at:], fields=f"Repr-Digest: {digest(data)}\r\n")
        assert answer.status == 201
        assert get(peer, "a").body == data


# ---- slow ones ----


def talks(hub):
    """Whether what one says is heard by another: a hundred times."""
    with listener(hub) as ear, hub.peer() as mouth:
        for number in range(100):
            mouth.send(f"number {number}\n")
            assert ear.line().endswith(f": number {number}".encode())
    return True


def test_slow_downloads(start_hub, place):
    hub = start_hub("tcp:localhost:0", f"--files={place}")
    data = os.urandom(10_000_000)
    (place / "a").write_bytes(data)
    alone = hub.memory()
    with contextlib.ExitStack() as stack:
        slow = []
        for number in range(SLOW_CLIENTS):
            room = 4096 if number else 65536
            slow.append(stack.enter_context(hub.peer(receive_buffer=room)))
            send(slow[-1], "GET", "/files/a")
        for peer in slow:
            assert b" 200 OK" in peer.until(b"\r\n\r\n")
        before = hub.memory()
        assert talks(hub)
        for peer in slow:
            peer.read(1000)
        assert hub.memory() - before < 10_000_000
        assert SANITIZED or before - alone < 60_000_000
        assert slow[0].read(len(data) - 1000) == data[1000:]


STALL = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/* Stands still as long as the file $STALL is there. */
ssize_t pwritev64(int fd, const struct iovec *iov, int count, off_t at)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t) = dlsym(RTLD_NEXT, "pwritev64");
	while (access(getenv("STALL"), F_OK) == 0)
		usleep(1000);
	return real(fd, iov, count, at);
}
"""


@pytest.fixture
def stalling(tmp_path, environment, place):
    """A hub whose writes to files stand still until the file `stall` is gone."""
    (tmp_path / "stall.c").write_text(STALL)
    library = tmp_path / "stall.so"
    cc = shutil.which("cc") or pytest.skip("no compiler")
    subprocess.run([cc, "-shared", "-fPIC", "-o", library, tmp_path / "stall.c"], check=True)
    (tmp_path / "stall").touch()
    env = environment | {"LD_PRELOAD": str(library), "STALL": str(tmp_path / "stall")}
    hub = Hub(FERRY, ["tcp:localhost:0"], [f"--files={place}"], env=env, cwd=tmp_path)
    yield hub
    (tmp_path / "stall").unlink(missing_ok=True)
    hub.discard()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be loaded first")
def test_a_disk_that_stands_still(stalling, place, tmp_path):
    data = os.urandom(30_000_000)
    (place / "there").write_bytes(data)
    with stalling.peer() as writer:
        send(writer, "PUT", "/files/a", f"Content-Length: {len(data)}\r\n")
        before = stalling.memory()
        sent = 0
        writer.socket.settimeout(1)
        with contextlib.suppress(TimeoutError):  # it is held once its bound is reached
            while sent < len(data):
                sent += writer.socket.send(data[sent : sent + 65536])
        assert sent < len(data)
        assert stalling.memory() - before < 4_000_000
        assert talks(stalling)
        with stalling.peer() as peer:
            assert get(peer, "there").body == data
            assert get(peer, "a").status == 404
        (tmp_path / "stall").unlink()
        writer.socket.settimeout(PATIENCE)
        writer.send(data[sent:])
        assert Answer(writer, "PUT").status == 201
    with stalling.peer() as peer:
        assert get(peer, "a").body == data
        assert serves_on(peer)


def test_nobody_takes_the_places_of_all_unfinished_uploads(start_hub, place, tmp_path):
    secret = {"anna": "0123456789abcdef" * 2, "bob": "fedcba9876543210" * 2}
    tokens = tmp_path / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text("".join(f"{name} {text} files\n" for name, text in secret.items()))
    words = ["tcp:localhost:0", f"--files={place}", f"--token-file={tokens}"]

    def attempt_empty(hub, name):
        fields = f"Authorization: Bearer {secret[name]}\r\n" + RESUMABLE
        with hub.peer() as peer:
            send(peer, "PUT", "/files/a", fields, b"")
            answer = Answer(peer)
            return (Answer(peer) if answer.status == 104 else answer).status

    hub = start_hub(*words)
    assert {attempt_empty(hub, "anna") for _ in range(64)} == {201}
    assert attempt_empty(hub, "anna") == 503
    hub.stop()
    hub = start_hub(*words)
    assert attempt_empty(hub, "anna") == 503
    assert attempt_empty(hub, "bob") == 201


# ---- what a list costs ----


def planted(place, count, size):
    """Files that the hub has not hashed yet, and would remember so."""
    paths = [place / f"{at}.txt" for at in range(count)]
    for path in paths:
        path.touch()
        os.truncate(path, size)
        os.utime(path, (1, 1))
    try:
        os.setxattr(place, "user.test", b"x")
    except OSError:
        pytest.skip("no attributes on this file system")
    return paths


def hashed(paths):
    return [path.name for path in paths if "user.ferry.sha256" in os.listxattr(path)]


def test_what_is_not_shown_is_not_hashed(start_hub, place, tmp_path):
    paths = planted(place, 5, 1000)
    tokens = tmp_path / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text(f"anna {'0123456789abcdef' * 2} get:3.txt\n")
    hub = start_hub("tcp:localhost:0", f"--files={place}", f"--token-file={tokens}")
    with hub.peer() as peer:
        fields = f"Authorization: Bearer {'0123456789abcdef' * 2}\r\n"
        (entry,) = request(peer, "GET", "/files/", fields).json
    assert entry["name"] == "3.txt"
    assert hashed(paths) == ["3.txt"]


def test_nothing_is_hashed_for_one_who_is_gone(start_hub, place):
    paths = planted(place, 40, 60_000_000)
    hub = start_hub("tcp:localhost:0", f"--files={place}")
    with hub.peer() as peer:
        send(peer, "GET", "/files/")
        peer.until(b"\r\n\r\n")
    hub.stop()
    assert len(hashed(paths)) < 20
