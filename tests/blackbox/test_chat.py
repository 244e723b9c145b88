"""ferry chat: talking with others, line by line."""

import collections
import json
import socket

import pytest
from paths import FERRY
from peer import Peer
from terminal import Terminal


@pytest.fixture
def talk(start):
    """Clients in a topic, each named, that would be sent what is said when they are returned."""
    there = collections.Counter()

    def run(hub, name, *options, topic="lobby"):
        chat = start("chat", hub.address, "--name", name, "--topic", topic, *options)
        there[topic] += 1
        hub.wait_for_subscribers(there[topic], topic)
        return chat

    return run


def say(hub, chat, name, text):
    chat.type(text + "\n")
    hub.wait_for(f"^This is what {name} sent: {text}$")


def test_each_hears_the_others_and_not_itself(hub, talk):
    anna, bert = talk(hub, "anna"), talk(hub, "bert")
    say(hub, anna, "anna", "hi")
    say(hub, bert, "bert", "hello")
    anna.wait_for("^bert: hello$")
    bert.wait_for("^anna: hi$")
    say(hub, anna, "anna", "good bye")
    bert.wait_for("^anna: good bye$")
    anna.wait()
    bert.close_input()
    bert.wait()
    assert (anna.output, bert.output) == (b"bert: hello\n", b"anna: hi\nanna: good bye\n")
    assert not anna.errors and not bert.errors


@pytest.mark.parametrize("text", ["goodbye", "bye.", "BYE", "by e"])
def test_only_the_word_ends_it(hub, talk, text):
    anna = talk(hub, "anna")
    say(hub, anna, "anna", text)
    say(hub, anna, "anna", "\tbye")
    anna.wait()


def test_what_was_said_before_the_end_of_input_arrives(hub, ferry):
    lines = "".join(f"line {n}\n" for n in range(1000)) + "the last without an end"
    assert ferry("chat", hub.address, input=lines).returncode == 0
    hub.wait_for("sent: the last without an end$")
    assert hub.output.count(b" sent: ") == 1001


def test_as_json(hub, talk, ferry):
    anna = talk(hub, "anna", "--json")
    assert ferry("send", hub.address, "hi", "--name", "bert").returncode == 0
    anna.wait_for("hi")
    message = json.loads(anna.output)
    assert (message["id"], message["from"], message["text"]) == (1, "bert", "hi")


def test_history(hub, ferry, talk):
    for text in ("one", "two", "three"):
        assert ferry("send", hub.address, text).returncode == 0
    anna = talk(hub, "anna", "--since", "1")
    anna.wait_for("two$")
    anna.wait_for("three$")
    assert b"one" not in anna.output


def test_topics_are_apart(hub, talk):
    anna, bert = talk(hub, "anna", topic="tea"), talk(hub, "bert", topic="coffee")
    anna.type("milk?\n")
    hub.wait_for("^This is what anna sent to tea: milk")
    bert.type("bye\n")
    bert.wait()
    assert not bert.output


def test_with_something_that_is_no_hub(start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        chat = start("chat", f"127.0.0.1:{server.getsockname()[1]}", "--wire", "plain")
        peer, _ = server.accept()
        with peer:
            chat.type("hi\n")
            assert peer.recv(100) == b"hi\n"
            peer.sendall(b"whatever\r\nit says")
            chat.wait_for("^whatever$")
            chat.wait_for("^it says$")
        chat.wait()
    assert b"the other side has ended" in chat.errors


def test_a_server_that_never_ends_does_not_hold_it(start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        chat = start("chat", f"127.0.0.1:{server.getsockname()[1]}?wire=plain")
        peer, _ = server.accept()
        with peer:
            chat.type("ok bye\n")
            chat.wait()
            assert peer.recv(100) == b"ok bye\n"


def test_it_goes_on_when_the_hub_is_back(start_hub, start, tmp_path):
    """Nothing twice and nothing lost, said or heard, whatever happens to the hub meanwhile."""
    words = ("unix:hub.sock", f"--store={tmp_path}/chat.db")
    hub = start_hub(*words)
    anna = start("chat", "unix:hub.sock", "--name", "anna", "--since", "all")
    with Peer(f"unix:{tmp_path}/hub.sock") as bert:
        bert.send("one\n")
        anna.wait_for("one$")
        say(hub, anna, "anna", "first")
    hub.process.kill()
    hub.process.wait()
    anna.type("second\n")
    hub = start_hub(*words)
    hub.wait_for("anna sent: second$")
    with Peer(f"unix:{tmp_path}/hub.sock") as bert:
        bert.send("two\n")
        anna.wait_for("two$")
    say(hub, anna, "anna", "bye")
    anna.wait()
    assert [line.split()[-1] for line in anna.output.decode().splitlines()] == ["one", "two"]


def test_the_connection_is_refused(ferry):
    result = ferry("chat", "unix:nobody.sock", input="")
    assert result.returncode == 69
    assert "nobody.sock" in result.stderr


def test_interrupted(hub, talk):
    anna = talk(hub, "anna")
    anna.stop()
    hub.wait_for("^Closed connection")


# ---- on a terminal ----


@pytest.fixture
def person(environment, tmp_path):
    terminals = []

    def run(*words, term="xterm", **size):
        own = environment | {"TERM": term}
        terminals.append(Terminal([FERRY, *words], env=own, cwd=tmp_path, **size))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.discard()


def test_the_line_being_typed_stays_whole(hub, person, ferry):
    anna = person("chat", hub.address, "--name", "anna")
    anna.shows("->")
    anna.type("how are")
    anna.shows("->how are")
    assert ferry("send", hub.address, "hello there", "--name", "bert").returncode == 0
    anna.shows("bert: hello there", "->how are")
    anna.type(" you?\r")
    hub.wait_for("anna sent: how are you\\?$")
    anna.shows("bert: hello there", "->how are you?", "->")
    anna.type("bye\r")
    anna.wait()
    anna.shows("bert: hello there", "->how are you?", "->bye")


def test_a_line_longer_than_the_terminal_is_wide(hub, person, ferry):
    anna = person("chat", hub.address, columns=20)
    anna.shows("->")
    text = "x" * 38  # with the prompt exactly two rows
    anna.type(text)
    anna.shows("->" + 18 * "x", 20 * "x")
    ferry("send", hub.address, "one", "--name", "b")
    anna.shows("b: one", "->" + 18 * "x", 20 * "x")
    anna.type("y")
    anna.shows("b: one", "->" + 18 * "x", 20 * "x", "y")
    ferry("send", hub.address, "two", "--name", "b")
    anna.shows("b: one", "b: two", "->" + 18 * "x", 20 * "x", "y")
    anna.type("\r")
    hub.wait_for(f"sent: {text}y$")


def test_lines_are_edited_and_remembered(hub, person):
    anna = person("chat", hub.address, "--name", "anna")
    anna.shows("->")
    anna.type("wörd\x1b[D\x1b[Dlx")  # two to the left
    anna.shows("->wölxrd")
    anna.type("\x7f\r")
    hub.wait_for("anna sent: wölrd$")
    anna.type("\x1b[A")  # up: the line before
    anna.shows("->wölrd", "->wölrd")
    anna.type("!\r")
    hub.wait_for("anna sent: wölrd!$")


def test_the_end_of_input_is_typed(hub, person):
    anna = person("chat", hub.address)
    anna.shows("->")
    anna.type("x\x7f\x04")
    anna.wait()
    hub.wait_for("^Closed connection")


def test_the_interrupt_key_ends_it(hub, person):
    anna = person("chat", hub.address)
    anna.shows("->")
    anna.type("half a line")
    anna.shows("->half a line")
    anna.type("\x03")
    anna.wait()
    anna.shows("->half a line")


def test_nothing_moves_the_cursor_but_us(hub, person):
    anna = person("chat", hub.address, columns=80)
    anna.shows("->")
    with Peer(hub.address) as bert:
        bert.send(b"\x1b[2J\x1b[H\x07evil\xff \xc3\xa4\n")
        anna.shows(f"{bert.name}: \\x1b[2J\\x1b[H\\x07evil\\xff ä", "->")


def test_a_flood_is_shown_to_its_end(person):
    """Of what needs four places a byte, more comes at once than is printed at once."""
    flood = (b"\1" * 999 + b"\n") * 120 + b"the end\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        anna = person("chat", f"127.0.0.1:{server.getsockname()[1]}", "--wire", "plain")
        peer, _ = server.accept()
        with peer:
            anna.shows("->")
            peer.sendall(flood)
            anna.wait_for("the end\n->")
            peer.sendall(b"and on\n")
            anna.wait_for("the end\nand on\n->")
        anna.wait()


def test_a_change_of_size(hub, person, ferry):
    anna = person("chat", hub.address, columns=40)
    anna.shows("->")
    anna.type("text")
    anna.shows("->text")
    anna.resize(20, 10)
    ferry("send", hub.address, "one", "--name", "b")
    anna.shows("b: one", "->text")


def test_a_terminal_that_cannot_edit(hub, person, ferry):
    anna = person("chat", hub.address, "--name", "anna", term="dumb")
    anna.shows("->")
    anna.type("hi\n")
    hub.wait_for("anna sent: hi$")
    anna.shows("->hi", "->")
    ferry("send", hub.address, "ho", "--name", "b")
    anna.shows("->hi", "->", "b: ho", "->")
    anna.type("\x04")
    anna.wait()


def test_who_is_lost_is_told_above_the_line(start_hub, person):
    hub = start_hub("unix:hub.sock")
    anna = person("chat", "unix:hub.sock", columns=80)
    anna.shows("->")
    anna.type("typed")
    hub.stop()
    anna.wait_for(r"(?s)^\* .*trying again\n->typed")
    start_hub("unix:hub.sock")
    anna.wait_for(r"\* connected again\n->typed")
