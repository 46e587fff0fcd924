"""
While pyinspect works: what the kernel says of the process that looks at the target's bytes, and of
the one that keeps files; and which descriptors they hold. What becomes of everything else that the
first one might try is tests/unit/test_worker.c's.
"""

import os
import signal
import subprocess

import pytest

import support
from test_hostile import DISTRIBUTION, folder  # noqa: F401

NOBODY = 65534
NONE = "0000000000000000"
FILE_LIMIT = 64
WORKER = "pyinspect-work"
KEEPER = "pyinspect-keep"
BROKER = "pyinspect-brok"
HINT = "pyinspect-hint"
SYS_PTRACE = 1 << 19


@pytest.fixture
def victim(folder):  # noqa: F811
    """Each of its objects keeps whoever visits it for a while."""
    target = support.Target.python(DISTRIBUTION, "hostile_victim.py", folder, "Endless", 1)
    target.ask("make")
    target.ask("arm")
    yield target
    target.close()


@pytest.fixture
def run(tmp_path):
    """Starts pyinspect with files open that are none of its business; ends it, and all of it."""
    processes = []
    secret = os.open("/etc/shadow", os.O_RDONLY)
    writable = os.open(str(tmp_path / "writable"), os.O_RDWR | os.O_CREAT, 0o600)
    folder_fd = os.open("/", os.O_RDONLY)

    def starter(*arguments):
        processes.append(subprocess.Popen(
            [support.PYINSPECT, *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=(secret, writable, folder_fd)))
        return processes[-1].pid

    yield starter
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    for fd in (secret, writable, folder_fd):
        os.close(fd)


def status_of(pid):
    return dict(line.split(":", 1) for line in
                support.read_text("/proc/%d/status" % pid).splitlines() if ":" in line)


def child(pid, name):
    for one in support.children(pid):
        if support.read_stat(one)["comm"] == name:
            return one
    return None


def descriptors(pid):
    """{number: (what it leads to, its mode)}"""
    found = {}
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            flags = [line for line in support.read_text("/proc/%d/fdinfo/%s" % (pid, name))
                     .splitlines() if line.startswith("flags:")][0]
            found[int(name)] = (os.readlink("/proc/%d/fd/%s" % (pid, name)),
                                int(flags.split()[1], 8) & os.O_ACCMODE)
        except FileNotFoundError:
            pass
    return found


def working(pid):
    """The worker, once it looks into a snapshot."""
    def found():
        worker = child(pid, WORKER)
        if not worker or status_of(worker).get("Seccomp", "").strip() != "2":
            return None
        held = descriptors(worker)
        return worker if any(link.endswith("/mem") for link, _ in held.values()) else None

    return support.wait_until(found, "a worker that looks into a snapshot")


def value(pid, key):
    return status_of(pid)[key].split()


def assert_no_capabilities(pid):
    for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert value(pid, key) == [NONE], key
    assert value(pid, "NoNewPrivs") == ["1"]


def assert_worker(pid, target_pid, channels):
    assert_no_capabilities(pid)
    assert value(pid, "Seccomp") == ["2"]
    for key in ("Uid", "Gid"):
        assert value(pid, key) == 4 * [str(NOBODY)]
    assert value(pid, "Groups") == []
    assert os.readlink("/proc/%d/root" % pid) != "/"
    limits = support.read_text("/proc/%d/limits" % pid)
    for what in ("Max open files", "Max address space", "Max core file size"):
        line = [line for line in limits.splitlines() if line.startswith(what)][0]
        assert "unlimited" not in line, line
    sockets = 0
    held = descriptors(pid)
    assert {0, 1, 2} <= set(held)
    assert len(held) <= FILE_LIMIT
    for fd, (link, mode) in held.items():
        if fd <= 2:
            continue
        if link.startswith("socket:"):
            sockets += 1
            continue
        # Files of the target and of its snapshot, and those that it has mapped; no folders.
        assert mode == os.O_RDONLY, (fd, link)
        assert link.startswith("/") and link != "/", (fd, link)
        if link.startswith("/proc/"):
            assert os.path.basename(link) in ("mem", "maps", "stat", "status", "environ"), link
        else:
            assert " %s" % link in support.read_text("/proc/%d/maps" % target_pid), link
    assert sockets == channels, held


@pytest.mark.skipif(os.geteuid() != 0, reason="who has no rights can give none up")
def test_worker(victim, run):
    pid = run(victim.pid, "top-types")
    worker = working(pid)
    # To the broker, and to who may be asked for a hint.
    assert_worker(worker, victim.pid, channels=2)
    assert child(pid, BROKER) and not child(pid, KEEPER)
    # It can be looked at by nobody but root: it may not be dumped.
    assert os.stat("/proc/%d/mem" % worker).st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="who has no rights can give none up")
def test_keeper(victim, run, tmp_path):
    pid = run(victim.pid, "check", "--preset", "generic", "--max", "list=1000000",
              "--min-age", 0, "--output", tmp_path / "report",
              "--state", tmp_path / "state")
    worker = working(pid)
    keeper = child(pid, KEEPER)
    assert_worker(worker, victim.pid, channels=3)
    assert_no_capabilities(keeper)
    assert value(keeper, "Uid") == 4 * ["0"]
    held = descriptors(keeper)
    sockets = [link for link, _ in held.values() if link.startswith("socket:")]
    assert len(sockets) == 1, held
    for fd, (link, _) in held.items():
        # What it keeps, what a report is written to, the worker's other end, and the folder that
        # says whether the target is still there: no way to any of its files.
        assert (fd <= 2 or link in sockets or link == "/proc/%d" % victim.pid
                or link.startswith((str(tmp_path / "state"), "/memfd:report"))), (fd, link)


@pytest.mark.skipif(os.geteuid() != 0, reason="who has no rights can give none up")
def test_reader(victim, run):
    """It waits to be asked for a hint, has one capability, and no file but what it is asked over."""
    pid = run(victim.pid, "top-types")
    working(pid)
    reader = child(pid, HINT)
    for key, expected in (("CapInh", 0), ("CapPrm", SYS_PTRACE), ("CapEff", SYS_PTRACE),
                          ("CapBnd", 0), ("CapAmb", 0)):
        assert int(value(reader, key)[0], 16) == expected, key
    assert value(reader, "NoNewPrivs") == ["1"]
    assert value(reader, "Seccomp") == ["2"]
    (link, _), = descriptors(reader).values()
    assert link.startswith("socket:")
    assert os.stat("/proc/%d/mem" % reader).st_uid == 0
