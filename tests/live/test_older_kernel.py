"""
What a newer kernel gives is asked for, and done without where it is not there: each such call is
made to fail once, and all of them together. The answers are the same.
"""

import json
import os
import random
import signal
import subprocess
import time

import pytest

import interpreters
import older_kernel
import support

pytestmark = pytest.mark.few_interpreters

OBJECTS = 20000
KILLS = 60


@pytest.fixture(scope="module")
def victim():
    target = support.Target.python(interpreters.any_interpreter(), "mixed.py", OBJECTS)
    yield target
    target.close()


@pytest.fixture(scope="module")
def truth(victim):
    return {name: row[0] for name, row in victim.ask("report", 180)["types"].items()}


ONE_BY_ONE = [[name] for name in older_kernel.LACKS]
MOST = [[older_kernel.NO_EMULATION], list(older_kernel.LACKS)]


def name_of(lacks):
    return lacks[0].split(" ")[0] if len(lacks) == 1 else "all"


@pytest.fixture
def prefix(lacks, tmp_path):
    return older_kernel.prefix(tmp_path, *lacks)


@pytest.fixture
def without_emulation(tmp_path):
    return older_kernel.prefix(tmp_path, older_kernel.NO_EMULATION)


def ask(prefix, pid, *arguments):
    done = support.run_pyinspect(pid, *arguments, "--format", "json", prefix=prefix)
    assert done.returncode == 0, "exit %d\n%s%s" % (done.returncode, done.stderr, done.stdout)
    return json.loads(done.stdout)


def tracked(prefix, pid, *options):
    envelope = ask(prefix, pid, "top-types", "--scope", "tracked", "-n", "0", *options)
    assert envelope["access"]["consistent"] is True
    return envelope, {name: row[0] for name, row in support.census(envelope).items()}


@pytest.mark.parametrize("lacks", ONE_BY_ONE + MOST[1:], ids=name_of)
@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_exact(prefix, victim, truth, source):
    with support.assert_untouched(victim.pid):
        envelope, counts = tracked(prefix, victim.pid, "--source", source)
    assert envelope["access"]["source"] == source
    assert counts == truth


@pytest.mark.parametrize("lacks", MOST, ids=name_of)
@pytest.mark.parametrize("arguments", [
    ("top-types", "--scope", "all"), ("referrers", "str", "--depth", "2"), ("referents", "dict"),
    ("path", "__main__.Slots"), ("top-objects",)], ids=lambda words: words[0])
def test_same_answer(prefix, victim, arguments):
    """Each of them walks a snapshot several times, and makes calls of ours in between."""
    assert ask(prefix, victim.pid, *arguments)["result"] == \
        ask((), victim.pid, *arguments)["result"]


@pytest.mark.parametrize("lacks", MOST, ids=name_of)
def test_check(prefix, victim, tmp_path):
    """With the evidence that a critical rule makes it keep."""
    values = set()
    for name, begin in (("new", ()), ("old", prefix)):
        done = support.run_pyinspect(
            victim.pid, "check", "--min-age", "0", "--state", str(tmp_path / name),
            "--max", "__main__.Plain=0:1", "--format", "json", prefix=begin)
        assert done.returncode == 2, done.stdout + done.stderr
        result = json.loads(done.stdout)["result"]
        values.add(result["rules"][0]["value"])
        assert result["history"]["kept"]
        assert {"check.json", "top-types.json", "referrers-1.json", "path-1.json"} <= set(
            os.listdir(result["evidence"]))
    assert len(values) == 1


@pytest.mark.parametrize("what", ["type", "link", "dict"])
def test_walk_that_faults(without_emulation, start, what):
    """It is brought back from a fault, wherever that took place."""
    target = start(interpreters.any_interpreter(), "corrupt.py")
    target.ask("break " + what)
    answers = []
    for prefix in ((), without_emulation):
        with support.assert_untouched(target.pid):
            done = support.run_pyinspect(target.pid, "top-types", "-n", "0", "--format", "json",
                                         prefix=prefix)
        assert done.returncode == 5, done.stdout
        answers.append(json.loads(done.stdout)["result"])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("source", ["clone", "mirror"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed(without_emulation, start, source, number):
    """At any moment: the target goes on, nothing of ours lives on, and the next run is right."""
    target = start(interpreters.any_interpreter(), "mixed.py", OBJECTS)
    counts = {name: row[0] for name, row in target.ask("report", 180)["types"].items()}
    moments = random.Random(1)
    killed = 0
    began = time.monotonic()
    assert tracked(without_emulation, target.pid)[1] == counts
    lasts_s = time.monotonic() - began
    for _ in range(KILLS):
        process = support.spawn_pyinspect(target.pid, "top-types", "--source", source,
                                          prefix=without_emulation)
        if not support.wait_exit(process, moments.uniform(0, lasts_s)):
            process.send_signal(number)
            killed += 1
        process.wait(timeout=60)
        support.wait_until(lambda: support.is_itself(target.pid), "it is itself")
        support.wait_until(lambda: not target.snapshots(), "no snapshot lives")
    assert killed > KILLS // 4
    assert tracked(without_emulation, target.pid)[1] == counts
    assert not target.hidden_zombies()


def test_ended_in_the_middle_of_a_walk(without_emulation, start):
    target = start(interpreters.any_interpreter(), "mixed.py", 1000000)
    # On a machine at work the walk may be over before we hear of the snapshot: it is tried again.
    for _ in range(20):
        process = support.spawn_pyinspect(target.pid, "referrers", "__main__.Slots",
                                          stderr=subprocess.PIPE, prefix=without_emulation)
        support.wait_until(target.snapshots, "a snapshot")
        process.terminate()
        _, words = process.communicate(timeout=30)
        assert support.is_itself(target.pid)
        assert not target.snapshots() and not target.hidden_zombies()
        if process.returncode:
            break
    assert process.returncode == -signal.SIGTERM, words


NOT_A_KERNEL = {
    "ptrace": ["fail ptrace %d" % older_kernel.ENOSYS],
    "process_vm_readv": ["fail process_vm_readv %d" % older_kernel.ENOSYS],
}


@pytest.mark.parametrize("source", ["clone", "mirror"])
@pytest.mark.parametrize("lack", NOT_A_KERNEL)
def test_without_what_it_takes(victim, tmp_path, lack, source):
    """An emulator such as qemu-user, or a kernel without CONFIG_CROSS_MEMORY_ATTACH: said so."""
    prefix = older_kernel.filtered(tmp_path, *NOT_A_KERNEL[lack])
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "top-types", "--source", source, "--format",
                                     "json", prefix=prefix)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "kernel-lacks"
    assert lack in error["message"]
    assert "emulator" in error["hint"]
