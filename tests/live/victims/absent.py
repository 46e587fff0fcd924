"""
A process in which things come and go whose names rules know: two classes of one bare name, a class
whose instances have containers, and a container of a module.

Commands: `twins FIRST SECOND` (how many instances of each there are), `load` and `unload` (a module
`late` with a list `queue`), `caches LENGTH...` (an instance of Cache for each, with so many
entries).
"""

import json
import sys
import types

import commands


class First:
    class Twin:
        pass


class Second:
    class Twin:
        pass


class Cache:
    def __init__(self, length):
        self.entries = dict.fromkeys(range(length))
        self.label = "x" * 50


class Slotted:
    __slots__ = ("items", "__weakref__")

    def __init__(self, length):
        self.items = list(range(length))


KEPT = {"twins": [], "caches": [], "slotted": [Slotted(3), Slotted(4)]}


def twins(arguments):
    first, second = map(int, arguments.split())
    KEPT["twins"] = [First.Twin() for _ in range(first)] + [Second.Twin() for _ in range(second)]
    return "{}"


def caches(arguments):
    KEPT["caches"] = [Cache(int(length)) for length in arguments.split()]
    return "{}"


def load(_):
    module = types.ModuleType("late")
    module.queue = [None] * 7
    sys.modules["late"] = module
    return "{}"


def unload(_):
    del sys.modules["late"]
    return json.dumps({})


commands.serve({"twins": twins, "caches": caches, "load": load, "unload": unload})
