"""The suite of all transports, run inside a machine whose kernel has what this one may lack."""

import xml.etree.ElementTree as ElementTree

import pytest
from conftest import BLACKBOX, ROOT

TRANSPORTS = ["mptcp", "sctp", "vsock", "vsock-seqpacket"]
REPORT = "/tmp/report.xml"


@pytest.fixture(scope="module")
def report(one):
    """The test cases as JUnit has them, and what pytest said."""
    machine = one.get()
    chosen = " or ".join(TRANSPORTS)
    environment = "FERRY=/usr/bin/ferry FERRY_TEST_VSOCK=1 PYTHONDONTWRITEBYTECODE=1"
    result = machine.run(
        f"cd {ROOT} && {environment} python3 -m pytest -q --junitxml={REPORT} -k '{chosen}' "
        f"{BLACKBOX / 'test_transports.py'}",
        timeout=150,
    )
    cases = ElementTree.fromstring(machine.check(f"cat {REPORT}").output).iter("testcase")
    return list(cases), result.text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_transport(report, transport):
    cases, said = report
    ours = [case for case in cases if case.get("name").endswith(f"[{transport}]")]
    assert ours, said
    assert not [problem for case in ours for problem in case], said
