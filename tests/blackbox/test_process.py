"""The hub's process: its start, its end, and the terminal it may have."""

import os
import pty
import re
import select
import signal
import socket
import time

import pytest
from clients import Subscriber, listener, post
from paths import FERRY
from peer import Peer
from program import PATIENCE
from web import HOST, Answer, ask

# ---- the start ----


@pytest.mark.parametrize(
    "address",
    [
        "",
        "foo:bar",
        "localhost",
        "tcp:localhost:99999",
        "tcp:[::1:80",
        "unix:",
        "unix:/tmp/x?type=tea",
        "unix:/" + "x" * 200,
        "fd:x",
        "tcp:localhost:1?nonsense=1",
        "\x1b[2J",
    ],
)
def test_a_bad_address(ferry, address):
    result = ferry("listen", address)
    assert (result.returncode, result.stdout) == (64, "")
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("ferry: ")
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    "option",
    ["--bogus", "--max-clients=0", "--max-clients=x", "--max-message=0", "--idle-timeout=1x"],
)
def test_a_bad_option(ferry, option):
    result = ferry("listen", option, "tcp:localhost:0")
    assert (result.returncode, result.stdout) == (64, "")
    assert result.stderr.count("\n") == 1
    assert "1 to 0" not in result.stderr


def test_a_port_in_use_names_its_holder(hub, ferry):
    result = ferry("listen", f"tcp:localhost:{hub.port}")
    assert result.returncode == 69
    assert result.stderr.count("\n") == 1
    assert f"pid {hub.process.pid}" in result.stderr


def test_a_live_socket_file_is_not_taken_over(start_hub, ferry, tmp_path):
    hub = start_hub(f"unix:{tmp_path}/hub")
    result = ferry("listen", f"unix:{tmp_path}/hub")
    assert result.returncode == 69 and result.stderr.count("\n") == 1
    with hub.peer() as peer:
        peer.send("still mine\n")
        hub.wait_for("sent: still mine")


def test_a_stale_socket_file_is_taken_over(start_hub, tmp_path):
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(f"{tmp_path}/hub")
    hub = start_hub(f"unix:{tmp_path}/hub")
    assert os.stat(tmp_path / "hub").st_mode & 0o777 == 0o600
    with hub.peer() as peer:
        peer.send("hi\n")
        hub.wait_for("sent: hi")


# ---- the end ----


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start_hub, tmp_path, signal_number):
    hub = start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub")
    with hub.peer() as undecided, listener(hub) as plain, hub.peer() as http:
        assert ask(http, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200
        http.send(f"POST /topics/lobby HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nlast")
        assert Answer(http).status == 200
        hub.process.send_signal(signal_number)
        assert plain.line().endswith(b": last") and plain.rest() == b""
        assert undecided.rest() == http.rest() == b""
    hub.wait()


def test_a_second_signal_ends_it_at_once(start_hub):
    """The first one gives a client that does not read a second."""
    spans = []
    for signals in (1, 2):
        hub = start_hub("tcp:localhost:0")
        slow = Subscriber(hub, "plain")
        with slow.peer, hub.peer() as sender:
            for _ in range(40):
                post(sender, "x" * 100_000)
            start = time.monotonic()
            hub.process.terminate()
            assert sender.rest() == b""
            if signals == 2:
                hub.process.terminate()
            hub.wait()
            spans.append(time.monotonic() - start)
    assert spans[0] >= 0.9 > spans[1]


# ---- the terminal ----


class Terminal:
    """A hub in the foreground of a terminal."""

    def __init__(self, *words, environment):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execvpe(FERRY, [str(FERRY), "listen", *words], environment)
        self.output = b""

    def wait_for(self, pattern):
        end = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.output)):
            ready, _, _ = select.select([self.fd], [], [], end - time.monotonic())
            assert ready, f"{pattern} did not come: {self.output}"
            self.output += os.read(self.fd, 1 << 16)
        return match

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        _, ended = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(ended)


@pytest.fixture
def terminal(environment):
    hub = Terminal("tcp4:127.0.0.1:0", environment=environment)
    yield hub
    assert hub.stop() == 0


def test_a_line_typed_on_the_terminal_is_a_message(terminal):
    port = terminal.wait_for(rb"Listening on tcp4:127\.0\.0\.1:(\d+)\r\n")[1].decode()
    with Peer(f"tcp:127.0.0.1:{port}") as peer:
        peer.send("\nready\n")
        terminal.wait_for(rb"sent: ready\r\n")
        os.write(terminal.fd, "grüß dich\n".encode())
        assert peer.line() == "host: grüß dich".encode()


HOSTILE = b"\x1b[2J\x07\x9b1m a\tb \xff gr\xc3\xbc\xc3\x9f"


def test_control_bytes_reach_no_terminal(terminal):
    port = terminal.wait_for(rb"Listening on tcp4:127\.0\.0\.1:(\d+)\r\n")[1].decode()
    with Peer(f"tcp:127.0.0.1:{port}") as peer:
        peer.send(HOSTILE + b"\n")
        said = terminal.wait_for(rb" sent: (.*)\r\n")[1]
    assert said == rb"\x1b[2J\x07\x9b1m a" + b"\t" + rb"b \xff gr" + b"\xc3\xbc\xc3\x9f"


def test_a_pipe_gets_them_as_they_are(hub):
    with hub.peer() as peer:
        peer.send(HOSTILE + b"\n")
        hub.wait_for(b" sent: " + re.escape(HOSTILE) + b"$")
