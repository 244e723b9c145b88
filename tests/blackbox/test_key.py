"""The own key: `ferry key`, and what is kept of it."""

import json
import re
import stat
import subprocess

PIN = r"sha256:[\w-]{43}"


def test_the_pin_stays_the_same(ferry, tmp_path):
    first = ferry("key")
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(PIN + "\n", first.stdout)
    assert ferry("key").stdout == first.stdout
    path = tmp_path / "ferry" / "key.pem"
    assert json.loads(ferry("key", "--json").stdout) == {
        "pin": first.stdout.strip(),
        "path": str(path),
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["key.pem"]


def test_another_directory_has_another_key(ferry, tmp_path):
    own = ferry("key").stdout
    other = ferry("key", "--key-dir", "keys").stdout
    assert re.fullmatch(PIN + "\n", other) and other != own
    assert (tmp_path / "keys" / "key.pem").exists()


def test_a_key_that_others_can_read_is_refused(ferry, tmp_path):
    pin = ferry("key").stdout
    path = tmp_path / "ferry" / "key.pem"
    path.chmod(0o640)
    refused = ferry("key")
    assert (refused.returncode, refused.stdout) == (77, "")
    assert f"chmod 600 {path}" in refused.stderr
    path.chmod(0o600)
    assert ferry("key").stdout == pin


def test_no_home(ferry, environment):
    environment.pop("HOME")
    environment.pop("XDG_STATE_HOME")
    refused = ferry("key")
    assert refused.returncode == 64
    assert "--key-dir DIR" in refused.stderr


def test_other_programs_compute_the_same_pin(ferry, tmp_path):
    """With what the manual page says to type; curl's own form is tried against a hub elsewhere."""
    pin = ferry("key").stdout.strip()
    (tmp_path / "cert.pem").write_text(ferry("key", "--pem").stdout)
    assert "PRIVATE" not in (tmp_path / "cert.pem").read_text()
    by_openssl = subprocess.run(
        "openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform DER |"
        "openssl dgst -sha256 -binary | basenc --base64url | tr -d =",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert by_openssl == pin.removeprefix("sha256:")
    assert ferry("key", "--cert", "cert.pem").stdout.strip() == pin


def test_a_file_without_a_certificate(ferry, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for path, status in (("empty.pem", 64), ("nowhere.pem", 69)):
        refused = ferry("key", "--cert", path)
        assert (refused.returncode, refused.stdout) == (status, "")
        assert path in refused.stderr


def test_the_certificate_is_plain_to_openssl(ferry, tmp_path):
    (tmp_path / "cert.pem").write_text(ferry("key", "--pem").stdout)
    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"]
        + ["-verify_hostname", "localhost", "-CAfile", "cert.pem", "cert.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (verified.returncode, verified.stdout) == (0, "cert.pem: OK\n"), verified.stderr
