"""
Names that mean something in the text of a picture, or are not to be shown.

Commands: `report` ({"type": name of the class, "address": of an object of it, "holder": of the list
that holds it, "end": of the object at the end of a long chain}).
"""

import json
import sys
import types

import commands

EVIL = 'a"]; x -> y [label="\\N\\\n&lt;&#34;\u202e\x1b[2J<b>{|}'

Class = type(EVIL, (), {})


class Link:
    def __init__(self, following):
        self.following = following


module = types.ModuleType(EVIL)
sys.modules[EVIL] = module
held = [Class() for number in range(20)]
setattr(module, EVIL, held)
end = Class()
chain = Link(end)
for number in range(2000):
    chain = Link(chain)
module.chain = chain
# Only the chain leads there.
end_address = hex(id(end))
del end, chain


def report(argument):
    return json.dumps({"type": "%s.%s" % (Class.__module__, Class.__qualname__),
                       "address": hex(id(held[3])), "holder": hex(id(held)), "end": end_address})


commands.serve({"report": report})
