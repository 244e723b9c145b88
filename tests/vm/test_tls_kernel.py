"""Kernel TLS, which few machines have ready, inside one that does."""

import xml.etree.ElementTree as ElementTree

import pytest
from conftest import BLACKBOX, ROOT

REPORT = "/tmp/tls.xml"


def test_tls_kernel(machine):
    environment = "FERRY=/usr/bin/ferry PYTHONDONTWRITEBYTECODE=1"
    result = machine.run(
        f"cd {ROOT} && {environment} python3 -m pytest -q --junitxml={REPORT} "
        f"{BLACKBOX / 'test_tls_kernel.py'}",
        timeout=150,
    )
    cases = list(ElementTree.fromstring(machine.check(f"cat {REPORT}").output).iter("testcase"))
    assert len(cases) > 10, result.text
    assert not [problem for case in cases for problem in case], result.text
    assert result.status == 0, result.text
