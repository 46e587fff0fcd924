"""
Broken heaps: a labelled, partial result and exit 5; never a crash or a hang, and the target unharmed.
"""

import json

import pytest

import support


def look(victim):
    done = support.run_pyinspect(victim.pid, "top-types", "-n", "0", "--format", "json",
                                 timeout=60)
    return done.returncode, json.loads(done.stdout)


def broken_objects(report):
    return sum(row["count"] for row in report["result"]["types"]
               if row["type"] == "__main__.Broken")


@pytest.mark.parametrize("what, counted", [
    ("type", range(99, 100)),  # one has no type any more
    ("link", range(1, 100)),  # those behind it are lost, or those in the same page
    ("dict", range(100, 101)),  # all there, but the dict is not to be trusted
])
def test_broken_word(start, interpreter, what, counted):
    victim = start(interpreter, "corrupt.py")
    code, whole = look(victim)
    assert code == 0, whole
    assert broken_objects(whole) == 100
    victim.ask("break " + what)
    with support.assert_untouched(victim.pid):
        code, partial = look(victim)
    assert code == 5, partial
    assert partial["access"]["consistent"] is False
    assert partial["warnings"]
    assert broken_objects(partial) in counted
    victim.ask("mend")
    code, again = look(victim)
    assert code == 0
    assert broken_objects(again) == 100


@pytest.mark.parametrize("what", ["type", "link", "dict"])
def test_path(start, interpreter, what):
    victim = start(interpreter, "corrupt.py")
    victim.ask("break " + what)
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "path", "__main__.Broken", "--format", "json",
                                     timeout=60)
    report = json.loads(done.stdout)
    assert done.returncode == 5, report
    assert report["access"]["consistent"] is False
    assert report["warnings"]
    support.assert_valid("path", done.stdout)
    result = report["result"]
    assert sum(way["instances"] for way in result["ways"]) == result["instances"] <= 100
    victim.ask("mend")
    done = support.run_pyinspect(victim.pid, "path", "__main__.Broken", "--format", "json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["result"]["instances"] == 100
