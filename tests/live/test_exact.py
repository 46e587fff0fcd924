"""
`--scope tracked` must equal Python's own answer about itself: every type, exactly, on a process
with very many objects; quiet, and while its threads allocate and collect.

Ten runs on each interpreter: one that is right may have been lucky. Half of them under load, where
each meets the collector and the threads at other moments; of a quiet process, what could differ from
run to run is only ours (where the arena lies, where a fault took place).

A million objects on the distribution's Python: records and arena run full many times. The others
differ in layout, which more objects prove nothing about; they get enough for all that to happen a
few times. PYI_OBJECTS says how many for all; `tests/run --all` sets it to a million.
"""

import os

import pytest

import support

QUIET_RUNS = 5
LOADED_RUNS = 5

# What the load inherently varies: the instances that its threads make and drop. Nothing else.
CHURN = {"__main__.Churn", "__main__.ChurnList", "__main__.ChurnDict"}


def wanted_objects(interpreter):
    usual = 1000000 if interpreter.name == "distribution" else 200000
    return int(os.environ.get("PYI_OBJECTS") or usual)


def tracked(victim, *options):
    return support.top_types(victim.pid, "--scope", "tracked", "-n", "0", *options)


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "mixed.py", wanted_objects(interpreter))
    yield target
    target.close()


@pytest.fixture(scope="module")
def truth(victim, interpreter):
    """What the victim says of itself, asked twice: counting must not change the count."""
    first, second = victim.ask("report", 180), victim.ask("report", 180)
    assert first == second
    total = sum(count for count, _ in first["types"].values()) + first["frozen"]
    assert total > 0.9 * wanted_objects(interpreter)
    return first


def assert_exact(report, truth, mask=frozenset()):
    got = {name: row[0] for name, row in support.census(report).items() if name not in mask}
    expected = {name: row[0] for name, row in truth["types"].items() if name not in mask}
    wrong = {name: (got.get(name), expected.get(name)) for name in set(got) | set(expected)
             if got.get(name) != expected.get(name)}
    assert not wrong, "type: (pyinspect, Python): %s" % wrong
    assert report["result"]["frozen"]["objects"] == truth["frozen"]
    assert report["access"]["consistent"] is True


@pytest.mark.parametrize("run", range(QUIET_RUNS))
def test_quiet(victim, truth, run):
    with support.assert_untouched(victim.pid):
        report = tracked(victim)
    assert_exact(report, truth)
    assert report["access"]["attempts"] == 1
    assert report["result"]["scope"] == "tracked"


def test_bytes_are_getsizeof(victim, truth):
    rows = support.census(tracked(victim))
    wrong = {name: (rows[name][1], size) for name, (_, size) in truth["types"].items()
             if not rows[name][2] and rows[name][1] != size}
    assert not wrong, "type: (pyinspect, sys.getsizeof): %s" % wrong
    too_much = {name: (rows[name][1], size) for name, (_, size) in truth["types"].items()
                if rows[name][2] and rows[name][1] > size}
    assert not too_much, "estimated, but more than sys.getsizeof: %s" % too_much
    assert not [name for name in ("dict", "list", "tuple", "set", "frozenset", "function",
                                  "__main__.Plain", "__main__.Slots", "__main__.Dict")
                if name in rows and rows[name][2]], "built-in types are not estimates"


def test_frozen_bytes(interpreter, victim, truth):
    frozen = tracked(victim)["result"]["frozen"]
    # each of them has a header and a type at least
    assert frozen["bytes"] >= 32 * truth["frozen"]
    assert (truth["frozen"] > 0) == interpreter.can_freeze()


def test_all_has_at_least_the_tracked(victim, truth):
    """--scope all also finds what is tracked, frozen objects included."""
    rows = support.census(support.top_types(victim.pid, "--scope", "all", "-n", "0"))
    missing = {name: (rows.get(name), count) for name, (count, _) in truth["types"].items()
               if name not in rows or rows[name][0] < count}
    assert not missing, "type: (scope all, tracked by Python): %s" % missing
    tracked_objects = sum(count for count, _ in truth["types"].values()) + truth["frozen"]
    assert sum(row[0] for row in rows.values()) > tracked_objects


# Last: the victim never gets quiet again.
def test_under_load(interpreter, victim, truth):
    before = victim.ask("progress")
    victim.ask("load")
    churned = 0
    for _ in range(LOADED_RUNS):
        with support.assert_untouched(victim.pid, blocked=False, memory=False):
            report = tracked(victim, *interpreter.busy_options())
        assert_exact(report, truth, CHURN | interpreter.temporaries())
        churned += sum(row["count"] for row in report["result"]["types"] if row["type"] in CHURN)
    after = victim.ask("progress")
    assert churned > 0, "the load was never seen"
    assert after["collections"] - before["collections"] > 50, "the gc has hardly run"
    idle = [index for index, rounds in enumerate(after["rounds"]) if not rounds]
    assert not idle, "threads %s did nothing" % idle
