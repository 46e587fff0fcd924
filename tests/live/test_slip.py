"""
`slip-dbus` on a process that keeps what python-slip keeps: what is in it must be what Python itself
says. Whether it is a leak is tested with a real firewalld, by tests/daemon.
"""

import json

import pytest

import support


def ask(victim):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "slip-dbus", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid("slip-dbus", done.stdout)
    return json.loads(done.stdout)["result"]


def assert_as_it_says(result, kept):
    strange = kept["senders"] - kept["names"]
    assert strange == 4
    assert result["holder"] == "slip.dbus.service.Object"
    assert result["senders"] == kept["senders"]
    assert {row["type"]: row["count"] for row in result["classes"]} == kept["instances"]
    assert result["instances"] == sum(kept["instances"].values())
    (connection,) = result["connections"]
    assert connection["connection"] == "__main__.Connection at 0x%x" % kept["connection"]
    assert connection["senders"] == kept["names"]
    assert connection["match_arg1"] == ":1.5"
    # Of `senders`, and of the connection's.
    assert result["unreadable"] == 2 * strange
    assert (result["objects"], result["bytes"]) == (kept["objects"], kept["bytes"])


def test_contents(start, interpreter):
    victim = start(interpreter, "slipping.py")
    assert_as_it_says(ask(victim), victim.ask("kept"))


def test_frozen(start, interpreter):
    """What gc.freeze() has put aside is still kept."""
    if not interpreter.can_freeze():
        pytest.skip("there is no gc.freeze()")
    victim = start(interpreter, "slipping.py", "freeze")
    assert_as_it_says(ask(victim), victim.ask("kept"))
