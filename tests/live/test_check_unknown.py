"""
check, where not all can be known: by no target, a heap that cannot be looked at or not wholly, a
name that is not clear, and what is wrong besides.
"""

import json
import os
import re

import pytest

import interpreters
import support
from test_check import (CRITICAL, FORMS, LIMITS, OK, SESSION, UNKNOWN, WORDS, ask, codes, in_mounts,
                        mounts, run, series, state, validate_form, victim, write)

__all__ = ["mounts", "state", "victim"]  # fixtures

# A mirror of anything takes longer than that.
TOO_LARGE = ("--source", "mirror", "--max-pause", "0.01")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", [[], [""]])
def test_no_target(state, form, target):
    """A variable was empty: that is no exit code 2, which means critical."""
    done = support.run_pyinspect(*target, "check", "--max-rss", "1B", "--state", state,
                                 "--format", form)
    assert done.returncode == UNKNOWN, done.stdout + done.stderr
    assert "pyinspect: " in done.stderr
    validate_form(done.stdout, form)
    if form == "nagios":
        assert done.stdout.startswith("PYINSPECT UNKNOWN - ")
    elif form == "prometheus":
        assert series(done.stdout)['pyinspect_check_status{target=""}'] == UNKNOWN
    elif form != "table":
        assert json.loads(done.stdout)["error"]


def test_the_command_may_come_first(victim, state):
    done = support.run_pyinspect("check", victim.pid, "--min-age", "0", "--state", state,
                                 "--max-rss", "1TiB", "--format", "json")
    assert done.returncode == OK, done.stderr
    assert json.loads(done.stdout)["target"]["pid"] == victim.pid


def test_incomplete_is_never_a_silent_ok(start, state):
    target = start(interpreters.any_interpreter(), "corrupt.py")
    target.ask("break type")
    report = ask(target.pid, state, "--max", "__main__.Broken=1000", expected=UNKNOWN)
    assert report["result"]["incomplete"] and report["result"]["skipped"]
    assert "incomplete" in report["result"]["summary"]
    # More than the limit were seen for sure.
    report = ask(target.pid, state, "--max", "__main__.Broken=10", expected=CRITICAL)
    assert report["result"]["incomplete"]
    done = run(target.pid, state, "--max", "__main__.Broken=1000", "--format", "prometheus")
    assert series(done.stdout)['pyinspect_check_incomplete{target="%d"}' % target.pid] == 1
    # Nor do such looks show that something grows.
    ask(target.pid, state, "--preset", "generic", expected=UNKNOWN)
    target.ask("mend")
    ask(target.pid, state, "--preset", "generic", expected=OK)


def test_a_name_of_two_types(start, state):
    """Only its own rule is unknown, and the look is kept."""
    target = start(interpreters.any_interpreter(), "named.py")
    report = ask(target.pid, state, "--max", "Error=0", "--max-growth", "Error=1/h",
                 "--max-rss", "1TiB", expected=UNKNOWN)
    rules = {rule["rule"].split()[0]: rule for rule in report["result"]["rules"]}
    assert rules["max-rss"]["status"] == "ok"
    for kind in ("max-count", "max-growth"):
        assert rules[kind]["status"] == "unknown"
        assert re.match(r"Error: \S+\.Error and \S+\.Error have this name",
                        rules[kind]["message"])
    assert report["result"]["history"]["kept"]
    ask(target.pid, state, "--max", "Error=0", "--max-rss", "1B", expected=CRITICAL)


def refused(victim, state, *options, **more):
    """{form: the finished run} of a check that cannot look at the heap."""
    found = {}
    for form in FORMS:
        with support.assert_untouched(victim.pid):
            found[form] = run(victim.pid, state, *options, "--format", form, "--verbose", **more)
        validate_form(found[form].stdout, form)
        # Not once.
        assert "stood still" not in found[form].stderr
    return found


def assert_judged_from_outside(victim, state, code, *options, **more):
    """Unknown, unless it has more memory than it may have: that much is known all the same."""
    for form, done in refused(victim, state, "--max-rss", "1TiB", *options, **more).items():
        assert done.returncode == UNKNOWN, done.stdout + done.stderr
        if form == "nagios":
            assert done.stdout.startswith("PYINSPECT UNKNOWN - ")
        elif form == "json":
            assert json.loads(done.stdout)["error"]["code"] == code
    runs = refused(victim, state, "--max-rss", "1B", "--max", LIMITS, *options, **more)
    assert {done.returncode for done in runs.values()} == {CRITICAL}
    report = json.loads(runs["json"].stdout)
    assert code in codes(report)
    assert (report["access"]["source"], report["access"]["attempts"]) == ("none", 0)
    assert report["target"]["pid"] == victim.pid
    result = report["result"]
    assert result["incomplete"] and result["evidence"] is None
    assert not os.path.exists(os.path.join(state, "evidence"))
    assert result["figures"] == {"rss": report["target"]["rss_bytes"]}
    assert [(rule["rule"].split()[0], rule["status"]) for rule in result["rules"]] == [
        ("max-rss", "critical"), ("max-count", "unknown")]
    found = series(runs["prometheus"].stdout)
    assert found['pyinspect_check_status{target="%d"}' % victim.pid] == CRITICAL
    assert found['pyinspect_check_incomplete{target="%d"}' % victim.pid] == 1
    assert runs["nagios"].stdout.startswith("PYINSPECT CRITICAL - ")


def test_too_large_to_be_looked_at(victim, state):
    assert_judged_from_outside(victim, state, "pause-too-long", *TOO_LARGE)
    # When it can be looked at again, that incident has its evidence.
    victim.ask("keep 5")
    assert ask(victim.pid, state, "--max-rss", "1B", expected=CRITICAL)["result"]["evidence"]


def test_memory_pressure(victim, state, tmp_path, mounts):
    if not os.path.exists("/proc/pressure/memory"):
        pytest.skip("this kernel does not measure pressure")
    pressure = write(tmp_path / "pressure",
                     "some avg10=99.00 avg60=90.00 avg300=50.00 total=1\n"
                     "full avg10=98.00 avg60=90.00 avg300=50.00 total=1\n")
    prefix = in_mounts("mount --bind %s /proc/pressure/memory" % pressure)
    assert_judged_from_outside(victim, state, "memory-pressure", prefix=prefix)


def test_warnings_of_a_service(victim, state, tmp_path, mounts):
    """What it writes for machines has no place for them, but the journal has."""
    victim.ask("keep 5")
    path = tmp_path / "check.prom"
    prefix = in_mounts("mkdir -p %s" % state, "mount -t tmpfs -o ro,mode=700 none %s" % state)
    done = run(victim.pid, state, "--max", LIMITS, "--format", "prometheus", "--output", path,
               prefix=prefix)
    assert done.returncode == OK
    assert re.search("^pyinspect: warning: .*%s" % state, done.stderr, re.MULTILINE), done.stderr
    kept = 'pyinspect_history_kept{target="%d"}' % victim.pid
    assert series(path.read_text())[kept] == 0
    # Where none is wanted, there is nothing to be alarmed at.
    done = run(victim.pid, state, "--max", LIMITS, "--format", "prometheus", "--no-history")
    assert kept not in series(done.stdout)
