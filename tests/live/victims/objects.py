"""
A process with many objects of all kinds, which says of each object that it can find where it is,
of which type, and how large.

    objects.py OBJECTS

Commands: `state PATH` (writes the statement to a file, answers {"types": {id: name}, "own":
[id, ...]}). The file is an array of 64-bit {id(object), id(type(object)), sys.getsizeof(object)}.

What is found: gc.get_objects(), what gc.get_referents() leads to from there, and besides that all
references that Python code can follow without making an object: see hidden().

How the statement can be true of the process that waits in read(0), too:
- the collector is off, and nothing but this command runs;
- the command's own objects are left out: "own" are the containers that it works with (they are
  globals, and empty again at the end), and the frames down to the command loop are not followed,
  so neither are the command's text and other temporaries;
- everything found is held until the sizes are known, and only ids of that are written.
"""

import array
import gc
import json
import sys
import types

# Its own types, and buffers that are shared while this program holds them, are for test_sizes.py.
sys.modules["numpy"] = None

import commands
import mixed
import sizes

# Bits of type.__flags__.
HEAP_TYPE = 1 << 9
READY = 1 << 12
POPULATION = []
OF_EACH_KIND = 150

# id -> object; objects to follow; the records; id of a type -> whether its objects are asked for what
# gc.get_referents() does not tell. Not part of the statement.
FOUND = {}
PENDING = []
RECORDS = array.array("Q")
HIDING = {}
OWN = (FOUND, PENDING, RECORDS, HIDING)

TYPE_NAME = type.__dict__["__name__"].__get__
TYPE_QUALNAME = type.__dict__["__qualname__"].__get__
TYPE_DICT = type.__dict__["__dict__"].__get__
TYPE_FLAGS = type.__dict__["__flags__"].__get__
TYPE_BASES = type.__dict__["__bases__"].__get__
TYPE_MRO = type.__dict__["__mro__"].__get__

# Only what is stored as an object: other attributes are computed anew for each question.
CODE_NAMES = ["co_consts", "co_names", "co_filename", "co_name"]
CODE_NAMES += ["co_lnotab"] if sys.version_info < (3, 10) else ["co_linetable"]
CODE_NAMES += ["co_qualname", "co_exceptiontable"] if sys.version_info >= (3, 11) else []
# In 3.11 all but co_code is made anew; since 3.12 all is kept from the first question on.
CODE_NAMES += ["co_code"]
CODE_NAMES += ([] if sys.version_info[:2] == (3, 11) else
               ["co_varnames", "co_freevars", "co_cellvars"])

STORED = {
    types.CodeType: CODE_NAMES,
    types.FunctionType: ["__name__", "__qualname__", "__code__"],
    types.GeneratorType: ["gi_code", "__name__", "__qualname__"],
    types.CoroutineType: ["cr_code", "__name__", "__qualname__"],
    types.AsyncGeneratorType: ["ag_code", "__name__", "__qualname__"],
    type(str.join): ["__name__"],
    type(object.__init__): ["__name__"],
    types.MemberDescriptorType: ["__name__"],
    types.GetSetDescriptorType: ["__name__"],
    range: ["start", "stop", "step"],
}


def name_of(kind):
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else module + "." + kind.__qualname__


def hidden(thing, kind):
    """
    What an object refers to and gc.get_referents() does not tell, besides its type; no object is made
    for it.
    """
    if issubclass(kind, dict):
        yield from dict.keys(thing)
    elif issubclass(kind, type):
        if not TYPE_FLAGS(thing) & READY:
            # a static type that nobody has called PyType_Ready() for has no dict yet
            return
        # mappingproxy -> the dict itself
        yield from gc.get_referents(TYPE_DICT(thing))
        yield TYPE_BASES(thing)
        yield TYPE_MRO(thing)
        if TYPE_FLAGS(thing) & HEAP_TYPE:
            yield TYPE_NAME(thing)
            yield TYPE_QUALNAME(thing)
    else:
        for name in STORED.get(kind, ()):
            yield getattr(thing, name)


def is_hiding(kind):
    return issubclass(kind, (dict, type)) or kind in STORED


def note(things, skipped):
    for thing in things:
        address = id(thing)
        if address not in FOUND and address not in skipped:
            FOUND[address] = thing
            PENDING.append(thing)


def running_frames():
    """This command's frames, with that of the loop that called it."""
    frame = sys._getframe(1)
    found = [frame]
    while frame.f_code is not commands.serve.__code__ and frame.f_back is not None:
        frame = frame.f_back
        found.append(frame)
    return found


def find(tracked):
    """Fills FOUND. `tracked` was asked for before any object of this search was made."""
    frames = running_frames()
    skipped = {id(thing) for thing in (frames, tracked) + OWN}
    # they are objects like others; what they hold is the command's
    skipped.update(map(id, frames))
    note(tracked, skipped)
    while PENDING:
        thing = PENDING.pop()
        kind = type(thing)
        things = gc.get_referents(thing)
        things.append(kind)
        if id(kind) not in HIDING:
            HIDING[id(kind)] = is_hiding(kind)
        if HIDING[id(kind)]:
            things.extend(hidden(thing, kind))
        note(things, skipped)
    # a frame that holds itself would be garbage that nobody collects
    frames.clear()


def write(path):
    names = {}
    for thing in FOUND.values():
        kind = type(thing)
        if id(kind) not in names:
            names[id(kind)] = name_of(kind)
        RECORDS.extend((id(thing), id(kind), sys.getsizeof(thing)))
    with open(path, "wb") as stream:
        RECORDS.tofile(stream)
    return names


def state(path):
    find(gc.get_objects())
    names = write(path)
    FOUND.clear()
    HIDING.clear()
    del RECORDS[:]
    return json.dumps({"types": names, "own": [id(thing) for thing in OWN]})


def main():
    gc.disable()
    POPULATION.append(mixed.build(int(sys.argv[1])))
    for make, _ in map(sizes.KINDS.get, sizes.TOLD):
        POPULATION.append(make(OF_EACH_KIND))
    for _ in range(12):
        gc.collect()
    for _ in range(2):
        # all caches that the command fills are full
        state("/dev/null")
    commands.serve({"state": state})


main()
