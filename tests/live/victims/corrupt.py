"""
A process that breaks single words of its own heap, and mends them again.

Commands: `break WHAT` with one of `type` (an object's type pointer), `link` (a link of the gc's
lists), `dict` (a dict's count); `mend`. The gc is off, and the broken object is not used. Without a
GIL there are no lists: then `link` is one of the free blocks of a page, whose size no other object has.
"""

import ctypes
import gc
import struct
import sys
import sysconfig

import commands

WORD = ctypes.sizeof(ctypes.c_void_p)
# Without a GIL a header has two words more, and none in front of it.
HEADER_WORDS = 4 if sysconfig.get_config_var("Py_GIL_DISABLED") else 2
GARBAGE = 0x1234567890


class Broken(object):
    __slots__ = tuple("slot%d" % number for number in range(90))


OBJECTS = [Broken() for _ in range(102)]
# The last of them to be freed leads to the one before.
FREED = id(OBJECTS[101])
del OBJECTS[100:]
DICT = {str(number): [number] for number in range(100)}
UNDO = []


def write(address, value):
    UNDO.append((address, ctypes.string_at(address, WORD)))
    ctypes.memmove(address, struct.pack("=Q", value), WORD)


def break_heap(what):
    if what == "type":
        write(id(OBJECTS[50]) + (HEADER_WORDS - 1) * WORD, GARBAGE)
    elif what == "link" and HEADER_WORDS > 2:
        write(FREED, GARBAGE)
    elif what == "link":
        # Up to 3.7 the head in front of an object has two words more.
        words = 2 if sys.version_info >= (3, 8) else 4
        write(id(OBJECTS[50]) - words * WORD, GARBAGE)
    else:
        write(id(DICT) + HEADER_WORDS * WORD, 12345)
    return "{}"


def mend(_):
    while UNDO:
        address, old = UNDO.pop()
        ctypes.memmove(address, old, WORD)
    return "{}"


gc.collect()
gc.disable()
commands.serve({"break": break_heap, "mend": mend})
