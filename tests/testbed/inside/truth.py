"""
What the process knows of its own heap, by means of Python: slip's containers, and who refers to
objects of a type. The second opinion that pyinspect is measured against.

Runs as a signal handler of a daemon. Looks in a child, so that looking leaves no trace in the heap.
"""

import gc
import json
import os
import re
import resource
import sys
import time
import traceback
import types

SLIP = "slip.dbus.service"
# More than that take gc.get_referrers() too long.
FEW = 1000
type_dict = type.__dict__["__dict__"].__get__


def answer(folder):
    try:
        stream = os.open(os.path.join(folder, "answer"), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # Nobody asked: somebody sent the signal by hand.
        return
    try:
        # The child has no business on this process's connection to the bus.
        live, trouble = bus_names(), None
    except Exception:
        live, trouble = {}, traceback.format_exc()
    child = os.fork()
    if child == 0:
        answer_and_exit(stream, folder, live, trouble)
    os.close(stream)
    os.waitpid(child, 0)


def answer_and_exit(stream, folder, live, trouble):
    try:
        if trouble:
            raise RuntimeError(trouble)
        # First of all: what is made from here on would be found too.
        everything = reachable() if is_about_types(folder) else {}
        begun = time.monotonic()
        about_slip = slip(live)
        cost = {"slip_seconds": time.monotonic() - begun, "peak_bytes": peak_bytes()}
        with open(os.path.join(folder, "question"), encoding="utf-8") as question:
            asked = json.load(question)
        text = json.dumps({"slip": about_slip, "cost": cost,
                           "referrers": {name: referrers(name, everything) for name in asked}})
    except BaseException:
        text = json.dumps({"error": traceback.format_exc()})
    os.set_blocking(stream, True)
    rest = text.encode()
    while rest:
        rest = rest[os.write(stream, rest):]
    os._exit(0)


def is_about_types(folder):
    """Without reading it: what it says would be found too."""
    return os.path.getsize(os.path.join(folder, "question")) > len(json.dumps([]))


def peak_bytes():
    """Of this child: what it had from the beginning, and what it took to find out."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def bus_names():
    """
    Who is on the bus now, for each connection that slip knows senders of. As bytes: a set of str
    would be found among those that refer to str.
    """
    if SLIP not in sys.modules:
        return {}
    base = find_class(SLIP + ".Object")
    connections = {entry[1] for entry in base.senders} | set(base.connections_senders)
    return {connection: " ".join(connection.list_names()).encode() for connection in connections}


def full_name(kind):
    module, name = kind.__module__, kind.__qualname__
    return name if module == "builtins" else "%s.%s" % (module, name)


def count_types(objects):
    counts = {}
    for one in objects:
        name = full_name(type(one))
        counts[name] = counts.get(name, 0) + 1
    return counts


def find_class(name):
    module, _, attribute = name.rpartition(".")
    return getattr(sys.modules[module or "builtins"], attribute)


def slip(live):
    """None if python-slip is not loaded."""
    if SLIP not in sys.modules:
        return None
    base = find_class(SLIP + ".Object")
    live = {connection: set(names.decode().split()) for connection, names in live.items()}
    connections = []
    stale = {name for name, connection in base.senders if name not in live[connection]}
    for connection, names in base.connections_senders.items():
        match = base.connections_smobjs.get(connection)
        rule = re.search("arg1='([^']*)'", str(match)) if match else None
        gone = set(names) - live[connection]
        stale |= gone
        connections.append({"type": full_name(type(connection)), "senders": len(names),
                            "match_arg1": rule and rule.group(1), "stale": len(gone)})
    instances = [one for one in gc.get_objects() if base in type(one).__mro__]
    return {"senders": len(base.senders), "connections": connections, "stale": len(stale),
            "instances": len(instances), "classes": count_types(instances),
            "bytes": held_bytes(base)}


def held_bytes(base):
    """The set, its tuples and their names; the dict, its sets and theirs; each object once."""
    held = [base.senders, base.connections_senders]
    held += base.senders
    held += (entry[0] for entry in base.senders)
    for names in base.connections_senders.values():
        held.append(names)
        held += names
    return sum(map(sys.getsizeof, {id(one): one for one in held}.values()))


def reachable():
    """
    By id: what the collector lists, and all that these objects say they refer to. Without
    comprehensions: their cells would be found as well.
    """
    front = gc.get_objects()
    found = {}
    while front:
        for one in front:
            found[id(one)] = one
        ahead = {}
        for one in gc.get_referents(*front):
            if id(one) not in found:
                ahead[id(one)] = one
        front = list(ahead.values())
    return found


def referrers(name, everything):
    """
    {type of what refers to instances of this type: number of such objects}. The __dict__ of
    an instance, a module or a class counts as that.

    gc.get_referrers() compares each reference of the heap with each object it is asked for, and
    knows only objects that the collector lists. Where that is too slow, all that can be reached is
    asked what it refers to.
    """
    base = find_class(name)
    instances = tuple([one for one in everything.values() if base in type(one).__mro__])
    if len(instances) <= FEW:
        ours = (id(instances), id(everything))
        found = [one for one in gc.get_referrers(*instances) if id(one) not in ours]
    else:
        kinds = {type(one) for one in instances}
        found = [one for one in everything.values()
                 if any(type(referent) in kinds for referent in gc.get_referents(one))]
    return count_types(fold(found, everything))


def fold(found, everything):
    """`found`, with each __dict__ replaced by whose it is."""
    dicts = {id(one) for one in found if type(one) is dict}
    owners = {}
    for one in everything.values():
        for candidate in named_dicts(one):
            owners[id(candidate)] = one
    # Other objects may make their __dict__ when it is looked at: only if they hold one of these.
    for one in everything.values():
        for referent in gc.get_referents(one) if type(one).__dictoffset__ else ():
            if id(referent) in dicts and id(referent) not in owners and own_dict(one) is referent:
                owners[id(referent)] = one
    folded = [owners.get(id(one), one) for one in found]
    return {id(one): one for one in folded}.values()


def named_dicts(one):
    if isinstance(one, type):
        return gc.get_referents(type_dict(one))
    if isinstance(one, types.ModuleType):
        return [own_dict(one)]
    return []


def own_dict(one):
    try:
        return object.__getattribute__(one, "__dict__")
    except (AttributeError, TypeError):
        return None
