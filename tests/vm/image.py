"""An initramfs, made of files of this machine.

It is written as a cpio archive (format "newc", see the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst) straight from where the files lie, so
that it needs no staging directory and no root, not even for the device node /dev/console.
"""

import io
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path, PurePosixPath

INIT = Path(__file__).with_name("init")
CONSOLE = os.makedev(5, 1)


class Image:
    """What a machine finds in its file system: busybox, an init, and what is added."""

    def __init__(self):
        self._archive = io.BytesIO()
        self._names = set()
        for directory in ("dev", "proc", "sys", "tmp", "root", "lib64"):
            self._directory(PurePosixPath(directory))
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=CONSOLE)
        self.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        self.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
        self.text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self.text("etc/nsswitch.conf", "passwd: files\nhosts: files\n")
        self.file("/bin/busybox")
        self.file(INIT, "init")

    def text(self, name, content, mode=0o644):
        self._entry(name, stat.S_IFREG | mode, content.encode())

    def file(self, source, name=None):
        """A file, under its own path or as NAME."""
        source = Path(source)
        mode = stat.S_IFREG | stat.S_IMODE(source.stat().st_mode)
        self._entry(name or str(source).lstrip("/"), mode, source.read_bytes())

    def program(self, source, name=None):
        """An executable with the shared libraries that ldd names."""
        source = Path(shutil.which(source) or source)
        self.file(source, name or f"usr/bin/{source.name}")
        self.libraries(source)

    def libraries(self, source):
        done = subprocess.run(["ldd", source], capture_output=True, text=True)
        for library in re.findall(r"(?:=> )?(/\S+) \(0x", done.stdout):
            self.file(library)

    def tree(self, source, skip=()):
        """A directory with all that is in it, but for what is named in SKIP."""
        for directory, directories, files in os.walk(source):
            directories[:] = [name for name in directories if name not in skip]
            for name in files:
                self.file(Path(directory) / name)

    def python(self):
        """Python and pytest, with which the machine runs tests by itself."""
        version = f"3.{sys.version_info.minor}"
        library = Path(f"/usr/lib/python{version}")
        unused = ["ensurepip", "idlelib", "lib2to3", "test", f"config-{version}-x86_64-linux-gnu"]
        self.program("/usr/bin/python3")
        self.tree(library, skip=["dist-packages", *unused])
        for extension in (library / "lib-dynload").glob("*.so"):
            self.libraries(extension)
        for name in ["_pytest", "attr*", "iniconfig*", "packaging*", "pluggy*", "py.py", "pytest*"]:
            for found in Path("/usr/lib/python3/dist-packages").glob(name):
                if found.name.startswith("pytest_xdist"):
                    continue
                self.tree(found) if found.is_dir() else self.file(found)

    def modules(self, files):
        """Kernel modules, which init loads in this order."""
        for path in files:
            self.file(path, f"lib/modules/{path.name}")
        self.text("lib/modules/order", "".join(f"{path.name}\n" for path in files))

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        Path(path).write_bytes(self._archive.getvalue())
        return Path(path)

    def _directory(self, path):
        if path.name and str(path) not in self._names:
            self._directory(path.parent)
            self._entry(str(path), stat.S_IFDIR | 0o755)

    def _entry(self, name, mode, content=b"", device=0):
        if name in self._names:
            return
        self._directory(PurePosixPath(name).parent)
        self._names.add(name)
        encoded = name.encode() + b"\0"
        fields = [
            len(self._names),  # inode
            mode,
            0,  # user
            0,  # group
            1,  # links
            0,  # time
            len(content),
            0,
            0,  # the device it lies on
            os.major(device),
            os.minor(device),
            len(encoded),
            0,  # check sum
        ]
        header = b"070701" + b"".join(b"%08x" % field for field in fields)
        for part in (header + encoded, content):
            self._archive.write(part + b"\0" * (-len(part) % 4))
