"""The unit tests of sockets on a kernel that has what the one below may lack: vsock, SCTP."""

import pytest
from conftest import UNIT_TESTS


@pytest.mark.parametrize("name", UNIT_TESTS)
def test_unit(machine, name):
    result = machine.run(f"FERRY_TEST_VSOCK=1 CMOCKA_MESSAGE_OUTPUT=TAP {name}")
    assert result.status == 0, result.text
    assert "SKIP" not in result.text
