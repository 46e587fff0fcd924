"""
A process with structures of which it is known what they keep alive, what is garbage, and what C code
holds.

    webs.py

Commands: `expected` (see there), `collect` (how many objects gc.collect() found). The collector runs
for that command only.
"""

import ctypes
import gc
import json
import sys

import commands

gc.disable()


class Holder:
    __slots__ = ("rows", "shared")


class Pinned:
    __slots__ = ()


class Knot:
    __slots__ = ("other", "load")


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
    for number in range(count):
        one, other = Knot(), Knot()
        one.other, other.other = other, one
        one.load, other.load = b"%d" % number * 100, [number + 0.25, {"key": SHARED}]


HOLDERS = dict((id(holder), (holder, size)) for holder, size in map(make_holder, (0, 10, 300)))
PINNED = [Pinned() for _ in range(5)]
for _ in range(PINS):
    for pinned in PINNED:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(pinned))
pinned = None
gc.collect()
tie(700)


def expected(_):
    """{holders: {address: bytes}, pinned: addresses, pins: references each has from nowhere,
    types: {name: address}}"""
    types = {kind.__name__: id(kind) for kind in (Knot, Holder, bytes, float, list, dict, bytearray)}
    return json.dumps({
        "holders": {address: size for address, (_, size) in HOLDERS.items()},
        "pinned": list(map(id, PINNED)), "pins": PINS, "types": types})


def collect(_):
    return json.dumps(gc.collect())


commands.serve({"expected": expected, "collect": collect})
