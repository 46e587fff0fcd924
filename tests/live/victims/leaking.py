"""
A process that keeps as many sessions as it is told to.

Commands: `keep N` (exactly N sessions from now on), `say` ({"sessions", "tracked"}: what it says of
itself).
"""

import gc
import json

import commands


class Session:
    def __init__(self, number):
        self.number = number


class Registry:
    cache = []


def keep(count):
    del Registry.cache[int(count):]
    Registry.cache.extend(Session(number) for number in range(len(Registry.cache), int(count)))
    gc.collect()
    return json.dumps(len(Registry.cache))


def say(_):
    return json.dumps({"sessions": len(Registry.cache), "tracked": len(gc.get_objects())})


if __name__ == "__main__":
    gc.disable()
    commands.serve({"keep": keep, "say": say})
