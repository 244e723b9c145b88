"""ferry who: real sockets of real processes, as they are known from elsewhere."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import pytest
from namespaces import in_namespace, needs_namespaces
from paths import FERRY
from program import Program

NOBODY = 65534
NO_ONE = 69


@pytest.fixture
def who(ferry):
    """The objects that `ferry who --json` prints."""

    def run(*words, **options):
        result = ferry("who", "--json", *words, **options)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


def listening(found):
    """Of all that has a port those that listen: others' connections may have its number elsewhere."""
    return [each for each in found if each["state"] == "listening"]


@contextlib.contextmanager
def bound(family, kind, address, backlog=None):
    with socket.socket(family, kind) as made:
        made.bind(address)
        if backlog is not None:
            made.listen(backlog)
        yield made


@pytest.fixture
def program(tmp_path):
    """Starts another program; it is ended after the test."""
    with contextlib.ExitStack() as started:

        def run(*command):
            made = Program(command, cwd=tmp_path)
            started.callback(made.discard)
            return made

        yield run


def python(program, script, *words):
    return program(sys.executable, "-u", "-c", script, *words)


LISTENER = """
import socket, sys
made = socket.socket(getattr(socket, sys.argv[1]), getattr(socket, sys.argv[2]))
address = sys.argv[3]
if sys.argv[1] == "AF_UNIX":
    made.bind(address.replace("@", chr(0), 1))
else:
    made.bind((address, 0))
if sys.argv[2] != "SOCK_DGRAM":
    made.listen(5)
print("at", made.getsockname()[1] if sys.argv[1] != "AF_UNIX" else address)
sys.stdin.read()
"""


def test_a_listener_and_its_process(who, program):
    server = python(program, LISTENER, "AF_INET", "SOCK_STREAM", "127.0.0.1")
    port = server.wait_for(r"at (\d+)")[1].decode()
    (found,) = listening(who(port))
    assert found["address"] == f"tcp:127.0.0.1:{port}"
    assert found["state"] == "listening"
    assert (found["waiting"], found["backlog"]) == (0, 5)
    assert found["uid"] == os.getuid()
    assert found["unknown"] == []
    (process,) = found["processes"]
    assert process["pid"] == server.process.pid
    assert process["uid"] == os.getuid()
    assert process["command"].startswith(sys.executable)
    assert process["command"].endswith("SOCK_STREAM 127.0.0.1")


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_SEQPACKET", "SOCK_DGRAM"])
@pytest.mark.parametrize("where", ["path", "abstract"])
def test_unix_sockets(who, program, tmp_path, kind, where):
    name = "socket" if where == "path" else f"@{tmp_path.name}-{os.getpid()}"
    server = python(program, LISTENER, "AF_UNIX", kind, name)
    server.wait_for("at ")
    (found,) = who(str(tmp_path / name) if where == "path" else name)
    kinds = {"SOCK_SEQPACKET": "?type=seqpacket", "SOCK_DGRAM": "?type=dgram"}
    assert found["address"] == f"unix:{name}{kinds.get(kind, '')}"
    assert found["state"] == ("bound" if kind == "SOCK_DGRAM" else "listening")
    assert [process["pid"] for process in found["processes"]] == [server.process.pid]


def test_who_takes_datagrams_has_no_connection(who, tmp_path):
    """Though the kernel has it as connected, once somebody connects to it."""
    path = str(tmp_path / "log")
    with bound(socket.AF_UNIX, socket.SOCK_DGRAM, path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.connect(path)
            (found,) = who(path)
            assert (found["state"], found.get("peer")) == ("bound", None)
            assert found["address"] in [each["address"] for each in who()]


def test_udp(who, program):
    server = python(program, LISTENER, "AF_INET6", "SOCK_DGRAM", "::1")
    port = server.wait_for(r"at (\d+)")[1].decode()
    (found,) = who(f"udp:localhost:{port}")
    assert (found["address"], found["state"]) == (f"udp:[::1]:{port}", "bound")
    assert [process["pid"] for process in found["processes"]] == [server.process.pid]


def connect_at_last(path, server):
    """A connection to a server that may just be starting."""
    while True:
        assert server.process.poll() is None, server
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
            return client
        except (FileNotFoundError, ConnectionRefusedError):
            client.close()


def test_netcat(who, program, tmp_path):
    path = tmp_path / "nc"
    server = program("nc", "-l", "-U", path)
    with connect_at_last(path, server):
        found = who(str(path))
    assert found[0]["processes"][0]["name"] == "nc"
    assert found[0]["processes"][0]["command"] == f"nc -l -U {path}"


def test_several_processes_hold_one_socket(who):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 1) as server:
        server.set_inheritable(True)
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        try:
            (found,) = listening(who(str(server.getsockname()[1])))
        finally:
            child.kill()
            child.wait()
    names = {process["pid"]: process["name"] for process in found["processes"]}
    assert names.keys() == {os.getpid(), child.pid}


def test_connections_of_a_port(who):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 3) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hello")
            (listener, connection) = who(f"localhost:{port}")
            assert listener["waiting"] == 1
            assert connection["state"] == "established"
            assert connection["received"] == 5
            assert connection["peer"] == {"address": "127.0.0.1:%d" % client.getsockname()[1]}


def test_the_peer_of_a_unix_connection(who, program, tmp_path):
    path = tmp_path / "socket"
    with bound(socket.AF_UNIX, socket.SOCK_STREAM, str(path), 3) as server:
        script = "import socket,sys; s=socket.socket(1); s.connect(sys.argv[1]); sys.stdin.read()"
        client = python(program, script, path)
        connection, _ = server.accept()
        with connection:
            found = who(str(path))[1]
    assert [process["pid"] for process in found["peer"]["processes"]] == [client.process.pid]


def test_all_interfaces_and_one(who):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        for address in (port, f"127.0.0.1:{port}", f"[::1]:{port}", f"tcp:*:{port}"):
            found = listening(who(str(address)))
            assert [each["address"] for each in found] == [f"tcp:*:{port}"]


def test_the_list_has_what_ss_lists(who):
    """Others come and go meanwhile, so it may miss only what was not there all the time."""
    command = ["ss", "--no-header", "--tcp", "--listening", "--numeric", "--processes"]

    def listed():
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = set()
        for line in lines.splitlines():
            state, waiting, backlog, address, *rest = line.split()
            pids = frozenset(int(pid) for pid in re.findall(r"pid=(\d+)", line))
            found.add((int(address.rpartition(":")[2]), int(backlog), pids))
        return found

    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 17) as server:
        before = listed()
        found = who()
        after = listed()
        assert any(entry[0] == server.getsockname()[1] for entry in before)
    ours = {
        (
            int(entry["address"].rpartition(":")[2]),
            entry["backlog"],
            frozenset(process["pid"] for process in entry["processes"]),
        )
        for entry in found
        if entry["state"] == "listening" and entry["address"].startswith(("tcp:", "mptcp:"))
    }
    assert before & after <= ours


def test_the_pids_are_those_of_lsof(who):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 1) as server:
        port = server.getsockname()[1]
        command = ["lsof", "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"]
        pids = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        (found,) = listening(who(str(port)))
        assert [process["pid"] for process in found["processes"]] == [int(pid) for pid in pids]


# Holds a socket, as a process of a unit, while it runs a program.
IN_UNIT = """
import os, socket, subprocess, sys
held = socket.socket(socket.AF_UNIX)
held.bind("web")
held.listen()
subprocess.run(["mount", "--bind", "cgroup", f"/proc/{os.getpid()}/cgroup"], check=True)
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


@needs_namespaces
def test_the_unit_of_a_process(who, monkeypatch, tmp_path):
    """As systemd would have it: a group named after the unit, and one of the unit's own inside."""
    (tmp_path / "cgroup").write_text("0::/system.slice/web.service/workers\n")
    (tmp_path / "in-unit.py").write_text(IN_UNIT)
    inside = in_namespace(tmp_path, f'exec {sys.executable} in-unit.py {FERRY} "$@"')
    monkeypatch.setattr("conftest.FERRY", inside)
    (found,) = who("unix:web")
    (process,) = found["processes"]
    assert process["command"].endswith("who --json unix:web")
    assert process["cgroup"] == "/system.slice/web.service/workers"
    assert process["unit"] == "web.service"


def test_people_get_a_table(ferry):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 7) as server:
        port = server.getsockname()[1]
        heading, row = ferry("who", f"tcp:127.0.0.1:{port}").stdout.splitlines()
    columns = ["ADDRESS", "STATE", "QUEUE", "PEER", "USER", "PID", "UNIT", "COMMAND"]
    assert heading.split() == columns
    cells = dict(zip(columns, re.split(r"  +", row)))
    assert cells["ADDRESS"] == f"tcp:127.0.0.1:{port}"
    assert cells["QUEUE"] == "0 of 7"
    assert cells["PID"] == str(os.getpid())
    assert heading.index("STATE") == row.index("listening")


def test_a_name_cannot_break_the_table(ferry, tmp_path):
    name = f"\0{tmp_path.name}\n\x1b[2J"
    with bound(socket.AF_UNIX, socket.SOCK_STREAM, name, 1):
        result = ferry("who")
    (row,) = [line for line in result.stdout.splitlines() if tmp_path.name in line]
    assert row.split()[:2] == [f"unix:@{tmp_path.name}%0A%1B[2J", "listening"]


def test_no_one(ferry):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = ferry("who", f"udp:localhost:{port}")
    assert (result.returncode, result.stdout) == (NO_ONE, "")
    assert result.stderr == f"ferry: no one holds udp:localhost:{port}\n"


@pytest.mark.parametrize("word", ["-", "fd:3", "exec:cat", "tcp:localhost:99999", "systemd:"])
def test_what_no_other_can_hold(ferry, word):
    result = ferry("who", word)
    assert (result.returncode, result.stdout) == (64, "")
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture
def as_nobody(ferry):
    """How a command is run as another user."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        ferry("--version", **user)
    except PermissionError:
        pytest.skip("other users cannot reach the program")
    return user


def test_without_root_it_says_what_it_may_not_see(ferry, who, as_nobody):
    with bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), 2) as server:
        port = str(server.getsockname()[1])
        (found,) = who(f"127.0.0.1:{port}", **as_nobody)
        assert (found["processes"], found["unknown"]) == ([], ["processes"])
        assert (found["backlog"], found["user"]) == (2, "root")
        result = ferry("who", f"127.0.0.1:{port}", **as_nobody)
    cells = re.split(r"  +", result.stdout.splitlines()[1])
    assert cells[4:] == ["root", "?", "?", "?"]
    assert result.stderr == "ferry: ? is a process of another user, which only root is shown\n"


def test_its_system_calls_are_shown(ferry):
    result = ferry("who", "--trace", "udp:127.0.0.1:9")
    assert result.stderr.startswith("socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, ")
