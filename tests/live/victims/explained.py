"""
A process with one thing wrong with its memory, or nothing.

    explained.py healthy|lists|pairs|compiled|led|written|string|strings|closures|cached|classes|abstract|modelled|made|large|pinned|handler|
                 cycles|native

Commands: `expected`: what is known of it.
"""

import abc
import ctypes
import functools
import gc
import io
import json
import signal
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


def pairs():
    """Keys and values are of one type, and of two groups."""
    global WORDS
    WORDS = {"key %d" % number * 9: "value %d" % number * 9 for number in range(COUNT)}
    return {"type": "str", "objects": 2 * COUNT, "address": id(WORDS)}


def compiled():
    """Functions are the program, but for those that it makes as it goes."""
    global RULES
    RULES = {}
    for number in range(2000):
        names = {}
        exec("def rule(value):\n return value * %d + len('of rule %d')" % (number, number), names)
        RULES[number] = names["rule"]
    return {"type": "function", "objects": 2000, "address": id(RULES)}


def written():
    """Up to 3.11 what was written is in lists that only C knows of until somebody reads it."""
    global PAGES
    PAGES = []
    for number in range(4000):
        page = io.StringIO()
        for word in ("page %d", " of many, %d"):
            page.write(word % number)
        PAGES.append(page)
    return {"objects": len(PAGES)}


class Member:
    others = ()


def led():
    """The first one keeps all others."""
    global LEADER
    LEADER = Member()
    LEADER.others = [Member() for _ in range(COUNT)]
    for member in LEADER.others:
        member.load = [None] * 5
    return {"objects": COUNT}


def string():
    global TEXT
    TEXT = "text" * (4 << 20)
    return {"address": id(TEXT), "bytes": sys.getsizeof(TEXT)}


def strings():
    global TEXT, HELD
    TEXT = "text" * (4 << 20)
    HELD = {"data": (1, "data" * (3 << 20))}
    return {"sizes": [sys.getsizeof(TEXT), sys.getsizeof(HELD["data"][1])]}


def classes():
    """Each has another name, as those for tables or messages."""
    global REGISTRY
    REGISTRY = {}
    for number in range(1000):
        REGISTRY[type("Model%d" % number, (), {"load": b"%d" % number * 500})] = None
    return {"objects": 1000}


def abstract():
    """Of a metaclass of the library, which is at work elsewhere, too."""
    global SHAPES
    SHAPES = [abc.ABCMeta("Shape%d" % number, (), {"load": b"%d" % number * 500})
              for number in range(1000)]
    return {"objects": 1000}


class Meta(type):
    pass


def modelled():
    """Of a metaclass of one's own, of which the program has no other class."""
    global MODELS
    models = {number: Meta("Model%d" % number, (), {"load": b"%d" % number * 500})
              for number in range(1000)}
    MODELS = models.get
    return {"objects": 1000}


def made():
    """A class for each answer, which is all that has it; few have one name."""
    global ROWS
    ROWS = [type("Row%d" % (number % 50), (), {"load": b"%d" % number * 500})()
            for number in range(1000)]
    return {"objects": 1000}


class Series:
    kept = {}


def large():
    for number in range(20):
        Series.kept["series %d" % number] = bytearray(400000)
    return {"objects": 20, "address": id(Series.kept),
            "bytes": sum(map(sys.getsizeof, Series.kept.values()))}


def handler():
    """What handles a signal is in an array of C."""
    class Application:
        def stop(self, *_):
            pass
    application = Application()
    application.sessions = [Session(number) for number in range(COUNT)]
    signal.signal(signal.SIGUSR2, application.stop)
    return {"bytes": size_of(application.sessions)}


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
