"""ferry wait: in the places where people use it."""

import re
import socket
import subprocess
import threading
import time

import pytest
from namespaces import needs_namespaces, with_silent_resolver
from program import PATIENCE


def listener(port=0):
    return socket.create_server(("127.0.0.1", port))


def free_port():
    with listener() as s:
        return s.getsockname()[1]


class Server:
    """Answers the connections at a socket, each in its turn, by `answer(connection, number)`."""

    def __init__(self, answer):
        self.answer, self.count = answer, 0
        self.socket = listener()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            with connection:
                connection.settimeout(PATIENCE)
                self.answer(connection, self.count)


@pytest.fixture
def server():
    servers = []

    def run(answer):
        servers.append(Server(answer))
        return servers[-1]

    yield run
    for one in servers:
        one.socket.close()


def hold(connection, _):
    connection.recv(1)


def test_one_that_is_there(ferry):
    with listener() as s:
        assert ferry("wait", f"127.0.0.1:{s.getsockname()[1]}").returncode == 0


def test_one_that_starts_late(start):
    port = free_port()
    program = start("wait", f"127.0.0.1:{port}", "--timeout", "20s", "--trace")
    with program.more:
        assert program.more.wait_for(lambda: program.errors.count(b"connect(") > 1, PATIENCE)
    assert program.process.poll() is None
    with listener(port):
        program.wait()


def test_a_unix_path_that_does_not_exist_yet(start, tmp_path):
    program = start("wait", f"{tmp_path}/late", "--trace")
    with program.more:
        assert program.more.wait_for(lambda: program.errors.count(b"connect(") > 1, PATIENCE)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(f"{tmp_path}/late")
        s.listen()
        program.wait()


def test_one_that_accepts_and_closes_is_not_there(ferry, server):
    closing = server(lambda connection, n: n < 4 or hold(connection, n))
    assert ferry("wait", f"127.0.0.1:{closing.port}").returncode == 0
    assert closing.count == 4


def test_one_that_always_closes(ferry, server):
    closing = server(lambda connection, n: None)
    result = ferry("wait", f"127.0.0.1:{closing.port}", "--timeout", "300ms")
    assert result.returncode == 124
    assert "it accepts, but closes at once" in result.stderr


def test_time_runs_out_and_each_one_that_is_missing_is_named(ferry, tmp_path):
    port = free_port()
    with listener() as s:
        there = f"127.0.0.1:{s.getsockname()[1]}"
        began = time.monotonic()
        result = ferry("wait", there, f"127.0.0.1:{port}", f"{tmp_path}/none", "--timeout", "300ms")
        assert 0.3 <= time.monotonic() - began < 5
    assert result.returncode == 124
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"ferry: 127.0.0.1:{port}: ") and "refused" in lines[0]
    assert lines[1].startswith(f"ferry: {tmp_path}/none: ") and "no socket is there" in lines[1]


def test_any_of_them(ferry, tmp_path):
    with listener() as s:
        there = f"127.0.0.1:{s.getsockname()[1]}"
        assert ferry("wait", "--any", f"{tmp_path}/none", there).returncode == 0


def http(status):
    return b"HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status


def test_http_503_then_200(ferry, server):
    heads = []

    def answer(connection, n):
        heads.append(connection.recv(1000))
        connection.sendall(http(503 if n < 3 else 200))

    web = server(answer)
    assert ferry("wait", f"127.0.0.1:{web.port}", "--http", "/health?x=1").returncode == 0
    assert web.count == 3
    assert re.match(rb"GET /health\?x=1 HTTP/1.1\r\n(.*\r\n)*Host: 127.0.0.1\r\n", heads[0])


def test_http_503_for_ever(ferry, server):
    web = server(lambda connection, n: connection.recv(1000) and connection.sendall(http(503)))
    result = ferry("wait", f"127.0.0.1:{web.port}", "--http", "/", "--timeout", "300ms")
    assert result.returncode == 124
    assert "it answers with status 503" in result.stderr


def test_a_line_that_matches(ferry, server):
    def greet(connection, n):
        connection.sendall(b"220 hello\r\n" if n == 3 else b"421 busy\r\n")
        if n == 3:
            hold(connection, n)

    mail = server(greet)
    assert ferry("wait", f"127.0.0.1:{mail.port}", "--line", "^220 .*o$").returncode == 0
    assert mail.count == 3


SILENCE = {
    "wait": ["lost.test:80"],
    "send": ["lost.test:80", "hi"],
    "get": ["lost.test:80", "name"],
    "relay": ["-", "lost.test:80"],
}


@needs_namespaces
@pytest.mark.parametrize("command", SILENCE)
def test_a_resolver_that_is_silent_keeps_nobody(ferry, monkeypatch, tmp_path, command):
    monkeypatch.setattr("conftest.FERRY", with_silent_resolver(tmp_path))
    option = "--connect-timeout" if command == "relay" else "--timeout"
    began = time.monotonic()
    result = ferry(command, option, "300ms", *SILENCE[command], stdin=subprocess.DEVNULL)
    assert 0.3 <= time.monotonic() - began < 10
    assert result.returncode == 124
    assert "lost.test:80: " in result.stderr


def test_udp(ferry):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        address = f"udp:127.0.0.1:{s.getsockname()[1]}"
        assert ferry("wait", address).returncode == 0
    result = ferry("wait", address, "--timeout", "400ms")
    assert result.returncode == 124
    assert "refused" in result.stderr


def test_then_the_command(ferry):
    with listener() as s:
        address = f"127.0.0.1:{s.getsockname()[1]}"
        result = ferry("wait", address, "--", "sh", "-c", "echo $1; exit 3", "-", "--timeout")
        assert (result.returncode, result.stdout) == (3, "--timeout\n")
        assert ferry("wait", address, "--", "./there-is-no-such-program").returncode == 127


def test_the_command_does_not_run_when_time_ran_out(ferry, tmp_path):
    result = ferry("wait", f"{tmp_path}/none", "--timeout", "100ms", "--", "echo", "run")
    assert (result.returncode, result.stdout) == (124, "")


@pytest.mark.parametrize(
    "words",
    [[], ["8080", "--line", "("], ["8080", "--http", "x"], ["-"], ["udp:9", "--http", "/"], ["8080", "--all", "--any"]],
)
def test_misused(ferry, words):
    result = ferry("wait", *words)
    assert result.returncode == 64
    assert result.stderr.startswith("ferry: ")
