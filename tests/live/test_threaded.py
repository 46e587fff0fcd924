"""
Without a GIL objects are in the pages of many threads: what each has made must be counted exactly, also
when the thread has ended, when another one has freed some of it, and when it is frozen.

With a GIL the same must be right, in another way; so every interpreter is asked.
"""

import json
import os

import pytest

import support


@pytest.fixture
def victim(interpreter, start):
    return start(interpreter, "threaded.py")


def counted(victim, *options):
    report = support.top_types(victim.pid, "-n", "0", *options)
    assert report["access"]["consistent"] is True
    return {name: row[0] for name, row in support.census(report).items()}, report


def assert_right(victim, truth, *options):
    counts, report = counted(victim, "--scope", "tracked", *options)
    assert {name: counts.get(name, 0) for name in truth} == truth
    assert report["result"]["skipped"] == 0 and not report["warnings"]
    return report


def test_counts(victim):
    truth = victim.ask("report", 60)
    assert truth["__main__.Plain"] == truth["__main__.Slots"] == 6 * 4000
    with support.assert_untouched(victim.pid):
        assert_right(victim, truth)
    # What is half empty, of threads that live and of some that do not.
    victim.ask("shrink", 60)
    truth = victim.ask("report", 60)
    assert 6 * 2000 <= truth["__main__.Slots"] <= 6 * 3000
    assert_right(victim, truth)
    # Without a GIL a thread that waits frees what others have let go of when it runs again.
    victim.ask("end", 60)
    truth = victim.ask("report", 60)
    assert truth["__main__.Slots"] == truth["__main__.Items"] == 6 * 2000
    assert_right(victim, truth)
    counts, _ = counted(victim, "--scope", "all")
    assert {name: counts.get(name) for name in truth} == truth


def test_frozen(interpreter, victim):
    if not interpreter.can_freeze():
        pytest.skip("it cannot freeze")
    truth = victim.ask("report", 60)
    victim.ask("end", 60)
    frozen = victim.ask("freeze", 60)
    report = assert_right(victim, dict.fromkeys(truth, 0))
    assert report["result"]["frozen"]["objects"] == frozen > 5 * 6 * 4000
    counts, _ = counted(victim, "--scope", "all")
    assert {name: counts.get(name) for name in truth} == truth


@pytest.mark.parametrize("work", ["load", "turn"])
def test_threads_at_work(victim, work):
    """Whatever they do meanwhile, a snapshot that is believed is right, and there is one."""
    truth = victim.ask("report", 60)
    victim.ask(work)
    right = 0
    for _ in range(8):
        done = support.run_pyinspect(victim.pid, "top-types", "--json", "-n", "0",
                                     "--scope", "tracked")
        assert done.returncode in (0, 5), done.stderr
        report = json.loads(done.stdout)
        counts = {name: row[0] for name, row in support.census(report).items()}
        if not report["access"]["consistent"]:
            assert "inconsistent" in [warning["code"] for warning in report["warnings"]]
            continue
        assert {name: counts.get(name, 0) for name in truth} == truth
        right += 1
    assert right > 0


def test_debug_allocator(interpreter):
    """It puts two words in front of each block."""
    if interpreter.name.endswith("-3.6"):
        pytest.skip("it has no -X dev")
    *command, script = interpreter.command(os.path.join(support.VICTIMS, "threaded.py"))
    victim = support.Target([*command, "-X", "dev", script])
    try:
        victim.expect("READY", seconds=180)
        assert_right(victim, victim.ask("report", 60))
        victim.ask("shrink", 60)
        assert_right(victim, victim.ask("report", 60))
    finally:
        victim.close()
