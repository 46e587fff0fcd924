"""
`dominators`: the tree has the bytes that planted structures keep alive, where they are, and its sums
are right on every level.
"""

import json

import pytest

import interpreters
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


@pytest.fixture(scope="module")
def places(victim):
    return victim.ask("places")


def ask(victim, *options):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "dominators", "--json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid("dominators", done.stdout)
    result = json.loads(done.stdout)["result"]
    assert result["complete"] and result["skipped"] == 0
    check_tree(result)
    return result


def check_tree(result):
    """Order, and sums where a group was looked into."""
    groups = result["groups"]
    for number, group in enumerate(groups):
        below = [one for one in groups if one["above"] == number]
        assert all(one["depth"] == group["depth"] + 1 for one in below)
        assert [one["retained"] for one in below] == sorted(
            (one["retained"] for one in below), reverse=True)
        if below or group["rest"]["bytes"]:
            assert group["retained"] == (group["bytes"] + group["rest"]["bytes"]
                                         + sum(one["retained"] for one in below))


def below(groups, above, edge):
    number = groups.index(above)
    found, = [one for one in groups if one["above"] == number and one["edge"] == edge]
    return found


def test_all(victim, expected, places):
    """What begins the tree is all objects; a planted list is where it is."""
    result = ask(victim, "-n", "1000", "--min-share", "0.01")
    tops = [group for group in result["groups"] if group["depth"] == 0]
    assert sum(group["retained"] for group in tops) + result["rest"]["bytes"] == (
        result["heap"]["bytes"])
    assert result["heap"]["objects"] == result["objects"] == result["retained"]["objects"]
    main, = [group for group in result["groups"] if group["edge"] == "module __main__"]
    assert main["type"] == "dict" and main["depth"] == 0
    # The least is none of them for sure; the largest is by itself.
    holders = below(result["groups"], main, "['HOLDERS']")
    assert holders["type"] == "dict"
    assert holders["retained"] == holders["bytes"] + holders["rest"]["bytes"] + sum(
        group["retained"] for group in result["groups"]
        if group["above"] == result["groups"].index(holders))
    assert holders["retained"] > sum(expected["holders"].values())


def test_type(victim, expected):
    result = ask(victim, "Holder", "--min-share", "0")
    sizes = sorted(expected["holders"].values(), reverse=True)
    assert result["type"] == "__main__.Holder" and result["objects"] == 3
    assert result["retained"]["bytes"] == sum(sizes)
    tops = [group for group in result["groups"] if group["depth"] == 0]
    assert [group["retained"] for group in tops] == sizes
    assert [str(int(group["address"], 16)) for group in tops] == sorted(
        expected["holders"], key=expected["holders"].get, reverse=True)
    rows = below(result["groups"], tops[0], ".rows")
    merged = ask(victim, "Holder", "--min-share", "5")["groups"]
    assert rows["type"] == "list" and rows["retained"] == sizes[0] - tops[0]["bytes"]
    # 300 rows are one group, and so is what each of them has at one place.
    row = below(merged, [group for group in merged if group["address"] == rows["address"]][0], "[*]")
    assert (row["type"], row["objects"]) == ("tuple", 300)
    part = below(merged, row, "[2]")
    assert (part["type"], part["objects"]) == ("list", 300)
    assert below(merged, part, "[0]")["type"] == "bytearray"


def test_what_only_both_keep(victim, expected):
    result = ask(victim, "Pair", "--min-share", "0")
    assert result["retained"]["bytes"] == expected["together"]
    assert sum(group["retained"] for group in result["groups"]) == 2 * expected["alone"]
    done = support.run_pyinspect(victim.pid, "dominators", "Pair", "--format", "table")
    more = expected["together"] - 2 * expected["alone"]
    assert "{:,} bytes more are kept by several of them together".format(more) in done.stdout


def test_object(victim, expected):
    for address, size in expected["holders"].items():
        result = ask(victim, hex(int(address)), "--depth", "1")
        assert result["retained"]["bytes"] == size and result["objects"] == 1
        assert [(group["retained"], group["depth"]) for group in result["groups"]] == [(size, 0)]


def test_limits(victim):
    assert len(ask(victim, "-n", "4")["groups"]) == 4
    assert {group["depth"] for group in ask(victim, "--depth", "2")["groups"]} == {0, 1}
    result = ask(victim, "--min-share", "20")
    assert all(group["retained"] >= result["heap"]["bytes"] / 5 for group in result["groups"])
    for words, code in (("0x18", 1), ("Nothing", 1), ("--exact", 2), ("--min-share 101", 2),
                        ("--min-share x", 2), ("Pair --address 16", 2), ("-n 1001", 2),
                        ("Pair Pair", 2)):
        done = support.run_pyinspect(victim.pid, "dominators", *words.split())
        assert done.returncode == code, (words, done.stdout)


def test_ndjson_and_table(victim):
    result = ask(victim, "-n", "12")
    done = support.run_pyinspect(victim.pid, "dominators", "-n", "12", "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    support.assert_valid("dominators", done.stdout, "--ndjson")
    first, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    for line in rest:
        assert line.pop("kind") == "group"
    assert rest == result.pop("groups")
    assert first["result"] == result
    for words in ("", "Holder --min-share 0", "--depth 20 --min-share 0 -n 0"):
        done = support.run_pyinspect(victim.pid, "dominators", *words.split(), "--format", "table",
                                     env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
        assert not [line for line in done.stdout.splitlines()[1:-1] if len(line) > 80]


def test_of_a_dump(start, tmp_path):
    """The same answers, with what references are called."""
    victim = start(interpreters.any_interpreter(), "webs.py")
    address = hex(int(max(victim.ask("expected")["holders"])))
    path = str(tmp_path / "webs.pyi")
    assert support.run_pyinspect(victim.pid, "dump", path).returncode == 0
    for words in (["dominators", "--min-share", "0.1"], ["dominators", "__main__.Pair"],
                  ["dominators", address], ["show", address]):
        reports = []
        for target in (victim.pid, path):
            done = support.run_pyinspect(target, *words, "--json")
            assert done.returncode == 0, done.stdout + done.stderr
            support.assert_valid(words[0], done.stdout)
            reports.append(json.loads(done.stdout))
        assert reports[0]["result"] == reports[1]["result"]
        assert reports[1]["warnings"] == []
    # A class without its module, too.
    for target in (victim.pid, path):
        done = support.run_pyinspect(target, "dominators", "Pair", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
