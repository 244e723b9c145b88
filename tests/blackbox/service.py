"""Both ends of a service, with nothing but HTTP."""

import http.client
import json
import threading

from program import PATIENCE


class Client:
    """A connection that asks, or serves."""

    def __init__(self, hub):
        self.http = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def post(self, path, body=b"", **fields):
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        chunked = not isinstance(body, bytes)
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
        self.http.request("POST", f"/services/{path}", body, fields, encode_chunked=chunked)

    def answer(self):
        return self.http.getresponse()

    def ask(self, path, body=b"", **fields):
        self.post(path, body, **fields)
        answer = self.answer()
        return answer.status, answer.read(), answer.headers

    def take(self, service):
        status, body, head = self.ask(f"{service}/next")
        assert status == 200
        return head["Request-Id"], body, head

    def reply(self, service, name, body=b"", **fields):
        return self.ask(f"{service}/replies/{name}", body, **fields)[0]


def until_waiting(hub, count, service="up"):
    """Waits until COUNT servers wait: askers are let in from then on."""
    with Client(hub) as c:
        for _ in range(2000):
            c.http.request("GET", "/services/")
            services = {each["name"]: each for each in json.load(c.answer())}
            if services.get(service, {"waiting": 0})["waiting"] == count:
                return
            threading.Event().wait(0.005)
    raise AssertionError(f"not {count} servers: {services}")


def figures(hub):
    with Client(hub) as c:
        c.http.request("GET", "/status")
        return json.load(c.answer())
