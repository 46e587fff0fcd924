"""
A process whose threads never rest is stopped more than once: all stops together have a limit, there
is time between them, and each that was no use says why.
"""

import json
import re

import pytest

import interpreters
import support

ROUNDS = 6
TOTAL_MS = 12
REST_FACTOR = 4


@pytest.fixture(name="victim")
def _victim(start):
    return start(interpreters.any_interpreter(), "busy.py")


def look(victim, *options):
    done = support.run_pyinspect(victim.pid, "top-types", "--json", "-n", "1", "-v", *options)
    report = json.loads(done.stdout)
    if done.returncode in (0, 5):
        support.assert_valid("top-types", done.stdout)
    return done, report


def test_tries_are_told(victim):
    """What each cost, and why it was thrown away; together they are all that the target stood."""
    dropped = 0
    for _ in range(ROUNDS):
        done, report = look(victim)
        assert done.returncode in (0, 5), done.stderr
        cost, tries = report["cost"], report["cost"]["tries"]
        assert len(tries) >= report["access"]["attempts"] >= 1
        assert all(one["dropped"] for one in tries[:-1]) and not tries[-1]["dropped"]
        assert sum(one["paused_ms"] for one in tries) == pytest.approx(cost["paused_ms"], abs=0.1)
        told = re.findall(r"try (\d+), which took ([\d.]+) ms, was thrown away: (.*)\n",
                          done.stderr)
        assert [(int(number), why) for number, _, why in told] == [
            (number, one["dropped"]) for number, one in enumerate(tries[:-1], start=1)]
        for (_, took_ms, _), one in zip(told, tries):
            assert float(took_ms) == pytest.approx(one["paused_ms"], abs=0.01)
        # Between two of them it did its work.
        wasted_ms = sum(min(one["paused_ms"], 500) for one in tries[:-1])
        assert cost["elapsed_ms"] >= REST_FACTOR * wasted_ms
        dropped += len(tries) - 1
    assert dropped, "not one try was in vain: this victim shows nothing"


def test_total_is_bounded(victim):
    """Another try is only made if there is room for it; with more room there are more."""
    for _ in range(ROUNDS):
        done, report = look(victim, "--max-total-pause", str(TOTAL_MS))
        if done.returncode == 1:
            assert report["error"]["code"] == "pause-too-long"
            assert "--max-total-pause" in report["error"]["hint"]
            continue
        assert done.returncode in (0, 5), done.stderr
        tries = report["cost"]["tries"]
        assert sum(one["paused_ms"] for one in tries[:-1]) <= TOTAL_MS


def test_refused_before_the_first(victim):
    """One stop is a sum, too."""
    with support.assert_untouched(victim.pid, blocked=False, memory=False):
        done, report = look(victim, "--max-total-pause", "0.01")
    assert done.returncode == 1
    assert report["error"]["code"] == "pause-too-long"
