"""
A process with containers in all sorts of places: attributes at any depth, containers in containers,
closures, frames of threads, generators, caches of functions.

Commands: `report` ({"sums": {name: length}, "longest": {name: length}}, by the names of
src/heap/container_paths.h), `grow N` (each becomes longer by N), `collect` (what is garbage goes).
"""

import array
import collections
import functools
import gc
import json
import sys
import threading
import weakref

import commands

# "function f closure x" has the qualified name from 3.11 on.
QUALIFIED = sys.version_info >= (3, 11)
LEAST = 100
GROW = []
SUMS = {}
LONGEST = {}


def plant(name, *lengths, make=None, add=None):
    """Containers that share a name, and how one of them grows."""
    held = []
    for length in lengths:
        container = make() if make else []
        grow = add or (lambda into, number: into.append(number))
        for number in range(length):
            grow(container, number)
        # A reference would be a shorter way.
        if gc.is_tracked(container):
            GROW.append((id(container), grow, name))
        held.append(container)
    counted = [length for length in lengths if length >= LEAST]
    SUMS[name] = sum(counted)
    if len(counted) > 1:
        LONGEST[name] = max(counted)
    return held if len(held) > 1 else held[0]


def put(into, number):
    into[str(number)] = [number]


class Table(dict):
    pass


class Entries(list):
    pass


class Object:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Cache(Object):
    pass


class Slotted:
    __slots__ = ("entries", "__weakref__")


class Chain:
    def __init__(self, items, following):
        self.items = items
        self.following = following


def make_lookup(name):
    cache = plant("function %slookup closure cache" % ("make_lookup.<locals>." * QUALIFIED), 131,
                  make=dict, add=put)

    def lookup(key):
        return cache.get(key), name
    return lookup


def subscribe(bus):
    store = Object(seen=plant(
        "function %shandler closure store.seen" % ("handler_of.<locals>." * QUALIFIED), 132,
        make=set, add=lambda into, number: into.add(number)))
    bus.handlers["first"] = [lambda: None, handler_of(store)]


def handler_of(store):
    def handler():
        return store
    return handler


def work(ready, go):
    backlog = plant("frame work local backlog", 133, make=collections.deque)
    jobs = {"now": plant("frame work local jobs[*]", 134)}
    wait(ready, go)
    return backlog, jobs


def wait(ready, go):
    pending = plant("frame wait local pending", 135)
    ready.set()
    go.wait()
    return pending


def produce():
    seen = plant("frame produce local seen", 136)
    yield
    del seen


async def serve_clients():
    sessions = plant("frame serve_clients local sessions", 137, make=dict, add=put)
    await Suspended()
    del sessions


class Suspended:
    def __await__(self):
        yield


@functools.lru_cache(maxsize=None)
def computed(number):
    return [number]


class Client:
    @functools.lru_cache(maxsize=100000)
    def get(self, number):
        return [number]


def with_default(items=plant("__main__.with_default.__defaults__[0]", 138)):
    return items


def add_weak(into, number):
    MEMBERS.append(Object(number=number))
    into.add(MEMBERS[-1])


def make_garbage():
    one, other = Lost(), Lost()
    one.other, other.other = other, one
    one.items, other.items = plant("__main__.Lost.items", 141, 142)


class Lost:
    pass


def tree(name):
    """A container below three others."""
    return {"a": [{"b": plant(name, 143, make=set, add=lambda into, number: into.add(number))}]}


MEMBERS = []
APP = Object(inner=Object(
    deep=Object(items=plant("__main__.APP.inner.deep.items", 101),
                table=plant("__main__.APP.inner.deep.table", 102, make=dict, add=put),
                further=Object(queue=plant("__main__.APP.inner.deep.further.queue", 103,
                                           make=collections.deque))),
    subclass=plant("__main__.APP.inner.subclass", 104, make=Table, add=put),
    ordered=plant("__main__.APP.inner.ordered", 105, make=collections.OrderedDict, add=put),
    default=plant("__main__.APP.inner.default", 106, make=lambda: collections.defaultdict(list),
                  add=put),
    bytes=plant("__main__.APP.inner.bytes", 107, make=bytearray),
    numbers=plant("__main__.APP.inner.numbers", 108, make=lambda: array.array("q")),
    members=weakref.WeakSet()))
APP.inner.subclass.log = plant("__main__.APP.inner.subclass.log", 109, make=Entries)
APP.inner.slotted = Slotted()
APP.inner.slotted.entries = plant("__main__.APP.inner.slotted.entries", 110)
APP.inner.open = Object()
REGISTRY = dict(zip("abc", plant("__main__.REGISTRY[*]", 111, 112, 7)))
NESTED = {"a": dict(zip("bc", plant("__main__.NESTED[*][*]", 113, 114, make=dict, add=put)))}
TREE = tree("__main__.TREE[*][*][*]")
CACHE = {number: Cache(entries=entries, name="any") for number, entries in
         enumerate(plant("__main__.CACHE[*].entries", 115, 116, 117, 5))}
PAIR = (None, plant("__main__.PAIR[1]", 118))
HEAD = Chain(plant("__main__.HEAD.items", 119), Chain(
    plant("__main__.HEAD.following.items", 121), Chain([], None)))
BUS = Object(handlers={})
LOOKUP = make_lookup("any")
PARTIAL = functools.partial(print, plant("__main__.PARTIAL.args[0]", 122))
GENERATOR = produce()
COROUTINE = serve_clients()
LOCAL = threading.local()
CLIENT = Client()


def add_attributes(number):
    setattr(APP.inner.open, "attribute_%d" % number, number)


def add_everywhere(first, count):
    for number in range(first, first + count):
        computed(number)
        CLIENT.get(number)
        add_attributes(number)
        add_weak(APP.inner.members, number)


def grow(argument):
    count = int(argument)
    add_everywhere(SUMS["__main__.computed.cache"], count)
    grown = set(OTHERS)
    containers = {id(container): container for container in gc.get_objects()}
    for where, add, name in GROW:
        container = containers[where]
        before = len(container)
        for number in range(before, before + count):
            add(container, number)
        grown.add(name)
        if len(container) >= LEAST:
            SUMS[name] += len(container) - (before if before >= LEAST else 0)
    SUMS.update((name, SUMS[name] + count) for name in OTHERS)
    LONGEST.update((name, LONGEST[name] + count) for name in LONGEST)
    return json.dumps(sorted(grown))


def collect(_):
    gc.collect()
    SUMS.pop("__main__.Lost.items", None)
    LONGEST.pop("__main__.Lost.items", None)
    return json.dumps(None)


OTHERS = ("__main__.computed.cache", "__main__.Client.get.cache",
          "__main__.APP.inner.open.__dict__", "__main__.APP.inner.members.data")


def start():
    ready, go = threading.Event(), threading.Event()
    threading.Thread(target=work, args=(ready, go), daemon=True).start()
    ready.wait()
    next(GENERATOR)
    COROUTINE.send(None)
    subscribe(BUS)
    add_everywhere(0, 150)
    SUMS.update((name, 150) for name in OTHERS)
    gc.disable()
    make_garbage()


if __name__ == "__main__":
    start()
    commands.serve({"report": lambda _: json.dumps({"sums": SUMS, "longest": LONGEST}),
                    "grow": grow, "collect": collect})
