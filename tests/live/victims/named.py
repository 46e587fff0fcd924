"""
A process with containers of all kinds under all kinds of names, which it can enumerate itself.

Commands: `report` ({"containers": {name: length}, "aliases": {name: length} of all names, "trees":
{class: objects of it and its subclasses}}).

What is enumerated follows doc comments of src/python/containers.h, in Python's own terms. Asking an
object for its __dict__ can make one: pyinspect looks first.
"""

import array
import asyncio
import collections
import functools
import gc
import json
import logging
import re
import sys
import types
import weakref

import commands

HEAP_TYPE = 1 << 9
NAME = re.compile("[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9\x80-\U0010ffff]*")
CONTAINERS = (list, dict, set, frozenset, bytearray, collections.deque, array.array)
WRAPPERS = (weakref.WeakSet, weakref.WeakKeyDictionary, weakref.WeakValueDictionary,
            collections.UserDict, collections.UserList)


class Thing:
    def __init__(self, number):
        self.number = number


class Child(Thing):
    pass


class GrandChild(Child, collections.OrderedDict):
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, number):
        super().__init__(number)
        self["number"] = number


class Plain:
    """Its attributes are values without a dict, where Python does that."""

    table = {number: number for number in range(61)}

    def __init__(self):
        self.data = {number: None for number in range(62)}
        self.order = [None] * 63
        self.text = "not a container" * 10
        self.pair = (1,) * 64


class Slots:
    __slots__ = ("items", "__private", "empty", "number")

    def __init__(self):
        self.items = set(range(65))
        self.__private = [None] * 66
        self.number = 1


class SlotsAndDict(Slots):
    def __init__(self):
        super().__init__()
        self.more = collections.deque(range(67))


class Meta(type):
    registry = {number: None for number in range(68)}


class WithMeta(metaclass=Meta):
    instances = [None] * 69

    class Inner:
        Größe = {number: None for number in range(70)}


class Stack(list):
    def __len__(self):
        return 4711


class Table(dict):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.log = [None] * 71


class Wrapped(collections.UserDict):
    pass


def function():
    pass


def local_class():
    class Local:
        kept = [None] * 72

    return Local


LIST = [None] * 73
DICT = {number: None for number in range(74)}
SET = set(range(75))
FROZEN = frozenset(range(76))
BYTES = bytearray(77)
DEQUE = collections.deque(range(78), 100)
ORDERED = collections.OrderedDict((number, None) for number in range(79))
DEFAULT = collections.defaultdict(list, {number: None for number in range(80)})
COUNTER = collections.Counter(range(81))
ARRAY = array.array("i", range(82))
STACK = Stack([None] * 83)
TABLE = Table({number: None for number in range(84)})
TUPLE = (None,) * 85
TEXT = "x" * 86
PLAIN = Plain()
SLOTS = Slots()
BOTH = SlotsAndDict()
WITH_DICT = Plain()
vars(WITH_DICT)["late"] = [None] * 87
THINGS = [Thing(number) for number in range(88)] + [Child(number) for number in range(20)]
THINGS += [GrandChild(number) for number in range(10)]
WEAK_SET = weakref.WeakSet(THINGS)
WEAK_VALUES = weakref.WeakValueDictionary(enumerate(THINGS))
WEAK_KEYS = weakref.WeakKeyDictionary((thing, None) for thing in THINGS[:90])
WRAPPED = Wrapped({number: None for number in range(91)})
USER_LIST = collections.UserList([None] * 92)
LOCAL = local_class()
# The same under other names, and what has no name.
ALIAS = LIST
Plain.alias = DICT
PLAIN.registry = Meta.registry
function.cache = {number: None for number in range(93)}
globals()["no identifier"] = [None] * 94
globals()["naïve"] = [None] * 95
# A weak set that somebody is going through drops what dies meanwhile a little later.
ITERATOR = iter(WEAK_SET)


INTERPRETERS = []


def add_modules():
    module = types.ModuleType("invented")
    module.kept = [None] * 96
    module.again = LIST
    sys.modules["invented"] = module
    sys.modules["invented.alias"] = module
    sys.modules["invented.instance"] = Plain()
    sys.modules["no-module"] = types.ModuleType("hidden")
    sys.modules["no-module"].hidden = [None] * 97
    sys.modules["invented.nothing"] = None


def is_name(text):
    return bool(NAME.fullmatch(text))


def is_module_name(name):
    return all(is_name(part) for part in name.split("."))


def name_of(kind):
    module = type.__getattribute__(kind, "__module__")
    name = type.__dict__["__qualname__"].__get__(kind)
    return name if module == "builtins" else "%s.%s" % (module, name)


def all_types():
    found = {object: None}
    queue = [object]
    for kind in queue:
        for child in type.__subclasses__(kind):
            if child not in found:
                found[child] = None
                queue.append(child)
    return sorted(found, key=name_of)


def attributes(thing):
    """What it has in its __dict__, and in slots."""
    found = []
    try:
        found += object.__getattribute__(thing, "__dict__").items()
    except AttributeError:
        pass
    for kind in mro(thing):
        if not kind.__flags__ & HEAP_TYPE:
            continue
        for name, value in vars(kind).items():
            if type(value) is types.MemberDescriptorType:
                try:
                    found.append((value.__name__, value.__get__(thing)))
                except AttributeError:
                    pass
    return found


def mro(thing):
    # Up to 3.8 there are types of C that have never been made ready.
    return type.__dict__["__mro__"].__get__(type(thing)) or (type(thing),)


def is_one_of(thing, kinds):
    """isinstance() without asking the classes, which would fill caches of theirs."""
    return any(kind in kinds for kind in mro(thing))


def measure(thing):
    """(identity, length), or None if it is no container."""
    for kind in CONTAINERS:
        if kind in mro(thing):
            return id(thing), kind.__len__(thing)
    if is_one_of(thing, WRAPPERS):
        pending = getattr(thing, "_pending_removals", ())
        return id(thing.data), len(thing.data) - len(pending)
    return None


def take(found, rank, name, thing):
    measured = measure(thing)
    if measured:
        found.append((rank, name, measured[0], measured[1]))


def holders():
    for name, module in list(sys.modules.items()):
        if is_module_name(name):
            yield name, attributes(module)
    for kind in all_types():
        yield name_of(kind), list(type.__dict__["__dict__"].__get__(kind).items())


def enumerate_containers():
    found = []
    for holder, items in holders():
        for key, thing in items:
            if not isinstance(key, str) or not is_name(key):
                continue
            take(found, 0, "%s.%s" % (holder, key), thing)
            if is_one_of(thing, (type, types.ModuleType)):
                continue
            for inner, value in attributes(thing):
                if isinstance(inner, str) and is_name(inner):
                    take(found, 1, "%s.%s.%s" % (holder, key, inner), value)
    # Stable: within a rank the order in which they were found.
    found.sort(key=lambda one: one[0])
    return found


def report(_):
    containers, aliases, seen = {}, {}, set()
    named = set()
    for _, name, identity, length in enumerate_containers():
        if (name, identity) not in named:
            aliases[name] = aliases.get(name, 0) + length
        named.add((name, identity))
        if identity not in seen:
            containers[name] = containers.get(name, 0) + length
        seen.add(identity)
    objects = gc.get_objects()
    trees = {name_of(kind): sum(kind in mro(one) for one in objects)
             for kind in (Thing, Child, GrandChild, Plain, Slots, Table, Stack, Meta)}
    return json.dumps({"containers": containers, "aliases": aliases, "trees": trees})


def add_interpreter(_):
    """A module that only another interpreter has; its answer is null where that cannot be made."""
    try:
        import _interpreters as interpreters
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return "null"
    code = ("import sys, types; module = types.ModuleType('only_there'); module.kept = [None] * 98"
            "; sys.modules['only_there'] = module")
    # It ends with the last object that knows its number.
    INTERPRETERS.append(interpreters.create())
    interpreters.run_string(INTERPRETERS[-1], code)
    return "{}"


def main():
    gc.disable()
    add_modules()
    # Three die; not the one that the iterator stands at, whichever that is.
    current = next(ITERATOR)
    gone = [thing for thing in THINGS[-4:] if thing is not current][:3]
    THINGS[-4:] = [thing for thing in THINGS[-4:] if thing not in gone]
    current = gone = None
    commands.serve({"report": report, "add_interpreter": add_interpreter})
    return asyncio, functools, logging


main()
