"""vsock+unix: the convention of Firecracker and cloud-hypervisor for the host's side of vsock.

The monitor listens at a Unix socket PATH. Who wants a guest's port connects there and says
`CONNECT PORT`; `OK` and a number come back, then the guest does. A guest that dials the host's PORT
is connected by the monitor to the Unix socket PATH_PORT.
"""

import socket
import threading

import pytest
from program import PATIENCE

PORT = 52


class Monitor(threading.Thread):
    """A monitor with one guest, on whose PORT a TCP server answers."""

    def __init__(self, path, guest_port):
        super().__init__(daemon=True)
        self.guest_port = guest_port
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        with client:
            line = b""
            while not line.endswith(b"\n"):
                byte = client.recv(1)
                if not byte:
                    return
                line += byte
            self.asked.append(line)
            if line != b"CONNECT %d\n" % PORT:
                return  # no one listens there: the monitor just closes
            with socket.create_connection(("127.0.0.1", self.guest_port)) as guest:
                client.sendall(b"OK 1073741824\n")
                back = threading.Thread(target=copy, args=[guest, client], daemon=True)
                back.start()
                copy(client, guest)
                back.join(PATIENCE)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def copy(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def monitor(hub, tmp_path):
    made = Monitor(tmp_path / "monitor", hub.port)
    yield made
    made.close()


def test_reaches_a_hub_in_the_guest(ferry, hub, monitor, tmp_path):
    result = ferry("send", "--name", "anna", f"vsock+unix:{tmp_path}/monitor:{PORT}", "hi")
    assert (result.returncode, result.stderr) == (0, "")
    assert monitor.asked == [b"CONNECT %d\n" % PORT]
    hub.wait_for("^This is what anna sent: hi$")


def test_follows_a_hub_in_the_guest(ferry, start, hub, monitor, tmp_path):
    address = f"vsock+unix:{tmp_path}/monitor:{PORT}"
    ferry("send", "--name", "anna", hub.address, "hi")
    follower = start("follow", "--since", "all", "--count", "1", address)
    follower.wait_for("^anna: hi$")
    follower.wait()


def test_a_port_that_no_one_listens_on(ferry, monitor, tmp_path):
    result = ferry("send", f"vsock+unix:{tmp_path}/monitor:53", "hi")
    assert result.returncode == 69
    assert len(result.stderr.splitlines()) == 1


def test_no_monitor(ferry, tmp_path):
    result = ferry("send", f"vsock+unix:{tmp_path}/monitor:{PORT}", "hi")
    assert result.returncode == 69
    assert "no socket is there" in result.stderr


def test_listens_for_the_guest(start_hub, tmp_path):
    hub = start_hub(f"vsock+unix:{tmp_path}/monitor:{PORT}")
    with socket.socket(socket.AF_UNIX) as guest:
        guest.connect(f"{tmp_path}/monitor_{PORT}")
        guest.sendall(b"hi\n")
        hub.wait_for("sent: hi$")
