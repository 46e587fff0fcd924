"""
Where a process lives, and who else has a hand on it: namespaces, chroot, replaced files, other
users, other tracers, freezers, and processes that fork, exec and end while they are looked at.
"""

import contextlib
import ctypes
import mmap
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import extension
import interpreters
import support
from surroundings import (EVERYTHING, LACKING, LITTLE, Surrounded, as_user, check, check_refused,
                          check_right, group, lack, load_library, mounted, public, run, surrounded,
                          unharmed)

__all__ = ["group", "public", "surrounded"]  # fixtures

ROUNDS = 400 if extension.LONG else 8
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
SYSCALL_RETURN = b"\x0f\x05\xc3"

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long

NAMESPACES = {
    "user": ["--user", "--map-root-user"],
    "net-uts-ipc": ["--net", "--uts", "--ipc"],
    "mount": ["--mount"],
    "cgroup": ["--cgroup"],
}
# Those that only a child gets into: it is process 1 of a pid namespace.
NAMESPACES_OF_A_CHILD = {
    "pid": ["--pid"],
    "pid-proc": ["--pid", "--mount-proc"],
    "time": ["--time", "--boottime", "100000", "--monotonic", "100000"],
    "all": ["--user", "--map-root-user", "--pid", "--mount", "--net", "--uts", "--ipc", "--cgroup"],
}


def unshare(*options):
    if subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL).returncode:
        lack("unshare " + " ".join(options))
    return ["unshare", *options]


@pytest.mark.parametrize("name", NAMESPACES)
def test_namespaces(surrounded, name):
    check(surrounded(prefix=unshare(*NAMESPACES[name])), "clone")


@pytest.mark.parametrize("name", NAMESPACES_OF_A_CHILD)
def test_namespaces_of_a_child(surrounded, name):
    prefix = unshare("--fork", "--kill-child", *NAMESPACES_OF_A_CHILD[name])
    check(surrounded(prefix=prefix).below(), "clone")


@pytest.mark.parametrize("who", ["main", "thread"])
def test_children_in_another_pid_namespace(surrounded, who):
    """
    The first of them is process 1 there, and nobody can be made there when that has ended: it must
    not be ours.
    """
    target = surrounded().enter("children-elsewhere", who)
    with unharmed(target, LITTLE) as truth:
        error = check_refused(target, "pid-namespace", "--source", "clone")
        assert "mirror" in error["hint"]
        check_right(target, truth, "mirror")
    assert target.work("fork") == {"fork": 7 << 8}
    # Now there has been a process 1.
    with unharmed(target, LITTLE) as truth:
        check_refused(target, "pid-namespace", "--source", "clone")
        check_right(target, truth, "mirror")


LEFT_IN_A_NAMESPACE = """
import ctypes, os, platform, sys

CLONE_NEWPID, PR_SET_NAME = 0x20000000, 15
libc = ctypes.CDLL(None, use_errno=True)
own = os.open("/proc/self/ns/pid", os.O_RDONLY)
if libc.unshare(CLONE_NEWPID):
    os.write(1, b"LACKING\\n")
    sys.exit()
child = libc.syscall({"x86_64": 56, "aarch64": 220}[platform.machine()], 0, 0, 0, 0, 0)
if child == 0:
    libc.prctl(PR_SET_NAME, b"pyinspect-snap", 0, 0, 0)
    libc._exit(0)
assert child > 1 and libc.setns(own, CLONE_NEWPID) == 0
os.write(1, b"READY\\n")
os.read(0, 1)
"""


def test_left_in_another_pid_namespace():
    """A dead snapshot is reaped by its number in the target's namespace, not in its own."""
    program = interpreters.require(extension.INTERPRETER).path
    target = support.Target([program, "-SEc", LEFT_IN_A_NAMESPACE])
    try:
        if target.read_line() != "READY":
            lack("unshare --pid")
        support.wait_until(target.hidden_zombies, "it is dead")
        done, envelope = run(target)
        assert done.returncode == 0, done.stdout
        assert envelope["access"]["source"] == "clone"
        assert target.hidden_zombies() == []
    finally:
        target.close()


def test_from_within_a_user_namespace(surrounded, public):
    """Root there is nobody here."""
    target = surrounded()
    inside = [*as_user(65534), *unshare("--user", "--map-root-user")]
    with unharmed(target):
        error = check_refused(target, "other-user-namespace", exit_code=3, prefix=inside,
                              binary=public.binary)
        assert error["hint"]


def test_empty_root_without_proc(surrounded, tmp_path):
    target = surrounded()
    target.work(EVERYTHING)
    check(target.enter("chroot", tmp_path), "clone")


def test_no_proc_there(surrounded):
    script = "mount -t tmpfs none /proc && exec \"$@\""
    check(surrounded(prefix=[*unshare("--mount"), "sh", "-c", script, "sh"]), "clone")


def copy_of(interpreter, folder):
    """(a copy of its program and of its libpython, if it has one; environment to run it in)"""
    program = os.path.join(folder, "python3")
    shutil.copy(os.path.realpath(interpreter.path), program)
    asked = subprocess.run(["ldd", interpreter.path], stdout=subprocess.PIPE, text=True, check=True)
    found = re.search(r"(libpython\S+) => (\S+)", asked.stdout)
    libraries = []
    if found:
        libraries.append(shutil.copy(found.group(2), os.path.join(folder, found.group(1))))
    prefix = os.path.dirname(os.path.dirname(interpreter.path))
    return program, libraries, ["env", "LD_LIBRARY_PATH=" + folder, "PYTHONHOME=" + prefix]


@contextlib.contextmanager
def replaceable(public, interpreter):
    """A victim that runs on a copy of an interpreter; (it, the files of the copy)."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program, libraries, environment = copy_of(interpreter, folder)
        target = Surrounded(public.path, prefix=environment, python=program, flags="-s")
        try:
            yield target, [program, *libraries]
        finally:
            target.close()


def shared_interpreter():
    """One with a libpython of its own."""
    for interpreter in reversed(interpreters.EXPECTED):
        if interpreter.path and b"libpython" in subprocess.run(
                ["ldd", interpreter.path], stdout=subprocess.PIPE, check=True).stdout:
            return interpreter
    return lack("an interpreter with a shared libpython")


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_upgraded_while_it_runs(public, how, shared):
    """Its program (and libpython) has another file's name now, or none."""
    interpreter = shared_interpreter() if shared else extension.INTERPRETER
    with replaceable(public, interpreter) as (target, files):
        assert len(files) == 1 + shared
        for path in files:
            os.unlink(path)
            if how == "replaced":
                shutil.copy(shutil.which("true"), path)
        check(target, "clone")


def test_other_user(surrounded, public):
    target = surrounded()
    with unharmed(target):
        check_refused(target, "other-user", exit_code=3, prefix=as_user(65534),
                      binary=public.binary)


@pytest.mark.parametrize("place, source", [("", "clone"), ("mdwe", "clone"), ("sparse", "clone")])
def test_without_privileges(surrounded, public, place, source):
    """Everything belongs to an ordinary user, who has no capability."""
    target = surrounded(prefix=as_user(54323))
    if place:
        target.enter(place)
    check(target, source, prefix=as_user(54323), binary=public.binary)


def test_not_dumpable_without_privileges(surrounded, public):
    target = surrounded(prefix=as_user(54324)).enter("not-dumpable")
    with unharmed(target):
        check_refused(target, "not-dumpable", exit_code=3, prefix=as_user(54324),
                      binary=public.binary)


def ptrace(request, tid):
    if LIBC.ptrace(request, tid, None, None) == -1:
        raise OSError(ctypes.get_errno(), "ptrace %#x" % request)


@contextlib.contextmanager
def traced(tid, stop):
    """By us, and stopped or not."""
    ptrace(PTRACE_SEIZE, tid)
    if stop:
        ptrace(PTRACE_INTERRUPT, tid)
        os.waitpid(tid, WALL)
    try:
        yield
    finally:
        if not stop:
            ptrace(PTRACE_INTERRUPT, tid)
            os.waitpid(tid, WALL)
        ptrace(PTRACE_DETACH, tid)


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("source", ["auto", "mirror"])
def test_traced_already(surrounded, source, stop):
    target = surrounded()
    before = target.work(EVERYTHING)
    with traced(target.pid, stop):
        check_refused(target, "already-traced", "--source", source, exit_code=3,
                      names=str(os.getpid()))
    assert target.work(EVERYTHING) == before
    check(target, "clone")


@pytest.mark.parametrize("source", ["auto", "mirror"])
def test_traced_in_another_thread(surrounded, source):
    """Of the main thread the kernel says that nobody traces it."""
    target = surrounded().begin("vectors")
    tid = [tid for tid in support.threads(target.pid) if tid != target.pid][0]
    with traced(tid, False):
        assert support.status(target.pid, target.pid)["TracerPid"] == "0"
        check_refused(target, "already-traced", "--source", source, exit_code=3,
                      names=str(os.getpid()))
    check(target, "clone", blocked=False, memory=False)
    target.end("vectors")


def all_in(target, states):
    return all(support.read_stat(target.pid, tid)["state"] in states
               for tid in support.threads(target.pid))


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_stopped(surrounded, source):
    """It is looked at, and is stopped after that as before."""
    target = surrounded("threads", 3)
    with unharmed(target) as truth:
        os.kill(target.pid, signal.SIGSTOP)
        support.wait_until(lambda: all_in(target, "T"), "it stops")
        try:
            check_right(target, truth, source, "--source", source)
            support.wait_until(lambda: all_in(target, "T"), "it is stopped again")
        finally:
            os.kill(target.pid, signal.SIGCONT)


def freeze(frozen, target):
    """Freezes the group; returns how to thaw it."""
    frozen.add(target.pid)
    if os.path.exists(os.path.join(frozen.path, "cgroup.freeze")):
        frozen.write("cgroup.freeze", 1)
        support.wait_until(lambda: "frozen 1" in frozen.read("cgroup.events"), "it is frozen")
        return lambda: frozen.write("cgroup.freeze", 0)
    frozen.write("freezer.state", "FROZEN")
    support.wait_until(lambda: frozen.read("freezer.state") == "FROZEN\n", "it is frozen")
    return lambda: frozen.write("freezer.state", "THAWED")


@pytest.mark.parametrize("worker", [None, "vectors"])
@pytest.mark.parametrize("controller", ["freezer", ""])
def test_frozen(group, surrounded, controller, worker):
    """Right, or refused; not waited for until somebody thaws it."""
    frozen = group(controller)
    target = surrounded()
    if worker:
        target.begin(worker)
    target.work(EVERYTHING)
    before = target.work(EVERYTHING)
    truth = target.truth()
    thaw = freeze(frozen, target)
    try:
        check_refused(target, "frozen", "--source", "clone")
        for source in ("auto", "mirror"):
            envelope = check_right(target, truth, "mirror", "--source", source)
            assert envelope["cost"]["elapsed_ms"] < 5000
    finally:
        thaw()
    assert target.work(EVERYTHING) == before
    if worker:
        target.end(worker)
    check(target, "clone")


def test_probed_gadgets(surrounded, public):
    """
    Kernel breakpoints on the very instructions that injected calls would use: on all but one, then
    on all of them.
    """
    if os.uname().machine != "x86_64":
        lack("x86_64: where a system call and a return follow each other in the C library")
    try:
        kind = int(support.read_text("/sys/bus/event_source/devices/uprobe/type"))
    except FileNotFoundError:
        lack("uprobes")
    library = load_library(os.path.join(public.path, "surroundings.so"))
    target = surrounded()
    places = gadgets(target)
    assert len(places) > 1
    with contextlib.ExitStack() as probes:
        # The kernel itself kills children that are made at a probed system call.
        with unharmed(target, LITTLE) as truth:
            for number, (path, offset) in enumerate(places):
                if number == len(places) - 1:
                    check_right(target, truth, "clone")
                    check_right(target, truth, "mirror", "--source", "mirror")
                probe = library.sur_probe(kind, target.pid, path.encode(), offset)
                assert probe >= 0, os.strerror(-probe)
                probes.callback(os.close, probe)
            check_refused(target, "no-gadget", names="syscall; ret")
    check(target, "clone")


def gadgets(target):
    """[(file, where in it)] of what pyinspect looks for in executable memory."""
    found = []
    for line in support.read_text("/proc/%d/maps" % target.pid).splitlines():
        words = line.split()
        if len(words) < 6 or words[1] != "r-xp" or not words[5].startswith("/"):
            continue
        start, end = (int(one, 16) for one in words[0].split("-"))
        first = int(words[2], 16)
        with open(words[5], "rb") as file, \
                mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as text:
            at = text.find(SYSCALL_RETURN, first, first + end - start)
            while at >= 0:
                found.append((words[5], at))
                at = text.find(SYSCALL_RETURN, at + 1, first + end - start)
    return found


RESTLESS = """
import os, sys, time
mode, rounds = sys.argv[1], int(sys.argv[2])
kept = [[number] for number in range(1000)]
if rounds == 0 or mode != "exec":
    os.write(1, b"READY\\n")
if mode == "exit":
    os.read(0, 1)
    os._exit(3)
if mode == "exec" and rounds < 2000:
    os.execv(sys.executable, [sys.executable, "-SEc", sys.argv[3], mode, str(rounds + 1),
                              sys.argv[3]])
while mode == "fork":
    child = os.fork()
    if child == 0:
        os._exit(5)
    assert os.waitpid(-1, 0) == (child, 5 << 8), "not our child"
"""


@contextlib.contextmanager
def restless(mode):
    program = interpreters.require(extension.INTERPRETER).path
    target = support.Target([program, "-SEc", RESTLESS, mode, "0", RESTLESS])
    try:
        target.expect("READY")
        yield target
    finally:
        target.close()


def test_forks_all_the_time():
    """Its own children are the only ones it sees."""
    with restless("fork") as target:
        for _ in range(ROUNDS):
            done, envelope = run(target)
            assert done.returncode == 0, done.stdout
            rows = {row["type"]: row["count"] for row in envelope["result"]["types"]}
            assert rows["list"] >= 1000
        assert target.is_alive(), "it saw another child than its own"
        assert target.snapshots() == []


def test_starts_programs_all_the_time():
    """It becomes another Python again and again: any of them is right, or there is a reason."""
    with restless("exec") as target:
        for _ in range(ROUNDS):
            done, envelope = run(target)
            assert done.returncode in (0, 1, 3, 4), done.stdout
            if done.returncode:
                assert envelope["error"]["message"]
            assert target.is_alive()
            assert target.snapshots() == []
    assert done is not None


def test_ends_meanwhile():
    """It has its own exit code, and pyinspect says that it has gone or what it found before."""
    for round_number in range(ROUNDS):
        with restless("exit") as target:
            process = support.spawn_pyinspect(target.pid, "top-types", stderr=subprocess.PIPE)
            support.wait_exit(process, 0.0015 * (round_number % 12))
            target.send("")
            assert target.process.wait(timeout=20) == 3
            message = process.communicate(timeout=20)[1].decode()
            assert process.returncode in (0, 3), message
            assert target.snapshots() == []


def untestable():
    """What no test of surroundings can have here, and why."""
    yield "vm.overcommit_memory=2: it is one setting for the whole machine"
    yield "huge pages used up while the target needs them: their pool is the whole machine's"
    if not os.path.exists("/proc/sys/kernel/yama/ptrace_scope"):
        yield "Yama: this kernel has none"
    if "user_shstk" not in support.read_text("/proc/cpuinfo"):
        yield "shadow stacks: this kernel, or this processor, has none"
    unified = mounted("")
    controllers = support.read_text(unified + "/cgroup.controllers") if unified else ""
    if "memory" not in controllers.split():
        yield "memory.oom.group: the memory controller is not in the unified hierarchy"


def test_what_this_machine_lacks(capsys):
    """Always passes: so that it can be read what the others could not do."""
    with capsys.disabled():
        print()
        for capability in [*LACKING, *untestable()]:
            print("not tested here: " + capability)
