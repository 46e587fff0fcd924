"""
A process with about a million objects of many types, which counts them itself.

    mixed.py OBJECTS

Commands: `report` ({"types": {name: [count, bytes]}, "frozen": n} of gc.get_objects()), `load` (the
threads begin to work), `progress` ({"collections": n, "rounds": [n, ...]}).

How the answer of `report` can be exact although counting itself makes objects:
- automatic collection is off until `load`: nothing vanishes and no tuple or dict is untracked
  behind our back. Before that, gc.collect() runs until lazy untracking has settled: a tuple is only
  untracked once its items are, so nested ones take several rounds.
- gc.get_objects() leaves out its own result, and is called when every other object of the counting
  is already there: both dicts have all their keys from two rounds of practice (so they do not grow
  or become tracked in the round that counts).
- all else that counting makes (iterators, the list, the JSON text) is freed by reference counts
  before the answer is written; no cycles. Afterwards the process only blocks in read(0).
"""

import asyncio
import collections
import enum
import functools
import gc
import io
import itertools
import json
import operator
import sys
import sysconfig
import threading
import types
import typing
import weakref

import commands

try:
    import contextvars
    import dataclasses
except ImportError:
    contextvars = None  # 3.6


class Plain:
    def __init__(self, number):
        self.number = number
        self.items = [number]


class Slots:
    __slots__ = ("one", "two", "__weakref__")


class SlotsChild(Slots):
    __slots__ = ("three",)


class Node:
    __slots__ = ("next", "other")


class Point(collections.namedtuple("PointBase", "x y")):
    __slots__ = ()


Record = collections.namedtuple("Record", "name value")


class Outer:
    class Inner:
        class Größe:
            pass


class Foreign:
    __module__ = "some.other.module"


class Error(Exception):
    pass


class Dict(dict):
    pass


class List(list):
    pass


class Set(set):
    __slots__ = ()


class FrozenSet(frozenset):
    pass


class Tuple(tuple):
    pass


class Deque(collections.deque):
    pass


class Ref(weakref.ref):
    __slots__ = ("name",)


class Meta(type):
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Data:
    one: int
    two: typing.List[int]


class Suspend:
    def __await__(self):
        yield self


def generator(values):
    for value in values:
        yield value


async def coroutine():
    await Suspend()


async def async_generator():
    yield 1
    await Suspend()


def closure(value):
    box = [value]

    def inner(default=value):
        return box, default

    return inner


def local_class():
    class Local:
        pass

    return Local


def raised(number):
    try:
        if number % 2:
            raise Error([number])
        return {}[(number, "no such key")]
    except Exception as error:
        return error


def started(thing):
    next(thing)
    return thing


def suspended():
    thing = coroutine()
    thing.send(None)
    return thing


def suspended_async():
    thing = async_generator()
    step = thing.asend(None)
    try:
        step.send(None)
    except StopIteration:
        pass
    return thing


def nested(depth):
    value = []
    for level in range(depth):
        value = ([value], {level: value}, level)
    return value


def ring(length):
    nodes = [Node() for _ in range(length)]
    for index, node in enumerate(nodes):
        node.next = nodes[index - 1]
        node.other = (node, index)
    return nodes[0]


def referenced(number):
    thing = Plain(number)
    name = Ref(thing)
    name.name = number
    return thing, weakref.ref(thing), weakref.ref(thing, print), weakref.proxy(thing), name


def with_dict(number):
    # asks for the dict, so that it is a real object in every version
    thing = Plain(number)
    thing.extra = vars(thing)
    return thing


def slots(number):
    thing = SlotsChild()
    thing.one = [number]
    thing.three = (thing, number)
    return thing


MAKERS = [
    # (share of the population in 1/1000, tracked objects each makes, function(number))
    (100, 2, lambda n: [n, [n, str(n)]]),
    (60, 2, lambda n: {n: [n]}),
    (30, 1, lambda n: {"number": n, "text": str(n)}),
    (50, 2, lambda n: (n, [n])),
    (30, 1, lambda n: (n, (n, (n, "untracked")))),
    (120, 3, Plain),
    (30, 3, with_dict),
    (60, 3, slots),
    (30, 2, lambda n: Point(n, [])),
    (20, 1, lambda n: Record(str(n), n)),
    (40, 6, referenced),
    (40, 20, lambda n: ring(10)),
    (40, 30, lambda n: nested(10)),
    (40, 2, lambda n: started(generator([n, n]))),
    (20, 2, lambda n: generator([n])),
    (5, 3, lambda n: suspended()),
    (5, 2, lambda n: suspended_async()),
    (40, 5, closure),
    (20, 2, lambda n: functools.partial(operator.add, n)),
    (20, 2, lambda n: [n].append),
    (10, 2, lambda n: Slots().__init__),
    (20, 1, lambda n: {n, str(n)}),
    (10, 1, lambda n: frozenset((n, str(n)))),
    (20, 1, lambda n: collections.deque([n], 7)),
    (10, 1, lambda n: collections.OrderedDict(a=n)),
    (10, 1, lambda n: collections.defaultdict(list, a=n)),
    (10, 1, lambda n: collections.Counter("abcabc")),
    (20, 5, raised),
    (10, 1, lambda n: ValueError(n)),
    (20, 1, lambda n: Dict(a=n)),
    (20, 1, lambda n: List([n])),
    (20, 1, lambda n: Set([n])),
    (10, 1, lambda n: FrozenSet([n])),
    (20, 1, lambda n: Tuple([n])),
    (10, 1, lambda n: Deque([n])),
    (10, 1, lambda n: Outer.Inner()),
    (10, 1, lambda n: Outer.Inner.Größe()),
    (10, 1, lambda n: Foreign()),
    (10, 2, lambda n: types.SimpleNamespace(n=n)),
    (5, 1, lambda n: slice(n, [n])),
    (5, 2, lambda n: iter([n])),
    (5, 2, lambda n: enumerate([n])),
    (5, 3, lambda n: zip([n], [n])),
    (5, 2, lambda n: map(str, [n])),
    (5, 3, lambda n: itertools.chain([n], [n])),
    (5, 2, lambda n: itertools.tee([n])),
    (5, 1, lambda n: memoryview(b"x")),
    (5, 1, lambda n: types.MappingProxyType({})),
    (5, 1, lambda n: property(str)),
    (5, 1, lambda n: staticmethod(str)),
    (5, 1, lambda n: types.MethodType(str, n)),
    (2, 1, lambda n: io.StringIO(str(n))),
    (2, 1, lambda n: io.BytesIO(b"x")),
    (1, 20, lambda n: local_class()()),
    (1, 20, lambda n: Meta("SameName", (Plain,), {"number": n})(n)),
    (1, 20, lambda n: type("Dynamic%d" % (n % 50), (), {})()),
]

if contextvars:
    Data = dataclasses.dataclass(Data)
    MAKERS += [(10, 2, lambda n: Data(n, [])), (2, 1, lambda n: contextvars.copy_context())]


def build(objects):
    """About that many tracked objects, of all kinds and in no special order."""
    scale = objects / sum(share for share, _, _ in MAKERS)
    jobs = [(max(3, int(share * scale / each)), make) for share, each, make in MAKERS]
    population = []
    number = 0
    while jobs:
        # a few of each kind in turn: neighbours in memory are of different types
        for left, make in jobs:
            for _ in range(min(left, 50)):
                population.append(make(number))
                number += 1
        jobs = [(left - 50, make) for left, make in jobs if left > 50]
    return population


class Churn:
    __slots__ = ("next", "peer", "table")


class ChurnList(list):
    __slots__ = ()


class ChurnDict(dict):
    __slots__ = ()


# Without a GIL all of them run at once, and all must be held at one moment: as many as there are
# processors on the smallest machine.
SIDE_BY_SIDE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
CHURN_THREADS = 1 if SIDE_BY_SIDE else 3
COMPUTE_THREADS = 1 if SIDE_BY_SIDE else 2
GATE = [threading.Lock() for _ in range(CHURN_THREADS + COMPUTE_THREADS)]
ROUNDS = [0] * len(GATE)
KEPT = [ChurnList([None] * 201) for _ in range(CHURN_THREADS)]


def churn(index):
    """
    Makes cyclic garbage. Only calls without arguments, and no iterators: no version then makes a
    tracked temporary (argument tuple, bound method) of a type that is counted exactly.
    """
    kept = KEPT[index]
    GATE[index].acquire()
    while True:
        step = 0
        while step < 200:
            step += 1
            node = Churn()
            node.next = node
            node.peer = ChurnList()
            node.peer.append(node)
            node.table = ChurnDict()
            node.table[step] = node
            kept[step] = node
        ROUNDS[index] += 1


def compute(index):
    GATE[index].acquire()
    while True:
        step = 0
        value = 1.0
        while step < 10000:
            step += 1
            value = (value * 1.0001 + step) % 1000003
        ROUNDS[index] += 1


COUNTS = {}
SIZES = {}


def name_of(kind):
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else module + "." + kind.__qualname__


FRAMES_ARE_TRACKED = sys.version_info < (3, 7)
COUNTER = [0]


def count():
    for kind in COUNTS:
        COUNTS[kind] = 0
        SIZES[kind] = 0
    if FRAMES_ARE_TRACKED:
        COUNTER[:] = [sys.getsizeof(sys._getframe())]
    for thing in gc.get_objects():
        kind = type(thing)
        COUNTS[kind] = COUNTS.get(kind, 0) + 1
        SIZES[kind] = SIZES.get(kind, 0) + sys.getsizeof(thing)


def answer():
    total = {}
    for kind, number in COUNTS.items():
        if number:
            row = total.setdefault(name_of(kind), [0, 0])
            row[0] += number
            row[1] += SIZES[kind]
    return json.dumps({"types": total, "frozen": commands.frozen()})


def correct():
    """
    In 3.6 all frames that execute are tracked, and read() gets its arguments in a tuple. So the
    frames of report() and count() were counted, and are gone when the process is looked at; the
    tuple is there then.
    """
    if not FRAMES_ARE_TRACKED:
        return
    COUNTS[types.FrameType] -= 2
    SIZES[types.FrameType] -= COUNTER[0] + sys.getsizeof(sys._getframe(1))
    COUNTS[tuple] += 1
    SIZES[tuple] += sys.getsizeof((0, 4096))


def report(_):
    count()
    correct()
    return answer()


def load(_):
    # Without a GIL it would else wait until there are a quarter more objects.
    gc.set_threshold(200, 0 if SIDE_BY_SIDE else 5, 5)
    gc.enable()
    for gate in GATE:
        gate.release()
    return "{}"


def progress(_):
    return json.dumps({"collections": sum(one["collections"] for one in gc.get_stats()),
                       "rounds": ROUNDS})


def main():
    objects = int(sys.argv[1])
    gc.disable()
    frozen = build(objects // 4)
    gc.collect()
    commands.freeze()
    population = build(objects - objects // 4)
    for gate in GATE:
        gate.acquire()
    threads = [threading.Thread(target=churn if index < CHURN_THREADS else compute, args=(index,),
                                daemon=True) for index in range(len(GATE))]
    for thread in threads:
        thread.start()
    for _ in range(12):
        gc.collect()
    report("")
    report("")
    gc.collect()
    commands.serve({"report": report, "load": load, "progress": progress})
    return frozen, population, asyncio


if __name__ == "__main__":
    main()
