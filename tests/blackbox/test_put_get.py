"""ferry put, get, files and rm with a hub.

FERRY_FILE_SIZE says how large a large file is (20,000,000). Up and down with 4 GiB over every
stream, which takes 12 GiB of room at a time:

    FERRY_FILE_SIZE=$((4 << 30)) pytest tests/blackbox/test_put_get.py -k there_and_back
"""

import json
import os
import re
import stat
import subprocess
import threading

import pytest
from file_server import FileServer
from paths import FERRY
from terminal import Terminal
from transfers import BIG, SIZE, digest_of, done, large, tree_of  # noqa: F401

pytestmark = pytest.mark.timeout(60 + SIZE // 2_000_000)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def hub(start_hub, tmp_path, place):
    return start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub", f"--files={place}")


@pytest.fixture
def server():
    with FileServer(big_bin=BIG) as server:
        yield server


# ---- there and back ----


@pytest.fixture
def back(tmp_path):
    """Where what comes back goes; it may be too large to be left there."""
    yield tmp_path / "back"
    (tmp_path / "back").unlink(missing_ok=True)


@pytest.mark.parametrize("wire", ["tcp", "unix", "tls"])
def test_large_there_and_back(start_hub, place, done, large, tmp_path, back, wire):
    address = f"unix:{tmp_path}/hub" if wire == "unix" else f"{wire}:localhost:0"
    hub = start_hub(address, f"--files={place}")
    large.chmod(0o640)
    os.utime(large, ns=(0, 1_600_000_000_123_456_789))
    done("put", hub.address, "large.bin", *["--trust-first"] * (wire == "tls"))
    done("get", hub.address, "large.bin", "-o", "back")
    assert digest_of(back) == digest_of(large)
    assert back.stat().st_mtime_ns == 1_600_000_000_123_456_789
    assert stat.S_IMODE(back.stat().st_mode) == 0o640
    assert not [each for each in os.listdir(tmp_path) if each.endswith((".part", ".etag"))]
    done("rm", hub.address, "large.bin")


def test_large_as_bytes_on_a_unix_socket_there_and_back(hub, done, large, back):
    """With curl, which hands no file over."""
    url, path = "http://localhost/files/large.bin", hub.addresses[-1].removeprefix("unix:")
    for words in ["-T", large], ["-o", back]:
        curl = ["curl", "-sSf", "--unix-socket", path, *words, url]
        subprocess.run(curl, check=True, stdout=subprocess.PIPE)
    assert digest_of(back) == digest_of(large)
    done("rm", hub.address, "large.bin")


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1 << 20])
def test_sizes(hub, done, tmp_path, size):
    (tmp_path / "a").write_bytes(os.urandom(size))
    done("put", hub.address, "a")
    done("get", hub.address, "a", "-o", "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_thousand_small_files(hub, done, tmp_path):
    source = tmp_path / "many"
    for at in range(1000):
        path = source / str(at % 10) / f"{at}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{at}\n" * (at % 50))
    done("put", hub.address, "many")
    (tmp_path / "back").mkdir()
    done("get", hub.address, "many/", "-o", "back")
    assert tree_of(source) == tree_of(tmp_path / "back/many")
    # some to put, one to list, some to get
    assert hub.output.count(b"Accepted connection") <= 4 + 1 + 4


NAMES = ["with space", "größe ☃.txt", "%2e%2e%2f", "a;b&c=d?e#f", "-dash", "x" * 255, "back\\slash"]


def test_odd_names(hub, done, tmp_path, place):
    (tmp_path / "odd").mkdir()
    for at, name in enumerate(NAMES):
        (tmp_path / "odd" / name).write_text(str(at))
    done("put", hub.address, "odd")
    assert {each.name for each in (place / "odd").iterdir()} == set(NAMES)
    done("get", hub.address, "odd/", "-o", "back/")
    assert tree_of(tmp_path / "odd") == tree_of(tmp_path / "back/odd")
    done("get", hub.address, *(f"odd/{name}" for name in NAMES), "-o", "flat/")
    assert tree_of(tmp_path / "odd") == tree_of(tmp_path / "flat")
    done("rm", hub.address, *(f"odd/{name}" for name in NAMES))
    assert done("files", hub.address) == ""


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ".hidden", "a//b", "line\nend"])
def test_names_that_are_none(hub, ferry, tmp_path, place, name):
    (tmp_path / "a").write_text("no")
    assert ferry("put", hub.address, "a", "--as", name).returncode == 64
    assert not [each for each in place.rglob("*") if each.name != ".ferry"]


def test_what_is_left_out_of_a_directory(hub, ferry, tmp_path):
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "below/file").write_text("yes")
    (source / ".hidden").write_text("no")
    (tmp_path / "outside").write_text("secret")
    (source / "link").symlink_to(tmp_path / "outside")
    (source / "way").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    result = ferry("put", hub.address, "source")
    assert result.returncode == 0
    for name in (".hidden", "link", "way", "pipe"):
        assert f"{name} is left out" in result.stderr
    assert ferry("files", hub.address).stdout.split("\t")[3:] == ["source/below/file\n"]


def test_a_directory_under_another_name(hub, done, tmp_path):
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_text("f")
    done("put", hub.address, "d/", "--as", "x/")
    done("put", hub.address, "d", "--as", "y")
    done("put", hub.address, "d/e/f", "--as", "z/")
    done("put", hub.address, ".", "--as", "w/") if not (tmp_path / "files").exists() else None
    names = [line.split("\t")[3] for line in done("files", hub.address).splitlines()]
    assert names == ["x/d/e/f", "y/e/f", "z/f"]


# ---- listing, removing, announcing ----


def test_files_for_people_and_programs(hub, done, tmp_path):
    (tmp_path / "a").write_text("hello")
    os.utime(tmp_path / "a", ns=(0, 1_600_000_000_000_000_000))
    done("put", hub.address, "a")
    sha256 = digest_of(tmp_path / "a")
    expected = {"name": "a", "size": 5, "time": "2020-09-13T12:26:40.000Z", "sha256": sha256}
    assert json.loads(done("files", hub.address, "--json")) == expected
    assert done("files", hub.address) == f"{sha256}\t5\t2020-09-13T12:26:40.000Z\ta\n"
    assert done("files", hub.address, "nothing/") == done("files", hub.address, "nothing") == ""
    assert done("files", hub.address, "/") == done("files", hub.address)


def test_rm(hub, ferry, done, tmp_path):
    (tmp_path / "a").write_text("a")
    for name in ("a", "b", "d/a", "d/e/b"):
        done("put", hub.address, "a", "--as", name)
    result = ferry("rm", hub.address, "a", "missing", "b")
    assert result.returncode == 69 and "missing" in result.stderr
    assert ferry("rm", hub.address, "d/").returncode == 64
    done("rm", hub.address, "--recursive", "d/")
    assert done("files", hub.address) == ""


def test_put_tells_a_topic(hub, done, start, tmp_path):
    follower = start("follow", hub.address, "--topic", "news", "--count", "1")
    hub.wait_for_subscribers(1, "news")
    (tmp_path / "a").write_text("hello")
    done("put", hub.address, "a", "--topic", "news", "--name", "anna")
    follower.wait_for(r"anna: shared /files/a \(5 bytes\)")
    follower.wait()


# ---- to and from other places ----


def test_get_to_standard_output(hub, large, done):
    done("put", hub.address, "large.bin")
    back = subprocess.run([FERRY, "get", hub.address, "large.bin", "-o", "-"], capture_output=True)
    assert back.returncode == 0 and back.stdout == large.read_bytes()


def test_where_get_writes(hub, done, tmp_path):
    (tmp_path / "a").write_text("a")
    done("put", hub.address, "a", "--as", "d/a")
    (tmp_path / "there").mkdir()
    done("get", hub.address, "d/a", "-o", "there")
    done("get", hub.address, "d/a", "-o", str(tmp_path / "there/b"))
    done("get", hub.address, "d/", "-o", "there/")
    done("get", hub.address, "d/", "-o", "new")
    done("get", hub.address, "/", "-o", "all/")
    found = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file()}
    assert {"there/a", "there/b", "there/d/a", "new/a", "all/d/a"} <= found


def test_get_of_what_is_not_there(hub, ferry, tmp_path):
    before = sorted(os.listdir(tmp_path))
    assert ferry("get", hub.address, "nothing").returncode == 69
    assert ferry("get", hub.address, "nothing/").returncode == 69
    assert ferry("get", "tcp:localhost:1", "nothing").returncode == 69
    assert ferry("put", hub.address, "nothing").returncode == 69
    assert sorted(os.listdir(tmp_path)) == before


def test_a_planted_link_is_not_followed(hub, done, ferry, tmp_path):
    (tmp_path / "a").write_text("new")
    done("put", hub.address, "a", "--as", "d/a")
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "victim").write_text("old")
    (tmp_path / "elsewhere").mkdir()
    (target / "a").symlink_to(tmp_path / "victim")
    done("get", hub.address, "d/a", "-o", "target/")  # the link is replaced
    assert (tmp_path / "victim").read_text() == "old"
    assert (target / "a").read_text() == "new" and not (target / "a").is_symlink()
    (target / ".a.part").symlink_to(tmp_path / "victim")
    (target / ".a.etag").symlink_to(tmp_path / "victim")
    done("get", hub.address, "d/a", "-o", "target/")
    assert (tmp_path / "victim").read_text() == "old"
    (target / "d").symlink_to(tmp_path / "elsewhere")
    result = ferry("get", hub.address, "d/", "-o", "target/")
    assert result.returncode == 77 and "symbolic link" in result.stderr
    assert not os.listdir(tmp_path / "elsewhere")


def test_two_at_the_same_file(hub, start, ferry, done, tmp_path):
    with FileServer(big_bin=os.urandom(2_000_000)) as server:
        server.hold.clear()
        first = start("get", server.address, "big.bin")
        server.asked.wait()
        result = ferry("get", server.address, "big.bin")
        assert result.returncode == 75 and "another process" in result.stderr
        server.hold.set()
        first.wait()
        assert (tmp_path / "big.bin").read_bytes() == server.files["big.bin"]


# ---- standard input ----


@pytest.mark.parametrize("size", [0, 10, 100_000, 120_000_000])
def test_standard_input(hub, environment, tmp_path, place, size):
    data = os.urandom(1_000_000) * (size // 1_000_000) or os.urandom(size)
    words = [FERRY, "put", hub.address, "-", "--as", "stream"]
    done = subprocess.run(words, input=data, env=environment, cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (place / "stream").read_bytes() == data


def test_standard_input_that_pauses(hub, start, place):
    putting = start("put", hub.address, "-", "--as", "stream", "--timeout", "300ms")
    for _ in range(3):
        putting.type("some more\n")
        threading.Event().wait(0.4)  # longer than it waits for anything else
    putting.close_input()
    putting.wait()
    assert (place / "stream").read_text() == "some more\n" * 3


def test_standard_input_needs_a_name(hub, ferry):
    assert ferry("put", hub.address, "-", input="x").returncode == 64


def test_no_name_at_all(hub, ferry, tmp_path):
    (tmp_path / "file").write_text("x")
    put = ferry("put", hub.address, "file", "--as", "")
    assert (put.returncode, put.stderr) == (
        64,
        "ferry: put: --as takes a NAME; see: ferry put --help\n",
    )


# ---- on one machine ----


def test_an_open_file_is_handed_over(hub, ferry, large, tmp_path):
    unix = hub.addresses[-1]
    put = ferry("put", unix, "large.bin", "--trace")
    get = ferry("get", unix, "large.bin", "-o", "back", "--trace")
    assert put.returncode == get.returncode == 0
    assert digest_of(tmp_path / "back") == digest_of(large)
    for traced in (put.stderr, get.stderr):
        assert "sendfile(" not in traced and "control 2" in traced
        calls = re.findall(r"(?m)^(?:recv|recvmsg|send|sendmsg)\(.* = (\d+)$", traced)
        assert 0 < sum(map(int, calls)) < 9999


def test_handed_over_small_and_empty(hub, done, tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "small").write_text("small")
    for name in ("empty", "small"):
        done("put", hub.addresses[-1], name)
        done("get", hub.addresses[-1], name, "-o", "back")
        assert (tmp_path / "back").read_bytes() == (tmp_path / name).read_bytes()


def test_a_file_that_grows_while_it_is_handed_over(hub, done, large, tmp_path, place):
    """It comes with what it had at some moment, be it by the open file or, since that changes, as
    bytes."""
    ended = threading.Event()

    def grow():
        with large.open("ab", buffering=0) as file:
            while not ended.is_set():
                file.write(b"more")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        done("put", hub.addresses[-1], "large.bin")
    finally:
        ended.set()
        writer.join()
    there = (place / "large.bin").read_bytes()
    assert len(there) >= SIZE and large.read_bytes().startswith(there)


def test_a_partial_file_is_gone_on_with_from_the_open_one(hub, done, large, tmp_path):
    unix = hub.addresses[-1]
    done("put", unix, "large.bin")
    data = large.read_bytes()
    (tmp_path / ".back.part").write_bytes(data[:1_000_000])
    (tmp_path / ".back.etag").write_text(f'"{digest_of(large)}"')
    done("get", unix, "large.bin", "-o", "back")
    assert (tmp_path / "back").read_bytes() == data
    (tmp_path / ".back.part").write_bytes(b"x" * 1_000_000)
    (tmp_path / ".back.etag").write_text(f'"{digest_of(large)}"')
    done("get", unix, "large.bin", "-o", "back")
    assert (tmp_path / "back").read_bytes() == data
    assert not leftovers_of(tmp_path, "back")


def leftovers_of(path, name):
    return [each for each in os.listdir(path) if each.startswith(f".{name}")]


# ---- what a person sees ----


@pytest.fixture
def on_terminal(environment, tmp_path):
    terminals = []

    def run(*words, columns=100):
        own = environment | {"TERM": "xterm"}
        terminals.append(Terminal([FERRY, *words], columns, env=own, cwd=tmp_path))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.discard()


def test_progress_on_a_terminal(server, on_terminal):
    server.pause_at = 2_500_000
    server.hold.clear()
    terminal = on_terminal("get", server.address, "big.bin")
    terminal.wait_for(r"big.bin +50 % +2\.4 MiB of 4\.8 MiB +[\d.]+ .?i?B/s +\S+ left")
    server.hold.set()
    terminal.wait()
    terminal.wait_for(r"(?m)^fetched 1 file, 4\.8 MiB in [\d.]+ s \([\d.]+ [KMG]iB/s\)$")


def test_no_progress_where_nobody_looks(server, ferry, on_terminal):
    assert ferry("get", server.address, "big.bin").stderr == ""
    quiet = on_terminal("get", server.address, "big.bin", "--quiet")
    quiet.wait()
    assert not any(quiet.screen)


def test_files_on_a_terminal(hub, done, on_terminal, tmp_path):
    (tmp_path / "a").write_text("hello")
    os.utime(tmp_path / "a", ns=(0, 1_600_000_000_000_000_000))
    done("put", hub.address, "a", "--as", "d/größe")
    terminal = on_terminal("files", hub.address)
    terminal.wait()
    terminal.wait_for(r"(?m)^SIZE +TIME +SHA-256 +NAME\n5 B +2020-09-13 12:26 +2cf24dba5fb0 +d/größe$")
