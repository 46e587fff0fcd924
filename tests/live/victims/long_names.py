"""
Modules, classes, attributes and keys with names of more than a hundred characters, held in many ways.

Commands: `report` ({"type": name of a class, "addr": of an object of it}).
"""

import gc
import json
import sys
import types

import commands

LONG = "a_name_that_is_longer_than_a_terminal_of_eighty_columns_is_wide_by_far_and_goes_on_and_on_"
MODULE = "package_" + LONG + ".module_" + LONG
OBJECTS = 2000

module = types.ModuleType(MODULE)
sys.modules[MODULE] = module
exec("class Class_%s:\n    def __init__(self):\n        self.attribute_%s = [None] * 3\n" % (
    LONG, LONG), module.__dict__)
Class = getattr(module, "Class_" + LONG)


class Node:
    pass


setattr(module, "table_" + LONG, {"key_%s%d" % (LONG, number): Class() for number in range(OBJECTS)})
setattr(module, "text_" + LONG, LONG * 20000)
# A chain of attributes, and garbage.
first = at = Node()
for number in range(12):
    following = Node()
    setattr(at, "next_%s%d" % (LONG, number), following)
    at = following
at.last = Class()
gc.disable()
for number in range(500):
    loop = Class()
    loop.itself = loop
del loop, at, following


def report(argument):
    held = getattr(module, "table_" + LONG)["key_%s7" % LONG]
    return json.dumps({"type": MODULE + "." + Class.__qualname__, "address": hex(id(held))})


commands.serve({"report": report})
