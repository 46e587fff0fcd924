#!/usr/bin/python3
"""
D-Bus clients of firewalld, each a connection (a sender) of its own, on the system bus that
DBUS_SYSTEM_BUS_ADDRESS names.

usage: clients.py wait           until firewalld is there and answers
       clients.py once           one call; the exit code says if it worked
       clients.py busy           calls until stdin ends, then prints
                                 "CALLS FAILURES SLOWEST_MS [first failure]"
       clients.py seq N          N clients, one after another
       clients.py second N       A calls, B calls, A leaves; then N clients one after another
       clients.py live N         N clients that stay

With --stay, `second` keeps B. Who stays says READY, and leaves on SIGTERM.
"""

import argparse
import contextlib
import os
import select
import signal
import sys
import time

import dbus
import dbus.bus
import dbus.exceptions

NAME, PATH = "org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1"
TIMEOUT_SECONDS = 20


def connect(**options):
    connection = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"], **options)
    # libdbus must not end this process when a client is closed.
    connection.set_exit_on_disconnect(False)
    return connection


def call(connection):
    zone = connection.call_blocking(NAME, PATH, NAME, "getDefaultZone", "", (),
                                    timeout=TIMEOUT_SECONDS)
    if not zone:
        raise ValueError("no zone")


class Bus:
    """
    Clients that come and go, and a connection beside them that knows when the bus has noticed.
    It never calls a method of firewalld's, so it is no sender.
    """

    def __init__(self):
        self.watcher = connect()

    def caller(self):
        """A client that has called."""
        client = connect()
        call(client)
        return client

    def dismiss(self, client):
        """Returns when the bus has told everybody who wants to know that it is gone."""
        name = client.get_unique_name()
        client.close()
        while self.watcher.name_has_owner(name):
            pass

    def one_after_another(self, count):
        for _ in range(count):
            self.dismiss(self.caller())

    def settle(self):
        """
        Returns when firewalld has dispatched what the bus had told it before. libdbus answers
        a ping itself, in the order in which messages come.
        """
        self.watcher.call_blocking(NAME, PATH, "org.freedesktop.DBus.Peer", "Ping", "", (),
                                   timeout=TIMEOUT_SECONDS)


def wait_until_there():
    from dbus.mainloop.glib import DBusGMainLoop
    from gi.repository import GLib
    loop = GLib.MainLoop()
    watcher = connect(mainloop=DBusGMainLoop())
    watcher.set_exit_on_disconnect(True)
    watcher.watch_name_owner(NAME, lambda owner: owner and loop.quit())
    loop.run()
    call_once()


def call_once():
    bus = Bus()
    bus.one_after_another(1)
    bus.settle()


def call_until_stdin_ends():
    client = connect()
    calls, failures, slowest, first = 0, 0, 0.0, ""
    while calls == 0 or not select.select([sys.stdin], [], [], 0)[0]:
        start = time.monotonic()
        try:
            call(client)
        except (dbus.exceptions.DBusException, ValueError) as error:
            failures += 1
            first = first or " ".join(str(error).split())
        slowest = max(slowest, time.monotonic() - start)
        if calls == 0:
            print("CALLING", flush=True)
        calls += 1
    print(calls, failures, round(slowest * 1000), first)


def stay():
    print("READY", flush=True)
    signal.sigwait({signal.SIGTERM})


def load(kind, count, staying):
    bus = Bus()
    present = []
    if kind == "seq":
        bus.one_after_another(count)
    elif kind == "second":
        first, second = bus.caller(), bus.caller()
        present.append(second)
        bus.dismiss(first)
        bus.settle()
        bus.one_after_another(count)
    else:
        present += [bus.caller() for _ in range(count)]
    bus.settle()
    if staying:
        stay()
    for client in present:
        # If the bus goes first there is nobody to say goodbye to.
        with contextlib.suppress(dbus.exceptions.DBusException):
            bus.dismiss(client)
    with contextlib.suppress(dbus.exceptions.DBusException):
        bus.settle()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("mode", choices=("wait", "once", "busy", "seq", "second", "live"))
    parser.add_argument("count", type=int, nargs="?", default=0)
    parser.add_argument("--stay", action="store_true")
    options = parser.parse_args()
    if options.mode == "wait":
        wait_until_there()
    elif options.mode == "once":
        call_once()
    elif options.mode == "busy":
        call_until_stdin_ends()
    else:
        staying = options.stay or options.mode == "live"
        if staying:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        load(options.mode, options.count, staying)


main()
