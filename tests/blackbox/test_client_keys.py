"""Who is let in by a key: --allow-key, --allow-keys-file, and what the others are told."""

import base64
import json
import os
import re
import signal
import subprocess

import pytest
from program import PATIENCE
from tls_client import COMMANDS, Client, Secure, every_command


@pytest.fixture
def client(ferry, start, tmp_path):
    return Client(ferry, start, tmp_path)


@pytest.fixture
def listed(ferry):
    """The pin of a key in the directory `listed`."""
    return ferry("key", "--key-dir", "listed").stdout.strip()


@pytest.fixture
def secure_hub(start_hub, client, tmp_path):
    def run(*options):
        own = [f"--key-dir={tmp_path / 'hub'}", f"--allow-user={os.getuid()}"]
        own.append(f"--files={client.files}")
        hub = Secure(start_hub("tls:localhost:0", client.door, *own, *options))
        assert client.run("send", client.door, "welcome").returncode == 0
        return hub

    return run


def figure(client, name):
    return json.loads(client.run("status", client.door, "--json").stdout)[name]


@every_command
def test_a_listed_key(client, secure_hub, listed, command):
    hub = secure_hub(f"--allow-key=anna={listed}")
    status, errors = client(command, hub.address, "--key-dir", "listed")
    assert status == COMMANDS[command].status, errors
    assert figure(client, "tls_unlisted") == 0


@every_command
def test_no_key(client, secure_hub, listed, command):
    hub = secure_hub(f"--allow-key=anna={listed}")
    status, errors = client(command, hub.address)
    assert status == 77
    assert "the hub lets in only those it knows by their key" in errors
    assert "ferry key" in errors
    assert figure(client, "tls_unlisted") == 1
    assert b"no TLS: it showed no key" in hub.hub.errors


@every_command
def test_a_key_that_is_not_listed(client, secure_hub, ferry, listed, command):
    hub = secure_hub(f"--allow-key=anna={listed}")
    own = ferry("key").stdout.strip()
    status, errors = client(command, hub.address)
    assert status == 77
    assert "the hub does not let your key in" in errors
    assert f"ferry listen --allow-key NAME={own}" in errors
    assert figure(client, "tls_unlisted") == 1
    assert f"its key is not on the list; to let it in: --allow-key NAME={own}" in (
        hub.hub.errors.decode()
    )


def test_the_name_is_the_senders(client, secure_hub, listed):
    hub = secure_hub(f"--allow-key=anna={listed}")
    as_ben = f"{hub.address}&name=ben"
    assert client.run("send", as_ben, "--key-dir", "listed", "hi").returncode == 0
    hub.hub.wait_for("^This is what anna sent: hi$")
    chat = client.run("chat", as_ben, "--name", "eve", "--key-dir", "listed", input="hello\nbye\n")
    assert chat.returncode == 0
    hub.hub.wait_for("^This is what anna sent: hello$")


def test_the_file_and_the_option_go_together(client, secure_hub, ferry, listed, tmp_path):
    other = ferry("key", "--key-dir", "other").stdout.strip()
    (tmp_path / "keys").write_text(f"# ours\n{other} ben\n")
    hub = secure_hub(f"--allow-key=anna={listed}", f"--allow-keys-file={tmp_path / 'keys'}")
    for keys, name in (("listed", "anna"), ("other", "ben")):
        assert client.run("send", hub.address, "--key-dir", keys, "hi").returncode == 0
        hub.hub.wait_for(f"^This is what {name} sent: hi$")


def test_a_key_may_do_what_its_line_says(client, secure_hub, listed, tmp_path):
    (tmp_path / "keys").write_text(f"{listed} anna read:lobby\n")
    hub = secure_hub(f"--allow-keys-file={tmp_path / 'keys'}")
    assert client("follow", hub.address, "--key-dir", "listed")[0] == 0
    status, errors = client("send", hub.address, "--key-dir", "listed")
    assert status == 77
    assert "anna may not" in errors


def test_a_token_will_do_in_place_of_a_key(client, secure_hub, listed, tmp_path):
    token = "q3Jm0gBfQ2b7Ew1sKx8yZ4vN"
    for name, text in (("tokens", f"ben {token} all\n"), ("token", token)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    hub = secure_hub(f"--allow-key=anna={listed}", f"--token-file={tmp_path / 'tokens'}")
    for options, name in ((["--key-dir", "listed"], "anna"), (["--token-file", "token"], "ben")):
        assert client("send", hub.address, *options)[0] == 0
        hub.hub.wait_for(f"^This is what {name} sent: hi$")
    status, errors = client("send", hub.address)
    assert status == 77
    assert "a token is needed" in errors
    assert figure(client, "tls_unlisted") == 0


def test_reload(client, secure_hub, listed, start, tmp_path):
    file = tmp_path / "keys"
    file.write_text("")
    hub = secure_hub(f"--allow-keys-file={file}")

    def reload(said):
        hub.hub.process.send_signal(signal.SIGHUP)
        with hub.hub.more:
            assert hub.hub.more.wait_for(lambda: said in hub.hub.errors, PATIENCE)

    assert client("send", hub.address, "--key-dir", "listed")[0] == 77
    file.write_text(f"{listed} anna\n")
    reload(b"who may come in has been read again")
    assert client("send", hub.address, "--key-dir", "listed")[0] == 0

    follower = start("follow", hub.address, "--key-dir", "listed")
    while figure(client, "subscribers") < 1:
        pass
    file.write_text("nonsense\n")
    reload(b"who may come in stays as it was: ")
    assert client("send", hub.address, "--key-dir", "listed")[0] == 0
    file.write_text("# nobody\n")
    hub.hub.process.send_signal(signal.SIGHUP)
    follower.process.wait(PATIENCE)
    assert follower.process.returncode == 77
    assert client("send", hub.address, "--key-dir", "listed")[0] == 77


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to(ferry, listed, tmp_path, mode):
    file = tmp_path / "keys"
    file.write_text(f"{listed} anna\n")
    file.chmod(mode)
    refused = ferry("listen", "tls:localhost:0", "--allow-keys-file", str(file))
    assert refused.returncode == 77
    assert f"chmod go-w {file}" in refused.stderr


@pytest.mark.parametrize(
    "words, status, says",
    [
        (["--allow-key", "anna"], 64, "--allow-key takes NAME=PIN"),
        (["--allow-key", "anna=sha256:short"], 64, "--allow-key takes NAME=PIN"),
        (["--allow-keys-file", "nowhere"], 69, "cannot read nowhere"),
    ],
)
def test_wrong_words(ferry, words, status, says):
    refused = ferry("listen", "tls:localhost:0", *words)
    assert refused.returncode == status
    assert says in refused.stderr


# Other programs


def openssl(hub, *words, text="hello from openssl\n"):
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"localhost:{hub.port}", "-brief", *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_openssl_with_and_without_a_key(secure_hub, listed, tmp_path):
    hub = secure_hub(f"--allow-key=anna={listed}")
    key = str(tmp_path / "listed" / "key.pem")
    openssl(hub, "-cert", key, "-key", key, "-ign_eof", text="GET /status HTTP/1.0\r\n\r\n")
    assert openssl(hub, "-cert", key, "-key", key).returncode == 0
    hub.hub.wait_for("^This is what anna sent: hello from openssl$")
    refused = openssl(hub, "-ign_eof")
    assert "certificate required" in refused.stderr


def curl_pin(pin):
    """As the manual page of ferry key has it."""
    command = "sed 's|:|//|; y|-_|+/|; s|$|=|'"
    return subprocess.run(
        command, shell=True, input=pin, capture_output=True, text=True, check=True
    ).stdout.strip()


def curl(hub, *words):
    return subprocess.run(
        ["curl", "-sSk", *words, f"{hub.url}/status"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_curl_pins_the_hub(secure_hub, ferry, listed, tmp_path):
    hub = secure_hub(f"--allow-key=anna={listed}")
    key = str(tmp_path / "listed" / "key.pem")
    digest = base64.urlsafe_b64decode(hub.pin.removeprefix("sha256:") + "=")
    assert curl_pin(hub.pin) == "sha256//" + base64.b64encode(digest).decode()
    good = curl(hub, "--cert", key, "--pinnedpubkey", curl_pin(hub.pin))
    assert json.loads(good.stdout)["tls_unlisted"] == 0, good.stderr
    bad = curl(hub, "--cert", key, "--pinnedpubkey", curl_pin(listed))
    assert bad.returncode == 90  # CURLE_SSL_PINNEDPUBKEYNOTMATCH
    none = curl(hub, "--pinnedpubkey", curl_pin(hub.pin))
    assert none.returncode == 56 and "certificate required" in none.stderr


def test_curl_takes_the_certificate_as_its_authority(secure_hub, ferry, listed, tmp_path):
    hub = secure_hub(f"--allow-key=anna={listed}")
    pem = ferry("key", "--key-dir", "hub", "--pem").stdout
    (tmp_path / "hub.pem").write_text(pem)
    answer = subprocess.run(
        ["curl", "-sS", "--cacert", str(tmp_path / "hub.pem")]
        + ["--cert", str(tmp_path / "listed" / "key.pem"), f"{hub.url}/status"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert re.search('"tls_unlisted": ?0', answer.stdout), answer.stderr


# Beyond this machine


@pytest.mark.parametrize(
    "address, options, says",
    [
        ("tls:*:0", [], "anyone there could join: let in who has a key (--allow-key NAME=PIN)"),
        ("tcp:*:0", [], "listen on tls:HOST:PORT and let in who has a key (--allow-key NAME=PIN)"),
        ("tcp:*:0", ["KEY"], "what proves who comes could be overheard: listen on tls:HOST:PORT"),
    ],
)
def test_beyond_this_machine_is_refused_with_the_choices(ferry, listed, address, options, says):
    key = ["--allow-key", f"anna={listed}"] if options else []
    refused = ferry("listen", address, *key)
    assert refused.returncode == 77
    assert says in refused.stderr
    assert "--open" in refused.stderr
    if not options:
        assert "--token-file FILE" in refused.stderr


@pytest.mark.parametrize("options", ["--allow-key", "--open"])
def test_the_line_to_paste_elsewhere(start_hub, ferry, listed, options):
    hub = start_hub("tls:*:0", "--open" if options == "--open" else f"--allow-key=anna={listed}")
    pin = ferry("key").stdout.strip()
    port = re.search(r":(\d+)\?", hub.address)[1]
    with hub.more:
        assert hub.more.wait_for(lambda: b"to talk, elsewhere: " in hub.errors, PATIENCE)
    line = rf"to talk, elsewhere: ferry chat 'tls:[\w.-]+:{port}\?pin={pin}'\n"
    assert re.search(line, hub.errors.decode())
