"""
Extension code that crashes, hangs, aborts, or lies in its tp_traverse costs its own objects'
references only: pyinspect ends in time, says what it has left out, counts everything else
exactly, and the process never notices.
"""

import json
import os
import time

import pytest

import interpreters
import older_kernel
import support

SOURCE = os.path.join(support.ROOT, "tests", "extension", "hostile.c")
DISTRIBUTION = interpreters.EXPECTED[-1]
COUNT = 5
# Each object that does not return is waited for: 20 s, and what a busy machine adds.
PATIENCE_SECONDS = 35
BOUND_SECONDS = 15

# {type: objects}; what the objects refer to is reachable without them.
MISBEHAVING = {"BadPointer": COUNT, "SystemCall": COUNT, "Garbage": COUNT, "Recursion": COUNT,
               "LargeRecursion": COUNT, "Abort": COUNT, "Endless": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile")
    interpreters.build_extension(DISTRIBUTION, "hostile", [SOURCE], path)
    return path


@pytest.fixture
def victim(folder, start):
    """What does not return runs until its time is over: others, which have work to do, go first."""
    def starter(kind, count):
        prefix = ["nice", "-n", "10"] if kind == "Endless" else []
        return start(DISTRIBUTION, "hostile_victim.py", folder, kind, count, prefix=prefix)
    return starter


def look(target, scope, timed_out=BOUND_SECONDS, prefix=()):
    """(exit code, report, {type: (count, bytes)}) of a run that leaves the target alone."""
    begun = time.monotonic()
    with support.assert_untouched(target.pid):
        done = support.run_pyinspect(target.pid, "top-types", "--scope", scope, "-n", "0",
                                     "--format", "json", timeout=10 * timed_out, prefix=prefix)
    took = time.monotonic() - begun
    report = json.loads(done.stdout)
    assert took < timed_out, "it took %.1f s: %s" % (took, report["access"])
    assert "error" not in report, report
    rows = {row["type"]: (row["count"], row["bytes"]) for row in report["result"]["types"]}
    return done.returncode, report, rows


def differences(before, after):
    return {name: (before.get(name), after.get(name)) for name in set(before) | set(after)
            if before.get(name) != after.get(name)}


@pytest.mark.parametrize("kind", MISBEHAVING)
def test_misbehaving(victim, kind):
    count = MISBEHAVING[kind]
    target = victim(kind, count)
    made = target.ask("make")
    code, _, before = look(target, "all")
    assert code == 0
    assert before["hostile." + kind] == (made["count"], made["bytes"])
    target.ask("arm")
    code, report, after = look(target, "all", PATIENCE_SECONDS)
    assert code == 5
    assert not differences(before, after), "type: (behaving, misbehaving)"
    assert count <= report["result"]["skipped"] <= 10 * count
    assert report["warnings"], "nobody was told"
    # a second look tells a broken heap from one caught in the middle of a change; no more
    assert report["access"]["attempts"] <= 2
    assert target.ask("check") == {"alive": count}
    code, _, again = look(target, "all")
    assert code == 0
    assert not differences(before, again)


@pytest.mark.parametrize("kind", ["SystemCall", "Recursion", "Endless"])
def test_misbehaving_without_emulation(victim, kind, tmp_path):
    """What the kernel tells of a snapshot then is told in another order."""
    prefix = older_kernel.prefix(tmp_path, older_kernel.NO_EMULATION)
    target = victim(kind, MISBEHAVING[kind])
    target.ask("make")
    code, _, before = look(target, "all", prefix=prefix)
    assert code == 0
    target.ask("arm")
    code, report, after = look(target, "all", PATIENCE_SECONDS, prefix)
    assert code == 5
    assert not differences(before, after), "type: (behaving, misbehaving)"
    assert MISBEHAVING[kind] <= report["result"]["skipped"] <= 10 * MISBEHAVING[kind]
    assert target.ask("check") == {"alive": MISBEHAVING[kind]}


@pytest.mark.parametrize("kind", MISBEHAVING)
def test_tracked_needs_no_code(victim, kind):
    """Counting what is tracked calls no tp_traverse: nothing is left out."""
    target = victim(kind, MISBEHAVING[kind])
    made = target.ask("make")
    _, _, before = look(target, "tracked")
    target.ask("arm")
    code, report, after = look(target, "tracked")
    assert code == 0
    assert report["result"]["skipped"] == 0
    assert not report["warnings"]
    assert not differences(before, after)
    assert after["hostile." + kind] == (made["count"], made["bytes"])
    assert target.ask("check") == {"alive": MISBEHAVING[kind]}


def test_own_is_gc(victim):
    """One of the objects has no GC head: its type says so, and is asked."""
    target = victim("OwnIsGc", COUNT)
    made = target.ask("make")
    assert made["count"] == COUNT + 1
    code, report, rows = look(target, "all")
    assert code == 0
    assert rows["hostile.OwnIsGc"] == (made["count"], made["bytes"])
    assert report["result"]["skipped"] == 0
    _, _, rows = look(target, "tracked")
    assert rows["hostile.OwnIsGc"][0] == COUNT
    assert target.ask("check") == {"alive": COUNT}


def test_many_referents(victim):
    """100,000 referents of one object, which only that leads to."""
    target = victim("Many", 1)
    _, _, before = look(target, "all")
    made = target.ask("make")
    code, report, after = look(target, "all")
    assert code == 0
    assert report["result"]["skipped"] == 0
    assert after["hostile.Many"] == (1, made["bytes"])
    assert after["float"][0] - before["float"][0] == 100000
    assert target.ask("check") == {"alive": 1}


def test_own_sizeof(victim):
    """A __sizeof__ written in C is not called: the size is an estimate, and labelled."""
    target = victim("OwnSize", COUNT)
    made = target.ask("make")
    assert made == {"count": COUNT, "bytes": COUNT * 4711}
    code, report, _ = look(target, "all")
    assert code == 0
    row = [row for row in report["result"]["types"] if row["type"] == "hostile.OwnSize"][0]
    assert row["count"] == COUNT
    assert row["estimated"] is True
    assert 0 < row["bytes"] < made["bytes"]
    assert target.ask("check") == {"alive": COUNT}
