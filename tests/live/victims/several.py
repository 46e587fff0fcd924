"""
A process whose objects refer to others several times, in places that have one name or many.

Commands: `keyed` (one dict of KEYED), `expected` ([[type that is held, type that holds, edge, objects, references]]).
"""

import json

import commands


class Apart(object):
    """Each dict has keys of its own: too many to be shown."""


class Keyed(object):
    pass


class Key(object):
    pass


class Named(object):
    pass


class Listed(object):
    pass


APART = [{"key_%d_%d" % (number, key): Apart() for key in range(3)} for number in range(500)]
KEYED = [dict.fromkeys([Key(), Key(), Key(), Key()], Keyed()) for _ in range(10)]
NAMED = [{"a": Named(), "b": Named(), 1: Named()} for _ in range(40)]
SOME = Listed()
LISTED = [(SOME, SOME, None, SOME) for _ in range(30)]


def expected(_):
    return json.dumps([["__main__." + held.__name__, holder, edge, objects, references]
                       for held, holder, edge, objects, references in (
                           (Apart, "dict", "[*]", 500, 1500),
                           (Keyed, "dict", "[<__main__.Key>]", 10, 40),
                           (Named, "dict", "['a']", 40, 40),
                           (Listed, "tuple", "[3]", 30, 30))])


commands.serve({"expected": expected,
                "keyed": lambda _: json.dumps({"address": id(KEYED[0])})})
