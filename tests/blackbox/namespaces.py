"""Ferry where the test has changed what lies below it, and nobody else notices."""

import shutil
import subprocess

from paths import FERRY


def can_mount():
    """Whether a mount namespace of one's own can be had without being root."""
    command = ["unshare", "-Urmn", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(
        command, stderr=subprocess.DEVNULL
    ).returncode


def in_namespace(tmp_path, before, *, network=False):
    """A program that runs ferry where BEFORE was done; NETWORK: on one of its own, of nothing but lo."""
    program = tmp_path / "ferry-inside"
    options = "-Urmn" if network else "-Urm"
    program.write_text(f"""#!/bin/sh
exec unshare {options} sh -ec '{before}; exec {FERRY} "$@"' sh "$@"
""")
    program.chmod(0o755)
    return program
