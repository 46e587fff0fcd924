"""
All processes of a service: top-types and check of a process with its children, added up; which of
them is unlike the others, and what is left out.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios

import pytest

import interpreters
import support
from test_check import (CRITICAL, FORMS, OK, UNKNOWN, WARNING, WORDS, ask, evidence_folders, run,
                        series, state, validate_form)

__all__ = ["state"]  # a fixture

SESSION = "__main__.Session"
LEAKED = (30, 30, 20000, 30)
# include/uapi/asm-generic/unistd.h: the same on all architectures.
CLONE3 = 435


class Service:
    def __init__(self):
        self.master = support.Target.python(interpreters.any_interpreter(), "prefork.py")
        self.workers = self.master.ask("workers " + " ".join(map(str, LEAKED)))
        self.pids = [self.master.pid, *self.workers]
        self.leaky = self.workers[LEAKED.index(max(LEAKED))]

    def close(self):
        self.master.ask("end")
        self.master.close()


@pytest.fixture(scope="module")
def service():
    service = Service()
    yield service
    service.close()


def top_types(service, *options):
    done = support.run_pyinspect(service.master.pid, "--children", "top-types", *options,
                                 "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid("top-types", done.stdout)
    return json.loads(done.stdout)


def test_types_are_added_up(service):
    report = top_types(service, "-n", "0")
    types = {row["type"]: row for row in report["result"]["types"]}
    assert types[SESSION]["count"] == sum(LEAKED)
    assert "classes" not in types[SESSION]
    group = report["group"]
    assert [member["pid"] for member in group["processes"]] == service.pids
    assert (group["name"], group["left_out"]) == (str(service.master.pid), 0)
    assert report["target"]["pid"] is None
    assert report["target"]["rss_bytes"] == sum(
        member["rss_bytes"] for member in group["processes"])
    assert report["result"]["objects"] == sum(
        member["objects"] for member in group["processes"])
    # Each of them is what it is by itself.
    for member in group["processes"]:
        alone = json.loads(support.run_pyinspect(member["pid"], "top-types", "--json").stdout)
        assert member["objects"] == alone["result"]["objects"]
        assert member["python"] == alone["target"]["python"]


def test_the_one_that_differs_is_told(service):
    first = top_types(service)["group"]["differences"][0]
    assert first == {"pid": service.leaky, "of": SESSION, "count": 20000, "others": 30}
    text = support.run_pyinspect(service.master.pid, "--children", "top-types", "--format",
                                 "table").stdout
    assert "process %d (4 of 5) has 667 times the %s of the others: 20,000 to 30" % (
        service.leaky, SESSION) in text
    assert text.startswith("%d: 5 Python processes\n" % service.master.pid)


def test_all_are_as_they_were(service):
    with support.assert_untouched(service.master.pid), support.assert_untouched(service.leaky):
        top_types(service)


@pytest.mark.parametrize("form", FORMS)
def test_check_is_of_the_worst(service, state, form):
    done = run(service.master.pid, state, "--children", "--max", SESSION + "=100:1000",
               "--max-rss", "1TiB", "--format", form)
    assert done.returncode == CRITICAL, done.stdout + done.stderr
    validate_form(done.stdout, form)
    told = "process %d: %s has 20,000 objects, more than 1,000" % (service.leaky, SESSION)
    if form == "prometheus":
        found = series(done.stdout)
        target = str(service.master.pid)
        assert found['pyinspect_check_status{target="%s"}' % target] == CRITICAL
        assert found['pyinspect_rule_value{target="%s",rule="max-count %s",subject="%s"}' % (
            target, SESSION, SESSION)] == 20000
    else:
        assert told in done.stdout
        assert "has 667 times the" in done.stdout
    if form == "nagios":
        assert done.stdout.startswith("PYINSPECT CRITICAL - process %d: " % service.leaky)
    if form == "json":
        report = json.loads(done.stdout)
        statuses = {one["pid"]: one["status"] for one in report["group"]["processes"]}
        expected = {pid: "ok" for pid in service.pids}
        expected[service.leaky] = "critical"
        assert statuses == expected
        assert len(report["result"]["rules"]) == 2
    # Of the one that leaks, and of no other.
    name, = evidence_folders(state)
    assert "-%d-" % service.leaky in name


def test_check_writes_one_file(service, state, tmp_path):
    path = tmp_path / "metrics.prom"
    done = run(service.master.pid, state, "--children", "--max", SESSION + "=1M", "--format",
               "prometheus", "--output", str(path))
    assert (done.returncode, done.stdout) == (OK, "")
    found = series(path.read_text(encoding="utf-8"))
    assert found['pyinspect_check_status{target="%d"}' % service.master.pid] == OK


def test_a_name_with_a_mistake_is_unknown_in_all(service, state):
    report = ask(service.master.pid, state, "--children", "--max", "__main__.Sesion=5",
                 expected=UNKNOWN)
    assert "there is no such type" in report["result"]["rules"][0]["message"]
    assert report["result"]["rules"][0]["absent"]


def test_what_only_some_of_them_have(service, state):
    """Their master has no such frame: that is not unknown, in it or in all, at the first look either."""
    kept = "frame work local kept"
    report = ask(service.master.pid, state, "--children", "--max-container", kept + "=1M",
                 expected=OK)
    rule, = report["result"]["rules"]
    assert (rule["value"], rule["absent"]) == (max(LEAKED), False)
    assert {one["status"] for one in report["group"]["processes"]} == {"ok"}
    # What one of them lacks is no reason to lose sight of another.
    report = ask(service.master.pid, state, "--children", "--max-container", kept + "=1000",
                 "--no-history", expected=CRITICAL)
    assert "process %d: " % service.leaky in report["result"]["rules"][0]["message"]
    # By itself it may be that the name is wrong.
    rule, = ask(service.master.pid, state, "--max-container", kept + "=1M", "--no-history",
                expected=UNKNOWN)["result"]["rules"]
    assert rule["absent"]


def test_what_goes_to_a_file_is_said_aside(service, state, tmp_path):
    """As in the journal of a unit that has failed."""
    path = str(tmp_path / "metrics.prom")
    for options in (["--children"], []):
        pid = service.master.pid if options else service.leaky
        done = run(pid, state, *options, "--max", SESSION + "=1000", "--format", "prometheus",
                   "--output", path)
        assert (done.returncode, done.stdout) == (CRITICAL, "")
        first, = done.stderr.splitlines()
        assert first.startswith("pyinspect: %d is critical: " % pid)
        assert ("process %d (4 of 5) has 667 times the" % service.leaky in first) == bool(options)
    done = run(service.leaky, state, "--max", SESSION + "=1M", "--output", path)
    assert (done.returncode, done.stdout + done.stderr) == (OK, "")


def test_what_is_no_python_is_left_out(start, state):
    master = start(interpreters.any_interpreter(), "prefork.py")
    try:
        master.ask("sleeper")
        done = support.run_pyinspect(master.pid, "--children", "top-types", "--json")
        # One Python is what is left: a report like that of the process alone.
        support.assert_valid("top-types", done.stdout)
        report = json.loads(done.stdout)
        assert report["target"]["pid"] == master.pid and "group" not in report
        workers = master.ask("workers 1 2")
        report = json.loads(support.run_pyinspect(
            master.pid, "--children", "top-types", "--json").stdout)
        assert [one["pid"] for one in report["group"]["processes"]] == [master.pid, *workers]
        assert report["group"]["left_out"] == 1
        report = ask(master.pid, state, "--children", "--max", SESSION + "=1", expected=CRITICAL)
        assert report["group"]["left_out"] == 1
    finally:
        master.ask("end")


def test_no_python_at_all(start):
    master = start(interpreters.any_interpreter(), "prefork.py")
    try:
        sleeper = master.ask("sleeper")
        other = master.ask("sleeper")
        for pid in (sleeper, other):
            support.wait_until(lambda: comm(pid) == "sleep\n", "exec")
        done = support.run_pyinspect(sleeper, "--children", "top-types", "--json")
        assert done.returncode == 4
        assert json.loads(done.stdout)["error"]["code"] == "not-python"
    finally:
        master.ask("end")


def test_young_workers_are_left_out_of_a_check(start, state):
    """A pre-fork server starts new ones all the time: that is nothing unknown."""
    master = start(interpreters.any_interpreter(), "prefork.py")
    try:
        support.wait_until(lambda: age(master.pid) >= 5, "it is old enough")
        master.ask("workers 1 2")
        done = support.run_pyinspect(master.pid, "--children", "check", "--max-rss", "1TiB",
                                     "--min-age", "4", "--state", state, "--json")
        report = json.loads(done.stdout)
        assert done.returncode == OK, done.stdout
        assert report["target"]["pid"] == master.pid
    finally:
        master.ask("end")


class Reuse(contextlib.AbstractContextManager):
    """A process with a number that another one had."""

    def __init__(self, pid, command):
        # struct clone_args: exit_signal, and set_tid with one number.
        number = ctypes.c_int(pid)
        fields = [0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(number), 1, 0]
        arguments = ctypes.create_string_buffer(struct.pack("11Q", *fields))
        self.pid = ctypes.PyDLL(None, use_errno=True).syscall(
            CLONE3, arguments, len(arguments) - 1)
        if self.pid == 0:
            try:
                os.execv(command[0], command)
            finally:
                os._exit(1)
        if self.pid < 0:
            pytest.skip("cannot choose a number: %s" % os.strerror(ctypes.get_errno()))

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def children_called(pid, name):
    found = []
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as stream:
        for child in map(int, stream.read().split()):
            # Some end meanwhile.
            with contextlib.suppress(OSError):
                found += [child] if comm(child) == name + "\n" else []
    return found


def test_a_number_that_was_used_again(start, tmp_path):
    """Between the list and the look at it a worker has ended, and a stranger has its number."""
    interpreter = interpreters.any_interpreter()
    master = start(interpreter, "prefork.py")
    ready = tmp_path / "ready"
    script = tmp_path / "stranger.py"
    script.write_text("class Stranger:\n    pass\n\n\nkept = [Stranger() for _ in range(9)]\n"
                      "open(%r, 'w').close()\nimport signal\nsignal.pause()\n" % str(ready))
    try:
        workers = master.ask("workers 1 2 3")
        first, *others, last = sorted([master.pid, *workers])
        if last == master.pid:
            pytest.skip("numbers began anew")
        tool = subprocess.Popen([support.PYINSPECT, str(master.pid), "--children", "top-types",
                                 "-n", "0", "--json"], stdout=subprocess.PIPE)
        support.wait_until(lambda: children_called(tool.pid, "pyinspect-work"), "the first look")
        os.kill(tool.pid, signal.SIGSTOP)
        master.ask("drop %d" % last)
        with Reuse(last, interpreter.command(str(script))):
            support.wait_until(ready.exists, "the stranger has started")
            os.kill(tool.pid, signal.SIGCONT)
            report = json.loads(tool.communicate(timeout=60)[0])
        assert [one["pid"] for one in report["group"]["processes"]] == [first, *others]
        assert report["group"]["left_out"] == 1
        assert "__main__.Stranger" not in [row["type"] for row in report["result"]["types"]]
    finally:
        master.ask("end")


@pytest.mark.parametrize("options", [["--children"], []])
def test_who_does_not_read_is_not_waited_for(service, options):
    """Only as long as --timeout says; adding up has its own time, which is more. That the report
    could not be written is nothing to write there, either."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    tool = subprocess.Popen([support.PYINSPECT, str(service.master.pid), *options, "top-types",
                             "-n", "0", "--json", "--timeout", "4"], stdout=writer,
                            stderr=subprocess.PIPE)
    os.close(writer)
    try:
        assert support.wait_exit(tool, 8)
        assert tool.wait() == 1
        assert tool.stderr.read().startswith(b"pyinspect: cannot write the report: ")
    finally:
        tool.kill()
        tool.communicate()
        os.close(reader)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_who_adds_up_has_no_broker(service):
    """It reads what workers have made of bytes of the processes, and may be taken over."""
    reader, terminal = pty.openpty()
    # Whoever writes to it waits.
    termios.tcflow(terminal, termios.TCOOFF)
    tool = subprocess.Popen([support.PYINSPECT, str(service.master.pid), "--children", "top-types",
                             "--json"], stdout=terminal)
    try:
        pid = support.wait_until(lambda: writer_to_terminal(tool.pid), "the report")
        files = [os.readlink("/proc/%d/fd/%s" % (pid, fd))
                 for fd in os.listdir("/proc/%d/fd" % pid)]
        assert not [name for name in files if name.startswith("socket:")]
        support.wait_until(lambda: not children_called(tool.pid, "pyinspect-brok"),
                           "the broker ends")
    finally:
        tool.kill()
        tool.wait()
        os.close(terminal)
        os.close(reader)


def writer_to_terminal(pid):
    """The child of a run that waits for its terminal; the others write to memory."""
    for child in children_called(pid, "pyinspect-work"):
        with contextlib.suppress(OSError):
            with open("/proc/%d/stat" % child, encoding="ascii") as stat:
                waits = stat.read().rsplit(")", 1)[1].split()[0] == "S"
            if waits and os.readlink("/proc/%d/fd/1" % child).startswith("/dev/pts/"):
                return child
    return None


def comm(pid):
    with open("/proc/%d/comm" % pid, encoding="ascii") as stream:
        return stream.read()


def age(pid):
    with open("/proc/uptime", encoding="ascii") as up, \
            open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        started = int(stat.read().rsplit(")", 1)[1].split()[19]) / 100
        return float(up.read().split()[0]) - started


@pytest.mark.parametrize("command", ["path", "referrers", "top-objects", "slip-dbus"])
def test_other_commands_look_at_one(service, command):
    words = [command, SESSION] if command in ("path", "referrers") else [command]
    done = support.run_pyinspect(service.master.pid, "--children", *words)
    assert done.returncode == 2
    assert "does not know --children" in done.stderr


def test_time_that_is_not_enough_is_unknown(service, state):
    report = ask(service.master.pid, state, "--children", "--max-rss", "1TiB", "--timeout", "0.001",
                 expected=UNKNOWN)
    assert report.get("error") or report["result"]["status"] == WORDS[UNKNOWN].lower()


def test_a_warning_of_one_is_one_of_all(service, state):
    report = ask(service.master.pid, state, "--children", "--max", SESSION + "=10000:1M",
                 expected=WARNING)
    assert report["result"]["rules"][0]["value"] == 20000


@contextlib.contextmanager
def traced(pid):
    """As by a debugger, which does not stop it. Whoever looks at it waits for the end of that."""
    seize, detach = 0x4206, 17
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    assert call(seize, pid, None, None) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, 0x40000000)  # __WALL
        assert call(detach, pid, None, None) == 0, os.strerror(ctypes.get_errno())
        os.kill(pid, signal.SIGCONT)


def test_a_slow_one_does_not_use_up_the_time_of_all(service, state):
    """The first one alone would wait for as long as --timeout is."""
    with traced(service.master.pid):
        report = ask(service.master.pid, state, "--children", "--max", SESSION + "=10000:1M",
                     "--timeout", "10")
    rule = report["result"]["rules"][0]
    assert (rule["value"], rule["status"]) == (20000, "warning"), report
    # Each of the others, and what became of that one.
    assert {member["pid"] for member in report["group"]["processes"]} == set(service.workers)
    unknown, = (rule for rule in report["result"]["rules"] if rule["rule"] == "measured")
    assert (unknown["status"], str(service.master.pid) in unknown["message"]) == ("unknown", True)


def test_more_than_a_few_hundred(start):
    """What there is no time for is said of each of them."""
    target = start(interpreters.any_interpreter(), "prefork.py")
    workers = target.ask("workers " + " ".join(260 * ["1"]))
    try:
        done = support.run_pyinspect(target.pid, "--children", "top-types", "-n", "0", "--json",
                                     "--timeout", "3")
        assert done.returncode == 5, done.stdout + done.stderr
        report = json.loads(done.stdout)
        done_pids = {member["pid"] for member in report["group"]["processes"]}
        types = {row["type"]: row["count"] for row in report["result"]["types"]}
        assert len(done_pids) > 3 and types[SESSION] == len(done_pids & set(workers))
        lost = [warning["message"] for warning in report["warnings"]]
        assert len(lost) + len(done_pids) == 261
        assert any("in the time allowed" in message for message in lost)
    finally:
        target.ask("end")
