"""The suites of all transports, and of what a relay makes of them, run inside a machine whose kernel
has what this one may lack."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import BLACKBOX, ROOT

TRANSPORTS = ["mptcp", "sctp", "vsock", "vsock-seqpacket"]
RELAYED = ["vsock", "vsock-seqpacket"]  # the others are tested on any machine
CHOSEN = "test_transports and (mptcp or sctp) or vsock"
REPORT = "/tmp/report.xml"


@pytest.fixture(scope="module")
def report(one):
    """The test cases as JUnit has them, and what pytest said."""
    machine = one.get()
    environment = "FERRY=/usr/bin/ferry FERRY_TEST_VSOCK=1 PYTHONDONTWRITEBYTECODE=1"
    files = " ".join(f"{BLACKBOX}/{name}.py" for name in ("test_transports", "test_relay_matrix"))
    result = machine.run(
        f"cd {ROOT} && {environment} FERRY_RELAY_BULK=2 python3 -m pytest -q --junitxml={REPORT} "
        f"-k '{CHOSEN}' {files}",
        timeout=150,
    )
    cases = ElementTree.fromstring(machine.check(f"cat {REPORT}").output).iter("testcase")
    return list(cases), result.text


def assert_passed(report, file, transport):
    cases, said = report
    name = re.compile(rf"\[{transport}(-client|-target)?\]$")
    ours = [case for case in cases if file in case.get("classname") and name.search(case.get("name"))]
    assert ours, said
    assert not [problem for case in ours for problem in case], said


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_transport(report, transport):
    assert_passed(report, "test_transports", transport)


@pytest.mark.parametrize("transport", RELAYED)
def test_relay(report, transport):
    assert_passed(report, "test_relay_matrix", transport)
