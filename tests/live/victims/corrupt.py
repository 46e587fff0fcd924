"""
A process that breaks single words of its own heap, and mends them again.

Commands: `break WHAT` with one of `type` (an object's type pointer), `link` (a link of the gc's
lists), `dict` (a dict's count); `mend`. The gc is off, and the broken object is not used.
"""

import ctypes
import gc
import struct
import sys

import commands

WORD = ctypes.sizeof(ctypes.c_void_p)
GARBAGE = 0x1234567890


class Broken(object):
    __slots__ = ("value",)


OBJECTS = [Broken() for _ in range(100)]
DICT = {str(number): [number] for number in range(100)}
UNDO = []


def write(address, value):
    UNDO.append((address, ctypes.string_at(address, WORD)))
    ctypes.memmove(address, struct.pack("=Q", value), WORD)


def break_heap(what):
    if what == "type":
        write(id(OBJECTS[50]) + WORD, GARBAGE)
    elif what == "link":
        # Up to 3.7 the head in front of an object has two words more.
        words = 2 if sys.version_info >= (3, 8) else 4
        write(id(OBJECTS[50]) - words * WORD, GARBAGE)
    else:
        write(id(DICT) + 2 * WORD, 12345)
    return "{}"


def mend(_):
    while UNDO:
        address, old = UNDO.pop()
        ctypes.memmove(address, old, WORD)
    return "{}"


gc.collect()
gc.disable()
commands.serve({"break": break_heap, "mend": mend})
