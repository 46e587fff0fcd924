"""
Puts a Python process into hostile or tight surroundings, lets pyinspect look at it there, and says
what must hold in all of them: a right answer, or a refusal that names its cause; and a process
that looks and works as before.

Does not know the surroundings themselves: the tests do.
"""

import contextlib
import ctypes
import json
import os
import shutil
import subprocess

import pytest

import extension
import interpreters
import support

EVERYTHING = "fork,thread,memory,pipe"
# What a process under a strict filter can still do.
LITTLE = "memory,pipe"
# What this machine cannot do, each with what it is needed for; printed at the end.
LACKING = []
PYTHON = extension.INTERPRETER


def lack(capability):
    """This machine's kernel cannot do that: said in the list, whatever happens to the test."""
    if capability not in LACKING:
        LACKING.append(capability)
    pytest.skip("this machine lacks: " + capability)


def build(folder):
    """The victim's library."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        interpreters.missing("no C compiler is on PATH")
    path = os.path.join(folder, "surroundings.so")
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra",
                    "-Wshadow", "-Wstrict-prototypes", "-Werror", "-shared", "-fPIC", "-pthread",
                    extension.victim("surroundings.c"), "-o", path], check=True)
    os.chmod(path, 0o755)


@pytest.fixture(scope="session")
def public():
    """A folder with the victim and pyinspect that every user can read."""
    scripts = [extension.victim("surrounded.py")] + [
        os.path.join(support.VICTIMS, name) for name in ("commands.py", "mixed.py")]
    with support.PublicFolder(*scripts) as folder:
        build(folder.path)
        yield folder


class Surrounded(support.Target):
    """A process of victims/surrounded.py."""

    def __init__(self, folder, arguments=(), prefix=(), python=None, flags="-sE", **options):
        super().__init__([*prefix, python or interpreters.require(PYTHON).path, flags,
                          os.path.join(folder, "surrounded.py"),
                          os.path.join(folder, "surroundings.so"), *map(str, arguments)],
                         cwd="/", **options)
        self.first = self.pid
        try:
            self.expect("READY")
        except BaseException:
            self.close()
            raise

    def below(self):
        """It was started by a program that stays in between, as unshare(1) does."""
        self.pid = support.wait_until(lambda: support.children(self.first), "its child")[0]
        return self

    def enter(self, name, *arguments):
        answer = self.ask(" ".join(["enter", name, *map(str, arguments)]))
        if answer:
            lack(answer["missing"])
        return self

    def begin(self, worker, *arguments):
        """It goes on while we look: its threads do not all wait."""
        answer = self.ask(" ".join(["begin", worker, *map(str, arguments)]))
        if not answer["begun"]:
            lack("%s: %s" % (worker, answer["result"]))
        return self

    def end(self, worker):
        """Nothing went wrong in it, and it goes on working."""
        before = self.ask("rounds " + worker)["rounds"]
        if worker != "vfork":
            support.wait_until(lambda: self.ask("rounds " + worker)["rounds"] > before,
                               worker + " works")
        answer = self.ask("end " + worker)
        assert answer["result"] == 0 and answer["bad"] == 0, answer
        return answer["rounds"]

    def truth(self):
        return self.ask("truth")["types"]

    def work(self, tasks):
        return self.ask("work " + tasks)


@pytest.fixture
def surrounded(public):
    """Starts victims that end with the test: surrounded(argument..., prefix=[...])."""
    targets = []

    def starter(*arguments, **options):
        targets.append(Surrounded(public.path, arguments, **options))
        return targets[-1]

    yield starter
    for target in targets:
        target.close()


@contextlib.contextmanager
def unharmed(target, tasks=EVERYTHING, blocked=True, memory=True, count=True, settled=True):
    """
    It can do afterwards what it could do before, and looks the same (if it ever looks the same
    twice: `settled`); nothing of ours is left. Gives what the process itself counts, unless it
    cannot do that any more.
    """
    target.work(tasks)
    before = target.work(tasks)
    truth = target.truth() if count else None
    looks = support.assert_untouched(target.pid, blocked, memory)
    with looks if settled else contextlib.nullcontext():
        yield truth
    assert target.is_alive()
    assert support.status(target.pid, target.pid)["TracerPid"] == "0"
    assert target.work(tasks) == before
    assert target.snapshots() == []
    assert target.hidden_zombies() == []


def run(target, *options, **run_options):
    done = support.run_pyinspect(target.pid, "top-types", "--scope", "tracked", "-n", "0",
                                 "--format", "json", "--max-total-pause=60000", *options,
                                 timeout=60, **run_options)
    assert done.stdout, done.stderr
    return done, json.loads(done.stdout)


def check_right(target, truth, source, *options, **run_options):
    """Looks; the figures are those of the process itself, and come from there."""
    done, envelope = run(target, *options, **run_options)
    assert done.returncode == 0, done.stdout[:2000] + done.stderr
    assert envelope["access"]["source"] == source
    assert envelope["access"]["consistent"] is True
    assert envelope["warnings"] == []
    rows = support.census(envelope)
    wrong = {name: (rows.get(name), truth.get(name)) for name in set(rows) | set(truth)
             if name not in rows or name not in truth or rows[name][0] != truth[name][0]
             or (rows[name][1] != truth[name][1] and not rows[name][2])}
    assert not wrong, "(what was found, what there is): %s" % wrong
    return envelope


def check_refused(target, code, *options, exit_code=1, names="", **run_options):
    """Looks in vain: one cause, in words that name it."""
    done, envelope = run(target, *options, **run_options)
    assert done.returncode == exit_code, "exit %d\n%s" % (done.returncode, done.stdout[:2000])
    assert "result" not in envelope
    assert envelope["error"]["code"] == code, envelope["error"]
    assert names in envelope["error"]["message"], envelope["error"]
    return envelope["error"]


def check(target, source, *options, tasks=EVERYTHING, blocked=True, memory=True, **run_options):
    """The usual: a right answer by itself from `source`, and a right one from a mirror."""
    with unharmed(target, tasks, blocked, memory) as truth:
        check_right(target, truth, source, *options, **run_options)
        if source != "mirror":
            check_right(target, truth, "mirror", "--source", "mirror", *options, **run_options)


def load_library(path):
    """For the tests' own use of `sur_probe`."""
    library = ctypes.CDLL(path, use_errno=True)
    library.sur_probe.restype = ctypes.c_long
    library.sur_probe.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_uint64]
    return library


class Group:
    """A control group of one controller (version 1), or of the unified hierarchy ("")."""

    def __init__(self, controller):
        self.path = None
        folder = mounted(controller)
        if folder is None:
            lack("cgroup controller " + controller)
        path = os.path.join(folder, "pyinspect-test-%d" % os.getpid())
        try:
            os.mkdir(path)
        except OSError as error:
            lack("making a %s cgroup: %s" % (controller, error))
        self.path = path

    def remove(self):
        try:
            os.rmdir(self.path)
        except OSError:
            return False
        return True

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as stream:
            stream.write(str(value))

    def read(self, name):
        return support.read_text(os.path.join(self.path, name))

    def add(self, pid):
        self.write("cgroup.procs", pid)


@pytest.fixture
def group():
    """Makes control groups that are gone after the test; to be asked for before `surrounded`."""
    groups = []

    def maker(controller):
        groups.append(Group(controller))
        return groups[-1]

    yield maker
    for one in groups:
        # A process that was just killed leaves its group a moment later.
        support.wait_until(one.remove, "the group is empty")


def mounted(controller):
    """Where that controller is; "" for the unified hierarchy."""
    with open("/proc/self/mounts", encoding="utf-8") as stream:
        for line in stream:
            _, path, kind, options = line.split()[:4]
            if kind == "cgroup" and controller in options.split(","):
                return path
            if kind == "cgroup2" and not controller:
                return path
    return None


def as_user(number):
    """Command prefix: as a user whom nobody else is."""
    return ["setpriv", "--reuid", str(number), "--regid", str(number), "--clear-groups"]
