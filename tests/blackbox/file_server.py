"""An HTTP server of files that is not ours, and that does wrong when told to."""

import base64
import hashlib
import http.server
import re
import socket
import socketserver
import threading
import urllib.parse


def repr_digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    @property
    def name(self):
        return urllib.parse.unquote(self.path.removeprefix("/files/"))

    def note(self):
        self.server.seen.append((self.command, self.path, dict(self.headers)))

    def do_GET(self):
        server = self.server
        self.note()
        if self.path.endswith("/"):
            self.answer(200, server.listing, Content_Type="application/json")
            return
        server.asked.set()
        if not server.pause_at:
            server.hold.wait()
        content = server.files.get(self.name)
        if content is None:
            self.answer(404)
            return
        fields = {"ETag": server.etags.get(self.name, f'"{hashlib.md5(content).hexdigest()}"')}
        if server.tells_digest:
            fields["Repr-Digest"] = server.digests.get(self.name, repr_digest(content))
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and server.ranges and self.headers.get("If-Range") == fields["ETag"]:
            start = int(asked[1])
            fields["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        self.wfile.write(body[: server.pause_at])
        server.hold.wait()
        self.wfile.write(body[server.pause_at : cut])
        if cut is not None:
            self.close_connection = True
            server.after_cut()

    def chunks(self):
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            assert self.rfile.read(2) == b"\r\n"

    def do_PUT(self):
        server = self.server
        self.note()
        if self.headers.get("Transfer-Encoding") == "chunked":
            if server.wants_length:
                self.close_connection = True
                self.answer(411)
                return
            content = b"".join(self.chunks())
            while (line := self.rfile.readline()) != b"\r\n":
                server.trailers.append(line.decode().strip())
        else:
            content = self.rfile.read(int(self.headers["Content-Length"]))
        cut = server.cuts.pop(0) if server.cuts else None
        if cut is not None:
            self.close_connection = True
            return
        server.files[self.name] = content
        self.answer(201, **server.put_fields)


class FileServer(socketserver.ThreadingTCPServer):
    """`files` is what there is; `seen` the requests. To do wrong: `digests` that are told instead of
    the right ones, `cuts`: how much of the body each next answer has before the connection ends,
    `hold`: cleared, no file is given out, or no more than `pause_at` bytes of it.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, path=None, **files):
        """On the Unix socket PATH, or a free port."""
        if path:
            self.address_family = socket.AF_UNIX
        super().__init__(path or ("127.0.0.1", 0), Handler)
        self.path = path
        self.files = {name.replace("_", "."): content for name, content in files.items()}
        self.seen, self.cuts, self.trailers = [], [], []
        self.digests, self.etags, self.put_fields = {}, {}, {}
        self.listing = b"[]"
        self.tells_digest = self.ranges = True
        self.wants_length = False
        self.asked, self.hold = threading.Event(), threading.Event()
        self.hold.set()
        self.after_cut = lambda: None
        self.pause_at = 0
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def handle_error(self, *_):
        """That a client left is its affair; anything else shows in what it got."""

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()

    @property
    def address(self):
        return f"unix:{self.path}" if self.path else f"tcp:127.0.0.1:{self.server_address[1]}"
