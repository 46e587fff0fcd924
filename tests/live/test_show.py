"""
`show`: what is said of one object is what is known of planted ones: bytes that are freed with it, who
refers to it, what it refers to, references that only C code has; and an address that is none is an
error that says what is near.
"""

import json
import random

import pytest

import support

pytestmark = pytest.mark.few_interpreters

MAIN = "sys.modules['__main__']."


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


def ask(victim, address, *options):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "show", hex(int(address)), "--json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid("show", done.stdout)
    result = json.loads(done.stdout)["result"]
    assert result["complete"] and result["skipped"] == 0
    assert result["address"] == hex(int(address))
    return result


def edges(links):
    return {link["edge"]: link for link in links["items"]}


def test_planted_object(victim, expected, places):
    address, size = max(expected["holders"].items(), key=lambda holder: holder[1])
    result = ask(victim, address)
    assert result["type"] == "__main__.Holder"
    assert result["retained"] == {"objects": 2 + 300 * 5, "bytes": size}
    assert result["references"] == {"count": 1, "explained": 1, "held": 0}
    assert result["flags"] == ["tracked"] and not result["garbage"]
    assert result["path"]["start"] == "root" and not result["roots"]
    # Of the dict HOLDERS, and there in a tuple.
    assert result["path"]["expression"] == MAIN + "HOLDERS[<int>][0]"
    assert result["path"]["length"] == len(result["path"]["steps"]) == 5
    assert [link["type"] for link in result["referrers"]["items"]] == ["tuple"]
    assert result["dominator"]["type"] == "tuple"
    assert result["dominator"]["address"] == result["referrers"]["items"][0]["address"]
    own = edges(result["referents"])
    assert own[".rows"]["type"] == own[".shared"]["type"] == "list"
    assert own[".shared"]["address"] == hex(places["shared"])
    # Followed: an address of a report is an object of the next one.
    rows = ask(victim, int(own[".rows"]["address"], 16), "-n", "3")
    assert rows["length"] == rows["referents"]["count"] == 300
    assert [link["edge"] for link in rows["referents"]["items"]] == ["[0]", "[1]", "[2]"]
    assert rows["dominator"] == {"address": result["address"], "type": result["type"]}
    assert rows["path"]["expression"] == result["path"]["expression"] + ".rows"
    assert rows["retained"]["bytes"] == size - result["bytes"]


def test_held_by_two(victim, places):
    joint = ask(victim, places["joint"])
    assert joint["references"] == {"count": 2, "explained": 2, "held": 0}
    assert [(link["edge"], int(link["address"], 16)) for link in joint["referrers"]["items"]] == [
        (".joint", address) for address in sorted(places["pairs"])]
    # Neither of them alone, but the list of both.
    assert joint["dominator"]["type"] == "list"
    pair = ask(victim, places["pairs"][0])
    assert pair["retained"] == {"objects": 1, "bytes": pair["bytes"]}


def test_dicts_of_other_types(victim, places):
    for address, values, referents in places["dicts"]:
        result = ask(victim, address)
        shown = {int(link["address"], 16): link["edge"] for link in result["referents"]["items"]}
        assert result["referents"]["count"] == len(result["referents"]["items"])
        assert set(referents) <= set(shown)
        assert all(shown[value].startswith("[") for value in values)


def test_generators(victim, places):
    """What tp_traverse has reported is not told again."""
    for address in places["generators"][:2]:
        links = ask(victim, address)["referents"]["items"]
        assert len({(link["edge"], link["address"]) for link in links}) == len(links)
    # Of the function, of each generator and, up to 3.11, of its frame; nobody else has it.
    counts = ask(victim, places["code"])["references"]
    assert counts["held"] == 0 and counts["explained"] == counts["count"]


def test_held_by_c(victim, expected):
    for address in expected["pinned"]:
        assert ask(victim, address)["references"] == {
            "count": expected["pins"] + 1, "explained": 1, "held": expected["pins"]}
    done = support.run_pyinspect(victim.pid, "show", hex(expected["pinned"][0]), "--format", "table")
    assert "objects and roots explain 1: only C code" in done.stdout


def test_garbage(victim, places):
    result = ask(victim, places["knot"])
    assert result["garbage"] and result["path"]["start"] == "nothing"
    assert result["path"]["length"] == 1
    done = support.run_pyinspect(victim.pid, "show", hex(places["knot"]), "--format", "table")
    assert "gc.collect() would free it" in done.stdout and "path:" not in done.stdout


def test_class_and_module(victim, expected):
    """Instances do not hide who else refers to their class; a dict is named after what it is of."""
    result = ask(victim, expected["types"]["Knot"], "-n", "5")
    assert result["type"] == "type" and result["path"]["expression"] == MAIN + "Knot"
    instances = [link["type"] == "__main__.Knot" for link in result["referrers"]["items"]]
    assert not instances[0] and instances == sorted(instances)
    named = [link for link in ask(victim, expected["types"]["Holder"], "-n", "0")["referrers"]["items"]
             if link.get("owner")]
    assert [(link["owner"], link["edge"]) for link in named] == [("module __main__", "['Holder']")]


def test_values_only_when_asked(victim, places):
    for format in ("json", "ndjson", "table"):
        done = support.run_pyinspect(victim.pid, "show", hex(places["secrets"]), "--format", format)
        assert done.returncode == 0, done.stderr
        assert "hunter2" not in done.stdout and "9f86d" not in done.stdout
        # What it cost may be 41 ms.
        told = [line for line in done.stdout.splitlines() if not line.startswith("paused")]
        assert "41" not in " ".join(told).split()
        assert "['api_key']" in done.stdout
    result = ask(victim, places["secrets"], "--values")
    own = edges(result["referents"])
    assert own["['api_key']"]["value"] == "'hunter2 of the webs'"
    assert own["['9f86d081884c7d659a2feaa0c55ad015']"]["value"] == "41"


def test_usage(victim):
    for words in ("show", "show Holder", "show 0x10 --address 16", "show 0x10 -n 1001",
                  "show 0x10 --exact", "show 0xz"):
        done = support.run_pyinspect(victim.pid, *words.split())
        assert done.returncode == 2, (words, done.stdout)
        assert json.loads(done.stdout)["error"]["code"] == "usage"


def test_no_object(victim, expected):
    """Whatever the address is; and what is near is said."""
    inside = int(max(expected["holders"])) + 8
    anything = random.Random(15)
    addresses = [1, 7, 8, 4096, 2 ** 47, 2 ** 48 - 8, 2 ** 48, 2 ** 63, 2 ** 64 - 1, inside] + [
        anything.getrandbits(anything.randrange(4, 65)) | 1 for _ in range(4)]
    for address in addresses:
        done = support.run_pyinspect(victim.pid, "show", hex(address))
        assert done.returncode == 1, (hex(address), done.stdout)
        error = json.loads(done.stdout)["error"]
        assert error["code"] == "no-such-object" and hex(address) in error["message"]
        if address == inside:
            assert hex(address - 8) in error["hint"] and "__main__.Holder" in error["hint"]


def test_decimal_address(victim, places):
    done = support.run_pyinspect(victim.pid, "show", "--address", places["shared"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["address"] == hex(places["shared"])


def test_ndjson_and_table(victim, expected, places):
    result = ask(victim, places["shared"])
    done = support.run_pyinspect(victim.pid, "show", hex(places["shared"]), "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    support.assert_valid("show", done.stdout, "--ndjson")
    first, *rest = [json.loads(line) for line in done.stdout.splitlines()]
    lines = {"step": [], "referent": [], "referrer": []}
    for line in rest:
        lines[line.pop("kind")].append(line)
    assert lines == {"step": result["path"].pop("steps"), "referent": result["referents"].pop("items"),
                     "referrer": result["referrers"].pop("items")}
    assert first["result"] == result
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    for address in [places["shared"], expected["types"]["Holder"], places["secrets"], *expected["pinned"]]:
        done = support.run_pyinspect(victim.pid, "show", hex(address), "--format", "table",
                                     env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
        # The path is in one piece, the first line has the path of the program, the last the cost.
        wide = [line for line in done.stdout.splitlines()[1:-1]
                if len(line) > 80 and not line.startswith("path: ")]
        assert not wide, wide


@pytest.mark.parametrize("what", ["type", "link"])
def test_broken_heap(start, interpreter, what):
    victim = start(interpreter, "corrupt.py")
    report = support.top_types(victim.pid)
    assert report["result"]["types"]
    done = support.run_pyinspect(victim.pid, "top-objects", "-n", "1")
    address = json.loads(done.stdout)["result"]["largest"][0]["address"]
    victim.ask("break " + what)
    done = support.run_pyinspect(victim.pid, "show", address)
    assert done.returncode == 5, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert not report["result"]["complete"] and report["warnings"]
    victim.ask("mend")
