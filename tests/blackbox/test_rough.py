"""A hub among clients that vanish, stall or are too many, and at rest."""

import json
import os
import re
import select
import signal
import time
from pathlib import Path

import pytest
from clients import Subscriber, listener, post
from paths import SANITIZED
from program import PATIENCE
from web import HOST, PING, PONG, TEXT, UPGRADE, ask, frame, read_frame, upgrade



def status(hub):
    with hub.peer() as peer:
        return ask(peer, f"GET /status HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").json


def descriptors(hub):
    return len(os.listdir(f"/proc/{hub.process.pid}/fd"))


def wake_ups(hub):
    """How often the hub's threads have run so far."""
    count = 0
    for task in Path(f"/proc/{hub.process.pid}/task").iterdir():
        switches = re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text())
        count += sum(map(int, switches))
    return count


def rests(hub, most=0, seconds=1.5):
    """Runs MOST times at most for so long, once it has done what was begun."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        before = wake_ups(hub)
        time.sleep(seconds)  # the span that is measured
        if wake_ups(hub) - before <= most:
            return True
    return False


# ---- clients that vanish ----


def test_a_reset_costs_no_one_else_anything(hub):
    with listener(hub) as other:
        for begun in (b"", b"half a li", b"GET /topics/lobby HTTP/1.1\r\n", b"\x16\x03\x01"):
            peer = hub.peer()
            hub.wait_for("^Accepted connection")
            peer.send(begun)
            peer.reset()
            hub.wait_for("^Closed connection")
        with hub.peer() as last:
            last.send("last\n")
            while not other.line().endswith(b": last"):
                pass


@pytest.mark.parametrize("words", [b"ok bye", b"one\nok bye", b"ok bye\n"])
def test_last_words_before_a_reset(hub, words):
    """Who closes without having read everything resets the connection, whatever was sent before."""
    with hub.peer() as other:
        for _ in range(5):
            peer = listener(hub)
            other.send("unread\n")
            hub.wait_for("sent: unread")
            os.kill(hub.process.pid, signal.SIGSTOP)
            other.send("in between\n")  # the hub fails to pass it on before it reads the rest
            peer.send(words)
            select.select([peer.socket], [], [], PATIENCE)
            peer.close()
            os.kill(hub.process.pid, signal.SIGCONT)
            hub.wait_for(" sent: ok bye$")
            hub.wait_for("^Closed connection")


def test_last_words_of_one_who_might_have_asked_for_something(hub):
    """What was begun like a request and did not become one is a message."""
    for words in ("GET", "POST /topics/t HT"):
        peer = hub.peer()
        hub.wait_for("^Accepted connection")
        peer.send(words)
        peer.reset()
        hub.wait_for(f" sent: {words}$")
        hub.wait_for("^Closed connection")


def test_a_subscriber_that_resets_while_it_is_sent_to(hub):
    with hub.peer() as sender, listener(hub) as other:
        for wire in ("plain", "events", "websocket"):
            peer = hub.peer(receive_buffer=4096)
            if wire == "plain":
                peer.send("\nhere\n")
                hub.wait_for(f" {re.escape(peer.name)} sent: here$")
                assert other.line()
            elif wire == "events":
                peer.send(f"GET /topics/lobby HTTP/1.1\r\n{HOST}Accept: text/event-stream\r\n\r\n")
                peer.until(b"\r\n\r\n")
            else:
                upgrade(peer, "/topics/lobby")
            body = "x" * 100_000
            for n in range(20):
                post(sender, body)
                if n == 10:
                    peer.reset()
                assert len(other.line()) > 100_000
    hub.wait_for("^Closed connection")


def test_the_end_of_one_direction(hub):
    """`printf 'one\\ntwo' | nc -N`: both are messages, and the hub ends its direction too."""
    with listener(hub) as other, hub.peer() as peer:
        peer.send("one\ntwo")
        peer.end()
        assert peer.rest() == b""
        assert [other.line().partition(b": ")[2] for _ in range(2)] == [b"one", b"two"]


def test_a_half_closed_client_gets_what_was_on_its_way(hub):
    with hub.peer(receive_buffer=4096) as slow, hub.peer() as sender:
        slow.send("\nhere\n")
        hub.wait_for(f" {re.escape(slow.name)} sent: here$")
        for n in range(30):
            post(sender, f"{n} " + "x" * 100_000)
        slow.end()
        lines = slow.rest().splitlines()
        assert [int(line.split()[1]) for line in lines] == list(range(30))


def test_killed_clients(hub, spawn):
    with listener(hub) as other:
        clients = [spawn("nc", "127.0.0.1", hub.port) for _ in range(5)]
        for number, client in enumerate(clients):
            client.type(f"{number}\n")
            hub.wait_for(f" sent: {number}$")
        for client in clients:
            client.process.kill()
        for _ in clients:
            hub.wait_for("^Closed connection")
        assert [other.line().partition(b": ")[2] for _ in clients] == list(b"0 1 2 3 4".split())
        assert status(hub)["clients"] == 2


# ---- too many ----


def test_at_the_limit_of_files(start_hub):
    """The hub serves those it has, does not spin, and takes the others when it can."""
    hub = start_hub("tcp4:127.0.0.1:0", "--max-clients=1000", within=["prlimit", "--nofile=64:64"])
    address = "tcp:" + hub.address.partition(":")[2]
    peers = [hub.peer(address) for _ in range(100)]
    try:
        peers[0].send("\nfirst\n")
        hub.wait_for("sent: first")
        assert rests(hub, most=50)  # it tries again ten times a second
        peers[1].send("second\n")
        assert peers[0].line().endswith(b": second")
        peers[-1].send("last\n")  # is not accepted yet
        for peer in peers[2:-1]:
            peer.close()
        assert peers[0].line().endswith(b": last")
        peers[0].send("still here\n")
        assert peers[-1].line().endswith(b": still here")
    finally:
        for peer in peers:
            peer.close()
    hub.stop()
    assert hub.errors.count(b"no more clients for now") >= 1


def has_a_place_again(hub, listener):
    with hub.peer() as next:
        next.send("four\n")
        assert listener.line().endswith(b": four")
    hub.wait_for("^Closed connection")


def test_max_clients(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-clients=2")
    with listener(hub) as one, hub.peer() as two:
        two.send("two\n")
        assert one.line().endswith(b": two")
        with hub.peer() as plain:
            plain.send("three\n")
            assert b"as many clients as it may" in plain.rest()
        with hub.peer() as http:
            answer = ask(http, f"GET /status HTTP/1.1\r\n{HOST}\r\n")
            assert (answer.status, answer.closes) == (503, True)
            assert answer["retry-after"]
        with hub.peer() as websocket:
            request = f"GET /topics/t HTTP/1.1\r\n{HOST}{UPGRADE}\r\n"
            assert ask(websocket, request).status == 503
        for _ in range(3):
            hub.wait_for("^Closed connection")
        two.close()
        hub.wait_for("^Closed connection")
        has_a_place_again(hub, one)
        figures = status(hub)
        assert (figures["refused"], figures["clients"]) == (3, 2)


def test_who_is_refused_takes_no_place(start_hub):
    hub = start_hub("tcp:localhost:0", "--max-clients=2")
    with listener(hub) as one, hub.peer() as two:
        two.send("two\n")
        assert one.line().endswith(b": two")
        with hub.peer() as three:  # and stays
            hub.wait_for(f"^Accepted connection from: {re.escape(three.name)}$")
            two.close()
            hub.wait_for("^Closed connection")
            has_a_place_again(hub, one)
            figures = status(hub)
            assert (figures["refused"], figures["clients"]) == (1, 2)


def test_idle_timeout(start_hub):
    hub = start_hub("tcp:localhost:0", "--idle-timeout=400ms")
    start = time.monotonic()
    with hub.peer() as silent, hub.peer() as busy:
        busy.send("\n")
        assert silent.rest() == b""
        assert time.monotonic() - start > 0.39
    assert status(hub)["idle_closed"] >= 1


def test_who_is_sent_to_is_not_idle(start_hub):
    hub = start_hub("tcp:localhost:0", "--idle-timeout=1s")
    with hub.peer() as sender, listener(hub) as other:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            post(sender, "x")
            assert other.line()


# ---- subscribers that do not read ----


@pytest.mark.parametrize("wire", ["plain", "ndjson", "events", "websocket"])
def test_a_subscriber_that_does_not_read(start_hub, wire):
    """The others get all; it is told, when it reads again, exactly how much it missed."""
    hub = start_hub("tcp:localhost:0", "--keep-size=1M")
    count, pad = 400, "x" * 100_000
    slow, fast = Subscriber(hub, wire), Subscriber(hub, wire)
    with hub.peer() as sender, slow.peer, fast.peer:
        if wire == "plain":
            assert slow.next() == {"text": "here"}
        before = hub.memory()
        for n in range(count):
            post(sender, f"{n} {pad}")
            assert fast.next()["text"].startswith(f"{n} ")
        if not SANITIZED:
            assert hub.memory() - before < 16 << 20, "40 MB were sent"
        post(sender, "end")
        at, skipped = 0, 0
        for message in slow.messages():
            if "skipped" in message:
                skipped += message["skipped"]
                at += message["skipped"]
            else:
                assert message["text"] == f"{at} {pad}"
                at += 1
        assert at == count and 0 < skipped < count
        post(sender, "on time")
        assert slow.next()["text"] == "on time"
        assert status(hub)["skipped"] == skipped


def test_a_subscriber_that_does_not_read_catches_up_from_a_file(start_hub, tmp_path):
    hub = start_hub("tcp:localhost:0", f"--store={tmp_path}/hub.db")
    count, pad = 200, "x" * 100_000
    slow = Subscriber(hub, "ndjson")
    with hub.peer() as sender, slow.peer:
        for n in range(count):
            post(sender, f"{n} {pad}")
        post(sender, "end")
        assert [message["text"].split()[0] for message in slow.messages()] == [
            str(n) for n in range(count)
        ]


# ---- signs of life ----


def test_an_event_stream_is_kept_alive(start_hub):
    hub = start_hub("tcp:localhost:0", "--heartbeat=100ms")
    with hub.peer() as old, hub.peer() as new, hub.peer() as ndjson, hub.peer() as sender:
        accept = "Accept: text/event-stream\r\n\r\n"
        old.send("GET /topics/lobby HTTP/1.0\r\n" + accept)
        new.send(f"GET /topics/lobby HTTP/1.1\r\n{HOST}{accept}")
        ndjson.send("GET /topics/lobby HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n")
        for peer in (old, new, ndjson):
            peer.until(b"\r\n\r\n")
        for _ in range(3):
            assert old.until(b"\n\n") == b":\n\n"
            assert new.until(b"\n\r\n") == b"3\r\n:\n\n\r\n"
        post(sender, "hi")
        assert json.loads(ndjson.line())["text"] == "hi"  # has no words for a sign of life


def test_a_websocket_client_is_asked_for_a_sign_of_life(start_hub):
    """One that answers stays, one that does not is let go."""
    hub = start_hub("tcp:localhost:0", "--heartbeat=300ms")
    with hub.peer() as alive, hub.peer() as dead:
        upgrade(alive, "/topics/lobby")
        upgrade(dead, "/topics/lobby")
        for _ in range(3):
            opcode, payload = read_frame(alive)
            assert opcode == PING
            alive.send(frame(PONG, payload))
        assert read_frame(dead)[0] == PING
        assert dead.rest() == b""
        alive.send(frame(TEXT, b"still here"))
        hub.wait_for("sent: still here")


def test_a_throttled_websocket_client_may_answer_late(start_hub):
    """Its pongs stand behind messages that the hub does not read yet."""
    hub = start_hub("tcp:localhost:0", "--heartbeat=100ms", "--max-rate=40")
    with hub.peer() as peer:
        upgrade(peer, "/topics/lobby?name=anna")
        peer.send(b"".join(frame(TEXT, b"%d" % n) for n in range(100)))
        hub.wait_for("^This is what anna sent: 99$")
        assert read_frame(peer)[0] == PING


def test_a_subscriber_that_vanishes_behind_a_request_of_its_own(start_hub, tmp_path):
    """What it sent behind the subscription is not looked at, so its end is not seen either."""
    hub = start_hub(f"unix:{tmp_path}/hub", "--heartbeat=100ms")
    peer = hub.peer()
    peer.send(f"GET /topics/lobby HTTP/1.1\r\n{HOST}Accept: text/event-stream\r\n\r\n")
    peer.until(b"\n\r\n")  # the first beat's
    peer.send("GET /")
    peer.until(b"\n\r\n")
    peer.close()
    with hub.peer() as sender:
        post(sender, "no one hears")
        hub.wait_for("^Closed connection")
        post(sender, "and all goes on")


def test_the_end_of_one_who_waits_behind_a_request_of_its_own(start_hub, tmp_path):
    """Neither a subscriber nor a server is kept that is gone and can be told nothing."""
    hub = start_hub(f"unix:{tmp_path}/hub")
    for waiting in ("GET /topics/lobby", "POST /services/up/next"):
        peer = hub.peer()
        peer.send(f"{waiting} HTTP/1.1\r\n{HOST}\r\nGET /status HTTP/1.1\r\n{HOST}\r\n")
        peer.end()
        hub.wait_for("^Closed connection")
        peer.close()


def test_a_subscriber_that_takes_nothing_is_let_go(start_hub):
    hub = start_hub("tcp:localhost:0", "--heartbeat=200ms")
    slow = Subscriber(hub, "events")
    with hub.peer() as sender, slow.peer:
        for _ in range(100):
            post(sender, "x" * 100_000)
        hub.wait_for(f"^Closed connection from: {re.escape(slow.peer.name)}$")


# ---- at rest ----


def test_at_rest_it_does_not_run_at_all(start_hub, tmp_path):
    hub = start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub", "udp:localhost:0")
    with listener(hub), listener(hub), hub.peer() as events, hub.peer() as websocket:
        events.send(f"GET /topics/lobby HTTP/1.1\r\n{HOST}Accept: text/event-stream\r\n\r\n")
        events.until(b"\r\n\r\n")
        upgrade(websocket, "/topics/lobby")
        assert rests(hub)


def test_at_rest_with_a_file(start_hub, tmp_path):
    hub = start_hub("tcp:localhost:0", f"--store={tmp_path}/hub.db")
    with hub.peer() as peer:
        post(peer, "hi")
        assert rests(hub)


def come_and_go(hub, count):
    for n in range(count):
        peer = hub.peer()
        kind = n % 5
        if kind == 1:
            peer.send("hi\n")
        elif kind == 2:
            assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200
        elif kind == 3:
            upgrade(peer, "/topics/t?name=anna")
            peer.send(frame(TEXT, b"hi"))
        elif kind == 4:
            peer.send("hi")
            peer.reset()
        peer.close()
    for _ in range(count):
        hub.wait_for("^Closed connection")


def test_a_thousand_clients_leave_nothing_behind(start_hub):
    hub = start_hub("tcp:localhost:0", "--keep-count=10")
    come_and_go(hub, 1000)
    files, before = descriptors(hub), hub.memory()
    come_and_go(hub, 1000)
    assert descriptors(hub) == files
    if not SANITIZED:
        assert hub.memory() - before < 256 << 10
    assert status(hub)["clients"] == 1


@pytest.mark.skipif(SANITIZED, reason="the sanitizers look for the same, and bear no valgrind")
def test_valgrind_finds_nothing(start_hub, tmp_path):
    """Without the sandbox, which would hold for valgrind as well."""
    log = tmp_path / "valgrind"
    hub = start_hub(
        "tcp:localhost:0",
        "--no-sandbox",
        f"--store={tmp_path}/hub.db",
        within=["valgrind", "--leak-check=full", "--error-exitcode=99", f"--log-file={log}"],
    )
    come_and_go(hub, 20)
    with hub.peer() as sender:
        post(sender, "hi", "t")
        assert Subscriber(hub, "ndjson").peer
        hub.stop()
    assert "definitely lost: 0 bytes" in log.read_text() or "no leaks" in log.read_text()
