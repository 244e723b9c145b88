"""`ferry status`: what a hub says of itself."""

import json


def figures_of(ferry, hub):
    return json.loads(ferry("status", hub.address, "--json").stdout)


def test_figures_and_topics(hub, ferry):
    assert ferry("send", hub.address, "hello", "--topic", "news").returncode == 0
    plain = ferry("status", hub.address)
    assert plain.returncode == 0
    rows = [line.split() for line in plain.stdout.splitlines()]
    assert ["messages_in", "1"] in rows
    assert ["news", "1", "0"] in rows
    figures = figures_of(ferry, hub)
    assert figures["store_messages"] == 1
    assert figures["topics"] == [{"name": "news", "messages": 1, "last_id": 1, "subscribers": 0}]


def test_no_hub(ferry, tmp_path):
    result = ferry("status", f"unix:{tmp_path}/none")
    assert result.returncode == 69
    assert len(result.stderr.splitlines()) == 1
