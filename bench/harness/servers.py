"""The programs that are measured: the limits, ferry, and its peers as a careful user runs them.

Peers keep their defaults but for what would get into the way of the measurement: no snapshots, no
access log, one worker (they have one core), limits above what the loads need.
"""

import os
import pathlib
import shutil
import subprocess
import time

from . import nginx
from .process import Server

BULK = 64 << 20  # bytes of a file to be downloaded

HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option splice-auto
listen relay
    bind 127.0.0.1:{port}
    server target 127.0.0.1:{target}
"""


class Nobody:
    """In a relay's place: the load's clients reach its target without one."""

    target = None
    addresses = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @staticmethod
    def cpu_ns():
        return 0


class Programs:
    """Where the programs are, and how each is started. A program that is not there is None."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()

    def built(self, name):
        path = self.build / name
        return path if path.exists() else None

    @staticmethod
    def installed(name):
        return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

    def limit(self, name, *options, unix=False):
        program = self.built(f"bench/limit-{name}")
        return program and Server(
            lambda dir, port: [program, f"unix:{dir}/socket" if unix else "tcp", *options]
        )

    def ferry(self, *options, unix=False):
        program = self.built("ferry")
        return program and Server(
            lambda dir, port: [
                program,
                "listen",
                f"unix:{dir}/socket" if unix else "tcp:127.0.0.1:0",
                "--quiet",
                *options,
            ]
        )

    def ferry_both(self):
        """A plain address, and one of TLS behind it."""
        program = self.built("ferry")
        return program and Server(
            lambda dir, port: [
                *[program, "listen", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"],
                *["--quiet", "--key-dir", dir],
            ],
            addresses=2,
        )

    def redis(self, *options):
        program = self.installed("redis-server")
        return program and Server(
            lambda dir, port: [
                *[program, "--bind", "127.0.0.1", "--port", port, "--dir", dir],
                *["--protected-mode", "no", "--save", "", "--maxclients", 15000],
                *options,
            ],
            port=True,
        )

    def nats(self, *options):
        program = self.installed("nats-server")
        return program and Server(
            lambda dir, port: [program, "-a", "127.0.0.1", "-p", port, *options], port=True
        )

    def nginx(self):
        program = self.installed("nginx")
        return program and Server(nginx.http(program, nginx.OK), port=True)

    # ---- TLS, both with a key of ECDSA P-256, and a file to give out

    @staticmethod
    def tls_directory(dir):
        subprocess.run(
            [
                *["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"],
                *["ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "2"],
                *["-keyout", dir / "key.pem", "-out", dir / "cert.pem"],
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (dir / "files").mkdir()
        bulk = dir / "files" / "bulk"
        bulk.write_bytes(os.urandom(BULK))
        # What was changed within the last seconds is hashed at each download.
        hour_ago = time.time() - 3600
        os.utime(bulk, (hour_ago, hour_ago))

    def ferry_tls(self):
        program = self.built("ferry")

        def command(dir, port):
            self.tls_directory(dir)
            files = ["--cert", dir / "cert.pem", "--key", dir / "key.pem", "--files", dir / "files"]
            return [program, "listen", "tls:127.0.0.1:0", "--quiet", *files]

        return program and Server(command)

    def nginx_tls(self):
        program = self.installed("nginx")
        serve = nginx.http(program, nginx.TLS, listen="ssl")

        def command(dir, port):
            self.tls_directory(dir)
            return serve(dir, port)

        return program and Server(command, port=True)

    # ---- requests, each to one who answers on the server's core

    def ferry_requests(self, *options):
        reply = self.built("bench/reply-ferry")
        server = self.ferry(*options)
        if not reply or not server:
            return None
        server.beside = lambda dir, address: [reply, address, 64]
        return server

    def nats_requests(self):
        reply = self.built("bench/reply-nats")
        server = self.nats()
        if not reply or not server:
            return None
        server.beside = lambda dir, address: [reply, address.replace("tcp:", "nats://", 1)]
        return server

    def nng_requests(self):
        program = self.built("bench/reply-nng")
        return program and Server(lambda dir, port: [program])

    def nginx_requests(self):
        program = self.installed("nginx")
        backend = self.built("bench/limit-echo")
        if not program or not backend:
            return None
        return Server(
            nginx.http(program, nginx.PROXY, beside=nginx.UPSTREAM),
            port=True,
            beside=lambda dir, address: [backend, f"unix:{dir}/backend", "--http"],
        )

    def zeromq(self):
        program = self.built("bench/peer-zeromq")
        return program and Server(lambda dir, port: [program], addresses=2)

    # ---- relays

    @staticmethod
    def nobody():
        return Nobody()

    def ferry_relay(self):
        program = self.built("ferry")
        return program and Server(
            lambda dir, port, to: [program, "relay", "tcp:127.0.0.1:0", f"tcp:127.0.0.1:{to}"],
            target=True,
        )

    def relay(self, name, arguments):
        """`arguments(dir, port, target)` follow the program's name."""
        program = self.installed(name)
        return program and Server(
            lambda dir, port, to: [program, *arguments(dir, port, to)], port=True, target=True
        )

    def nginx_relay(self):
        modules = pathlib.Path("/usr/lib/nginx/modules")

        def arguments(dir, port, to):
            words = {"port": port, "target": to, "modules": modules}
            return [*nginx.arguments(nginx.STREAM, dir, **words), "-e", "stderr"]

        there = (modules / "ngx_stream_module.so").exists()
        return self.relay("nginx", arguments) if there else None

    def haproxy_relay(self):
        def arguments(dir, port, to):
            config = dir / "haproxy.cfg"
            config.write_text(HAPROXY.format(port=port, target=to))
            return ["-db", "-f", config]

        return self.relay("haproxy", arguments)

    def socat_relay(self, *options):
        return self.relay(
            "socat",
            lambda dir, port, to: [
                *options,
                f"TCP4-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=1024",
                f"TCP4:127.0.0.1:{to}",
            ],
        )

    def proxyd_relay(self):
        proxyd = pathlib.Path("/lib/systemd/systemd-socket-proxyd")
        return proxyd.exists() and self.relay(
            "systemd-socket-activate",
            lambda dir, port, to: ["-l", f"127.0.0.1:{port}", proxyd, f"127.0.0.1:{to}"],
        )
