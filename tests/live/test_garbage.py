"""
`garbage`: what gc.collect() would free, compared with what it finds in a fork of the target; and what
is said where the heap is broken.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters

KNOTS = 700


def ask(target, *options, code=0):
    with support.assert_untouched(target.pid):
        done = support.run_pyinspect(target.pid, "garbage", "--format", "json", *options)
    assert done.returncode == code, done.stdout + done.stderr
    support.assert_valid("garbage", done.stdout)
    return json.loads(done.stdout)


def by_type(result, figure):
    return {row["type"].rpartition(".")[2]: row[figure] for row in result["types"]}


def test_planted_cycles(start, interpreter):
    victim = start(interpreter, "webs.py")
    report = ask(victim, "-n", "0")
    result = report["result"]
    found = victim.ask("found")
    assert result["complete"] and not report["warnings"]
    assert result["found"] == found["number"] == 4 * KNOTS
    counts = by_type(result, "count")
    for name, count in found["types"].items():
        assert counts[name] == count, name
    # And with them what the collector does not track.
    assert counts == dict(found["types"], bytes=KNOTS, float=KNOTS)
    assert by_type(result, "bytes") == victim.ask("expected")["tied"]
    assert result["objects"] == sum(counts.values()) < result["heap"]["objects"]
    assert result["bytes"] == sum(row["bytes"] for row in result["types"])


def test_one_cause_is_one_line(start, interpreter):
    """The cycles that nothing leads to, by the types in them, with all that would go with them."""
    victim = start(interpreter, "webs.py")
    result = ask(victim)["result"]
    kind, = result["cycles"]
    assert kind["types"] == ["__main__.Knot"] and kind["type_count"] == 1
    assert (kind["cycles"], kind["members"]) == (KNOTS, 2 * KNOTS)
    assert (kind["objects"], kind["bytes"]) == (result["objects"], result["bytes"])
    assert result["shared"] == {"objects": 0, "bytes": 0}
    shown = support.run_pyinspect(victim.pid, "show", kind["example"], "--format", "json")
    assert json.loads(shown.stdout)["result"]["type"] == "__main__.Knot"


def test_cycles_of_several_kinds(start, interpreter):
    """Trees of any size are one kind, which another leads to; two kinds share a list."""
    victim = start(interpreter, "rings.py")
    known = victim.ask("known")
    result = ask(victim, "-n", "0")["result"]
    assert result["found"] == victim.ask("found")
    kinds = {name: kind for kind in result["cycles"] for name in kind["types"] if "." in name}
    assert set(kinds) == set(known["kinds"]) and len(kinds) == len(result["cycles"])
    assert kinds["__main__.Tree"]["types"].count("list") == 1
    for name, expected in known["kinds"].items():
        assert {key: kinds[name][key] for key in expected} == expected, name
    assert result["shared"] == known["shared"]
    assert result["other_cycles"]["kinds"] == 0
    one = ask(victim, "-n", "1")["result"]
    assert one["cycles"] == result["cycles"][:1]
    assert one["other_cycles"]["cycles"] == sum(kind["cycles"] for kind in result["cycles"][1:])
    table = support.run_pyinspect(victim.pid, "garbage", "--format", "table").stdout
    assert "CYCLES" in table and "__main__.Tree, list" in table
    assert "cycles of more than one of these lines lead to 2 more objects" in table


def test_collected(start, interpreter):
    victim = start(interpreter, "webs.py")
    victim.ask("collect")
    result = ask(victim)["result"]
    assert (result["found"], result["objects"], result["types"]) == (0, 0, [])
    done = support.run_pyinspect(victim.pid, "garbage", "--format", "table")
    assert "gc.collect() would free nothing\n" in done.stdout


def test_table_and_limit(start, interpreter):
    victim = start(interpreter, "webs.py")
    result = ask(victim, "-n", "2", "--by", "count")["result"]
    counts = [row["count"] for row in result["types"]]
    assert counts == [2 * KNOTS, KNOTS]
    assert result["other"]["count"] == 3 * KNOTS
    done = support.run_pyinspect(victim.pid, "garbage", "-n", "1", "--by", "count",
                                 "--format", "table")
    assert done.returncode == 0, done.stderr
    assert "find 2,800 objects in cycles, and free 4,200 objects of" in done.stdout
    assert "1,400" in [line for line in done.stdout.splitlines() if "__main__.Knot" in line][0]
    assert "4 other types" in done.stdout


def test_ndjson_says_what_json_says(start, interpreter):
    victim = start(interpreter, "webs.py")
    result = ask(victim, "-n", "3")["result"]
    done = support.run_pyinspect(victim.pid, "garbage", "-n", "3", "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    support.assert_valid("garbage", done.stdout, "--ndjson")
    first, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    rows = result.pop("types") + result.pop("cycles")
    assert first["result"] == result
    assert [row.pop("kind") for row in rest] == ["type"] * 3 + ["cycle"]
    assert rest == rows


def test_collector(start, interpreter):
    """Enabled or not, thresholds, counts and gc.garbage are what the module says; or not known."""
    victim = start(interpreter, "webs.py")
    # In 3.6 these are static variables that nothing leads to.
    hidden = {"enabled", "garbage"} if interpreter.name.endswith("-3.6") else set()
    for commands in (["thresholds 100000 7 5"], ["enable"],
                     ["thresholds 0 7 5", "uncollectable 3"]):
        for command in commands:
            victim.ask(command)
        said = victim.ask("collector")
        found = ask(victim)["result"]["collector"]
        assert {key for key in found if found[key] is None} == hidden
        # To be asked for them makes an object or two.
        first, *others = said.pop("counts")
        counts = found.pop("counts")
        assert abs(counts[0] - first) < 20 and counts[0] > 4 * KNOTS - 20
        assert counts[1:] == others
        assert found == dict(said, **{key: None for key in hidden})
    done = support.run_pyinspect(victim.pid, "garbage", "--format", "table")
    if hidden:
        assert "whether the collector is enabled is not known (thresholds 0, 7, 5;" in done.stdout
    else:
        assert "the collector is enabled, but never runs by itself" in done.stdout
        assert "gc.garbage has 3 objects" in done.stdout


@pytest.mark.parametrize("what", ["type", "link"])
def test_broken_heap(start, interpreter, what):
    victim = start(interpreter, "corrupt.py")
    assert ask(victim)["result"]["complete"]
    victim.ask("break " + what)
    report = ask(victim, code=5)
    assert not report["result"]["complete"] and report["warnings"]
    victim.ask("mend")
    assert ask(victim)["result"]["complete"]
