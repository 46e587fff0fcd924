"""
Calls firewalld's getDefaultZone over the system bus until stdin ends, then prints
"CALLS FAILURES SLOWEST_MS [first failure]". With --once: one call; the exit code says if it worked.
"""

import select
import sys
import time

import dbus

TIMEOUT_SECONDS = 20


def connect():
    proxy = dbus.SystemBus().get_object("org.fedoraproject.FirewallD1",
                                        "/org/fedoraproject/FirewallD1")
    return dbus.Interface(proxy, "org.fedoraproject.FirewallD1")


def stdin_ended():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main():
    firewall = connect()
    if sys.argv[1:] == ["--once"]:
        return 0 if firewall.getDefaultZone(timeout=TIMEOUT_SECONDS) else 1
    calls, failures, slowest, first = 0, 0, 0.0, ""
    while calls == 0 or not stdin_ended():
        start = time.monotonic()
        try:
            if not firewall.getDefaultZone(timeout=TIMEOUT_SECONDS):
                raise ValueError("no zone")
        except (dbus.DBusException, ValueError) as error:
            failures += 1
            first = first or " ".join(str(error).split())
        slowest = max(slowest, time.monotonic() - start)
        if calls == 0:
            print("CALLING", flush=True)
        calls += 1
    print(calls, failures, round(slowest * 1000), first)
    return 0


sys.exit(main())
