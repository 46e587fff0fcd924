"""
What `check` measures (src/heap/measure.h), by tests/tools/print_sample.c: the same figures as
top-types and as the process itself gives, for every interpreter; on broken and hostile heaps what
can be found, labelled.
"""

import json
import os

import pytest

import interpreters
import support
from test_hostile import COUNT, folder, victim as hostile  # pylint: disable=unused-import

pytestmark = pytest.mark.few_interpreters

PRINT_SAMPLE = os.path.join(os.path.dirname(support.PYINSPECT), "tests", "print_sample")


@pytest.fixture(scope="module", autouse=True)
def print_sample():
    if not os.access(PRINT_SAMPLE, os.X_OK):
        pytest.fail("no print_sample at %s: build it with -Dtests=true" % PRINT_SAMPLE)


def measure(target, least=0, *wanted, code=0):
    with support.assert_untouched(target.pid):
        done = support.run_pyinspect(target.pid, least, *wanted, binary=PRINT_SAMPLE)
    assert done.returncode == code, done.stderr
    if not done.stdout:
        return done.stderr
    sample = json.loads(done.stdout)
    assert sample["incomplete"] is (code == 5)
    return sample


def differences(got, expected):
    return {name: (got.get(name), expected.get(name)) for name in set(got) | set(expected)
            if got.get(name) != expected.get(name)}


@pytest.fixture(scope="module")
def named(interpreter):
    target = support.Target.python(interpreter, "named.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def answers(named):
    """The sample, and what the process says after it: asking changes how attributes are kept."""
    trees = ["type:" + name for name in ("Thing", "__main__.Child", "GrandChild", "named.Nothing",
                                         "__main__.Plain", "Slots", "Table", "Stack",
                                         "__main__.Meta", "Thing")]
    sample = measure(named, 0, *trees)
    return sample, named.ask("report")


def test_containers(answers):
    sample, truth = answers
    wrong = differences(sample["containers"], truth["containers"])
    assert not wrong, "name: (pyinspect, Python): %s" % wrong
    # What a look at the script says; that both agree on nothing proves nothing.
    expected = {"__main__.LIST": 73, "__main__.DICT": 74, "__main__.SET": 75, "__main__.FROZEN": 76,
                "__main__.BYTES": 77, "__main__.DEQUE": 78, "__main__.ORDERED": 79,
                "__main__.DEFAULT": 80, "__main__.COUNTER": 81, "__main__.ARRAY": 82,
                "__main__.STACK": 83, "__main__.TABLE": 84, "__main__.TABLE.log": 71,
                "__main__.Plain.table": 61, "__main__.PLAIN.data": 62, "__main__.PLAIN.order": 63,
                "__main__.SLOTS.items": 65, "__main__.SLOTS._Slots__private": 66,
                "__main__.BOTH.more": 67, "__main__.Meta.registry": 68,
                "__main__.WithMeta.instances": 69, "__main__.WithMeta.Inner.Größe": 70,
                "__main__.WITH_DICT.late": 87, "__main__.local_class.<locals>.Local.kept": 72,
                "__main__.WEAK_KEYS": 90, "__main__.WRAPPED": 91, "__main__.USER_LIST": 92,
                "__main__.function.cache": 93, "__main__.naïve": 95, "invented.kept": 96,
                "invented.instance.data": 62, "__main__.THINGS": 115, "__main__.WEAK_SET": 115,
                "__main__.WEAK_VALUES": 115}
    assert not {name: (sample["containers"].get(name), length)
                for name, length in expected.items()
                if sample["containers"].get(name) != length}
    missing = {"__main__.ALIAS", "__main__.Plain.alias", "__main__.PLAIN.registry",
               "__main__.no identifier", "__main__.TUPLE", "__main__.TEXT", "__main__.PLAIN.pair",
               "invented.again", "invented.alias.kept", "no-module.hidden",
               "__main__.WEAK_SET.data", "__main__.WRAPPED.data"}
    assert not missing & set(sample["containers"])
    assert "sys.modules" in sample["containers"]


def test_trees(answers):
    sample, truth = answers
    counts = {name: row[0] for name, row in sample["trees"].items()}
    # Unknown, which is not none.
    assert "named.Nothing" not in counts
    expected = {name if name in counts else name.rpartition(".")[2]: count
                for name, count in truth["trees"].items()}
    assert counts == expected
    assert counts["Thing"] > counts["__main__.Child"] > counts["GrandChild"] > 0
    # One that has no subclasses has what the census says.
    assert sample["trees"]["GrandChild"] == sample["types"]["__main__.GrandChild"]
    assert sample["trees"]["Thing"][1] == sum(
        sample["types"]["__main__." + name][1] for name in ("Thing", "Child", "GrandChild"))


def test_least_and_wanted(named, answers):
    """A second name of a container is listed if it is asked for, a short container too."""
    _, truth = answers
    wanted = ["__main__.ALIAS", "__main__.Plain.alias", "__main__.PLAIN.registry",
              "invented.alias.kept", "__main__.Plain.table", "__main__.WEAK_SET.data"]
    sample = measure(named, 80, *["container:" + name for name in wanted],
                     "container:no.such.thing", "container:__main__.no identifier")
    expected = {name: length for name, length in truth["containers"].items() if length >= 80}
    expected.update((name, truth["aliases"][name]) for name in wanted)
    assert not differences(sample["containers"], expected)
    assert sample["containers"]["__main__.Plain.table"] == 61


def test_census_is_top_types(named):
    rows = support.census(support.top_types(named.pid, "--scope", "all", "-n", "0"))
    sample = measure(named)
    assert not differences({name: tuple(row) for name, row in sample["types"].items()},
                           {name: row[:2] for name, row in rows.items()})
    assert sample["process"]["objects"] == sum(row[0] for row in rows.values())
    assert sample["process"]["object_bytes"] == sum(row[1] for row in rows.values())
    status = support.read_text("/proc/%d/status" % named.pid)
    rss = int([line for line in status.splitlines() if line.startswith("VmRSS")][0].split()[1])
    # Pages that the process touches again after the snapshot come and go.
    assert 0.9 * rss < sample["process"]["rss"] / 1024 < 1.1 * rss
    assert sample["attempts"] == 1


def test_tracked(interpreter, start):
    """As many as gc.get_objects() lists: without what is frozen, and whatever else is counted."""
    victim = start(interpreter, "mixed.py", 20000)
    victim.ask("report")
    truth = victim.ask("report")
    assert (truth["frozen"] > 0) == interpreter.can_freeze()
    expected = sum(count for count, _ in truth["types"].values())
    sample = measure(victim)
    assert sample["process"]["tracked"] == expected
    assert sample["process"]["objects"] > expected + truth["frozen"]


def test_age(named):
    with open("/proc/%d/stat" % named.pid, encoding="utf-8") as stream:
        start_ticks = int(stream.read().rpartition(")")[2].split()[19])
    sample = measure(named)
    with open("/proc/uptime", encoding="utf-8") as stream:
        after = float(stream.read().split()[0])
    # It was measured before now, and not before the process began.
    assert 0 <= sample["age_s"] <= after - start_ticks / os.sysconf("SC_CLK_TCK") + 1
    assert abs(os.stat("/proc/%d" % named.pid).st_ctime - sample["time_s"]) < 3600


def test_ambiguous_type(named):
    """Enough of those that it can mean to see that there are several; each once."""
    trees = measure(named, 0, "type:Error", "type:__main__.Child")["trees"]
    meant = {name for name in trees if name.endswith(".Error")}
    assert len(meant) >= 2 and set(trees) == meant | {"__main__.Child"}
    again = measure(named, 0, "type:Error", *["type:" + name for name in meant])["trees"]
    assert again == {name: trees[name] for name in meant}


# After the others: the snapshots are another size then.
def test_all_interpreters(named):
    if named.ask("add_interpreter") is None:
        pytest.skip("this Python cannot make other interpreters")
    assert measure(named, 90)["containers"]["only_there.kept"] == 98


@pytest.mark.parametrize("what", ["type", "link", "dict"])
def test_broken_word(start, interpreter, what):
    victim = start(interpreter, "corrupt.py")
    whole = measure(victim)
    assert whole["containers"]["__main__.OBJECTS"] == 100
    victim.ask("break " + what)
    partial = measure(victim, code=5)
    assert partial["containers"]["__main__.OBJECTS"] == 100
    assert partial["containers"]["__main__.DICT"] == (12345 if what == "dict" else 100)
    victim.ask("mend")
    assert not differences(measure(victim)["containers"], whole["containers"])


@pytest.mark.parametrize("kind", ["BadPointer", "Garbage", "Recursion", "Abort"])
def test_hostile_code(hostile, kind):
    """What is tracked and what has a name is found without calling any code."""
    target = hostile(kind, COUNT)
    target.ask("make")
    before = measure(target)
    target.ask("arm")
    after = measure(target, code=5)
    assert not differences(before["containers"], after["containers"])
    assert after["containers"]["__main__.OBJECTS"] == COUNT
    assert after["process"]["tracked"] == before["process"]["tracked"]
    assert after["types"]["hostile." + kind][0] == COUNT
    assert target.ask("check") == {"alive": COUNT}


@pytest.mark.parametrize("what", ["steps", "names"])
def test_too_much(start, what):
    """More attributes, or more names, than are looked at: the rest is left out, and it says so."""
    victim = start(interpreters.any_interpreter(), "crowded.py", what)
    sample = measure(victim, 1, code=5)
    assert sample["containers"]["crowded.first"] == 1
    # the walk itself is not affected
    assert sample["trees"] == {} and sample["types"]["__main__.Crowd"][0] == 3000
