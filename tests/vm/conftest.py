"""The machines that the tests run on, booted once for all of them.

`machine` is a single one, whose vsock loopback joins it to itself. `host` and `guest` are two, the
guest inside the host. Tests of the one run beside those of the two.

A test gets a MachineFault, with the machine's console, when a machine hangs, panics or is gone; the
tests after it get a new machine.
"""

import functools
import os
import platform
import shutil
import tempfile
from pathlib import Path

import coverage
import kernel
import machine as machines
import pytest
from image import Image

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FERRY = Path(os.environ.get("FERRY", ROOT / "build" / "ferry")).resolve()
UNIT = FERRY.parent / "tests" / "unit"
BLACKBOX = ROOT / "tests" / "blackbox"
CACHE = ROOT / "build" / "vm"
GUEST_CID = 3

UNIT_TESTS = ["unit-dial", "unit-holder", "unit-listener", "unit-vsock"]

DIAGNOSTICS = ["unix_diag", "tcp_diag", "udp_diag", "vsock_diag"]
# The kernel's TLS, and the ciphers that it would load itself where there is a modprobe.
TLS = ["tls", "gcm", "ctr", "ghash_generic", "aesni_intel", "chacha20poly1305", "chacha_generic"]
TLS += ["poly1305_generic"]
ONE = ["vsock_loopback", "sctp", "sctp_diag", *TLS, *DIAGNOSTICS]
HOST = ["vsock_loopback", "vhost_vsock", "kvm_amd", *DIAGNOSTICS]
GUEST = ["virtio_pci", "vsock_loopback", "vmw_vsock_virtio_transport", *DIAGNOSTICS]

ROMS = ["/usr/share/qemu/kvmvapic.bin", "/usr/share/qemu/linuxboot_dma.bin"]
BIOS = "/usr/share/seabios/bios-256k.bin"
ACCELERATOR = "/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so"


def pytest_configure(config):
    """Before there are workers, each of which would fetch the kernel."""
    if not hasattr(config, "workerinput"):
        _why_not()


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups, which are a worker's each
def pytest_collection_modifyitems(items):
    for item in items:
        group = "two" if "two" in item.fixturenames else "one"
        item.add_marker(pytest.mark.xdist_group(group))
        if _why_not():
            item.add_marker(pytest.mark.skip(reason=_why_not()))


def pytest_terminal_summary(terminalreporter):
    """The line that scripts and people look for."""
    if _why_not():
        terminalreporter.write_line(f"no test machines here: {_why_not()}")
    counts = {kind: len(reports) for kind, reports in terminalreporter.stats.items()}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    skipped = f", {counts['skipped']} skipped" if "skipped" in counts else ""
    terminalreporter.write_line(f"{counts.get('passed', 0)} passed, {failed} failed{skipped}")


@functools.cache
def _why_not():
    if platform.machine() != "x86_64":
        return f"they are x86_64 and this is {platform.machine()}"
    for program in (machines.QEMU, "busybox", "socat"):
        if not shutil.which(program):
            return f"{program} is not installed"
    try:
        kernel.fetch(CACHE)
    except kernel.KernelMissing as error:
        return f"no kernel: {error}"
    return None


@pytest.fixture(scope="session")
def linux():
    return kernel.fetch(CACHE)


@pytest.fixture(scope="session")
def images():
    """The directory of the images of the machines."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        yield Path(name)


def _image(linux, modules):
    image = Image()
    image.modules(linux.modules(modules))
    image.program("socat")
    image.program(FERRY, "usr/bin/ferry")
    return image


def _one_image(linux):
    image = _image(linux, ONE)
    image.python()
    image.tree(BLACKBOX)
    image.program("openssl")
    image.file("/etc/ssl/openssl.cnf")
    image.file("/etc/ssl/openssl.cnf", "usr/lib/ssl/openssl.cnf")
    for name in UNIT_TESTS:
        image.program(UNIT / name)
    return image


def _host_image(linux, guest):
    image = _image(linux, HOST)
    image.program(machines.QEMU)
    image.program(ACCELERATOR, ACCELERATOR.lstrip("/"))
    image.file(BIOS, f"usr/share/qemu/{Path(BIOS).name}")
    for rom in ROMS:
        image.file(rom)
    image.file(linux.image, "boot/vmlinuz")
    image.file(guest, "boot/guest")
    return image


def boot_guest(host):
    return host.boot_inside(GUEST_CID, "/boot/guest")


class Keeper:
    """Boots a machine when it is first asked for, and again when the last one is gone."""

    def __init__(self, boot):
        self._boot = boot
        self._machine = None

    def get(self):
        if self._machine and not self._machine.answers():
            self.end()
        self._machine = self._machine or self._boot()
        return self._machine

    def end(self):
        if self._machine:
            _bring_back_coverage(self._machine)
            self._machine.end()
        self._machine = None


def _bring_back_coverage(machine):
    if coverage.is_measured(FERRY.parent):
        for each in filter(None, [machine.inner, machine]):
            if each.answers():
                coverage.bring_back(each, FERRY.parent)


@pytest.fixture(scope="session")
def one(linux, images):
    image = _one_image(linux).write(images / "one")
    keeper = Keeper(lambda: machines.boot(linux, image, images, memory=512))
    yield keeper
    keeper.end()


@pytest.fixture(scope="session")
def two(linux, images):
    guest = _image(linux, GUEST).write(images / "guest")
    image = _host_image(linux, guest).write(images / "host")
    keeper = Keeper(lambda: machines.boot(linux, image, images, memory=768))
    yield keeper
    keeper.end()


@pytest.fixture
def machine(one):
    return one.get()


@pytest.fixture
def host(two):
    return two.get()


@pytest.fixture
def guest(host):
    if not host.inner or not host.inner.answers():
        boot_guest(host)
    return host.inner
