"""
The Debian package: built from a clean copy of the tree, checked by lintian, installed in a Debian 12
that was made for it, used there without systemd and with it, and removed without a trace.
"""

import json
import os
import re
import shutil

import pytest

import leaky
from debian import MACHINE, check_result, metrics
from programs import need, succeeds


def test_builds_without_warnings(built):
    log = (built / "build.log").read_text()
    assert "-Wformat" in log or "Compiling" in log
    assert not re.findall(r"^.*\bwarning: .*$", log, re.MULTILINE)


def test_lintian(built):
    changes, = built.glob("*.changes")
    output = succeeds(need("lintian"), "--allow-root", "--fail-on", "error,warning", "--tag-display-limit",
                      "0", changes)
    assert not re.search(r"^[EW]: ", output, re.MULTILINE), output


def test_contents(package):
    listed = {line.split()[5]: line.split()[0]
              for line in succeeds("dpkg-deb", "--contents", package).splitlines()}
    for path in ("./usr/bin/pyinspect", "./usr/share/man/man1/pyinspect.1.gz",
                 "./usr/share/man/man1/pyinspect-check.1.gz",
                 "./usr/share/man/man5/pyinspect-rules.5.gz",
                 "./lib/systemd/system/pyinspect-check@.service",
                 "./lib/systemd/system/pyinspect-check@.timer",
                 "./lib/systemd/system/pyinspect-check@firewalld.service.d/firewalld.conf",
                 "./usr/share/bash-completion/completions/pyinspect",
                 "./usr/share/zsh/vendor-completions/_pyinspect",
                 "./usr/share/fish/vendor_completions.d/pyinspect.fish",
                 "./etc/pyinspect/rules.d/", "./usr/share/pyinspect/schema/rules.schema.json",
                 "./usr/share/pyinspect/selinux/pyinspect.te", "./usr/share/pyinspect/selinux/pyinspect.fc",
                 "./usr/share/doc/pyinspect/README.md.gz",
                 "./usr/share/doc/pyinspect/examples/fleet/grafana/pyinspect.json",
                 "./usr/share/doc/pyinspect/examples/fleet/prometheus/pyinspect.rules.yml"):
        assert path in listed
    assert not [path for path, mode in listed.items() if "s" in mode.lower()], "set-uid"


@pytest.fixture(scope="module")
def clean(machine):
    """What there is before the package, and the programs that are looked at."""
    with open(leaky.SCRIPT, encoding="utf-8") as file:
        machine.put("/srv/leaky_service.py", file.read())
    with open(os.path.join(os.path.dirname(MACHINE), "inside.py"), encoding="utf-8") as file:
        machine.put("/srv/inside.py", file.read())
    for unit, settings in UNITS.items():
        machine.put("/etc/systemd/system/%s.service" % unit,
                    NOTIFYING + "ExecStart=/usr/bin/python3 /srv/unit.py %d\n%s" % (
                        leaky.LIMIT + 1, settings))
    machine.put("/srv/unit.py", UNIT)
    machine.put("/srv/slip.py", SLIP)
    machine.put("/etc/systemd/system/slip.service",
                NOTIFYING + "ExecStart=/usr/bin/python3 /srv/slip.py\n")
    return machine.listing()


NOTIFYING = "[Service]\nType=notify\nNotifyAccess=all\n"
# Says that it is ready by itself: nobody has to wait.
NOTIFY = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
    one.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
"""
UNIT = """
import sys, time
class Session:
    pass
sessions = [Session() for _ in range(int(sys.argv[1]))]
%s
time.sleep(1e6)
""" % NOTIFY
# The class by which python-slip is known, with a caller on the real system bus that is gone.
SLIP = """
import sys, time, types
import dbus
slip, of_dbus, module = (types.ModuleType(name) for name in
                         ("slip", "slip.dbus", "slip.dbus.service"))
sys.modules.update({"slip": slip, "slip.dbus": of_dbus, "slip.dbus.service": module})
exec('''
class Object:
    senders = set()
    connections_senders = {}
    connections_smobjs = {}
''', module.__dict__)
bus = dbus.SystemBus()
gone = [":1.%%d" %% number for number in range(100000, 100000 + 5000)]
module.Object.senders.update((name, bus) for name in gone)
module.Object.connections_senders[bus] = set(gone)
%s
time.sleep(1e6)
""" % NOTIFY
# root's; somebody else's; and one that may not be cloned.
UNITS = {"ours": "", "theirs": "User=nobody\n", "filtered": "SystemCallFilter=@system-service\n"}


def test_works_where_it_was_installed(machine, package, clean):
    machine.install(package)
    done = json.loads(machine.succeeds("python3", "/srv/inside.py", leaky.RULE,
                                       str(leaky.LIMIT + 1)).splitlines()[-1])
    assert done["before"] == 0, done
    assert done["after"] == 2 and done["output"].startswith("PYINSPECT CRITICAL - "), done
    assert done["history"] == 0, done
    assert os.listdir(os.path.join(machine.root, "var/lib/pyinspect"))
    machine.purge()
    assert machine.listing() == clean


@pytest.fixture(scope="module")
def booted(machine, package, clean):
    with machine.booted():
        machine.install(package)
        yield machine
        # If a test has failed before it did that itself.
        machine.run("dpkg", "--purge", "pyinspect")


PROOF = """[Service]
ExecStartPre=/bin/sh -c 'cat /proc/self/status >%S/pyinspect/proof'
"""


@pytest.mark.parametrize("name", UNITS)
def test_service_checks(booted, name):
    """Critical is found under all the limits of the unit, which really are in force."""
    unit = "pyinspect-check@%s.service" % name
    booted.put("/etc/pyinspect/check-%s.env" % name,
               'PYINSPECT_OPTIONS="--min-age 0 --max %s"\n' % leaky.RULE)
    booted.put("/etc/systemd/system/%s.d/proof.conf" % unit, PROOF)
    try:
        booted.succeeds("systemctl", "daemon-reload")
        booted.succeeds("systemctl", "start", name)
        assert booted.run("systemctl", "start", unit).returncode == 1
        assert check_result(booted, name) == {"Result": "exit-code", "ExecMainStatus": "2"}
        found = metrics(booted, name)
        assert found["pyinspect_check_status"] == 2
        assert found["pyinspect_target_resident_memory_bytes"] > 1 << 20
        proof = booted.succeeds("cat", "/var/lib/pyinspect/proof")
        assert re.search(r"^Seccomp:\s+2$", proof, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", proof, re.MULTILINE)
        assert bin(int(re.search(r"^CapBnd:\s+(\w+)$", proof, re.MULTILINE).group(1), 16)).count(
            "1") == 6
        booted.succeeds("journalctl", "--sync")
        journal = booted.succeeds("journalctl", "--no-pager", "--output=json",
                                  "PYINSPECT_TARGET=unit:%s.service" % name)
        entries = [json.loads(line) for line in journal.splitlines() if line.startswith("{")]
        assert [entry for entry in entries if "MESSAGE_ID" in entry], journal
        # What journald adds, it reads from /proc when it takes a message: the sender may have ended
        # by then. And _EXE of the keeper, which is not dumpable, is not everybody's to read.
        for entry in entries:
            if "_COMM" in entry:
                assert entry["_COMM"] == "pyinspect-keep", entry
                assert entry.get("_CAP_EFFECTIVE", "0") == "0", entry
    finally:
        shutil.rmtree(os.path.join(booted.root, "etc/systemd/system", unit + ".d"))
        booted.succeeds("systemctl", "stop", name)
    # The target is gone: that is no result.
    assert booted.run("systemctl", "start", unit).returncode == 1
    assert check_result(booted, name) == {"Result": "exit-code", "ExecMainStatus": "3"}
    assert metrics(booted, name)["pyinspect_check_status"] == 3


def test_service_checks_firewalld(booted):
    """The real one, of Debian 12: it has no leak. The options are those of the package."""
    booted.put("/etc/pyinspect/check-firewalld.env",
               'PYINSPECT_OPTIONS="--preset firewalld --min-age 0"\n')
    booted.succeeds("systemctl", "start", "firewalld")
    booted.succeeds("systemctl", "start", "pyinspect-check@firewalld.service")
    assert check_result(booted, "firewalld") == {"Result": "success", "ExecMainStatus": "0"}
    assert metrics(booted, "firewalld")["pyinspect_check_status"] == 0
    assert booted.succeeds("firewall-cmd", "--state").strip() == "running"


def test_service_asks_the_bus(booted):
    """Through all walls of the unit; with the capabilities of firewalld's instance."""
    booted.put("/etc/pyinspect/check-slip.env",
               'PYINSPECT_OPTIONS="--preset firewalld --min-age 0"\n')
    booted.put("/etc/systemd/system/pyinspect-check@slip.service.d/caps.conf", booted.read(
        "/lib/systemd/system/pyinspect-check@firewalld.service.d/firewalld.conf"))
    try:
        booted.succeeds("systemctl", "daemon-reload")
        booted.succeeds("systemctl", "start", "slip")
        assert booted.run("systemctl", "start", "pyinspect-check@slip.service").returncode == 1
    finally:
        shutil.rmtree(os.path.join(booted.root,
                                   "etc/systemd/system/pyinspect-check@slip.service.d"))
    assert check_result(booted, "slip")["ExecMainStatus"] == "2"
    found = metrics(booted, "slip")
    assert found["pyinspect_slip_stale_senders"] == found["pyinspect_slip_senders"] == 5000
    assert "pyinspect_slip_dead_matches" in found


def test_timer(booted):
    booted.succeeds("systemctl", "enable", "--now", "pyinspect-check@firewalld.timer")
    shown = booted.succeeds("systemctl", "list-timers", "--output=json",
                            "pyinspect-check@firewalld.timer")
    timer, = json.loads(shown)
    assert timer["activates"] == "pyinspect-check@firewalld.service"
    now = float(booted.succeeds("date", "+%s"))
    assert 0 <= timer["next"] / 1e6 - now <= 31 * 60


def test_removal_leaves_nothing(booted, clean):
    booted.succeeds("systemctl", "enable", "--now", "pyinspect-check@firewalld.timer")
    metric = "/var/lib/prometheus/node-exporter/pyinspect-x.prom"
    booted.put(metric, "# from another day\n")
    booted.purge()
    assert not os.path.exists(os.path.join(booted.root, metric[1:]))
    shutil.rmtree(os.path.join(booted.root, "var/lib/prometheus"))
    left = booted.run("systemctl", "list-units", "--all", "--plain", "--no-legend",
                      "--state=active", "pyinspect*").stdout
    assert not left.strip(), left
    assert booted.listing() == clean
