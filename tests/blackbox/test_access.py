"""Who may do what: every route and wire, asked by everyone who may and may not.

A hub has one table of rules; the matrix below is written down by itself, route by route, and asked
over every kind of stream.
"""

import contextlib
import getpass
import grp
import json
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from paths import FERRY
from peer import Peer
from program import PATIENCE
from web import CLOSE, HOST, TEXT, UPGRADE, Answer, ask, frame, read_frame

TOKENS = {
    "reader": "read:lobby",
    "writer": "write:lobby",
    "getter": "get:a.txt",
    "putter": "put:a.txt",
    "asker": "ask:up",
    "server": "serve:up",
    "watcher": "status",
    "elsewhere": "read,write:lobby2  files:b.txt  ask,serve:up2",
    "patterns": "read,write:lob*  files:*.txt  ask,serve:u*  status",
    "all": "all",
}

NOBODY = ("nobody", "wrong")


def token(name):
    return f"{name}-{'0123456789abcdef' * 2}"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "tokens"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {token(name)} {may}\n" for name, may in TOKENS.items()))
    return path


class TlsPeer(Peer):
    """The same inside TLS; the key is tested elsewhere."""

    def __init__(self, address, **options):
        super().__init__("tcp:" + address.removeprefix("tls:").partition("?")[0], **options)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def end(self):
        """With what TLS has for that; it fails when something came that was not read."""
        self.socket = self.socket.unwrap()


def connect(address):
    return TlsPeer(address) if address.startswith("tls:") else Peer(address)


ADDRESSES = {"tcp": "tcp:127.0.0.1:0", "unix": "unix:{path}/hub", "tls": "tls:127.0.0.1:0"}


@pytest.fixture(params=ADDRESSES)
def address(request, start_hub, token_file, tmp_path):
    place = ADDRESSES[request.param].format(path=tmp_path)
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("old")
    return start_hub(place, f"--token-file={token_file}", f"--files={files}").address


# ---- how it is asked: each gives the status that came back ----


def credential(who):
    return "" if who == "nobody" else f"Authorization: Bearer {token(who)}\r\n"


def http(line, fields="", body=""):
    def run(address, who, allowed):
        with connect(address) as peer:
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            head = f"{line} HTTP/1.1\r\n{HOST}{fields}{length}{credential(who)}\r\n"
            answer = ask(peer, head + body, line.split()[0])
            if answer.status == 104:  # an upload can be resumed: not the answer yet
                answer = Answer(peer)
            return answer.status

    return run


def websocket(show):
    """Opens one, and reads from it what somebody else says."""

    def run(address, who, allowed):
        with connect(address) as peer:
            peer.send(f"GET /topics/lobby HTTP/1.1\r\n{HOST}{UPGRADE}{show(who)}\r\n")
            answer = Answer(peer)
            if answer.status == 101:
                taken = "ferry" if show is subprotocol else None
                assert answer["sec-websocket-protocol"] == taken
                http("POST /topics/lobby", body="hi")(address, "all", True)
                assert read_frame(peer) == (TEXT, b"hi")
            return answer.status

    return run


def subprotocol(who):
    shown = "" if who == "nobody" else f", ferry.token.{token(who)}"
    return f"Sec-WebSocket-Protocol: ferry{shown}\r\n"


def serve_next(address, who, allowed):
    """Takes a request that somebody else makes."""
    with connect(address) as peer:
        peer.send(f"POST /services/up/next HTTP/1.1\r\n{HOST}{credential(who)}\r\n")
        if allowed:
            http("POST /services/up?timeout=1s", body="x")(address, "all", True)
        return Answer(peer, "POST").status


def plain_says(peer, who):
    peer.send(f"login {token(who)}\n" if who != "nobody" else "\n")


def refusal_of(peer):
    """The one line that a plain client is told before the end."""
    line = peer.rest().decode()
    assert re.fullmatch(r"ferry: [^\n]+\n", line), line
    if "a token is needed" in line or "the token is none" in line:
        return 401
    assert "may not" in line
    return 403


def plain_write(address, who, allowed):
    with connect(address) as peer, connect(address) as witness:
        plain_says(witness, "reader")
        plain_says(peer, who)
        peer.send("hello from plain\n")
        if not allowed:
            return refusal_of(peer)
        poll = f"GET /topics/lobby?poll=1 HTTP/1.1\r\n{HOST}{credential('all')}\r\n"
        with connect(address) as reader:
            while b"hello from plain" not in ask(reader, poll).body:
                pass
        return 200


def plain_read(address, who, allowed):
    with connect(address) as peer:
        plain_says(peer, who)
        if who == "writer":  # stays, but is sent nothing
            http("POST /topics/lobby", body="for others")(address, "all", True)
            peer.end()
            assert peer.rest() == b""
            return 403
        if not allowed:
            peer.send("x\n" if who in NOBODY else "")
            return refusal_of(peer)
        while not peer.unread:  # until it is a subscriber
            http("POST /topics/lobby", body="to plain")(address, "all", True)
            peer.socket.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                peer.unread = peer.socket.recv(1 << 16)
        peer.socket.settimeout(PATIENCE)
        assert peer.line() == b"all: to plain"
        return 200


READ = {"reader", "patterns", "all"}
WRITE = {"writer", "patterns", "all"}
GET = {"getter", "patterns", "all"}
PUT = {"putter", "patterns", "all"}
ASK = {"asker", "patterns", "all"}
SERVE = {"server", "patterns", "all"}
WATCH = {"watcher", "patterns", "all"}
EVERYONE = {*TOKENS, *NOBODY}

RESUMABLE = "Upload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\n"
PART = (
    "Upload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\nUpload-Offset: 0\r\n"
    "Content-Type: application/partial-upload\r\n"
)
NDJSON, EVENTS = "application/x-ndjson", "text/event-stream"
LINES = f"Content-Type: {NDJSON}\r\n"

# What is asked, the status for who may, and who may.
ROUTES = {
    "read as text": (http("GET /topics/lobby?poll=1"), 200, READ),
    "read as ndjson": (http("GET /topics/lobby?poll=1", f"Accept: {NDJSON}\r\n"), 200, READ),
    "read as events": (http("GET /topics/lobby?poll=1", f"Accept: {EVENTS}\r\n"), 200, READ),
    "read over HEAD": (http("HEAD /topics/lobby"), 200, READ),
    "websocket": (websocket(credential), 101, READ),
    "websocket of a page": (websocket(subprotocol), 101, READ),
    "write": (http("POST /topics/lobby", body="hi"), 200, WRITE),
    "write ndjson": (http("POST /topics/lobby", LINES, '{"text":"hi"}\n'), 200, WRITE),
    "list topics": (http("GET /topics/"), 200, READ | {"elsewhere"}),
    "ask": (http("POST /services/up?timeout=1ms", body="x"), 503, ASK),
    "serve": (serve_next, 200, SERVE),
    "reply": (http("POST /services/up/replies/unknown", body="x"), 410, SERVE),
    "list services": (http("GET /services/"), 200, ASK | {"elsewhere"}),
    "get": (http("GET /files/a.txt"), 200, GET),
    "get a range": (http("GET /files/a.txt", "Range: bytes=0-1\r\n"), 206, GET),
    "get over HEAD": (http("HEAD /files/a.txt"), 200, GET),
    "get what is not there": (http("GET /files/lost.txt"), 404, {"patterns", "all"}),
    "list files": (http("GET /files/"), 200, GET | {"elsewhere"}),
    "put": (http("PUT /files/a.txt", body="new"), 204, PUT),
    "put and say so": (http("PUT /files/a.txt?topic=lobby", body="new"), 204, PUT & WRITE),
    "put in pieces": (http("POST /files/a.txt", RESUMABLE, "new"), 204, PUT),
    "remove": (http("DELETE /files/a.txt", 'If-Match: "x"\r\n'), 412, PUT),
    "go on with an upload": (http("HEAD /uploads/unknown"), 404, PUT | {"elsewhere"}),
    "append to an upload": (http("PATCH /uploads/unknown", PART, "x"), 404, PUT | {"elsewhere"}),
    "cancel an upload": (http("DELETE /uploads/unknown"), 404, PUT | {"elsewhere"}),
    "status": (http("GET /status"), 200, WATCH),
    "metrics": (http("GET /metrics"), 200, WATCH),
    "page": (http("GET /"), 200, EVERYONE),
    "page's script": (http("GET /assets/ferry.js"), 200, EVERYONE),
    "options": (http("OPTIONS /topics/lobby"), 204, EVERYONE),
    "nothing": (http("GET /nothing"), 404, EVERYONE),
    "plain write": (plain_write, 200, WRITE),
    "plain read": (plain_read, 200, READ),
}


@pytest.mark.parametrize("who", [*NOBODY, *TOKENS])
def test_matrix(address, who):
    for name, (run, status, may) in ROUTES.items():
        allowed = who in may
        got = run(address, who, allowed)
        if who == "wrong":
            # A token that is wrong is not taken for none, and too many of them are told off.
            assert got in (401, 429), f"{who}: {name} gave {got}"
            continue
        wanted = status if allowed else 401 if who == "nobody" else 403
        assert got == wanted, f"{who}: {name} gave {got}, not {wanted}"


# ---- names ----


def read_all(address, who="all", topic="lobby"):
    head = f"Accept: application/x-ndjson\r\n{credential(who)}"
    with connect(address) as peer:
        answer = ask(peer, f"GET /topics/{topic}?poll=1 HTTP/1.1\r\n{HOST}{head}\r\n")
        assert answer.status == 200
        return [json.loads(line) for line in answer.body.splitlines()]


def senders(address):
    return {message["text"]: message["from"] for message in read_all(address)}


def test_a_name_comes_with_the_token(address):
    http("POST /topics/lobby?name=eve", body="http")(address, "patterns", True)
    with connect(address) as peer:
        target = "/topics/lobby?name=eve"
        peer.send(f"GET {target} HTTP/1.1\r\n{HOST}{UPGRADE}{credential('patterns')}\r\n")
        assert Answer(peer).status == 101
        peer.send(frame(TEXT, b"websocket"))
        with connect(address) as plain:
            plain.send(f"login {token('patterns')}\nplain\n")
            while len(got := senders(address)) < 3:
                pass
    assert got == {"http": "patterns", "websocket": "patterns", "plain": "patterns"}


def test_nobody_has_the_name_of_one_who_proves_it(start_hub, token_file):
    with token_file.open("a") as file:
        file.write("anyone - read,write:lobby\n")
    address = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}").address
    write = http("POST /topics/lobby?name=patterns", body="hi")
    assert write(address, "nobody", False) == 403
    assert http("POST /topics/lobby?name=pat", body="hi")(address, "nobody", True) == 200
    assert senders(address) == {"hi": "pat"}


def test_keys_belong_to_who_uses_them(address):
    key = "Idempotency-Key: build-1\r\n"
    for who in ("writer", "patterns", "writer"):
        assert http("POST /topics/lobby", key, who)(address, who, True) == 200
    assert [message["from"] for message in read_all(address)] == ["writer", "patterns"]


def test_numbers_of_receipts_belong_to_who_uses_them(address):
    for who, number in (("patterns", 1), ("all", 2), ("patterns", 1)):
        with connect(address) as peer:
            target = "/topics/lobby?format=json&client=abc"
            peer.send(f"GET {target} HTTP/1.1\r\n{HOST}{UPGRADE}{credential(who)}\r\n")
            assert Answer(peer).status == 101
            peer.send(frame(TEXT, who.encode()))
            assert json.loads(read_frame(peer)[1]) == {"stored": 1, "id": number}
    assert [message["text"] for message in read_all(address)] == ["patterns", "all"]


def test_a_login_may_come_in_pieces(start_hub, token_file):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    with hub.peer() as peer:
        peer.send("login all-")
        assert not select.select([peer.socket], [], [], 0.1)[0]  # 20 ms would end a message
        peer.send(token("all").removeprefix("all-") + "\nhello\n")
        hub.wait_for("what all sent: hello")


def test_who_may_not_write_is_not_listened_to_for_long(address):
    with connect(address) as peer:
        peer.send("x" * 2000)
        assert refusal_of(peer) == 401


def test_lists_show_what_concerns_one(address):
    for topic in ("lobby", "lobby2"):
        http(f"POST /topics/{topic}", body="hi")(address, "all", True)

    def names(who):
        with connect(address) as peer:
            answer = ask(peer, f"GET /topics/ HTTP/1.1\r\n{HOST}{credential(who)}\r\n")
        return [each["name"] for each in answer.json]

    assert names("reader") == ["lobby"]
    assert names("elsewhere") == ["lobby2"]
    assert sorted(names("all")) == ["lobby", "lobby2"]


@pytest.mark.parametrize("query", ["", "?format=json"])
def test_who_only_reads_cannot_write_over_websocket(address, query):
    with connect(address) as peer:
        target = f"/topics/lobby{query}"
        peer.send(f"GET {target} HTTP/1.1\r\n{HOST}{UPGRADE}{credential('reader')}\r\n")
        assert Answer(peer).status == 101
        peer.send(frame(TEXT, b"not mine to say"))
        opcode, payload = read_frame(peer)
        assert (opcode, payload[:2]) == (CLOSE, (1008).to_bytes(2, "big"))
    assert read_all(address) == []


def test_a_client_with_receipts_is_told(address):
    with connect(address) as peer:
        target = "/topics/lobby?format=json&client=abc"
        peer.send(f"GET {target} HTTP/1.1\r\n{HOST}{UPGRADE}{credential('reader')}\r\n")
        assert Answer(peer).status == 101
        peer.send(frame(TEXT, b"one") + frame(TEXT, b"two"))
        for number in (1, 2):
            assert json.loads(read_frame(peer)[1]) == {"refused": number, "status": 403}
    assert read_all(address) == []


# ---- the token file ----


def test_a_file_that_others_may_read_is_refused(ferry, token_file):
    token_file.chmod(0o640)
    result = ferry("listen", f"--token-file={token_file}", "tcp:127.0.0.1:0")
    assert result.returncode == 77
    assert f"chmod 600 {token_file}" in result.stderr


def test_a_wrong_line_is_named_without_its_token(ferry, token_file):
    token_file.write_text(f"# first\nanna {token('anna')} reed:lobby\n")
    result = ferry("listen", f"--token-file={token_file}", "tcp:127.0.0.1:0")
    assert result.returncode == 64
    assert "line 2: a right is read, write" in result.stderr
    assert "anna-" not in result.stderr


def test_the_file_is_read_again(start_hub, token_file):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    whole = token_file.read_text()
    with hub.peer() as kept, hub.peer() as gone, hub.peer() as plain:
        for peer, who in ((kept, "all"), (gone, "reader")):
            peer.send(f"GET /topics/lobby HTTP/1.1\r\n{HOST}{UPGRADE}{credential(who)}\r\n")
            assert Answer(peer).status == 101
        plain.send(f"login {token('patterns')}\nhere\n")
        assert read_frame(kept) == (TEXT, b"here")

        token_file.write_text("garbage\n")
        hub.process.send_signal(signal.SIGHUP)
        hub.wait_for_error("stays as it was: .*line 1")
        assert http("GET /topics/lobby?poll=1")(hub.address, "reader", True) == 200

        lines = [line for line in whole.splitlines() if not re.match("reader|patterns", line)]
        token_file.write_text("\n".join([*lines, f"new {token('new')} read:lobby"]))
        hub.process.send_signal(signal.SIGHUP)
        hub.wait_for_error("who may come in has been read again")
        assert http("GET /topics/lobby?poll=1")(hub.address, "reader", False) == 401
        assert http("GET /topics/lobby?poll=1")(hub.address, "new", True) == 200
        assert http("POST /topics/lobby", body="hi")(hub.address, "all", True) == 200
        assert read_frame(kept) == (TEXT, b"hi")
        gone.until(b"here")
        assert gone.rest() == b""
        assert plain.rest() == b""


def test_what_anyone_may(start_hub, token_file):
    with token_file.open("a") as file:
        file.write("anyone - read:lobby\n")
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    assert http("GET /topics/lobby?poll=1")(hub.address, "nobody", True) == 200
    assert http("POST /topics/lobby", body="x")(hub.address, "nobody", False) == 401
    assert http("GET /topics/other?poll=1")(hub.address, "nobody", False) == 401
    assert http("GET /topics/lobby?poll=1")(hub.address, "wrong", False) == 401
    assert plain_read(hub.address, "nobody", True) == 200
    with hub.peer() as peer:  # who reads already may still log in to write
        peer.send(f"login {token('all')}\nhello\n")
        hub.wait_for("all sent: hello")


def test_wrong_tokens_are_limited_and_right_ones_are_not(start_hub, token_file):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    wrong = [http("GET /status")(hub.address, "wrong", False) for _ in range(20)]
    assert wrong[:10] == [401] * 10
    assert wrong.count(429) >= 5
    assert http("GET /status")(hub.address, "watcher", True) == 200
    with hub.peer() as peer:
        status = ask(peer, f"GET /status HTTP/1.1\r\n{HOST}{credential('watcher')}\r\n").json
    assert (status["wrong_tokens"], status["denied"]) == (20, 0)


def test_no_token_is_ever_shown(start_hub, token_file, ferry, tmp_path):
    own = own_token(tmp_path)
    hub = start_hub("tcp:127.0.0.1:0", "--trace", "-v", f"--token-file={token_file}")
    said = ""
    for words in (["send", "ADDRESS", "hi"], ["send", "--wire=plain", "ADDRESS", "hi"]):
        words[words.index("ADDRESS")] = hub.address
        result = ferry(*words, "--trace", f"--token-file={own}")
        assert result.returncode == 0
        said += result.stdout + result.stderr
    for route in ("read as text", "websocket of a page", "plain write", "status"):
        for who in ("all", "wrong"):
            ROUTES[route][0](hub.address, who, who == "all")
    with hub.peer() as peer:
        peer.send(f"login {token('wrong')}\n")
        said += peer.rest().decode()
    hub.stop()
    said += (hub.output + hub.errors).decode()
    assert "login" in said
    assert "0123456789" not in said


# ---- clients ----

COMMANDS = {
    "send": ["send", "ADDRESS", "hi"],
    "follow": ["follow", "ADDRESS"],
    "chat": ["chat", "ADDRESS"],
    "request": ["request", "ADDRESS", "up", "hi"],
    "serve": ["serve", "ADDRESS", "up", "--", "cat"],
    "status": ["status", "ADDRESS"],
    "files": ["files", "ADDRESS"],
    "get": ["get", "ADDRESS", "a.txt"],
    "put": ["put", "ADDRESS", __file__],
    "rm": ["rm", "ADDRESS", "a.txt"],
}


def command(ferry, name, address, *options, **more):
    words = [address if word == "ADDRESS" else word for word in COMMANDS[name]]
    return ferry(words[0], *options, *words[1:], stdin=subprocess.DEVNULL, **more)


@pytest.mark.parametrize("name", COMMANDS)
def test_clients_say_what_to_do(ferry, start_hub, token_file, environment, tmp_path, name):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}", f"--files={tmp_path}")
    result = command(ferry, name, hub.address)
    assert result.returncode == 77
    assert "--token-file" in result.stderr
    environment["FERRY_TOKEN"] = token("wrong")
    result = command(ferry, name, hub.address)
    assert result.returncode == 77
    assert "token" in result.stderr
    environment["FERRY_TOKEN"] = token("elsewhere" if name != "files" else "writer")
    result = command(ferry, name, hub.address)
    assert result.returncode == 77
    assert "may not" in result.stderr or "does not let" in result.stderr


@pytest.mark.parametrize("name", ["send", "status"])
def test_clients_take_a_file_or_the_environment(
    ferry, start_hub, token_file, environment, tmp_path, name
):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    own = tmp_path / "own"
    own.touch(mode=0o600)
    own.write_text(f"\n {token('all')} \n")
    option = f"--token-file={own}"
    assert command(ferry, name, hub.address, option).returncode == 0
    own.chmod(0o644)
    result = command(ferry, name, hub.address, option)
    assert (result.returncode, "chmod 600" in result.stderr) == (77, True)
    own.chmod(0o600)
    own.write_text("two words\n")
    assert command(ferry, name, hub.address, option).returncode == 64
    environment["FERRY_TOKEN"] = token("all")
    assert command(ferry, name, hub.address).returncode == 0


def test_chat_of_who_only_reads(ferry, start_hub, token_file, environment):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    environment["FERRY_TOKEN"] = token("reader")
    result = ferry("chat", hub.address, input="hello\n")
    assert result.returncode == 77
    assert "read, but not write" in result.stderr


def test_a_service_knows_who_asks(start, ferry, start_hub, token_file, environment):
    hub = start_hub("tcp:127.0.0.1:0", f"--token-file={token_file}")
    environment["FERRY_TOKEN"] = token("server")
    environment["REMOTE_USER"] = "nobody of ours"
    start("serve", hub.address, "up", "--", "sh", "-c", 'echo "$REMOTE_USER, ${FERRY_TOKEN-none}"')
    environment["FERRY_TOKEN"] = token("asker")
    while (result := ferry("request", hub.address, "up")).returncode == 69:
        pass  # until it is served
    assert (result.returncode, result.stdout) == (0, "asker, none\n")


# A network of its own, in which the hub has an address that is not loopback's.
NETWORK = "ip link set lo up && ip address add 192.0.2.1/32 dev lo"
ELSEWHERE = """
mkfifo said
"$FERRY" listen --open --token-file="$1" tcp:192.0.2.1:0 >said &
hub=$!
exec 3<said
read -r _ _ address <&3
"$FERRY" send --token-file="$2" "$address" hi && status=0 || status=$?
kill "$hub"
wait "$hub"
exit "$status"
"""


def can_have_network():
    probe = ["unshare", "-Urn", "sh", "-c", NETWORK]
    return bool(shutil.which("ip")) and not subprocess.run(probe, capture_output=True).returncode


def own_token(tmp_path, who="all"):
    own = tmp_path / "own"
    own.touch(mode=0o600)
    own.write_text(token(who) + "\n")
    return own


@pytest.mark.skipif(not can_have_network(), reason="no network of one's own here")
def test_a_token_crosses_no_network_in_the_clear(spawn, token_file, tmp_path):
    script = f"export FERRY={FERRY} && {NETWORK}\n{ELSEWHERE}"
    words = ["unshare", "-Urn", "sh", "-ec", script, "sh", token_file, own_token(tmp_path)]
    run = spawn(*words)
    run.wait_for_error("the token would cross the network for others to read; use .*TLS")
    run.wait(77)


# ---- users, groups and networks ----


def test_users_of_the_machine(start_hub, tmp_path):
    me = getpass.getuser()
    hub = start_hub(f"unix:{tmp_path}/hub", "tcp:127.0.0.1:0", f"--allow-user={me}")
    unix, tcp = hub.addresses
    assert (os.stat(f"{tmp_path}/hub").st_mode & 0o777) == 0o666
    assert http("POST /topics/lobby?name=eve", body="hi")(unix, "nobody", True) == 200
    assert http("POST /topics/lobby", body="hi")(tcp, "nobody", False) == 403
    with hub.peer(unix) as peer:
        peer.send("plain\n")
        hub.wait_for(f"what {me} sent: plain")
    with hub.peer(tcp) as peer:
        assert peer.line() if not peer.send("x\n") else None
    with hub.peer(unix) as peer:
        head = f"GET /topics/lobby?poll=1 HTTP/1.0\r\nAccept: {NDJSON}\r\n"
        answer = ask(peer, f"{head}\r\n")
    assert {json.loads(line)["from"] for line in answer.body.splitlines()} == {me}


OTHERS = ["--allow-user=nobody", "--allow-user=65533", "--allow-group=65533"]


@pytest.mark.parametrize("option", OTHERS)
def test_other_users_are_not_let_in(start_hub, tmp_path, option):
    hub = start_hub(f"unix:{tmp_path}/hub", option)
    for name in ("read as text", "write", "status", "list topics", "ask"):
        assert ROUTES[name][0](hub.address, "nobody", False) == 403
    assert ROUTES["page"][0](hub.address, "nobody", True) == 200
    with hub.peer() as peer:
        peer.send("hello\n")
        assert refusal_of(peer) == 403


def test_groups_of_the_machine(start_hub, tmp_path):
    for option in (grp.getgrgid(os.getgid()).gr_name, os.getgid(), *os.getgroups()):
        hub = start_hub(f"unix:{tmp_path}/{option}", f"--allow-group={option}")
        assert ROUTES["write"][0](hub.address, "nobody", True) == 200


def test_packets_of_users(start_hub, tmp_path):
    for user, lets in ((getpass.getuser(), True), ("nobody", False)):
        path = f"{tmp_path}/{user}"
        hub = start_hub(f"unix:{path}?type=dgram", "unix:" + path + "-hub", f"--allow-user={user}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"a word", path)
        if lets:
            hub.wait_for(f"what {user} sent: a word")
        else:
            hub.stop()
            assert b"a word" not in hub.output


def test_what_the_hub_serves_itself_opens_nothing(start_hub, token_file, tmp_path):
    hub = start_hub(f"unix:{tmp_path}/hub", f"--token-file={token_file}", "--serve=up=cat")
    assert (os.stat(f"{tmp_path}/hub").st_mode & 0o777) == 0o600
    assert ROUTES["serve"][0](hub.address, "nobody", False) == 401


@pytest.mark.parametrize(
    "options, lets",
    [
        (["--deny=127.0.0.0/8"], False),
        (["--allow=10.0.0.0/8", "--allow=::1"], False),
        (["--allow=127.0.0.1"], True),
        (["--allow=127.0.0.0/8", "--deny=127.0.0.1"], False),
        (["--deny=10.0.0.0/8"], True),
    ],
)
def test_networks(start_hub, tmp_path, options, lets):
    hub = start_hub("tcp4:127.0.0.1:0", f"unix:{tmp_path}/hub", *options)
    tcp, unix = (address.replace("tcp4:", "tcp:") for address in hub.addresses)
    for name in ("read as text", "write", "page", "status"):
        assert ROUTES[name][0](tcp, "nobody", lets) == (200 if lets else 403)
        assert ROUTES[name][0](unix, "nobody", True) == 200
    with hub.peer(tcp) as peer:
        peer.send("plain\n")
        if lets:
            hub.wait_for("sent: plain")
        else:
            assert peer.rest() == b"ferry: this hub is not open to your network\n"


# ---- behind a proxy ----

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n"
V2 = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
    + socket.inet_aton("192.0.2.7")
    + socket.inet_aton("198.51.100.1")
    + (4711).to_bytes(2, "big")
    + (80).to_bytes(2, "big")
)
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"


@pytest.mark.parametrize("version, header", [("v1", V1), ("v2", V2)], ids=["v1", "v2"])
def test_a_proxy_names_the_peer(start_hub, version, header):
    hub = start_hub(f"tcp:127.0.0.1:0?proxy={version}")
    with Peer(hub.address.partition("?")[0]) as peer:
        for at in range(len(header)):
            peer.send(header[at : at + 1])
        peer.send("GET / HTTP/1.1\r\n" + HOST + "\r\n")
        assert Answer(peer).status == 200
    hub.wait_for("Accepted connection from: 192.0.2.7:4711")
    with Peer(hub.address.partition("?")[0]) as peer:
        peer.send(header + b"hello\n")
        hub.wait_for("what 192.0.2.7:4711 sent: hello")


def test_networks_are_those_of_who_is_named(start_hub):
    hub = start_hub("tcp:127.0.0.1:0?proxy=v2", "--deny=192.0.2.0/24", "--deny=127.0.0.0/8")
    request = f"GET / HTTP/1.1\r\n{HOST}\r\n".encode()
    other = V2.replace(socket.inet_aton("192.0.2.7"), socket.inet_aton("203.0.113.7"))
    for header, status in ((V2, 403), (other, 200), (LOCAL, 403)):
        with Peer(hub.address.partition("?")[0]) as peer:
            peer.send(header + request)
            assert Answer(peer).status == status


@pytest.mark.parametrize(
    "options, said",
    [
        ("proxy=v2", b"GET / HTTP/1.1\r\n\r\n"),
        ("proxy=v1", V2),
        ("proxy=v2", V1),
        ("proxy=v1", b"PROXY TCP4 x 198.51.100.1 4711 80\r\n"),
        ("proxy=v2&trust=10.0.0.0/8,::1", V2),
    ],
    ids=["none", "v2 for v1", "v1 for v2", "no address", "not trusted"],
)
def test_who_is_no_proxy_is_not_listened_to(start_hub, options, said):
    hub = start_hub(f"tcp:127.0.0.1:0?{options}")
    with Peer(hub.address.partition("?")[0]) as peer:
        with contextlib.suppress(ConnectionError):
            peer.send(said)
            assert peer.rest() == b""
    hub.wait_for_error("127.0.0.1:[0-9]+: (no PROXY header|is not trusted)")
    hub.stop()
    assert b"Accepted" not in hub.output


def test_a_proxy_lends_nobody_its_user(start_hub, tmp_path):
    hub = start_hub(f"unix:{tmp_path}/hub?proxy=v2", f"--allow-user={getpass.getuser()}")
    with hub.peer() as peer:
        peer.send(V2 + f"GET /status HTTP/1.1\r\n{HOST}\r\n".encode())
        assert Answer(peer).status == 403


def test_packets_have_no_proxy(ferry):
    assert ferry("listen", "udp:127.0.0.1:0?proxy=v2").returncode == 64


@pytest.mark.parametrize("words", [["--allow=10.0.0.1/8"], ["--deny=x"], ["--allow-user=no such"]])
def test_wrong_options(ferry, words):
    assert ferry("listen", *words, "tcp:127.0.0.1:0").returncode == 64


def test_listening_wide_wants_a_proof_that_is_not_overheard(ferry, token_file):
    result = ferry("listen", "tcp:0.0.0.0:0")
    assert result.returncode == 77
    for choice in ("--token-file", "tls:HOST:PORT", "localhost", "Unix socket", "--open"):
        assert choice in result.stderr
    result = ferry("listen", f"--token-file={token_file}", "tcp:0.0.0.0:0")
    assert result.returncode == 77
    for choice in ("overheard", "tls:HOST:PORT", "--open"):
        assert choice in result.stderr
