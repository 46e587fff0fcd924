"""
`path TYPE` must say how all objects of a type are held: one line for one cause, with the figures of
Python; and how they are held a second time, by C code, or by nothing.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters

COUNT = 300


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "ways.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def expected(victim):
    return victim.ask("expected")


def ask(victim, subject, *options):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "path", subject, *options, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid("path", done.stdout)
    result = json.loads(done.stdout)["result"]
    assert result["skipped"] == 0 and result["merged_unlike"] is False
    assert result["other_ways"]["ways"] == result["other_also"]["ways"] == 0
    assert sum(way["instances"] for way in result["ways"]) == result["instances"]
    keys = [(-way["retained"], -way["instances"]) for way in result["ways"]]
    assert keys == sorted(keys)
    return result


def ways(result):
    return {way["through"]: way["instances"] for way in result["ways"]}


def also(result):
    return {way["through"]: way["references"] for way in result["also"]}


def test_one_cause_is_one_line(victim, expected):
    result = ask(victim, "__main__.Session")
    assert ways(result) == {"__main__.CACHE[*][1]": COUNT - 1, "__main__.NEAR": 1}
    assert {way["start"] for way in result["ways"]} == {"root"}
    assert result["instances"] == expected["Session"]["count"]
    assert result["freed"]["bytes"] == expected["Session"]["bytes"]
    assert sum(way["retained"] for way in result["ways"]) == expected["Session"]["bytes"]
    assert result["ways"][1]["retained"] == expected["near"]
    assert result["held"] == {"instances": 0, "references": 0}


def test_held_twice(victim):
    """Through closures; and the one that is nearer, through the cache as well."""
    assert also(ask(victim, "__main__.Session")) == {
        "__main__.BUS.subs['done'][*] closure s": COUNT - 1, "__main__.CACHE[*][1]": 1}


def test_example(victim):
    """Its address leads on, to the same way."""
    result = ask(victim, "__main__.Session", "--exact")
    one = ask(victim, result["ways"][0]["example"])
    assert one["instances"] == 1 and one["type"] is None
    assert [way["instances"] for way in one["ways"]] == [1]
    expression = one["paths"][0]["expression"]
    assert expression.startswith("sys.modules['__main__'].CACHE[")
    assert one["ways"][0]["through"].startswith("__main__.CACHE[")
    assert one["freed"]["bytes"] > 0


@pytest.mark.parametrize("name, through, count", [
    ("Waiting", "__main__.GENERATORS[*] local payload", COUNT),
    ("Entry", "__main__.Registry.rooms['room'][*]", COUNT),
])
def test_places(victim, name, through, count):
    result = ask(victim, "__main__." + name)
    # up to 3.10 the frame of a generator is an object
    assert {text.replace(".gi_frame local", " local"): number
            for text, number in ways(result).items()} == {through: count}
    assert also(result) == {}


def test_chain(victim, expected):
    """All links of a chain are one, and their bytes count once."""
    result = ask(victim, "__main__.Link")
    assert ways(result) == {"__main__.HEAD": 1, "__main__.HEAD.next+": COUNT - 1,
                            "__main__.tail": 1}
    assert result["freed"]["bytes"] == expected["Link"]["bytes"]


def test_garbage(victim):
    result = ask(victim, "__main__.Knot")
    assert result["paths"] == []
    assert result["instances"] == 2 * COUNT
    assert {way["start"] for way in result["ways"]} == {"unreached"}
    assert sum(ways(result).values()) == 2 * COUNT and len(result["ways"]) <= 2
    table = support.run_pyinspect(victim.pid, "path", "__main__.Knot", "--format", "table").stdout
    assert "held by nothing: __main__.Knot" in table


def test_held_by_c(victim):
    result = ask(victim, "__main__.Pinned")
    assert ways(result) == {"__main__.PINNED[*]": 40}
    assert result["held"] == {"instances": 40, "references": 80}
    table = support.run_pyinspect(victim.pid, "path", "__main__.Pinned", "--format", "table").stdout
    assert "40 of them are also held by C code: 80 references" in " ".join(table.split())


def test_attributes_with_a_dict(victim):
    """A value that is in the object and in its __dict__ is one reference (3.13), not two."""
    result = ask(victim, "__main__.Kept")
    assert ways(result) == {"__main__.MATERIALISED[*].kept": 40}
    assert also(result) == {}
    assert result["held"] == {"instances": 40, "references": 40}


def test_none(victim):
    result = ask(victim, "__main__.Bus", "--exact")
    assert result["instances"] == 1
    result = ask(victim, "json.decoder.JSONDecodeError")
    assert (result["instances"], result["ways"], result["paths"]) == (0, [], [])
