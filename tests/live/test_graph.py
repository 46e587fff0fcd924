"""
The graph of a process: the same objects as a census finds, and what is computed on them is what
Python does: bytes that only one object keeps alive, what gc.collect() then finds and frees, and
references that were added by C code.
"""

import array
import collections
import json
import os
import subprocess

import pytest

import support

TOOLS = os.path.dirname(os.environ.get("PYI_LIST_OBJECTS") or os.path.join(
    os.path.dirname(support.PYINSPECT), "tests", "list_objects"))
# Objects of a command that was served between two looks.
MAX_NOISE = 30


def ask_graph(target, *types):
    done = subprocess.run([os.path.join(TOOLS, "heap_graph"), str(target.pid), *types],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=180)
    assert done.returncode == 0, done.stderr.decode()
    graph = json.loads(done.stdout)
    assert graph["lost_edges"] == graph["duplicates"] == graph["incomplete"] == 0
    return graph


def count_listed(target):
    """{address of a type: objects}, from the census."""
    done = subprocess.run([os.path.join(TOOLS, "list_objects"), str(target.pid)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=180, check=True)
    numbers = array.array("Q")
    numbers.frombytes(done.stdout)
    return collections.Counter(numbers[1::3])


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "webs.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def expected(victim):
    return victim.ask("expected")


@pytest.fixture(scope="module")
def graph(victim, expected):
    with support.assert_untouched(victim.pid):
        return ask_graph(victim, "__main__.Holder", "__main__.Pinned", "__main__.Knot")


def test_same_objects(victim, graph):
    counts = {int(address): row[0] for address, row in graph["types"].items()}
    assert counts == dict(count_listed(victim))


def test_retained(graph, expected):
    found = {str(one["address"]): one["retained"] for one in graph["__main__.Holder"]["instances"]}
    assert found == expected["holders"]
    # Nothing is kept by two of them and by nobody else.
    assert graph["__main__.Holder"]["bytes"] == sum(found.values())


def test_nothing_of_the_interpreter_is_held(graph, expected):
    """Its own code and constants, which are never freed, are not what C code holds."""
    for name in ("code", "bytes"):
        count, _, _, held = graph["types"][str(expected["types"][name])]
        assert held * 50 <= count, (name, held, count)


def test_held(graph, expected):
    found = {one["address"]: one["held"] for one in graph["__main__.Pinned"]["instances"]}
    assert found == dict.fromkeys(expected["pinned"], expected["pins"])
    for name in ("__main__.Holder", "__main__.Knot"):
        assert {one["held"] for one in graph[name]["instances"]} == {0}


def test_garbage(victim, graph, expected):
    """Last: it is gone afterwards."""
    assert graph["unreached"] == 700
    assert victim.ask("collect") == graph["garbage"]
    after = ask_graph(victim)
    assert after["garbage"] == after["unreached"] == 0
    types = expected["types"]
    for address, (count, _, freed, _) in graph["types"].items():
        left = after["types"].get(address, [0])[0]
        if int(address) in (types["Knot"], types["float"]):
            assert left == count - freed
        assert abs(left - (count - freed)) <= MAX_NOISE, address
    assert graph["types"][str(types["Knot"])][2] == 1400
    assert graph["types"][str(types["bytes"])][2] >= 700
