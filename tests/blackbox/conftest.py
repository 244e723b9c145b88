"""The fixtures of the black-box tests.

    ferry("send", hub.address, "hi")    runs a command to its end: returncode, stdout, stderr
    start("follow", hub.address)        starts one and goes on: a Program
    spawn("nc", "-U", path)             the same with any other program
    start_hub("unix:/x/y", "--json")    starts a hub: a Hub, ready to be connected to
    hub                                 a hub on a free port of localhost
    client()                            a connection to it that asks, or serves

A hub that a test did not stop is stopped after it, and must then end with status 0 and leave
neither process nor socket file; a sanitizer's finding fails the test wherever it appears. Every
test has a home directory and a working directory of its own.
"""

import os
import subprocess

import pytest
from hub import Hub
from paths import FERRY
from program import PATIENCE, SANITIZER, Program
from service import Client


@pytest.fixture
def environment(tmp_path):
    own = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "TERM": "dumb", "FERRY_SANDBOX": "kill"}
    for name in ("CONFIG", "DATA", "STATE", "CACHE", "RUNTIME"):
        own[f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}"] = str(tmp_path)
    return os.environ | own


@pytest.fixture
def ferry(environment, tmp_path):
    def run(*words, timeout=PATIENCE, text=True, **options):
        result = subprocess.run(
            [FERRY, *words],
            capture_output=True,
            text=text,
            timeout=timeout,
            env=environment,
            cwd=tmp_path,
            **options,
        )
        errors = result.stderr.encode() if text else result.stderr
        assert not SANITIZER.search(errors), result.stderr
        return result

    return run


@pytest.fixture
def spawn(environment, tmp_path):
    """Programs that a test leaves running are killed after it."""
    programs = []

    def run(*words):
        programs.append(Program(words, env=environment, cwd=tmp_path))
        return programs[-1]

    yield run
    for program in programs:
        program.discard()


@pytest.fixture
def start(spawn):
    return lambda *words: spawn(FERRY, *words)


@pytest.fixture
def start_hub(environment, tmp_path):
    hubs = []

    def run(*words, within=()):
        """WITHIN is a program that runs the rest of its command line, as prlimit does."""
        addresses = [word for word in words if not word.startswith("-")]
        options = [word for word in words if word.startswith("-")]
        hubs.append(Hub(FERRY, addresses, options, within, env=environment, cwd=tmp_path))
        return hubs[-1]

    yield run
    try:
        for hub in hubs:
            if hub.process.returncode is None:
                hub.stop()
    finally:
        for hub in hubs:
            hub.discard()


@pytest.fixture
def hub(start_hub):
    return start_hub("tcp:localhost:0")


@pytest.fixture
def client(hub):
    """Connections that ask, or serve."""
    clients = []

    def connect():
        clients.append(Client(hub))
        return clients[-1]

    yield connect
    for each in clients:
        each.http.close()
