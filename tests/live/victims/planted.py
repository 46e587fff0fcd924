"""
A process with single objects planted in known places, which follows a path step by step.

    planted.py

Commands: `plants` ({name: address}), `distances` ({name: steps}: how many references lead from
sys.modules to each, that included; null: none do), `names` ({name: address} of other objects),
`follow [[kind, name, index, key address, address], ...]` (null, or what is wrong).

Each planted object is of class Target and is held in one way only; the tables here hold addresses.
"""

import builtins
import collections
import ctypes
import functools
import gc
import json
import sys
import threading
import types
import weakref

import commands

try:
    import contextvars
except ImportError:
    contextvars = None  # 3.6

TYPE_DICT = type.__dict__["__dict__"].__get__
PLANTS = {}
NAMES = {}


class Target:
    def method(self, *_):
        return self


def plant(name):
    target = Target()
    PLANTS[name] = id(target)
    return target


class Registry:
    target = plant("class attribute")
    entries = {"alpha": plant("value of a str key"), (1, "two"): plant("value of a tuple key"),
               7: plant("value of an int key"), "not a name!": plant("value of a secret key"),
               "hunter2_password_of_alice": plant("value of a telling key")}
    keys = {plant("key"): 1}
    items = [None, plant("item of a list"), (0, [plant("item within an item")])]
    elements = {plant("element of a set"), frozenset([plant("element of a frozenset")])}
    row = collections.deque([1, plant("element of a deque")])
    mixed = {"a": {"list": [({"b": plant("deep down")},)]}}
    many = [plant("item of a long list") if number == 77 else None for number in range(100)]

    @property
    def computed(self):
        raise AssertionError("code of the process was called")


class Link:
    pass


class Chain:
    pool = {(Link(), number) for number in range(200)}


class Words:
    listed = ["word%d" % number for number in range(50)]
    few = ["text%d" % number for number in range(3)]
    table = {"key%d" % number: "value%d" % number for number in range(30)}
    empty = []


class Same:
    pass


class Meta(type):
    pass


class Made(metaclass=Meta):
    pass


class Plain:
    pass


class Slots:
    __slots__ = ("one", "two", "__weakref__")


class MoreSlots(Slots):
    __slots__ = ("three",)


class Dict(dict):
    pass


class List(list):
    pass


def generator_function():
    inside = plant("local variable of a generator")
    yield
    del inside


class Suspend:
    def __await__(self):
        yield None


async def coroutine_function():
    inside = plant("local variable of a coroutine")
    await Suspend()
    del inside


async def async_generator_function():
    inside = plant("local variable of an asynchronous generator")
    yield 1
    del inside


def make_closure():
    captured = plant("closure")

    def function(given=plant("default"), *, keyword=plant("keyword default")):
        return captured, given, keyword

    function.attribute = plant("attribute of a function")
    return function


def make_exception():
    inside = plant("local variable of a traceback")
    try:
        raise ValueError(plant("argument of an exception"))
    except ValueError as error:
        assert inside
        return error


def wait_in_thread(started):
    inside = plant("local variable of a thread")
    captured = plant("captured variable of a thread")
    LOCAL.attribute = plant("attribute of another thread's thread-local")
    started.set()
    threading.Event().wait(None if (lambda: captured) else 0)
    del inside


def suspended(thing):
    thing.send(None)
    return thing


def suspended_async(thing):
    try:
        thing.asend(None).send(None)
    except StopIteration:
        pass
    return thing


LOCAL = threading.local()
plain = Plain()
plain.attribute = plant("attribute")
telling = Plain()
setattr(telling, "AKIA" + "IOSFODNN7EXAMPLE", plant("attribute that is an access key"))
plain.other = Plain()
plain.other.attribute = plant("attribute of an attribute")
with_dict = Plain()
vars(with_dict)["attribute"] = plant("attribute in a dict")
wide = Plain()
for _number in range(60):
    setattr(wide, "attribute%d" % _number, None)
wide.attribute59 = plant("one of many attributes")
slots = MoreSlots()
slots.two = plant("slot")
slots.three = plant("slot of a subclass")
module_attribute = plant("attribute of a module")
Meta.attribute = plant("attribute of a metaclass")
functions = {"closure": make_closure()}
running = {"generator": suspended(generator_function()),
           "coroutine": suspended(coroutine_function()),
           "async": suspended_async(async_generator_function())}
error = make_exception()
methods = {"method": plant("bound method").method,
           "partial": functools.partial(print, plant("argument of a partial")),
           "keyword": functools.partial(print, key=plant("keyword of a partial")),
           "property": property(plant("getter of a property").method),
           "static": staticmethod(plant("static method"))}
ordered = collections.OrderedDict(key=plant("value of an ordered dict"))
default = collections.defaultdict(list, key=plant("value of a default dict"))
subclass = Dict(key=plant("value of a subclass of dict"))
subclass.attribute = plant("attribute of a subclass of dict")
list_subclass = List([plant("item of a subclass of list")])
list_subclass.attribute = plant("attribute of a subclass of list")
named = collections.namedtuple("Named", "first second")(1, plant("item of a named tuple"))
space = types.SimpleNamespace(attribute=plant("attribute of a namespace"))
proxy = types.MappingProxyType({"key": plant("value behind a mapping proxy")})
iterator = iter([plant("item of an iterator's list")])
if contextvars:
    variable = contextvars.ContextVar("variable", default=plant("default of a context variable"))
weak = weakref.WeakValueDictionary(key=plain.other)
callback = weakref.ref(plain, plant("callback of a weak reference").method)
array = (ctypes.py_object * 2)(plant("item of a ctypes array"))
sys.planted = plant("attribute of sys")
builtins.planted = plant("attribute of builtins")
sys.modules["planted.inner"] = types.ModuleType("planted.inner")
sys.modules["planted.inner"].Same = type("Same", (), {"__module__": "planted.inner"})
sys.modules["planted.inner"].deep = {"x": [plant("in another module")]}
gc.callbacks.append(plant("callback of the collector").method)
LOCAL.attribute = plant("attribute of a thread-local")
text = "planted text %d" % id(plain)
NAMES.update({"text": id(text), "Registry": id(Registry), "plain": id(plain), "dict": id(dict),
              "telling": id(telling),
              "entries": id(Registry.entries), "main": id(sys.modules["__main__"]),
              "function": id(make_closure), "code": id(make_closure.__code__)})


def plant_garbage():
    one = plant("garbage")
    one.itself = one
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(plant("held by C code")))


def own_dict(thing):
    if isinstance(thing, type):
        return gc.get_referents(TYPE_DICT(thing))[0]
    return getattr(thing, "__dict__", None)


def frames():
    for frame in sys._current_frames().values():
        while frame is not None:
            yield frame
            frame = frame.f_back


def frame_of(thing):
    for name in ("gi_frame", "cr_frame", "ag_frame"):
        if hasattr(thing, name):
            return getattr(thing, name)
    assert isinstance(thing, types.FrameType), "no local variables in %s" % type(thing)
    return thing


class Cell:
    """Stands for the cell of a frame's captured variable, which Python does not show."""

    def __init__(self, contents):
        self.cell_contents = contents


def local(frame, name, address):
    value = frame.f_locals[name]
    return value if id(value) == address else Cell(value)


def known(name):
    return {"sys.modules": sys.modules, "sys.__dict__": vars(sys),
            "gc.callbacks": gc.callbacks, "gc.garbage": gc.garbage,
            "builtins.__dict__": vars(builtins)}[name]


def root(name, address):
    kind, _, rest = name.partition(" ")
    if kind == "frame":
        function, _, variable_name = rest.partition(" local ")
        if not variable_name:
            frame = only(frames(), address)
            assert frame.f_code.co_name == function.split(".")[-1]
            return frame
        for frame in frames():
            if frame.f_code.co_name == function.split(".")[-1] and variable_name in frame.f_locals:
                return local(frame, variable_name, address)
    if kind in ("thread", "interpreter"):
        for thing in list(frames()) + gc.get_objects():
            if id(thing) == address:
                return thing
    if name == "static type":
        return only(static_types(), address)
    return known(name)


def static_types():
    found = [object]
    for kind in found:
        found += [below for below in type.__subclasses__(kind) if below not in found]
    return found


def only(things, address):
    return [thing for thing in things if id(thing) == address][0]


def attribute(here, name):
    table = own_dict(here)
    return table[name] if table is not None and name in table else getattr(here, name)


def references(here):
    """Also what Python calls otherwise than C code does."""
    found = gc.get_referents(here) + [own_dict(here), type(here)]
    for name in ("__code__", "__func__", "gi_frame", "gi_code", "f_code"):
        found.append(getattr(here, name, None))
    return found


def step(here, kind, name, index, key, address):
    if kind == "root":
        return root(name, address)
    if kind == "attribute" and key:
        return dict.__getitem__(own_dict(here), only(dict.keys(own_dict(here)), key))
    if kind == "attribute":
        return attribute(here, name)
    if kind == "field":
        return getattr(here, name) if name else only(references(here), address)
    if kind == "item":
        return dict.__getitem__(here, only(dict.keys(here), key))
    if kind == "index":
        return (list if isinstance(here, list) else tuple).__getitem__(here, index)
    if kind in ("key", "element"):
        return only(here, address)
    if kind == "local":
        return local(frame_of(here), name, address)
    if kind == "class":
        return type(here)
    if kind == "dict":
        return own_dict(here)
    assert kind == "internal", kind
    return only(references(here), address)


def follow(argument):
    here = None
    for number, (kind, name, index, key, address) in enumerate(json.loads(argument)):
        try:
            here = step(here, kind, name, index, key, address)
        except Exception as problem:
            return json.dumps("step %d: %s %s: %s" % (
                number, kind, name, repr(problem)[:200]))
        if id(here) != address and not isinstance(here, Cell):
            return json.dumps("step %d: %s %s leads to %s" % (number, kind, name, type(here)))
    return "null"


def referents(here):
    """Attributes are one step away, as if there was no dict between."""
    found = gc.get_referents(here)
    table = own_dict(here) if any(type(one) is dict for one in found) else None
    if any(one is table for one in found):
        found += gc.get_referents(table)
    return found


def distances(_):
    found = {id(sys.modules): 1}
    level = [sys.modules]
    depth = 1
    while level:
        depth += 1
        below, level = level, []
        for here in below:
            for there in referents(here):
                if id(there) not in found:
                    found[id(there)] = depth
                    level.append(there)
    return json.dumps({name: found.get(address) for name, address in PLANTS.items()})


def main():
    gc.disable()
    inside = plant("local variable of the main thread")
    captured = plant("captured variable of the main thread")
    started = threading.Event()
    threading.Thread(target=wait_in_thread, args=(started,), daemon=True).start()
    started.wait()
    plant_garbage()
    commands.serve({"plants": lambda _: json.dumps(PLANTS), "names": lambda _: json.dumps(NAMES),
                    "distances": distances, "follow": follow})
    return inside, lambda: captured


main()
