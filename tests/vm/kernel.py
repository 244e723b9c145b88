"""The kernel that the test machines boot: Debian's cloud kernel, fetched once and unpacked.

Nothing is installed and nothing of this machine's own kernel is used: the package that
linux-image-cloud-amd64 depends on today (its name changes with every point release) is downloaded
by apt into the cache, and unpacked there. A module's dependencies stand inside its .ko file as
"depends=a,b", which is all that modprobe would know.
"""

import re
import subprocess
from pathlib import Path

META_PACKAGE = "linux-image-cloud-amd64"


class KernelMissing(Exception):
    """There is no kernel in the cache and none could be fetched; the text says why."""


class Kernel:
    def __init__(self, root):
        self.image = next((root / "boot").glob("vmlinuz-*"))
        self._modules = {
            path.stem.replace("-", "_"): path for path in (root / "lib/modules").rglob("*.ko")
        }

    def modules(self, names):
        """The files of the modules and of all that they need, each after what it depends on."""
        ordered = {}
        for name in names:
            self._add(name.replace("-", "_"), ordered)
        return list(ordered.values())

    def _add(self, name, ordered):
        if name in ordered or name not in self._modules:  # not there: built into the kernel
            return
        path = self._modules[name]
        depends = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for needed in filter(None, depends[1].decode().split(",")):
            self._add(needed.replace("-", "_"), ordered)
        ordered[name] = path


def fetch(cache):
    """The kernel in the directory CACHE, downloaded into it when it is not there yet."""
    root = cache / "kernel"
    if not root.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _download(cache)
    return Kernel(root)


def _download(cache):
    depends = _run(["apt-cache", "depends", META_PACKAGE], cache)
    package = re.search(r"Depends: (linux-image-\S+)", depends)
    if not package:
        raise KernelMissing(f"apt knows no {META_PACKAGE}; run apt-get update")
    _run(["apt-get", "-q", "download", package[1]], cache)
    archive = next(cache.glob(f"{package[1]}_*.deb"))
    unpacked = cache / "kernel.unpacking"
    _run(["dpkg", "-x", archive.name, unpacked.name], cache)
    archive.unlink()
    unpacked.rename(cache / "kernel")


def _run(command, cwd):
    shown = " ".join(command)
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise KernelMissing(f"{shown}: {error}") from error
    if done.returncode:
        said = done.stderr.strip() or f"status {done.returncode}"
        raise KernelMissing(f"{shown}: {said.splitlines()[-1]}")
    return done.stdout
