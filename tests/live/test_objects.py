"""
Every single object: what pyinspect lists is what the process itself finds, at the same address, of
the same type, with the size that sys.getsizeof() gives; nothing is listed twice, and nothing that
Python can reach is missing.

The process makes a statement before and another one after the listing, both while nothing else of it
runs; what both say alike was also true in between. Compared are numbers only: no address is
followed by anybody.
"""

import array
import collections
import os
import pathlib
import subprocess

import pytest

import support

# With those of all kinds, more than 200,000 are compared; how many objects there are of a type decides
# nothing about one of them.
OBJECTS = 60000
LIST_OBJECTS = os.environ.get("PYI_LIST_OBJECTS") or os.path.join(
    os.path.dirname(support.PYINSPECT), "tests", "list_objects")
# Of what the victim finds: objects that its own statement changes.
MAX_UNSTABLE = 20
# Of what is listed, see test_extra().
MAX_EXTRA_SHARE = 0.05
MAX_EXTRA_SINGLE = 20
# Metatypes with a __sizeof__ of their own (3.13) that leaves out the shared keys of instances, which
# type.__sizeof__() counts: what pyinspect says is more than Python does.
UNDERSTATED = {"_ctypes.PyCSimpleType", "_ctypes.PyCFuncPtrType", "_ctypes.PyCPointerType",
               "_ctypes.PyCArrayType", "_ctypes.PyCStructType", "_ctypes.UnionType",
               "ctypes._endian._swapped_struct_meta", "ctypes._endian._swapped_union_meta"}


def triples(data):
    """{address: (type address, bytes)}, and how many records there were."""
    numbers = array.array("Q")
    numbers.frombytes(data)
    assert len(numbers) % 3 == 0
    return dict(zip(numbers[::3], zip(numbers[1::3], numbers[2::3]))), len(numbers) // 3


def list_objects(target):
    done = subprocess.run([LIST_OBJECTS, str(target.pid)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Evidence:
    """What both sides say of one process."""

    def __init__(self, target):
        first, self.names, self.own = self.ask(target)
        with support.assert_untouched(target.pid):
            listed, again = list_objects(target), list_objects(target)
        self.listed, self.records = triples(listed)
        # Mostly they are the same, byte by byte.
        self.again = self.listed if again == listed else triples(again)[0]
        second, names, _ = self.ask(target)
        assert names == self.names
        self.stated = {addr: words for addr, words in first.items() if second.get(addr) == words}
        self.unstable = [addr for addr in set(first) | set(second)
                         if first.get(addr) != second.get(addr)]
        self.first, self.second = first, second
        everything = support.top_types(target.pid, "--scope", "all", "-n", "0")
        self.estimated = {name for name, row in support.census(everything).items() if row[2]}

    @staticmethod
    def ask(target):
        inside = "/tmp/pyinspect-test-" + target.marker
        answer = target.ask("state " + inside, 180)
        # It may have another root than we have.
        path = pathlib.Path("/proc/%d/root%s" % (target.pid, inside))
        statement, records = triples(path.read_bytes())
        path.unlink()
        assert len(statement) == records
        return (statement, {int(kind): name for kind, name in answer["types"].items()},
                set(answer["own"]))

    def name(self, kind):
        return self.names.get(kind, "type at 0x%x" % kind)


@pytest.fixture(scope="module")
def evidence(interpreter):
    if not os.access(LIST_OBJECTS, os.X_OK):
        pytest.fail("no list_objects at %s: build it, or set PYI_LIST_OBJECTS" % LIST_OBJECTS)
    target = support.Target.python(interpreter, "objects.py", OBJECTS)
    try:
        yield Evidence(target)
    finally:
        target.close()


def test_statement_is_stable(evidence):
    changed = [(evidence.name(evidence.first.get(addr, (0,))[0]), evidence.first.get(addr),
                evidence.second.get(addr)) for addr in evidence.unstable]
    assert len(changed) <= MAX_UNSTABLE, changed[:100]
    assert len(evidence.stated) > 200000


def test_none_twice(evidence):
    assert evidence.records == len(evidence.listed)


def test_two_listings_are_equal(evidence):
    assert evidence.listed == evidence.again


def test_none_missing(evidence):
    missing = collections.Counter(evidence.name(kind) for addr, (kind, _) in evidence.stated.items()
                                  if addr not in evidence.listed)
    assert not missing, missing.most_common(50)


def test_types(evidence):
    wrong = collections.Counter(
        (evidence.name(evidence.listed[addr][0]), evidence.name(kind))
        for addr, (kind, _) in evidence.stated.items()
        if addr in evidence.listed and evidence.listed[addr][0] != kind)
    assert not wrong, "(pyinspect, Python): %s" % wrong.most_common(50)


def test_sizes(evidence, capsys, interpreter):
    compared, wrong, estimates = (collections.Counter(), collections.Counter(),
                                  collections.Counter())
    for addr, (kind, size) in evidence.stated.items():
        name = evidence.name(kind)
        got = evidence.listed.get(addr, (0, None))[1]
        if name in evidence.estimated:
            estimates[name] += 1
            if got is not None and got > size and name not in UNDERSTATED:
                wrong[name + " (estimate)", got, size] += 1
        elif got is not None:
            compared[name] += 1
            if got != size:
                wrong[name, got, size] += 1
    with capsys.disabled():
        print("\n%s: %d objects of %d types compared; sizes of %s not" % (
            interpreter.name, sum(compared.values()), len(compared), dict(estimates)))
    assert not wrong, "(type, pyinspect, sys.getsizeof): objects: %s" % wrong.most_common(50)
    assert sum(compared.values()) > 200000
    assert len(compared) > 150
    assert not evidence.estimated & {"int", "str", "dict", "list", "tuple", "set", "type", "code",
                                     "function", "frame", "generator", "collections.deque",
                                     "collections.OrderedDict", "array.array"}


def test_extra(evidence, capsys, interpreter):
    """
    What is listed and was not stated: only what C structs refer to, and no attribute gives. That is
    `bytes`, `tuple`, `str`: of code objects (3.11+: names and kinds of all local variables) and the
    tuple of __slots__ of a class; `int`: the length of a range; and what thread and interpreter
    state hold: the running frames, thread-local dicts, the types of either.
    """
    extra = collections.Counter(evidence.name(kind) for addr, (kind, _) in evidence.listed.items()
                                if addr not in evidence.stated and addr not in evidence.own)
    with capsys.disabled():
        print("\n%s: %d listed objects not stated: %s" % (
            interpreter.name, sum(extra.values()), dict(extra.most_common(12))))
    ranges = sum(evidence.name(kind) == "range" for kind, _ in evidence.stated.values())
    assert extra["int"] <= ranges
    singles = {name: number for name, number in extra.items()
               if name not in ("bytes", "tuple", "str", "int")}
    assert sum(singles.values()) <= MAX_EXTRA_SINGLE, singles
    assert sum(extra.values()) < MAX_EXTRA_SHARE * len(evidence.listed), extra.most_common(50)
