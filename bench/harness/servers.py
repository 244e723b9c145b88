"""The programs that are measured: the limits, ferry, and its peers as a careful user runs them.

Peers keep their defaults but for what would get into the way of the measurement: no snapshots, no
access log, one worker (they have one core), limits above what the loads need.
"""

import os
import pathlib
import shutil

from .process import Server

NGINX = """
daemon off;
master_process off;
pid {dir}/pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "ok\n"; }}
    }}
}}
"""


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

        def command(dir, port):
            config = dir / "nginx.conf"
            config.write_text(NGINX.format(dir=dir, port=port))
            return [program, "-c", config, "-p", dir]

        return program and Server(command, port=True)

    def zeromq(self):
        program = self.built("bench/peer-zeromq")
        return program and Server(lambda dir, port: [program], addresses=2)
