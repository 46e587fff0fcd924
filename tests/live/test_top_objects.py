"""
`top-objects` must name the largest objects, and those with the most referents, in the order and
with the figures that Python itself gives; and show what is in them on request only.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters

# Other objects of Python may have some referents too: no planted one has less than these.
LEAST_BYTES = 2000000
LEAST_REFERENTS = 50000
CONTENTS = {"big_text": "'secret text secret", "big_bytes": "b'secret bytes",
            "wide_text": "'\\U0001f600\\U0001f600"}


def ask(victim, *options):
    done = support.run_pyinspect(victim.pid, "top-objects", *options, "--format", "json")
    assert done.returncode == 0, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    result = json.loads(done.stdout)["result"]
    assert result["skipped"] == 0
    return result


class Large:
    def __init__(self, victim):
        self.victim = victim
        with support.assert_untouched(victim.pid):
            self.result = ask(victim, "-n", "100")
        self.planted = victim.ask("planted")

    def ranked(self, figure, least):
        """Planted objects as rows, the biggest first."""
        rows = [(row[figure], row["address"], name) for name, row in self.planted.items()
                if row[figure] >= least]
        assert len({row[0] for row in rows}) == len(rows), "not an order"
        return sorted(rows, reverse=True)

    def row(self, kind, name):
        found = [row for row in self.result[kind]
                 if int(row["address"], 16) == self.planted[name]["address"]]
        assert len(found) == 1, name
        return found[0]


@pytest.fixture(scope="module")
def large(interpreter):
    target = support.Target.python(interpreter, "large.py")
    try:
        yield Large(target)
    finally:
        target.close()


@pytest.mark.parametrize("kind, figure, least, number", [
    ("largest", "bytes", LEAST_BYTES, 12), ("most_referents", "referents", LEAST_REFERENTS, 9)])
def test_order_and_figures(large, kind, figure, least, number):
    expected = large.ranked(figure, least)
    assert len(expected) >= number
    got = [(row[figure], int(row["address"], 16)) for row in large.result[kind]
           if row[figure] >= least]
    assert got == [row[:2] for row in expected], expected


@pytest.mark.parametrize("kind", ["largest", "most_referents"])
def test_rows(large, kind):
    """Each planted object that is listed at all has all of its figures right."""
    by_address = {row["address"]: (name, row) for name, row in large.planted.items()}
    compared = 0
    for row in large.result[kind]:
        name, expected = by_address.get(int(row["address"], 16), (None, None))
        if name is None:
            continue
        compared += 1
        assert row["type"].split(".")[-1] == expected["type"], name
        assert row["bytes"] == expected["bytes"], name
        assert row["referents"] == expected["referents"], name
        if row["length"] is None:
            assert name in ("big_array", "big_bytearray", "big_int", "big_deque"), name
        else:
            assert row["length"] == expected["length"], name
    assert compared >= 9
    figures = [row["bytes" if kind == "largest" else "referents"] for row in large.result[kind]]
    assert figures == sorted(figures, reverse=True)


def test_owners(large):
    assert large.row("largest", "big_list")["owner"] == "module __main__.big_list"
    assert large.row("largest", "big_text")["owner"] == "module __main__.big_text"
    assert large.row("largest", "keeper.items")["owner"] == "instance __main__.Keeper.items"
    assert large.row("largest", "Store.table")["owner"] == "__main__.Store.table"
    assert large.row("most_referents", "Store.words")["owner"] == "__main__.Store.words"


def test_totals(large):
    """Those of top-types; and a few types of C code that only a weak reference leads to."""
    everything = support.top_types(large.victim.pid, "--scope", "all", "-n", "0")["result"]
    assert everything["objects"] > 1000000 and everything["bytes"] > 100000000
    assert 0 <= large.result["objects"] - everything["objects"] < 50
    assert 0 <= large.result["bytes"] - everything["bytes"] < 20000


def test_more_than_a_thousand(large):
    """As many as are asked for."""
    result = ask(large.victim, "-n", "1500")
    for kind, figure in (("largest", "bytes"), ("most_referents", "referents")):
        figures = [row[figure] for row in result[kind]]
        assert len(figures) == 1500
        assert figures == sorted(figures, reverse=True)


def test_values_only_on_request(large):
    assert "secret" not in json.dumps(large.result)
    assert not [row for kind in ("largest", "most_referents") for row in large.result[kind]
                if "value" in row]
    shown = ask(large.victim, "-n", "100", "--values")
    values = {int(row["address"], 16): row.get("value") for row in shown["largest"]}
    for name, start in CONTENTS.items():
        value = values[large.planted[name]["address"]]
        assert value.startswith(start) and len(value) <= 64, (name, value)
    for kind in ("largest", "most_referents"):
        assert [row["address"] for row in shown[kind]] == [
            row["address"] for row in large.result[kind]]


@pytest.mark.parametrize("by, empty", [("bytes", "most_referents"), ("referents", "largest")])
def test_by(large, by, empty):
    result = ask(large.victim, "-n", "3", "--by", by)
    kind = {"bytes": "largest", "referents": "most_referents"}[by]
    assert result[empty] == []
    assert result[kind] == large.result[kind][:3]


def test_table(large):
    done = support.run_pyinspect(large.victim.pid, "top-objects", "-n", "3", "--format", "table")
    assert done.returncode == 0
    for kind in ("largest", "most_referents"):
        for row in large.result[kind][:3]:
            assert row["address"] in done.stdout
            assert "{:,}".format(row["bytes"]) in done.stdout
    assert "secret" not in done.stdout


def test_as_many_objects_as_top_types(large):
    """Both say of the whole process how many objects it has, and their bytes."""
    whole = support.top_types(large.victim.pid, "--scope", "all")["result"]
    # a second time: Python may have kept something when it was asked what is planted
    result = ask(large.victim, "-n", "1")
    assert (result["objects"], result["bytes"]) == (whole["objects"], whole["bytes"])


@pytest.fixture
def own_size(start, interpreter):
    return start(interpreter, "own_size.py")


def test_estimates_are_labelled(own_size):
    """As in top-types: what a __sizeof__ that we do not know would say is not what is shown."""
    rows = ask(own_size, "-n", "2")["largest"]
    assert rows[0]["type"] == "__main__.Own" and rows[0]["estimated"] is True
    assert rows[0]["bytes"] > 30000000
    assert "estimated" not in rows[1], "a builtin type"
    table = support.run_pyinspect(own_size.pid, "top-objects", "-n", "2", "--format", "table").stdout
    assert "~30," in table and "~: an estimate" in table


@pytest.mark.parametrize("command,subject", [("referrers", "Held"), ("referents", "list")])
def test_estimates_of_groups_are_labelled(own_size, command, subject):
    """Holders refer to what is held, and are what a list refers to."""
    done = support.run_pyinspect(own_size.pid, command, subject, "-n", "0", "--format", "json")
    support.assert_valid(command, done.stdout)
    groups = json.loads(done.stdout)["result"][command]
    estimated = {group["type"] for group in groups if "estimated" in group}
    assert "__main__.Holder" in estimated
    assert not estimated & {"list", "dict", "__main__.Held", None}
    table = support.run_pyinspect(own_size.pid, command, subject, "-n", "0", "--format",
                                  "table").stdout
    assert "~: an estimate" in table
