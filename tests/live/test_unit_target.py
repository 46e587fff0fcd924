"""
unit:NAME.service: the main process of a systemd unit, found through its cgroup.
"""

import contextlib
import json
import os
import uuid

import pytest

import interpreters
import support

# Where a systemd unit's cgroup is: cgroup v2, its place on hybrid hosts, systemd's own v1 tree.
HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")


@contextlib.contextmanager
def cgroup(pid):
    """A cgroup NAME.service that holds `pid`, as systemd would make it; yields NAME.service."""
    name = "pyinspect-test-%s.service" % uuid.uuid4().hex[:8]
    for hierarchy in HIERARCHIES:
        if not os.path.exists(os.path.join(hierarchy, "cgroup.procs")):
            continue
        folder = os.path.join(hierarchy, name)
        try:
            os.mkdir(folder)
        except OSError:
            continue
        home = os.path.join(hierarchy, "cgroup.procs")
        try:
            with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(pid))
            yield name
        finally:
            with open(home, "w", encoding="ascii") as file:
                file.write(str(pid))
            os.rmdir(folder)
        return
    pytest.skip("no cgroup hierarchy can be written to here")


def test_unit_is_found(start):
    victim = start(interpreters.any_interpreter(), "still.py")
    with cgroup(victim.pid) as unit:
        for name in ("unit:" + unit, "unit:" + unit[:-len(".service")]):
            done = support.run_pyinspect(name, "top-types", "--format", "json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["target"]["pid"] == victim.pid
