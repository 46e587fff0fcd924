"""
A process whose objects are held by what has no attributes: values of context variables, of
itertools.tee(), of bounded caches; by members of an enumeration.

Commands: `names` ({type name: [what its path contains, ...]}), `types` ({type name: edges}).
"""

import asyncio
import enum
import functools
import itertools
import json
import sys

import commands


class InContext:
    pass


class InFullContext:
    pass


class InTee:
    pass


class InTees:
    pass


class InCache:
    @functools.lru_cache(maxsize=100)
    def cached(self):
        return 1


class Result:
    pass


class Colour(enum.Enum):
    RED = 1


class Kept:
    pass


@functools.lru_cache(maxsize=100)
def cached_result(number):
    return Result()


def produce():
    yield Kept()


async def cooperate():
    await asyncio.sleep(3600)


def fill_tee(kind, number):
    pair = itertools.tee(kind() for _ in range(number))
    for _ in range(number):
        next(pair[0])
    return pair[1]


few, many = fill_tee(InTee, 5), fill_tee(InTees, 500)
InCache().cached()
cached_result(1)
colour = Colour.RED
del Colour
generator, coroutine = produce(), cooperate()
next(generator)
NAMES = {
    "__main__.InTee": ["__main__.few.data[*]"],
    "__main__.InTees": ["__main__.many.data", "[*]"],
    "__main__.InCache": ["__main__.InCache.cached(cached)"],
    "__main__.Result": ["__main__.cached_result(cached)"],
}
if sys.version_info < (3, 7):
    # The links are seen there.
    NAMES["__main__.InCache"] = ["__main__.InCache.cached.last.key[*]"]
    NAMES["__main__.Result"] = ["__main__.cached_result.last.result"]
TYPES = {"generator": ["gi_code"], "coroutine": ["cr_code"]}
if sys.version_info >= (3, 11):
    TYPES = {"generator": ["gi_frame.f_code", "gi_frame.f_func"],
             "coroutine": ["cr_frame.f_code", "cr_frame.f_func"]}
try:
    import contextvars
except ImportError:
    pass
else:
    variable = contextvars.ContextVar("variable")
    context = contextvars.copy_context()
    context.run(variable.set, InContext())
    variables = [contextvars.ContextVar("variable") for _ in range(100)]
    full = contextvars.copy_context()
    for each in variables:
        full.run(each.set, InFullContext())
    each = None
    NAMES["__main__.InContext"] = ["__main__.context.variables.root[<", "ContextVar>]"]
    NAMES["__main__.InFullContext"] = ["__main__.full.variables.root["]
commands.serve({"names": lambda _: json.dumps(NAMES), "types": lambda _: json.dumps(TYPES),
                "colour": lambda _: json.dumps(id(type(colour)))})
