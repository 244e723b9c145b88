"""libferry: what is installed is all that a program needs, and the examples work as they say."""

import json
import os
import re
import subprocess

import pytest
from paths import FERRY, ROOT
from peer import Peer
from service import until_waiting
from tls import Authority

BUILD = FERRY.parent
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.c"))

OPTIONS = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
SANITIZED = {option["name"]: option["value"] for option in OPTIONS}["b_sanitize"] != "none"

compiles = pytest.mark.skipif(SANITIZED, reason="a sanitized library wants a sanitized program")


def run(*command, **options):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Where ferry is installed to, and the environment in which pkg-config finds it."""
    root = tmp_path_factory.mktemp("root")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
    (description,) = root.rglob("ferry.pc")
    environment = os.environ | {
        "PKG_CONFIG_PATH": str(description.parent),
        "PKG_CONFIG_SYSROOT_DIR": str(root),
    }
    return root, environment


@pytest.fixture
def flags(installed):
    _, environment = installed

    def get(*words):
        return run("pkg-config", *words, "ferry", env=environment).split()

    return get


@compiles
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_copied_example_compiles(name, flags, tmp_path):
    (tmp_path / "copy.c").write_text((ROOT / f"examples/{name}.c").read_text())
    run("cc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "copy.c",
        *flags("--cflags", "--libs"), "-o", "copy", cwd=tmp_path)  # fmt: skip


@compiles
def test_the_static_library_is_whole(flags, installed, hub, tmp_path):
    root, _ = installed
    (archive,) = root.rglob("libferry.a")
    needed = [flag for flag in flags("--libs", "--static") if flag != "-lferry"]
    run("cc", ROOT / "examples/publish.c", *flags("--cflags"), archive, *needed,
        "-o", "publish", cwd=tmp_path)  # fmt: skip
    assert run(tmp_path / "publish", hub.address, "hi") == "stored as 1\n"


# argv: address, "yes", "no" or "" (nobody is asked), and maybe the file of an authority.
TRUSTING = r"""
#include <ferry.h>
#include <stdio.h>

static int met(void *data, const char *address, const char *pin)
{
	printf("met %s %s\n", address, pin);
	return *(const char *)data == 'y';
}

int main(int argc, char **argv)
{
	struct ferry *f = ferry_new();
	struct ferry_trust_options trust = ferry_trust_options();
	struct ferry_options options = ferry_options();

	trust.key_dir = "keys";
	trust.ca = argv[3];
	trust.met = *argv[2] ? met : NULL;
	trust.data = argv[2];
	ferry_trust(f, &trust);
	struct ferry_session *s = ferry_open(f, argv[1], &options);
	int r = ferry_publish_wait(s, "hi", 2, NULL, 10000);
	printf("%d %s\n", r, r < 0 ? ferry_why(f) : "");
	ferry_close(s);
	ferry_free(f);
}
"""


@pytest.fixture
def program(flags, installed, tmp_path):
    """Runs one that publishes; the lines it prints."""
    root, _ = installed
    (shared,) = (path.parent for path in root.rglob("libferry.so.0"))
    (tmp_path / "program.c").write_text(TRUSTING)
    run("cc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "program.c",
        *flags("--cflags", "--libs"), "-o", "program", cwd=tmp_path)  # fmt: skip

    def program(*words):
        environment = os.environ | {"LD_LIBRARY_PATH": str(shared)}
        return run(tmp_path / "program", *words, env=environment, cwd=tmp_path).splitlines()

    return program


@compiles
def test_a_hub_is_met(program, start_hub, tmp_path):
    hub = start_hub("tls:localhost:0", f"--key-dir={tmp_path / 'hub'}")
    address, pin = re.sub("127.0.0.1", "localhost", hub.address).split("?pin=")
    (refused,) = program(address, "")
    assert refused.startswith("-13 ") and "its key is not known here" in refused
    asked, refused = program(address, "no")
    assert asked == f"met {address} {pin}"
    assert refused.startswith("-13 ")
    assert program(address, "yes") == [f"met {address} {pin}", "0 "]
    assert program(address, "") == ["0 "]
    assert program(f"{address}?pin={pin}", "") == ["0 "]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


REFUSED = {
    "expired": "its certificate expired on 2020-02-01",
    "wrong host": "its certificate is for example.org, not for localhost",
    "self-signed": "not signed by",
}


@compiles
@pytest.mark.parametrize("kind", [*REFUSED, "right"])
def test_an_authority_is_asked(program, start_hub, authority, kind):
    cert, key = {
        "right": lambda: authority.issue("right"),
        "expired": authority.issue_expired,
        "wrong host": lambda: authority.issue("elsewhere", "DNS:example.org"),
        "self-signed": lambda: Authority(authority.directory / "other").issue("self"),
    }[kind]()
    hub = start_hub("tls:localhost:0", f"--cert={cert}", f"--key={key}")
    (said,) = program(hub.address.replace("127.0.0.1", "localhost"), "", authority.path)
    if kind == "right":
        assert said == "0 "
    else:
        assert said.startswith("-13 ") and REFUSED[kind] in said


@compiles
def test_a_wrong_pin_and_a_key_that_is_not_let_in(program, start_hub, ferry, tmp_path):
    own = ferry("key", "--key-dir", "listed").stdout.strip()
    hub = start_hub("tls:localhost:0", f"--key-dir={tmp_path / 'hub'}", f"--allow-key=anna={own}")
    address, pin = hub.address.replace("127.0.0.1", "localhost").split("?pin=")
    (said,) = program(f"{address}?pin=sha256:{'A' * 43}", "")
    assert said.startswith("-13 ") and "it is not the hub that the pin names" in said
    (said,) = program(f"{address}?pin={pin}", "")
    assert said.startswith("-13 ") and "the hub lets in only those it knows by their key" in said
    ferry("key", "--key-dir", "keys")
    (said,) = program(f"{address}?pin={pin}", "")
    assert said.startswith("-13 ") and "the hub does not let your key in" in said


@compiles
def test_cxx_takes_the_header(flags, tmp_path):
    program = "#include <ferry.h>\nint main() { return ferry_options().size == 0; }\n"
    (tmp_path / "program.cc").write_text(program)
    if subprocess.run(["sh", "-c", "command -v c++"], capture_output=True).returncode:
        pytest.skip("there is no C++ compiler")
    run("c++", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "program.cc",
        *flags("--cflags", "--libs"), "-o", "program", cwd=tmp_path)  # fmt: skip


def symbols(*words):
    listing = run("nm", "--defined-only", "--format=posix", *words)
    return {line.split()[0].split("@")[0] for line in listing.splitlines() if " " in line}


def test_only_what_the_header_declares_is_visible(installed):
    root, _ = installed
    header = (ROOT / "include/ferry.h").read_text()
    declared = set(re.findall(r"\b(ferry_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.S)))
    declared -= {name for name in declared if name.endswith("_options")}  # inline
    (shared,) = (path for path in root.rglob("libferry.so.*.*") if not path.is_symlink())
    (archive,) = root.rglob("libferry.a")
    assert symbols("--dynamic", shared) - {"FERRY_0"} == declared
    assert {name for name in symbols("--extern-only", archive) if "." not in name} == declared


def test_the_soname_has_a_version(installed):
    root, _ = installed
    (link,) = (path for path in root.rglob("libferry.so.0"))
    assert "libferry.so.0" in run("readelf", "--dynamic", link)


# ---- the examples at work ----


@pytest.fixture
def example(spawn):
    return lambda name, *words: spawn(BUILD / "examples" / name, *words)


def test_publish_and_follow(hub, example):
    follow = example("follow", hub.address, "tea")
    publish = example("publish", hub.address, "hello there")
    publish.wait()
    assert publish.output == b"stored as 1\n"
    hub.wait_for("^This is what publish sent: hello there$")
    with Peer(hub.address) as peer:
        peer.send("POST /topics/tea?name=anna HTTP/1.1\r\nHost: localhost\r\n"
                  "Content-Length: 5\r\n\r\nmilk?")  # fmt: skip
        follow.wait_for("^2 anna: milk\\?$")


def test_publish_where_nobody_is(example):
    publish = example("publish", "unix:nobody.sock", "hi")
    publish.wait(1)
    assert b"nobody.sock" in publish.errors


def test_chat(hub, example):
    anna, bert = (example("chat", hub.address, name) for name in ("anna", "bert"))
    hub.wait_for_subscribers(2)
    anna.type("hi\n")
    bert.wait_for("^anna: hi$")
    bert.type("ho\n")
    anna.wait_for("^bert: ho$")
    for chat in (anna, bert):
        chat.close_input()
        chat.wait()


def test_chat_goes_on_when_the_hub_is_back(start_hub, example, tmp_path):
    words = (f"unix:{tmp_path}/hub.sock", "--store=chat.db")
    hub = start_hub(*words)
    anna = example("chat", hub.address, "anna")
    hub.wait_for_subscribers(1)
    hub.process.kill()
    hub.process.wait()
    anna.type("hi\n")
    hub = start_hub(*words)
    hub.wait_for("^This is what anna sent: hi$")
    anna.close_input()
    anna.wait()


def test_ask_and_upper(hub, example):
    upper = example("upper", hub.address, "upper")
    until_waiting(hub, 1, "upper")
    for text in ("hello", "there"):
        ask = example("ask", hub.address, "upper", text)
        ask.wait()
        assert ask.output.decode() == text.upper() + "\n"
    upper.discard()
    ask = example("ask", hub.address, "nobody", "hello")
    ask.wait(1)
    assert b"no one serves this" in ask.errors


def test_share(start_hub, example, tmp_path):
    (tmp_path / "hub").mkdir()
    hub = start_hub("tcp:localhost:0", f"--files={tmp_path}/hub")
    (tmp_path / "a").write_bytes(b"hello" * 100_000)
    for command in ("put", "get"):
        share = example("share", command, hub.address, "a")
        share.wait()
        assert share.output.endswith(b"\ra 100 %\n")
        assert (tmp_path / "hub/a").read_bytes() == (tmp_path / "a").read_bytes()
        (tmp_path / "a").write_bytes(b"other")
    share = example("share", "get", hub.address, "b")
    share.wait(1)
    assert b"b: " in share.errors and not (tmp_path / "b").exists()


@pytest.mark.parametrize("address", ["tcp:localhost:0", "unix:echo.sock", "@ferry-test-echo"])
def test_echo(example, address, tmp_path):
    echo = example("echo", address)
    where = echo.wait_for(r"^listening on (\S+)$")[1].decode()
    for text in (b"one", b"two"):
        with Peer(where.replace("unix:echo", f"unix:{tmp_path}/echo")) as peer:
            peer.send(text)
            assert peer.read(3) == text
        echo.wait_for("^connection from ")
