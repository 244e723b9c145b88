"""ferry serve and ferry request: a command at one end, a command line at the other."""

import http.client
import json
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from program import PATIENCE
from service import Client, until_waiting


@pytest.fixture
def serve(hub, start):
    """Starts `ferry serve`; it waits for its first request when this returns."""
    waiting = {}

    def run(service, *words, workers=1):
        waiting[service] = waiting.get(service, 0) + workers
        program = start("serve", hub.address, service, f"--workers={workers}", *words)
        until_waiting(hub, waiting[service], service)
        return program

    return run


def until_gone(pid):
    """Waits until the process PID, nobody's child here, has ended."""
    for _ in range(1000 * PATIENCE):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        threading.Event().wait(0.001)
    raise AssertionError(f"process {pid} lives on")


def test_a_command_answers(hub, serve, ferry):
    server = serve("upper", "--", "tr a-z A-Z; echo from the command >&2; exit 3")
    for text in ("hello", "", "x" * 100000):
        asked = ferry("request", hub.address, "upper", text)
        assert (asked.returncode, asked.stdout, asked.stderr) == (3, text.upper(), "")
    body = os.urandom(3 << 20)
    serve("cat", "--", "cat")
    asked = ferry("request", hub.address, "cat", "-", text=False, input=body)
    assert (asked.returncode, asked.stdout) == (0, body)
    server.stop()
    assert server.errors == b"from the command\n" * 3


def test_what_a_command_is_told(hub, serve, ferry):
    serve("env", "--type=text/plain", "--", "env")
    with Client(hub) as c:
        status, body, head = c.ask("env?a=b", b"four", Content_Type="x/y", Request_Timeout="9s")
    assert (status, head["Content-Type"]) == (200, "text/plain")
    facts = dict(line.split("=", 1) for line in body.decode().splitlines() if "=" in line)
    assert facts["FERRY_SERVICE"] == "env"
    assert facts["REQUEST_METHOD"] == "POST"
    assert facts["CONTENT_TYPE"] == "x/y"
    assert facts["CONTENT_LENGTH"] == "4"
    assert facts["QUERY_STRING"] == "a=b"
    assert facts["REMOTE_ADDR"].startswith("127.0.0.1")
    assert int(facts["FERRY_REQUEST_TIMEOUT"].removesuffix("ms")) <= 9000
    assert len(facts["FERRY_REQUEST_ID"]) == 32


def test_headers_reach_the_command(hub, serve, ferry):
    serve("env", "--", "env")
    asked = ferry("request", hub.address, "env", "-H", "X-Thing: a b ", "--header=Proxy: no",
                  "--header=x-thing: second", "--header", "Bad_Name: x")  # fmt: skip
    assert asked.returncode == 0
    facts = [line for line in asked.stdout.splitlines() if line.startswith("HTTP_")]
    assert [line for line in facts if "USER_AGENT" not in line] == ["HTTP_X_THING=a b"]
    for wrong in ("no colon", "Content-Length: 3", "Connection: close", "a b: c", "x: a\nb: c"):
        asked = ferry("request", hub.address, "env", "--header", wrong)
        assert asked.returncode == 64, wrong


def test_another_server_takes_over(hub, serve, start, ferry, tmp_path):
    first = serve("up", "--", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    serve("up", "--", "tr a-z A-Z")
    asker = start("request", hub.address, "up", "hello", "--retry-lost")
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        pass
    first.process.kill()
    first.process.wait(PATIENCE)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    asker.wait()
    assert asker.output == b"HELLO"


def test_connections_are_kept(hub, serve):
    """One that takes requests and one that brings replies, for as many as there are."""
    serve("cat", "--", "cat")
    with Client(hub) as c:
        accepted = []
        for i in range(5):
            assert c.ask("cat", b"%d" % i)[1] == b"%d" % i
            c.http.request("GET", "/status")
            accepted.append(json.load(c.answer())["accepted"])
    assert accepted == accepted[:1] * 5


def test_words_are_taken_as_they_are(hub, serve, ferry):
    serve("say", "--", "printf", "%s|", "a b", "$HOME", "-n")
    assert ferry("request", hub.address, "say").stdout == "a b|$HOME|-n|"


def test_a_command_that_is_not_there(hub, serve, ferry):
    server = serve("gone", "--", "/no/such/program", "x")
    assert ferry("request", hub.address, "gone").returncode == 127
    assert ferry("request", hub.address, "gone").returncode == 127
    server.stop()
    assert b"/no/such/program" in server.errors


def test_a_command_that_reads_nothing(hub, serve, ferry):
    serve("deaf", "--", "exec <&-; echo enough; exit 7")
    asked = ferry("request", hub.address, "deaf", "-", text=False, input=b"x" * (8 << 20))
    assert (asked.returncode, asked.stdout) == (7, b"enough\n")


def test_the_status_of_a_service(hub, serve, ferry):
    serve("up", "--", "cat", workers=3)
    figures = json.loads(ferry("status", hub.address, "--json").stdout)
    assert figures["services"] == [{"name": "up", "waiting": 3, "running": 0, "queued": 0}]
    assert figures["servers_waiting"] == 3
    assert re.search(r"^  up +3 +0 +0$", ferry("status", hub.address).stdout, re.MULTILINE)


def test_no_one_answers(hub, ferry, tmp_path):
    asked = ferry("request", hub.address, "nobody", "x")
    assert asked.returncode == 69
    assert asked.stderr == "ferry: the hub says: no one serves this\n"
    assert ferry("request", str(tmp_path / "no.sock"), "x").returncode == 69
    assert ferry("serve", str(tmp_path / "no.sock"), "x", "cat").returncode == 69
    assert ferry("serve", hub.address, "a name", "cat").returncode == 64


def test_time_runs_out(hub, ferry):
    with Client(hub) as server:
        server.post("up/next")
        until_waiting(hub, 1)
        asked = ferry("request", hub.address, "up", "--timeout=500ms")
        assert asked.returncode == 124
        assert asked.stderr == "ferry: the hub says: no reply came in time\n"


@pytest.mark.parametrize("begun", [False, True])
def test_a_server_that_is_killed(hub, serve, start, begun):
    server = serve("up", "--", "echo begun; cat >/dev/null" if begun else "cat")
    asker = start("request", hub.address, "up", "-")
    if begun:
        asker.wait_for("^begun$")
    else:
        with Client(hub) as c:
            while True:
                c.http.request("GET", "/status")
                if b'"calls_running":1' in c.answer().read():
                    break
    server.process.kill()
    server.process.wait(PATIENCE)
    asker.wait(76)


def test_a_reply_that_the_hub_does_not_take(start_hub, start, ferry, tmp_path):
    """The hub has no room for a second connection: its asker is told, and does not wait."""
    hub = start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub", "--max-clients-per-address=1")
    server = start("serve", hub.address, "up", "--", "cat")
    hub.wait_for("^Accepted connection")
    while (asked := ferry("request", hub.addresses[1], "up", "hi")).returncode == 69:
        pass
    assert (asked.returncode, asked.stderr) == (
        76,
        "ferry: the hub says: the server is gone without a reply\n",
    )
    server.stop()


def test_a_hub_that_is_full_for_a_while(start_hub, start, ferry, tmp_path):
    hub = start_hub("tcp:localhost:0", f"unix:{tmp_path}/hub", "--max-clients-per-address=2")
    others = [hub.peer(), hub.peer()]
    hub.wait_for("^Accepted connection")
    hub.wait_for("^Accepted connection")
    server = start("serve", hub.address, "up", "--", "cat")
    hub.wait_for("^Accepted connection")  # only to be told that there is no room
    hub.wait_for("^Closed connection")
    for peer in others:
        peer.close()
    while (asked := ferry("request", hub.addresses[1], "up", "hi")).returncode == 69:
        pass
    assert (asked.returncode, asked.stdout) == (0, "hi")
    server.stop()


def test_an_asker_that_leaves_ends_the_command(hub, serve, start, ferry):
    serve("sleep", "--", "echo $$; exec sleep 600")
    asker = start("request", hub.address, "sleep", "-")
    pid = int(asker.wait_for(r"^\d+$")[0])
    asker.discard()
    until_gone(pid)
    until_waiting(hub, 1, "sleep")


def test_a_timeout_ends_the_command_and_all_it_started(hub, serve, ferry):
    serve("sleep", "--timeout=200ms", "--", "sleep 600 & echo $!; wait")
    asked = ferry("request", hub.address, "sleep")
    assert asked.returncode == 124
    until_gone(int(asked.stdout))


def test_ends_after_the_command_under_way(hub, serve, start):
    server = serve("cat", "--", "echo begun; cat")
    asker = start("request", hub.address, "cat", "-")
    asker.wait_for("^begun$")
    server.process.send_signal(signal.SIGTERM)
    asker.type("the rest\n")
    asker.close_input()
    asker.wait()
    assert asker.output == b"begun\nthe rest\n"
    server.wait()


def until_served(ferry, address):
    while (asked := ferry("request", address, "echo", "hi")).returncode:
        assert asked.returncode == 69
    assert asked.stdout == "hi"


def test_comes_back_when_the_hub_does(start_hub, start, ferry, tmp_path):
    path = str(tmp_path / "hub.sock")
    hub = start_hub(f"unix:{path}")
    start("serve", path, "echo", "--", "cat")
    until_served(ferry, path)
    hub.stop()
    start_hub(f"unix:{path}")
    until_served(ferry, path)


REQUESTS = int(os.environ.get("FERRY_REQUESTS", "400"))
ASKERS = 16


def ask_many(hub, bodies):
    """The outcome of each: a status, or `broken off`."""
    outcomes = {}
    with Client(hub) as c:
        for body in bodies:
            try:
                status, reply, _ = c.ask("tee", body)
            except http.client.IncompleteRead as broken_off:
                status, reply = "broken off", broken_off.partial
                c.http.close()
            if status == 200:
                assert reply == body
            elif status == "broken off":
                assert body.startswith(reply)
            else:
                assert status == 502
            outcomes[body] = status
    return outcomes


def test_many_requests_while_servers_are_killed(hub, serve, start, tmp_path):
    """Each asker has one outcome and its own reply, and no request runs twice. FERRY_REQUESTS says
    how many there are; a server is killed every second."""
    runs = tmp_path / "runs"
    words = ("--", f"tee -a {runs}")
    servers = [serve("tee", *words) for _ in range(8)]
    share = REQUESTS // ASKERS
    over = threading.Event()

    def kill():
        """The one that has served longest; another takes its place."""
        while not over.wait(min(1, REQUESTS / 4000)):
            server = servers.pop(0)
            server.process.kill()
            server.process.wait(PATIENCE)
            servers.append(start("serve", hub.address, "tee", *words))
            killed.append(server)

    killed = []
    with ThreadPoolExecutor(ASKERS + 1) as pool:
        asked = [
            pool.submit(ask_many, hub, [b"request %d\n" % (n * share + i) for i in range(share)])
            for n in range(ASKERS)
        ]
        killer = pool.submit(kill)
        try:
            outcomes = [each.result(PATIENCE + REQUESTS / 20) for each in asked]
        finally:
            over.set()
        killer.result()
    outcomes = {body: status for each in outcomes for body, status in each.items()}
    assert len(outcomes) == share * ASKERS
    assert killed
    lost = sum(status != 200 for status in outcomes.values())
    assert lost <= len(killed)
    ran = runs.read_bytes().splitlines(keepends=True)
    assert len(ran) == len(set(ran))
    assert {body for body, status in outcomes.items() if status == 200} <= set(ran)
