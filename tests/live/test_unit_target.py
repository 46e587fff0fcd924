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
def cgroup(pid, *above):
    """A cgroup NAME.service below `above` that holds `pid`; yields NAME.service."""
    name = "pyinspect-test-%s.service" % uuid.uuid4().hex[:8]
    for hierarchy in HIERARCHIES:
        home = os.path.join(hierarchy, "cgroup.procs")
        if not os.path.exists(home):
            continue
        made = []
        try:
            for depth in range(len(above) + 1):
                folder = os.path.join(hierarchy, *(above + (name,))[:depth + 1])
                if not os.path.isdir(folder):
                    os.mkdir(folder)
                    made.append(folder)
        except OSError:
            for folder in reversed(made):
                os.rmdir(folder)
            continue
        try:
            with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(pid))
            yield name
        finally:
            with open(home, "w", encoding="ascii") as file:
                file.write(str(pid))
            for folder in reversed(made):
                os.rmdir(folder)
        return
    pytest.skip("no cgroup hierarchy can be written to here")


@pytest.fixture(autouse=True)
def without_systemd():
    """It would have to make the units, and knows nothing of these (tests/packaging asks it)."""
    if os.path.isdir("/run/systemd/system"):
        pytest.skip("systemd runs here")


def test_unit_is_found(start):
    victim = start(interpreters.any_interpreter(), "still.py")
    with cgroup(victim.pid, "system.slice") as unit:
        for name in ("unit:" + unit, "unit:" + unit[:-len(".service")]):
            done = support.run_pyinspect(name, "top-types", "--format", "json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["target"]["pid"] == victim.pid


@pytest.mark.parametrize("above", [(), ("user.slice", "user-1000.slice", "user@1000.service")])
def test_a_tree_of_others_is_no_unit(start, above):
    """Whoever has a cgroup of his own can make one of any name in there."""
    victim = start(interpreters.any_interpreter(), "still.py")
    with cgroup(victim.pid, *above) as unit:
        done = support.run_pyinspect("unit:" + unit, "top-types", "--format", "json")
        assert done.returncode == 3
        assert json.loads(done.stdout)["error"]["code"] == "no-such-unit"
