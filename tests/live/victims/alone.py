"""
A process that needs no extension module: for programs that cannot load any.

    alone.py OBJECTS

Commands: `report`, as mixed.py has it.
"""

import atexit
import gc
import sys

import commands


class Event:
    def __init__(self, number):
        self.number = number
        self.items = [number]


class Slots:
    __slots__ = ("one",)


class Tagged(dict):
    pass


def generate(value):
    yield value


def closure(value):
    return lambda: value


def suspended(value):
    generator = generate([value])
    next(generator)
    return generator


MAKERS = (Event, lambda n: Slots(), lambda n: [n], lambda n: {n: [n]}, lambda n: {n, -n},
          lambda n: frozenset((n, "x")), lambda n: (n, [n]), lambda n: Tagged(a=[n]),
          lambda n: closure([n]), suspended, lambda n: "text %d" % n, lambda n: 1 << n % 100)


def name_of(kind):
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else module + "." + kind.__qualname__


def report(argument):
    counts = {}
    for _ in range(3):
        for row in counts.values():
            row[:] = [0, 0]
        found = gc.get_objects()
        for thing in found:
            row = counts.setdefault(type(thing), [0, 0])
            row[0] += 1
            row[1] += sys.getsizeof(thing)
        del found, thing, row
    # What counting itself holds, and nobody else sees: the dict and its rows, this frame.
    own = len(counts)
    counts[dict][0] -= 1
    counts[dict][1] -= sys.getsizeof(counts)
    counts[list][0] -= own
    counts[list][1] -= own * sys.getsizeof(next(iter(counts.values())))
    rows = ", ".join('"%s": [%d, %d]' % (name_of(kind), row[0], row[1])
                     for kind, row in counts.items())
    return '{"types": {%s}}' % rows


HEAP = [MAKERS[number % len(MAKERS)](number) for number in range(int(sys.argv[1]))]
# What only the interpreter holds.
atexit.register(int, "7" * 100)
gc.disable()
for _ in range(5):
    gc.collect()
commands.serve({"report": report})
