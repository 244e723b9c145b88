"""ferry relay: packets, datagrams, children; limits; what it says. Its bytes and ends are those of
test_relay_matrix.py.

FERRY_RELAY_MANY (connections, 1000 unless set; 10000 is what was meant) makes the large test larger.
"""

import contextlib
import json
import os
import re
import select
import socket
import struct
import subprocess
import time

import pytest
from namespaces import in_namespace, needs_namespaces, with_silent_resolver
from program import PATIENCE
from relays import BLOCK, Side, bound, connect, has_ended, in_thread, relay  # noqa: F401

MANY = int(os.environ.get("FERRY_RELAY_MANY", "1000"))


# ---- packets and other kinds


def test_packets_keep_their_boundaries(relay, tmp_path):
    target = Side("unix", tmp_path, socket.SOCK_SEQPACKET)
    program = relay(f"unix:{tmp_path}/relay?type=seqpacket", target.address)
    sizes = [1, 100, 70_000, 3, 65_536]
    with connect(program.address, socket.SOCK_SEQPACKET) as here, target.accept() as there:
        for size in sizes:
            here.send(BLOCK[:size])
        for size in sizes:
            assert there.recv(1 << 20) == BLOCK[:size]
        # More than the sockets' buffers hold, to a reader that has not begun.
        sending = in_thread(lambda: [there.send(struct.pack("I", i) * 5000) for i in range(500)])
        for i in range(500):
            assert here.recv(1 << 20) == struct.pack("I", i) * 5000
        sending()
        there.close()
        assert has_ended(here)
    program.stop()


def test_a_child_for_each_connection(relay):
    program = relay("tcp:127.0.0.1:0", "exec:read line; echo got $line; cat")
    for word in (b"one", b"two"):
        with connect(program.address) as here:
            here.sendall(word + b"\nrest")
            here.shutdown(socket.SHUT_WR)
            assert here.makefile("rb").read() == b"got " + word + b"\nrest"


def test_standard_input_and_output(ferry, tmp_path):
    target = Side("tcp", tmp_path)

    def serve():
        with target.accept() as there:
            data = there.makefile("rb").read()
            there.sendall(data.upper())
            return data

    serving = in_thread(serve)
    result = ferry("relay", "-", target.address, input="hello\n")
    assert (result.returncode, result.stdout) == (0, "HELLO\n")
    assert serving() == b"hello\n"


def test_standard_input_to_nobody(ferry):
    result = ferry("relay", "-", "tcp:127.0.0.1:1", input="hello\n")
    assert result.returncode == 69
    assert "cannot connect to tcp:127.0.0.1:1: Connection refused" in result.stderr


def udp_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.bind(("127.0.0.1", 0))
    return s


def port_of(program):
    return int(program.address.rpartition(":")[2])


def test_each_sender_of_datagrams_has_a_session(relay):
    target = udp_socket()
    program = relay("udp:127.0.0.1:0", f"udp:127.0.0.1:{target.getsockname()[1]}")
    to = ("127.0.0.1", port_of(program))
    senders = [udp_socket() for _ in range(3)]
    sessions = {}
    for i, sender in enumerate(senders):
        for part in (b"first", b"second"):
            sender.sendto(part + b" %d" % i, to)
            data, session = target.recvfrom(100)
            assert data == part + b" %d" % i
            assert sessions.setdefault(i, session) == session
    assert len(set(sessions.values())) == 3
    for i, sender in reversed(list(enumerate(senders))):
        target.sendto(b"answer %d" % i, sessions[i])
        assert sender.recvfrom(100) == (b"answer %d" % i, to)
    senders[0].sendto(b"", to)
    assert target.recvfrom(100) == (b"", sessions[0])


def test_a_target_of_datagrams_that_comes_back(relay):
    target = udp_socket()
    name = target.getsockname()
    program = relay("udp:127.0.0.1:0", f"udp:127.0.0.1:{name[1]}", "--json")
    to = ("127.0.0.1", port_of(program))
    with udp_socket() as sender:
        sender.sendto(b"one", to)
        assert target.recv(100) == b"one"
        target.close()
        sender.sendto(b"nobody hears this", to)
        program.wait_for(r'"end":"reset by to","error":"Connection refused"')
        target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        target.settimeout(PATIENCE)
        target.bind(name)
        sender.sendto(b"two", to)
        assert target.recv(100) == b"two"
        target.close()


def test_standard_input_that_is_idle_for_too_long(start):
    with socket.create_server(("127.0.0.1", 0)) as target:
        program = start("relay", "-", f"127.0.0.1:{target.getsockname()[1]}", "--idle-timeout", "100ms")
        program.wait(124)


def unix_datagrams(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.bind(path)
    return s


def test_unix_datagrams(relay, tmp_path):
    with unix_datagrams(f"{tmp_path}/target") as target, unix_datagrams(f"{tmp_path}/here") as here:
        program = relay(f"unix:{tmp_path}/relay?type=dgram", f"unix:{tmp_path}/target?type=dgram")
        here.sendto(b"hello", f"{tmp_path}/relay")
        data, session = target.recvfrom(100)
        assert data == b"hello"
        target.sendto(b"answer", session)
        assert here.recv(100) == b"answer"
        program.stop()


def test_unix_datagrams_wait_for_a_slow_reader(relay, tmp_path):
    with unix_datagrams(f"{tmp_path}/target") as target, unix_datagrams(f"{tmp_path}/here") as here:
        program = relay(f"unix:{tmp_path}/relay?type=dgram", f"unix:{tmp_path}/target?type=dgram")
        packets = [struct.pack("I", i) * 5000 for i in range(500)]
        sending = in_thread(lambda: [here.sendto(packet, f"{tmp_path}/relay") for packet in packets])
        while not sending.done() and select.select([], [here], [], 0.2)[1]:
            pass
        for packet in packets:
            assert target.recv(1 << 16) == packet
        sending()
        program.stop()


def test_a_stream_becomes_packets_that_fit(relay, tmp_path):
    with unix_datagrams(f"{tmp_path}/target") as target:
        program = relay("tcp:127.0.0.1:0", f"unix:{tmp_path}/target?type=dgram")
        with connect(program.address) as here:
            sending = in_thread(here.sendall, BLOCK)
            got = b""
            while len(got) < len(BLOCK):
                packet, session = target.recvfrom(1 << 20)
                assert 0 < len(packet) <= 65507
                got += packet
            assert got == BLOCK
            sending()
            for packet in (b"one", b" and two"):
                target.sendto(packet, session)
                assert here.recv(100) == packet


# ---- targets that are looked for


def on_one_port(tmp_path):
    """Two targets, of two addresses of this machine."""
    while True:
        one = Side("tcp", tmp_path)
        try:
            port = one.socket.getsockname()[1]
            return one, Side("tcp", tmp_path, host="127.0.0.2", port=port)
        except OSError:  # others come and go there
            one.socket.close()


@needs_namespaces
def test_a_name_is_looked_up_for_each_connection(spawn, tmp_path):
    sides = on_one_port(tmp_path)
    port = sides[0].socket.getsockname()[1]
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 moves.test\n")
    inside = in_namespace(tmp_path, f"mount --bind {hosts} /etc/hosts")
    program = bound(spawn(inside, "relay", "tcp:127.0.0.1:0", f"tcp:moves.test:{port}"))
    for side in sides:
        with connect(program.address) as here, side.accept() as there:
            here.sendall(b"hello")
            assert there.recv(100) == b"hello"
        hosts.write_text("127.0.0.2 moves.test\n")
    program.stop()


@needs_namespaces
def test_a_name_that_is_not_found_in_time_holds_up_nobody(spawn, tmp_path):
    inside = with_silent_resolver(tmp_path)
    target = Side("unix", tmp_path)
    slow, quick = f"unix:{tmp_path}/slow", f"unix:{tmp_path}/quick"
    words = [slow, "tcp:lost.test:80", "--also", quick, target.address]
    program = bound(spawn(inside, "relay", "--connect-timeout", "2s", "--threads", "1", *words))
    bound(program)
    with connect(slow) as waiting:
        for _ in range(10):
            with connect(quick) as here, target.accept() as there:
                here.sendall(b"hello")
                assert there.recv(100) == b"hello"
        assert not select.select([waiting], [], [], 0)[0]
        assert has_ended(waiting)
    program.wait_for_errors("cannot connect to tcp:lost.test:80")
    program.stop()


def test_a_target_that_does_not_accept_in_time(relay):
    """Its queue is full, so the kernel leaves who comes without an answer."""
    with contextlib.ExitStack() as held:
        target = held.enter_context(socket.socket())
        target.bind(("127.0.0.1", 0))
        target.listen(0)
        while not held_up(target, held):
            pass
        where = f"tcp:127.0.0.1:{target.getsockname()[1]}"
        program = relay("tcp:127.0.0.1:0", where, "--connect-timeout", "300ms")
        began = time.monotonic()
        with pytest.raises(ConnectionResetError), connect(program.address) as here:
            here.recv(1)
        assert 0.3 <= time.monotonic() - began < 5
        program.stop()
        assert f"cannot connect to {where}: no answer came in time".encode() in program.errors


def held_up(target, held):
    """Whether one more that connects is left waiting."""
    client = held.enter_context(socket.socket())
    client.setblocking(False)
    client.connect_ex(target.getsockname())
    return not select.select([], [client], [], 0.1)[1]


# ---- many, and limits


def open_descriptors(program):
    return len(os.listdir(f"/proc/{program.process.pid}/fd"))


def test_many_connections_leave_nothing_behind(relay, tmp_path):
    """Connections open and close under a steady lot of others."""
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--json", "--threads", "2")
    before = open_descriptors(program)
    steady = [(connect(program.address), target.accept()) for _ in range(MANY // 10)]
    for i in range(MANY):
        with connect(program.address) as here:
            word = b"%d" % i
            here.sendall(word)
            with target.accept() as there:
                assert there.recv(100) == word
                there.sendall(word)
                assert here.recv(100) == word
    for here, there in steady:
        here.sendall(b"still here")
        assert there.recv(100) == b"still here"
        here.close()
        there.close()
    for _ in range(MANY + MANY // 10):
        program.wait_for(r'"event":"closed".*"end":"ended"}')
    assert open_descriptors(program) == before
    program.stop()


def test_more_than_max_clients_wait(relay, tmp_path):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--max-clients", "2")
    first = [(connect(program.address), target.accept()) for _ in range(2)]
    with connect(program.address) as waiting:
        waiting.sendall(b"patient")
        assert not select.select([target.socket], [], [], 0.2)[0]
        for side in first[0]:
            side.close()
        with target.accept() as there:
            assert there.recv(100) == b"patient"
    for side in first[1]:
        side.close()
    program.stop()


def test_nothing_moves_for_too_long(relay, tmp_path):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--idle-timeout", "200ms")
    with connect(program.address) as here, target.accept() as there:
        for side in (here, there):
            with pytest.raises(ConnectionResetError):
                side.recv(1)


def test_the_next_target_when_one_is_refused(relay, tmp_path):
    target = Side("unix", tmp_path)
    program = relay("tcp:127.0.0.1:0", "tcp:127.0.0.1:1", "--or", f"{tmp_path}/none", "--or", target.address)
    with connect(program.address) as here, target.accept() as there:
        here.sendall(b"second best")
        assert there.recv(100) == b"second best"


def test_more_than_one_pair(start, tmp_path):
    program = start("relay", "127.0.0.1:0", "exec:echo one", "--also", f"{tmp_path}/also", "exec:echo two")
    addresses = [program.wait_for(r"^Listening on (\S+)")[1].decode() for _ in range(2)]
    said = [connect(address).makefile().read() for address in addresses]
    assert said == ["one\n", "two\n"]
    program.stop()


def test_each_pair_has_further_targets_of_its_own(start):
    nowhere = "tcp:127.0.0.1:1"
    program = start(
        *["relay", "tcp:127.0.0.1:0", nowhere, "--or", "exec:echo one"],
        *["--also", "tcp:127.0.0.1:0", "exec:echo two", "--or", "exec:echo never"],
        *["--also", "tcp:127.0.0.1:0", nowhere, "--or", nowhere, "--or", "exec:echo three"],
    )
    addresses = [program.wait_for(r"^Listening on (\S+)")[1].decode() for _ in range(3)]
    said = [connect(address).makefile().read() for address in addresses]
    assert said == ["one\n", "two\n", "three\n"]
    program.stop()


def test_many_that_reach_no_target_do_not_fill_the_log(relay):
    program = relay("tcp:127.0.0.1:0", "tcp:127.0.0.1:1")
    for _ in range(500):
        with pytest.raises(ConnectionResetError), connect(program.address) as here:
            here.recv(1)
    program.stop()
    said = program.errors.count(b"cannot connect to tcp:127.0.0.1:1")
    assert 0 < said < 500


def test_a_second_relay_on_the_port_is_refused(relay, ferry):
    program = relay("tcp:127.0.0.1:0", "exec:cat", "--threads", "2")
    result = ferry("relay", program.address, "exec:cat", "--threads", "2")
    assert result.returncode == 69
    assert "cannot listen on" in result.stderr


# ---- ending


def wait_until_it_listens_no_more(program):
    with pytest.raises(OSError):
        while True:
            connect(program.address).close()


def test_what_is_under_way_ends_by_itself_after_a_signal(relay, tmp_path):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--threads", "2")
    with connect(program.address) as here, target.accept() as there:
        target.socket.close()
        program.process.terminate()
        wait_until_it_listens_no_more(program)
        here.sendall(b"still")
        assert there.recv(100) == b"still"
    program.wait()


def test_answers_to_datagrams_arrive_after_a_signal(relay):
    """Who has a session is still served, nobody else gets one, and the end waits for no one long."""
    with udp_socket() as target, udp_socket() as known, udp_socket() as late:
        words = ["udp:127.0.0.1:0", f"udp:127.0.0.1:{target.getsockname()[1]}"]
        program = relay(*words, "--also", "127.0.0.1:0", "exec:cat", "--threads", "1", "--json")
        to = ("127.0.0.1", port_of(program))
        known.sendto(b"question", to)
        _, session = target.recvfrom(100)
        program.process.terminate()
        wait_until_it_listens_no_more(bound(program))
        late.sendto(b"too late", to)
        known.sendto(b"one more", to)
        assert target.recvfrom(100) == (b"one more", session)
        for answer in (b"answer", b"and another"):
            target.sendto(answer, session)
            assert known.recvfrom(100) == (answer, to)
        program.wait()
        name = f"127.0.0.1:{known.getsockname()[1]}"
        ended = json.loads(program.wait_for(rf'.*"closed".*"from":"{name}".*')[0])
        assert (ended["sent"], ended["received"], ended["end"]) == (16, 17, "ended")


def test_a_second_signal_does_not_wait(relay, tmp_path):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address)
    with connect(program.address) as here, target.accept():
        program.process.terminate()
        wait_until_it_listens_no_more(program)
        program.process.terminate()
        program.wait()
        with pytest.raises(ConnectionResetError):
            here.recv(1)


# ---- what it says


def test_a_line_of_json_for_each_connection(relay, tmp_path):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--json", "--stats")
    with connect(program.address) as here, target.accept() as there:
        name = here.getsockname()
        here.sendall(b"12345")
        assert there.recv(100) == b"12345"
        there.sendall(b"123")
        assert here.recv(100) == b"123"
    line = json.loads(program.wait_for(r'.*"closed".*')[0])
    assert line["from"] == f"127.0.0.1:{name[1]}"
    assert f"tcp:{line['to']}" == target.address
    assert (line["sent"], line["received"], line["end"]) == (5, 3, "ended")
    program.stop()
    stats = json.loads(program.wait_for(r'.*"stats".*')[0])
    assert (stats["connections"], stats["sent"], stats["received"]) == (1, 5, 3)


def test_a_dump_can_be_played_again(relay, tmp_path):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--threads", "1", "--dump", f"{tmp_path}/dump")
    there_data, back_data = b"GET / HTTP/1.0\r\n\r\n" + bytes(range(256)), BLOCK[:100_003]
    with connect(program.address) as here, target.accept() as there:
        here.sendall(there_data[:7])
        assert there.recv(7) == there_data[:7]
        here.sendall(there_data[7:])
        there.sendall(back_data)
        there.shutdown(socket.SHUT_WR)
        assert here.makefile("rb").read() == back_data
        here.close()
        assert there.makefile("rb").read() == there_data[7:]
    program.stop()
    dump = (tmp_path / "dump").read_text()
    row = "00000000: 4745 5420 2f20 48                        GET / H"
    assert re.search(rf"^# 1> \S+Z 7 bytes\n1> {row}$", dump, re.M)
    for mark, data in ((">", there_data), ("<", back_data)):
        lines = [line[3:] for line in dump.splitlines(True) if line.startswith(f"1{mark} ")]
        again = subprocess.run(["xxd", "-r"], input="".join(lines).encode(), stdout=subprocess.PIPE)
        assert again.stdout == data


@pytest.mark.parametrize(
    "words",
    [
        ["8080"],
        ["8080", "8081", "8082"],
        ["8080", "8081", "--also", "8082"],
        ["8080", "8081", "--send-proxy", "v3"],
        ["tcp:localhost:x", "8080"],
    ],
)
def test_misused(ferry, words):
    result = ferry("relay", *words)
    assert result.returncode == 64
    assert result.stderr.startswith("ferry: ")


# ---- the PROXY protocol


def proxied(there, version):
    if version == "v1":
        return there.makefile("rb").readline()
    head = there.recv(16, socket.MSG_WAITALL)
    return head + there.recv(struct.unpack("!H", head[14:])[0], socket.MSG_WAITALL)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_target_is_told_who_connected(relay, tmp_path, version):
    target = Side("tcp", tmp_path)
    program = relay("tcp:127.0.0.1:0", target.address, "--send-proxy", version)
    with connect(program.address) as here, target.accept() as there:
        mine, port = here.getsockname()[1], port_of(program)
        header = proxied(there, version)
        if version == "v1":
            assert header == b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (mine, port)
        else:
            start = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"
            addresses = socket.inet_aton("127.0.0.1") * 2
            assert header == start + addresses + struct.pack("!HH", mine, port)
        here.sendall(b"hello")
        assert there.recv(100) == b"hello"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_header_is_handed_on_through_two_relays(relay, tmp_path, version):
    target = Side("tcp", tmp_path)
    inner = relay(f"tcp:127.0.0.1:0?proxy={version}", target.address, "--json")
    address = inner.address.partition("?")[0]
    outer = relay("tcp:127.0.0.1:0", address, "--send-proxy", version)
    with connect(outer.address) as here:
        here.sendall(b"hello")
        mine = here.getsockname()[1]
        with target.accept() as there:
            assert there.recv(100) == b"hello"
    assert json.loads(inner.wait_for(r'.*"closed".*')[0])["from"] == f"127.0.0.1:{mine}"
    outer.stop()
    inner.stop()


@pytest.mark.parametrize(
    "options, sent",
    [
        ("proxy=v1", b"GET / HTTP/1.0\r\n"),
        ("proxy=v2", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n"),
        ("proxy=v1", b"PROXY TCP4 1.2.3.4 ::1 1 1\r\n"),
        ("proxy=v1&trust=10.0.0.0/8", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n"),
    ],
)
def test_a_wrong_header_is_not_let_in(relay, tmp_path, options, sent):
    target = Side("tcp", tmp_path)
    program = relay(f"tcp:127.0.0.1:0?{options}", target.address)
    with pytest.raises(ConnectionResetError), connect(program.address.partition("?")[0]) as here:
        here.sendall(sent)
        here.recv(1)
    assert not select.select([target.socket], [], [], 0)[0]
    program.stop()
