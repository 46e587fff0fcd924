"""
A process with instances of the interpreter's own types, whose fields have no name in C that Python
could be asked for.

Commands: `types` ({type name: fields that one of them has}).
"""

import abc
import asyncio
import collections
import csv
import ctypes
import functools
import gc
import io
import itertools
import json
import operator
import pickle
import sys
import threading
import weakref
import xml.etree.ElementTree

import commands


class Kept:
    def method(self):
        return self


def gone(_):
    pass


def fail(level):
    if level:
        fail(level - 1)
    raise ValueError(Kept())


def failed():
    try:
        try:
            fail(3)
        except ValueError as error:
            raise KeyError(Kept()) from error
    except KeyError as error:
        return error


def cached(function):
    wrapper = functools.lru_cache(maxsize=None)(function)
    wrapper(1)
    return wrapper


async def nothing():
    await asyncio.sleep(3600)


loop = asyncio.new_event_loop()
task = loop.create_task(nothing())
loop.call_soon(loop.stop)
loop.run_forever()

local = threading.local()
local.kept = Kept()
tee = itertools.tee(iter([Kept(), Kept()]))
next(tee[0])
list_iterator = iter([Kept()])
next(list_iterator)
list_iterator = iter([Kept()])

KEEP = [failed(), cached(lambda number: [number]), task, local, tee,
        functools.partial(print, Kept(), sep=Kept()), property(lambda self: self, doc="text"),
        [].append, Kept().method, operator.itemgetter(Kept()), collections.defaultdict(Kept),
        list_iterator, enumerate([Kept()]), zip([Kept()]), map(Kept, [1]), classmethod(Kept),
        staticmethod(Kept), itertools.chain([Kept()], [Kept()]), itertools.cycle([Kept()]),
        memoryview(bytearray(b"x"))]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)


class Pair(ctypes.Structure):
    _fields_ = [("callback", Callback), ("object", ctypes.py_object)]


callback = Callback(Kept().method)
pair = Pair(callback, Kept())
reader = csv.reader(iter(["text"]))
writer = csv.writer(io.StringIO())
pickler = pickle.Pickler(io.BytesIO())
pickler.dump([Kept()])
element = xml.etree.ElementTree.fromstring("<a>text<b/></a>")
builder = xml.etree.ElementTree.TreeBuilder()
builder.start("a", {})
scanner = json.decoder.JSONDecoder().scan_once
takewhile = itertools.takewhile(Kept().method, [])
product = itertools.product([Kept()], [Kept()])
ordered = iter(collections.OrderedDict(a=Kept()))
KEEP += [callback, pair, ctypes.pointer(pair), reader, writer, pickler, element, builder, scanner,
         takewhile, product, ordered]


def name_of(thing):
    kind = type(thing)
    return kind.__qualname__ if kind.__module__ == "builtins" else (
        kind.__module__ + "." + kind.__qualname__)


FIELDS = {
    "KeyError": ["__traceback__", "__cause__", "__context__", "args"],
    "traceback": ["tb_next", "tb_frame"],
    name_of([].append): ["__self__"],
    "method": ["__self__", "__func__"],
    "functools.partial": ["func", "args", "keywords"],
    "functools._lru_cache_wrapper": ["__wrapped__", "cache"],
    name_of(task): ["coro", "loop"],
    name_of(local): ["args"],
    name_of(tee[0]): ["data"],
    "property": ["fget", "__doc__"],
    "classmethod": ["__func__"],
    "staticmethod": ["__func__"],
    name_of(list_iterator): ["list"],
    "operator.itemgetter": ["item"],
    "collections.defaultdict": ["default_factory"],
    # All fields of these have names; which are set differs.
    "code": [],
    "_ctypes.CThunkObject": [],
    name_of(callback): ["callable"],
    name_of(pair): ["_objects"],
    name_of(KEEP[-10]): ["_objects"],
    name_of(reader): ["dialect"],
    name_of(writer): [],
    name_of(pickler): [],
    name_of(element): ["tag", "text"],
    name_of(builder): ["stack"],
    name_of(scanner): ["object_hook"],
    name_of(takewhile): ["func", "iterator"],
    name_of(product): ["pools"],
    name_of(ordered): [],
}

try:
    import sqlite3
except ImportError:
    pass
else:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = Kept
    KEEP += [connection, connection.execute("select 1")]
    FIELDS[name_of(connection)] = []
    FIELDS[name_of(KEEP[-1])] = []
    # The collector of older ones is not told what they hold.
    if Kept in gc.get_referents(connection):
        FIELDS[name_of(connection)] = ["row_factory"]
        FIELDS[name_of(KEEP[-1])] = ["connection"]

try:
    import contextvars
except ImportError:
    pass
else:
    variable = contextvars.ContextVar("variable", default=Kept())
    context = contextvars.copy_context()
    context.run(variable.set, Kept())
    KEEP += [variable, context]
    FIELDS[name_of(variable)] = ["default", "name"]
    FIELDS[name_of(context)] = ["variables"]

# Started, and never run: as all of a loop that is blocked.
step = loop.call_soon(len, "")
later = loop.create_task(nothing())
step = [handle._callback for handle in loop._ready
        if name_of(handle._callback).endswith("Wrapper")][0]
proxy = weakref.proxy(Kept.method, gone)
KEEP += [step, later, proxy, range(1, 10 ** 9), io.IncrementalNewlineDecoder(None, True)]
FIELDS[name_of(step)] = ["task"]
FIELDS[name_of(proxy)] = ["__callback__"]
FIELDS["range"] = ["length"]
FIELDS[name_of(KEEP[-1])] = ["errors"]

# 3.7 keeps them from the collector.
implementation = getattr(abc.ABCMeta("Interface", (), {}), "_abc_impl", None)
if implementation is not None and gc.is_tracked(implementation):
    isinstance(1, abc.ABCMeta("Other", (), {}))
    FIELDS[name_of(implementation)] = ["cache", "negative_cache", "registry"]

if sys.version_info >= (3, 12):
    exec("def generic[T](x: T) -> T: return x", globals())
    FIELDS["function"] = ["__type_params__"]
if sys.version_info >= (3, 14):
    FIELDS["function"].append("__annotate__")
if sys.version_info >= (3, 15):
    exec("lazy from colorsys import rgb_to_hls", globals())
    FIELDS["lazy_import"] = ["from", "attr"]

commands.serve({"types": lambda _: json.dumps(FIELDS)})
