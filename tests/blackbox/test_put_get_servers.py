"""ferry put and get with servers that are not ours: some can less, some lie."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest
from file_server import FileServer, repr_digest
from paths import FERRY
from transfers import BIG, digest_of, done, large  # noqa: F401


@pytest.fixture
def server():
    with FileServer(a_txt=b"hello", big_bin=BIG) as server:
        yield server


def leftovers(path):
    return [each for each in os.listdir(path) if each.startswith(".")]


@pytest.mark.parametrize("name", ["a.txt", "big.bin"])
def test_a_wrong_hash(server, ferry, tmp_path, name):
    server.digests[name] = repr_digest(b"something else")
    (tmp_path / name).write_text("old")
    result = ferry("get", server.address, name)
    assert result.returncode == 65 and "SHA-256" in result.stderr
    assert (tmp_path / name).read_text() == "old"
    assert not leftovers(tmp_path)


def test_a_wrong_hash_of_a_put(server, ferry, large):
    server.put_fields["Repr-Digest"] = repr_digest(b"something else")
    assert ferry("put", server.address, "large.bin").returncode == 65


def test_goes_on_after_breaks(server, done, tmp_path):
    server.cuts = [1_000_000, 2_000_000, 0, 100]
    done("get", server.address, "big.bin")
    assert (tmp_path / "big.bin").read_bytes() == BIG
    ranges = [fields.get("Range") for _, _, fields in server.seen]
    assert ranges == [
        None,
        "bytes=1000000-",
        "bytes=3000000-",
        "bytes=3000000-",
        "bytes=3000100-",
    ]


def test_another_file_is_not_gone_on_with(server, done, tmp_path):
    server.cuts = [1_000_000]
    server.after_cut = lambda: server.files.update({"big.bin": BIG[::-1]})
    done("get", server.address, "big.bin")
    assert (tmp_path / "big.bin").read_bytes() == BIG[::-1]


def test_a_server_without_ranges(server, done, tmp_path):
    server.ranges = False
    server.cuts = [1_000_000]
    done("get", server.address, "big.bin")
    assert (tmp_path / "big.bin").read_bytes() == BIG


def test_a_bad_beginning_is_fetched_again(server, done, tmp_path):
    (tmp_path / ".big.bin.part").write_bytes(b"x" * 1_000_000)
    etag = f'"{hashlib.md5(BIG).hexdigest()}"'
    (tmp_path / ".big.bin.etag").write_text(etag)
    done("get", server.address, "big.bin")
    assert (tmp_path / "big.bin").read_bytes() == BIG
    assert [fields.get("Range") for _, _, fields in server.seen] == ["bytes=1000000-", None]
    assert not leftovers(tmp_path)


def test_a_server_that_cannot_go_on_with_uploads(server, done, large):
    server.cuts = [0, 0]
    done("put", server.address, "large.bin")
    assert server.files["large.bin"] == large.read_bytes()
    assert server.trailers[-1] == f"Repr-Digest: {repr_digest(large.read_bytes())}"


def test_a_server_that_wants_the_length(server, done, large):
    server.wants_length = True
    done("put", server.address, "large.bin")
    assert server.files["large.bin"] == large.read_bytes()


@pytest.mark.parametrize(
    "name", ["d/../../evil", "/etc/evil", "d/.ssh", "evil", "d/a\nb", "d/", "d//evil", "d/.."]
)
def test_a_listing_that_leads_elsewhere(server, ferry, tmp_path, name):
    server.listing = json.dumps([{"name": name, "size": 4}]).encode()
    server.files[name] = b"evil"
    (tmp_path / "out").mkdir()
    result = ferry("get", server.address, "d/", "-o", "out")
    assert result.returncode == 76
    assert not os.listdir(tmp_path / "out") and not (tmp_path / "evil").exists()


@pytest.mark.parametrize("listing", [b"", b"{}", b"[1]", b'[{"name":1}]', b'[{"name":"a","size":-1}]'])
def test_a_listing_that_is_none(server, ferry, listing):
    server.listing = listing
    assert ferry("files", server.address).returncode == 76


def test_gives_up_in_time(server, ferry):
    server.hold.clear()
    result = ferry("get", server.address, "a.txt", "--timeout", "300ms")
    server.hold.set()
    assert result.returncode == 124 and "nothing has moved" in result.stderr


def test_standard_input_to_a_server_that_breaks(server, environment, tmp_path):
    server.cuts = [0]
    words = [FERRY, "put", server.address, "-", "--as", "stream"]
    done = subprocess.run(words, input=BIG, env=environment, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and server.files["stream"] == BIG


def test_a_server_on_a_unix_socket_that_takes_no_files(ferry, tmp_path):
    """It sees an empty body, and says nothing of a digest: it is sent the bytes."""
    path = str(tmp_path / "plain")
    with FileServer(path, big_bin=BIG) as server:
        (tmp_path / "up").write_bytes(BIG)
        assert ferry("put", server.address, "up").returncode == 0
        assert server.files["up"] == BIG
        assert ferry("get", server.address, "big.bin").returncode == 0
        assert (tmp_path / "big.bin").read_bytes() == BIG


# ---- nginx ----

NGINX = """
daemon off;
master_process off;
pid {dir}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_max_body_size 0;
    server {{
        listen unix:{dir}/socket;
        root {dir}/www;
        location /files/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""


@pytest.fixture
def nginx(spawn, tmp_path):
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    own = tmp_path / "nginx"
    (own / "www/files").mkdir(parents=True)
    (own / "conf").write_text(NGINX.format(dir=own))
    server = spawn("nginx", "-p", own, "-e", "stderr", "-c", own / "conf")
    while not (own / "socket").exists():
        assert server.process.poll() is None, str(server)
    yield f"unix:{own}/socket"
    server.stop()


def test_nginx_as_the_server(nginx, done, large, tmp_path):
    done("put", nginx, "large.bin", "--as", "d/large.bin")
    there = tmp_path / "nginx/www/files/d/large.bin"
    assert digest_of(there) == digest_of(large)
    done("get", nginx, "d/large.bin", "-o", "back")
    assert digest_of(tmp_path / "back") == digest_of(large)
    done("rm", nginx, "d/large.bin")
    assert not there.exists()
