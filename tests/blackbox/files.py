"""Files at a hub, asked for by hand."""

import array
import base64
import hashlib
import os
import socket

from web import HOST, Answer

VERSION = "Upload-Draft-Interop-Version: 8\r\n"
PART = "Content-Type: application/partial-upload\r\n"
ATTRIBUTE = "user.ferry.sha256"  # of a file whose digest is known


def digest(data):
    """The value of Repr-Digest."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def etag(data):
    return f'"{hashlib.sha256(data).hexdigest()}"'


def request(peer, method, target, fields="", body=None):
    """FIELDS are whole lines. Sends, and reads the answer."""
    send(peer, method, target, fields, body)
    return Answer(peer, method)


def send(peer, method, target, fields="", body=None):
    length = "" if body is None else f"Content-Length: {len(body)}\r\n"
    peer.send(f"{method} {target} HTTP/1.1\r\n{HOST}{fields}{length}\r\n".encode() + (body or b""))


def put(peer, name, body, fields=""):
    return request(peer, "PUT", f"/files/{name}", fields, body)


def get(peer, name, fields=""):
    return request(peer, "GET", f"/files/{name}", fields)


def listing(peer, prefix=""):
    """By name."""
    entries = request(peer, "GET", f"/files/{prefix}").json
    names = [entry["name"] for entry in entries]
    assert len(names) == len(set(names))
    return {entry["name"]: entry for entry in entries}


def takes_attributes(path):
    """Whether files there can have any."""
    try:
        os.setxattr(path, "user.test", b"x")
    except OSError:
        return False
    return True


# ---- uploads that can be resumed ----


def begin(peer, name, length, complete="?1", fields=""):
    """Begins an upload of LENGTH bytes in this request, and sends none; its path."""
    peer.send(
        f"PUT /files/{name} HTTP/1.1\r\n{HOST}{VERSION}Upload-Complete: {complete}\r\n"
        f"{fields}Content-Length: {length}\r\n\r\n"
    )
    answer = Answer(peer, "PUT")
    assert (answer.status, answer["upload-draft-interop-version"]) == (104, "8")
    assert "max-age=" in answer["upload-limit"]
    return answer["location"]


def offset(peer, path):
    """How much is there; None when there is no such upload (any more)."""
    answer = request(peer, "HEAD", path, VERSION)
    if answer.status == 404:
        return None
    assert answer.status == 204 and answer["cache-control"] == "no-store"
    return int(answer["upload-offset"])


def append(peer, path, at, body, complete="?1", fields=""):
    said = f"{VERSION}{PART}Upload-Offset: {at}\r\nUpload-Complete: {complete}\r\n{fields}"
    return request(peer, "PATCH", path, said, body)


# ---- open files ----


def send_with(peer, data, *fds):
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
    peer.socket.sendmsg([data.encode()], [rights])


def receive_with(peer):
    """What comes next, and the descriptors with it."""
    fds = array.array("i")
    data, rights, _, _ = peer.socket.recvmsg(65536, socket.CMSG_SPACE(4 * fds.itemsize))
    for level, kind, some in rights:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        fds.frombytes(some)
    peer.unread += data
    return list(fds)
