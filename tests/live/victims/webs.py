"""
A process with structures of which it is known what they keep alive, what is garbage, and what C code
holds.

    webs.py

Commands: `expected`, `places` (see there), `found` (what gc.collect() finds in a fork), `collect` (how many
objects gc.collect() found), `collector` (see there), `enable`, `disable`, `thresholds A B C`,
`uncollectable N`. The collector runs for these commands only.
"""

import collections
import ctypes
import gc
import json
import os
import sys

import commands

gc.disable()


class Holder:
    __slots__ = ("rows", "shared")


class Pinned:
    __slots__ = ()


class Knot:
    __slots__ = ("other", "load")


class Pair:
    __slots__ = ("joint",)


class Named(dict):
    __slots__ = ("attribute",)


SHARED = ["known from elsewhere", b"x" * 5000]
PINS = 3


def make_holder(rows):
    """And how many bytes are alive for its sake only."""
    holder = Holder()
    holder.shared = SHARED
    holder.rows = [(number + 0.5, b"%d" % number * 3, [bytearray(number)]) for number in range(rows)]
    size = sys.getsizeof(holder) + sys.getsizeof(holder.rows)
    for row in holder.rows:
        size += sys.getsizeof(row) + sum(map(sys.getsizeof, row)) + sys.getsizeof(row[2][0])
    return holder, size


def tie(count):
    """Cycles of nothing but what they hold; returns {type: bytes} of them."""
    sizes = {}
    for number in range(count):
        one, other = Knot(), Knot()
        one.other, other.other = other, one
        one.load, other.load = b"%d" % number * 100, [number + 0.25, {"key": SHARED}]
        for part in (one, other, one.load, other.load, *other.load):
            name = type(part).__name__
            sizes[name] = sizes.get(name, 0) + sys.getsizeof(part)
    return sizes


HOLDERS = dict((id(holder), (holder, size)) for holder, size in map(make_holder, (0, 10, 300)))
# Two of them keep one list: nothing of it is freed with one, all with both.
PAIR = [Pair(), Pair()]
PAIR[0].joint = PAIR[1].joint = [bytearray(10000)]
SECRETS = {"api_key": "hunter2 of the webs", "9f86d081884c7d659a2feaa0c55ad015": 41}
# tp_traverse of these reports more than values and keys in turn.
DICTS = [collections.OrderedDict((key, [key]) for key in "abc"), collections.defaultdict(list),
         collections.Counter("abbccc"), Named()]
for key in ("one", "two", "three"):
    DICTS[1][key].append(key)
    DICTS[3][key] = [key]
DICTS[3].attribute = ["attribute"]
key = None
def generate():
    yield SHARED


GENERATORS = [generate() for _ in range(5)]
next(GENERATORS[0])
PINNED = [Pinned() for _ in range(5)]
for _ in range(PINS):
    for pinned in PINNED:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(pinned))
pinned = None
gc.collect()
TIED = tie(700)


def expected(_):
    """{holders: {address: bytes}, pinned: addresses, pins: references each has from nowhere,
    tied: {type: bytes} of what is garbage, types: {name: address}, alone, together: bytes of one of
    PAIR, and of what both of them keep}"""
    types = {kind.__name__: id(kind) for kind in (
        Knot, Holder, bytes, float, list, dict, bytearray, str, int, type(tie.__code__))}
    return json.dumps({
        "holders": {address: size for address, (_, size) in HOLDERS.items()},
        "pinned": list(map(id, PINNED)), "pins": PINS, "tied": TIED,
        "alone": sys.getsizeof(PAIR[0]), "together": sum(map(sys.getsizeof, (
            PAIR[0], PAIR[1], PAIR[0].joint, PAIR[0].joint[0]))),
        "types": types})


def places(_):
    """Addresses: {shared, pairs, joint, secrets, knot: one that is garbage, dicts: of each
    [its address, those of its values and of what gc.get_referents() finds], generators, code: that of these}"""
    knot = [id(one) for one in gc.get_objects() if type(one) is Knot][0]
    return json.dumps({"shared": id(SHARED), "pairs": list(map(id, PAIR)), "joint": id(PAIR[0].joint),
                       "secrets": id(SECRETS), "knot": knot,
                       "dicts": [[id(one), list(map(id, one.values())),
                                  list(map(id, gc.get_referents(one)))] for one in DICTS],
                       "generators": list(map(id, GENERATORS)), "code": id(generate.__code__)})


def find():
    """What gc.collect() returns, and what it found: {type: count}, as it keeps it on request."""
    counts = {}
    gc.set_debug(gc.DEBUG_SAVEALL)
    number = gc.collect()
    for one in gc.garbage:
        name = type(one).__name__
        counts[name] = counts.get(name, 0) + 1
    return {"number": number, "types": counts}


def found(_):
    """In a fork, so that it is still there afterwards."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, json.dumps(find()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


def collect(_):
    return json.dumps(gc.collect())


def collector(_):
    """What the module says of itself."""
    return json.dumps({"enabled": gc.isenabled(), "thresholds": gc.get_threshold(),
                       "counts": gc.get_count(), "garbage": len(gc.garbage)})


def enable(_):
    gc.enable()
    return "true"


def disable(_):
    gc.disable()
    return "true"


def thresholds(words):
    gc.set_threshold(*map(int, words.split()))
    return "true"


def uncollectable(words):
    gc.garbage[:] = range(int(words))
    return "true"


commands.serve({"expected": expected, "places": places, "found": found, "collect": collect, "collector": collector,
                "enable": enable, "disable": disable, "thresholds": thresholds,
                "uncollectable": uncollectable})
