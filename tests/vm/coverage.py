"""What a machine's run of a program covered, added to what its build directory has counted so far.

A program built with coverage leaves its counts (.gcda) at its build directory's path, inside the
machine as anywhere else; gcov-tool adds up those of two directories.
"""

import fcntl
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path


def is_measured(build):
    return any((build / "src").rglob("*.gcno"))


def bring_back(machine, build):
    """Adds the machine's counts to those of the directory BUILD, one machine's at a time."""
    names = machine.check(f"cd {build} && find . -name '*.gcda'").text.split()
    archive = machine.check(f"cd {build} && tar -c -f - {' '.join(names)}").output
    with tempfile.TemporaryDirectory() as name, (build / "coverage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        came, merged = Path(name) / "came", Path(name) / "merged"
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(came)
        if any(build.rglob("*.gcda")):
            command = ["gcov-tool", "merge", "-o", merged, came, build]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        else:  # the tool takes an empty directory for a mistake
            merged = came
        shutil.copytree(merged, build, dirs_exist_ok=True)
