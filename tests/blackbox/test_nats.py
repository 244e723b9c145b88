"""Hubs that share one conversation, in a JetStream stream; with a nats-server of their own.

FERRY_KILLS says how often the server and the hubs are killed (20 by default).
"""

import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time

import pytest
from feed import Feed, ask, eventually, history
from hub import Hub
from paths import FERRY
from program import PATIENCE
from publisher import Publisher, check, finish, stored
from tls import NAMES, Authority

KILLS = int(os.environ.get("FERRY_KILLS", "20"))
SERVER = shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin")
BUILT = b"libnats" in FERRY.read_bytes() if FERRY.exists() else False

pytestmark = [
    pytest.mark.skipif(not SERVER, reason="needs nats-server (scripts/setup test)"),
    pytest.mark.skipif(not BUILT, reason="this ferry was built without NATS"),
]


class NatsServer:
    def __init__(self, folder, *options, scheme="nats"):
        self.scheme = scheme
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.options = folder, options
        self.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self):
        command = [SERVER, "-a", "127.0.0.1", "-p", str(self.port), *self.options]
        with open(self.folder / "nats.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        eventually(self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "nats.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path, request):
    """Over TLS when the test gives it the names of a certificate."""
    names = getattr(request, "param", None)
    tls, scheme = [], "nats"
    if names:
        certificate, key = Authority(tmp_path / "authority").issue("server", names=names)
        tls, scheme = ["--tls", "--tlscert", str(certificate), "--tlskey", str(key)], "tls"
    server = NatsServer(tmp_path, "-js", "-sd", str(tmp_path / "jetstream"), *tls, scheme=scheme)
    yield server
    server.kill()


@pytest.fixture
def start_shared(server, tmp_path, environment):
    """Starts a hub, by name, on the server's stream."""
    hubs = []

    def start(name, *options):
        words = [f"unix:{tmp_path}/{name}"], ["-q", f"--store={server.url}", *options]
        hubs.append(Hub(FERRY, *words, env=environment, cwd=tmp_path))
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.discard()


def post(hub, text, topic="lobby", **fields):
    status, body = ask(hub.address, "POST", f"/topics/{topic}", text, **fields)
    assert status == 200, body
    return json.loads(body)["id"]


def texts(hub, **options):
    return [message["text"] for message in history(hub.address, **options)]


def test_two_hubs_are_one_conversation(start_shared):
    hubs = [start_shared("one"), start_shared("two")]
    feeds = [Feed(hub.address, wire) for hub in hubs for wire in ("ndjson", "websocket", "plain")]
    said = [f"message {n}" for n in range(200)]
    ids = [post(hubs[n % 2], text) for n, text in enumerate(said)]
    assert ids == sorted(set(ids))
    for feed in feeds:
        assert [next(iter(feed)) for _ in said] == said
        feed.close()
    for hub in hubs:
        assert [(m["id"], m["text"]) for m in history(hub.address)] == list(zip(ids, said))


def test_what_is_said_reaches_everyone_but_its_sender(start_shared):
    one, two = start_shared("one"), start_shared("two")
    with one.peer() as sender, one.peer() as beside, two.peer() as beyond:
        for peer in (sender, beside, beyond):
            peer.send("\n")
        one.wait_for_subscribers(2)
        two.wait_for_subscribers(1)
        sender.send("hi\n")
        assert beside.line().endswith(b": hi")
        assert beyond.line().endswith(b": hi")
        beyond.send("answer\n")
        assert sender.line().endswith(b": answer")


def test_names_topics_and_bodies_of_all_kinds(start_shared):
    one, two = start_shared("one"), start_shared("two")
    body = bytes(range(256))
    target = "/topics/a.b-c..d_E?name=gr%C3%BC%C3%9F%20%25"
    assert ask(one.address, "POST", target, body)[0] == 200
    eventually(lambda: history(two.address, topic="a.b-c..d_E"))
    (message,) = history(two.address, topic="a.b-c..d_E")
    assert message["from"] == "grüß %" and "base64" in message
    assert json.loads(ask(two.address, "GET", "/topics/")[1])[0]["name"] == "a.b-c..d_E"


def test_a_key_is_known_at_every_hub(start_shared):
    one, two = start_shared("one"), start_shared("two")
    assert post(one, "once", Idempotency_Key="k") == 1
    assert post(two, "once", Idempotency_Key="k") == 1
    assert post(two, "other topic", topic="t", Idempotency_Key="k") == 2
    assert texts(one) == ["once"]


def test_history_by_id_and_time_after_a_restart(start_shared):
    hub = start_shared("one")
    for n in range(5):
        post(hub, str(n), topic="a")
        post(hub, "other", topic="b")
    hub.stop()
    hub = start_shared("one")
    assert texts(hub, topic="a") == ["0", "1", "2", "3", "4"]
    assert texts(hub, topic="a", since=5) == ["3", "4"]
    assert texts(hub, topic="a", since="1h") == ["0", "1", "2", "3", "4"]
    assert post(hub, "5", topic="a") == 11
    assert texts(hub, topic="a", since=9) == ["5"]
    assert texts(hub, topic="a", since="1ms") in ([], ["5"])


def test_many_messages_are_replayed_in_order(start_shared):
    hub = start_shared("one")
    lines = [f"line {n}" for n in range(30000)]
    for begin in range(0, len(lines), 5000):
        body = "".join(json.dumps({"text": text}) + "\n" for text in lines[begin : begin + 5000])
        fields = {"Content_Type": "application/x-ndjson"}
        assert ask(hub.address, "POST", "/topics/lobby", body, **fields)[0] == 200
    assert texts(hub) == lines


def test_the_streams_limits_are_what_is_kept(start_shared):
    hub = start_shared("one", "--keep-count=3")
    for n in range(10):
        post(hub, str(n))
    assert texts(hub) == ["7", "8", "9"]
    first, *rest = history(hub.address, since=2)
    assert first == {"skipped": None}  # it is not known how many
    assert [message["text"] for message in rest] == ["7", "8", "9"]


def test_no_server(ferry):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"nats://127.0.0.1:{unused.getsockname()[1]}"
        result = ferry("listen", "tcp:localhost:0", "--store", url)
    assert result.returncode == 69
    assert url.removeprefix("nats://") in result.stderr and "no NATS server" in result.stderr


def test_a_server_without_jetstream(ferry, tmp_path):
    server = NatsServer(tmp_path)
    try:
        result = ferry("listen", "tcp:localhost:0", "--store", server.url)
        assert result.returncode == 69
        assert "no JetStream" in result.stderr
    finally:
        server.kill()


def test_a_stream_of_a_bad_name(ferry):
    result = ferry("listen", "tcp:localhost:0", "--store", "nats://localhost/a.b")
    assert result.returncode == 64 and "stream's name" in result.stderr


@pytest.mark.parametrize("store", ["nats://{}127.0.0.1:1", "nats://{}h/a.b", "tls://{}h"])
def test_the_password_of_a_store_is_not_said(ferry, store):
    result = ferry("listen", "tcp:localhost:0", "--store", store.format("anna:secret@"))
    assert result.returncode
    assert "secret" not in result.stdout + result.stderr


def with_names(names):
    return pytest.mark.parametrize("server", [names], indirect=True)


@with_names(NAMES)
def test_a_server_over_tls(server, start_shared, environment, tmp_path):
    """It is connected to anew from within the sandbox, which lets the authorities be read."""
    environment["SSL_CERT_FILE"] = str(tmp_path / "authority" / "ca.pem")
    hub = start_shared("one")
    assert post(hub, "before") == 1
    server.kill()
    server.start()
    assert post(hub, "after") == 2
    assert texts(hub) == ["before", "after"]


@with_names(NAMES)
def test_a_server_of_an_unknown_authority(server, ferry):
    result = ferry("listen", "tcp:localhost:0", "--store", server.url)
    assert result.returncode == 76 and "authority" in result.stderr


@with_names("DNS:elsewhere,IP:127.0.0.2")
def test_a_server_of_another_name(server, ferry, environment, tmp_path):
    environment["SSL_CERT_FILE"] = str(tmp_path / "authority" / "ca.pem")
    result = ferry("listen", "tcp:localhost:0", "--store", server.url)
    assert result.returncode == 76 and "another name" in result.stderr


@with_names(NAMES)
def test_a_server_that_wants_tls(server, ferry):
    result = ferry("listen", "tcp:localhost:0", "--store", server.url.replace("tls:", "nats:"))
    assert result.returncode == 76 and "tls://HOST" in result.stderr


def test_a_server_that_has_no_tls(server, ferry):
    result = ferry("listen", "tcp:localhost:0", "--store", server.url.replace("nats:", "tls:"))
    assert result.returncode == 76 and "nats://HOST" in result.stderr


def test_a_server_that_is_away(start_shared, server):
    """Publishes wait for it; who follows misses nothing."""
    hub = start_shared("one")
    feed = Feed(hub.address, "ndjson")
    post(hub, "before")
    server.kill()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(post(hub, "meanwhile")))
    asking.start()
    server.start()
    asking.join(PATIENCE)
    assert len(answers) == 1
    assert [next(iter(feed)) for _ in range(2)] == ["before", "meanwhile"]
    feed.close()


def test_a_hub_ends_while_its_server_is_away(start_shared, server):
    hub = start_shared("one")
    post(hub, "before")
    server.kill()
    reading = Feed(hub.address, "ndjson", since="all")
    hub.stop()
    reading.close()


@pytest.mark.timeout(60 + 3 * KILLS)
def test_kill_9_of_the_server_and_of_hubs(start_shared, server, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    names = ["one", "two"]
    hubs = {name: start_shared(name) for name in names}
    publishers = [
        Publisher(tmp_path / name, f"{name}{batch}", batch) for name in names for batch in (1, 20)
    ]
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, 0.2))  # the random moment
        victim = moments.choice(["server", *names])
        if victim == "server":
            server.kill()
            server.start()
        else:
            hubs[victim].discard()
            hubs[victim] = start_shared(victim)
    finish(publishers)
    last = max(publisher.last_ids[-1] for publisher in publishers)
    for name in names:
        eventually(lambda name=name: stored(tmp_path / name)[-1]["id"] >= last)
        check(stored(tmp_path / name), publishers)
    assert sum(len(publisher.acknowledged) for publisher in publishers) > KILLS
