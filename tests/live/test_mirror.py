"""
--source mirror: the same answers as from a clone, and nothing is run in the target; --source auto
takes it where a clone is refused.
"""

import contextlib
import json
import os
import signal
import subprocess

import pytest

import interpreters
import support

OBJECTS = 20000
# How memory is copied and rights are taken away does not depend on the Python; what the payload says may.
below_python = pytest.mark.few_interpreters(unless="kills")


def report(pid, *options):
    return support.top_types(pid, "-n", "0", *options)


def rows(envelope):
    return {row["type"]: (row["count"], row["bytes"]) for row in envelope["result"]["types"]}


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "mixed.py", OBJECTS)
    yield target
    target.close()


@pytest.mark.parametrize("scope", ["tracked", "all"])
def test_same_as_clone(victim, scope):
    clone = report(victim.pid, "--scope", scope, "--source", "clone")
    with support.assert_untouched(victim.pid):
        mirror = report(victim.pid, "--scope", scope, "--source", "mirror")
    assert clone["access"]["source"] == "clone"
    assert mirror["access"]["source"] == "mirror"
    assert mirror["access"]["consistent"] is True
    assert rows(mirror) == rows(clone)
    assert mirror["result"]["frozen"] == clone["result"]["frozen"]


def test_exact(victim):
    truth = victim.ask("report", 180)
    got = {name: row[0] for name, row in
           support.census(report(victim.pid, "--scope", "tracked", "--source", "mirror")).items()}
    assert got == {name: row[0] for name, row in truth["types"].items()}


def referrers(pid, *options):
    done = support.run_pyinspect(pid, "referrers", "str", "-n", "0", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


@below_python
def test_referrers(victim):
    assert referrers(victim.pid, "--source", "mirror") == referrers(victim.pid)


@below_python
def test_nothing_runs_in_it(victim):
    """Of all its threads not one makes a system call, and it gets no child."""
    with open("/proc/%d/task/%d/schedstat" % (victim.pid, victim.pid), encoding="ascii") as stream:
        before = stream.read()
        report(victim.pid, "--source", "mirror")
        stream.seek(0)
        after = stream.read()
    # It is let out of its read() and goes back into it, at the most: a clone costs far more.
    assert int(after.split()[2]) - int(before.split()[2]) <= 4
    assert not support.children(victim.pid)


@below_python
def test_under_load(interpreter, victim):
    """Threads that allocate all the time: what does not change is counted exactly all the same."""
    truth = victim.ask("report", 180)
    victim.ask("load")
    for _ in range(3):
        with support.assert_untouched(victim.pid, blocked=False, memory=False):
            envelope = report(victim.pid, "--scope", "tracked", "--source", "mirror",
                              *interpreter.busy_options())
        assert envelope["access"]["consistent"] is True
        got = rows(envelope)
        for name in ("__main__.Plain", "__main__.Slots", "__main__.Dict"):
            if name in truth["types"]:
                assert got[name][0] == truth["types"][name][0]


@pytest.fixture
def limited(start):
    """A process of a user who may have no more processes, so that clone() fails with EAGAIN."""
    user = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
    scripts = [os.path.join(support.VICTIMS, name) for name in ("still.py", "commands.py")]
    with support.PublicFolder(*scripts) as public:
        target = start(interpreters.any_interpreter(), os.path.join(public.path, "still.py"),
                       prefix=user)
    subprocess.run([*user, "prlimit", "--pid", str(target.pid), "--nproc=1:1"], check=True)
    return target


def test_instead_of_a_clone(limited):
    with support.assert_untouched(limited.pid):
        refused = support.run_pyinspect(limited.pid, "top-types", "--source", "clone")
        envelope = report(limited.pid)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] == "clone-refused"
    assert envelope["access"]["source"] == "mirror"
    assert rows(envelope)["dict"][0] > 0


def test_max_pause_refuses(limited):
    """A copy that takes too long is not made behind the user's back."""
    with support.assert_untouched(limited.pid):
        done = support.run_pyinspect(limited.pid, "top-types", "--max-pause", "1ms")
        asked = support.run_pyinspect(limited.pid, "top-types", "--max-pause", "1ms",
                                      "--source", "mirror")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "clone-refused"
    assert asked.returncode == 1
    error = json.loads(asked.stdout)["error"]
    assert error["code"] == "pause-too-long"
    assert "--source mirror" in error["hint"]


@below_python
def test_bad_source(victim):
    done = support.run_pyinspect(victim.pid, "top-types", "--source", "disk")
    assert done.returncode == 2
    assert "auto, clone or mirror" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed(start, number):
    """Whatever ends pyinspect ends the mirror with it, and lets the target go on."""
    victim = start(interpreters.any_interpreter(), "mixed.py", OBJECTS)
    for delay_ms in range(40):
        process = support.spawn_pyinspect(victim.pid, "top-types", "--source", "mirror")
        helpers = []
        try:
            process.wait(delay_ms / 1000)
        except subprocess.TimeoutExpired:
            # So that none is made between the look and the signal.
            process.send_signal(signal.SIGSTOP)
            support.wait_until(lambda: support.read_stat(process.pid)["state"] in "TZ", "a stop")
            helpers = support.children(process.pid)
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            process.wait(20)
        support.wait_until(lambda: not any(map(lives, helpers)), "the mirror ends")
    with open("/proc/%d/status" % victim.pid, encoding="utf-8") as stream:
        assert "TracerPid:\t0" in stream.read()
    assert victim.ask("report", 180)["types"]


def lives(pid):
    return support.read_stat(pid)["state"] not in "ZX"


@below_python
def test_name(interpreter, victim):
    """It is called what a snapshot is called, so that an administrator knows what it is."""
    seen = set()
    for _ in range(50):
        process = support.spawn_pyinspect(victim.pid, "top-types", "--source", "mirror",
                                          *interpreter.busy_options())
        while process.poll() is None and support.SNAPSHOT_NAME not in seen:
            # It is made by the broker.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                seen |= {support.read_stat(pid)["comm"] for broker in support.children(process.pid)
                         for pid in support.children(broker)}
        assert process.wait(20) == 0
        if support.SNAPSHOT_NAME in seen:
            return
    assert support.SNAPSHOT_NAME in seen
