"""Files at a hub: put, get, list and remove, with curl and by hand."""

import datetime
import json
import os
import subprocess
import urllib.parse

import pytest
from files import ATTRIBUTE, digest, etag, get, listing, put, request, send, takes_attributes
from web import HOST, Answer, ask, curl, name_of, serves_on

DATA = os.urandom(700_000)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def hub(start_hub, place):
    return start_hub("tcp:localhost:0", f"--files={place}")


@pytest.fixture
def peer(hub):
    with hub.peer() as peer:
        yield peer


@pytest.fixture
def url(hub):
    return f"http://localhost:{hub.port}/files/"


def left(place):
    """Names of all that is in the directory, but the hub's own; that is empty."""
    assert not [*(place / ".ferry").iterdir()]
    names = (path.relative_to(place) for path in place.rglob("*") if path.is_file())
    return sorted(str(name) for name in names)


# ---- curl is a full client ----


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_curl_up_and_down(url, tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "up").write_bytes(data)
    curl("--fail", "-T", tmp_path / "up", url)
    curl("--fail", "-o", tmp_path / "down", url + "up")
    assert (tmp_path / "down").read_bytes() == data


def test_curl_sends_what_it_does_not_know_the_length_of(url, place):
    subprocess.run(["curl", "-sSf", "-T", "-", url + "a"], input=DATA, check=True)
    assert (place / "a").read_bytes() == DATA


def test_curl_resumes_a_download(url, place, tmp_path):
    (place / "a").write_bytes(DATA)
    (tmp_path / "down").write_bytes(DATA[:300_000])
    curl("--fail", "-C", "-", "-o", tmp_path / "down", url + "a")
    assert (tmp_path / "down").read_bytes() == DATA


def test_curl_begins_an_upload_anew(url, place, tmp_path):
    """It cannot ask how much is there, and says that the part which it sends is all of it."""
    (tmp_path / "up").write_bytes(DATA)
    curl("--fail", "-C", "-", "-T", tmp_path / "up", url)
    assert (place / "up").read_bytes() == DATA


@pytest.mark.parametrize("start", ["1000", "1"])
def test_curl_cannot_resume_an_upload(url, place, tmp_path, start):
    """It would send a part as the whole; those who can resume speak the draft."""
    (tmp_path / "up").write_bytes(DATA)
    answer = curl("-C", start, "-T", tmp_path / "up", url)
    assert json.loads(answer)["status"] == 400 and left(place) == []


def test_curl_asks_for_a_range(url, place):
    (place / "a").write_bytes(b"0123456789")
    assert curl("-r", "2-4", url + "a") == "234"
    assert curl("-r", "-3", url + "a") == "789"
    assert curl("-r", "7-", url + "a") == "789"


def test_a_thousand_small_files(url, peer, tmp_path):
    up = tmp_path / "up"
    up.mkdir()
    names = [f"{at:04}" for at in range(1000)]
    for name in names:
        (up / name).write_text(name)
    curl("--fail", "--parallel", "-T", f"{up}/[0000-0999]", url + "many/")
    found = listing(peer, "many/")
    assert sorted(found) == [f"many/{name}" for name in names]
    for name in names[::97]:
        assert get(peer, f"many/{name}").body.decode() == name


# ---- what an answer says ----


def test_the_fields_of_a_file(peer):
    said = f"File-Time: 1000000000.123456789\r\nFile-Mode: 0751\r\nRepr-Digest: {digest(DATA)}\r\n"
    answer = put(peer, "a%20b", DATA, said)
    assert (answer.status, answer["etag"]) == (201, etag(DATA))
    assert answer["repr-digest"] == digest(DATA)
    answer = get(peer, "a%20b")
    assert answer.body == DATA
    assert answer["etag"] == etag(DATA)
    assert answer["repr-digest"] == answer["content-digest"] == digest(DATA)
    assert answer["file-time"] == "1000000000.123456789"
    assert answer["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert answer["file-mode"] == "0751"
    assert answer["content-type"] == "application/octet-stream"
    assert answer["content-disposition"] == "attachment; filename*=UTF-8''a%20b"
    assert answer["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer["content-security-policy"]
    head = request(peer, "HEAD", "/files/a%20b")
    assert {**head.fields, "date": ""} == {**answer.fields, "date": ""}
    assert serves_on(peer)


def test_a_file_that_was_put_there_by_other_means(peer, place):
    (place / "sub").mkdir()
    (place / "sub/a").write_bytes(DATA)
    for _ in range(2):
        assert get(peer, "sub/a")["etag"] == etag(DATA)
    (place / "sub/a").write_bytes(DATA[1:])
    assert get(peer, "sub/a")["etag"] == etag(DATA[1:])


def test_a_digest_is_remembered_with_the_file(peer, place):
    path = place / "a"
    path.write_bytes(DATA)
    os.utime(path, (1, 1))
    assert get(peer, "a")["etag"] == etag(DATA)
    if takes_attributes(path):
        assert ATTRIBUTE in os.listxattr(path)
    path.write_bytes(DATA[::-1])  # the same size
    os.utime(path, (2, 2))
    assert get(peer, "a")["etag"] == etag(DATA[::-1])


def test_the_list(peer, place):
    assert request(peer, "GET", "/files/").body == b"[]\n"
    put(peer, "b/c/d", DATA, "File-Time: 1000000000.5\r\n")
    put(peer, "b/e", b"")
    (place / "f").write_bytes(b"by other means")
    (place / ".hidden").touch()
    (place / "link").symlink_to("f")
    os.mkfifo(place / "fifo")
    (place / os.fsdecode(b"not\xffutf8")).touch()
    found = listing(peer)
    assert sorted(found) == ["b/c/d", "b/e", "f"]
    assert found["b/c/d"] == {
        "name": "b/c/d",
        "size": len(DATA),
        "time": "2001-09-09T01:46:40.500Z",
        "sha256": etag(DATA).strip('"'),
    }
    assert found["f"]["sha256"] == etag(b"by other means").strip('"')
    assert sorted(listing(peer, "b/")) == ["b/c/d", "b/e"]
    assert sorted(listing(peer, "b/c/")) == ["b/c/d"]
    assert listing(peer, "none/") == {}


def test_a_long_list_comes_whole(peer, place):
    (place / "many").mkdir()
    names = {f"many/{at}-{'n' * 200}" for at in range(3000)}
    for name in names:
        (place / name).touch()
    assert set(listing(peer)) == names


# ---- removing and replacing ----


def test_remove(peer, place):
    put(peer, "a/b/c", DATA)
    put(peer, "a/d", DATA)
    assert request(peer, "DELETE", "/files/a/b/c").status == 204
    assert left(place) == ["a/d"] and not (place / "a/b").exists()
    assert request(peer, "DELETE", "/files/a/b/c").status == 404
    assert request(peer, "DELETE", "/files/a").status == 409
    assert request(peer, "DELETE", "/files/a/d").status == 204
    assert not (place / "a").exists()


def test_a_reader_of_the_one_before_is_not_disturbed(hub, peer):
    before, after = os.urandom(20_000_000), os.urandom(1000)
    put(peer, "a", before)
    with hub.peer(receive_buffer=65536) as reader:
        send(reader, "GET", "/files/a")
        head = reader.until(b"\r\n\r\n")
        assert put(peer, "a", after).status == 204
        assert get(peer, "a").body == after
        assert request(peer, "DELETE", "/files/a").status == 204
        assert f"Content-Length: {len(before)}".encode() in head
        assert reader.read(len(before)) == before


def test_nothing_is_seen_before_all_is_there(hub, peer, place):
    with hub.peer() as writer:
        send(writer, "PUT", "/files/a", "Content-Length: 10\r\n")
        writer.send(b"01234")
        while not [*(place / ".ferry").iterdir()]:
            pass
        assert get(peer, "a").status == 404 and listing(peer) == {}
    assert serves_on(peer)
    while [*(place / ".ferry").iterdir()]:  # goes with the connection
        pass
    assert left(place) == []


# ---- conditions, ranges, digests ----

CONDITIONS = [
    ("GET", "If-None-Match: {here}", 304),
    ("HEAD", "If-None-Match: {here}", 304),
    ("GET", "If-None-Match: {other}, {here}", 304),
    ("GET", "If-None-Match: {other}", 200),
    ("GET", "If-Match: {here}", 200),
    ("GET", "If-Match: {other}", 412),
    ("GET", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 304),
    ("GET", "If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT", 200),
    ("PUT", "If-None-Match: *", 412),
    ("PUT", "If-Match: {other}", 412),
    ("PUT", "If-Match: {here}", 204),
    ("PUT", "If-Match: *", 204),
    ("DELETE", "If-Match: {other}", 412),
    ("DELETE", "If-Match: {here}", 204),
    ("DELETE", "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT", 412),
]


@pytest.mark.parametrize(("method", "condition", "status"), CONDITIONS)
def test_conditions(hub, peer, method, condition, status):
    put(peer, "a", DATA, "File-Time: 1000000000\r\n")
    condition = condition.format(here=etag(DATA), other=etag(b"other")) + "\r\n"
    body = b"new" if method == "PUT" else None
    assert request(peer, method, "/files/a", condition, body).status == status
    with hub.peer() as other:
        gone = method == "DELETE" and status == 204
        assert get(other, "a").status == (404 if gone else 200)


def test_conditions_of_a_file_that_is_not_there(peer, hub):
    assert put(peer, "a", DATA, "If-Match: *\r\n").status == 412
    with hub.peer() as other:
        assert put(other, "a", DATA, "If-None-Match: *\r\n").status == 201


def test_a_condition_holds_until_the_end(hub, peer):
    """Two that want to be the first: one is."""
    with hub.peer() as slow:
        fields = "If-None-Match: *\r\nExpect: 100-continue\r\nContent-Length: 4\r\n"
        send(slow, "PUT", "/files/a", fields)
        assert Answer(slow).status == 100
        assert put(peer, "a", b"fast", "If-None-Match: *\r\n").status == 201
        slow.send("slow")
        assert Answer(slow).status == 412
    assert get(peer, "a").body == b"fast"


RANGES = [
    ("bytes=0-0", 206, b"0"),
    ("bytes=3-5", 206, b"345"),
    ("bytes=5-99", 206, b"56789"),
    ("bytes=-2", 206, b"89"),
    ("bytes=-99", 206, b"0123456789"),
    ("bytes=10-", 416, None),
    ("bytes=5-3", 200, b"0123456789"),
    ("bytes=0-1,4-5", 200, b"0123456789"),
    ("lines=0-1", 200, b"0123456789"),
    ("bytes=-0", 416, None),
]


@pytest.mark.parametrize(("wanted", "status", "body"), RANGES)
def test_ranges(peer, wanted, status, body):
    put(peer, "a", b"0123456789")
    answer = get(peer, "a", f"Range: {wanted}\r\n")
    assert answer.status == status
    if status == 206:
        assert answer["content-range"].endswith("/10") and answer["content-digest"] is None
    if status == 416:
        assert answer["content-range"] == "bytes */10"
    else:
        assert answer.body == body
    assert serves_on(peer)


def test_a_range_counts_for_the_file_it_is_of(peer):
    put(peer, "a", b"0123456789")
    wanted = "Range: bytes=3-5\r\nIf-Range: "
    assert get(peer, "a", f"{wanted}{etag(b'0123456789')}\r\n").body == b"345"
    assert get(peer, "a", f"{wanted}{etag(b'other')}\r\n").body == b"0123456789"


@pytest.mark.parametrize("field", ["Repr-Digest", "Content-Digest"])
def test_a_wrong_digest_leaves_nothing(hub, peer, place, field):
    answer = put(peer, "a/b", DATA, f"{field}: {digest(DATA[1:])}\r\n")
    assert answer.status == 400 and "digest" in answer.json["detail"]
    assert left(place) == [] and not (place / "a").exists()
    assert put(peer, "a/b", DATA, f"{field}: {digest(DATA)}\r\n").status == 201
    assert put(peer, "a/b", DATA, f"{field}: sha-256=nonsense\r\n").status == 400


def chunked(peer, name, trailer):
    peer.send(f"PUT /files/{name} HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n")
    peer.send(b"5\r\n01234\r\n5\r\n56789\r\n0\r\n" + trailer.encode() + b"\r\n")
    return Answer(peer, "PUT")


def test_a_digest_in_the_trailer(peer, place):
    assert chunked(peer, "a", f"Repr-Digest: {digest(b'0123456789')}\r\n").status == 201
    assert chunked(peer, "b", f"Content-Digest: {digest(b'others')}\r\n").status == 400
    assert left(place) == ["a"]


def test_one_who_is_refused_midway_is_read_no_more(start_hub, tmp_path):
    """The refusal comes amid the body, whose end and trailer are there already."""
    (tmp_path / "small").mkdir()
    hub = start_hub("tcp:localhost:0", f"--files={tmp_path}/small", "--max-file=3")
    for _ in range(10):
        with hub.peer() as peer:
            assert chunked(peer, "a", f"Repr-Digest: {digest(b'0123456789')}\r\n").status == 413


# ---- names ----

GOOD_NAMES = [
    "a", "a b", "a/b/c", "-", "~", "a.b", "a..b", "a/b.", "ü/Ünï.txt", "日本語", "a\\b", "a:b", "%", "?",
    "#", "&", "'\"", "n" * 255, "/".join(["d" * 100] * 10), "con", "a\u00a0b", "\U0001f600",
]


@pytest.mark.parametrize("name", GOOD_NAMES, ids=name_of)
def test_good_names(peer, place, name):
    path = urllib.parse.quote(name)
    assert put(peer, path, DATA).status == 201
    assert (place / name).read_bytes() == DATA
    assert get(peer, path).body == DATA
    assert [*listing(peer)] == [name]
    assert request(peer, "DELETE", f"/files/{path}").status == 204
    assert left(place) == []


BAD_NAMES = [
    "..", ".", "../a", "a/../b", "a/..", "./a", "a/./b", "%2e%2e/a", "%2e%2e%2fa", "a%2f..%2f..%2fb",
    "..%2f..%2fetc%2fpasswd", "/etc/passwd", "%2fetc%2fpasswd", "a//b", "a/%2fb", ".a", "%2ea", "a/.b",
    ".ferry/a", "%2eferry%2fa", "a%00b", "a%0ab", "a%0d%0ab", "a%1bb", "a%7fb", "a%ffb", "%c0%ae%c0%ae/a",
    "%ed%a0%80", "n" * 256, "d/" * 520 + "d", "a%zz", "a%2", "a/", "a%2f",
]


@pytest.mark.parametrize("path", BAD_NAMES, ids=name_of)
def test_bad_names(hub, place, path):
    for method in ("PUT", "GET", "HEAD", "DELETE"):
        if method in ("GET", "HEAD") and path.endswith("/"):
            continue  # a list
        with hub.peer() as peer:
            body = b"x" if method == "PUT" else None
            assert request(peer, method, f"/files/{path}", body=body).status == 400
    assert left(place) == []


def test_what_is_in_the_way(hub, place, tmp_path):
    """Links planted by someone else, and what is no regular file."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (place / "dir").symlink_to(outside)
    (place / "file").symlink_to(outside / "secret")
    (place / "loop").symlink_to("loop")
    (place / "inner").mkdir()
    (place / "inner/link").symlink_to("../inner")
    os.mkfifo(place / "fifo")
    (place / "empty").mkdir()
    cases = [
        ("dir/secret", 403, 403),
        ("file", 403, 403),
        ("loop", 403, 403),
        ("inner/link/link/x", 403, 403),
        ("fifo", 403, 403),
        ("empty", 409, 409),
        ("dir", 403, 403),
    ]
    for path, on_get, on_put in cases:
        with hub.peer() as peer:
            assert get(peer, path).status == on_get, path
            assert request(peer, "DELETE", f"/files/{path}").status == on_get, path
            assert put(peer, path, b"x").status == on_put, path
    assert (outside / "secret").read_text() == "secret"
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    with hub.peer() as peer:
        assert listing(peer) == {} == listing(peer, "dir/")


def test_a_file_where_a_directory_should_be(hub, peer):
    put(peer, "a", b"")
    assert get(peer, "a/b").status == 404
    assert request(peer, "DELETE", "/files/a/b").status == 404
    assert put(peer, "a/b", b"x").status == 409


# ---- the rest ----


def test_methods(hub):
    for method, target, status in [
        ("PUT", "/files/", 405),
        ("PATCH", "/files/a", 405),
        ("POST", "/files/a", 201),
        ("GET", "/uploads/x", 405),
        ("HEAD", "/uploads/x", 404),
        ("OPTIONS", "/files/a", 204),
    ]:
        with hub.peer() as peer:
            answer = ask(peer, f"{method} {target} HTTP/1.1\r\n{HOST}\r\n")
            assert answer.status == status, (method, target)
            if method == "OPTIONS":
                assert answer["allow"] == "GET, HEAD, POST, PUT, DELETE, OPTIONS"


def test_a_hub_without_files(start_hub):
    with start_hub("tcp:localhost:0").peer() as peer:
        assert get(peer, "").status == 404
        assert put(peer, "a", b"x").status == 404


def test_a_put_is_announced(hub, peer):
    said = request(peer, "PUT", "/files/a%20b?topic=lobby&name=anna", "", b"12345")
    wanted = "Accept: application/x-ndjson\r\n"
    message = json.loads(request(peer, "GET", "/topics/lobby?since=all&poll=1", wanted).body)
    assert said["announced"] == str(message["id"])
    assert message["from"] == "anna" and message["text"] == "shared /files/a%20b (5 bytes)"
    assert put(peer, "c?topic=a%20b", b"").status == 400


def test_requests_follow_each_other(peer):
    """Pipelined: each is answered, in order."""
    send(peer, "PUT", "/files/a", "", DATA)
    send(peer, "GET", "/files/a")
    send(peer, "PUT", "/files/a", "", b"")
    send(peer, "GET", "/files/a", "Range: bytes=0-1\r\n")
    send(peer, "DELETE", "/files/a")
    send(peer, "GET", "/files/a")
    assert Answer(peer).status == 201
    assert Answer(peer).body == DATA
    assert [Answer(peer).status for _ in range(4)] == [204, 416, 204, 404]


def test_one_who_sends_no_more_gets_all(hub, peer):
    data = os.urandom(8_000_000)
    put(peer, "a", data)
    with hub.peer() as other:
        send(other, "GET", "/files/a")
        other.end()
        assert Answer(other).body == data


def test_the_directory_has_one_hub(hub, ferry, place, tmp_path):
    result = ferry("listen", f"unix:{tmp_path}/other", f"--files={place}")
    assert result.returncode not in (0, 70) and "another hub" in result.stderr
    result = ferry("listen", f"unix:{tmp_path}/other", f"--files={place}/none")
    assert result.returncode not in (0, 70) and "none" in result.stderr


def test_a_file_from_before_1970(peer):
    """Fields and lists have no words for that; File-Time has."""
    put(peer, "old", DATA, "File-Time: -86400.5\r\n")
    answer = get(peer, "old")
    assert answer["file-time"] == "-86400.500000000"
    assert answer["last-modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert listing(peer)["old"]["time"] == "1970-01-01T00:00:00.000Z"


def test_times_are_of_the_end(peer):
    put(peer, "a", b"x")
    age = datetime.datetime.now().timestamp() - float(get(peer, "a")["file-time"])
    assert -1 < age < 20
