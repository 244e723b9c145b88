"""A running hub."""

import json
import re
import socket
from pathlib import Path

from peer import Peer
from program import PATIENCE, Program

# As text, or with --json.
LISTENING = r'^(?:Listening on |\{"event":"listening","address":")([^\s"]+)'


class Hub(Program):
    """`ferry listen`, from its first bound address to its clean end."""

    def __init__(self, ferry, addresses, options=(), within=(), **popen):
        super().__init__([*within, ferry, "listen", *options, *addresses], **popen)
        try:
            for _ in addresses:
                self.wait_for(LISTENING)
        except AssertionError:
            self.discard()
            raise

    @property
    def addresses(self):
        """The bound addresses, as the hub printed them."""
        said = self.output.decode(errors="replace")
        return re.findall(LISTENING, said, re.MULTILINE)

    @property
    def address(self):
        return self.addresses[0]

    @property
    def port(self):
        return int(re.search(r":(\d+)(?:\?|$)", self.address)[1])

    def wait_for_subscribers(self, count, topic="lobby"):
        """Until so many clients would be sent what is said."""
        with Peer(self.address) as peer:
            while True:
                peer.send("GET /topics/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = peer.until(b"\r\n\r\n").decode()
                body = json.loads(peer.read(int(re.search(r"Content-Length: (\d+)", head)[1])))
                if any((t["name"], t["subscribers"]) == (topic, count) for t in body):
                    return

    def connect(self):
        """A client that knows nothing of ferry: a TCP socket connected to the hub."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def peer(self, address=None, **options):
        """The same with words of its own, on any of the addresses."""
        return Peer(address or self.address, **options)

    def wait(self, *args, **kwargs):
        super().wait(*args, **kwargs)
        for address in self.addresses:
            path = re.match(r"unix:(/[^?]*)", address)
            assert not (path and Path(path[1]).exists()), f"{address} was left behind"
