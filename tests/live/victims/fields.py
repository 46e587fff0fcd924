"""
A process with instances of the interpreter's own types, whose fields have no name in C that Python
could be asked for.

Commands: `types` ({type name: fields that one of them has}).
"""

import asyncio
import collections
import functools
import itertools
import json
import operator
import threading

import commands


class Kept:
    def method(self):
        return self


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
}

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

commands.serve({"types": lambda _: json.dumps(FIELDS)})
