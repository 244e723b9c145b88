"""Relays, and the sockets at both of their ends, in the test's own hands."""

import os
import socket
import struct
import threading

import pytest
from program import PATIENCE

BLOCK = os.urandom(1 << 20)
STREAMS = ["tcp", "unix"]


class Side:
    """A listening socket of our own: the relay's target."""

    def __init__(self, kind, directory, type=socket.SOCK_STREAM, host="127.0.0.1", port=0):
        family = socket.AF_INET if kind == "tcp" else socket.AF_UNIX
        self.socket = socket.socket(family, type)
        self.socket.settimeout(PATIENCE)
        name = f"{directory}/target"
        self.socket.bind((host, port) if kind == "tcp" else name)
        self.socket.listen(128)
        option = "?type=seqpacket" if type == socket.SOCK_SEQPACKET else ""
        inet = f"tcp:{host}:{self.socket.getsockname()[1]}" if kind == "tcp" else ""
        self.address = inet or f"unix:{name}{option}"

    def accept(self):
        connection, _ = self.socket.accept()
        connection.settimeout(PATIENCE)
        return connection


def connect(address, type=socket.SOCK_STREAM):
    if address.startswith("tcp:"):
        host, _, port = address[4:].rpartition(":")
        return socket.create_connection((host, int(port)), PATIENCE)
    client = socket.socket(socket.AF_UNIX, type)
    client.settimeout(PATIENCE)
    client.connect(address.removeprefix("unix:").partition("?")[0])
    return client


def bound(program):
    """The program of a relay, once it listens, with its `address`."""
    line = program.wait_for(r'^Listening on (\S+)|"listening","address":"([^"]+)"')
    program.address = (line[1] or line[2]).decode()
    return program


@pytest.fixture
def relay(start):
    """Starts a relay and waits until it listens."""
    return lambda *words: bound(start("relay", *words))


def in_thread(function, *args):
    result = []
    thread = threading.Thread(target=lambda: result.append(function(*args)), daemon=True)
    thread.start()

    def join():
        thread.join(6 * PATIENCE)
        assert result, f"{function.__name__} did not end"
        return result[0]

    join.done = lambda: not thread.is_alive()
    return join


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def has_ended(connection):
    return connection.recv(1) == b""
