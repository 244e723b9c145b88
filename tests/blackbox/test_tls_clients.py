"""Every command speaks TLS, and refuses a hub that may not be trusted, with its line and status."""

import os
import re
import socket
import ssl
import subprocess
import threading

import pytest
from paths import FERRY
from program import PATIENCE
from tls import Authority, pinned

WRONG = "sha256:" + "A" * 43

COMMANDS = {
    "send": ("send", "{}", "hello"),
    "follow": ("follow", "{}", "--since", "all", "--count", "1"),
    "chat": ("chat", "{}"),
    "status": ("status", "{}"),
    "request": ("request", "{}", "upper", "abc"),
    "serve": ("serve", "{}", "other", "--", "cat"),
    "put": ("put", "{}", "letter"),
    "get": ("get", "{}", "kept"),
    "files": ("files", "{}"),
    "rm": ("rm", "{}", "kept"),
    "wait": ("wait", "{}"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def kinds(authority):
    """Certificates with what is wrong with them in the eyes of who trusts the authority."""
    return {
        "right": (authority.issue("right"), None),
        "expired": (authority.issue_expired(), "expired on 2020-02-01"),
        "early": (authority.issue("early", start="20990101000000Z"), "is valid from 2099-01-01"),
        "wrong host": (
            authority.issue("elsewhere", "DNS:example.org,DNS:example.net"),
            "its certificate is for example.org, example.net, not for localhost",
        ),
        "self-signed": (Authority(authority.directory / "other").issue("self"), "not signed by"),
    }


@pytest.fixture(scope="module")
def hubs(kinds, tmp_path_factory):
    """The address of a hub of each kind, run once for all tests."""
    running, addresses = [], {}
    for kind, ((cert, key), _) in kinds.items():
        home = tmp_path_factory.mktemp("hub")
        (home / "files").mkdir()
        (home / "files" / "kept").write_text("what is kept")
        words = ["listen", "tls:localhost:0", f"--cert={cert}", f"--key={key}", "--files=files"]
        hub = subprocess.Popen(
            [FERRY, *words],
            cwd=home,
            env=os.environ | {"XDG_STATE_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(hub)
        port = re.search(r":(\d+)", hub.stdout.readline().removeprefix("Listening on tls:"))[1]
        addresses[kind] = f"tls:localhost:{port}"
    yield addresses
    for hub in running:
        hub.terminate()
        hub.communicate(timeout=PATIENCE)


@pytest.fixture
def run(ferry, tmp_path):
    (tmp_path / "letter").write_text("a letter")

    def run(command, address, *more):
        name, *words = (word.format(address) for word in COMMANDS[command])
        return ferry(name, *more, *words, stdin=subprocess.DEVNULL)

    return run


# ---- let in ----


@pytest.mark.parametrize("command", ["send", "chat", "status", "put", "get", "files", "wait"])
def test_let_in_by_authority(run, hubs, authority, command):
    result = run(command, hubs["right"], f"--ca={authority.path}")
    assert result.returncode == 0, result.stderr


def test_conversation(start, ferry, hubs, kinds):
    address = f"{hubs['right']}?pin={pinned(kinds['right'][0][0])}"
    listener = start("follow", address, "--count", "2")
    for n in range(50):
        assert ferry("send", address, f"message {n}").returncode == 0
        if listener.process.poll() is not None:
            break
    listener.wait()
    assert len(listener.output.splitlines()) == 2


def test_a_session_comes_back(start, start_hub, ferry, kinds):
    """The hub is killed and started anew, with the same key on the same port."""
    cert, key = kinds["right"][0]
    words = f"--cert={cert}", f"--key={key}", "--store=messages.db"
    hub = start_hub("tls:localhost:0", *words)
    address = f"tls:localhost:{hub.port}"
    pin = f"--pin={pinned(cert)}"
    listener = start("follow", pin, "--since", "all", address)
    assert ferry("send", pin, address, "before").returncode == 0
    listener.wait_for("before")
    hub.process.kill()
    hub.process.wait()
    start_hub(address, *words)
    assert ferry("send", pin, address, "after").returncode == 0
    listener.wait_for("after")
    listener.stop()


def test_a_session_does_not_come_back_to_another_key(start, start_hub, ferry, kinds):
    def words(kind):
        cert, key = kinds[kind][0]
        return f"--cert={cert}", f"--key={key}"

    hub = start_hub("tls:localhost:0", *words("right"))
    address = f"tls:localhost:{hub.port}"
    pin = f"--pin={pinned(kinds['right'][0][0])}"
    listener = start("follow", pin, "--since", "all", address)
    assert ferry("send", pin, address, "before").returncode == 0
    listener.wait_for("before")
    hub.process.kill()
    hub.process.wait()
    start_hub(address, *words("expired"))
    listener.wait(77)
    assert b"it is not the hub that the pin names" in listener.errors


def test_services(start, ferry, hubs, authority):
    trust = f"--ca={authority.path}"
    server = start("serve", trust, hubs["right"], "upper", "--", "tr", "a-z", "A-Z")
    body = "x" * 200_000
    while (result := ferry("request", trust, hubs["right"], "upper", body[:100])).returncode == 69:
        pass  # the server is on its way
    assert (result.returncode, result.stdout) == (0, "X" * 100)
    result = ferry("request", trust, hubs["right"], "upper", "-", input=body)
    assert (result.returncode, result.stdout) == (0, body.upper())
    server.stop()


def test_files(ferry, hubs, authority, tmp_path):
    trust = f"--ca={authority.path}"
    content = os.urandom(3_000_000)
    (tmp_path / "bulk").write_bytes(content)
    assert ferry("put", trust, hubs["right"], "bulk").returncode == 0
    (tmp_path / "bulk").unlink()
    assert ferry("get", trust, hubs["right"], "bulk").returncode == 0
    assert (tmp_path / "bulk").read_bytes() == content


# ---- what hubs are not ----


class Strange:
    """A server that takes one connection, and ends it as a hub never would."""

    def __init__(self, files, answer, protocols=()):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*files)
        if protocols:
            self.context.set_alpn_protocols(protocols)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tls:127.0.0.1:{self.listener.getsockname()[1]}"
        self.answer = answer
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        bare, _ = self.listener.accept()
        bare.settimeout(PATIENCE)
        secret = self.context.wrap_socket(bare, server_side=True)
        self.protocol = secret.selected_alpn_protocol()
        secret.recv(1 << 16)
        secret.sendall(self.answer)
        os.close(secret.detach())  # without close_notify


@pytest.mark.parametrize("command", ["status", "send", "request", "files"])
def test_an_answer_that_was_cut_off_is_none(run, kinds, authority, command):
    """It would be whole without TLS: such a body ends with the connection."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"
    server = Strange(kinds["right"][0], answer)
    result = run(command, server.address, f"--ca={authority.path}")
    assert result.returncode in (69, 74, 75, 76), (result.returncode, result.stderr)
    server.thread.join(PATIENCE)
    assert server.protocol is None


def test_what_is_spoken_inside_is_told(run, kinds, authority):
    server = Strange(kinds["right"][0], b"no\r\n", ["h2", "http/1.1"])
    run("status", server.address, f"--ca={authority.path}")
    server.thread.join(PATIENCE)
    assert server.protocol == "http/1.1"
    server = Strange(kinds["right"][0], b"hello\n", ["h2", "http/1.1"])
    run("chat", server.address, f"--ca={authority.path}", "--wire=plain")
    server.thread.join(PATIENCE)
    assert server.protocol is None


# ---- refused ----


@pytest.mark.parametrize("kind", ["expired", "early", "wrong host", "self-signed"])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_authority_that_does_not_vouch(run, hubs, kinds, authority, command, kind):
    result = run(command, hubs[kind], f"--ca={authority.path}")
    assert result.returncode == 77, result.stderr
    assert kinds[kind][1] in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_another_pin(run, hubs, authority, command):
    for words in ((f"{hubs['right']}?pin={WRONG}",), (hubs["right"], f"--pin={WRONG}")):
        result = run(command, *words)
        assert result.returncode == 77, result.stderr
        assert "it is not the hub that the pin names" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_key_met_for_the_first_time(run, hubs, command):
    result = run(command, hubs["self-signed"])
    assert result.returncode == 77
    assert "its key is not known here" in result.stderr
    assert re.search(r"tls:localhost:\d+\?pin=sha256:[\w-]{43}", result.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_who_speaks_no_tls(run, hub, command):
    address = hub.address.replace("tcp:127.0.0.1", "tls:localhost")
    more = ["--timeout=500ms"] if command == "wait" else []
    result = run(command, address, *more)
    assert result.returncode == (124 if command == "wait" else 76), result.stderr
    assert "no key, or no version" in result.stderr
