"""Ferry where the test has changed what lies below it, and nobody else notices."""

import shutil
import subprocess
import sys

import pytest
from paths import FERRY


def can_mount():
    """Whether a mount namespace of one's own can be had without being root."""
    command = ["unshare", "-Urmn", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(
        command, stderr=subprocess.DEVNULL
    ).returncode


needs_namespaces = pytest.mark.skipif(not can_mount(), reason="no namespaces to be had")


def in_namespace(tmp_path, before, *, network=False):
    """A program that runs ferry where BEFORE was done; NETWORK: on one of its own, with lo alone."""
    program = tmp_path / "ferry-inside"
    options = "-Urmn" if network else "-Urm"
    program.write_text(f"""#!/bin/sh
exec unshare {options} sh -ec '{before}; exec {FERRY} "$@"' sh "$@"
""")
    program.chmod(0o755)
    return program


# Takes the questions for names, and becomes another program.
SILENT = """
import os, socket, sys
taker = socket.socket(type=socket.SOCK_DGRAM)
taker.bind(("127.0.0.1", 53))
taker.set_inheritable(True)
os.execv(sys.argv[1], sys.argv[1:])
"""


def with_silent_resolver(tmp_path):
    """The same where whoever is asked for a name says nothing, for longer than a test waits."""
    resolv, silent = tmp_path / "resolv.conf", tmp_path / "silent.py"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    silent.write_text(SILENT)
    steps = [
        "ip link set lo up",
        f"mount --bind {resolv} /etc/resolv.conf",
        f'exec {sys.executable} {silent} {FERRY} "$@"',
    ]
    return in_namespace(tmp_path, "; ".join(steps), network=True)
