"""
Clients of service.py, each a connection (a sender) of its own:

    clients.py COUNT

The first two overlap, and the first goes: after that python-slip watches nobody's end. Then COUNT
clients, one after another.
"""

import os
import sys
import time

import dbus.bus


def caller():
    connection = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    connection.set_exit_on_disconnect(False)
    assert connection.call_blocking("org.example.Service", "/org/example/Service",
                                    "org.example.Service", "Hello", "", (), timeout=60) == "hello"
    return connection


def is_known(watcher, name):
    return watcher.name_has_owner(name)


watcher = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
first = caller()
second = caller()
name = first.get_unique_name()
first.close()
while is_known(watcher, name):
    time.sleep(0.01)
# What the service is told of it is in front of the next call.
for _ in range(int(sys.argv[1])):
    caller().close()
second.close()
