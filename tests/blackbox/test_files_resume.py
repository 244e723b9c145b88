"""Uploads that are resumed (draft-ietf-httpbis-resumable-upload, interop version 8), and what a hub
that is killed leaves behind: FERRY_KILLS says how often it is (20 by default).
"""

import contextlib
import fcntl
import os
import random
import termios
import threading
import time

import pytest
from files import VERSION, append, begin, digest, etag, get, listing, offset, put, request, send
from hub import Hub
from paths import FERRY
from peer import Peer
from program import PATIENCE
from web import Answer, serves_on

KILLS = int(os.environ.get("FERRY_KILLS", "20"))
DATA = os.urandom(2_000_000)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def restart(tmp_path, environment, place):
    hubs = []

    def start(*options):
        words = [f"unix:{tmp_path}/hub"]
        options = [f"--files={place}", *options]
        hubs.append(Hub(FERRY, words, options, env=environment, cwd=tmp_path))
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.discard()


@pytest.fixture
def hub(restart):
    return restart()


@pytest.fixture
def peer(hub):
    with hub.peer() as peer:
        yield peer


def unfinished(place):
    return [path for path in (place / ".ferry").iterdir() if not path.suffix]


# ---- the protocol ----


def test_all_in_one_request(peer, place):
    begin(peer, "a", len(DATA))
    peer.send(DATA)
    answer = Answer(peer, "PUT")
    assert (answer.status, answer["upload-complete"], answer["etag"]) == (201, "?1", etag(DATA))
    assert (place / "a").read_bytes() == DATA and not unfinished(place)


def test_in_parts(peer, place):
    path = begin(peer, "a", 1000, "?0", f"Upload-Length: {len(DATA)}\r\n")
    peer.send(DATA[:1000])
    answer = Answer(peer, "PUT")
    assert (answer.status, answer["upload-complete"]) == (201, "?0")
    assert (answer["location"], answer["upload-offset"]) == (path, "1000")
    answer = append(peer, path, 1000, DATA[1000:5000], "?0")
    assert (answer.status, answer["upload-offset"]) == (204, "5000")
    assert get(peer, "a").status == 404 and listing(peer) == {}
    answer = append(peer, path, 5000, DATA[5000:])
    assert (answer.status, answer["upload-complete"]) == (201, "?1")
    assert answer["repr-digest"] == digest(DATA)
    assert get(peer, "a").body == DATA and not unfinished(place)


def test_the_digest_comes_last(peer):
    for last, status in ((digest(DATA), 201), (digest(b""), 400)):
        path = begin(peer, "a", len(DATA), "?0")
        peer.send(DATA)
        assert Answer(peer, "PUT").status == 201
        answer = append(peer, path, len(DATA), b"", fields=f"Repr-Digest: {last}\r\n")
        assert answer.status == status
        request(peer, "DELETE", "/files/a")
        assert get(peer, "a").status == 404
    assert offset(peer, path) is None


def test_after_a_break(hub, peer):
    with hub.peer() as other:
        path = begin(other, "a", len(DATA))
        other.send(DATA[:300_000])
    at = offset(peer, path)
    assert at <= 300_000
    assert append(peer, path, at, DATA[at:]).status == 201
    assert get(peer, "a").body == DATA


def test_who_asks_cuts_off_who_sends(hub, peer):
    with hub.peer() as other:
        path = begin(other, "a", len(DATA))
        other.send(DATA[:300_000])
        at = offset(peer, path)
        with contextlib.suppress(ConnectionError):
            assert other.socket.recv(1) == b""
        assert append(peer, path, at, DATA[at:]).status == 201
    assert get(peer, "a").body == DATA


def test_who_lost_the_answer_learns_that_it_is_done(hub, peer):
    with hub.peer() as other:
        path = begin(other, "a", len(DATA))
        other.send(DATA)
        assert Answer(other).status == 201
    answer = request(peer, "HEAD", path, VERSION)
    assert (answer["upload-complete"], answer["upload-offset"]) == ("?1", str(len(DATA)))
    answer = append(peer, path, len(DATA), b"")
    assert answer.status == 400 and answer.json["type"].endswith("#completed-upload")


def test_who_asks_while_it_gets_its_name(hub):
    """The answer is the one to the request, whenever that comes: a topic is told meanwhile."""
    data = b"x" * 30_000_000
    for _ in range(5):
        with hub.peer() as one, hub.peer() as other:
            path = begin(one, "a?topic=t", len(data))
            one.send(data)
            while fcntl.ioctl(one.socket, termios.TIOCOUTQ, bytes(4)) != bytes(4):
                pass
            assert offset(other, path) <= len(data)


def test_what_does_not_fit_together(hub, peer):
    path = begin(peer, "a", 10, "?0", "Upload-Length: 100\r\n")
    peer.send(b"0123456789")
    assert Answer(peer).status == 201
    answer = append(peer, path, 5, b"")
    assert (answer.status, answer["upload-offset"]) == (409, "10")
    assert answer.json["expected-offset"] == 10 and answer.json["provided-offset"] == 5
    wrong = [
        append(peer, path, 10, b"", fields="Upload-Length: 99\r\n"),
        append(peer, path, 10, b""),  # the end, but not all
    ]
    for answer in wrong:
        assert answer.status == 400
        assert answer.json["type"].endswith("#inconsistent-upload-length")
    with hub.peer() as other:
        assert append(other, path, 10, b"x" * 91).status == 400
    with hub.peer() as other:
        fields = f"{VERSION}Upload-Offset: 10\r\nUpload-Complete: ?0\r\n"
        assert request(other, "PATCH", path, fields, b"x").status == 415
    with hub.peer() as other:
        fields = f"{VERSION}Upload-Complete: ?1\r\nUpload-Length: 9\r\n"
        answer = request(other, "PUT", "/files/b", fields, b"x")
        assert answer.status == 400
    at = offset(peer, path)
    assert append(peer, path, at, b"x" * (100 - at)).status == 201


def test_cancelling(peer, place):
    path = begin(peer, "a", 10, "?0")
    peer.send(b"0123456789")
    assert Answer(peer).status == 201 and unfinished(place)
    assert request(peer, "DELETE", path, VERSION).status == 204
    assert not [*(place / ".ferry").iterdir()]
    assert request(peer, "DELETE", path, VERSION).status == 404
    assert offset(peer, path) is None
    assert offset(peer, "/uploads/../a") is None


def test_another_draft_is_an_ordinary_put(peer, place):
    fields = "Upload-Draft-Interop-Version: 6\r\nUpload-Complete: ?1\r\n"
    answer = request(peer, "PUT", "/files/a", fields, b"x")
    assert (answer.status, answer["upload-complete"]) == (201, None)


def test_conditions_are_kept(hub, peer):
    path = begin(peer, "a", 2, "?0", "If-None-Match: *\r\n")
    peer.send(b"01")
    assert Answer(peer).status == 201
    assert put(peer, "a", b"another was first").status == 201
    assert append(peer, path, 2, b"").status == 412
    assert get(peer, "a").body == b"another was first" and offset(peer, path) is None


# ---- the hub is killed ----


def test_what_is_said_at_the_beginning_outlives_the_hub(restart, place):
    hub = restart()
    said = "File-Time: -5.25\r\nFile-Mode: 0640\r\nIf-None-Match: *\r\nUpload-Length: 10\r\n"
    with hub.peer() as peer:
        path = begin(peer, "a/b?topic=lobby&name=anna", 5, "?0", said)
        peer.send(b"01234")
        assert Answer(peer).status == 201
    hub.discard()
    with restart().peer() as peer:
        assert offset(peer, path) == 5
        answer = append(peer, path, 5, b"56789")
        assert answer.status == 201 and answer["announced"]
        answer = get(peer, "a/b")
        assert answer.body == b"0123456789"
        assert (answer["file-time"], answer["file-mode"]) == ("-5.250000000", "0640")
        messages = request(peer, "GET", "/topics/lobby?since=all&poll=1").body
        assert messages == b"shared /files/a/b (10 bytes)\n"


def test_what_cannot_be_resumed_goes(restart, place):
    hub = restart()
    with hub.peer() as peer:
        send(peer, "PUT", "/files/a", "Content-Length: 10\r\n")
        peer.send(b"01234")
        while not unfinished(place):
            pass
        hub.discard()
    (path,) = unfinished(place)
    (place / ".ferry/0123456789abcdef0123456789abcdef.record").write_text("ferry-upload 1\n")
    with restart().peer() as peer:
        assert listing(peer) == {}
    assert not [*(place / ".ferry").iterdir()]


def test_what_nobody_came_back_for_goes(restart, place):
    hub = restart()
    with hub.peer() as peer:
        begin(peer, "a", 5, "?0")
        peer.send(b"01234")
        assert Answer(peer).status == 201
    hub.discard()
    (path,) = unfinished(place)
    day = time.time() - 25 * 60 * 60
    os.utime(path, (day, day))
    restart()
    assert not [*(place / ".ferry").iterdir()]


class Sender(threading.Thread):
    """Uploads the same name again and again, each time as another file, through all that happens."""

    def __init__(self, address, name):
        super().__init__(daemon=True)
        self.address, self.label = address, name
        self.done, self.resumed, self.wrong = [], 0, []
        self.stopping = threading.Event()
        self.start()

    def attempt(self, data, path):
        with Peer(self.address) as peer:
            if path:
                at = offset(peer, path)
                if at is None:
                    return None, get(peer, self.label)["etag"] == etag(data)
                if request(peer, "HEAD", path, VERSION)["upload-complete"] == "?1":
                    return path, True
                self.resumed += at > 0
                self.path = path
                answer = append(peer, path, at, data[at:])
            else:
                self.path = begin(peer, self.label, len(data))
                peer.send(data)
                answer = Answer(peer)
            if answer.status not in (201, 204) or answer["etag"] != etag(data):
                self.wrong.append(answer)
            return self.path, True

    def upload(self, data):
        path, finished = None, False
        while not finished and not self.wrong:
            self.path = path
            try:
                path, finished = self.attempt(data, path)
            except (OSError, AssertionError):
                path = self.path

    def run(self):
        while not self.stopping.is_set() and not self.wrong:
            data = os.urandom(random.randrange(3_000_000))
            self.upload(data)
            self.done.append(etag(data))


class Watcher(threading.Thread):
    """Reads the file, over and over: it is always a whole one."""

    def __init__(self, address, name):
        super().__init__(daemon=True)
        self.address, self.label = address, name
        self.seen, self.wrong = set(), []
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            with contextlib.suppress(OSError, AssertionError), Peer(self.address) as peer:
                answer = get(peer, self.label)
                if answer.status == 200 and etag(answer.body) != answer["etag"]:
                    self.wrong.append(answer)
                self.seen.add(answer["etag"])


def test_kill_9_at_random_moments(restart, place):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    hub = restart()
    threads = [Sender(hub.address, "a"), Sender(hub.address, "b/c"), Watcher(hub.address, "a")]
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, 0.1))  # the random moment
        hub.discard()
        hub = restart()
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive() and not thread.wrong
    senders = threads[:2]
    with hub.peer() as peer:
        for sender in senders:
            answer = get(peer, sender.label)
            assert answer["etag"] == sender.done[-1] == etag(answer.body)
    assert sum(sender.resumed for sender in senders) > 0
    assert threads[2].seen <= {None, *senders[0].done}
    hub.discard()
    with restart().peer() as peer:
        assert sorted(listing(peer)) == ["a", "b/c"]
        assert serves_on(peer)


def test_many_who_ask_at_once_open_it_once(restart):
    """Behind a restart, all for the same upload: the last one has it, and it is all there."""
    hub = restart()
    with hub.peer() as peer:
        path = begin(peer, "a", 5, "?0", "Upload-Length: 10\r\n")
        peer.send(b"01234")
        assert Answer(peer).status == 201
    hub.discard()
    hub = restart()
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(hub.peer()) for _ in range(20)]
        for peer in peers:
            send(peer, "HEAD", path, VERSION)
        answered = 0
        for peer in peers:
            with contextlib.suppress(AssertionError, ConnectionError):
                assert Answer(peer, "HEAD")["upload-offset"] == "5"
                answered += 1
        assert answered > 0
    with hub.peer() as peer:
        assert append(peer, path, 5, b"56789").status == 201
        assert get(peer, "a").body == b"0123456789"
    assert len(os.listdir(f"/proc/{hub.process.pid}/fd")) < 40
