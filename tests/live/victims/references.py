"""
A process with references of all kinds: by attributes with and without a dict, slots, items, elements,
closures, local variables, caches; of subclasses of containers, small and large.
"""

import collections
import functools
import gc
import sys
import threading
import types
import weakref

import commands

gc.disable()


class Plain(object):
    def __init__(self, number):
        self.number = number
        self.name = "name%d" % number
        self.parts = [number, str(number)]


class Other(Plain):
    def __init__(self, number):
        Plain.__init__(self, number)
        setattr(self, "extra%d" % (number % 7), (number,))
        self.password = "hunter2, which nobody may see"


class Slots(object):
    __slots__ = ("one", "two", "__dict__")

    def __init__(self, number):
        self.one = [number]
        self.two = {number}
        if number % 2:
            self.three = (number,)


class Old:
    def __init__(self, number):
        self.value = [number]


class OwnList(list):
    pass


class OwnDict(dict):
    pass


class OwnSet(set):
    pass


class OwnTuple(tuple):
    pass


REGISTRY = {"plain": [Plain(number) for number in range(600)],
            "other": [Other(number) for number in range(200)]}
SLOTS = tuple(Slots(number) for number in range(100))
OLD = [Old(number) for number in range(20)]

BY_KEY = collections.defaultdict(list)
for one in range(6000):
    BY_KEY["key%d" % one].append(Plain)
for one in range(100):
    BY_KEY[one].append([one])
    BY_KEY[one, "x"].append({one})
ORDERED = collections.OrderedDict(("item%d" % one, [one]) for one in range(5000))
COUNTED = collections.Counter("abcabc" * 5)

OWN_LIST = OwnList([one, [one]] for one in range(100))
OWN_LIST.attribute = [1]
OWN_LIST.itself = OWN_LIST
OWN_DICT = OwnDict(("entry%d" % one, [one]) for one in range(90))
OWN_DICT.attribute = {"x": 1}
OWN_DICT["its class"] = OwnDict
OWN_DICT["once"] = OWN_DICT["again"] = OWN_DICT["entry1"]
OWN_SET = OwnSet(frozenset([one]) for one in range(50))
OWN_SET.attribute = [2]
OWN_SET.add(OwnSet)
OWN_TUPLE = OwnTuple([[one] for one in range(50)] + [OwnTuple])
OWN_TUPLE.attribute = "x"
DEQUE = collections.deque([one] for one in range(300))
HOLES = [None] * 5
HOLES.extend([one] for one in range(100))

KEYS = {"AKIAIOSFODNN7EXAMPLE": [1], "5ebe2294ecd0e0f08eab7690d2a6ee69": [2], "password": ["hunter3"],
        "a key with blanks": [3], u"\xe9t\xe9": [4], b"bytes": [5], 3.5: [6], None: [7], True: [8],
        "a\0b": [9], 424242424242: [10]}
KEYS.update((("of a tuple", one), [one]) for one in range(9))


def outer(first, second):
    hidden = [first]

    def inner(third):
        return hidden, second, third
    return inner


FUNCTIONS = [outer([one], {one: one}) for one in range(50)]
FUNCTIONS[0].attribute = [1, 2]


def cached(number):
    return [number]


if hasattr(functools, "lru_cache"):
    cached = functools.lru_cache(None)(cached)
RESULTS = [cached(one) for one in range(100)]
PARTIAL = [functools.partial(cached, [one]) for one in range(30)]
METHODS = [one.__init__ for one in REGISTRY["plain"][:50]]
PROPERTY = property(lambda self: 1, None, None, "doc")
BY_WEAK = weakref.WeakValueDictionary(enumerate(REGISTRY["plain"][:100]))
WEAK = [weakref.ref(one, lambda gone: None) for one in REGISTRY["plain"][:20]]


def generate(number):
    local = [number]
    for step in range(10):
        inside = {number: step}
        yield local, inside


GENERATORS = [generate(one) for one in range(60)]
for one in GENERATORS:
    next(one)

try:
    raise ValueError([1])
except ValueError:
    TROUBLE = sys.exc_info()

MADE = types.ModuleType("made.up")
MADE.thing = [Plain(5)]
sys.modules["made.up"] = MADE


def wait():
    held = [Plain(77), {"in": "a thread"}]
    EVENT.wait()
    return held


EVENT = threading.Event()
THREAD = threading.Thread(target=wait)
THREAD.daemon = True
THREAD.start()


def deeper(level):
    held = [Plain(level)]
    if level:
        deeper(level - 1)
    else:
        commands.serve({})
    return held


deeper(5)
