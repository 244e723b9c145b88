"""What tests of files at the command line share."""

import hashlib
import os
import stat

import pytest
from program import PATIENCE

SIZE = int(os.environ.get("FERRY_FILE_SIZE", 20_000_000))  # of a large file
BIG = os.urandom(5_000_000)


def tree_of(path):
    """All that is in a directory: name, content, permissions, time."""
    return {
        str(each.relative_to(path)): (
            each.read_bytes(),
            stat.S_IMODE(each.stat().st_mode),
            each.stat().st_mtime_ns,
        )
        for each in path.rglob("*")
        if each.is_file()
    }


def digest_of(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture
def done(ferry):
    """Runs a command that must end with 0 and say nothing; its output."""

    def run(*words):
        result = ferry(*words, timeout=PATIENCE + SIZE // 10_000_000)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return run


def make_large(path, size=SIZE):
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for at in range(0, size, len(block)):
            file.write(at.to_bytes(8, "big") + block[: min(len(block), size - at) - 8])
    assert path.stat().st_size == size
    return path


@pytest.fixture
def large(tmp_path):
    path = make_large(tmp_path / "large.bin")
    yield path
    path.unlink(missing_ok=True)
