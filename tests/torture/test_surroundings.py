"""
Tight limits, odd memory, filters: in each of these surroundings the answer is right, or comes from
a mirror, or is refused with the one cause; and the process never notices.
"""

import mmap
import os
import struct

import pytest

import support
from surroundings import (EVERYTHING, LITTLE, as_user, check, check_refused, check_right, group,
                          public, run, surrounded, unharmed)

__all__ = ["group", "public", "surrounded"]  # fixtures

MEGABYTE = 1 << 20
FILTERS = {"errno": 0x00050001, "trap": 0x00030000, "kill": 0x80000000}
UFFD_EVENT_FORK = 1 << 1
CAP_SYS_RESOURCE = 24
LESS_PRIVILEGED = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
# Of the group's limit, so little is left for page tables and for what a snapshot needs.
HEADROOM_BYTES = 3 * MEGABYTE


@pytest.mark.parametrize("name, value", [
    ("STACK", 65536), ("NOFILE", 3), ("MEMLOCK", 0), ("CORE", 0), ("FSIZE", 0), ("NPROC", 0)])
def test_limits_that_do_not_matter(surrounded, name, value):
    """RLIMIT_NPROC is not for root."""
    check(surrounded().enter("limit", name, value), "clone")


@pytest.mark.parametrize("hard", [0, 1])
@pytest.mark.parametrize("name", ["AS", "DATA"])
def test_address_space(surrounded, name, hard):
    """
    A snapshot has its target's limits, and needs room for the walk. They are lifted as far as they
    may be; a mirror has our own.
    """
    target = surrounded().enter("limit", name, 12 * MEGABYTE, hard)
    source = "clone" if not hard or may_lift_limits() else "mirror"
    check(target, source, tasks="fork,memory,pipe")


def may_lift_limits():
    effective = int(support.status(os.getpid(), os.getpid())["CapEff"], 16)
    return bool(effective & 1 << CAP_SYS_RESOURCE)


def test_number_of_processes(surrounded):
    target = surrounded(prefix=as_user(54322)).enter("limit", "NPROC", 1)
    with unharmed(target) as truth:
        error = check_refused(target, "clone-refused", "--source", "clone")
        assert "RLIMIT_NPROC" in error["hint"]
        check_right(target, truth, "mirror")
    assert target.work("fork,thread") == {"fork": "EAGAIN",
                                          "thread": "RuntimeError(\"can't start new thread\")"}


def test_number_of_processes_of_a_group(group, surrounded):
    """pids.max: it is not even tried, for the group counts its refusals."""
    pids = group("pids")
    target = surrounded()
    pids.add(target.pid)
    pids.write("pids.max", 1)
    with unharmed(target) as truth:
        before = pids.read("pids.events")
        error = check_refused(target, "clone-refused", "--source", "clone")
        assert "pids.max" in error["hint"]
        check_right(target, truth, "mirror")
        assert pids.read("pids.events") == before


def test_memory_of_a_group(group, surrounded):
    """
    Near the limit of the target's group a snapshot would bring the OOM killer in. What a mirror
    needs counts in our own group.
    """
    memory = group("memory")
    target = surrounded()
    memory.add(target.pid)
    # What is allocated from now on is charged to the group.
    target.enter("huge-pages")
    target.work(EVERYTHING)
    target.truth()
    memory.write("memory.limit_in_bytes",
                 int(memory.read("memory.usage_in_bytes")) + HEADROOM_BYTES)
    with unharmed(target, "pipe") as truth:
        error = check_refused(target, "cgroup-memory", "--source", "clone")
        assert "cgroup" in error["message"]
        check_right(target, truth, "mirror")
    assert "oom_kill 0" in memory.read("memory.oom_control")
    assert int(memory.read("memory.failcnt")) == 0
    memory.write("memory.limit_in_bytes", 1 << 30)
    check(target, "clone")


@pytest.mark.parametrize("place", [
    "mlockall", "mdwe", "huge-pages", "huge-page-pool", "not-dumpable", "no-sigchld", "subreaper",
    "short-files"])
def test_memory_and_habits(surrounded, place):
    target = surrounded()
    try:
        target.enter(place)
    except pytest.skip.Exception:
        # It is in the list of what this machine lacks; the rest is tested all the same.
        pass
    check(target, "clone")


def test_sparse_memory(surrounded):
    """A terabyte of which two pages are in use: neither source reads the rest."""
    target = surrounded().enter("sparse")
    with unharmed(target) as truth:
        for source in ("clone", "mirror"):
            cost = check_right(target, truth, source, "--source", source)["cost"]
            assert cost["elapsed_ms"] < 5000
            assert cost["longest_pause_ms"] < 500, source


@pytest.mark.parametrize("kind", ["dontfork", "wipeonfork"])
def test_object_that_is_not_copied(surrounded, kind):
    """A clone lacks it, and says so; a mirror has it."""
    target = surrounded()
    with unharmed(target) as truth:
        pass
    target.enter("hole", kind)
    with unharmed(target, count=False):
        done, envelope = run(target, "--scope", "all", "--source", "clone")
        assert done.returncode == 5, done.stderr
        assert envelope["result"]["skipped"] == 1
        assert envelope["warnings"]
        check_plain_types(envelope, truth)
        done, envelope = run(target, "--scope", "all", "--source", "mirror")
        assert done.returncode == 0, done.stderr
        check_plain_types(envelope, truth)


@pytest.mark.parametrize("kind", ["truncated", "no-access", "guard"])
def test_object_that_nobody_can_read(surrounded, kind):
    """The target itself would die of it; it just does not look."""
    target = surrounded()
    with unharmed(target) as truth:
        pass
    target.enter("hole", kind)
    with unharmed(target, count=False):
        for source in ("clone", "mirror"):
            done, envelope = run(target, "--scope", "all", "--source", source)
            assert done.returncode == 5, done.stderr
            assert envelope["access"]["source"] == source
            assert envelope["result"]["skipped"] == 1
            assert envelope["warnings"]
            check_plain_types(envelope, truth)


def check_plain_types(envelope, truth):
    rows = {row["type"]: row["count"] for row in envelope["result"]["types"]}
    plain = {name: row[0] for name, row in truth.items() if name.startswith("mixed.")}
    assert plain and {name: rows.get(name) for name in plain} == plain


def test_shared_memory_is_not_written(surrounded):
    """Not even by a type whose tp_traverse, which runs in snapshots, writes there."""
    descriptor = os.memfd_create("shared")
    os.ftruncate(descriptor, mmap.PAGESIZE)
    with mmap.mmap(descriptor, mmap.PAGESIZE) as memory:
        memory[:8] = struct.pack("=Q", 4711)
        target = surrounded(pass_fds=(descriptor,))
        os.close(descriptor)
        with unharmed(target) as truth:
            pass
        assert target.enter("shared", descriptor)
        with unharmed(target, count=False):
            for source in ("clone", "mirror"):
                done, envelope = run(target, "--scope", "all", "--source", source)
                assert done.returncode == 5, "its type was not asked"
                assert envelope["result"]["skipped"] == 1
                check_plain_types(envelope, truth)
                assert bytes(memory) == struct.pack("=Q", 4711).ljust(mmap.PAGESIZE, b"\0")


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("features", [0, UFFD_EVENT_FORK])
def test_userfaultfd(surrounded, features, kind):
    """Nobody answers the faults: who causes one waits for ever."""
    target = surrounded().enter("faults", features, kind)
    if features:
        with unharmed(target, LITTLE):
            check_refused(target, "userfaultfd", "--source", "clone")
    check(target, "mirror" if features else "clone", tasks=LITTLE)


@pytest.mark.parametrize("everything", [0, 1])
@pytest.mark.parametrize("action", FILTERS)
def test_seccomp(surrounded, public, action, everything):
    """A mirror needs no system call; a filter is read with CAP_SYS_ADMIN."""
    tasks = LITTLE if everything or action != "errno" else LITTLE + ",fork"
    target = surrounded()
    target.truth()
    target.enter("filter", "%x" % FILTERS[action], everything)
    check(target, "mirror", tasks=tasks)
    with unharmed(target, tasks) as truth:
        for prefix in ((), LESS_PRIVILEGED):
            check_refused(target, "seccomp", "--source", "clone", exit_code=3, prefix=prefix)
            check_right(target, truth, "mirror", prefix=prefix)
            error = check_refused(target, "seccomp", "--max-pause", "1ms", exit_code=3,
                                  prefix=prefix)
            assert "--source mirror --max-pause" in error["hint"]


def test_seccomp_strict(surrounded):
    """Only read, write, exit and sigreturn: it cannot even count its objects any more."""
    target = surrounded()
    with unharmed(target) as truth:
        pass
    target.enter("strict")
    with unharmed(target, "pipe", count=False):
        for options in ((), ("--source", "mirror")):
            done, envelope = run(target, *options)
            assert done.returncode == 0, done.stderr
            check_plain_types(envelope, truth)
        check_refused(target, "seccomp", "--source", "clone", exit_code=3, prefix=LESS_PRIVILEGED)


@pytest.mark.parametrize("action", FILTERS)
def test_seccomp_of_one_thread(surrounded, action):
    """The thread that a clone would be run in has a filter; it is run in one that has none."""
    target = surrounded().begin("filtered_thread", FILTERS[action])
    check(target, "clone", blocked=False, memory=False)
    with unharmed(target, blocked=False, memory=False) as truth:
        check_refused(target, "seccomp", "--source", "clone", exit_code=3, prefix=LESS_PRIVILEGED)
        check_right(target, truth, "mirror", prefix=LESS_PRIVILEGED)
    target.end("filtered_thread")
