"""
Other releases of Debian: in each the package is built from the tree, installed, used under its
systemd, and removed. In Debian 11 the leak is the real one: firewalld 0.9.3 with python-slip, on the
system bus, found by the package and by the static program.

PYI_SUITES says which (bullseye); each takes some minutes.
"""

import json
import os
import re
import shutil
import uuid

import pytest

import leaky
import support
from debian import MACHINE, Machine, check_result, copy_tree, metrics
from programs import run
from test_package import NOTIFYING, UNIT

SUITES = os.environ.get("PYI_SUITES", "bullseye").split()
# The last that has python-slip.
WITH_SLIP = "bullseye"
CLIENTS = os.path.join(support.ROOT, "tests", "testbed", "clients.py")
BUS = "unix:path=/run/dbus/system_bus_socket"
SENDERS = "slip.dbus.service.Object.senders"
STAYED = 500


def build_depends():
    text = support.read_text(os.path.join(support.ROOT, "debian", "control"))
    listed = re.search(r"^Build-Depends:(.*(?:\n .*)*)", text, re.MULTILINE).group(1)
    return [re.split(r"[\s(:]", one.strip())[0].replace("debhelper-compat", "debhelper")
            for one in listed.split(",")]


class Suite:
    def __init__(self, name, machine):
        self.name = name
        self.machine = machine

    def build(self):
        """In a chroot; the package as the machine knows it."""
        tree = os.path.join(self.machine.root, "root/src/pyinspect")
        os.makedirs(tree)
        copy_tree(tree)
        self.machine.succeeds("sh", "-c", "cd /root/src/pyinspect && DEB_BUILD_OPTIONS=parallel=2 "
                              "dpkg-buildpackage -us -uc -b")
        name, = (name for name in os.listdir(os.path.dirname(tree))
                 if name.startswith("pyinspect_") and name.endswith(".deb"))
        return "/root/src/" + name


@pytest.fixture(scope="module", params=SUITES)
def suite(request):
    if os.geteuid() != 0:
        pytest.skip("needs root: makes a root of its own")
    folder = os.path.join(os.environ.get("TMPDIR") or "/var/tmp",
                          "pyinspect-machine-" + uuid.uuid4().hex[:8])
    os.mkdir(folder, 0o755)
    try:
        done = run(MACHINE, "make", folder, request.param, "python3", "systemd", "systemd-sysv",
                   "dbus", "firewalld", "netbase", "build-essential", *build_depends())
        assert done.returncode == 0, done.stdout[-3000:]
        suite = Suite(request.param, Machine(folder))
        os.remove(os.path.join(folder, "root/usr/sbin/policy-rc.d"))
        package = suite.build()
        machine = suite.machine
        machine.put("/srv/inside.py", support.read_text(os.path.join(
            os.path.dirname(MACHINE), "inside.py")))
        machine.put("/srv/leaky_service.py", support.read_text(leaky.SCRIPT))
        machine.put("/srv/clients.py", support.read_text(CLIENTS))
        machine.put("/srv/unit.py", UNIT)
        machine.put("/etc/systemd/system/leaky.service", NOTIFYING +
                    "ExecStart=/usr/bin/python3 /srv/unit.py %d\n" % (leaky.LIMIT + 1))
        suite.before = machine.listing()
        with machine.booted():
            machine.succeeds("dpkg", "--install", package)
            yield suite
    finally:
        shutil.rmtree(folder)


def test_it_checks(suite):
    done = json.loads(suite.machine.succeeds("python3", "/srv/inside.py", leaky.RULE,
                                             str(leaky.LIMIT + 1)).splitlines()[-1])
    assert (done["before"], done["after"], done["history"]) == (0, 2, 0), done


def test_its_units_check(suite):
    machine = suite.machine
    machine.put("/etc/pyinspect/check-leaky.env",
                'PYINSPECT_OPTIONS="--min-age 0 --max %s"\n' % leaky.RULE)
    machine.succeeds("systemctl", "start", "leaky")
    machine.run("systemctl", "start", "pyinspect-check@leaky.service")
    assert check_result(machine, "leaky") == {"Result": "exit-code", "ExecMainStatus": "2"}
    assert metrics(machine, "leaky")["pyinspect_check_status"] == 2
    machine.succeeds("systemctl", "stop", "leaky")


def test_it_finds_the_leak_of_firewalld(suite, static_program):
    if suite.name != WITH_SLIP:
        pytest.skip("the firewalld of %s does not leak" % suite.name)
    machine = suite.machine
    shutil.copy(static_program, os.path.join(machine.root, "srv", "pyinspect"))
    machine.succeeds("systemctl", "start", "firewalld")
    # A client overlaps with another one once; from then on all stay.
    machine.succeeds("env", "DBUS_SYSTEM_BUS_ADDRESS=" + BUS, "python3", "/srv/clients.py",
                     "second", str(STAYED))
    whole = json.loads(machine.succeeds("pyinspect", "unit:firewalld", "slip-dbus", "--json"))
    assert whole["result"]["stale"] == whole["result"]["senders"] == STAYED + 1

    # It cannot ask the bus, and says so; what it sees in the heap is enough to suspect it.
    report = json.loads(machine.succeeds("/srv/pyinspect", "unit:firewalld", "slip-dbus", "--json"))
    assert report["result"]["verdict"] == "suspect"
    assert report["result"]["senders"] == STAYED + 1 and report["result"]["stale"] is None
    assert [one["code"] for one in report["warnings"]] == ["no-bus"]
    assert report["target"]["python"].startswith("3.9.")
    text = machine.succeeds("/srv/pyinspect", "unit:firewalld", "top-objects", "-n", "5")
    assert "slip.dbus.service.Object.connections_senders" in text
    done = machine.run("/srv/pyinspect", "unit:firewalld", "check", "--no-history", "--min-age", "0",
                       "--max-container", "%s=100" % SENDERS)
    assert done.returncode == 2 and "%s has 501 entries" % SENDERS in done.stdout

    machine.put("/etc/pyinspect/check-firewalld.env",
                'PYINSPECT_OPTIONS="--preset firewalld --min-age 0"\n')
    machine.run("systemctl", "start", "pyinspect-check@firewalld.service")
    assert check_result(machine, "firewalld")["ExecMainStatus"] == "2"
    assert metrics(machine, "firewalld")["pyinspect_slip_stale_senders"] == STAYED + 1
    assert machine.succeeds("firewall-cmd", "--state").strip() == "running"
    machine.succeeds("systemctl", "stop", "firewalld")


def test_it_goes_without_a_trace(suite):
    machine = suite.machine
    with_it = machine.listing()
    assert "usr/bin/pyinspect" in with_it
    machine.purge()
    after = machine.listing()
    left = {path for path in set(after) - set(suite.before) if "pyinspect" in path}
    assert left == {"srv/pyinspect"} & set(after)
