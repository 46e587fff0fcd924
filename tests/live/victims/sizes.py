"""
A process that makes controlled populations, one kind at a time, each reachable from one list only.

Commands: `kinds` (their names), `grow KIND` ({type name: [added objects, added sys.getsizeof()]}).

A kind answers only for the types it names: exactly these objects of these types are new. All
else that the objects refer to is in SHARED from the beginning. Each maker runs once with few
objects at the start, so that caches of the interpreter are filled before the first look.
"""

import array
import builtins
import collections
import ctypes
import datetime
import functools
import gc
import io
import json
import os
import re
import struct
import sys
import tempfile
import types
import warnings

import commands

N = 500
# How many of what is large: of what the allocator of the interpreter leaves to malloc(), and that to
# mmap(). More than that only takes time, in each look.
LARGE = 3

# Whatever a population may refer to is reachable already: numbers, names, and bigger ints as keys.
SHARED = [list(range(-5, 257)), [chr(number) for number in range(256)],
          [bytes([number]) for number in range(256)],
          list(range(1000000, 1040000)), ["name%d" % number for number in range(2000)],
          "", b"", (), frozenset(), 0.0]
INTS = SHARED[3]
NAMES = SHARED[4]
HELD = []
KEPT = []


class Str(str):
    pass


class SlotStr(str):
    __slots__ = ()


class Bytes(bytes):
    pass


class ByteArray(bytearray):
    pass


class Int(int):
    pass


class Float(float):
    pass


class Complex(complex):
    pass


class Tuple(tuple):
    pass


class SlotTuple(tuple):
    __slots__ = ()


class List(list):
    pass


class Dict(dict):
    pass


class Set(set):
    pass


class FrozenSet(frozenset):
    pass


class Deque(collections.deque):
    pass


class Ordered(collections.OrderedDict):
    pass


class Empty:
    pass


class Split:
    def __init__(self):
        self.one = 1
        self.two = 2


class ManyAttributes:
    def __init__(self, count):
        for name in NAMES[:count]:
            setattr(self, name, 1)


class Slots:
    __slots__ = ("one", "two", "three")


class WeakSlots:
    __slots__ = ("__weakref__",)


class Meta(type):
    pass


class OwnSize:
    def __sizeof__(self):
        return 4711


class Buffer(io.BytesIO):
    pass


def bytes_in_io(number):
    made = Buffer() if number % 2 else io.BytesIO()
    made.write(b"%08d" % number * (number % 70))
    return made


def shared_bytes_in_io(number):
    KEPT.append(b"shared%08d" % number)
    return io.BytesIO(KEPT[-1])


def format_of(item):
    """What it keeps: up to 3.6, and again from 3.15, what it gives; between, a str of its bytes."""
    return item.format if item.format is item.format else item.format.encode()


def text_in_io(number):
    made = io.StringIO(newline="\r\n")
    made.write("%08d" % number)
    return made


def buffered(number):
    kind = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)[number % 3]
    return kind(io.BytesIO(b""), 100 + number)


def make_pattern(number):
    re.purge()
    return re.compile("(?P<name>[a-z]+)%08d" % number)


def zone(number):
    return datetime.timezone(datetime.timedelta(0, 60 * (number % 1000)), unique_text(number, "Z"))


def entries(count):
    """Each has a name and a path of its own, and asks for its stat only when it is asked."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            with open(os.path.join(folder, "entry%08d" % number), "w"):
                pass
        return list(os.scandir(folder))


def unique_text(number, prefix):
    return "%s%08d" % (prefix, number)


def cached_utf8(text):
    ctypes.pythonapi.PyUnicode_AsUTF8(text)
    return text


def cached_wide(text):
    ctypes.pythonapi.PyUnicode_AsUnicode(text)
    return text


for _name in ("PyUnicode_AsUTF8", "PyUnicode_AsUnicode"):
    if hasattr(ctypes.pythonapi, _name):
        getattr(ctypes.pythonapi, _name).argtypes = [ctypes.py_object]
        getattr(ctypes.pythonapi, _name).restype = ctypes.c_void_p


def grown(kind, items):
    """Filled one by one, so that it has room to spare."""
    made = kind()
    add = getattr(made, "append", None) or made.add
    for item in items:
        add(item)
    return made


def cleared(number):
    made = {INTS[number]: 1}
    made.clear()
    return made


def shrunk(number):
    made = {key: 1 for key in INTS[:200]}
    for key in INTS[:199]:
        del made[key]
    return made


def materialised(number):
    return vars(Split())


def diverged(number):
    """Attributes in another order than the first instance: no shared keys."""
    thing = Empty()
    thing.two = thing.one = 1
    del thing.two
    return vars(thing)


def make_function(number):
    return lambda: number


def make_generator():
    one = two = 1
    yield one
    yield two


def suspended(number):
    made = make_generator()
    next(made)
    return made


async def make_coroutine():
    return await make_coroutine()


def make_code(number):
    return compile("def f(a, *b, c=%d, **d):\n  x = [a, c]\n  return lambda: (x, a)\n" % number
                   + "y = %d\n" % number * (number % 50), "<sizes>", "exec")


def array_of(code, number):
    made = array.array(code, [1] * (number % 30))
    made.append(1)
    return made


def each(function):
    return lambda count: [function(number) for number in range(count)]


def few(function):
    return lambda count: [function(number) for number in range(min(count, LARGE))]


def itself(item):
    return [item]


def with_frame(item):
    # up to 3.10 a frame is an object of its own; later, asking for it would make one
    return [item, item.gi_frame] if sys.version_info < (3, 11) else [item]


def codes(code):
    found = [code]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += codes(constant)
    return found


# {kind: (maker of the list of objects, function(item) -> all new objects of the types it names)}
KINDS = {
    "str_ascii": (each(lambda n: unique_text(n, "ascii" * (n % 9))), itself),
    "str_latin1": (each(lambda n: unique_text(n, "\xe9" * (1 + n % 9))), itself),
    "str_ucs2": (each(lambda n: unique_text(n, "\u20ac" * (1 + n % 9))), itself),
    "str_ucs4": (each(lambda n: unique_text(n, "\U0001f40d" * (1 + n % 9))), itself),
    "str_utf8_cached": (each(lambda n: cached_utf8(unique_text(n, "\u20ac\xe9"))), itself),
    "str_utf8_ascii": (each(lambda n: cached_utf8(unique_text(n, "plain"))), itself),
    "str_large": (few(lambda n: "x" * (3000000 + n)), itself),
    "str_subclass": (each(lambda n: Str(unique_text(n, "ascii"))), itself),
    "str_subclass_ucs2": (each(lambda n: SlotStr(unique_text(n, "\u20ac"))), itself),
    "bytes": (each(lambda n: b"%08d" % n * (1 + n % 5)), itself),
    "bytes_subclass": (each(lambda n: Bytes(b"%08d" % n)), itself),
    "bytearray": (each(lambda n: bytearray(n)), itself),
    "bytearray_grown": (each(lambda n: grown(bytearray, [1] * (n % 40))), itself),
    "bytearray_subclass": (each(lambda n: ByteArray(n)), itself),
    "int_small": (each(lambda n: n % 200), lambda item: []),
    "int_large": (each(lambda n: (1 << (n % 300 + 31)) + n), itself),
    "int_negative": (each(lambda n: -(1 << (n % 300 + 31)) - n), itself),
    "int_medium": (each(lambda n: 2000000 + n), itself),
    "int_subclass": (each(lambda n: Int(n << (n % 100))), itself),
    "bool": (each(lambda n: n % 2 == 0), lambda item: []),
    "float": (each(lambda n: n + 0.25), itself),
    "float_subclass": (each(lambda n: Float(n + 0.25)), itself),
    "complex": (each(lambda n: complex(n, 1.5)), itself),
    "complex_subclass": (each(lambda n: Complex(n, 1.5)), itself),
    "tuple_untracked": (each(lambda n: tuple(SHARED[0][:1 + n % 20])), itself),
    "tuple_tracked": (each(lambda n: (HELD, 1)), itself),
    "tuple_subclass": (each(lambda n: Tuple(SHARED[0][:n % 20])), itself),
    "tuple_subclass_slots": (each(lambda n: SlotTuple(SHARED[0][:n % 20])), itself),
    "list": (each(lambda n: SHARED[0][:n % 40]), itself),
    "list_grown": (each(lambda n: grown(list, SHARED[0][:n % 40])), itself),
    "list_large": (few(lambda n: [None] * (200000 + n)), itself),
    "list_subclass": (each(lambda n: List(SHARED[0][:n % 40])), itself),
    "dict_empty": (each(lambda n: {}), itself),
    "dict_empty_called": (each(lambda n: dict()), itself),
    "dict_cleared": (each(cleared), itself),
    "dict_shrunk": (each(shrunk), itself),
    "dict_str_keys": (each(lambda n: {key: 1 for key in NAMES[:1 + n % 60]}), itself),
    "dict_int_keys": (each(lambda n: {key: 1 for key in INTS[:1 + n % 60]}), itself),
    "dict_mixed_keys": (each(lambda n: {"name": 1, 5: 2, None: 3}), itself),
    "dict_copied": (each(lambda n: {key: 1 for key in NAMES[:n % 60]}.copy()), itself),
    "dict_large": (few(lambda n: {key: 1 for key in INTS}), itself),
    "dict_large_str": (few(lambda n: dict.fromkeys(NAMES)), itself),
    "dict_subclass": (each(lambda n: Dict.fromkeys(NAMES[:n % 30])), itself),
    "dict_of_instance": (each(materialised), itself),
    "dict_diverged": (each(diverged), itself),
    "instance": (each(lambda n: Split()), itself),
    "instance_empty": (each(lambda n: Empty()), itself),
    "instance_many": (each(lambda n: ManyAttributes(n % 70)), itself),
    "instance_slots": (each(lambda n: Slots()), itself),
    "instance_weak_slots": (each(lambda n: WeakSlots()), itself),
    "set": (each(lambda n: set(INTS[:n % 50])), itself),
    "set_grown": (each(lambda n: grown(set, INTS[:n % 50])), itself),
    "set_large": (few(lambda n: set(INTS)), itself),
    "set_subclass": (each(lambda n: Set(INTS[:n % 50])), itself),
    "frozenset": (each(lambda n: frozenset(INTS[:1 + n % 50])), itself),
    "frozenset_subclass": (each(lambda n: FrozenSet(INTS[:n % 50])), itself),
    "deque": (each(lambda n: collections.deque(INTS[:n % 300])), itself),
    "deque_rotated": (each(lambda n: collections.deque(INTS[:n], maxlen=70)), itself),
    "deque_subclass": (each(lambda n: Deque(INTS[:n % 300])), itself),
    "ordereddict": (each(lambda n: collections.OrderedDict.fromkeys(NAMES[:n % 40])), itself),
    "ordereddict_subclass": (each(lambda n: Ordered.fromkeys(NAMES[:n % 40])), itself),
    "defaultdict": (each(lambda n: collections.defaultdict(list, {5: HELD})), itself),
    "code": (each(make_code), codes),
    "function": (each(make_function), lambda item: [item, item.__closure__,
                                                    item.__closure__[0]]),
    "generator": (each(lambda n: make_generator()), with_frame),
    "generator_suspended": (each(suspended), with_frame),
    "coroutine": (each(lambda n: make_coroutine()), itself),
    "range": (each(lambda n: range(10 ** 10 + n)), lambda item: [item, item.stop, len(item)]),
    "slice": (each(lambda n: slice(3 * 10 ** 6 + n)), lambda item: [item, item.stop]),
    "memoryview": (each(lambda n: memoryview(bytearray(n))), lambda item: [item, item.obj]),
    "array_chars": (each(lambda n: array_of("b", n)), itself),
    "array_doubles": (each(lambda n: array_of("d", n)), itself),
    "type": (each(lambda n: Meta("Made%d" % n, (), {})), itself),
    "type_with_instances": (each(lambda n: type(Meta("Used%d" % n, (Split,), {})())), itself),
    "partial": (each(lambda n: functools.partial(len, HELD)), itself),
    "namespace": (each(lambda n: types.SimpleNamespace()), itself),
    "own_sizeof": (each(lambda n: OwnSize()), itself),
}

# Their own types keep what tp_traverse does not tell of, or memory that is no object.
TOLD = list(KINDS)
KINDS.update({
    "bytesio": (each(bytes_in_io), itself),
    "bytesio_shared": (each(shared_bytes_in_io), lambda item: [item, item.getvalue()]),
    "stringio": (each(text_in_io), itself),
    "buffered": (each(buffered), lambda item: [item, item.raw]),
    "struct": (each(lambda n: struct.Struct("<%ds" % (n + 1) + "IH" * (1 + n % 9))),
               lambda item: [item, format_of(item)]),
    "direntry": (entries, lambda item: [item, item.name, item.path]),
    "datetime": (each(lambda n: datetime.datetime(2026, 1, 1, 0, n % 60)), itself),
    "datetime_zone": (each(lambda n: datetime.datetime(2026, 1, 1, 0, n % 60, tzinfo=zone(n))),
                      lambda item: [item, item.tzinfo]),
})

if hasattr(re, "Match"):
    # the type of 3.6 is in no module
    KINDS["match"] = (each(lambda n: re.match("x", "x" + unique_text(n, "matched"))),
                      lambda item: [item, item.string])

try:
    import numpy
except ImportError:
    numpy = None
if numpy:
    BASE = numpy.zeros((1000, 40))
    KINDS.update({
        "ndarray": (each(lambda n: numpy.zeros((n % 50, 3))), itself),
        "ndarray_scalar": (each(lambda n: numpy.array(1.5)), itself),
        "ndarray_view": (each(lambda n: BASE[n:n + 5]), itself),
        "ndarray_view_of_own": (each(lambda n: numpy.zeros(n + 100)[5:]),
                                lambda item: [item, item.base]),
        "ndarray_objects": (each(lambda n: numpy.array([n + 0.25, None, n + 0.5], dtype=object)),
                            lambda item: [item, item[0], item[2]]),
        "ndarray_objects_2d": (each(lambda n: numpy.array([[n + 0.75], [None]], dtype=object)),
                               lambda item: [item, item[0][0]]),
        "ndarray_bytes": (each(lambda n: numpy.zeros(n % 50, dtype="S7")), itself),
    })

if hasattr(builtins, "frozendict"):
    frozendict = builtins.frozendict
    TOLD.append("frozendict")
    KINDS["frozendict"] = (each(lambda n: frozendict.fromkeys(NAMES[:1 + n % 60])), itself)
    KINDS["frozendict_int_keys"] = (each(lambda n: frozendict.fromkeys(INTS[:1 + n % 60])), itself)

if hasattr(ctypes.pythonapi, "PyUnicode_AsUnicode"):
    # the wide copy that text kept for old C code, up to 3.11
    KINDS["str_wide_cached"] = (each(lambda n: cached_wide(unique_text(n, "\u20ac"))), itself)


def name_of(kind):
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else module + "." + kind.__qualname__


def measure(items, members):
    total = {}
    if not members(items[0]):
        total[name_of(type(items[0]))] = [0, 0]
    for item in items:
        for thing in members(item):
            row = total.setdefault(name_of(type(thing)), [0, 0])
            row[0] += 1
            row[1] += sys.getsizeof(thing)
    if type(items[0]) is list:
        # the list that holds them is one more
        total["list"][0] += 1
        total["list"][1] += sys.getsizeof(items)
    return total


def grow(kind):
    make, members = KINDS[kind]
    items = make(N)
    HELD[HELD.index(None)] = items
    return json.dumps(measure(items, members))


def kinds(_):
    """Of what types the objects of each kind are."""
    return json.dumps({kind: list(measure(make(3), members))
                       for kind, (make, members) in KINDS.items()})


def metatypes(_):
    """{name: [count, bytes]} of the classes of numpy's dtypes, static types with a metatype."""
    if not numpy:
        return "{}"
    found = {numpy.dtype}
    waiting = [numpy.dtype]
    while waiting:
        new = set(type.__subclasses__(waiting.pop())) - found
        found |= new
        waiting += new
    return json.dumps({"numpy._DTypeMeta": [len(found), sum(map(sys.getsizeof, found))]})


def main():
    gc.disable()
    warnings.simplefilter("ignore")
    HELD.extend([None] * 2 * len(KINDS))
    for make, members in KINDS.values():
        measure(make(3), members)
    for _ in range(3):
        # code that runs often gets caches, which sys.getsizeof(code) counts (3.8 to 3.10)
        measure(KINDS["code"][0](N), codes)
    for _ in range(3):
        gc.collect()
    commands.serve({"kinds": kinds, "grow": grow, "metatypes": metatypes})


if __name__ == "__main__":
    main()
