"""Files, up and down, in memory: the disk would set the pace of all alike. One client at a time, so
neither side is bound to a core."""

import atexit
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from . import nginx
from .figures import Figure, Goal, Row
from .process import Failed, LOAD_S, Server, free_port
from .servers import Nobody

MEMORY = "/dev/shm"

SLOW_CLIENTS = 200


class Files:
    """The file that travels, and who keeps it."""

    def __init__(self, programs, size):
        self.programs = programs
        self.size = size
        self.made = None

    @property
    def source(self):
        if not self.made:
            directory = tempfile.mkdtemp(prefix="ferry-bench-", dir=MEMORY)
            atexit.register(shutil.rmtree, directory)
            self.made = pathlib.Path(directory) / "source"
            block = os.urandom(1 << 20)
            with self.made.open("wb") as file:
                for _ in range(self.size >> 20):
                    file.write(block)
        return self.made

    def folder(self, directory):
        """With the file in it, as `big`."""
        (directory / "files").mkdir()
        os.link(self.source, directory / "files/big")
        return directory / "files"

    def server(self, program, command, port=False, pinned=False):
        return program and Server(command, port=port, within=MEMORY, pinned=pinned)

    def limit(self):
        program = self.programs.built("bench/limit-file")

        def command(directory, port):
            path = directory / "file"
            shutil.copy(self.source, path)
            return [program, "tcp", path]

        return self.server(program, command)

    def ferry(self, unix=False, pinned=False):
        program = self.programs.built("ferry")

        def command(directory, port):
            address = f"unix:{directory}/socket" if unix else "tcp:127.0.0.1:0"
            return [program, "listen", address, "-q", "--files", self.folder(directory)]

        return self.server(program, command, pinned=pinned)

    def nginx(self):
        program = self.programs.installed("nginx")
        serve = nginx.http(program, nginx.FILES)

        def command(directory, port):
            self.folder(directory)
            return serve(directory, port)

        return self.server(program, command, port=True)

    # ---- loads

    def timed(self, *commands, before=None):
        """GiB/s of the commands, one after the other; each is made of the server."""

        def load(server):
            argvs = [[str(word) for word in command(server)] for command in commands]
            if before:
                run([str(word) for word in before(server)])
            began = time.monotonic()
            for argv in argvs:
                run(argv)
            return {"rate": self.size / 2**30 / (time.monotonic() - began)}

        return load

    def listening(self, server, client):
        """The same of a program that listens for one connection, and of its client."""

        def load(_):
            port = str(free_port())
            with subprocess.Popen(server(port), shell=True) as listener:
                until_listening(int(port))
                began = time.monotonic()
                run(["sh", "-c", client(port)])
                if listener.wait(LOAD_S):
                    raise Failed(f"{listener.args}: {listener.returncode}")
                return {"rate": self.size / 2**30 / (time.monotonic() - began)}

        return load


def run(argv):
    done = subprocess.run(argv, capture_output=True, timeout=LOAD_S)
    if done.returncode:
        raise Failed(f"{argv[0]}: {done.stderr.decode(errors='replace').strip()}")


def until_listening(port):
    """By the kernel's table: a connection would be the only one that is taken."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    end = time.monotonic() + 10
    while wanted not in pathlib.Path("/proc/net/tcp").read_text():
        if time.monotonic() > end:
            raise Failed(f"nobody listens on {port}")


def url(server, path):
    return server.addresses[0].replace("tcp:", "http://", 1) + path


def curl(*words):
    return ["curl", "--silent", "--show-error", "--fail", *words]


def fetch(path, to="/dev/null"):
    """TO is a name in the server's directory, or a path."""
    return lambda server: curl("-o", server.directory / to, url(server, path))


def ask_once(path):
    """So that the digest, which ferry computes once, is known."""
    return lambda server: curl("-o", "/dev/null", "-I", url(server, path))


def check(path):
    return lambda server: ["openssl", "sha256", server.directory / path]


def download(f):
    def row(name, kind, server, path, before=None):
        return Row(name, kind, server, f.timed(fetch(path), before=before))

    nc = f.listening(
        lambda port: f"nc -N -l 127.0.0.1 {port} < {f.source}",
        lambda port: f"nc -d 127.0.0.1 {port} > /dev/null",
    )
    return Figure(
        "download",
        "A file of {size} from the page cache to nowhere, by curl",
        {"rate": "GiB/s"},
        [
            row("limit: sendfile", "limit", f.limit(), "/"),
            row("ferry", "ferry", f.ferry(), "/files/big", ask_once("/files/big")),
            row("nginx", "peer", f.nginx(), "/files/big"),
            Row("nc to nc", "peer", Nobody(), nc),
        ],
        [Goal("ferry", 1.0, "best peer")],
    )


def download_checked(f):
    ferry = f.programs.built("ferry")

    def get(server):
        to = server.directory / "got"
        return [ferry, "get", server.addresses[0], "big", "-q", "-o", to]

    checked = f.timed(fetch("/files/big", "got"), check("got"))
    return Figure(
        "download-checked",
        "The same to a file in memory, its SHA-256 checked",
        {"rate": "GiB/s"},
        [
            Row("nginx, curl, openssl sha256", "peer", f.nginx(), checked),
            Row("ferry get", "ferry", f.ferry(), f.timed(get, before=ask_once("/files/big"))),
        ],
        [Goal("ferry get", 1.5, "best peer")],
    )


def upload(f):
    ferry = f.programs.built("ferry")

    def send(path):
        return lambda server: curl("-T", f.source, url(server, path))

    def put(server):
        return [ferry, "put", server.addresses[0], f.source, "-q", "--as", "new"]

    def nc(server):
        to = f"{f.source}.nc"
        load = f.listening(
            lambda port: f"nc -l 127.0.0.1 {port} > {to}",
            lambda port: f"nc -N 127.0.0.1 {port} < {f.source}",
        )
        try:
            return load(server)
        finally:
            pathlib.Path(to).unlink(missing_ok=True)

    return Figure(
        "upload",
        "A file of {size} into memory, its SHA-256 known at the end",
        {"rate": "GiB/s"},
        [
            Row("limit: write, hash beside", "limit", f.limit(), f.timed(send("/new"))),
            Row("ferry, curl", "ferry", f.ferry(), f.timed(send("/files/new"))),
            Row("ferry put", "ferry", f.ferry(), f.timed(put)),
            Row(
                *["nginx, curl, openssl sha256", "peer", f.nginx()],
                f.timed(send("/new"), check("new")),
            ),
            Row("nginx, curl (not checked)", "aside", f.nginx(), f.timed(send("/new"))),
            Row("nc to a file (not checked)", "aside", Nobody(), nc),
        ],
        [Goal("ferry, curl", 1.1, "best peer"), Goal("ferry, curl", 0.9, "limit: write, hash beside")],
    )


def hand_over(f):
    ferry = f.programs.built("ferry")

    def put(server):
        return [ferry, "put", server.addresses[0], f.source, "-q", "--as", "new"]

    def ask(server):
        path = server.addresses[0].removeprefix("unix:")
        return curl("-o", "/dev/null", "-I", "--unix-socket", path, "http://localhost/files/new")

    def copy(server):
        return ["cp", f.source, server.directory / "new"]

    return Figure(
        "hand-over",
        "A file of {size} handed over on a Unix socket",
        {"rate": "GiB/s"},
        [
            Row("cp", "peer", f.ferry(), f.timed(copy)),
            Row("ferry put", "ferry", f.ferry(unix=True), f.timed(put)),
            Row("cp, openssl sha256", "aside", f.ferry(), f.timed(copy, check("new"))),
            Row("ferry put, curl -I", "aside", f.ferry(unix=True), f.timed(put, ask)),
        ],
        [Goal("ferry put", 0.95, "best peer")],
    )


@contextlib.contextmanager
def slow_clients(server):
    """Each fetches the file and reads 1 KiB a second of it."""
    host, port = server.addresses[0].removeprefix("tcp:").rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(SLOW_CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((host, int(port)))
            client.sendall(b"GET /files/big HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(1024)
            clients.append(client)
        stop = threading.Event()

        def read():
            while not stop.wait(1):
                for client in clients:
                    client.recv(1024)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            stop.set()
            reader.join()


def beside(f, loads):
    publish = loads.publish("lines", 500)

    def slowed(server):
        run([str(word) for word in ask_once("/files/big")(server)])
        with slow_clients(server):
            return publish(server)

    return Figure(
        "deliver-beside",
        f"Publish to deliver, 2,000 messages a second, beside {SLOW_CLIENTS} downloads at 1 KiB/s",
        {"p50": "µs, p50", "p99": "µs, p99"},
        [
            Row("without them", "limit", f.ferry(pinned=True), publish),
            Row("ferry", "ferry", f.ferry(pinned=True), slowed),
        ],
        [Goal("ferry", 1.2, "without them"), Goal("ferry", 1.2, "without them", "p99")],
        more_is_better=False,
    )


def file_figures(programs, loads, size):
    f = Files(programs, size)
    figures = [download(f), download_checked(f), upload(f), hand_over(f), beside(f, loads)]
    for figure in figures:
        figure.title = figure.title.format(size=f"{size >> 20} MiB")
    return figures
