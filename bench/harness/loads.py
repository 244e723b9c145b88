"""The loads: each takes a running server and returns its figures by name."""

import json
import pathlib
import re
import subprocess

from .process import Failed, free_port, run_load, start_load

ATTACK = pathlib.Path(__file__).with_name("attack.py")

WRK_POST = """
wrk.method = "POST"
wrk.body = string.rep("x", 64)
wrk.headers["Content-Type"] = "text/plain"
"""


class Loads:
    def __init__(self, build, seconds):
        self.build = build
        self.seconds = seconds

    def program(self, name):
        return self.build / "bench" / f"load-{name}"

    def counted(self, server, argv):
        """Runs a load that prints JSON, and adds what an operation costs the server."""
        before = server.cpu_ns()
        result = json.loads(run_load(argv))
        if result.get("total"):
            result["cost"] = (server.cpu_ns() - before) / result["total"]
        return result

    def fanout(self, protocol, subscribers):
        return lambda server: self.counted(
            server,
            [
                *[self.program("fanout"), protocol, server.addresses[0], server.addresses[-1]],
                *[subscribers, self.seconds],
            ],
        )

    def exchange(self, protocol, clients, depth):
        return lambda server: self.counted(
            server,
            [
                *[self.program("exchange"), protocol, server.addresses[0]],
                *[clients, depth, self.seconds],
            ],
        )

    def replay(self, protocol):
        return lambda server: self.counted(
            server, [self.program("replay"), protocol, server.addresses[0], 1000000]
        )

    def paused(self, protocol, how):
        return lambda server: self.counted(
            server, [self.program("paused"), protocol, server.addresses[0], 1000000, how]
        )

    def publish(self, protocol, pace_us):
        count = self.seconds * 1000000 // (pace_us or 100)
        return lambda server: self.counted(
            server,
            [
                *[self.program("latency"), "publish", protocol],
                *[server.addresses[0], server.addresses[-1], count, pace_us],
            ],
        )

    def ask(self, protocol):
        count = self.seconds * 10000
        return lambda server: self.counted(
            server, [self.program("latency"), "ask", protocol, server.addresses[0], count, 0]
        )

    def attacked(self, kind, count, load):
        """The load of one who behaves, while others attack the hub's last address."""

        def run(server):
            with start_load([ATTACK, kind, count, server.addresses[-1]]) as attack:
                try:
                    if not attack.stdout.readline():
                        raise Failed(f"attack.py: {attack.stderr.read().strip()}")
                    return load(server)
                finally:
                    attack.kill()

        return run

    def wrk(self, path, post=False):
        def load(server):
            script = server.directory / "post.lua"
            script.write_text(WRK_POST)
            before = server.cpu_ns()
            out = run_load(
                [
                    *["wrk", "-t1", "-c64", f"-d{self.seconds}s"],
                    *(["-s", script] if post else []),
                    server.addresses[0].replace("tcp:", "http://", 1) + path,
                ]
            )
            cost = server.cpu_ns() - before
            total = re.search(r"(\d+) requests in", out)
            rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
            if not total or not rate or "Non-2xx" in out or "Socket errors" in out:
                raise Failed(f"wrk: {out}")
            return {"rate": float(rate[1]), "cost": cost / int(total[1])}

        return load

    def tls(self, mode, path):
        """Bulk costs are by GiB. A hub computes the digest of a file once, which is not counted."""

        def load(server):
            argv = [self.program("tls"), mode, server.addresses[0], path, self.seconds]
            if mode == "bulk":
                run_load([*argv[:-1], 0])
            result = self.counted(server, argv)
            if mode == "bulk":
                result = {"rate": result["rate"] / 2**30, "cost": result["cost"] * 2**30 / 1e9}
            return result

        return load

    def relay(self, mode):
        """Through a relay; without one, straight to the load's own target. Bulk costs are by GiB."""

        def load(server):
            port = server.target or free_port()
            address = server.addresses[0] if server.target else f"tcp:127.0.0.1:{port}"
            argv = [self.program("relay"), mode, port, address, self.seconds]
            result = self.counted(server, argv)
            if mode == "bulk":
                result = {"rate": result["rate"] / 2**30, "cost": result["cost"] * 2**30 / 1e9}
            return result

        return load

    def idle(self, kind, protocol, connections):
        """Memory from the first tenth of the connections to all of them, by connection."""

        def load(server):
            argv = [self.program("idle"), kind, protocol, server.addresses[0], connections]
            with start_load(argv, stdin=subprocess.PIPE) as idle:
                memory = {}
                for _ in range(2):
                    line = idle.stdout.readline()
                    if not line:
                        raise Failed(f"load-idle: {idle.stderr.read().strip()}")
                    memory[json.loads(line)["connections"]] = server.memory()
                    idle.stdin.write("\n")
                    idle.stdin.flush()
            (few, before), (all, after) = sorted(memory.items())
            return {"bytes": (after - before) / (all - few)}

        return load
