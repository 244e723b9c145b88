"""What a hub, or a relay, gives up once it listens: shown by one whose handler has a hole
(tests/hijacked), which tries what clients tell it."""

import os
import pathlib
import pwd
import signal
import socket
import tempfile

import pytest
from hub import Hub
from paths import BUILD, FERRY, SANITIZED
from program import Program
from relays import Side, bound, connect, relay  # noqa: F401
from test_status import figures_of
from web import HOST, ask

HIJACKED = BUILD / "tests/hijacked/ferry-hijacked"
INSTRUMENTED = SANITIZED or b"__gcov_" in FERRY.read_bytes()
ROOT = os.geteuid() == 0

as_root = pytest.mark.skipif(not ROOT, reason="only root can become another user")


@pytest.fixture
def hijack(environment, tmp_path):
    """hijack("--no-sandbox", kills=True) starts a hub with a hole."""
    hubs = []

    def run(*options, kills=False, address="tcp:localhost:0"):
        own = environment | {"FERRY_SANDBOX": "kill" if kills else ""}
        hubs.append(Hub(HIJACKED, [address], options, env=own, cwd=tmp_path))
        return hubs[-1]

    yield run
    for hub in hubs:
        hub.discard()


def outcome(hub, attack):
    """How the attack went, as the hub itself says."""
    with hub.peer() as peer:
        peer.send(f"hijack: {attack}\n")
        return hub.wait_for(rf" sent: {attack}: (\w+)$")[1].decode()


@pytest.fixture
def target():
    """Someone who would take a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def secrets(tmp_path_factory):
    """What a hub has no business with: a directory that only its own rules keep it from."""
    directory = tmp_path_factory.mktemp("secrets")
    (directory / "key").write_text("a key")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(directory / "agent"))
        server.listen()
        yield directory


# What seccomp denies (EPERM), and Landlock (EACCES). In sanitized builds the sanitizers may do some.
CALLS = ["fork", "execute /bin/true", "trace", "run-memory", "mount /mnt", "namespace", "ring"]
CALLS += ["signal", "own", "async", "type", "connect {target}", "connect-unix {secrets}/agent"]
FILES = ["open /etc/passwd", "open /etc/shadow", "open /proc/self/mem", "open {secrets}/key"]
FILES += ["list /", "list {secrets}", "write {secrets}/new", "remove {secrets}/key"]
OF_SANITIZERS = ["fork", "execute", "trace", "run-memory", "signal", "open /proc"]


def is_of_sanitizers(attack):
    return INSTRUMENTED and attack.startswith(tuple(OF_SANITIZERS))


def test_a_hijacked_handler_gets_nowhere(hijack, target, secrets):
    hub = hijack()
    for attacks, error in ((CALLS, "EPERM"), (FILES, "EACCES")):
        for attack in attacks:
            attack = attack.format(target=target, secrets=secrets)
            if not is_of_sanitizers(attack):
                assert (attack, outcome(hub, attack)) == (attack, error)
    assert (secrets / "key").exists()
    with hub.peer() as peer:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json["messages_in"] > 0
    hub.stop()


@pytest.mark.parametrize("attack", ["open /etc/passwd", "list /", "write {secrets}/new", "fork", "own", "async"])
def test_without_the_sandbox_it_would(hijack, secrets, attack):
    hub = hijack("--no-sandbox")
    assert outcome(hub, attack.format(secrets=secrets)) == "done"
    hub.stop()


def test_without_the_sandbox_it_would_connect(hijack, target, secrets):
    hub = hijack("--no-sandbox")
    assert outcome(hub, f"connect {target}") == "done"
    assert outcome(hub, f"connect-unix {secrets}/agent") == "done"
    assert outcome(hub, f"open {secrets}/key") == "done"
    assert outcome(hub, f"remove {secrets}/key") == "done"
    assert not (secrets / "key").exists()
    hub.stop()


@pytest.mark.skipif(INSTRUMENTED, reason="sanitizers may start programs")
def test_without_the_sandbox_it_would_run_a_program(hijack):
    hub = hijack("--no-sandbox")
    with hub.peer() as peer:
        peer.send("hijack: execute /bin/true\n")
        hub.wait(0)


@pytest.mark.parametrize("attack", ["namespace", "mount /mnt", "ring", "connect 1"])
def test_where_calls_kill_a_forgotten_one_is_seen(hijack, attack):
    """So that the other tests, all of which run this way, find what the list lacks."""
    hub = hijack(kills=True)
    with hub.peer() as peer:
        peer.send(f"hijack: {attack}\n")
        assert hub.process.wait(10) == -signal.SIGSYS


def test_its_own_files_stay_in_reach(hijack, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/old").touch()
    hub = hijack(f"--store={tmp_path}/own/hub.db")
    assert outcome(hub, f"write {tmp_path}/own/new") == "done"
    assert outcome(hub, f"remove {tmp_path}/own/old") == "done"
    assert outcome(hub, f"write {tmp_path}/new") == "EACCES"
    hub.stop()


def test_a_socket_file_may_only_be_removed(hijack, tmp_path):
    (tmp_path / "run").mkdir()
    hub = hijack(address=f"unix:{tmp_path}/run/hub")
    with hub.peer() as peer:
        peer.send(f"hijack: write {tmp_path}/run/new\n")
        hub.wait_for("new: EACCES$")
    hub.stop()
    assert not list((tmp_path / "run").iterdir())


def test_what_is_in_force_is_told(start_hub, ferry):
    hub = start_hub("tcp:localhost:0", "-v")
    in_force = figures_of(ferry, hub)["sandbox"]
    assert "seccomp" in in_force
    assert f"ferry: sandbox: {in_force}\n" in hub.errors.decode()
    open_hub = start_hub("tcp:localhost:0", "--no-sandbox")
    assert figures_of(ferry, open_hub)["sandbox"] == "none"


def state(hub):
    """The lines of /proc/PID/status."""
    lines = pathlib.Path(f"/proc/{hub.process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_every_thread_is_confined(start_hub, tmp_path):
    hub = start_hub("tcp:localhost:0", f"--store={tmp_path}/hub.db")
    tasks = list(pathlib.Path(f"/proc/{hub.process.pid}/task").iterdir())
    assert len(tasks) > 1
    for task in tasks:
        lines = (task / "status").read_text()
        assert "NoNewPrivs:\t1" in lines
        assert "Seccomp:\t2" in lines


@pytest.fixture
def nobodys():
    """A directory of the user nobody; those of tests are not open to other users."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="ferry-test-") as directory:
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        yield pathlib.Path(directory)


@as_root
def test_user(start_hub, nobodys):
    nobody = pwd.getpwnam("nobody")
    hub = start_hub("tcp:localhost:0", "--user=nobody", f"--store={nobodys}/hub.db")
    now = state(hub)
    assert now["Uid"].split() == [str(nobody.pw_uid)] * 4
    assert now["Gid"].split() == [str(nobody.pw_gid)] * 4
    assert now["Groups"].split() in ([], [str(nobody.pw_gid)])
    assert int(now["CapEff"], 16) == int(now["CapPrm"], 16) == 0
    assert (nobodys / "hub.db").stat().st_uid == nobody.pw_uid
    with hub.peer() as peer:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").status == 200
    hub.stop()


def test_a_user_that_cannot_be(ferry):
    result = ferry("listen", "tcp:localhost:0", "--user=no-such-user")
    assert result.returncode != 0
    assert "there is no such user" in result.stderr
    assert result.stdout == ""


# ---- a relay


@pytest.fixture
def side(tmp_path):
    """The target, which relays may connect to."""
    return Side("tcp", tmp_path)


@pytest.fixture
def hijack_relay(environment, tmp_path, side):
    """A relay with a hole, and how attacks on it go."""
    programs = []

    def run(*options, address=None):
        words = ["relay", "tcp:127.0.0.1:0", address or side.address, "--dump=-", *options]
        own = environment | {"FERRY_SANDBOX": ""}
        programs.append(bound(Program([HIJACKED, *words], env=own, cwd=tmp_path)))

        def attacked(attack):
            with connect(programs[-1].address) as peer:
                peer.sendall(f"hijack: {attack}".encode())
                return programs[-1].wait_for_error(rf"^{attack}: (\w+)$")[1].decode()

        return attacked

    yield run
    for program in programs:
        program.discard()


def test_a_hijacked_relay_gets_no_further(hijack_relay, target, secrets):
    """It may connect, for that is what it does, but over TCP only to where its target is."""
    attacked = hijack_relay()
    calls = [call for call in CALLS if not call.startswith("connect")]
    for attacks, error in ((calls, "EPERM"), ([*FILES, "connect {target}"], "EACCES")):
        for attack in attacks:
            attack = attack.format(target=target, secrets=secrets)
            if not is_of_sanitizers(attack):
                assert (attack, attacked(attack)) == (attack, error)
    assert (secrets / "key").exists()


def test_a_relay_without_the_sandbox(hijack_relay, target, secrets):
    attacked = hijack_relay("--no-sandbox")
    for attack in (f"connect {target}", f"open {secrets}/key", "fork"):
        assert (attack, attacked(attack)) == (attack, "done")


def test_every_thread_of_a_relay_is_confined(relay, side):
    program = relay("tcp:127.0.0.1:0", side.address, "--threads=3", "-v")
    assert "seccomp" in program.wait_for_error("sandbox: (.+)")[1].decode()
    tasks = list(pathlib.Path(f"/proc/{program.process.pid}/task").iterdir())
    assert len(tasks) >= 3
    for task in tasks:
        assert "NoNewPrivs:\t1" in (task / "status").read_text()
        assert "Seccomp:\t2" in (task / "status").read_text()


def test_a_relay_to_programs_says_that_it_is_not_confined(relay):
    program = relay("tcp:127.0.0.1:0", "exec:cat", "-v")
    program.wait_for_error("sandbox: none, as the programs of exec: would be in it")
    assert "Seccomp:\t0" in pathlib.Path(f"/proc/{program.process.pid}/status").read_text()
