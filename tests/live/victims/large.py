"""
A process with some objects that are larger than all others, in known places.

    large.py

Commands: `planted` ({name: {"address", "type", "bytes", "referents", "length"}}, as Python itself
says it).
"""

import array
import collections
import gc
import json
import sys

import commands


class Keeper:
    pass


class Store:
    table = {number: None for number in range(200000)}
    words = {"word%d" % number: number for number in range(150000)}


class Dict(dict):
    pass


class List(list):
    pass


big_list = [None] * 1000000
big_tuple = tuple(range(600000))
big_set = set(range(300000))
big_frozenset = frozenset(range(80000))
big_deque = collections.deque(range(250000))
big_ordered = collections.OrderedDict((number, None) for number in range(120000))
big_dict = Dict((number, None) for number in range(50000))
# Strings alone; but a key that is none was looked for, and up to 3.10 that changes the table.
probed = {"word%d" % number: None for number in range(30000)}
assert 0 not in probed
keeper = Keeper()
keeper.items = List([0.5] * 900000)
big_text = "secret text " * 900000
wide_text = "\N{GRINNING FACE}" * 1700000
big_bytes = b"secret bytes" * 700000
big_bytearray = bytearray(5500000)
big_array = array.array("d", bytes(8 * 740000))
big_int = 1 << 8 * 4700000

PLANTED = {"big_list", "big_tuple", "big_set", "big_frozenset", "big_deque", "big_ordered",
           "big_dict", "probed", "big_text", "wide_text", "big_bytes", "big_bytearray", "big_array",
           "big_int"}


def describe(thing):
    return {"address": id(thing), "type": type(thing).__qualname__, "bytes": sys.getsizeof(thing),
            "referents": len(gc.get_referents(thing)),
            "length": len(thing) if hasattr(thing, "__len__") else None}


def planted(_):
    found = {name: describe(globals()[name]) for name in PLANTED}
    found.update({"Store.table": describe(Store.table), "Store.words": describe(Store.words),
                  "keeper.items": describe(keeper.items)})
    return json.dumps(found)


gc.disable()
commands.serve({"planted": planted})
