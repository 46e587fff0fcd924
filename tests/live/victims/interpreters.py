"""
A process with several interpreters, each of which has planted another number of objects.

Commands: `numbers`: {number of an interpreter: how many objects it has planted}, null where there
cannot be others.
"""

import gc
import json

import commands

try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        interpreters = None

PLANTED = 50
CODE = """
class Planted:
    pass
import gc, sys
gc.disable()
kept = [Planted() for _ in range(%d)]
"""


class Planted:
    pass


def add(found, count):
    number = interpreters.create()
    run = getattr(interpreters, "exec", None) or interpreters.run_string
    run(number, CODE % count)
    found[int(number)] = count
    return number


def main():
    gc.disable()
    kept = [Planted() for _ in range(PLANTED)]
    found, numbers = {0: PLANTED}, []
    for count in (200, 900):
        if interpreters:
            numbers.append(add(found, count))
    commands.serve({"numbers": lambda _: json.dumps(found if interpreters else None)})
    return kept


main()
