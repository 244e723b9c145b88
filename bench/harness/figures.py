"""The figures: what is measured, of whom, and what ferry is to reach.

A figure's rows are all measured in one run, in turn, as often as runs were asked for; only ratios
within one figure mean something.
"""

from dataclasses import dataclass, field
from typing import Callable


# How long a server that polls does so before it sleeps: somewhat more than a round trip takes then.
POLL_US = 50


@dataclass
class Row:
    name: str
    kind: str  # limit, ferry, peer, or aside: a row that sets no goal
    server: object
    load: Callable


@dataclass
class Goal:
    """`row` is to be at least (a rate) or at most (a time, memory) `factor` times `of`: the name of
    a row, or "best peer". Without `of`, factor is the figure itself."""

    row: str
    factor: float
    of: str = ""
    metric: str = ""  # the figure's first one


@dataclass
class Figure:
    name: str
    title: str
    metrics: dict  # the name in a load's result: its unit
    rows: list
    goals: list = field(default_factory=list)
    more_is_better: bool = True


def fanout(p, load, n):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.fanout(protocol, n))

    return Figure(
        f"fanout-{n}",
        f"Fan-out to {n} subscribers, 64-byte messages, one publisher that pipelines",
        {"rate": "deliveries/s", "cost": "server ns each"},
        [
            row("limit: one block a subscriber and turn", "limit", p.limit("fanout"), "lines"),
            row("one write a message and subscriber", "limit", p.limit("fanout", "--each"), "lines"),
            row("ferry", "ferry", p.ferry(), "lines"),
            row("ferry, WebSocket", "ferry", p.ferry(), "websocket"),
            row("redis", "peer", p.redis(), "redis"),
            row("nats", "peer", p.nats(), "nats"),
            row("zeromq", "peer", p.zeromq(), "zmtp"),
        ],
        [
            Goal("ferry", 3, "best peer"),
            Goal("ferry", 0.6, "limit: one block a subscriber and turn"),
            Goal("ferry", 100, "one write a message and subscriber"),
            Goal("ferry, WebSocket", 0.7, "ferry"),
        ],
    )


def deliver(p, load, name, title, pace_us, poll_us):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.publish(protocol, pace_us))

    return Figure(
        name,
        title,
        {"p50": "µs, p50", "p99": "µs, p99"},
        [
            row("limit", "limit", p.limit("fanout"), "lines"),
            row("limit, unix", "limit", p.limit("fanout", unix=True), "lines"),
            row("limit, polling", "limit", p.limit("fanout", "--poll", poll_us), "lines"),
            row("ferry", "ferry", p.ferry(), "lines"),
            row("ferry, unix", "ferry", p.ferry(unix=True), "lines"),
            row("ferry, --busy-poll", "ferry", p.ferry("--busy-poll"), "lines"),
            row("ferry, WebSocket", "ferry", p.ferry(), "websocket"),
            row("redis", "peer", p.redis(), "redis"),
            row("nats", "peer", p.nats(), "nats"),
            row("zeromq", "peer", p.zeromq(), "zmtp"),
        ],
        [
            Goal("ferry", 1.0, "best peer"),
            Goal("ferry", 1.0, "best peer", "p99"),
            Goal("ferry", 1.05, "limit"),
            Goal("ferry, unix", 1.05, "limit, unix"),
            Goal("ferry, --busy-poll", 0.5, "best peer"),
        ],
        more_is_better=False,
    )


def round_trip(p, load):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.ask(protocol))

    return Figure(
        "round-trip",
        "Round trip of 64 bytes to the server and back, one client",
        {"p50": "µs, p50", "p99": "µs, p99"},
        [
            row("limit", "limit", p.limit("echo"), "echo"),
            row("limit, unix", "limit", p.limit("echo", unix=True), "echo"),
            row("limit, polling", "limit", p.limit("echo", "--poll", POLL_US), "echo"),
            row("ferry (WebSocket ping)", "ferry", p.ferry(), "websocket-ping"),
            row("ferry, unix", "ferry", p.ferry(unix=True), "websocket-ping"),
            row("ferry, --busy-poll", "ferry", p.ferry("--busy-poll"), "websocket-ping"),
            row("redis (ECHO)", "peer", p.redis(), "redis-echo"),
            row("nats (PUB to itself)", "peer", p.nats(), "nats-echo"),
        ],
        [
            Goal("ferry (WebSocket ping)", 1.05, "limit"),
            Goal("ferry (WebSocket ping)", 1.0, "best peer"),
            Goal("ferry, unix", 1.05, "limit, unix"),
            Goal("ferry, --busy-poll", 1.05, "limit, polling"),
        ],
        more_is_better=False,
    )


def exchange(p, load):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.exchange(protocol, 50, 16))

    return Figure(
        "round-trips",
        "Round trips of 64 bytes, 50 clients with 16 under way each",
        {"rate": "round trips/s", "cost": "server ns each"},
        [
            row("limit", "limit", p.limit("echo"), "echo"),
            row("ferry (WebSocket ping)", "ferry", p.ferry(), "websocket-ping"),
            row("redis (ECHO)", "peer", p.redis(), "redis-echo"),
            row("nats (PUB to itself)", "peer", p.nats(), "nats-echo"),
        ],
        [Goal("ferry (WebSocket ping)", 1.3, "best peer")],
    )


def acknowledged(p, load):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.exchange(protocol, 50, 16))

    return Figure(
        "publish",
        "Publishing 64 bytes, each acknowledged, 50 publishers with 16 under way each",
        {"rate": "messages/s", "cost": "server ns each"},
        [
            row("limit (HTTP)", "limit", p.limit("echo", "--http"), "http-post:/topics/lobby"),
            row("ferry (POST)", "ferry", p.ferry(), "http-post:/topics/lobby"),
            row("ferry, keeping one", "aside", p.ferry("--keep-count", 1), "http-post:/topics/lobby"),
            row("redis (PUBLISH)", "peer", p.redis(), "redis-publish"),
            row("nats (PUB, verbose)", "peer", p.nats(), "nats-publish"),
        ],
    )


def stored(p, load, n):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.exchange(protocol, n, 1))

    always = ["--appendonly", "yes", "--appendfsync", "always"]
    return Figure(
        f"stored-{n}",
        f"Publishing 64 bytes, each on disk before it is acknowledged, {n} publishers",
        {"rate": "messages/s", "cost": "server ns each"},
        [
            row("limit", "limit", p.limit("stored", "messages"), "echo"),
            row("ferry", "ferry", p.ferry("--store", "messages.db"), "http-post:/topics/lobby"),
            row("redis (XADD, appendfsync always)", "peer", p.redis(*always), "redis-xadd"),
            row("nats JetStream (not synced)", "aside", p.nats("-js", "-sd", "."), "jetstream"),
        ],
        [Goal("ferry", 2, "best peer")] if n == 100 else [],
    )


def paused(p, load):
    def row(name, how):
        return Row(name, "ferry", p.ferry("--store", "messages.db"), load.paused("lines", how))

    return Figure(
        "paused",
        "100 messages to disk and to one subscriber, while another pauses through a million of them",
        {"p50": "µs, p50", "p99": "µs, p99"},
        [row("the other reads", "reads"), row("the other pauses, then reads", "pauses")],
        [Goal("the other pauses, then reads", 1.1, "the other reads", "p99")],
        more_is_better=False,
    )


def replay(p, load):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.replay(protocol))

    return Figure(
        "replay",
        "A million messages of 64 bytes from the past, to one subscriber (ndjson)",
        {"rate": "messages/s"},
        [
            row("ferry, in memory", "ferry", p.ferry("--keep-size", "1G"), "ferry"),
            row("ferry, in a file", "ferry", p.ferry("--store", "messages.db"), "ferry"),
            row("redis (XRANGE, in memory)", "peer", p.redis(), "redis"),
        ],
        [Goal("ferry, in a file", 1, "best peer")],
    )


def http(p, load, name, title, path, post):
    return Figure(
        name,
        title,
        {"rate": "requests/s", "cost": "server ns each"},
        [
            Row("limit", "limit", p.limit("echo", "--http"), load.wrk(path, post)),
            Row("ferry", "ferry", p.ferry(), load.wrk(path, post)),
            Row("nginx (return 200)", "peer", p.nginx(), load.wrk(path, post)),
        ],
        [Goal("ferry", 1.0, "best peer")],
    )


def idle(p, load, n):
    def row(name, kind, server, how, protocol):
        return Row(name, kind, server, load.idle(how, protocol, n))

    return Figure(
        "idle",
        f"Memory of an idle connection, of {n}",
        {"bytes": "bytes"},
        [
            row("limit", "limit", p.limit("echo"), "ask", "echo"),
            row("ferry", "ferry", p.ferry(), "publish", "lines"),
            row("ferry, WebSocket", "ferry", p.ferry(), "publish", "websocket"),
            row("ferry, HTTP", "ferry", p.ferry(), "ask", "http-get:/status"),
            row("nginx (HTTP)", "peer", p.nginx(), "ask", "http-get:/"),
            row("redis (subscribed)", "peer", p.redis(), "publish", "redis"),
            row("nats (subscribed)", "peer", p.nats(), "publish", "nats"),
        ],
        [Goal("ferry", 512), Goal("ferry, WebSocket", 1024)],
        more_is_better=False,
    )


def tls(p, load, name, title, mode, ferry_path, nginx_path, metrics):
    def row(row_name, kind, server, path):
        return Row(row_name, kind, server, load.tls(mode, path))

    return Figure(
        name,
        title,
        metrics,
        [
            row("ferry", "ferry", p.ferry_tls(), ferry_path),
            row("nginx", "peer", p.nginx_tls(), nginx_path),
        ],
        [Goal("ferry", 1.0, "best peer")],
    )


def tls_figures(p, load):
    connect = {"rate": "connections/s", "cost": "server ns each"}
    bulk = {"rate": "GiB/s", "cost": "server CPU s each"}
    small = ["/topics/", "/", connect]
    return [
        tls(p, load, "tls-connect", "TLS 1.3: connections, a whole handshake each", "connect", *small),
        tls(p, load, "tls-resume", "TLS 1.3: connections, resumed by a ticket", "resume", *small),
        tls(
            *[p, load, "tls-bulk", "TLS 1.3: a file of 64 MiB, downloaded", "bulk"],
            *["/files/bulk", "/files/bulk", bulk],
        ),
    ]


def attacks(p, load):
    """What a client that behaves notices of those that do not."""

    def row(name, server, kind, count):
        return Row(name, "ferry", server, load.attacked(kind, count, load.ask("websocket-ping")))

    crowd = p.ferry("--max-clients-per-address", 100)
    rows = [
        row("slow heads, 1,000", p.ferry("--patience", "2s"), "heads", 1000),
        row("slow bodies, 1,000", p.ferry("--patience", "2s"), "bodies", 1000),
        row("slow readers, 100", p.ferry("--patience", "2s"), "readers", 100),
        row("half a TLS hello, 19,000", p.ferry_both(), "half-hellos", 19000),
        row("TLS hellos and no more, 19,000", p.ferry_both(), "hellos", 19000),
        row("connections from one address, 1,000", crowd, "crowd", 1000),
    ]
    return Figure(
        "attacks",
        "Round trip of 64 bytes (WebSocket ping), one client, while others attack",
        {"p99": "µs, p99", "p50": "µs, p50"},
        [Row("at peace", "limit", p.ferry(), load.ask("websocket-ping")), *rows],
        [Goal(row.name, 2, "at peace") for row in rows],
        more_is_better=False,
    )


def relay(p, load, name, title, mode, metrics, factor, more_is_better=True):
    def row(row_name, kind, server):
        return Row(row_name, kind, server, load.relay(mode))

    return Figure(
        name,
        title,
        metrics,
        [
            row("direct", "limit", p.nobody()),
            row("ferry relay", "ferry", p.ferry_relay()),
            row("nginx (stream)", "peer", p.nginx_relay()),
            row("haproxy (tcp, splice)", "peer", p.haproxy_relay()),
            row("systemd-socket-proxyd", "peer", p.proxyd_relay()),
            # A child for each connection, whose CPU time is not counted.
            row("socat", "peer", p.socat_relay()),
            row("socat -b 65536", "peer", p.socat_relay("-b", "65536")),
        ],
        [Goal("ferry relay", factor, "best peer")],
        more_is_better,
    )


def relays(p, load):
    bulk = {"rate": "GiB/s", "cost": "relay CPU s each"}
    connect = {"rate": "connections/s", "cost": "relay ns each"}
    exchange = {"rate": "round trips/s", "cost": "relay ns each"}
    latency = {"p50": "µs, p50", "p99": "µs, p99"}
    return [
        relay(p, load, "relay-bulk", "Relay: bulk through one connection", "bulk", bulk, 1.1),
        relay(
            *[p, load, "relay-connect", "Relay: connections of one 64-byte exchange"],
            *["connect", connect, 1.0],
        ),
        relay(
            *[p, load, "relay-exchange", "Relay: round trips of 64 bytes, 50 connections"],
            *["exchange", exchange, 1.0],
        ),
        relay(
            *[p, load, "relay-latency", "Relay: round trip of 64 bytes, one connection"],
            *["latency", latency, 1.0, False],
        ),
    ]


def requests(p, load, askers):
    def row(name, kind, server, protocol):
        return Row(name, kind, server, load.exchange(protocol, askers, 1))

    one = askers == 1
    return Figure(
        f"requests-{askers}",
        f"Requests of 64 bytes to a service and the replies, {askers} asker{'' if one else 's'}",
        {"rate": "requests/s", "p50": "µs, p50", "p99": "µs, p99"},
        [
            row("limit: no one between", "limit", p.limit("echo", "--http"), "http-post:/"),
            row("ferry, libferry", "ferry", p.ferry_requests(), "http-post:/services/up"),
            row("nats, libnats", "peer", p.nats_requests(), "nats-request"),
            row("nginx, HTTP backend", "peer", p.nginx_requests(), "http-post:/"),
            row("nng, no hub", "aside", p.nng_requests(), "nng"),
        ],
        [Goal("ferry, libferry", 1.0, "best peer")],
    )


def all_figures(p, load):
    return [
        fanout(p, load, 100),
        fanout(p, load, 1000),
        deliver(p, load, "deliver", "Publish to deliver, 1 subscriber, 2,000 messages a second", 500, 1000),
        deliver(p, load, "through", "Publish to deliver, 1 subscriber, one after the other", 0, POLL_US),
        round_trip(p, load),
        exchange(p, load),
        acknowledged(p, load),
        stored(p, load, 1),
        stored(p, load, 10),
        stored(p, load, 100),
        replay(p, load),
        paused(p, load),
        http(p, load, "http-get", "GET /status by wrk, 64 connections", "/status", False),
        http(p, load, "http-post", "POST of 64 bytes by wrk, 64 connections", "/topics/t", True),
        requests(p, load, 1),
        requests(p, load, 64),
        idle(p, load, 10000),
        *tls_figures(p, load),
        attacks(p, load),
        *relays(p, load),
    ]
