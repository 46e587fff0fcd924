"""
pyinspect, its snapshot, and the target are killed at every single system call of pyinspect in turn,
and the user's signals come there: whatever is left over, the target is not harmed.

PYI_LONG=1 does all of it, and thousands of kills at random moments (over an hour). With
PYI_TORTURE=full all calls between the first PTRACE_SEIZE and the last PTRACE_DETACH on a target that
waits; on one that computes, all of those that touch it or come while it is stopped; and some of the
others. Else an eighth of that, evenly. PYI_KILL_SEED chooses the random moments.
"""

import json
import os
import random
import re
import signal
import statistics
import time

import pytest

import spy
import support
from extension import FULL, LONG

SEED = int(os.environ.get("PYI_KILL_SEED", "1"))
# Of what is done with PYI_TORTURE=full, one in so many is.
PART = 1 if FULL else 8
RANDOM_KILLS = 5000 if LONG else 100 // PART
# A call that happens not to be made in a run is tried so often.
TRIES = 4
PROGRESS_EVERY = 20

# The main thread's work first: it computes with the GIL held, so it is what is stopped and
# injected into; or everything waits, and a thread is taken out of its wait.
RUNNING = ("gil compute", "children", "read", "epoll")
WAITING = ("nanosleep", "children", "read", "poll")

# All calls of a run on a target that computes are thousands: too many to do everything to each.
EITHER = WAITING if LONG else RUNNING

# One wait each, to be taken out of: nobody else is there to be injected into.
WAITS = ("poll", "ppoll", "select", "epoll", "nanosleep", "clock_nanosleep",
         "clock_nanosleep absolute", "futex", "read", "semop", "sigwaitinfo", "flock", "children",
         "compute")

# Their calls fail with EINTR when a thread is interrupted, and are then started again by us.
FRAGILE = ("epoll", "semop", "sigwaitinfo")
EINTR = r"gave -1, errno 4$|ended after \d+ ms$"

# Calls that do something to the target, or wait for it.
TOUCHING = re.compile(r"ptrace|process_vm_writev|wait4|kill")
# Calls that are made in every run on the same victim.
STEADY = re.compile(r"ptrace\((SEIZE|DETACH|SETREGSET|SETSIGMASK|SYSCALL|INTERRUPT)\)|"
                    r"process_vm_writev")


def spread(names, count):
    """At most `count` of them, evenly; and of these the part that is to be done."""
    step = max(1, -(-len(names) // count))
    return names[::step * PART]


class Sweep:
    """Shoots at one label after the other, and looks at the victim after each shot."""

    def __init__(self, victim, *options, process=spy.BROKER):
        self.victim = victim
        self.options = options
        self.process = process
        self.hits = 0
        self.never = []
        self.forgiven = 0

    def shoot(self, when, names, check_outcome, number=signal.SIGKILL, at="self", zombies=1):
        for count, name in enumerate(names, 1):
            for _ in range(TRIES):
                # else this run would have one more stop, and its calls other labels
                self.victim.clean()
                outcome = spy.run_under_kill_at([when, name, str(int(number)), at],
                                                self.victim.pid, *self.options,
                                                process=self.process)
                where = "%s at %s of %s" % (signal.Signals(number).name, when, name)
                if outcome.shot != "hit":
                    assert went_by_itself(outcome), (where, outcome)
                if at == "self" and outcome.is_unprotected() and self.victim.kinds[0] in FRAGILE:
                    self.await_end_of_wait()
                self.victim.check("%s, %r" % (where, outcome), zombies)
                if outcome.shot == "hit":
                    self.hits += 1
                    check_outcome(where, outcome)
                    break
            else:
                self.never.append(name)
            if count % PROGRESS_EVERY == 0:
                self.victim.progress()
        self.victim.progress()

    def await_end_of_wait(self):
        """The one harm that doc/safety.md admits: EINTR, if we die within some microseconds."""
        first = self.victim.rounds()[0]
        support.wait_until(lambda: self.victim.rounds()[0] > first, "the wait ends")
        self.forgiven += bool(self.victim.bad())
        self.victim.forgive(EINTR)

    def finish(self, least):
        """A complete run afterwards takes the last zombie away."""
        assert support.top_types(self.victim.pid)["cost"]["residue"] == []
        self.victim.check("after all", zombies=0)
        assert not self.victim.target.snapshots()
        print("%d shots at %s, %d ended with EINTR; never met: %s" % (
            self.hits, self.victim.kinds, self.forgiven, self.never))
        assert self.hits >= least // PART
        assert not [name for name in self.never if STEADY.match(name)], self.never
        assert len(self.never) <= max(3, self.hits // 5), self.never


def went_by_itself(outcome):
    """A run in which nothing was shot at; a target may just be busy, or get no processor."""
    return outcome.end == "exit" and (outcome.number == 0 or (outcome.number == 1 and any(
        '"%s"' % code in outcome.output for code in ("no-injectable-thread", "thread-stuck"))))


def killed(where, outcome):
    assert (outcome.watched_end, outcome.watched_number) == ("signal", signal.SIGKILL), (
        where, outcome)


def sweep_all(victim, dangerous, names, *options, zombies=1):
    """All of the dangerous calls, and some or all of the others, when entered and when left."""
    others = [name for name in names if name not in set(dangerous)]
    print("%d system calls, all of %d" % (len(names), len(dangerous)))
    sweep = Sweep(victim, *options)
    sweep.shoot("entry", spread(dangerous, len(dangerous)), killed, zombies=zombies)
    sweep.shoot("entry", others if LONG else spread(others, 40), killed, zombies=zombies)
    # what exit_group leaves is the end
    after = [name for name in names if not name.startswith("exit_group")]
    sweep.shoot("exit", after if LONG else spread(after, 60), killed, zombies=zombies)
    sweep.finish(least=len(dangerous) * 9 // 10)


def test_killed_at_every_call_on_a_waiting_target():
    with spy.Victim(*WAITING) as victim:
        names = spy.labels(victim.pid)
        sweep_all(victim, spy.window(names), names)


def test_killed_at_every_call_on_a_running_target():
    with spy.Victim(*RUNNING) as victim:
        names = spy.labels(victim.pid)
        worst = set(spy.stops(names))
        # unwinding reads the snapshot's stack word by word, thousands of times
        dangerous = [name for name in spy.window(names) if name in worst or (
            TOUCHING.match(name) and not name.startswith("ptrace(PEEKDATA)"))]
        sweep_all(victim, dangerous, names)


def test_killed_at_every_call_of_a_mirror():
    """Nothing is run in the target: there is never a zombie."""
    with spy.Victim(*RUNNING) as victim:
        option = "--source=mirror"
        names = spy.labels(victim.pid, option)
        window = spy.window(names)
        dangerous = window if LONG else window[::max(1, -(-len(window) // 150))]
        sweep_all(victim, dangerous, names, option, zombies=0)


@pytest.mark.parametrize("kind", WAITS)
def test_killed_while_one_wait_is_interrupted(kind):
    """The only thread of the target is injected into, whatever it is doing."""
    with spy.Victim(kind) as victim:
        names = [name for name in spy.window(spy.labels(victim.pid)) if TOUCHING.match(name)]
        sweep = Sweep(victim)
        sweep.shoot("entry", names if LONG else spread(names, 30), killed)
        sweep.finish(least=10)


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_worker_killed_at_every_call(source):
    """The broker hears of it, and cleans up at once: there is never a zombie."""
    def said(where, outcome):
        killed(where, outcome)
        assert (outcome.end, outcome.number) == ("exit", 1), (where, outcome)
        assert json.loads(outcome.output)["error"]["code"] == "worker-lost", (where, outcome)

    with spy.Victim(*RUNNING) as victim:
        option = "--source=" + source
        names = spy.labels(victim.pid, option, process=spy.WORKER)
        # the report itself may be out already
        last = max(index for index, name in enumerate(names) if name.startswith("recvmsg"))
        names = names[:last]
        sweep = Sweep(victim, option, process=spy.WORKER)
        sweep.shoot("entry", names if LONG else spread(names, 60), said, zombies=0)
        sweep.finish(least=20)


def test_program_killed_at_every_call_of_the_broker():
    """The one that the user sees: the others die with it."""
    def died(where, outcome):
        assert (outcome.end, outcome.number) == ("signal", signal.SIGKILL), (where, outcome)

    with spy.Victim(*RUNNING) as victim:
        names = spy.labels(victim.pid)
        sweep = Sweep(victim)
        sweep.shoot("entry", names if LONG else spread(spy.window(names), 60), died, at="program")
        sweep.finish(least=20)


@pytest.mark.parametrize("kind", FRAGILE)
def test_program_killed_while_one_wait_is_interrupted(kind):
    """The broker writes the registers first: nothing is forgiven here."""
    with spy.Victim(kind) as victim:
        names = spy.interrupted(spy.labels(victim.pid))
        sweep = Sweep(victim)
        sweep.shoot("entry", names, killed, at="program")
        assert sweep.hits > len(names) // 2, (names, sweep.never)
        sweep.finish(least=0)


def test_killed_at_random_moments():
    with spy.Victim(*RUNNING) as victim:
        times = []
        for _ in range(9):
            start = time.monotonic()
            support.top_types(victim.pid)
            times.append(time.monotonic() - start)
        usual = statistics.median(times)
        moments = random.Random(SEED)
        ended = 0
        for number in range(RANDOM_KILLS):
            moment = moments.uniform(0, usual)
            process = support.spawn_pyinspect(victim.pid, "top-types")
            if not support.wait_exit(process, moment):
                process.kill()
            ended += process.wait(timeout=60) == 0
            victim.check("killed after %.3f ms, number %d" % (moment * 1000, number))
            if number % PROGRESS_EVERY == 0:
                victim.progress()
        victim.progress()
        support.top_types(victim.pid)
        victim.check("after all", zombies=0)
        print("%d kills within %.1f ms, %d of them too late" % (RANDOM_KILLS, usual * 1000, ended))
        assert ended < RANDOM_KILLS * 3 // 4


def test_snapshot_killed():
    """An error that says so, or the right result; nothing is left in either case."""
    codes = {}

    with spy.Victim(*WAITING) as victim:
        # no Python code runs there: all results are the same
        expected = support.top_types(victim.pid)["result"]

        def said(where, outcome):
            assert outcome.end == "exit", (where, outcome)
            report = json.loads(outcome.output)
            if outcome.number == 0:
                assert report["result"] == expected, where
            else:
                assert outcome.number == 1, (where, outcome)
                assert report["error"]["code"] == "snapshot-lost", (where, report)
            codes[outcome.number] = codes.get(outcome.number, 0) + 1

        names = spy.snapshot_life(spy.labels(victim.pid))
        sweep = Sweep(victim)
        sweep.shoot("entry", names if LONG else spread(names, 80), said,
                    at="child:%d" % victim.pid, zombies=0)
        sweep.finish(least=40)
    print("exit codes", codes)
    assert codes.get(1, 0) > codes.get(0, 0)


def test_snapshot_killed_before_it_was_seen():
    """Its end is noticed in place of its first stop, and it is reaped."""
    def said(where, outcome):
        assert (outcome.end, outcome.number) == ("exit", 1), (where, outcome)
        error = json.loads(outcome.output)["error"]
        assert error["code"] == "snapshot-lost", (where, error)
        assert "was killed" in error["message"], (where, error)

    with spy.Victim("nanosleep") as victim:
        names = spy.after_clone(spy.labels(victim.pid))
        sweep = Sweep(victim)
        sweep.shoot("exit", spread(names, len(names)), said, at="child:%d" % victim.pid,
                    zombies=0)
        sweep.finish(least=10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT],
                         ids=lambda number: number.name)
def test_interrupted_by_the_user(number):
    """It cleans up: no zombie at all. And it ends by that signal, unless it had finished."""
    ended = {"exit": 0, "signal": 0}

    def cleaned_up(where, outcome):
        ended[outcome.end] += 1
        if outcome.end == "exit":
            assert outcome.number == 0, (where, outcome)
            assert json.loads(outcome.output)["result"]["objects"] > 0, (where, outcome)
        else:
            assert outcome.number == number, (where, outcome)

    with spy.Victim(*EITHER) as victim:
        names = spy.labels(victim.pid)
        sweep = Sweep(victim)
        sweep.shoot("entry", names if LONG else spread(names, 40), cleaned_up, number=number,
                    at="program", zombies=0)
        sweep.finish(least=20)
    print(ended)
    assert ended["signal"] > ended["exit"]


def test_target_killed():
    """Its end is its own: no hang, no snapshot outlives it, and pyinspect says that it is gone."""
    codes = {}
    with spy.Victim(*EITHER) as victim:
        names = spy.labels(victim.pid)
    for name in names if LONG else spread(spy.window(names), 40):
        with spy.Victim(*EITHER) as victim:
            outcome = spy.run_under_kill_at(["entry", name, str(int(signal.SIGKILL)),
                                             str(victim.pid)], victim.pid)
            where = "the target was killed at %s: %r" % (name, outcome)
            if outcome.shot != "hit":
                assert went_by_itself(outcome), where
                continue
            # 0: it had all it needed from the target
            assert outcome.end == "exit" and outcome.number in (0, 1, 3), where
            if outcome.number:
                assert json.loads(outcome.output)["error"]["message"], where
            codes[outcome.number] = codes.get(outcome.number, 0) + 1
            assert victim.target.process.wait(timeout=20) == -signal.SIGKILL, where
            support.wait_until(lambda: not victim.target.snapshots(), where + ": it lives on")
    print("exit codes", codes)
    assert codes.get(3)


