"""
A process with one thing wrong with its memory, or nothing.

    explained.py healthy|lists|string|closures|cached|pinned|cycles|native

Commands: `expected`: what is known of it.
"""

import ctypes
import functools
import gc
import json
import sys

import commands

COUNT = 20000


class Session:
    __slots__ = ("number", "load")

    def __init__(self, number):
        self.number = number
        self.load = b"%d" % number * 30


class Bus:
    def __init__(self):
        self.subscribers = {"done": []}

    def subscribe(self, session):
        self.subscribers["done"].append(lambda: session.number)


def size_of(sessions):
    return sum(sys.getsizeof(one) + sys.getsizeof(one.load) for one in sessions)


def lists():
    global CACHE
    CACHE = {"all": [[str(number), [number + 0.5]] for number in range(COUNT)]}
    return {"objects": COUNT, "address": id(CACHE["all"]), "bytes": sys.getsizeof(CACHE["all"]) + sum(
        sys.getsizeof(row) + sys.getsizeof(row[0]) + sys.getsizeof(row[1]) + sys.getsizeof(row[1][0])
        for row in CACHE["all"])}


def string():
    global TEXT
    TEXT = "text" * (4 << 20)
    return {"address": id(TEXT), "bytes": sys.getsizeof(TEXT)}


def closures():
    global BUS
    BUS = Bus()
    sessions = [Session(number) for number in range(COUNT)]
    for session in sessions:
        BUS.subscribe(session)
    return {"objects": COUNT, "bytes": size_of(sessions)}


@functools.lru_cache(maxsize=None)
def load(number):
    return [b"%d" % number * 30]


def cached():
    for number in range(COUNT):
        load(number)
    return {"objects": COUNT}


def pinned():
    sessions = [Session(number) for number in range(COUNT)]
    for session in sessions:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
    return {"objects": COUNT, "bytes": size_of(sessions)}


def cycles():
    gc.disable()
    for number in range(COUNT):
        knot = [number + 0.5]
        knot.append({"knot": knot})
    return {"objects": 3 * COUNT}


def native():
    """Memory that no object has: written, so that it is there."""
    global MEMORY
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    size = 96 << 20
    MEMORY = libc.malloc(size)
    ctypes.memset(MEMORY, 1, size)
    return {"bytes": size}


def healthy():
    """Some of everything, and not much of anything."""
    global BUS, WORDS
    BUS = Bus()
    for number in range(50):
        BUS.subscribe(Session(number))
    WORDS = {str(number): [number] for number in range(500)}
    return {}


KNOWN = globals()[sys.argv[1]]()
if sys.argv[1] != "cycles":
    gc.collect()
commands.serve({"expected": lambda _: json.dumps(KNOWN)})
