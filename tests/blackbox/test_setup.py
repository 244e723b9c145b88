"""scripts/setup, on a machine made of stand-ins for dpkg-query, apt-get, sudo and id."""

import subprocess

import pytest
from paths import ROOT


class Machine:
    def __init__(self, directory):
        self.bin = directory / "bin"
        self.log = directory / "log"
        self.policy = directory / "policy-rc.d"
        self.bin.mkdir()
        self.log.write_text("")
        for tool in ("sh", "sed", "sort", "grep", "tee", "chmod", "rm", "env", "cat"):
            (self.bin / tool).symlink_to(f"/bin/{tool}")
        self.program("apt-get", f'echo "apt-get $*" >>{self.log}')
        self.program("systemctl", f'echo "systemctl $*" >>{self.log}')
        self.program("id", "echo 0")
        self.lacks()

    def program(self, name, script):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def lacks(self, *packages):
        """dpkg-query answers for every package but these, one of which it half knows."""
        pattern = "|".join([*packages, "-*"])
        loop = f'for p; do case $p in {pattern}) ;; *) echo "installed $p" ;; esac; done'
        self.program("dpkg-query", f"{loop}\necho 'not-installed meson'")

    def setup(self, *groups):
        result = subprocess.run(
            ["/bin/sh", ROOT / "scripts/setup", *groups],
            env={"PATH": str(self.bin), "SETUP_POLICY": str(self.policy)},
            capture_output=True,
            text=True,
        )
        return result, self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_missing_does_nothing(machine):
    result, log = machine.setup("check")
    assert (result.returncode, result.stdout, result.stderr, log) == (0, "", "", [])


def test_installs_only_what_is_missing(machine):
    machine.lacks("ninja-build", "libuv1-dev")
    result, log = machine.setup("build")
    assert result.returncode == 0
    assert result.stdout.splitlines() == ["setup: installing libuv1-dev ninja-build"]
    assert "update" in log[0]
    assert log[1].endswith(" install libuv1-dev ninja-build")
    assert len(log) == 2


def test_a_service_is_not_started(machine):
    machine.lacks("redis-server")
    machine.program("apt-get", f"{machine.policy} redis-server start; echo $? >>{machine.log}")
    result, log = machine.setup("bench")
    assert (result.returncode, log[:2]) == (0, ["101", "101"])
    assert not machine.policy.exists()


def test_a_policy_that_was_there_stays(machine):
    machine.lacks("redis-server")
    machine.policy.write_text("mine")
    assert machine.setup("bench")[0].returncode == 0
    assert machine.policy.read_text() == "mine"


def test_a_service_is_not_left_enabled(machine):
    machine.lacks("redis-server")
    _, log = machine.setup("bench")
    assert log[-1] == "systemctl --quiet disable redis-server.service"


def test_goes_through_sudo(machine):
    machine.lacks("libuv1-dev")
    machine.program("id", "echo 1000")
    machine.program("sudo", f'echo "sudo $1" >>{machine.log}; "$@"')
    result, log = machine.setup("build")
    assert result.returncode == 0
    assert [line for line in log if line.startswith("apt-get")] and "sudo apt-get" in log


def test_neither_root_nor_sudo_is_told(machine):
    machine.lacks("libuv1-dev")
    machine.program("id", "echo 1000")
    result, log = machine.setup("build")
    assert (result.returncode, log) == (77, [])
    assert "apt-get install --no-install-recommends libuv1-dev" in result.stderr


def test_a_failed_install_fails(machine):
    machine.lacks("libuv1-dev")
    machine.program("apt-get", "exit 100")
    assert machine.setup("build")[0].returncode == 100
    assert not machine.policy.exists()


@pytest.mark.parametrize("groups", [[], ["bulid"]])
def test_wrong_words_are_told(machine, groups):
    result, log = machine.setup(*groups)
    assert (result.returncode, log) == (64, [])
    assert "usage" in result.stderr
