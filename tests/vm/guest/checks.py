"""
The first process of the virtual machine: runs the checks one after the other, prints a line for each
("ok", "FAIL", "not here", and what it is), and ends the machine.
"""

import contextlib
import ctypes
import fcntl
import glob
import json
import os
import re
import struct
import subprocess
import sys

from cases import (GUEST, HERE, LIBC, MIB, PATIENCE_SECONDS, PLANTED, Mixed, NotHere, Victim, answers,
                   as_before, brief, case, exact, in_the_middle, killed_at_any_moment, look, outcome,
                   refused, right, say, support, write)
from enforcing import selinux
from hardened import fips, lockdown
from pauses import pauses
from suites import live, torture, unit

CGROUPS = "/sys/fs/cgroup"
MOUNTS = [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("devpts", "/dev/pts"),
          ("cgroup2", CGROUPS)]
# linux/reboot.h
RESTART = 0x01234567
MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE, MAP_HUGETLB = 1, 2, 0x20, 0x4000, 0x40000


def basic():
    with Victim(50000) as victim:
        with case("top-types"), victim.unharmed():
            right(victim, look(victim))
        with case("top-types, tracked"), victim.unharmed():
            right(victim, look(victim, "--scope=tracked"))
        with case("top-types from a mirror"), victim.unharmed():
            right(victim, look(victim, "--source=mirror"), "mirror")
        with case("referrers"), victim.unharmed():
            code, envelope = look(victim, PLANTED, command="referrers")
            first = envelope["result"]["referrers"][0]
            assert code == 0 and first["references"] == victim.objects, envelope
            assert first["owner"] == "instance __main__.Holder.planted", first
        with case("killed with a snapshot; the next run reaps it"):
            killed = 0
            with victim.unharmed():
                for _ in range(5):
                    process, held = in_the_middle(victim)
                    killed += held
                    process.kill()
                    process.communicate()
                    support.wait_until(lambda: not victim.snapshots(), "no snapshot lives")
                    assert victim.is_alive()
                    assert len(victim.hidden_zombies()) <= 1
                assert killed, "never had a snapshot"
                right(victim, look(victim))
    with case("killed at any moment"), Victim(5000) as victim, victim.unharmed(asked=True):
        killed_at_any_moment(victim, 20)
        right(victim, look(victim))
    for moment in ("start", "traced", "snapshot", "mirror"):
        with case("execve of the target, " + moment), Victim(5000) as victim:
            execute_during(victim, moment)


def commands():
    """One of each kind, on a process with many types; also as on an older kernel."""
    with Mixed(5000) as victim:
        with case("exact"):
            say("    %d attempts" % exact(victim)["attempts"])
        with case("exact, from a mirror"):
            exact(victim, "--source=mirror", source="mirror")
        with case("exact, as on an older kernel"):
            exact(victim, prefix=as_before())
        with case("exact, from a mirror, as on an older kernel"):
            exact(victim, "--source=mirror", source="mirror", prefix=as_before())
        normal = {}
        with case("referrers, path, top-objects"):
            normal = answers(victim)
            assert normal["path"], normal
        with case("the same as on an older kernel"):
            assert answers(victim, as_before()) == normal
        for name, limit, expected in (("ok", "1000000", 0), ("critical, with evidence", "0:0", 2)):
            with case("check, " + name):
                code, envelope = look(victim, "--min-age=0", "--state=/tmp/state",
                                      "--max", "__main__.Plain=" + limit, command="check")
                assert code == expected, envelope
                evidence = envelope["result"]["evidence"]
                assert not expected or "path-1.json" in os.listdir(evidence), envelope
        with case("killed at any moment, as on an older kernel"):
            killed_at_any_moment(victim, 8, as_before())
            exact(victim, prefix=as_before())


def pythons():
    """Those of other releases: what is where in their memory depends on the machine, too."""
    found = [(root, name) for root in sorted(glob.glob("/pythons/*"))
             for name in sorted(os.listdir(root + "/usr/bin")) if re.fullmatch(r"python3[.]\d+", name)]
    if not found:
        with case("other Pythons"):
            raise NotHere("none in /pythons")
    for root, name in found:
        command = ("/usr/sbin/chroot", root, "/usr/bin/" + name, "-sE", "/checks/alone.py")
        with case("%s of %s" % (name, os.path.basename(root))), Mixed(6000, command) as victim:
            exact(victim)
            exact(victim, "--source=mirror", source="mirror")
            code, envelope = look(victim, "--scope=all")
            assert code == 0 and not envelope["warnings"], envelope
            say("    Python " + envelope["target"]["python"])
            code, envelope = look(victim, "__main__.Event", command="path")
            expression = envelope["result"]["paths"][0]["expression"]
            assert code == 0 and "HEAP" in expression, envelope
            code, envelope = look(victim, "__main__.Event", command="referrers")
            first = envelope["result"]["referrers"][0]
            assert code == 0 and first["references"] == 500, envelope


def blocked():
    """Threads in many kinds of waits, none of which may end early, or with an error."""
    reader, writer = os.pipe()
    os.close(reader)
    with case("blocked calls"):
        victim = support.Target([sys.executable, "-sE", os.path.join(HERE, "waits.py"),
                                 str(writer)], pass_fds=(writer,))
        try:
            victim.expect("READY", PATIENCE_SECONDS)
            for source in ("clone", "mirror", "clone"):
                code, envelope = look(victim, "--source", source)
                assert code == 0, envelope
            answer = victim.ask("check")
            # An emulated machine is late by itself: its clock goes on while it is not served.
            bad = [words for words in answer["bad"]
                   if "late" not in words and "too long" not in words]
            assert not bad and not answer["short"], answer
            # Nobody sends real-time signals.
            assert all(count for name, count in answer["rounds"].items()
                       if name != "real_time_signals"), answer
        finally:
            victim.close()
            os.close(writer)


BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/tmp/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""
CLIENTS = 50


def slip():
    """A service with the leak of python-slip, on a bus of its own."""
    if not os.path.exists("/usr/bin/dbus-daemon"):
        say("not here  slip-dbus: no dbus-daemon")
        return
    write("/tmp/bus.conf", BUS)
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/tmp/bus")
    bus = subprocess.Popen(["/usr/bin/dbus-daemon", "--config-file=/tmp/bus.conf", "--nofork",
                            "--nopidfile"], stdin=subprocess.DEVNULL)
    with case("slip-dbus"):
        support.wait_until(lambda: os.path.exists("/tmp/bus"), "the bus", PATIENCE_SECONDS)
        service = support.Target([sys.executable, "-s", os.path.join(HERE, "service.py")],
                                 env=environment)
        try:
            service.expect("READY", PATIENCE_SECONDS)
            subprocess.run([sys.executable, "-s", os.path.join(HERE, "clients.py"), str(CLIENTS)],
                           env=environment, check=True, timeout=PATIENCE_SECONDS)
            for prefix in ((), as_before()):
                code, envelope = look(service, command="slip-dbus", prefix=prefix)
                assert code == 0, envelope
                result = envelope["result"]
                assert (result["verdict"], result["stale"]) == ("leak", CLIENTS + 1), result
        finally:
            service.close()
    bus.terminate()
    bus.wait()


def execute_during(victim, moment):
    options = ["--source=mirror"] if moment == "mirror" else []
    process = subprocess.Popen([support.PYINSPECT, str(victim.pid), "top-types", "--format=json",
                                "--max-pause=60000", *options],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    while process.poll() is None and moment != "start":
        if moment == "snapshot" and victim.snapshots():
            break
        if moment != "snapshot" and support.status(victim.pid, victim.pid)["TracerPid"] != "0":
            break
    victim.send("exec")
    code, envelope = outcome(process)
    expected = {0: [None], 1: ["program-changed", "no-injectable-thread"],
                3: ["target-exited", "no-such-process"], 4: ["not-python"]}
    assert envelope.get("error", {}).get("code") in expected.get(code, []), (code, envelope)
    support.wait_until(lambda: os.readlink("/proc/%d/exe" % victim.pid).endswith("/sleep") and
                       support.read_stat(victim.pid)["state"] == "S", "the new program sleeps")
    assert support.status(victim.pid, victim.pid)["TracerPid"] == "0"
    assert victim.snapshots() == [] and victim.hidden_zombies() == []


def as_parent():
    """A victim, and what its parent, which becomes pyinspect, says of it."""
    gate, go = os.pipe()
    output, end = os.pipe()
    launcher = [sys.executable, "-sE", os.path.join(HERE, "launcher.py"), str(gate), str(end),
                support.PYINSPECT]
    victim = Victim(prefix=launcher, pass_fds=(gate, end), **GUEST)
    os.close(gate)
    os.close(end)
    victim.stand_for(support.children(victim.pid)[0])

    def ask():
        os.write(go, b"top-types --limit 0 --format json --timeout=0 --max-pause=60000")
        os.close(go)
        with os.fdopen(output, encoding="utf-8") as stream:
            text = stream.read()
        return victim.process.wait(), json.loads(text)

    return victim, ask


def yama_case(scope, who, victim, ask, allowed):
    way_out = ["sudo", "sysctl kernel.yama.ptrace_scope=0"] if scope < 3 else ["reboot"]
    with case("Yama ptrace_scope %d, %s" % (scope, who)), victim:
        # With 3 nobody may see what its threads wait for.
        with victim.unharmed(asked=scope == 3):
            answer = ask()
            if allowed:
                right(victim, answer)
            else:
                refused(answer, "yama", 3, "Yama", "ptrace_scope is %d" % scope, *way_out)


def yama_scope(scope):
    try:
        write("/proc/sys/kernel/yama/ptrace_scope", scope)
    except NotHere as reason:
        say("not here  Yama ptrace_scope %d: %s" % (scope, reason))
        return
    victim = Victim(**GUEST)
    yama_case(scope, "root", victim, lambda: look(victim), scope < 3)
    other = Victim(**GUEST)
    yama_case(scope, "the same user", other, lambda: look(other, **GUEST), scope < 1)
    child, ask = as_parent()
    # What traces is a child of pyinspect, so to be the target's parent is no use.
    yama_case(scope, "the parent", child, ask, scope < 1)


def yama():
    for scope in (2, 1, 0):
        yama_scope(scope)


def yama_3():
    """To be the last one: it stays."""
    yama_scope(3)


def meminfo(key):
    for line in support.read_text("/proc/meminfo").splitlines():
        name, value = line.split(":")
        if name == key:
            return int(value.split()[0])
    raise NotHere("no %s in /proc/meminfo" % key)


@contextlib.contextmanager
def commit_limit(headroom_kb):
    write("/proc/sys/vm/overcommit_kbytes", meminfo("Committed_AS") + headroom_kb)
    write("/proc/sys/vm/overcommit_memory", 2)
    try:
        yield
    finally:
        write("/proc/sys/vm/overcommit_memory", 0)


def overcommit():
    """With 160 MiB to be committed once more for a clone."""
    for headroom_mib, source in ((60, "auto"), (60, "clone"), (60, "mirror"), (500, "auto")):
        with case("overcommit_memory 2, %d MiB left, --source %s" % (headroom_mib, source)), \
             Victim(5000, 160) as victim, victim.unharmed():
            with commit_limit(headroom_mib << 10):
                answer = look(victim, "--source", source)
                say("    %s" % (answer[1].get("error") or answer[1]["access"]["source"]))
                if headroom_mib > 400:
                    right(victim, answer)
                elif answer[0] == 0:
                    right(victim, answer, "mirror")
                else:
                    # Neither a clone nor a copy: one of the two is named.
                    refused(answer, "clone-refused" if source == "clone" else "mirror-failed", 1,
                            "overcommit_memory")


class Group:
    """A control group that processes are started in."""

    number = 0

    def __init__(self):
        Group.number += 1
        self.path = "%s/%d" % (CGROUPS, Group.number)
        os.mkdir(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        support.wait_until(self._remove, "the group is empty")

    def _remove(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)
        return not os.path.exists(self.path)

    def victim(self, *arguments):
        procs = self.path + "/cgroup.procs"
        return Victim(*arguments, preexec_fn=lambda: write(procs, 0))

    def write(self, name, value):
        write(self.path + "/" + name, value)

    def read(self, name):
        return int(support.read_text(self.path + "/" + name))

    def leave(self, mebibytes):
        self.write("memory.max", self.read("memory.current") + mebibytes * MIB)

    def oom_kills(self):
        text = support.read_text(self.path + "/memory.events")
        return int(text.split("oom_kill ")[1].split()[0])


def cgroup():
    try:
        write(CGROUPS + "/cgroup.subtree_control", "+memory +pids")
    except (NotHere, OSError) as reason:
        say("not here  cgroup: %s" % reason)
        return
    for together in (0, 1):
        for room_mib, source, expected in ((10, "auto", "mirror"), (10, "clone", "cgroup-memory"),
                                           (500, "auto", "clone")):
            with case("memory.max %d MiB above usage, oom.group %d, --source %s" % (
                    room_mib, together, source)), Group() as group, group.victim(5000, 100) as victim:
                group.write("memory.oom.group", together)
                group.leave(room_mib)
                with victim.unharmed():
                    answer = look(victim, "--source", source)
                    if expected in ("clone", "mirror"):
                        right(victim, answer, expected)
                    else:
                        refused(answer, expected, 1, "cgroup", "memory.max")
                assert group.oom_kills() == 0
    with case("memory.max reached while there is a snapshot: that is what the OOM killer takes"), \
         Group() as group, group.victim(50000, 200) as victim:
        # Enough by its own reckoning, and not enough for all that the process then writes to.
        group.leave(80)
        with victim.unharmed(asked=True):
            process, held = in_the_middle(victim)
            assert held, brief(outcome(process))
            victim.ask("rewrite")
            group.write("memory.max", "max")
            code, envelope = outcome(process)
            say("    %d %s" % (code, envelope.get("error") or envelope["warnings"]))
            assert code != 6
            if code == 0:
                right(victim, (code, envelope))
        assert group.oom_kills() == 1
    for source, expected in (("auto", "mirror"), ("clone", "clone-refused")):
        with case("pids.max reached, --source " + source), Group() as group, \
             group.victim() as victim:
            group.write("pids.max", group.read("pids.current"))
            with victim.unharmed():
                answer = look(victim, "--source", source)
                if expected == "mirror":
                    right(victim, answer, expected)
                else:
                    refused(answer, expected, 1, "pids.max")


HUGE_KINDS = [
    # name, flags, in a child of the process that reserved them, what may be done to it
    ("reserved", MAP_PRIVATE, False, "mirror"),
    ("not reserved", MAP_PRIVATE | MAP_NORESERVE, False, "mirror"),
    ("of a forked child", MAP_PRIVATE, True, "mirror"),
    ("shared", MAP_SHARED, False, "clone"),
]


def huge_pages():
    """
    The process writes to its huge pages while there is a snapshot, and no page is left for a copy
    of one: then a kernel sends SIGBUS to who writes, unless the pages are reserved for him.
    """
    pages = 6
    write("/proc/sys/vm/nr_hugepages", pages)
    for name, flags, forked, source in HUGE_KINDS:
        for asked in ("auto", "clone"):
            with case("huge pages, none left, %s, --source %s" % (name, asked)), \
                 Victim(50000) as victim:
                got = victim.ask("huge %d %d" % (pages, flags | MAP_ANONYMOUS | MAP_HUGETLB))
                if got:
                    raise NotHere(got["error"])
                if forked:
                    child = victim.ask("fork")["pid"]
                    victim.process.wait()
                    victim.stand_for(child)
                with victim.unharmed(asked=True):
                    process, held = in_the_middle(victim, "--source", asked)
                    victim.ask("write 0")
                    answer = outcome(process)
                    if asked == "clone" and source == "mirror":
                        refused(answer, "huge-pages", 1, "huge pages", "--source mirror")
                    else:
                        assert held == (source == "clone")
                        right(victim, answer, source)
    write("/proc/sys/vm/nr_hugepages", 0)


CHECKS = [commands, blocked, slip, pythons, basic, huge_pages, overcommit, cgroup, pauses, yama, yama_3]
# Those that need more of the machine or its kernel's command line (tests/vm/run).
ASKED = [lockdown, fips, unit, live, torture, selinux]


def add_entropy():
    """Before Linux 5.6 an emulated machine waits for some before it gives any."""
    with open("/dev/random", "wb") as stream:
        # RNDADDENTROPY: bits, bytes, and these
        fcntl.ioctl(stream, 0x40085203, struct.pack("=ii64s", 512, 64, bytes(range(64))))


def main():
    for kind, path in MOUNTS:
        os.makedirs(path, exist_ok=True)
        if LIBC.mount(kind.encode(), path.encode(), kind.encode(), 0, None):
            say("FAIL  mount %s: %s" % (path, os.strerror(ctypes.get_errno())))
    add_entropy()
    say("kernel %s, %s, pages of %d bytes, Python %s" % (
        os.uname().release, os.uname().machine, os.sysconf("SC_PAGESIZE"),
        ".".join(map(str, sys.version_info[:3]))))
    wanted = os.environ.get("checks", "all").split(",")
    for check in CHECKS if wanted == ["all"] else CHECKS + ASKED:
        if wanted != ["all"] and check.__name__ not in wanted:
            continue
        try:
            check()
        except Exception:  # the others are still to be run
            with case(check.__name__):
                raise
    say("end of checks")
    LIBC.reboot(RESTART)
