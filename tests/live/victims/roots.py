"""
What only the interpreter holds: callbacks of atexit and of fork, and interned strings; and attributes
with names that nothing else has, which are interned, too.

Commands: `expected`: {type name: how many there are}; `interned`: how many of the strings that were
interned, and that nothing refers to, are alive; `named`: how many bytes the names of attributes have
that live by their instances.
"""

import atexit
import gc
import json
import os
import sys

import commands

REGISTERED, UNREGISTERED, INTERNED, NAMED = 300, 40, 30000, 400


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


class Named:
    everyone = []


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
    for number in range(NAMED):
        named = Named()
        for attribute in range(50):
            setattr(named, "name_%d_%d" % (number, attribute), None)
        Named.everyone.append(named)


def never_die():
    # An immortal object has half of all references there can be.
    return sys.getrefcount(sys.intern("interned and forgotten, too")) > 1 << 28


def interned(_):
    return json.dumps(INTERNED + NAMED * 50 if never_die() else NAMED * 50)


def named_bytes(_):
    names = (name for named in Named.everyone for name in named.__dict__)
    return json.dumps(0 if never_die() else sum(map(sys.getsizeof, names)))


def expected(_):
    names = ["__main__." + kind.__name__ for kind in (Owner, Argument, Keyword, Gone, Forker)]
    alive = [type(thing).__name__ for thing in gc.get_objects()]
    return json.dumps({name: alive.count(name.split(".")[1]) for name in names})


def main():
    gc.disable()
    fill()
    commands.serve({"expected": expected, "interned": interned, "named": named_bytes})


main()
