"""
kill -9 of pyinspect at random moments: the target goes on, nothing of ours lives on.

PYI_KILL_ROUNDS says how often (500), PYI_KILL_SEED which moments.
"""

import os
import random
import statistics
import subprocess
import time

import pytest

import interpreters
import support

ROUNDS = int(os.environ.get("PYI_KILL_ROUNDS", "500"))
SEED = int(os.environ.get("PYI_KILL_SEED", "1"))


@pytest.fixture
def victim():
    # the busy, self-checking one; whoever hears of SIGUSR1 does not matter here
    reader, writer = os.pipe()
    os.close(reader)
    target = support.Target.python(interpreters.any_interpreter(), "waits.py", writer,
                                   pass_fds=(writer,))
    os.close(writer)
    yield target
    target.close()


def duration(pid):
    """How long a run takes, usually: a slow outlier would put most moments after the end."""
    times = []
    for _ in range(15):
        start = time.monotonic()
        process = support.spawn_pyinspect(pid, "top-types")
        assert process.wait(timeout=60) == 0
        times.append(time.monotonic() - start)
    return statistics.median(times)


def test_kill_at_any_moment(victim):
    usual = duration(victim.pid)
    print("seed %d, %d rounds, moments within %.1f ms" % (SEED, ROUNDS, usual * 1000))
    moments = random.Random(SEED)
    threads = support.threads(victim.pid)
    descriptors = support.descriptors(victim.pid)
    before = victim.ask("check")
    killed = 0
    bad = []
    for number in range(ROUNDS):
        moment = moments.uniform(0, usual)
        where = "round %d, after %.3f ms" % (number, moment * 1000)
        process = support.spawn_pyinspect(victim.pid, "top-types")
        if not support.wait_exit(process, moment):
            process.kill()
            killed += 1
        where += ", exit %d" % process.wait(timeout=60)
        assert victim.is_alive(), where
        support.wait_until(lambda: support.is_itself(victim.pid), where + ": stopped or traced")
        support.wait_until(lambda: not support.hidden_children_that_live(victim.pid),
                           where + ": a snapshot lives as child of the target")
        support.wait_until(lambda: not victim.snapshots(), where + ": a snapshot lives")
        noticed = victim.ask("check")["bad"]
        bad += [where + ": " + words for words in noticed[len(bad):]]
    assert not bad, "the target noticed in %d of %d kills:\n%s" % (
        len(bad), killed, "\n".join(bad))
    assert killed > ROUNDS // 4, "hardly a run was killed"

    support.top_types(victim.pid)
    assert victim.hidden_zombies() == [], "a complete run leaves no zombies, old ones neither"
    assert support.threads(victim.pid) == threads
    assert support.descriptors(victim.pid) == descriptors

    def all_go_on():
        rounds = victim.ask("check")["rounds"]
        return all(rounds[name] > count for name, count in before["rounds"].items()
                   if name != "real_time_signals")

    support.wait_until(all_go_on, "every thread makes progress")
    assert victim.ask("check")["bad"] == []


def test_killed_target(start):
    """The target's end in the middle of a run is its own: no snapshot outlives it, no hang."""
    moments = random.Random(SEED)
    usual = None
    codes = set()
    for _ in range(20):
        victim = start(interpreters.any_interpreter(), "mixed.py", 50000)
        usual = usual or duration(victim.pid)
        process = support.spawn_pyinspect(victim.pid, "top-types", stderr=subprocess.PIPE,
                                          text=True)
        support.wait_exit(process, moments.uniform(0, usual))
        victim.process.kill()
        _, words = process.communicate(timeout=60)
        codes.add(process.returncode)
        # not 6: a target that is dead is not one that could not be restored
        assert process.returncode in (0, 1, 3), "exit %d: %s" % (process.returncode, words)
        support.wait_until(lambda: not victim.snapshots(), "no snapshot outlives the target")
        victim.close()
    print("exit codes", codes)
