#!/usr/bin/python3
"""Attacks a hub until it is killed: `attack.py KIND COUNT ADDRESS`. Says "ready" when all is under
way. It runs when nothing else wants its core, so that what it costs is what it costs the hub."""

import os
import re
import resource
import select
import socket
import ssl
import sys

HOST = b"Host: localhost\r\n"
HEAD = b"GET /status HTTP/1.1\r\n" + HOST + b"X-Long: "
BODY = b"POST /topics/t HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n"
PIPELINE = (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 200


def client_hello():
    """All that a TLS client says before it hears anything."""
    said = ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), said, server_hostname="a.b")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return said.read()


def connect(port, source, receive_buffer=None):
    peer = socket.socket()
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.bind((source, 0))
    peer.connect(("127.0.0.1", port))
    peer.setblocking(False)
    return peer


def say(peer, data):
    """False when the hub has closed it."""
    try:
        return peer.send(data) > 0
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


class Attack:
    """COUNT connections that begin with one thing and go on with another, each ended one replaced."""

    def __init__(self, port, count, first, then=b"", source="127.0.0.2", receive_buffer=None):
        self.port, self.first, self.then = port, first, then
        self.receive_buffer = receive_buffer
        self.sources = [source.format(2 + at // 5000) for at in range(count)]
        self.peers = [self.begin(source) for source in self.sources]

    def begin(self, source):
        peer = connect(self.port, source, self.receive_buffer)
        say(peer, self.first)
        return peer

    def go_on(self):
        for at, peer in enumerate(self.peers):
            if self.then and say(peer, self.then):
                continue
            if self.then or self.is_closed(peer):
                peer.close()
                self.peers[at] = self.begin(self.sources[at])
            if at % 100 == 0:
                select.select([], [], [], 0.01)

    @staticmethod
    def is_closed(peer):
        try:
            return peer.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True


def main():
    kind, count, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    port = int(re.search(r"127\.0\.0\.1:(\d+)", address)[1])
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    attack = {
        "heads": lambda: Attack(port, count, HEAD, b"x"),
        "bodies": lambda: Attack(port, count, BODY, b"x"),
        "readers": lambda: Attack(port, count, PIPELINE, receive_buffer=4096),
        "half-hellos": lambda: Attack(port, count, client_hello()[:25], source="127.0.0.{}"),
        "hellos": lambda: Attack(port, count, client_hello(), source="127.0.0.{}"),
        "crowd": lambda: Attack(port, count, HEAD),
    }[kind]()
    print("ready", flush=True)
    while True:
        attack.go_on()
        select.select([], [], [], 0.2)


main()
