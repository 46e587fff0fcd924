"""
`diff`: what has grown between two dumps, or two reports, is what the process has done meanwhile.
"""

import json
import os

import pytest

import interpreters
import support

pytestmark = pytest.mark.few_interpreters


def ask(one, other, *options, code=0):
    done = support.run_pyinspect("diff", one, other, "--format", "json", *options)
    assert done.returncode == code, done.stdout + done.stderr
    support.assert_valid("diff", done.stdout)
    return json.loads(done.stdout)


def save(pid, path, *command):
    done = support.run_pyinspect(pid, *command, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    if command[0] != "dump":
        with open(path, "w") as stream:
            stream.write(done.stdout)


def rows(result):
    return {row["type"].rpartition(".")[2]: row for row in result["types"]}


class Two:
    """Dumps and reports of two moments: 700 Rows more, 150 of the old ones gone, Sparks gone."""

    def __init__(self, interpreter, folder):
        self.paths = {name: os.path.join(folder, name) for name in
                      ("a.pyi", "b.pyi", "a.json", "b.json", "cut.json", "tracked.json")}
        target = support.Target.python(interpreter, "growing.py")
        try:
            target.ask("grow 1000")
            target.ask("noise")
            save(target.pid, self["a.pyi"], "dump", self["a.pyi"])
            save(target.pid, self["a.json"], "top-types", "-n", "0")
            target.ask("drop 150")
            target.ask("noise")
            self.known = target.ask("grow 700")
            save(target.pid, self["b.pyi"], "dump", self["b.pyi"])
            save(target.pid, self["b.json"], "top-types", "-n", "0")
            save(target.pid, self["cut.json"], "top-types", "-n", "3")
            save(target.pid, self["tracked.json"], "top-types", "--scope", "tracked")
            self.pid = target.pid
        finally:
            target.close()

    def __getitem__(self, name):
        return self.paths[name]


@pytest.fixture(scope="module")
def two(interpreter, tmp_path_factory):
    return Two(interpreter, str(tmp_path_factory.mktemp("two")))


@pytest.fixture
def any_two(tmp_path):
    interpreter = next(one for one in interpreters.EXPECTED if one.path)
    return Two(interpreters.require(interpreter), str(tmp_path))


def test_dumps(two):
    report = ask(two["a.pyi"], two["b.pyi"], "-n", "0")
    result, types = report["result"], rows(report["result"])
    row = types["Row"]
    assert row["count"] == {"before": 1000, "after": 1550, "growth": 550}
    assert row["bytes"]["growth"] == 550 * two.known["row"]
    # Some are where others were.
    assert 550 <= row["new"]["count"] <= 700
    assert row["new"]["count"] - row["gone"]["count"] == 550
    assert types["Spark"]["count"] == {"before": 500, "after": 0, "growth": -500}
    assert types["Spark"]["gone"]["count"] == 500 and types["Spark"]["new"]["count"] == 0
    growths = [one["bytes"]["growth"] for one in result["types"]]
    assert growths == sorted(growths, reverse=True)
    for figure in ("count", "bytes"):
        assert result[figure]["growth"] == sum(one[figure]["growth"] for one in result["types"])
    assert result["count"]["growth"] == result["new"]["count"] - result["gone"]["count"]
    assert result["before"]["pid"] == result["after"]["pid"] == report["target"]["pid"] == two.pid
    assert 0 <= result["seconds"] < 600 and report["access"]["source"] == "dump"
    sizes = [one["bytes"] for one in result["new_objects"]]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) <= 1000
    assert any(one["type"] == "bytearray" for one in result["new_objects"])
    # Once more the other way round.
    back = ask(two["b.pyi"], two["a.pyi"], "-n", "0", code=0)["result"]
    assert back["new"] == result["gone"] and back["gone_objects"] == result["new_objects"]


def test_reports(two):
    """By type they say the same, from whatever it is made."""
    dumps = ask(two["a.pyi"], two["b.pyi"], "-n", "0", "--module", "__main__")["result"]
    for one, other in (("a.json", "b.json"), ("a.json", "b.pyi"), ("a.pyi", "b.json")):
        result = ask(two[one], two[other], "-n", "0", "--module", "__main__")["result"]
        assert {name: row["count"] for name, row in rows(result).items()} == {
            name: row["count"] for name, row in rows(dumps).items()}
        assert "new" not in result and "new_objects" not in result
        assert {result[side]["kind"] for side in ("before", "after")} <= {"report", "dump"}


def test_retained(two):
    result = ask(two["a.pyi"], two["b.pyi"], "-n", "4", "--by", "retained")["result"]
    types = rows(result)
    assert types["Row"]["retained"]["growth"] == 550 * two.known["alone"]
    assert types["Row"]["retained"]["before"] == 1000 * two.known["alone"]
    figures = [one["retained"]["growth"] for one in result["types"]]
    assert figures == sorted(figures, reverse=True) and len(figures) == 4


def test_same(two):
    result = ask(two["a.pyi"], two["a.pyi"])["result"]
    assert result["types"] == result["new_objects"] == result["gone_objects"] == []
    assert result["count"]["growth"] == 0 and result["seconds"] == 0


def test_other_process(any_two, tmp_path):
    """Addresses of two processes say nothing about each other."""
    (tmp_path / "other").mkdir()
    interpreter = next(one for one in interpreters.EXPECTED if one.path)
    other = Two(interpreters.require(interpreter), str(tmp_path / "other"))
    result = ask(any_two["a.pyi"], other["b.pyi"], "-n", "0")["result"]
    assert rows(result)["Row"]["count"]["growth"] == 550 and "new_objects" not in result
    done = support.run_pyinspect("diff", any_two["a.pyi"], other["b.pyi"], "--format", "table")
    assert "which objects are new is not known: they are not of one process" in done.stdout


def test_table_and_ndjson(any_two):
    done = support.run_pyinspect("diff", any_two["a.pyi"], any_two["b.pyi"], "-n", "4",
                                 "--format", "table")
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.endswith("__main__.Row"))
    assert line.split()[1] == "+550" and "The largest new objects, none older than" in done.stdout
    assert "PID %d, %s" % (any_two.pid, any_two["b.pyi"]) in done.stdout
    done = support.run_pyinspect("diff", any_two["a.pyi"], any_two["b.pyi"], "-n", "2",
                                 "--format", "ndjson")
    support.assert_valid("diff", done.stdout, "--ndjson")
    whole = ask(any_two["a.pyi"], any_two["b.pyi"], "-n", "2")["result"]
    first, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    keys = {"type": "types", "new": "new_objects", "gone": "gone_objects"}
    lists = {key: [] for key in keys.values()}
    for row in rest:
        lists[keys[row.pop("kind")]].append(row)
    assert lists == {key: whole[key] for key in lists} and all(lists.values())
    assert first["result"] == {key: value for key, value in whole.items()
                               if key not in ("types", "new_objects", "gone_objects")}


def test_incomplete(any_two, tmp_path):
    report = ask(any_two["a.json"], any_two["cut.json"], code=5)
    assert [warning["code"] for warning in report["warnings"]] == ["cut-report"]
    # Of what is not in there nothing is said.
    assert "Row" not in rows(report["result"]) or rows(report["result"])["Row"]["count"]["after"]
    assert all(row["count"]["after"] for row in report["result"]["types"])
    cut = str(tmp_path / "cut.pyi")
    with open(any_two["b.pyi"], "rb") as stream, open(cut, "wb") as other:
        other.write(stream.read()[:-5])
    report = ask(any_two["a.pyi"], cut, code=5)
    assert "cut-off" in [warning["code"] for warning in report["warnings"]]


def test_refused(any_two, tmp_path):
    def refused(code, *words, status=1):
        done = support.run_pyinspect("diff", *words)
        assert done.returncode == status, done.stdout + done.stderr
        assert json.loads(done.stdout)["error"]["code"] == code

    nothing = str(tmp_path / "nothing")
    with open(nothing, "w") as stream:
        stream.write('{"schema": "pyinspect/1", "command": "garbage", "result": {"types": []}}')
    refused("bad-dump", nothing, any_two["a.pyi"])
    refused("bad-dump", any_two["a.pyi"], "/etc/passwd")
    refused("input-failed", any_two["a.pyi"], str(tmp_path / "none"))
    refused("input-failed", any_two["a.pyi"], str(tmp_path))
    refused("usage", any_two["a.pyi"], status=2)
    refused("usage", any_two["a.pyi"], any_two["tracked.json"], status=2)
    refused("usage", any_two["a.json"], any_two["b.json"], "--by", "retained", status=2)
    deep = str(tmp_path / "deep")
    with open(deep, "w") as stream:
        stream.write("[" * 100000)
    refused("bad-dump", deep, any_two["a.pyi"])


def test_hostile_report(any_two, tmp_path):
    """Somebody else's text, with figures that cannot be."""
    path = str(tmp_path / "hostile.json")
    with open(any_two["a.json"]) as stream:
        report = json.load(stream)
    report["result"]["types"] = [
        {"type": "\x1b[2Jx", "count": 1e300, "bytes": -5}, {"count": 5}, "text", None, [1],
        {"type": 5, "count": 5, "bytes": 5}, {"type": "dict", "count": "many", "bytes": None}]
    report["target"] = {"pid": 1e99, "exe": 7, "python": "\x07"}
    report["time"] = "9999-99-99T99:99:99Z"
    with open(path, "w") as stream:
        json.dump(report, stream)
    done = support.run_pyinspect("diff", path, any_two["b.pyi"], "--format", "table")
    assert done.returncode == 0 and "\x1b" not in done.stdout and "unknown time" in done.stdout
    result = ask(path, any_two["b.pyi"])["result"]
    assert result["seconds"] is None and result["before"]["time"] is None
