"""One suite that a hub passes on every kind of socket, with plain sockets at the other end.

A client announces itself with an empty line. What it then sends is printed by the hub in the order
in which it came, so a client whose message has been printed is known to have been announced.
"""

import os
import re
import socket
import struct

import pytest
from transports import CONNECTED, DATAGRAMS, PACKET

CLIENTS = 8
MESSAGES = 25


class Client:
    """A plain client: lines on a stream, one message a packet elsewhere."""

    def __init__(self, transport, address):
        self.packets = transport.packets
        self.socket = transport.connect(address)
        self.buffer = b""
        self.send(b"")

    def send(self, body):
        self.socket.sendall(body + b"\n")

    def receive(self):
        """The next message, as (sender, body); None at the end."""
        while b"\n" not in self.buffer:
            data = self.socket.recv(1 << 18)
            if not data:
                assert not self.buffer, "the last message was cut"
                return None
            assert not self.packets or data.index(b"\n") == len(data) - 1
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        sender, _, body = line.partition(b": ")
        return sender.decode(), body

    def close(self):
        self.socket.close()


class Place:
    """A hub on one transport."""

    def __init__(self, transport, hub):
        self.transport, self.hub = transport, hub
        self.clients = []

    def client(self, name):
        """A client that the hub knows to listen."""
        client = Client(self.transport, self.hub.address)
        self.clients.append(client)
        client.send(b"I am " + name)
        self.hub.wait_for(b" sent: I am " + re.escape(name) + b"$")
        for other in self.clients[:-1]:
            assert other.receive()[1] == b"I am " + name
        return client


@pytest.fixture
def listening(start_hub, tmp_path):
    def run(transport):
        transport.probe()
        words = {"path": tmp_path / "socket", "name": f"ferry-{os.getpid()}-{tmp_path.name}"}
        return start_hub(transport.address.format_map(words))

    return run


def name(transport):
    return transport.name


def where(condition):
    """Runs a test only on the transports for which CONDITION is true."""
    return pytest.mark.parametrize("place", filter(condition, CONNECTED), ids=name, indirect=True)


@pytest.fixture(params=CONNECTED, ids=name)
def place(request, listening):
    made = Place(request.param, listening(request.param))
    yield made
    for client in made.clients:
        client.close()


def test_each_gets_all_of_the_others(place):
    clients = [place.client(b"%d" % number) for number in range(CLIENTS)]
    for count in range(MESSAGES):
        for number, client in enumerate(clients):
            client.send(b"%d %d" % (number, count))
    for number, client in enumerate(clients):
        senders, came = {}, {}
        for _ in range((CLIENTS - 1) * MESSAGES):
            sender, body = client.receive()
            who, count = body.split()
            assert senders.setdefault(who, sender) == sender
            came.setdefault(int(who), []).append(int(count))
        assert came.keys() == set(range(CLIENTS)) - {number}
        assert all(counts == list(range(MESSAGES)) for counts in came.values())


def test_any_byte_passes(place):
    body = bytes(byte for byte in range(256) if byte not in b"\r\n") + "ä€😀".encode()
    sender, receiver = place.client(b"a"), place.client(b"b")
    sender.send(body)
    assert receiver.receive()[1] == body


@where(lambda transport: transport.packets)
def test_a_large_packet_stays_whole(place):
    body = os.urandom(PACKET // 2).hex().encode()
    sender, receiver = place.client(b"a"), place.client(b"b")
    sender.send(body)
    sender.send(b"after")
    assert receiver.receive()[1] == body
    assert receiver.receive()[1] == b"after"


@where(lambda transport: not transport.packets)
def test_nothing_is_lost_of_a_long_line(place):
    """It may come in pieces where the sockets hold it up: a pause ends a message."""
    body = os.urandom(512 * 1024).hex().encode()
    sender, receiver = place.client(b"a"), place.client(b"b")
    for start in range(0, len(body), PACKET):
        sender.socket.sendall(body[start : start + PACKET])
    sender.socket.sendall(b"\n")
    came = b""
    while len(came) < len(body):
        came += receiver.receive()[1]
    assert came == body


def test_what_has_no_line_end_is_a_message(place):
    sender, receiver = place.client(b"a"), place.client(b"b")
    sender.socket.sendall(b"bye")
    assert receiver.receive()[1] == b"bye"


def test_the_rest_before_the_end_is_a_message(place):
    sender, receiver = place.client(b"a"), place.client(b"b")
    sender.socket.sendall(b"last words")
    sender.close()
    assert receiver.receive()[1] == b"last words"


@where(lambda transport: transport.half_closes)
def test_who_sends_no_more_gets_what_is_on_its_way(place):
    """Half-close: the hub answers an end with an end, and loses nothing before it."""
    leaver, other = place.client(b"a"), place.client(b"b")
    other.send(b"one")
    place.hub.wait_for("sent: one$")
    leaver.socket.shutdown(socket.SHUT_WR)
    assert leaver.receive()[1] == b"one"
    assert leaver.receive() is None
    place.hub.wait_for("^Closed connection from: ")
    other.send(b"two")
    place.hub.wait_for("sent: two$")


def test_one_that_vanishes_costs_the_others_nothing(place):
    lost, a, b = place.client(b"lost"), place.client(b"a"), place.client(b"b")
    if place.transport.family in (socket.AF_INET, socket.AF_INET6):
        reset_at_close = struct.pack("ii", 1, 0)
        lost.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_at_close)
    a.send(b"unread by lost")
    lost.close()
    assert b.receive()[1] == b"unread by lost"
    place.hub.wait_for("^Closed connection from: ")
    b.send(b"still here")
    assert a.receive()[1] == b"still here"


def test_the_hub_ends_after_all_is_sent(place):
    sender, receiver = place.client(b"a"), place.client(b"b")
    sender.send(b"the last one")
    place.hub.wait_for("sent: the last one$")
    place.hub.stop()
    assert receiver.receive()[1] == b"the last one"
    assert receiver.receive() is None
    assert sender.receive() is None


@pytest.mark.parametrize("transport", DATAGRAMS, ids=name)
def test_a_datagram_is_a_message(transport, listening):
    hub = listening(transport)
    with transport.connect(hub.address) as client:
        for body in (b"hi", b"with an end\n", b"x" * PACKET):
            client.send(body)
            hub.wait_for(b"sent: " + body.strip() + b"$")
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
