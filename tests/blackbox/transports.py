"""Every kind of socket a hub listens on, and how a program that knows nothing of ferry gets there.

vsock takes part only where FERRY_TEST_VSOCK says that this is a machine that the tests started
(tests/vm): elsewhere a connect to a vsock address could reach what is not ours.
"""

import os
import re
import socket

import pytest
from program import PATIENCE

VMADDR_CID_LOCAL = 1
IPPROTO_SCTP = 132
IPPROTO_MPTCP = 262
TEST_MACHINE = "FERRY_TEST_VSOCK" in os.environ

# Of a message of 60,000 bytes every kind of packet socket has room for one.
PACKET = 60_000


class Transport:
    """A kind of socket, with the address to listen on."""

    def __init__(self, name, address, family, kind=socket.SOCK_STREAM, protocol=0):
        self.name, self.address = name, address
        self.family, self.kind, self.protocol = family, kind, protocol

    @property
    def packets(self):
        return self.kind != socket.SOCK_STREAM

    @property
    def half_closes(self):
        """SCTP has one end for both directions (RFC 9260 section 9.2)."""
        return self.protocol != IPPROTO_SCTP

    def probe(self):
        """Skips the test where the kernel lacks such sockets."""
        if self.family == socket.AF_VSOCK and not TEST_MACHINE:
            pytest.skip("vsock is tested only inside a machine that the tests started")
        try:
            self.socket().close()
        except OSError as error:
            pytest.skip(f"no {self.name} here: {error.strerror}")

    def socket(self):
        made = socket.socket(self.family, self.kind, self.protocol)
        made.settimeout(PATIENCE)
        return made

    def connect(self, address):
        """A socket connected to ADDRESS, as the hub prints it."""
        made = self.socket()
        made.connect(self.place(address))
        return made

    def place(self, address):
        if self.family == socket.AF_UNIX:
            name = address.removeprefix("unix:").partition("?")[0]
            return f"\0{name[1:]}" if name.startswith("@") else name
        port = int(re.search(r":(\d+)(\?|$)", address)[1])
        if self.family == socket.AF_VSOCK:
            return VMADDR_CID_LOCAL, port
        return ("::1" if self.family == socket.AF_INET6 else "127.0.0.1"), port


CONNECTED = [
    Transport("tcp4", "tcp4:127.0.0.1:0", socket.AF_INET),
    Transport("tcp6", "tcp6:[::1]:0", socket.AF_INET6),
    Transport("mptcp", "mptcp:127.0.0.1:0", socket.AF_INET, protocol=IPPROTO_MPTCP),
    Transport("sctp", "sctp:127.0.0.1:0", socket.AF_INET, protocol=IPPROTO_SCTP),
    Transport("unix", "unix:{path}", socket.AF_UNIX),
    Transport("unix-abstract", "unix:@{name}", socket.AF_UNIX),
    Transport(
        "unix-seqpacket", "unix:{path}?type=seqpacket", socket.AF_UNIX, socket.SOCK_SEQPACKET
    ),
    Transport("vsock", "vsock:local:0", socket.AF_VSOCK),
    Transport(
        "vsock-seqpacket", "vsock:local:0?type=seqpacket", socket.AF_VSOCK, socket.SOCK_SEQPACKET
    ),
]

DATAGRAMS = [
    Transport("udp", "udp:127.0.0.1:0", socket.AF_INET, socket.SOCK_DGRAM),
    Transport("unix-dgram", "unix:{path}?type=dgram", socket.AF_UNIX, socket.SOCK_DGRAM),
]
