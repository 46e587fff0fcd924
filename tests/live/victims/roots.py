"""
What only the interpreter holds: callbacks of atexit and of fork, and interned strings.

Commands: `expected`: {type name: how many there are}; `interned`: how many of the strings that were
interned, and that nothing refers to, are alive.
"""

import atexit
import gc
import json
import os
import sys

import commands

REGISTERED, UNREGISTERED, INTERNED = 300, 40, 30000


class Owner:
    def clean_up(self, *arguments, **keywords):
        pass


class Argument:
    pass


class Keyword:
    pass


class Gone(Owner):
    pass


class Forker:
    def before(self):
        pass


def fill():
    for _ in range(REGISTERED):
        atexit.register(Owner().clean_up, Argument(), named=Keyword())
    for _ in range(UNREGISTERED):
        gone = Gone().clean_up
        atexit.register(gone)
        atexit.unregister(gone)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=Forker().before)
    for number in range(INTERNED):
        sys.intern("interned and forgotten %d" % number)


def interned(_):
    # An immortal object has half of all references there can be.
    immortal = sys.getrefcount(sys.intern("interned and forgotten, too")) > 1 << 28
    return json.dumps(INTERNED if immortal else 0)


def expected(_):
    names = ["__main__." + kind.__name__ for kind in (Owner, Argument, Keyword, Gone, Forker)]
    alive = [type(thing).__name__ for thing in gc.get_objects()]
    return json.dumps({name: alive.count(name.split(".")[1]) for name in names})


def main():
    gc.disable()
    fill()
    commands.serve({"expected": expected, "interned": interned})


main()
