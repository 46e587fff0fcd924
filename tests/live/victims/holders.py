"""
A process in which instances of Node are held in all the ways that Python knows, and which says how
often by whom.

    holders.py COUNT

Commands: `frozen` ({"frozen": n}), `referrers` ({"types": {type: [objects, references]}, "running":
n, "nodes": {class: n}}; from then on nothing is frozen, so that it can be asked for itself).

The statement: for every tracked object, how many of its gc.get_referents() are nodes. The __dict__
of an instance, a module or a class counts as that itself. "running" are the references from
functions that execute: before 3.11 their frames are objects like others, later they are none and
gc does not know of these references.

It is also true of the process that waits in read(0): the collector is off, the frames down to the
command loop are left out, and nothing else of the command is alive when it is over.
"""

import builtins
import collections
import concurrent.futures
import ctypes
import enum
import functools
import gc
import itertools
import json
import operator
import queue
import sys
import threading
import time
import types
import weakref

import commands

try:
    import contextvars
except ImportError:
    contextvars = None  # 3.6

FRAMES_ARE_OBJECTS = sys.version_info < (3, 11)
TYPE_DICT = type.__dict__["__dict__"].__get__


class Node:
    def __repr__(self):
        return "node"


class SlotNode(Node):
    __slots__ = ("peer",)


class GrandNode(SlotNode):
    pass


class ListNode(list):
    """No subclass of Node: not meant."""


KINDS = {Node, SlotNode, GrandNode}
CLASSES = itertools.cycle([Node, Node, Node, SlotNode, GrandNode])
# ids of instances whose __dict__ was asked for: gc may not say that they have one (3.13)
MATERIALISED = set()
# what keeps all of it alive; and how many references functions have that execute
PLANTED = {}
RUNNING = []
LOCAL = threading.local()


def node():
    return next(CLASSES)()


class Holder:
    def __init__(self):
        self.first = node()
        self.second = node()


class OtherHolder(Holder):
    pass


class Wide:
    def __init__(self):
        for number in range(40):
            setattr(self, "field%d" % number, node() if number % 3 else None)


class Slots:
    __slots__ = ("one", "two", "empty", "__weakref__")

    def __init__(self):
        self.one = node()
        self.two = self.one


class SlotsAndDict(Slots):
    def __init__(self):
        super().__init__()
        self.three = node()


class Borg:
    pass


class List(list):
    pass


class Dict(dict):
    pass


class Tuple(tuple):
    pass


class Set(set):
    pass


class Ordered(collections.OrderedDict):
    pass


class Error(Exception):
    pass


class Colour(enum.Enum):
    RED = node()
    BLUE = node()


Record = collections.namedtuple("Record", "name value")


def materialised(thing):
    vars(thing)
    MATERIALISED.add(id(thing))
    return thing


def with_attribute(thing):
    thing.extra = node()
    return thing


def materialised_late():
    thing = materialised(Holder())
    thing.third = node()
    del thing.first
    return thing


def borgs():
    one, two = Borg(), Borg()
    one.mind = node()
    two.__dict__ = one.__dict__
    two.body = node()
    MATERIALISED.update((id(one), id(two)))
    return [one, two]


def cycle_of_nodes():
    one, two = node(), node()
    one.other, two.other = two, one
    one.self = one
    return one


def slot_chain():
    thing = None
    for _ in range(5):
        below, thing = thing, SlotNode()
        thing.peer = below
    return thing


def several_times():
    one = node()
    return [one, one, (one, one, one), {"a": one, "b": one}, {one: one}]


def nested():
    return [([node()], {"x": {"y": (node(), [node()])}}, frozenset([node()]))]


def closure():
    captured, same = node(), node()
    alike = same

    def inner(default=captured, *, keyword=alike):
        return captured, same

    inner.attribute = node()
    return inner


def generator_function(given):
    kept = node()
    for number in range(3):
        yield number
    del given, kept


def generator():
    found = generator_function(node())
    next(found)
    return found


class Suspend:
    def __await__(self):
        yield None


async def coroutine_function(given):
    kept = [node()]
    await Suspend()
    return given, kept


def coroutine():
    found = coroutine_function(node())
    found.send(None)
    return found


async def async_generator_function():
    kept = node()
    yield 1
    await Suspend()
    yield kept


def async_generator():
    found = async_generator_function()
    try:
        found.asend(None).send(None)
    except StopIteration:
        pass
    return found


def raised():
    inside = node()
    try:
        try:
            raise Error(node(), inside)
        except Error as error:
            raise ValueError(node()) from error
    except ValueError as error:
        return error


def local_class():
    class Local:
        attribute = node()
        table = {"key": node()}

        def method(self, default=attribute):
            return default

    return Local


def module():
    found = types.ModuleType("planted")
    found.attribute = node()
    found.table = {"key": node()}
    return found


def cached():
    @functools.lru_cache(None)
    def function(argument):
        return node()

    for _ in range(3):
        function(node())
    return function


def context():
    found = contextvars.copy_context()
    found.run(VARIABLE.set, node())
    return found


def future():
    found = concurrent.futures.Future()
    found.set_result(node())
    return found


def queued():
    found = queue.Queue()
    found.put(node())
    return found


def simple_queue():
    found = queue.SimpleQueue()
    found.put(node())
    found.put(node())
    return found


def ordered(kind):
    found = kind()
    for number in range(4):
        found["key%d" % number] = node()
    found[7] = node()
    return found


def changed_dict(count):
    found = {"key%d" % number: node() for number in range(count)}
    for number in range(0, count, 3):
        del found["key%d" % number]
    return found


def weak():
    found = node()
    values = weakref.WeakValueDictionary(a=found)
    keys = weakref.WeakKeyDictionary({found: node()})
    return [found, weakref.ref(found), weakref.ref(found, print), weakref.proxy(found),
            weakref.WeakSet([found]), values, keys]


def advanced(iterator):
    next(iterator)
    return iterator


def ctypes_array():
    found = (ctypes.py_object * 3)()
    found[1] = node()
    return found


def garbage():
    """Not reachable, and not collected."""
    one = [node()]
    one.append(one)


VARIABLE = contextvars and contextvars.ContextVar("VARIABLE", default=node())

MAKERS = {
    "attributes": Holder,
    "attributes of a subclass": OtherHolder,
    "many attributes": Wide,
    "a dict of its own": lambda: materialised(Holder()),
    "a dict of its own, late": materialised_late,
    "many attributes in a dict": lambda: materialised(Wide()),
    "slots": Slots,
    "slots and a dict": SlotsAndDict,
    "slots and a dict of its own": lambda: materialised(SlotsAndDict()),
    "a shared dict": borgs,
    "short list": lambda: [node()],
    "long list": lambda: [node() for _ in range(100)] + [None],
    "short tuple": lambda: (1, node()),
    "long tuple": lambda: tuple(node() for _ in range(50)),
    "few str keys": lambda: {"a": node(), "b": None},
    "many str keys": lambda: {"key%d" % number: node() for number in range(60)},
    "deleted keys": lambda: changed_dict(30),
    "int keys": lambda: {number: node() for number in range(20)},
    "mixed keys": lambda: {"a": node(), 1: node(), None: node(), (1, 2): node()},
    "dict keys": lambda: {node(): 1, node(): node()},
    "str keys and a node": lambda: {"a": node(), node(): "b"},
    "set": lambda: {node(), 1},
    "long set": lambda: {node() for _ in range(50)},
    "frozenset": lambda: frozenset([node(), node()]),
    "deque": lambda: collections.deque(node() for _ in range(150)),
    "bounded deque": lambda: collections.deque((node() for _ in range(9)), 4),
    "ordered dict": lambda: ordered(collections.OrderedDict),
    "ordered dict of a subclass": lambda: with_attribute(ordered(Ordered)),
    "default dict": lambda: collections.defaultdict(node().__repr__, a=node()),
    "counter": lambda: collections.Counter([node(), node()]),
    "chain map": lambda: collections.ChainMap({"a": node()}),
    "list of a subclass": lambda: with_attribute(List([node(), node()])),
    "dict of a subclass": lambda: with_attribute(Dict(a=node())),
    "dict of a subclass, nodes as keys": lambda: with_attribute(Dict({node(): node()})),
    "tuple of a subclass": lambda: with_attribute(Tuple([node(), node()])),
    "set of a subclass": lambda: with_attribute(Set([node()])),
    "named tuple": lambda: Record(node(), [node()]),
    "no node": lambda: ListNode([node()]),
    "cycle": cycle_of_nodes,
    "slots of nodes": slot_chain,
    "several times": several_times,
    "nested": nested,
    "closure": closure,
    "cell": lambda: types.CellType(node()) if hasattr(types, "CellType") else None,
    "generator": generator,
    "generator, not begun": lambda: generator_function(node()),
    "coroutine": coroutine,
    "asynchronous generator": async_generator,
    "exception": raised,
    "class": local_class,
    "metaclass call": lambda: type("Made", (Holder,), {"attribute": node()})(),
    "module": module,
    "namespace": lambda: types.SimpleNamespace(a=node(), b=node()),
    "bound method": lambda: node().__repr__,
    "method of a node": lambda: types.MethodType(print, node()),
    "method wrapper": lambda: node().__str__,
    "builtin method": lambda: node().__sizeof__,
    "partial": lambda: functools.partial(print, node(), key=node()),
    "partial of a node": lambda: with_attribute(functools.partial(node().__repr__)),
    "property": lambda: property(node().__repr__, None, None),
    "static method": lambda: staticmethod(node()),
    "class method": lambda: classmethod(node()),
    "slice": lambda: slice(node(), node(), None),
    "mapping proxy": lambda: types.MappingProxyType({"a": node()}),
    "super": lambda: (lambda one: super(Node, one))(node()),
    "iterators": lambda: [iter([node()]), iter((node(),)), iter({node()}), iter({"a": node()}),
                          reversed([node()]), iter(collections.deque([node()])),
                          {"a": node()}.values(), iter({"a": node()}.items())],
    "itertools": lambda: [advanced(itertools.cycle([node(), node()])), itertools.repeat(node()),
                          itertools.chain([node()], (node(),)), itertools.count(1, 2),
                          advanced(itertools.permutations([node(), node()])),
                          advanced(itertools.product([node()], [node(), node()])),
                          advanced(itertools.combinations([node(), node(), node()], 2)),
                          advanced(itertools.zip_longest([node()], [], fillvalue=node())),
                          advanced(itertools.accumulate([node(), node()], lambda a, b: a)),
                          itertools.starmap(node().__repr__, [])],
    "groups": lambda: advanced(itertools.groupby([node(), node()])),
    "tee": lambda: [advanced(one) and one for one in itertools.tee([node(), node()])],
    "map, zip, filter": lambda: [map(node().__repr__, []), zip([node()], [node()]),
                                 filter(None, [node()]), enumerate([node()])],
    "getters": lambda: [operator.itemgetter(node()), operator.itemgetter(node(), node()),
                        operator.methodcaller("x", node(), y=node())],
    "callable iterator": lambda: iter(node().__repr__, node()),
    "cache": cached,
    "future": future,
    "queue": queued,
    "py_object": lambda: ctypes.py_object(node()),
    "array of py_object": ctypes_array,
    "struct sequence": lambda: time.struct_time([node()] + list(range(8))),
    "weak references": weak,
    "generic alias": lambda: types.GenericAlias(list, node()) if hasattr(
        types, "GenericAlias") else None,
    "exception group": lambda: ExceptionGroup("x", [Error(node())]) if sys.version_info >= (
        3, 11) else None,
    "garbage": garbage,
}

if hasattr(queue, "SimpleQueue"):
    MAKERS["simple queue"] = simple_queue
if contextvars:
    MAKERS["context"] = context
    MAKERS["context variable"] = lambda: contextvars.ContextVar("x", default=node())
if hasattr(builtins, "frozendict"):
    MAKERS["frozen dict"] = lambda: builtins.frozendict(a=node(), b=[node()])
    MAKERS["frozen dict, nodes as keys"] = lambda: builtins.frozendict({node(): node()})


def name_of(kind):
    module_name = kind.__module__
    return kind.__qualname__ if module_name == "builtins" else module_name + "." + kind.__qualname__


def is_node(thing):
    return type(thing) in KINDS


def own_dict(thing):
    """Its __dict__, if it has one. Asking may make one, but does not change who holds what."""
    if isinstance(thing, type):
        return gc.get_referents(TYPE_DICT(thing))[0]
    return getattr(thing, "__dict__", None) if type(thing).__dictoffset__ else None


def nodes_of(thing):
    return collections.Counter(id(one) for one in gc.get_referents(thing) if is_node(one))


def owners(things):
    """{id of a dict with nodes: the object whose __dict__ it is}"""
    holding = {id(thing) for thing in things if isinstance(thing, dict) and nodes_of(thing)}
    found = {}
    for thing in things:
        if id(thing) not in MATERIALISED and not any(
                id(one) in holding for one in gc.get_referents(thing)):
            continue
        table = own_dict(thing)
        if id(table) in holding and id(table) not in found:
            found[id(table)] = thing
    return found


def running_frames():
    frame = sys._getframe(1)
    found = []
    while frame.f_code is not commands.serve.__code__:
        found.append(frame)
        frame = frame.f_back
    return found


def executing(frames):
    """All frames but those of this command, which are `frames`."""
    found = []
    for thread, frame in sys._current_frames().items():
        frame = frames[-1].f_back if thread == threading.get_ident() else frame
        while frame is not None:
            found.append(frame)
            frame = frame.f_back
    return found


def everything(frames):
    """Tracked objects and what they lead to: few of the others can hold a node, but some do."""
    skipped = {id(thing) for thing in frames + [frames]}
    things = gc.get_objects()
    if FRAMES_ARE_OBJECTS:
        # frames that execute are not tracked, but in 3.6: there this one is, too
        things += [frame for frame in executing(frames) if not gc.is_tracked(frame)]
        skipped.add(id(sys._getframe()))
    skipped.add(id(things))
    things = [thing for thing in things if id(thing) not in skipped]
    seen = set(map(id, things))
    for thing in things:
        for found in gc.get_referents(thing):
            if id(found) not in seen and id(found) not in skipped:
                seen.add(id(found))
                things.append(found)
    return things


def count(things):
    holders = owners(things)
    by_owner = {id(owner): nodes for owner, nodes in (
        (holders[id(thing)], nodes_of(thing)) for thing in things if id(thing) in holders)}
    result = {}
    for thing in things:
        nodes = nodes_of(thing)
        if id(thing) in holders:
            continue
        attributes = by_owner.get(id(thing), collections.Counter())
        # the same memory: a dict of attributes that are still kept without it (3.13)
        if attributes - nodes:
            nodes = nodes + attributes
        if nodes:
            row = result.setdefault(name_of(type(thing)), [0, 0])
            row[0] += 1
            row[1] += sum(nodes.values())
    return result


def referrers(_):
    frames = running_frames()
    commands.unfreeze()
    things = everything(frames)
    nodes = {}
    for thing in things:
        if is_node(thing):
            nodes[name_of(type(thing))] = nodes.get(name_of(type(thing)), 0) + 1
    result = count(things)
    # a frame that holds itself would be garbage that nobody collects
    frames.clear()
    return json.dumps({"types": result, "nodes": nodes, "running": len(RUNNING)})


def running_node():
    RUNNING.append(None)
    return node()


def wait_in_thread(started, given):
    RUNNING.append(None)
    kept = running_node()
    captured = node()
    alike = kept
    RUNNING.append(None)
    started.set()
    # a variable that is captured is in a cell
    threading.Event().wait(None if (lambda: captured) else 0)
    return given, alike


def plant(number):
    for name, make in MAKERS.items():
        for _ in range(number):
            PLANTED.setdefault(name, []).append(make())


def main():
    gc.disable()
    number = int(sys.argv[1])
    LOCAL.attribute = node()
    plant(number)
    commands.freeze()
    plant(number)
    for _ in range(2):
        started = threading.Event()
        threading.Thread(target=wait_in_thread, args=(started, node()), daemon=True).start()
        started.wait()
    kept = running_node()
    commands.serve({"referrers": referrers,
                    "frozen": lambda _: json.dumps({"frozen": commands.frozen()})})
    return kept


if __name__ == "__main__":
    global_node = node()
    main()
