"""
A build without libsystemd, SQLite and libunwind: what needs one of them says so, everything else is as
it is.
"""

import json
import os
import shutil
import subprocess
import tempfile

import pytest

import interpreters
import support

LIBRARIES = ("libsystemd", "libsqlite3", "libunwind")


@pytest.fixture(scope="module", name="small")
def _small():
    """Beside the other builds: what it has in common with those ccache has compiled already."""
    for program in ("meson", "ninja", "ldd"):
        if not shutil.which(program):
            pytest.skip("no " + program)
    with tempfile.TemporaryDirectory(prefix="build-optional-", dir=support.ROOT) as folder:
        setup = ["meson", "setup", folder, support.ROOT, "-Dwerror=true", "-Dtests=false"]
        setup += ["-D%s=disabled" % name for name in ("systemd", "sqlite", "libunwind")]
        for command in (setup, ["ninja", "-C", folder]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  encoding="utf-8")
            assert done.returncode == 0, done.stdout[-3000:]
        yield os.path.join(folder, "pyinspect")


@pytest.fixture(name="victim")
def _victim(start):
    return start(interpreters.any_interpreter(), "still.py")


def test_needs_none_of_them(small):
    needed = subprocess.run(["ldd", small], stdout=subprocess.PIPE, check=True,
                            encoding="utf-8").stdout
    assert "libc.so" in needed
    assert not [name for name in LIBRARIES if name in needed]


def test_history_says_so(small):
    done = support.run_pyinspect("history", "--json", binary=small)
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "no-history" and "built without SQLite" in error["message"]
    assert "-Dsqlite=enabled" in error["hint"]


def test_check_goes_on(small, victim, tmp_path):
    done = support.run_pyinspect(victim.pid, "check", "--max-rss", "1TiB", "--min-age", "0",
                                 "--state", tmp_path / "state", "--json", binary=small)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [one["message"] for one in report["warnings"] if "built without SQLite" in one["message"]]


def test_stack_says_so(small, victim):
    done = support.run_pyinspect(victim.pid, "top-types", "-v", "--json", binary=small)
    assert done.returncode == 0
    assert "built without libunwind: stacks are not shown" in done.stderr
    # Nobody has asked for one.
    done = support.run_pyinspect(victim.pid, "top-types", "--json", binary=small)
    assert (done.returncode, done.stderr) == (0, "")


def test_counts_are_the_same(small, victim):
    """What is told of the heap has nothing to do with any of them."""
    def counts(binary):
        done = support.run_pyinspect(victim.pid, "top-types", "-n", "0", "--json", binary=binary)
        assert done.returncode == 0, done.stderr
        return {name: row[:2] for name, row in support.census(json.loads(done.stdout)).items()}
    assert counts(small) == counts(None)


def test_list_remembers(small, tmp_path):
    """It keeps a file of its own, which is no history."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    for known in (False, True):
        done = support.run_pyinspect("list", "--state", state, "--json", binary=small)
        assert done.returncode == 0, done.stderr
        assert bool(json.loads(done.stdout)["result"]["since"]) == known
