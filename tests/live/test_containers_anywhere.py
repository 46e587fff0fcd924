"""
Containers wherever something holds them (src/heap/container_paths.h), by tests/tools/print_sample.c:
the names and lengths that the process itself gives, the same at each look, for every interpreter.
"""

import pytest

import interpreters
import support
from test_measure import differences, measure, print_sample  # noqa: F401

LEAST = 100


@pytest.fixture(scope="module")
def anywhere(interpreter):
    target = support.Target.python(interpreter, "anywhere.py")
    yield target
    target.close()


def assert_equal(sample, truth):
    wrong = differences({name: sample["containers"].get(name) for name in truth["sums"]},
                        truth["sums"])
    assert not wrong, "name: (pyinspect, Python): %s; it has %s" % (wrong, sorted(
        name for name in sample["containers"] if name not in truth["sums"]))
    longest = {name: sample["longest"].get(name) for name in truth["sums"]}
    expected = {name: truth["longest"].get(name) for name in truth["sums"]}
    assert not differences(longest, expected)


def test_each_holder_and_kind(anywhere):
    # What a look at the script says; that both agree on nothing proves nothing.
    truth = anywhere.ask("report")
    assert len(truth["sums"]) == 31 and truth["sums"]["__main__.CACHE[*].entries"] == 348
    before = measure(anywhere, LEAST)
    assert not {"__main__.CACHE[*].entries", "__main__.LOOKUP"} & set(before["containers"])
    sample = measure(anywhere, LEAST, "anywhere")
    assert_equal(sample, truth)
    assert not sample["cut"]
    # What had a name keeps it, and nothing else changes.
    assert not differences({name: sample["containers"].get(name) for name in before["containers"]},
                           before["containers"])
    assert (sample["types"], sample["process"]["tracked"], sample["process"]["objects"]) == (
        before["types"], before["process"]["tracked"], before["process"]["objects"])


def test_what_is_wanted_is_exact(anywhere):
    """Also those that are short, and what no rule would have looked for."""
    sums = anywhere.ask("report")["sums"]
    wanted = [name for name in sums if name not in measure(anywhere, LEAST)["containers"]]
    assert {"__main__.REGISTRY[*]", "__main__.TREE[*][*][*]", "frame wait local pending"} <= set(
        wanted)
    known = measure(anywhere, 1 << 40)["containers"]
    sample = measure(anywhere, 1 << 40, "if-missing", "container:no.such[*]",
                     *["container:" + name for name in wanted])
    found = sample["containers"]
    assert set(found) - set(known) == set(wanted)
    expected = {**sums, "__main__.REGISTRY[*]": 111 + 112 + 7,
                "__main__.CACHE[*].entries": 115 + 116 + 117 + 5}
    assert not differences({name: found[name] for name in wanted},
                           {name: expected[name] for name in wanted})


# After the others: they are longer then.
def test_names_stay_while_they_grow(anywhere):
    # Garbage that nobody has a name for may go.
    names = {name for name in measure(anywhere, LEAST, "anywhere")["containers"]
             if not name.startswith("unreached ")}
    for count in (10, 300):
        grown = anywhere.ask("grow %d" % count)
        truth = anywhere.ask("report")
        sample = measure(anywhere, LEAST, "anywhere")
        assert len(grown) >= 27
        assert_equal(sample, truth)
        assert not sorted(names - set(sample["containers"]))


# After the others: it is gone then.
def test_garbage_goes(anywhere):
    assert "__main__.Lost.items" in measure(anywhere, LEAST, "anywhere")["containers"]
    anywhere.ask("collect")
    sample = measure(anywhere, LEAST, "anywhere")
    assert "__main__.Lost.items" not in sample["containers"]
    assert_equal(sample, anywhere.ask("report"))


def test_no_room_for_a_graph(start):
    victim = start(interpreters.any_interpreter(), "anywhere.py")
    before = measure(victim, LEAST)
    sample = measure(victim, LEAST, "anywhere", "graph:100000")
    assert sample["cut"] is True
    for what in ("containers", "types", "trees"):
        assert sample[what] == before[what]
    assert sample["process"]["tracked"] == before["process"]["tracked"]


@pytest.mark.parametrize("what", ["type", "link", "dict"])
def test_broken_word(start, what):
    """What can be found is found, and labelled."""
    victim = start(interpreters.any_interpreter(), "corrupt.py")
    whole = measure(victim, 50, "anywhere")
    victim.ask("break " + what)
    partial = measure(victim, 50, "anywhere", code=5)
    assert partial["containers"]["__main__.OBJECTS"] == whole["containers"]["__main__.OBJECTS"]
    victim.ask("mend")
    assert not differences(measure(victim, 50, "anywhere")["containers"], whole["containers"])
