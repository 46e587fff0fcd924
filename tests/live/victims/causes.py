"""
A process in which each class of `EXPECTED` has instances that are kept in one way that is easy to
take for another.

Commands: `expected`: {name of the class: [how many, where Python knows that they are]}. The collector
is off.
"""

import collections
import ctypes
import functools
import gc
import json
import sys
import threading
import types

import commands

gc.disable()
COUNT = 60
EXPECTED = {}


def many(name):
    """Instances of a new class."""
    kind = type(name, (), {"__module__": "__main__"})
    globals()[name] = kind
    EXPECTED[name] = COUNT
    return [kind() for _ in range(COUNT)]


class Server:
    """A worker has its queue in a variable; whose queue it is, the module knows."""

    def __init__(self):
        self.jobs = collections.deque(((number, one) for number, one in enumerate(many("Queued"))))


def work(jobs, ready):
    ready.set()
    threading.Event().wait()
    return jobs


def outer(ready):
    called = many("Called")
    inner(ready)
    return called


def inner(ready):
    running = many("Running")
    ready.set()
    threading.Event().wait()
    return running


class Calls:
    def __init__(self, calls):
        self.calls = calls

    def seen(self, *_):
        pass


def watched(function, name, ready):
    function(Calls(many(name)).seen)
    ready.set()
    threading.Event().wait()


def make_callback():
    kept = many("Pinned")

    def callback():
        return kept

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))


def make_cycles():
    for one in many("Knot"):
        one.parts = {"list": [{"whole": one}]}


def make_classes():
    """Of many that are never freed each has a name of its own."""
    for number in range(3):
        kind = type("Lost%d" % number, (), {"__module__": "__main__"})
        kind.table = many("Of%d" % number)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(kind))


class Table:
    """Each has a few rows in a list."""

    def __init__(self, rows):
        self.rows = rows


class Callbacks:
    """ctypes keeps what it is given in C structs."""

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)


class Loader:
    @functools.lru_cache(maxsize=None)
    def load(self, thing):
        return thing is None


def call(self, number):
    return number


def make_callbacks():
    return [Callbacks.kind(types.MethodType(call, one)) for one in many("Called_back")]


def fill_cache():
    for one in many("Computed"):
        Loader.load(one, None)


def start(function, *arguments):
    ready = threading.Event()
    threading.Thread(target=function, args=arguments + (ready,), daemon=True).start()
    ready.wait()


server = Server()
start(work, server.jobs)
start(outer)
start(watched, sys.setprofile, "Profiled")
start(watched, sys.settrace, "Traced")
tables = [Table(list(rows)) for rows in zip(*[iter(many("Row"))] * 6)]
callbacks = make_callbacks()
fill_cache()
make_callback()
make_cycles()
make_classes()
commands.serve({"expected": lambda _: json.dumps(EXPECTED)})
