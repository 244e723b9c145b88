"""ferry serve --to: a web application becomes a service."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from program import PATIENCE
from service import Client, until_waiting

MIB = 1 << 20


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def do_POST(self):
        path, _, query = self.path.partition("?")
        getattr(self, path.rpartition("/")[2])(query, self.body())

    def send(self, status, body, **fields):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def facts(self, query, body):
        facts = {"query": query, "length": len(body), "head": dict(self.headers)}
        self.send(200, json.dumps(facts).encode(), Content_Type="application/json")

    def echo(self, query, body):
        self.send(200, body)

    def teapot(self, query, body):
        self.send(418, b"short and stout", Content_Type="text/plain", ETag='"7"',
                  Connection="X-Hop", X_Hop="1")  # fmt: skip

    def pieces(self, query, body):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (b"one", b"two"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def nothing(self, query, body):
        self.send_response(204)
        self.end_headers()

    def breaks(self, query, body):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"begun")
        self.close_connection = True

    def vanish(self, query, body):
        self.close_connection = True

    def late(self, query, body):
        self.server.held.wait(PATIENCE)
        self.send(200, b"too late")

    def many(self, query, body):
        self.send(200, b"x", **{f"X-{i}": "x" * 100 for i in range(99)})

    def log_message(self, *_):
        pass


class Unix(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("local", 0)


@pytest.fixture(params=["tcp", "unix"])
def application(request, tmp_path):
    if request.param == "unix":
        server = Unix(f"{tmp_path}/app.sock", Application)
        server.at = f"unix:{tmp_path}/app.sock"
    else:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
        server.at = f"tcp:127.0.0.1:{server.server_port}"
    server.held = threading.Event()
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.held.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(hub, start, application):
    def run(path, *options):
        program = start("serve", hub.address, path, f"--to={application.at}", f"--path=/{path}",
                        *options)  # fmt: skip
        until_waiting(hub, 1, path)
        return program

    return run


def test_what_the_application_is_told(hub, serve, application):
    serve("facts")
    with Client(hub) as c:
        for _ in range(3):  # over one connection
            fields = {"Content-Type": "x/y", "X-Thing": "7", "Forwarded": "for=192.0.2.1",
                      "X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1"}
            hop = {"Connection": "X-Hop", "X-Hop": "1"}
            status, body, head = c.ask("facts?a=b", b"four", **fields, **hop)
    facts = json.loads(body)
    told = facts["head"]
    assert (status, head["Content-Type"], head["Exit-Status"]) == (200, "application/json", "0")
    assert (facts["query"], facts["length"]) == ("a=b", 4)
    assert (told["Content-Type"], told["X-Thing"], told["Via"]) == ("x/y", "7", "1.1 ferry")
    assert not {"X-Forwarded-For", "X-Real-IP"} & set(told)
    assert told["Forwarded"].startswith('for=192.0.2.1, for="127.0.0.1:')
    assert "X-Hop" not in told
    assert told["Host"] == application.at.removeprefix("tcp:") or told["Host"] == "localhost"


@pytest.mark.parametrize("streamed", [False, True])
def test_large_bodies(hub, serve, streamed):
    serve("echo")
    body = bytes(range(256)) * (4 * MIB // 256)
    with Client(hub) as c:
        status, reply, _ = c.ask("echo", iter([body[:MIB], body[MIB:]]) if streamed else body)
    assert (status, reply) == (200, body)


def test_its_status_and_fields_reach_the_asker(hub, serve, ferry):
    serve("teapot")
    with Client(hub) as c:
        status, body, head = c.ask("teapot", b"x")
    assert (status, body) == (418, b"short and stout")
    assert (head["Content-Type"], head["ETag"], head["X-Hop"]) == ("text/plain", '"7"', None)
    asked = ferry("request", hub.address, "teapot")
    assert (asked.returncode, asked.stdout) == (1, "short and stout")


def test_replies_of_all_kinds(hub, serve, ferry):
    for name, status, body in (("pieces", 200, b"onetwo"), ("nothing", 204, b"")):
        serve(name)
        with Client(hub) as c:
            assert c.ask(name, b"x")[:2] == (status, body)
        assert ferry("request", hub.address, name, text=False).stdout == body


def test_an_application_that_breaks_off(hub, serve, ferry):
    serve("vanish")
    serve("breaks")
    serve("many")
    with Client(hub) as c:
        for name in ("vanish", "many"):
            status, body, head = c.ask(name, b"x")
            assert (status, head["Content-Type"]) == (502, "application/problem+json")
    assert ferry("request", hub.address, "vanish").returncode == 76
    asked = ferry("request", hub.address, "breaks")
    assert asked.returncode == 76
    assert asked.stdout in ("begun", "")


def test_an_application_that_takes_too_long(hub, serve, ferry):
    serve("late", "--timeout=50ms")
    with Client(hub) as c:
        assert c.ask("late", b"x")[0] == 504
    assert ferry("request", hub.address, "late").returncode == 124


def test_an_application_that_is_not_there(hub, start, ferry, tmp_path):
    server = start("serve", hub.address, "gone", f"--to=unix:{tmp_path}/gone.sock")
    until_waiting(hub, 1, "gone")
    with Client(hub) as c:
        status, body, _ = c.ask("gone", b"x")
    assert status == 502
    assert "gone.sock" in json.loads(body)["detail"]
    server.stop()


def test_one_of_both_answers(hub, ferry):
    for words in (["x"], ["x", "--to=1", "--", "cat"], ["x", "--to=1", "--path=a"]):
        assert ferry("serve", hub.address, *words).returncode == 64


def test_ends_with_the_hub(start_hub, start, tmp_path):
    hub = start_hub("tcp:localhost:0")
    server = start("serve", hub.address, "cat", "--with-hub", "--", "cat")
    until_waiting(hub, 1, "cat")
    hub.stop()
    server.wait()
    assert not server.errors
