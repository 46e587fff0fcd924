"""
Targets under seccomp filters from their start, as in containers and units, and under Syscall User
Dispatch: each is cloned if that is harmless, else copied; never is one harmed by a call of ours.

The profiles are in tests/data/seccomp; tests/tools/filtered.c loads them.
"""

import os
import time

import pytest

import spy
import support
from surroundings import (LITTLE, check, check_refused, check_right, public, run, surrounded,
                          unharmed)
from test_kill_everywhere import TOUCHING, Sweep, killed, spread, LONG

__all__ = ["public", "surrounded"]  # fixtures

FILTERED = os.path.join(spy.BUILD, "filtered")
PROFILES = os.path.join(spy.TESTS, "data", "seccomp")
# By what a container or unit has it from.
NAMES = ("docker", "podman", "containerd", "systemd")
# Each would be made in the target, in its clone, or if pyinspect were killed; Python does without.
CALLS = ("clone", "wait4", "prctl", "exit_group", "rt_sigreturn")
KILL = 0x80000000

pytestmark = pytest.mark.skipif(not os.path.exists(FILTERED),
                                reason="the tests were built without libseccomp")


def profile(name):
    return os.path.join(PROFILES, name)


def under(*profiles):
    return [FILTERED, *profiles, "--"]


@pytest.fixture
def rules(tmp_path):
    """Makes a profile of a few rules."""
    def write(*lines):
        path = tmp_path / ("rules%d" % len(list(tmp_path.iterdir())))
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return str(path)
    return write


def filter_count(target):
    return int(support.status(target.pid, target.pid)["Seccomp_filters"])


@pytest.mark.parametrize("name", NAMES)
def test_profile(surrounded, name):
    """As exact as ever, and the same for --source clone."""
    target = surrounded(prefix=under(profile(name)))
    assert filter_count(target) == 1
    check(target, "clone")
    with unharmed(target) as truth:
        check_right(target, truth, "clone", "--source", "clone")


def test_profile_with_threads(surrounded):
    target = surrounded("threads", 20, prefix=under(profile("docker")))
    check(target, "clone")


def test_all_profiles_at_once(surrounded):
    target = surrounded(prefix=under(*map(profile, NAMES)))
    assert filter_count(target) == len(NAMES)
    check(target, "clone")


def test_zombie_of_a_filtered_target_is_reaped(surrounded):
    """One that a pyinspect which was killed has left."""
    target = surrounded(prefix=under(profile("docker")))
    with unharmed(target):
        spy.run_under_kill_at(["entry", "ptrace(DETACH)#1", "9", "self"], target.pid)
        support.wait_until(lambda: target.hidden_zombies() or not target.snapshots(), "its end")
        run(target)
        assert not target.hidden_zombies()


@pytest.mark.parametrize("action", ["kill", "kill-thread", "trap", "fail 1", "trace", "notify"])
@pytest.mark.parametrize("call", CALLS)
def test_call_that_is_not_allowed(surrounded, rules, call, action):
    """Whoever listens never answers."""
    word, *number = action.split()
    target = surrounded(prefix=under(rules("default allow", " ".join([word, call, *number]))))
    began = time.monotonic()
    check(target, "mirror", tasks=LITTLE)
    with unharmed(target, LITTLE):
        error = check_refused(target, "seccomp", "--source", "clone", exit_code=3)
    assert "--source mirror" in error["hint"]
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("rule", ["log clone", "fail close_range 38", "kill close_range",
                                  "kill clone 0 & 0x7e020000 == 0x10000000", "kill unshare"])
def test_rule_that_does_not_matter(surrounded, rules, rule):
    """A clone without close_range() shares the table of descriptors."""
    check(surrounded(prefix=under(rules("default allow", rule))), "clone", tasks="memory,pipe")


def test_clone_from_one_place_only(surrounded):
    """It is not the one that we would use; what the process does itself is clone3()."""
    check(surrounded(prefix=[FILTERED, "--clone-only-at", "0x1000", "--"]), "mirror",
          tasks=LITTLE)


@pytest.mark.parametrize("wait", ["poll", "nanosleep", "futex", "clock_nanosleep"])
def test_interrupted_wait_is_not_restarted_by_a_forbidden_call(rules, wait):
    """The kernel would, with restart_syscall()."""
    with spy.Victim(wait, prefix=under(rules("default allow", "kill restart_syscall"))) as victim:
        for source in ("clone", "mirror") * 5:
            support.top_types(victim.pid, "--source", source)
        victim.progress()
        victim.check("after all", zombies=0)


def test_filter_of_the_main_thread(surrounded):
    """Calls are run in one of the others."""
    target = surrounded("threads", 3)
    target.truth()
    target.enter("filter", "%x" % KILL, 0)
    check(target, "clone", tasks=LITTLE)


def test_filter_of_all_threads(surrounded):
    """One thread gives it to all."""
    target = surrounded("threads", 3)
    target.truth()
    target.enter("filter", "%x" % KILL, 0, 1)
    check(target, "mirror", tasks=LITTLE)
    with unharmed(target, LITTLE):
        check_refused(target, "seccomp", "--source", "clone", exit_code=3)


@pytest.mark.parametrize("blocked", [0, 1])
def test_user_dispatch(surrounded, blocked):
    """Its handler makes each call, or could any moment."""
    target = surrounded()
    target.enter("dispatch", blocked)
    check(target, "mirror", tasks=LITTLE)
    with unharmed(target, LITTLE) as truth:
        check_refused(target, "user-dispatch", "--source", "clone")
        check_right(target, truth, "mirror")


def test_killed_at_every_call_on_a_filtered_target():
    """Also by the guard nothing is called that is not allowed: that would be the end."""
    kinds = ("gil compute", "read", "epoll")
    with spy.Victim(*kinds, prefix=under(profile("docker"))) as victim:
        names = [name for name in spy.window(spy.labels(victim.pid))
                 if TOUCHING.match(name) and not name.startswith("ptrace(PEEKDATA)")]
        sweep = Sweep(victim)
        sweep.shoot("entry", names if LONG else spread(names, 80), killed)
        sweep.finish(least=10)
