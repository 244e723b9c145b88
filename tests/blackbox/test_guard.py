"""What a page of another site can do to a hub is nothing: Host, Origin and Sec-Fetch-Site, and CORS
where it was asked for."""

import pytest
from web import HOST, UPGRADE, ask, name_of

FOREIGN = [
    ("Host: evil.example\r\n", 421),  # DNS rebinding
    ("Host: localhost.evil.example\r\n", 421),
    ("Host: notlocalhost\r\n", 421),
    ("Host: localhost\r\nOrigin: https://evil.example\r\n", 403),
    ("Host: localhost\r\nOrigin: null\r\n", 403),
    ("Host: localhost\r\nOrigin: http://localhost:1\r\n", 403),  # another port is another site
    ("Host: localhost\r\nOrigin: http://127.0.0.1\r\n", 403),
    ("Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://localhost\r\n", 403),
    ("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403),
    ("Host: localhost\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n", 403),
]

@pytest.mark.parametrize("fields, status", FOREIGN, ids=name_of)
def test_a_foreign_page_is_refused_on_every_method(hub, fields, status):
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in ("/status", "/topics/t", "/nothing"):
            with hub.peer() as peer:
                answer = ask(peer, f"{method} {path} HTTP/1.1\r\n{fields}\r\n")
                assert answer.status == status
                assert answer["access-control-allow-origin"] is None
    with hub.peer() as peer:
        assert ask(peer, f"GET /topics/t HTTP/1.1\r\n{fields}{UPGRADE}\r\n").status == status
    with hub.peer() as peer:
        assert ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n").json["messages_in"] == 0


OWN = [
    "Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n",
    "Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n",
    "Host: ferry.localhost\r\nOrigin: http://ferry.localhost\r\n",
    "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n",
    "Host: localhost\r\nSec-Fetch-Site: none\r\n",
    "Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n",  # a link
]


@pytest.mark.parametrize("fields", OWN, ids=name_of)
def test_the_hubs_own_page_is_welcome(hub, fields):
    with hub.peer() as peer:
        request = f"GET /status HTTP/1.1\r\n{fields.format(port=hub.port)}\r\n"
        assert ask(peer, request).status == 200


def test_allow_host(start_hub):
    hub = start_hub("tcp:localhost:0", "--allow-host=hub.example")
    with hub.peer() as peer:
        assert ask(peer, "GET /status HTTP/1.1\r\nHost: HUB.example\r\n\r\n").status == 200
        assert ask(peer, "GET /status HTTP/1.1\r\nHost: a.hub.example\r\n\r\n").status == 421


def test_any_host_over_a_unix_socket(start_hub, tmp_path):
    hub = start_hub(f"unix:{tmp_path}/hub")
    with hub.peer() as peer:
        assert ask(peer, "GET /status HTTP/1.1\r\nHost: whatever\r\n\r\n").status == 200


def test_cors_only_when_asked_for(start_hub):
    hub = start_hub("tcp:localhost:0", "--allow-origin=https://page.example")
    welcome = f"{HOST}Origin: https://page.example\r\n"
    with hub.peer() as peer:
        preflight = ask(
            peer,
            f"OPTIONS /topics/t HTTP/1.1\r\n{welcome}Access-Control-Request-Method: POST\r\n\r\n",
        )
        assert preflight.status == 204
        assert preflight["access-control-allow-origin"] == "https://page.example"
        assert "POST" in preflight["access-control-allow-methods"]
        assert "Content-Type" in preflight["access-control-allow-headers"]
        post = ask(peer, f"POST /topics/t HTTP/1.1\r\n{welcome}Content-Length: 2\r\n\r\nhi")
        assert post.json == {"id": 1}
        assert post["access-control-allow-origin"] == "https://page.example"
        assert "Origin" in post["vary"]
        plain = ask(peer, f"GET /status HTTP/1.1\r\n{HOST}\r\n")
        assert plain["access-control-allow-origin"] is None
        other = ask(peer, f"GET /status HTTP/1.1\r\n{HOST}Origin: https://evil.example\r\n\r\n")
        assert (other.status, other["access-control-allow-origin"]) == (403, None)
    with hub.peer() as peer:
        stream = ask(peer, f"GET /topics/t?poll=1 HTTP/1.1\r\n{welcome}\r\n")
        assert stream["access-control-allow-origin"] == "https://page.example"
    with hub.peer() as peer:
        assert ask(peer, f"GET /topics/t HTTP/1.1\r\n{welcome}{UPGRADE}\r\n").status == 101
