"""ferry send: done when the hub has stored everything, and only then."""

import os
import re
import signal
import socket
import threading

import pytest
from paths import FERRY
from program import PATIENCE
from terminal import Terminal


def bodies(hub):
    return re.findall(r" sent: (.*)", hub.output.decode())


@pytest.fixture
def listener():
    """Where a test plays the server."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


def address_of(listener):
    return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("wire", ["http", "plain"])
def test_one_message(hub, ferry, wire):
    result = ferry("send", hub.address, "hello there", "--wire", wire)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    hub.wait_for("sent: hello there$")


@pytest.mark.parametrize("wire", ["http", "plain"])
def test_each_line_of_standard_input(hub, ferry, wire):
    lines = [f"line {n}" for n in range(20000)]
    result = ferry("send", hub.address, "--wire", wire, input="\n\n".join(lines))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    hub.wait_for("sent: line 19999$")
    assert bodies(hub) == lines


def test_any_bytes(hub, ferry, start):
    follow = start("follow", hub.address, "--count", "2", "--since", "all")
    body = bytes(byte for byte in range(256) if byte != ord("\n"))
    for _ in range(2):
        result = ferry("send", hub.address, "--name", "b", input=body, text=False)
        assert result.returncode == 0
    follow.wait()
    assert follow.output == 2 * (b"b: " + body + b"\n")


def test_a_line_as_it_comes(hub, start):
    send = start("send", hub.address)
    for text in ("one", "two"):
        send.type(text + "\n")
        hub.wait_for(f"sent: {text}$")
    send.close_input()
    send.wait()


def test_progress_on_a_terminal(hub, environment, tmp_path):
    """Where somebody looks, and the lines come from elsewhere."""
    os.mkfifo(tmp_path / "rest")
    command = f"(seq 5; cat rest) | exec {FERRY} send {hub.address}"
    terminal = Terminal(["sh", "-c", command], env=environment, cwd=tmp_path)
    try:
        terminal.shows("5 read, 5 stored")
        (tmp_path / "rest").write_text("one more\n")
        terminal.wait()
        terminal.shows()  # nothing of it stays
    finally:
        terminal.discard()
    hub.wait_for(" sent: one more$")


def test_name_and_topic(hub, ferry):
    assert ferry("send", hub.address, "hi", "-n", "anna b", "-t", "tea").returncode == 0
    hub.wait_for("^This is what anna b sent to tea: hi$")
    assert ferry("send", f"{hub.address}?topic=milk&name=bert", "ho").returncode == 0
    hub.wait_for("^This is what bert sent to milk: ho$")


def test_nothing_to_send(hub, ferry):
    assert ferry("send", hub.address, input="").returncode == 0
    assert ferry("send", hub.address, input="\n\n").returncode == 0
    hub.stop()
    assert not bodies(hub)


@pytest.mark.parametrize("address", ["unix:nobody.sock", "unix:@nobody", "tcp:127.0.0.1:1"])
def test_nobody_is_there(ferry, address):
    result = ferry("send", address, "hi")
    assert result.returncode == 69
    assert result.stderr.startswith("ferry: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words, wrong",
    [
        (["tcp:localhost:99999", "hi"], "99999"),
        (["12345", "hi", "--topic", "no spaces"], "topic"),
        (["12345?wire=plain", "hi", "--topic", "tea"], "?topic=tea"),
        (["12345", "hi", "--wire", "plain", "--name", "anna"], "name"),
        (["12345", "hi", "--wire", "smoke"], "smoke"),
        (["udp:localhost:1", "hi", "--wire", "http"], "packets"),
        ([], "ADDRESS"),
    ],
)
def test_what_cannot_be(ferry, hub, words, wrong):
    words = [word.replace("12345", hub.address) for word in words]
    result = ferry("send", *words)
    assert result.returncode == 64
    assert wrong in result.stderr


def test_a_message_that_is_too_large(start_hub, ferry):
    hub = start_hub("tcp:localhost:0", "--max-message=1000")
    result = ferry("send", hub.address, "x" * 1001)
    assert result.returncode == 65
    assert ferry("send", hub.address, "x" * 1000).returncode == 0


@pytest.mark.parametrize(
    "greeting", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]
)
def test_what_is_no_hub_is_told_how_to_be_reached(listener, start, greeting):
    send = start("send", address_of(listener), "hi")
    peer, _ = listener.accept()
    with peer:
        assert peer.recv(4096).startswith(b"OPTIONS /topics/lobby HTTP/1.1\r\n")
        peer.sendall(greeting)
        peer.shutdown(socket.SHUT_WR)
        send.wait(76 if greeting else 69)
    assert b"--wire plain" in send.errors


def test_one_who_never_answers(listener, start):
    send = start("send", address_of(listener), "hi", "--timeout", "200ms")
    send.wait(124)
    assert b"--wire plain" in send.errors


def test_one_who_never_reads(listener, start):
    send = start("send", address_of(listener), "--wire", "plain", "--timeout", "300ms")
    peer, _ = listener.accept()
    with peer:
        threading.Thread(target=fill, args=(send,), daemon=True).start()
        send.wait(124)
    assert re.search(rb"(\d+) of (\d+) messages", send.errors)


def fill(program):
    try:
        while True:
            program.type("x" * 65535 + "\n")
    except OSError:  # it has ended
        pass


def test_the_other_side_breaks_off(listener, start):
    send = start("send", address_of(listener), "--wire", "plain")
    peer, _ = listener.accept()
    send.type("one\n")
    assert peer.recv(100) == b"one\n"
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    send.wait(69)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_how_much_is_stored(hub, start, number):
    send = start("send", hub.address)
    send.type("one\n")
    hub.wait_for("sent: one$")
    send.process.send_signal(number)
    send.wait(75)
    assert b"interrupted" in send.errors
