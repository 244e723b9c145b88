"""The other end of a connection, in the test's own hands."""

import re
import socket
import struct

from program import PATIENCE


def place(address):
    """Family and sockaddr of ADDRESS, as the hub prints it."""
    if match := re.match(r"(?:unix:)?@([^?]+)", address):
        return socket.AF_UNIX, f"\0{match[1]}"
    if match := re.match(r"unix:([^?]+)", address):
        return socket.AF_UNIX, match[1]
    match = re.fullmatch(r"tcp:(?:\[(.+)\]|(.+)):(\d+)", address)
    family = socket.AF_INET6 if match[1] else socket.AF_INET
    return family, (match[1] or match[2], int(match[3]))


class Peer:
    """A stream socket connected to ADDRESS. Every wait ends, at the latest with PATIENCE."""

    def __init__(self, address, receive_buffer=None):
        family, where = place(address)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect(where)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def name(self):
        """What the hub calls a TCP client."""
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def send_bytewise(self, data):
        """Each byte in a packet of its own."""
        for at in range(len(data)):
            self.socket.sendall(data[at : at + 1])

    def _more(self):
        data = self.socket.recv(1 << 16)
        self.unread += data
        return data

    def read(self, count):
        while len(self.unread) < count:
            assert self._more(), f"ended after {self.unread}"
        data, self.unread = self.unread[:count], self.unread[count:]
        return data

    def until(self, mark):
        """Everything up to MARK and with it."""
        while mark not in self.unread:
            assert self._more(), f"ended without {mark} after {self.unread[-1000:]}"
        return self.read(self.unread.index(mark) + len(mark))

    def line(self):
        return self.until(b"\n")[:-1]

    def rest(self):
        """Everything until the hub ends its direction."""
        while self._more():
            pass
        data, self.unread = self.unread, b""
        return data

    def end(self):
        """Sends no more, but reads."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Vanishes: what is on its way is lost, and the hub gets ECONNRESET."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()
