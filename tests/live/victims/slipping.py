"""
A process that keeps senders as python-slip does, in containers of several kinds, with names that no
bus gives among them.

    slipping.py [freeze]

Commands: `kept` ({"senders", "names", "objects", "bytes", "connection", "instances"}, as Python
itself says it: "objects" and "bytes" of the containers and of plain values in them, each once).
"""

import gc
import json
import sys
import types

import commands

PLAIN = (dict, list, tuple, set, frozenset, str, int, type(None))


class Base(object):
    pass


class Connection(object):
    pass


class Match(object):
    pass


class Names(set):
    pass


class Holder(Base):
    senders = set()
    connections_senders = {}
    connections_smobjs = {}


class Below(Holder):
    pass


def rename(thing, module, name):
    thing.__module__, thing.__qualname__ = module, name


rename(Base, "dbus.service", "Object")
rename(Holder, "slip.dbus.service", "Object")
service = types.ModuleType("dbus.service")
service.Object = Base
sys.modules["dbus.service"] = service

connection, match = Connection(), Match()
match._rule = "type='signal',arg1=':1.5',member='NameOwnerChanged'"
names = [":1.%d" % number for number in range(3000)] + ["x" * 48]
strange = ["x" * 49, "\N{GREEK SMALL LETTER ALPHA}:1.7", "", ":1.\0007"]
Holder.senders.update(names + strange)
Holder.connections_senders[connection] = Names(names + strange)
# Reached by more than one way, and an instance, which is no content.
pair = (names[0], [names[1], 4711 << 70])
Holder.connections_smobjs[connection] = match
Holder.connections_smobjs[pair[0]] = [pair, pair, Holder()]
kept_instances = [Holder(), Below(), Below(), Holder.connections_smobjs[pair[0]][2]]


def contents(things):
    seen, left = {}, list(things)
    while left:
        thing = left.pop()
        if id(thing) in seen or not isinstance(thing, PLAIN):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, dict):
            left += list(thing) + list(thing.values())
        elif isinstance(thing, (list, tuple, set, frozenset)):
            left += list(thing)
    return seen.values()


def kept(_):
    things = contents([Holder.senders, *Holder.connections_senders.values(),
                       Holder.connections_senders, Holder.connections_smobjs])
    return json.dumps({
        "senders": len(Holder.senders), "names": len(names), "objects": len(things),
        "bytes": sum(sys.getsizeof(thing) for thing in things), "connection": id(connection),
        "instances": {"slip.dbus.service.Object": 2, "__main__.Below": 2},
    })


if sys.argv[1:] == ["freeze"]:
    gc.freeze()
commands.serve({"kept": kept})
