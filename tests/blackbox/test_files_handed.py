"""Open files handed over on a Unix socket (SCM_RIGHTS): same checks, same results as with bytes."""

import contextlib
import os
import signal
import socket
import struct

import pytest
from files import (
    ATTRIBUTE,
    digest,
    etag,
    get,
    listing,
    put,
    receive_with,
    request,
    send,
    send_with,
    takes_attributes,
)
from program import PATIENCE
from web import HOST, Answer, serves_on

WANTED = "File-Descriptor: ?1\r\n"
DATA = os.urandom(3_000_000)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def hub(start_hub, tmp_path, place):
    return start_hub(f"unix:{tmp_path}/hub", "tcp:localhost:0", f"--files={place}")


@pytest.fixture
def peer(hub):
    with hub.peer() as peer:
        yield peer


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        yield file


def hand(peer, name, *fds, fields=""):
    send_with(peer, f"PUT /files/{name} HTTP/1.1\r\n{HOST}{WANTED}{fields}\r\n", *fds)
    return Answer(peer, "PUT")


def test_a_file_is_handed_to_the_hub(peer, source, place):
    source.seek(77)  # where it stands says nothing
    said = "File-Time: 5.25\r\nFile-Mode: 0640\r\n"
    answer = hand(peer, "a/b", source.fileno(), fields=said)
    assert (answer.status, answer["file-descriptor"], answer["etag"]) == (201, "?1", None)
    assert (place / "a/b").read_bytes() == DATA
    assert (place / "a/b").stat().st_mtime == 5.25
    assert (place / "a/b").stat().st_mode & 0o777 == 0o640
    assert hand(peer, "a/b", source.fileno()).status == 204


def test_a_digest_that_is_said_is_checked_before(peer, source, place):
    answer = hand(peer, "a", source.fileno(), fields=f"Repr-Digest: {digest(DATA)}\r\n")
    assert (answer.status, answer["etag"]) == (201, etag(DATA))
    assert answer["repr-digest"] == digest(DATA) and answer["file-descriptor"] == "?1"
    assert (place / "a").read_bytes() == DATA


def test_an_empty_file_is_handed_over(peer, place, tmp_path):
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open("rb") as file:
        assert hand(peer, "empty", file.fileno()).status == 201
    assert (place / "empty").read_bytes() == b""


def test_the_hub_hands_over_a_file(peer):
    put(peer, "a", DATA)
    peer.send(f"GET /files/a HTTP/1.1\r\n{HOST}{WANTED}\r\n")
    (fd,) = receive_with(peer)
    with os.fdopen(fd, "rb") as file:
        answer = Answer(peer)
        assert (answer.status, answer["file-descriptor"], answer.body) == (200, "?1", b"")
        assert (int(answer["file-size"]), answer["etag"]) == (len(DATA), etag(DATA))
        assert file.read() == DATA
        with pytest.raises(OSError):
            os.write(file.fileno(), b"x")
    assert serves_on(peer)


def test_nobody_else_may_write_to_what_is_handed_over(peer, place):
    put(peer, "a", DATA, "File-Mode: 0666\r\n")
    assert (place / "a").stat().st_mode & 0o777 == 0o644
    for mode in (0o664, 0o646):
        (place / "b").write_bytes(DATA)
        (place / "b").chmod(mode)
        answer = get(peer, "b", WANTED)
        assert answer["file-descriptor"] is None and answer.body == DATA


def test_over_tcp_the_bytes_come(hub):
    with hub.peer(hub.addresses[1]) as peer:
        put(peer, "a", DATA)
        answer = get(peer, "a", WANTED)
        assert answer.body == DATA and answer["file-descriptor"] is None
        answer = request(peer, "PUT", "/files/b", WANTED)
        assert answer.status == 400 and "no open file" in answer.json["detail"]


def test_conditions_count_for_both(peer, source):
    hand(peer, "a", source.fileno())
    assert hand(peer, "a", source.fileno(), fields="If-None-Match: *\r\n").status == 412
    assert get(peer, "a", f"{WANTED}If-None-Match: {etag(DATA)}\r\n").status == 304
    assert get(peer, "b", WANTED).status == 404


# ---- the digest, which is found out afterwards ----


@pytest.fixture
def large(tmp_path):
    """So large that it is hashed in two stretches. Its bytes and the file."""
    data = os.urandom(1 << 20) * 80
    (tmp_path / "large").write_bytes(data)
    with (tmp_path / "large").open("rb") as file:
        yield data, file


def ask_get(peer, name, data):
    answer = get(peer, name, "Range: bytes=-1000\r\n")
    assert (answer.status, answer["etag"], answer["repr-digest"]) == (206, etag(data), digest(data))
    assert answer.body == data[-1000:]


def ask_head(peer, name, data):
    assert request(peer, "HEAD", f"/files/{name}")["etag"] == etag(data)


def ask_listing(peer, name, data):
    assert f'"{listing(peer)[name]["sha256"]}"' == etag(data)


def ask_condition(peer, name, data):
    assert put(peer, name, b"new", f"If-Match: {etag(data)}\r\n").status == 204
    assert get(peer, name).body == b"new"


def ask_delete(peer, name, data):
    assert request(peer, "DELETE", f"/files/{name}", f"If-Match: {etag(b'')}\r\n").status == 412
    assert request(peer, "DELETE", f"/files/{name}", f"If-Match: {etag(data)}\r\n").status == 204


ASKERS = [ask_get, ask_head, ask_listing, ask_condition, ask_delete]


@pytest.mark.parametrize("ask", ASKERS)
def test_who_asks_at_once_waits_for_the_digest(peer, large, ask):
    data, file = large
    assert hand(peer, "a", file.fileno()).status == 201
    ask(peer, "a", data)


def test_many_ask_at_once(hub, large):
    data, file = large
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(hub.peer()) for _ in range(8)]
        assert hand(peers[0], "a", file.fileno()).status == 201
        for peer in peers:
            send(peer, "HEAD", "/files/a")
        assert [Answer(peer, "HEAD")["etag"] for peer in peers] == [etag(data)] * 8


def test_two_files_at_once(hub, large, source):
    data, file = large
    with hub.peer() as one, hub.peer() as other:
        text = f"PUT /files/%s HTTP/1.1\r\n{HOST}{WANTED}\r\n"
        send_with(one, text % "a", file.fileno())
        send_with(other, text % "b", source.fileno())
        assert Answer(one, "PUT").status == Answer(other, "PUT").status == 201
        ask_get(other, "a", data)
        ask_get(one, "b", DATA)


def test_a_file_that_takes_its_place_has_its_own_digest(peer, large, source):
    data, file = large
    for _ in range(3):
        assert hand(peer, "a", file.fileno()).status in (201, 204)
        assert hand(peer, "a", source.fileno()).status == 204
        ask_head(peer, "a", DATA)
    assert hand(peer, "a", file.fileno()).status == 204
    ask_get(peer, "a", data)


def test_a_digest_is_found_out_though_nobody_asks(peer, source, place):
    if not takes_attributes(place):
        pytest.skip("the file system keeps no attributes")
    assert hand(peer, "a", source.fileno(), fields="File-Time: 5\r\n").status == 201
    while ATTRIBUTE not in os.listxattr(place / "a"):
        assert serves_on(peer)
    assert etag(DATA)[1:-1] in os.getxattr(place / "a", ATTRIBUTE).decode()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_hub_that_ends_before_the_digest(start_hub, tmp_path, place, large, end):
    data, file = large
    words = [f"unix:{tmp_path}/hub", f"--files={place}"]
    hub = start_hub(*words)
    with hub.peer() as peer:
        assert hand(peer, "a", file.fileno()).status == 201
        if end == "kill":
            hub.process.kill()
            hub.process.wait(PATIENCE)
        else:
            hub.stop()
    assert (place / "a").stat().st_size == len(data)
    with start_hub(*words).peer() as peer:
        ask_head(peer, "a", data)


def test_a_wrong_digest_is_refused(peer, source, place):
    answer = hand(peer, "a", source.fileno(), fields=f"Repr-Digest: {digest(b'')}\r\n")
    assert answer.status == 400 and "has not the digest" in answer.json["detail"]
    assert [*place.iterdir()] == [place / ".ferry"] and not [*(place / ".ferry").iterdir()]


def test_what_cannot_be_copied_is_refused(peer, tmp_path):
    read, write = os.pipe()
    unreadable = os.open(tmp_path / "w", os.O_WRONLY | os.O_CREAT)
    path = os.open(tmp_path / "w", os.O_PATH)
    folder = os.open(tmp_path, os.O_RDONLY)
    for fd in (read, unreadable, path, folder):
        answer = hand(peer, "a", fd)
        assert answer.status == 400 and "no regular file" in answer.json["detail"]
    for fd in (read, write, unreadable, path, folder):
        os.close(fd)


def closed(read):
    """Whether all write ends of the pipe are closed; waits for it."""
    return os.read(read, 1) == b""


def test_a_file_that_nobody_asked_for_is_closed(hub, peer):
    for text in (f"GET /status HTTP/1.1\r\n{HOST}\r\n", None):
        read, write = os.pipe()
        other = peer if text else hub.peer()
        send_with(other, text or "hello\n", write)
        os.close(write)
        assert closed(read)
        os.close(read)
    assert Answer(peer).status == 200


def test_of_many_files_none_is_kept(hub):
    """As many as the kernel lets travel in a message, and in many messages that are no request."""
    read, write = os.pipe()
    with hub.peer() as peer:
        send_with(peer, "GET /status HTTP/1.1\r\n", *[write] * 200)
        for _ in range(50):
            send_with(peer, "X-More: 1\r\n", write)
        send_with(peer, f"{HOST}\r\n", write)
        assert Answer(peer).status == 200
        os.close(write)
        assert closed(read)
    os.close(read)


def test_a_head_in_pieces_keeps_its_file(peer, source):
    send_with(peer, "PUT /files/a HTTP/1.1\r\n", source.fileno())
    peer.send(HOST)
    peer.send(f"{WANTED}\r\n")
    assert Answer(peer, "PUT").status == 201


def test_it_counts_as_sent_and_as_fetched(start_hub, tmp_path, place, source):
    hub = start_hub(f"unix:{tmp_path}/hub", "--max-bandwidth=2500K", f"--files={place}")
    with hub.peer() as other:
        for count in (1, 2):
            with hub.peer() as peer:
                if count == 1:
                    assert hand(peer, "a", source.fileno()).status == 201
                else:
                    peer.send(f"GET /files/a HTTP/1.1\r\n{HOST}{WANTED}\r\n")
                    os.close(*receive_with(peer))
                    assert Answer(peer)["file-descriptor"] == "?1"
                assert request(peer, "HEAD", "/files/a").status == 200  # when its account is even
            assert request(other, "GET", "/status").json["throttled"] == count


# ---- what is handed over may take as long as its owner likes to be closed ----


@pytest.fixture
def lingering():
    """A socket whose last close lasts a minute: its data has nowhere to go."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(bytes(1_000_000))
    with other:
        yield client
    client.close()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("wanted", [WANTED, ""])
def test_a_close_that_lasts_holds_up_nobody(hub, lingering, source, wanted, count):
    """Neither others nor the hub's end, whether anything was asked for."""
    with hub.peer() as peer:
        hub.process.send_signal(signal.SIGSTOP)  # so that ours is not the last close
        text = f"PUT /files/a HTTP/1.1\r\n{HOST}{wanted}Content-Length: 0\r\n\r\n"
        send_with(peer, text, *[lingering.fileno()] * count)
        lingering.close()
        hub.process.send_signal(signal.SIGCONT)
        assert Answer(peer, "PUT").status == (400 if wanted else 201)
        assert serves_on(peer)
    with hub.peer() as other:
        assert hand(other, "b", source.fileno()).status == 201
        assert get(other, "b").body == DATA
    hub.stop()
    assert "does not answer" in hub.errors.decode()
