"""ferry across the border between a host and its guest, over vsock, in both directions."""

import json
import re

import pytest
from conftest import GUEST_CID, boot_guest
from machine import MachineFault

HOST_CID = 2
PORT = 1025
TCP = "tcp:localhost:7000"


class Side:
    """The machine that listens, and the one across the border that dials it."""

    def __init__(self, here, across, here_cid, across_cid):
        self.here, self.across = here, across
        self.here_cid, self.across_cid = here_cid, across_cid
        self.address = f"vsock:{here_cid}:{PORT}"
        self.jobs = []

    def listen(self, type="stream", options=""):
        """A hub on this side of the border."""
        hub = self.here.start(f"exec ferry listen --open {options} vsock:any:{PORT}?type={type}")
        self.jobs.append(hub)
        hub.wait_for(f"Listening on {self.address}")
        return hub

    def wait_for_client(self):
        connected = f"ferry who {self.address} | grep -q established"
        self.here.check(f"until {connected}; do usleep 20000; done")

    def send_plain(self, text):
        """A client that knows nothing of ferry, from across."""
        return self.across.check(f"printf '{text}' | socat - VSOCK-CONNECT:{self.here_cid}:{PORT}")


@pytest.fixture(params=["host", "guest"])
def side(request, host, guest):
    """Named after who listens."""
    if request.param == "host":
        made = Side(host, guest, HOST_CID, GUEST_CID)
    else:
        made = Side(guest, host, GUEST_CID, HOST_CID)
    yield made
    for job in made.jobs:
        if job.runs():
            job.kill()
            assert job.wait().status == 0


def test_a_hub_hears_what_comes_across(side):
    hub = side.listen()
    side.send_plain("hi\\nbye\\n")
    hub.wait_for("Closed connection")
    peer = rf"vsock:{side.across_cid}:\d+"
    assert re.search(
        rf"""Accepted connection from: ({peer})
This is what \1 sent: hi
This is what \1 sent: bye
Closed connection from: \1
""",
        hub.output().decode(),
    )


def test_who_names_the_hub_and_the_cid(side):
    side.listen()
    result = side.here.check(f"ferry who --json vsock:any:{PORT}")
    (found,) = map(json.loads, result.text.splitlines())
    assert (found["address"], found["state"]) == (f"vsock:any:{PORT}", "listening")
    assert found["cid"] == side.here_cid
    (process,) = found["processes"]
    assert process["command"] == f"ferry listen --open vsock:any:{PORT}?type=stream"
    table = side.here.check("ferry who").text
    assert f"the vsock CID of this machine is {side.here_cid}" in table


def test_a_port_in_use_names_its_holder(side):
    side.listen()
    result = side.here.run(f"ferry listen --open vsock:any:{PORT}")
    assert result.status == 69
    assert re.search(r"held by ferry, pid \d+, user root", result.text)


@pytest.mark.parametrize("wire", ["http", "plain"])
def test_send_and_follow(side, wire):
    side.listen()
    follower = side.across.start(f"exec ferry follow --count 2 --wire {wire} {side.address}")
    side.wait_for_client()
    side.across.check(f"ferry send --wire {wire} {side.address} one")
    side.here.check(f"ferry send --name anna {side.address} two")
    result = follower.wait()
    assert result.status == 0
    assert re.fullmatch(rf"vsock:{side.across_cid}:\d+: one\nanna: two\n", result.text)


def test_packets(side):
    hub = side.listen(type="seqpacket")
    side.across.check(f"ferry send --wire plain {side.address}?type=seqpacket hi")
    hub.wait_for(" sent: hi")


def test_chat(side):
    hub = side.listen()
    side.across.check(f"printf 'hi\nbye\n' | ferry chat -n anna {side.address}")
    assert "This is what anna sent: hi\nThis is what anna sent: bye\n" in hub.output().decode()


def test_wait_ends_when_the_hub_is_there(side):
    waiting = side.across.start(f"exec ferry wait --timeout 20s {side.address} -- echo there")
    side.listen()
    result = waiting.wait()
    assert (result.status, result.text) == (0, "there\n")


def test_request_and_serve(side):
    side.listen()
    service = side.across.start(f"exec ferry serve {side.address} upper -- tr a-z A-Z")
    side.jobs.append(service)
    asked = f"ferry request {side.address} upper hello"
    assert side.here.check(f"until {asked} 2>/dev/null; do usleep 20000; done").text == "HELLO"


def test_put_and_get(side):
    side.here.check("rm -rf /tmp/files; mkdir /tmp/files")
    side.listen(options="--files /tmp/files")
    side.across.check("head -c 300000 /dev/urandom >/tmp/sent; rm -f /tmp/back")
    side.across.check(f"ferry put {side.address} /tmp/sent --as there")
    side.across.check(f"ferry get {side.address} there -o /tmp/back && cmp /tmp/sent /tmp/back")
    listed = side.across.check(f"ferry files --json {side.address}").text
    assert '"name":"there"' in listed and '"size":300000' in listed
    side.across.check(f"ferry rm {side.address} there")
    assert side.across.run(f"ferry get {side.address} there -o -").status == 69


def test_tls(side):
    """A port takes TLS as well once there is a key, which is known by its pin."""
    pin = side.here.check("ferry key").text.split()[0]
    hub = side.listen()
    assert pin.startswith("sha256:")
    secret = f"tls+{side.address}?pin={pin}"
    side.across.check(f"ferry wait '{secret}' && ferry send -n anna '{secret}' hi")
    hub.wait_for("This is what anna sent: hi")
    wrong = f"tls+{side.address}?pin=sha256:{'A' * 43}"
    result = side.across.run(f"ferry send '{wrong}' hi")
    assert result.status == 77
    assert pin in result.text


def test_relay_from_tcp_to_across(side):
    hub = side.listen()
    side.jobs.append(side.across.start(f"exec ferry relay {TCP} {side.address}"))
    side.across.check(f"ferry wait {TCP} && ferry send --name anna {TCP} hi")
    hub.wait_for("This is what anna sent: hi")


def test_relay_from_across_to_tcp(side):
    """Bulk to a server that sends it back, and the end behind it, both ways."""
    server = side.here.start("exec timeout 60 socat TCP-LISTEN:7000,fork EXEC:cat")
    relay = side.here.start(f"exec ferry relay vsock:any:{PORT} tcp:localhost:7000")
    side.jobs.append(relay)
    side.here.check("ferry wait tcp:localhost:7000")
    side.across.check(f"ferry wait {side.address}")
    side.across.check("head -c 3000000 /dev/urandom >/tmp/sent")
    echo = f"socat -t 20 - VSOCK-CONNECT:{side.here_cid}:{PORT} </tmp/sent >/tmp/back"
    side.across.check(f"{echo} && cmp /tmp/sent /tmp/back")
    server.kill()
    server.wait()


@pytest.mark.parametrize("cid", ["host", "local", GUEST_CID])
def test_names_of_machines(host, guest, cid):
    """The guest reaches its host, and itself, by names that are the same in every guest."""
    across = (host, guest, HOST_CID, GUEST_CID) if cid == "host" else (guest, guest, GUEST_CID, 1)
    hub = Side(*across).listen()
    guest.check(f"ferry send --name anna vsock:{cid}:{PORT} hi")
    hub.wait_for("This is what anna sent: hi")
    hub.kill()
    assert hub.wait().status == 0


def refused(machine, address):
    """The line that says why ADDRESS cannot be reached from MACHINE."""
    result = machine.run(f"ferry send {address} hi")
    assert result.status in (69, 124)
    (line,) = result.text.splitlines()
    return line


def test_errors_say_what_to_do(host, guest):
    for machine, address in ((guest, f"vsock:host:{PORT}"), (host, f"vsock:{GUEST_CID}:{PORT}")):
        assert "refused: nothing listens there on this port (ferry who" in refused(machine, address)
    assert "no virtual machine has this CID" in refused(host, "vsock:4242:1")
    elsewhere = host.run(f"ferry listen --open vsock:4242:{PORT}")
    assert elsewhere.status == 69
    assert "it is not this machine's CID (vsock:any:PORT" in elsewhere.text


def test_a_guest_without_its_driver(host, guest):
    # They are held a while by sockets that were closed.
    for name in ("vsock_loopback", "vmw_vsock_virtio_transport"):
        guest.check(f"until rmmod {name} 2>/dev/null; do usleep 100000; done")
    try:
        late = refused(host, f"vsock:{GUEST_CID}:{PORT}")
        assert "no answer came in time (is that machine up" in late
        assert "modprobe vmw_vsock_virtio_transport" in refused(guest, f"vsock:host:{PORT}")
        assert "modprobe vsock_loopback" in refused(guest, f"vsock:local:{PORT}")
    finally:
        modules = "vmw_vsock_virtio_transport vsock_loopback"
        guest.check(f"cd /lib/modules; for name in {modules}; do insmod $name.ko; done")


def test_a_guest_that_dies_and_comes_back(host, guest):
    """The host's hub lets go of its client, and the host's follower of the guest's hub waits."""
    outside = Side(host, guest, HOST_CID, GUEST_CID)
    hub = outside.listen()
    guest.start(f"(echo here; sleep 1000) | exec socat - VSOCK-CONNECT:{HOST_CID}:{PORT}")
    hub.wait_for("sent: here")
    inside = Side(guest, host, GUEST_CID, HOST_CID)
    inside.listen()
    follower = host.start(f"exec ferry follow {inside.address}")
    inside.wait_for_client()
    guest.check(f"ferry send --name anna {inside.address} before")
    follower.wait_for("anna: before")

    with pytest.raises(MachineFault, match="(?s)the machine ended.*Kernel panic"):
        guest.run("echo c >/proc/sysrq-trigger")
    hub.wait_for(f"Closed connection from: vsock:{GUEST_CID}:")
    hub.kill()
    assert hub.wait().status == 0

    back = Side(boot_guest(host), host, GUEST_CID, HOST_CID)
    back.listen()
    back.wait_for_client()
    back.here.check(f"ferry send --name anna {back.address} after")
    follower.wait_for("anna: after")
    follower.kill()
    follower.wait()
