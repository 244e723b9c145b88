"""The units that are installed for systemd."""

import shutil
import subprocess

import pytest
from paths import BUILD, FERRY, ROOT

ANALYZE = shutil.which("systemd-analyze")

pytestmark = pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze here")


@pytest.fixture
def units(tmp_path):
    """As installed, but with the program of this build."""
    for unit in (BUILD / "systemd/ferry.service", ROOT / "systemd/ferry.socket"):
        (tmp_path / unit.name).write_text(with_program(unit.read_text()))
    return [tmp_path / "ferry.service", tmp_path / "ferry.socket"]


def with_program(text):
    words = [word for word in text.split() if word.endswith("/ferry") and "ExecStart=" in word]
    return text.replace(words[0], f"ExecStart={FERRY}") if words else text


def analyze(*words):
    return subprocess.run([ANALYZE, *words], capture_output=True, text=True)


def test_units_are_right(units):
    result = analyze("verify", "--man=no", *units)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_service_is_hardened(units):
    """Its exposure, 0 to 10, by the judgement of systemd itself."""
    result = analyze("security", "--offline=true", "--threshold=10", units[0])
    assert result.returncode == 0, result.stdout
