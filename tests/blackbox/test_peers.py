"""The tools everybody has, as clients: netcat, socat and bash's /dev/tcp."""

import re

import pytest


@pytest.fixture
def wide(start_hub, tmp_path):
    """A hub on one address of each kind that such tools can connect to."""
    name = f"ferry-{tmp_path.name}-{tmp_path.parent.name}"
    return start_hub(
        "tcp:localhost:0",
        f"unix:{tmp_path}/stream",
        f"unix:@{name}",
        f"unix:{tmp_path}/packets?type=seqpacket",
    )


def netcat_tcp(hub, spawn, **_):
    return spawn("nc", "-N", "127.0.0.1", hub.port)


def netcat_tcp6(hub, spawn, **_):
    return spawn("nc", "-N", "::1", hub.port)


def netcat_unix(hub, spawn, tmp_path):
    return spawn("nc", "-N", "-U", tmp_path / "stream")


def socat_tcp(hub, spawn, **_):
    return spawn("socat", "-", f"TCP:localhost:{hub.port}")


def socat_unix(hub, spawn, tmp_path):
    return spawn("socat", "-", f"UNIX-CONNECT:{tmp_path}/stream")


def socat_abstract(hub, spawn, **_):
    (name,) = [address[1:] for address in hub.addresses if address.startswith("@")]
    return spawn("socat", "-", f"ABSTRACT-CONNECT:{name}")


def socat_seqpacket(hub, spawn, tmp_path):
    return spawn("socat", "-", f"UNIX-CONNECT:{tmp_path}/packets,type=5")


def bash(hub, spawn, **_):
    script = f"exec 3<>/dev/tcp/127.0.0.1/{hub.port}; cat <&3 & cat >&3; kill $!; wait"
    return spawn("bash", "-c", script)


TOOLS = [
    netcat_tcp,
    netcat_tcp6,
    netcat_unix,
    socat_tcp,
    socat_unix,
    socat_abstract,
    socat_seqpacket,
    bash,
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_talks_both_ways(wide, spawn, tmp_path, tool):
    with wide.peer() as other:
        other.send("\n")
        client = tool(wide, spawn=spawn, tmp_path=tmp_path)
        client.type("grüß dich\n")
        sender = wide.wait_for("^This is what (.*) sent: grüß dich$")[1]
        assert other.line() == sender + ": grüß dich".encode()
        other.send("and you\n")
        client.wait_for(rf"^{re.escape(other.name)}: and you$")
        client.close_input()
        wide.wait_for(b"^Closed connection from: " + re.escape(sender) + b"$")


def test_a_conversation_across_all_of_them(wide, spawn, tmp_path):
    """Each message reaches each other client once, in order."""
    clients = [tool(wide, spawn=spawn, tmp_path=tmp_path) for tool in TOOLS]
    for number, client in enumerate(clients):
        client.type(f"I am {number}\n")
        wide.wait_for(f" sent: I am {number}$")
    for round in range(3):
        for number, client in enumerate(clients):
            client.type(f"{round} from {number}\n")
            wide.wait_for(f" sent: {round} from {number}$")
    for number, client in enumerate(clients):
        last = [f"2 from {other}" for other in range(len(clients)) if other != number][-1]
        client.wait_for(f": {last}$")
        heard = re.findall(r": (\d) from (\d)$", client.output.decode(), re.MULTILINE)
        assert heard == [
            (str(round), str(other))
            for round in range(3)
            for other in range(len(clients))
            if other != number
        ]


def test_input_from_a_pipe_arrives_before_the_end(hub, spawn):
    """`echo hi | nc -N`: the end comes right behind the only message."""
    client = spawn("sh", "-c", f"printf 'one\ntwo' | nc -N 127.0.0.1 {hub.port}")
    hub.wait_for(" sent: one$")
    hub.wait_for(" sent: two$")
    hub.wait_for("^Closed connection")
    client.wait()
