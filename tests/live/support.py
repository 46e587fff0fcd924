"""
Starts victims, talks to them, runs pyinspect, and compares what /proc says before and after.

Does not judge results of pyinspect: the tests do.
"""

import contextlib
import json
import os
import re
import select
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VICTIMS = os.path.join(HERE, "victims")
PYINSPECT = os.path.abspath(
    os.environ.get("PYINSPECT") or os.path.join(ROOT, "build", "pyinspect"))
SNAPSHOT_NAME = "pyinspect-snap"
MARKER = "PYI_TEST_TARGET"
NO_EXIT_SIGNAL = 0

# Tests read what it says, unless they ask for a form.
os.environ.setdefault("PYINSPECT_FORMAT", "json")


def wait_until(condition, what, seconds=20):
    """Polls a state that has no event to wait for (/proc); returns the first true value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %s s in vain: %s" % (seconds, what))
        time.sleep(0.002)


def run_pyinspect(*arguments, prefix=(), binary=None, timeout=180, **options):
    """Runs it to its end and captures text; to judge the exit code is the caller's."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("stdin", subprocess.DEVNULL)
    command = [*prefix, binary or PYINSPECT, *map(str, arguments)]
    return subprocess.run(command, encoding="utf-8", timeout=timeout, **options)


def assert_valid(command, text, *options):
    """`text` is what the schema of a command says; see tests/schema/validate.py."""
    # Here, because emulated machines have no jsonschema, and ask for nothing of this.
    sys.path.append(os.path.join(ROOT, "tests", "schema"))
    import validate
    sys.path.pop()

    schema = os.path.join(ROOT, "doc", "schema", command + ".schema.json")
    status, why = validate.judge(schema, text.encode(), "--ndjson" in options)
    assert status == 0, why


def spawn_pyinspect(*arguments, prefix=(), stderr=subprocess.DEVNULL, **options):
    """Starts it and throws its output away; see wait_exit()."""
    return subprocess.Popen([*prefix, PYINSPECT, *map(str, arguments)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=stderr, **options)


def wait_exit(process, seconds):
    """True if it ended within that time; precise to the scheduler, unlike Popen.wait()."""
    descriptor = os.pidfd_open(process.pid)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


class PublicFolder(contextlib.AbstractContextManager):
    """A folder (`path`) with copies of files, and of pyinspect (`binary`), for all users."""

    def __init__(self, *files):
        self.path = tempfile.mkdtemp(prefix="pyinspect-test-")
        self.binary = os.path.join(self.path, os.path.basename(PYINSPECT))
        os.chmod(self.path, 0o755)
        for path in (PYINSPECT, *files):
            os.chmod(shutil.copy(path, self.path), 0o755)

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def as_nobody():
    """Command prefix that runs a command as another, unprivileged user; needs root."""
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def top_types(pid, *options):
    """A complete, successful report as the decoded JSON envelope."""
    done = run_pyinspect(pid, "top-types", "--format", "json", *options)
    assert done.returncode == 0, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    return json.loads(done.stdout)


def census(report):
    """{type name: (count, bytes, estimated)} of a report without a limit."""
    result = report["result"]
    rows = {row["type"]: (row["count"], row["bytes"], row.get("estimated", False))
            for row in result["types"]}
    assert len(rows) == len(result["types"]), "a type is listed twice"
    assert result["other"] == {"types": 0, "count": 0, "bytes": 0}
    assert result["objects"] == sum(row[0] for row in rows.values())
    assert result["bytes"] == sum(row[1] for row in rows.values())
    assert result["skipped"] == 0
    return rows


class Target:
    """A process of ours that pyinspect is pointed at; it answers commands line by line."""

    def __init__(self, command, **options):
        self.marker = uuid.uuid4().hex
        environment = dict(os.environ, **options.pop("env", {}))
        environment[MARKER] = self.marker
        environment.pop("PYTHONPATH", None)
        environment.pop("PYTHONHOME", None)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment, bufsize=0, **options)
        self.pid = self.process.pid
        self._buffer = b""

    @classmethod
    def python(cls, interpreter, script, *arguments, **options):
        """Starts victims/SCRIPT and waits until it says READY."""
        prefix = options.pop("prefix", [])
        target = cls(prefix + interpreter.command(os.path.join(VICTIMS, script))
                     + [str(argument) for argument in arguments], **options)
        try:
            target.expect("READY", seconds=180)
        except BaseException:
            target.close()
            raise
        return target

    def read_line(self, seconds=60):
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise AssertionError("pid %d says nothing for %s s" % (self.pid, seconds))
                piece = os.read(self.process.stdout.fileno(), 1 << 20)
                if not piece:
                    raise AssertionError("pid %d ended with status %s" % (self.pid,
                                                                          self.process.wait()))
                self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("utf-8")

    def expect(self, line, seconds=60):
        got = self.read_line(seconds)
        assert got == line, "expected %r, got %r" % (line, got)

    def send(self, command):
        """Sends a line that has no answer."""
        self.process.stdin.write(command.encode() + b"\n")

    def ask(self, command, seconds=60):
        """Sends a line, returns the JSON answer; the victim then blocks in read(0) again."""
        self.process.stdin.write(command.encode() + b"\n")
        answer = json.loads(self.read_line(seconds))
        self.wait_blocked()
        return answer

    def wait_blocked(self):
        """Until the main thread sleeps in a system call (or is gone)."""
        wait_until(lambda: read_stat(self.pid, self.pid)["state"] in "SZ", "target blocks")

    def is_alive(self):
        return self.process.poll() is None

    def close(self):
        """Ends it and whatever snapshot of it might be left, each by its pid."""
        for pid in self.snapshots():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def snapshots(self):
        """
        Living snapshots of this target, orphans too: they carry its environment, and they either
        have the snapshot's name or have no exit signal (a name comes a moment after the clone).
        """
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.pid:
                continue
            try:
                with open("/proc/%s/environ" % entry, "rb") as stream:
                    ours = ("%s=%s" % (MARKER, self.marker)).encode() in stream.read().split(b"\0")
                stat = read_stat(int(entry)) if ours else None
            except OSError:
                continue
            if stat and stat["state"] not in "ZX" and (
                    stat["comm"] == SNAPSHOT_NAME or stat["exit_signal"] == NO_EXIT_SIGNAL):
                found.append(int(entry))
        return found

    def hidden_zombies(self):
        """Dead children without exit signal that nobody has reaped."""
        return [pid for pid in children(self.pid) if is_hidden(pid, "Z")]


def read_text(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        return stream.read()


def read_stat(pid, tid=None):
    """State, name and exit signal; state "X" for what is no longer there."""
    try:
        path = "/proc/%d/stat" % pid if tid is None else "/proc/%d/task/%d/stat" % (pid, tid)
        text = read_text(path)
    except (FileNotFoundError, ProcessLookupError):
        return {"state": "X", "comm": "", "exit_signal": -1}
    name, fields = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
    return {"state": fields[0], "comm": name, "exit_signal": int(fields[35])}


def is_hidden(pid, states):
    stat = read_stat(pid)
    return stat["state"] in states and stat["exit_signal"] == NO_EXIT_SIGNAL


def threads(pid):
    return sorted(int(entry) for entry in os.listdir("/proc/%d/task" % pid))


def children(pid):
    """Of all threads, zombies included."""
    found = []
    for tid in threads(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += read_text("/proc/%d/task/%d/children" % (pid, tid)).split()
    return sorted(int(child) for child in found)


def is_itself(pid):
    """No thread is stopped or traced any more."""
    for tid in threads(pid):
        try:
            if status(pid, tid)["TracerPid"] != "0":
                return False
        except (FileNotFoundError, ProcessLookupError):
            continue
        if read_stat(pid, tid)["state"] in "tT":
            return False
    return True


def hidden_children_that_live(pid):
    return [child for child in children(pid) if is_hidden(child, "RSDtTI")]


def descriptors(pid):
    folder = "/proc/%d/fd" % pid
    return {int(entry): os.readlink(os.path.join(folder, entry)) for entry in os.listdir(folder)}


def maps(pid, path="maps"):
    """The text of maps; where the heap ends and the stack begins is the target's own affair."""
    lines = []
    for line in read_text("/proc/%d/%s" % (pid, path)).splitlines():
        if line.endswith("[heap]"):
            line = re.sub(r"-[0-9a-f]+ ", "-* ", line, count=1)
        elif line.endswith("[stack]"):
            line = re.sub(r"^[0-9a-f]+-", "*-", line)
        lines.append(line)
    return lines


_STATUS_KEYS = ("Name", "Umask", "TracerPid", "Uid", "Gid", "Threads", "SigBlk", "SigIgn", "SigCgt",
                "CapEff", "CapPrm", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Cpus_allowed")
_PENDING_KEYS = ("SigPnd", "ShdPnd")


def status(pid, tid, keys=_STATUS_KEYS):
    pairs = (line.split(":", 1) for line in
             read_text("/proc/%d/task/%d/status" % (pid, tid)).splitlines())
    return {key: value.strip() for key, value in pairs if key in keys}


def snapshot_state(pid, blocked=True, memory=True):
    """
    What a process looks like from outside. With `blocked` (all its threads wait for something
    without a timeout) also positions of files, pending signals, and what each thread waits for:
    system call, arguments, stack pointer and program counter. Without `memory` only the maps of
    files: a busy process maps and unmaps.
    """
    state = {"fds": descriptors(pid), "threads": threads(pid), "children": children(pid)}
    state["maps"] = [line for line in maps(pid) if memory or "/" in line]
    for name in ("oom_score_adj", "coredump_filter", "limits", "cgroup", "personality"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            state[name] = read_text("/proc/%d/%s" % (pid, name))
    for number in state["fds"] if blocked else ():
        state["fdinfo", number] = read_text("/proc/%d/fdinfo/%d" % (pid, number))
    for tid in state["threads"]:
        state["status", tid] = status(pid, tid)
        if blocked:
            state["pending", tid] = status(pid, tid, _PENDING_KEYS)
            state["state", tid] = read_stat(pid, tid)["state"]
            state["syscall", tid] = read_text("/proc/%d/task/%d/syscall" % (pid, tid))
    return state


def settled_state(pid, blocked=True, memory=True):
    """Its state once that no longer changes: just started threads need a moment to block."""
    def twice():
        first = snapshot_state(pid, blocked, memory)
        if blocked and not all(first["state", tid] == "S" for tid in first["threads"]):
            return None
        return first if first == snapshot_state(pid, blocked, memory) else None

    return wait_until(twice, "pid %d settles" % pid)


def differences(before, after):
    return {key: (before.get(key), after.get(key))
            for key in set(before) | set(after) if before.get(key) != after.get(key)}


def assert_same_state(pid, before, blocked=True, memory=True):
    """A thread that was stopped needs a moment until it sleeps again: that may take a while."""
    last = {}

    def same():
        last.clear()
        last.update(differences(before, snapshot_state(pid, blocked, memory)))
        return not last

    with contextlib.suppress(AssertionError):
        wait_until(same, "the same state", seconds=5)
    assert not last, "changed: %s" % last


@contextlib.contextmanager
def assert_untouched(pid, blocked=True, memory=True):
    """Around a run of pyinspect: the process must look the same before and after."""
    before = settled_state(pid, blocked, memory)
    yield
    assert_same_state(pid, before, blocked, memory)
