"""The machines themselves: what a test may rely on before it looks at ferry."""

import pytest
from machine import MachineFault


def test_status_and_output_come_back(machine):
    result = machine.run("printf 'a\\0b'; echo c >&2; exit 3")
    assert (result.status, result.output) == (3, b"a\0bc\n")


def test_jobs_run_side_by_side(machine):
    reader = machine.start("mkfifo /tmp/pipe; cat /tmp/pipe")
    assert machine.run("until test -p /tmp/pipe; do :; done; echo hi >/tmp/pipe").status == 0
    assert reader.wait().text == "hi\n"


def test_a_job_that_ends_early_is_told(machine):
    with pytest.raises(MachineFault, match="ended without 'hi'"):
        machine.start("echo ho").wait_for("hi")


def test_a_hung_machine_is_told(machine):
    with pytest.raises(MachineFault, match="did not answer in time; its console:"):
        machine.run("cat /dev/ttyS3 /dev/zero >/dev/null", timeout=0.5)


def test_a_panic_shows_the_console(machine):
    with pytest.raises(MachineFault, match="(?s)the machine ended.*Kernel panic"):
        machine.run("echo c >/proc/sysrq-trigger")


def test_a_new_machine_follows(machine):
    assert machine.run("uname").text == "Linux\n"


def test_loopback(machine):
    listener = machine.start("exec timeout 20 socat -u VSOCK-LISTEN:1025 -")
    send = "until echo hello | socat -u - VSOCK-CONNECT:1:1025 2>/dev/null; do usleep 20000; done"
    assert machine.run(send).status == 0
    assert listener.wait().text == "hello\n"
