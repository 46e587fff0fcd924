"""
A process in which too much has a name: 3,000 objects of a module that all have the same 10,000
attributes (`steps`), or a module with 100,000 lists (`names`).
"""

import gc
import sys
import types

import commands


class Crowd:
    pass


def main():
    gc.disable()
    module = types.ModuleType("crowded")
    module.first = [None]
    sys.modules["crowded"] = module
    crowd = [Crowd() for _ in range(3000)]
    attributes = {"attribute%d" % number: None for number in range(10000)}
    for index, one in enumerate(crowd):
        if sys.argv[1] == "steps":
            one.__dict__ = attributes
            setattr(module, "crowd%d" % index, one)
    if sys.argv[1] == "names":
        for number in range(100000):
            setattr(module, "list%d" % number, [None])
    commands.serve({})
    return crowd


main()
