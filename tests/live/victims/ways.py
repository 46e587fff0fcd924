"""
A process with many objects that are held in few ways, some of them twice.

    ways.py

Commands: `expected`: {plain name of a type: {count, bytes: with all of its objects these are freed}}.
The collector is off.
"""

import ctypes
import gc
import json
import sys

import commands

gc.disable()


class Session:
    __slots__ = ("load",)


class Special(Session):
    __slots__ = ()


class Waiting:
    __slots__ = ()


class Link:
    __slots__ = ("next",)


class Knot:
    __slots__ = ("other",)


class Pinned:
    __slots__ = ()


class Kept:
    __slots__ = ()


class Materialised:
    def __init__(self):
        self.kept = Kept()


class Entry:
    def __init__(self, number):
        self.number = number


class Bus:
    def __init__(self):
        self.subs = {"done": [], "never": []}


class Registry:
    rooms = {}


def make_session(number):
    session = Special() if number % 10 == 0 else Session()
    session.load = b"%d" % number * 100
    return session


def subscribe(s):
    def notify():
        return s
    BUS.subs["done"].append(notify)


def wait():
    payload = Waiting()
    yield payload


CACHE = {}
BUS = Bus()
GENERATORS = []
HEAD = tail = Link()
for number in range(300):
    CACHE["key %d" % number] = (number, make_session(number))
    GENERATORS.append(wait())
    next(GENERATORS[-1])
    tail.next = Link()
    tail = tail.next
    Registry.rooms.setdefault("room", []).append(Entry(number + 0.5))
    one, other = Knot(), Knot()
    one.other, other.other = other, one
tail.next = None
# All but one of the first.
for _, kept in list(CACHE.values())[1:]:
    subscribe(kept)
NEAR = CACHE["key 7"][1]
PINNED = [Pinned() for _ in range(40)]
# Their __dict__ is there, and so may be values without it.
MATERIALISED = [Materialised() for _ in range(40)]
for kept in MATERIALISED:
    vars(kept)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept.kept))
for kept in PINNED:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
kept = one = other = None


def expected(_):
    sessions = [session for _, session in CACHE.values()]
    return json.dumps({
        "Session": {"count": 300, "bytes": sum(sys.getsizeof(session) + sys.getsizeof(session.load)
                                               for session in sessions)},
        "near": sys.getsizeof(NEAR) + sys.getsizeof(NEAR.load),
        "Link": {"count": 301, "bytes": 301 * sys.getsizeof(HEAD)},
    })


commands.serve({"expected": expected})
