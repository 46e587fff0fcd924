"""
Containers wherever something holds them (src/heap/container_paths.h), by tests/tools/print_sample.c:
the names and lengths that the process itself gives, the same at each look, for every interpreter.
"""

import json

import pytest

import interpreters
import support
from test_check import CRITICAL, OK, ask, codes, state  # noqa: F401
from test_check_names import rules_of
from test_measure import differences, measure, print_sample  # noqa: F401

pytestmark = pytest.mark.few_interpreters

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


@pytest.fixture(scope="module")
def checked():
    target = support.Target.python(interpreters.any_interpreter(), "anywhere.py")
    yield target
    target.close()


def test_rules_about_ways(checked, state):
    """As reports of the check call them; what was never there is unknown, each time."""
    rules = ["--max-container", "__main__.CACHE[*].entries=300:1000",
             "--max-container", "in frame work local backlog=1000",
             "--max-container", "__main__.CACHE[*].entry=5",
             "--max-container", "__main__.APP.inner.deep.further.queue=50"]
    for _ in range(2):
        found = rules_of(ask(checked.pid, state, *rules, expected=CRITICAL))
        wanted = {name.rpartition("max-container ")[2]: (rule["status"], rule["value"])
                  for name, rule in found.items()}
        assert wanted == {
            "__main__.CACHE[*].entries": ("warning", 115 + 116 + 117 + 5),
            "frame work local backlog": ("ok", 133),
            "__main__.CACHE[*].entry": ("unknown", None),
            "__main__.APP.inner.deep.further.queue": ("critical", 103)}
        assert "the longest 117" in found["max-container __main__.CACHE[*].entries"]["message"]
        near = found["max-container __main__.CACHE[*].entry"]["message"]
        assert "none was seen before" in near


def history_of(pid, state):
    done = support.run_pyinspect(pid, "history", "--history", state + "/history.sqlite",
                                 "-n", "0", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]["figures"]


def test_generic_follows_them(checked, state):
    """The history has them under one name at each look, so that their growth is known in time."""
    before = checked.ask("report")["sums"]
    report = ask(checked.pid, state, "--preset", "generic", expected=OK)
    assert "known after 25 h" in rules_of(report)["growing-containers"]["message"]
    assert "a tenth an hour is known after 3 h" in rules_of(report)["max-rss-growth"]["message"]
    # Of two looks in one second the last one is kept: the first has to be in another one.
    while all(figure["first"]["age_s"] == figure["last"]["age_s"]
              for figure in history_of(checked.pid, state)):
        ask(checked.pid, state, "--preset", "generic", expected=OK)
    checked.ask("grow 200")
    after = checked.ask("report")["sums"]
    assert codes(ask(checked.pid, state, "--preset", "generic", expected=OK)) == set()
    figures = {figure["name"]: (figure["first"]["count"], figure["last"]["count"])
               for figure in history_of(checked.pid, state) if figure["of"] == "container"}
    expected = {name: (before[name], length) for name, length in after.items()}
    assert not differences({name: figures.get(name) for name in expected}, expected)
