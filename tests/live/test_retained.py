"""
`--by retained`: bytes that would be freed with an object, and with all objects of a type together, are
those of structures of which it is known.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "webs.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def expected(victim):
    return victim.ask("expected")


def ask(victim, command, *options):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, command, "--by", "retained", "--format", "json",
                                     *options)
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid(command, done.stdout)
    return json.loads(done.stdout)["result"]


@pytest.fixture(scope="module")
def objects(victim):
    # As many as there can be; to hold all of them against the schema takes long.
    done = support.run_pyinspect(victim.pid, "top-objects", "--by", "retained", "-n", "0", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"]["most_retained"]


@pytest.fixture(scope="module")
def types(victim):
    rows = ask(victim, "top-types", "-n", "0", "--module", "__main__")["types"]
    return {row["type"].rpartition(".")[2]: row for row in rows}


def test_planted_objects(objects, expected):
    found = {str(int(row["address"], 16)): row["retained"] for row in objects
             if row["type"] == "__main__.Holder"}
    # The one without rows may be behind all that are listed.
    assert len(found) >= 2
    assert found.items() <= expected["holders"].items()
    assert not [row for row in objects if row["type"] == "__main__.Holder"
                and row.get("retained_estimated")]


def test_order_of_objects(victim, objects):
    keys = [(-row["retained"], int(row["address"], 16)) for row in objects]
    assert keys == sorted(keys) and len(set(keys)) == len(keys) == 10000
    assert all(row["retained"] >= row["bytes"] for row in objects)
    first = ask(victim, "top-objects", "-n", "3")
    assert len(first["most_retained"]) == 3
    assert first["largest"] == first["most_referents"] == []


def test_planted_types(types, expected):
    # Nothing is kept by two Holders and by nobody else.
    assert types["Holder"]["retained"] == sum(expected["holders"].values())
    assert types["Pair"]["retained"] == expected["together"] > 10000
    assert (types["Pair"]["count"], types["Pair"]["bytes"]) == (2, 2 * expected["alone"])
    assert types["Knot"]["retained"] == sum(expected["tied"].values())


def test_order_of_types(victim):
    result = ask(victim, "top-types", "-n", "5")
    figures = [row["retained"] for row in result["types"]]
    assert figures == sorted(figures, reverse=True) and len(figures) == 5
    rows = result["types"] + [result["other"]]
    assert result["objects"] == sum(row["count"] for row in rows)
    assert result["bytes"] == sum(row["bytes"] for row in rows)
    only = ask(victim, "top-types", "-n", "0", "--type", "Pair")
    assert [row["type"] for row in only["types"]] == ["__main__.Pair"]
    assert only["filter"] == {"type": "Pair", "module": None, "no_builtins": False}


@pytest.mark.parametrize("command, rows, only", [
    ("top-types", "types", ["--module", "__main__"]), ("top-objects", "most_retained", [])])
def test_ndjson_and_table(victim, command, rows, only):
    result = ask(victim, command, "-n", "3", *only)
    options = [victim.pid, command, "-n", "3", *only, "--by", "retained", "--format"]
    done = support.run_pyinspect(*options, "ndjson")
    assert done.returncode == 0, done.stderr
    support.assert_valid(command, done.stdout, "--ndjson")
    _, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rest:
        row.pop("kind")
        row.pop("list", None)
    assert rest == result[rows]
    done = support.run_pyinspect(*options, "table")
    assert done.returncode == 0, done.stderr
    assert "RETAINED" in done.stdout
    for row in result[rows]:
        assert [line for line in done.stdout.splitlines()
                if "{:,}".format(row["retained"]) in line and row["type"] in line]


@pytest.mark.parametrize("words", ["top-types --scope tracked", "top-objects --values"])
def test_what_does_not_go_together(victim, words):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, *words.split(), "--by", "retained")
    assert done.returncode == 2, done.stderr
