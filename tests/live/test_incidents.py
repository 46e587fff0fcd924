"""
incidents: what checks have found wrong, whether its process is still there, and the way to its
evidence.
"""

import json
import os
import re
import shlex

import pytest

import interpreters
import support
from test_check import CRITICAL, LIMITS, OK, WARNING, ask


@pytest.fixture
def state(tmp_path):
    return str(tmp_path / "state")


def listed(state, *options, status=0):
    options = options or ("--format", "table")
    done = support.run_pyinspect("incidents", "--state", state, *options)
    assert done.returncode == status, done.stderr
    return done.stdout


def incidents(state, *options):
    text = listed(state, "--json", *options)
    support.assert_valid("incidents", text)
    return json.loads(text)["result"]


def test_from_the_list_to_the_evidence(state):
    """A command that is printed shows what was kept."""
    victim = support.Target.python(interpreters.any_interpreter(), "leaking.py")
    try:
        victim.ask("keep 2000")
        evidence = ask(victim.pid, state, "--max", LIMITS, "--max-rss", "1GB", expected=CRITICAL)["result"]["evidence"]
        item, = incidents(state)["incidents"]
        assert item["pid"] == victim.pid and item["target"] == str(victim.pid)
        assert item["running"] and item["found"] and not item["over"]
        assert item["status"] == "critical" and item["rule"] == "max-count " + item["subject"]
        assert item["subject"].endswith("Session")
        assert item["folder"] == evidence and os.path.isdir(evidence)
        text = listed(state)
        assert text.count(item["subject"]) == 1
        command, = re.findall(r"^  pyinspect (show .*)$", text, re.MULTILINE)
        done = support.run_pyinspect(*shlex.split(command), "--format", "table")
        assert done.returncode == 0, done.stderr
        assert item["subject"] in done.stdout
        # It is less, and then it is over: the evidence stays.
        victim.ask("keep 500")
        ask(victim.pid, state, "--max", LIMITS, expected=WARNING)
        assert incidents(state)["incidents"][0]["status"] == "warning"
        victim.ask("keep 5")
        ask(victim.pid, state, "--max", LIMITS, expected=OK)
        item, = incidents(state)["incidents"]
        assert item["over"] and item["status"] is None and item["rule"] is None
        assert item["folder"] == evidence and item["pid"] == victim.pid
        victim.ask("keep 500")
        ask(victim.pid, state, "--max", LIMITS, expected=WARNING)
        assert [item["over"] for item in incidents(state)["incidents"]] == [False, True]
        assert incidents(state, "-n", "1")["other"] == 1
    finally:
        victim.close()
    # What was wrong with a process that has ended stays so.
    first = incidents(state)["incidents"][0]
    assert not first["running"] and first["status"] == "warning" and not first["over"]
    text = listed(state)
    assert re.search(r"  gone +%d  " % victim.pid, text) and "the process has ended" in text
    lines = listed(state, "--format", "ndjson")
    support.assert_valid("incidents", lines, "--ndjson")
    assert len(lines.splitlines()) == 3


def test_nothing_is_kept(state):
    assert "no incidents in" in listed(state)
    assert incidents(state)["incidents"] == []
    assert not os.path.exists(state)


def test_what_is_damaged_is_said(state):
    os.makedirs(os.path.join(state, "incidents"), 0o700)
    os.chmod(state, 0o700)
    with open(os.path.join(state, "incidents", "5-7.json"), "w", encoding="ascii") as file:
        file.write('{"incidents": [')
    assert "1 file could not be read" in listed(state, status=5)
    done = support.run_pyinspect("incidents", "1234", "--state", state)
    assert done.returncode == 2 and "of all processes" in done.stderr
    # Somebody else could have put it there.
    os.chmod(os.path.join(state, "incidents"), 0o777)
    done = support.run_pyinspect("incidents", "--state", state)
    assert done.returncode == 1 and "no incidents there" in done.stderr
