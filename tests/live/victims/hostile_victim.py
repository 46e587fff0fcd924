"""
A process with objects of the extension module `hostile` (tests/extension/hostile.c).

    hostile_victim.py FOLDER KIND COUNT

FOLDER holds the built module. Commands: `make` (the objects; {"count": n, "bytes": sum of
sys.getsizeof()}), `arm` (their code misbehaves from now on), `check` (it does not any more; the
process collects garbage and looks at every object: {"alive": n}).

Nothing may collect garbage while the module is armed: that is off from the start.
"""

import gc
import json
import sys

import commands

sys.path.insert(0, sys.argv[1])
import hostile

KIND = getattr(hostile, sys.argv[2])
COUNT = int(sys.argv[3])
# What the objects refer to; reachable without them, too.
REFERENT = ["referent"]
OBJECTS = [None] * COUNT


def make(_):
    arguments = (REFERENT,) if KIND not in (hostile.Many, hostile.OwnSize) else ()
    for index in range(COUNT):
        OBJECTS[index] = KIND(*arguments)
    objects = OBJECTS + [hostile.headless] * (KIND is hostile.OwnIsGc)
    return json.dumps({"count": len(objects), "bytes": sum(map(sys.getsizeof, objects))})


def arm(_):
    hostile.arm(1)
    return "{}"


def check(_):
    hostile.arm(0)
    gc.collect()
    return json.dumps({"alive": sum(type(one) is KIND for one in OBJECTS)})


def main():
    gc.disable()
    arm("")
    check("")
    commands.serve({"make": make, "arm": arm, "check": check})


main()
