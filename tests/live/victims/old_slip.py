"""
A process of Python 2.7 that keeps senders as python-slip does, without a bus of its own.

    old_slip.py CONNECTION_NAMES

The names, separated by commas, are in a set of a connection and in that of all; each third one is
unicode. It does not import D-Bus: the classes are called as those are.
"""

import sys

import commands


def made(name, module, bases, attributes):
    return type(name, bases, dict(attributes, __module__=module))


SystemBus = made("SystemBus", "dbus._dbus", (object,), {})
BusObject = made("Object", "dbus.service", (object,), {})
SignalMatch = made("SignalMatch", "dbus.connection", (object,), {})


def main():
    names = sys.argv[1].split(",")
    senders = set(unicode(name) if number % 3 == 0 else name
                  for number, name in enumerate(names))
    bus = SystemBus()
    match = SignalMatch()
    match._rule = "type='signal',member='NameOwnerChanged',arg1='%s'" % names[0]
    holder = made("Object", "slip.dbus.service", (BusObject,), {
        "senders": senders, "connections_senders": {bus: set(senders)},
        "connections_smobjs": {bus: match}})
    config = made("Config", "firewall", (holder,), {})
    objects = [config() for _ in range(7)]
    commands.serve({})
    return objects


if __name__ == "__main__":
    main()
