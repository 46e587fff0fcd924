"""
A process of Python 2.7 with everything that only that has, which says of itself what is in it.

Commands: `report` ({"types": {name: [count, bytes]}} of gc.get_objects(), as mixed.py), `kinds` and
`grow KIND` (as sizes.py), `referrers` ({type: references} to nodes), `addresses` ({"locals": {name:
id} of the frame that waits, "values": id of a list of them}),
`collect` ({"found": what gc.collect() returns, "kept": types of gc.garbage}; the last one).

Instances of old-style classes are all of one type: they are counted by their class here, too.
"""

import array
import collections
import gc
import io
import json
import operator
import sys
import threading
import types
import weakref

import commands

CLASSES = (types.ClassType, type)


class Old:
    def __init__(self, number=0):
        self.number = number
        self.items = [number]


class OldChild(Old):
    pass


class OldOther:
    """Attributes of its own, and of two bases."""
    shared = {"key": [1]}


class OldDiamond(OldChild, OldOther):
    pass


class New(object):
    def __init__(self, number=0):
        self.number = number
        self.items = [number]


class Mixed(OldOther, New):
    """A type with an old-style class among its bases."""


class Slots(object):
    __slots__ = ("one", "two", "__weakref__")


class Empty(object):
    pass


class Dict(dict):
    pass


class List(list):
    pass


class Tuple(tuple):
    pass


class Set(set):
    pass


class Str(str):
    pass


class Unicode(unicode):
    pass


class Int(int):
    pass


class Long(long):
    pass


class Float(float):
    pass


class Deque(collections.deque):
    pass


class Meta(type):
    pass


class Error(Exception):
    pass


class Outer:
    class Inner:
        pass


class OldFinal(OldOther):
    def __del__(self):
        pass


class OldFinalChild(OldFinal):
    pass


class NewFinal(object):
    def __del__(self):
        pass


class Node:
    """What `referrers` is about."""


class NewNode(object):
    __slots__ = ("peer",)


def generator(values):
    for value in values:
        yield value


def started(thing):
    next(thing)
    return thing


def closure(value):
    box = [value]

    def inner(default=value):
        return box, default

    return inner


def local_class():
    class Local:
        pass

    return Local


def slots(number):
    thing = Slots()
    thing.one = [number]
    thing.two = (thing, number)
    return thing


def referenced(number):
    thing = New(number)
    return thing, weakref.ref(thing), weakref.ref(thing, operator.add), weakref.proxy(thing)


def raised(number):
    try:
        raise Error([number])
    except Error:
        return sys.exc_info()[1]
    finally:
        sys.exc_clear()


def with_holes(number):
    """Keys were deleted: their places are marked, and have no value."""
    made = dict((n, [n]) for n in range(20))
    for n in range(0, 20, 2):
        del made[n]
    return made


MAKERS = [
    Old, OldChild, lambda n: OldDiamond(n), lambda n: Outer.Inner(), New, Mixed, slots,
    lambda n: [n, [n, str(n)]], lambda n: {n: [n]}, lambda n: {"a": n, u"b": n}, with_holes,
    lambda n: (n, [n]), lambda n: (n, (n, "untracked")), referenced, closure, raised,
    lambda n: started(generator([n, n])), lambda n: generator([n]), lambda n: [n].append,
    lambda n: Old(n).__init__, lambda n: New().__init__, lambda n: set([n, str(n)]),
    lambda n: frozenset([n]), lambda n: collections.deque([n], 7),
    lambda n: collections.OrderedDict(a=n), lambda n: collections.defaultdict(list, a=n),
    lambda n: collections.namedtuple("Record", "name")(n) if n % 50 == 0 else None,
    lambda n: Dict(a=n), lambda n: List([n]), lambda n: Tuple([n]), lambda n: Set([n]),
    lambda n: Deque([n]), lambda n: ValueError(n), lambda n: slice(n, [n]), lambda n: iter([n]),
    lambda n: enumerate([n]), lambda n: property(str), lambda n: staticmethod(str),
    lambda n: types.MethodType(str, n), lambda n: io.BytesIO(b"x"), lambda n: memoryview(b"x"),
    lambda n: local_class()() if n % 20 == 0 else None,
    lambda n: Meta("SameName", (New,), {"number": n})(n) if n % 20 == 0 else None,
]

# What a population may refer to is there already, as in sizes.py.
SHARED = [list(range(-5, 257)), [chr(number) for number in range(256)],
          [unichr(number) for number in range(256)], list(range(1000000, 1003000)),
          ["name%d" % number for number in range(2000)], "", u"", (), frozenset(), 0.0]
INTS, NAMES = SHARED[3], SHARED[4]
N = 200
HELD = []


def dictionary(count, kind=dict):
    made = kind()
    for number in range(count):
        made[INTS[number]] = 1
    return made


def deque(count, kind=collections.deque):
    made = kind([None] * count)
    for _ in range(count // 2):
        made.popleft()
    return made


def many_attributes(kind, count):
    made = kind()
    for name in NAMES[:count]:
        setattr(made, name, 1)
    return made


# {kind: (function(number), [types that are counted])}
KINDS = {
    "str": (lambda n: "%07d" % n + "x" * (n % 90), [str]),
    "unicode": (lambda n: u"%07d" % n + u"\u20ac" * (n % 90), [unicode]),
    "unicode beyond": (lambda n: u"%07d" % n + u"\U0001f40d" * (n % 9), [unicode]),
    "str subclass": (lambda n: Str("%07d" % n * (n % 9)), [Str]),
    "unicode subclass": (lambda n: Unicode(u"%07d" % n * (n % 9)), [Unicode]),
    "int": (lambda n: 5000000 + n, [int]),
    "int subclass": (lambda n: Int(n), [Int]),
    "long": (lambda n: (-1) ** n * (1 << (n * 7 + 40)), [long]),
    "long subclass": (lambda n: Long(1 << (n * 7)), [Long]),
    "float": (lambda n: n + 0.5, [float]),
    "float subclass": (lambda n: Float(n), [Float]),
    "complex": (lambda n: complex(n, 1), [complex]),
    "bytearray": (lambda n: bytearray(n), [bytearray]),
    "list": (lambda n: [None] * n, [list]),
    "list subclass": (lambda n: List([None] * (n % 5)), [List]),
    "tuple": (lambda n: (None, ) * (n + 1) + ([], ), [tuple, list]),
    "dict": (lambda n: dictionary(n), [dict]),
    "dict subclass": (lambda n: dictionary(n % 20, Dict), [Dict]),
    "default dict": (lambda n: collections.defaultdict(list), [collections.defaultdict]),
    "dict with holes": (lambda n: dict.fromkeys(INTS[:n]) if n % 2 else {}, [dict]),
    "set": (lambda n: set(INTS[:n]), [set]),
    "frozenset": (lambda n: frozenset(INTS[:n + 1]), [frozenset]),
    "set subclass": (lambda n: Set(INTS[:n % 20]), [Set]),
    "deque": (lambda n: deque(n * 3), [collections.deque]),
    "deque subclass": (lambda n: deque(n, Deque), [Deque]),
    "array": (lambda n: array.array("d", [0.0] * n), [array.array]),
    "old instance": (lambda n: OldOther(), [OldOther, dict]),
    "old attributes": (lambda n: many_attributes(OldOther, n % 30), [OldOther, dict]),
    "new instance": (lambda n: Empty(), [Empty]),
    "new attributes": (lambda n: many_attributes(Empty, 1 + n % 30), [Empty, dict]),
    "slots": (lambda n: Slots(), [Slots]),
    "old class": (lambda n: types.ClassType(NAMES[n], (), {}), [types.ClassType, dict]),
    "generator": (lambda n: generator(()), [types.GeneratorType, types.FrameType]),
    "xrange": (lambda n: xrange(n), [xrange]),
    "bound method": (lambda n: "".join, [types.BuiltinFunctionType]),
    "slice": (lambda n: slice(None, None, None), [slice]),
    "weak reference": (lambda n: weakref.ref(Slots, Meta.mro), [weakref.ref]),
    "memoryview": (lambda n: memoryview(b""), [memoryview]),
    "exception": (lambda n: ValueError(), [ValueError]),
}

EXTRA = {}


def name_of(kind):
    module = kind.__module__
    return kind.__name__ if module == "__builtin__" else module + "." + kind.__name__


def kind_of(thing):
    return thing.__class__ if type(thing) is types.InstanceType else type(thing)


COUNTS = {}
SIZES = {}
COUNTER = [0]


def count():
    for kind in COUNTS:
        COUNTS[kind] = 0
        SIZES[kind] = 0
    COUNTER[:] = [sys.getsizeof(sys._getframe())]
    for thing in gc.get_objects():
        # Without a call: that would make a frame.
        kind = type(thing)
        if kind is types.InstanceType:
            kind = thing.__class__
        COUNTS[kind] = COUNTS.get(kind, 0) + 1
        SIZES[kind] = SIZES.get(kind, 0) + sys.getsizeof(thing)


def answer():
    total = {}
    for kind, number in COUNTS.items():
        if number:
            row = total.setdefault(name_of(kind), [0, 0])
            row[0] += number
            row[1] += SIZES[kind]
    return json.dumps({"types": total})


def report(_):
    count()
    # Frames that execute are tracked, and read() gets its arguments in a tuple: as in mixed.py.
    COUNTS[types.FrameType] -= 2
    SIZES[types.FrameType] -= COUNTER[0] + sys.getsizeof(sys._getframe())
    COUNTS[tuple] += 1
    SIZES[tuple] += sys.getsizeof((0, 4096))
    return answer()


def kinds(_):
    return json.dumps(sorted(KINDS))


def grow(kind):
    make, counted = KINDS[kind]
    made = [make(number) for number in range(N)]
    HELD.append(made)
    rows = {}
    for name in counted:
        rows[name_of(name)] = [0, 0]
    seen = set()
    left = list(made)
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        row = rows.get(name_of(kind_of(thing)))
        if row:
            row[0] += 1
            row[1] += sys.getsizeof(thing)
        if type(thing) is types.InstanceType or type(thing) is Empty:
            left.append(thing.__dict__)
        elif type(thing) is types.GeneratorType:
            left.append(thing.gi_frame)
        elif type(thing) is types.ClassType:
            left.append(thing.__dict__)
        elif type(thing) is tuple:
            left.extend(item for item in thing if type(item) is list)
    if list in counted:
        rows["list"][0] += 1
        rows["list"][1] += sys.getsizeof(made)
    return json.dumps(rows)


def capture(node):
    return lambda: node


def plant():
    """Nodes in every kind of holder; returns what has to live."""
    old, new, holder = Old(), New(), slots(1)
    old.node, new.node, holder.one = Node(), Node(), Node()
    peer = NewNode()
    peer.peer = Node()
    Old.node = Node()
    New.node = NewNode()
    node = Node()
    twice = [node, node, (node, node)]
    table = {"key": Node(), u"key2": Node(), 7: Node(), Node(): "value", (1, Node()): None}
    child = OldDiamond()
    child.a, child.b = Node(), NewNode()
    waiting = started(generator([Node(), Node()]))
    return [old, new, holder, peer, twice, table, child, waiting, set([Node()]),
            frozenset([NewNode()]), collections.deque([Node(), Node()]), Dict(key=Node()),
            List([Node()]), closure(Node()), capture(Node()), collections.OrderedDict(a=Node()),
            (Node(), [Node()]), Mixed(Node()), weakref.ref(old), Node().__class__,
            types.MethodType(str, Node())]


def referrers(_):
    """{type: references to nodes}, the __dict__ of an instance counts as the instance."""
    owners = {}
    everything = gc.get_objects()
    for thing in everything:
        if type(thing) in (types.FunctionType, types.FrameType):
            continue
        dictionary = getattr(thing, "__dict__", None)
        if type(thing) is types.InstanceType or type(dictionary) is dict:
            owners[id(dictionary)] = name_of(kind_of(thing))
        elif isinstance(thing, type):
            for referent in gc.get_referents(thing):
                if type(referent) is dict:
                    owners[id(referent)] = name_of(kind_of(thing))
    found = {}
    for thing in everything:
        if thing is everything or type(thing) is types.FrameType:
            continue
        nodes = sum(1 for one in gc.get_referents(thing)
                    if kind_of(one) in (Node, NewNode))
        if nodes:
            name = owners.get(id(thing)) or name_of(kind_of(thing))
            found[name] = found.get(name, 0) + nodes
    # It has this frame in it, which has it.
    del everything[:]
    return json.dumps(found)


def make_garbage():
    """Cycles: what a finalizer keeps, with what is kept by that, and what is freed beside it."""
    for kind in (OldFinal, OldFinalChild, NewFinal):
        one, held, other = kind(), Dict(), New()
        one.itself, one.held = one, held
        held["list"] = List()
        other.itself, other.one = other, one


def collect(_):
    """What gc.collect() says, and what is in gc.garbage then."""
    del gc.garbage[:]
    found = gc.collect()
    kept = [name_of(kind_of(thing)) for thing in gc.garbage]
    return json.dumps({"found": found, "kept": sorted(kept)})


def wait(handlers):
    text = "a value of str"
    unicode_text = u"\u20ac"
    number, big = 12345, 1 << 70
    node = Node()
    old = OldChild(5)
    EXTRA["locals"] = {"text": id(text), "unicode_text": id(unicode_text), "number": id(number),
                       "big": id(big), "node": id(node), "old": id(old)}
    values = [text, unicode_text, number, big, True, "\xff'", 1.5, None, (1, "one")]
    EXTRA["values"] = id(values)
    commands.serve(handlers)


def main():
    gc.disable()
    population = [make(number) for make in MAKERS for number in range(int(sys.argv[1]))]
    planted = plant()
    garbage = Old()
    garbage.itself = garbage
    del garbage
    make_garbage()
    for kind in KINDS:
        grow(kind)
    del HELD[:]
    report("")
    report("")
    wait({"report": report, "kinds": kinds, "grow": grow, "referrers": referrers,
          "collect": collect, "addresses": lambda _: json.dumps(EXTRA)})
    return population, planted


if __name__ == "__main__":
    main()
