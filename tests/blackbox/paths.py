"""Where things are."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The program under test; the sanitized build names its own.
FERRY = pathlib.Path(os.environ.get("FERRY", ROOT / "build/ferry")).absolute()

# What was built with it.
BUILD = FERRY.parent

# A sanitizer keeps what was freed for a while, so it bears no bounds of memory.
SANITIZED = b"__asan_init" in FERRY.read_bytes()
