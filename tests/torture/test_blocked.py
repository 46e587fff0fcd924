"""
Threads that wait in some ninety ways, and pyinspect attaching meanwhile: each call must give what
it gives in a process that nobody looks at, when it gives it there. Calls that cannot be
interrupted without harm are not interrupted.

In a crowd pyinspect has its choice among the threads. Alone, a thread is the only one that can be
asked to run pyinspect's system calls (who listens to commands waits in tee(2), which may not be
interrupted): so each call that can be interrupted is, twice in each attach.

PYI_LONG=1: each mode alone on the machine, too, with PYI_ATTACHES (50) attaches.
"""

import collections
import concurrent.futures
import contextlib
import json
import os
import statistics
import time

import pytest

import extension
import interpreters
import support

ATTACHES = 5
LONG_ATTACHES = int(os.environ.get("PYI_ATTACHES", "50"))
# A wait may not end before its time. How late a thread gets a processor is the machine's affair:
# twice what it is for those that nobody touches comes on top.
EARLY_SECONDS = 0.005
LATE_SECONDS = 0.15
# An event may have to wait for a lot of data to be moved.
EVENT_LATE_SECONDS = 1.0
# What an attach may add to the time of its stops: rests of timeouts that are rounded up, twice.
LATE_SECONDS_PER_ATTACH = 0.01
CROWD_SECONDS = 1.5
# Above two seconds some of the kernel's timers are coarse: a quarter of a second.
ALONE_SECONDS = 1.9
# No attach begins so short before a timeout, and so many must be over before that even on a machine
# that is busy with other things.
RESERVE_SECONDS = 0.5
LEAST_ATTACHES = 1
# On a machine that is too busy for that, those that were missed are tried again, fewer at a time.
TRIES = 3
# Who never blocks, alone, is waited for up to half a second in each stop.
BUSY_ATTACHES = 2
LEFT_ALONE_EVERY = 3
# Of ppoll() and the like that an event ends: see extension/poll_modes.c
LONG_TIMEOUT_SECONDS = 100
# Those with a timeout, which all of their attaches must come before; the others wait for us.
ALONE_AT_ONCE = 18
SETTLED_LOOKS = 5
WORKERS = os.cpu_count() or 1
SAME = ("result", "errno", "data", "handled")


class Mode:
    """See enum mode_end and enum mode_care of extension/blocking.h."""

    def __init__(self, name, end, care):
        self.name = name
        self.end = end
        self.care = care


# A run of pyinspect: when it was over, how, for how long it had stopped the process, and what the
# threads had done until then.
Attach = collections.namedtuple("Attach", "seconds code words stopped_seconds activity")


class Blocked(support.Target):
    """A process of victims/blocked.py with jobs of its own, and what was done to it."""

    def __init__(self, folder, role, busy=False):
        super().__init__([interpreters.require(extension.INTERPRETER).path, "-sE",
                          extension.victim("blocked.py"), str(folder), role],
                         env={"TMPDIR": str(folder)})
        self.busy = busy
        self.attaches = []
        self.spawned = None
        self.last_code = 0
        self.threads = {}
        self.before = {}

    def ask(self, command, seconds=90):
        """Does not wait for the main thread: it may be in a call that looks uninterruptible."""
        self.send(command)
        return json.loads(self.read_line(seconds))

    def begin(self):
        self.threads = self.ask("begin")
        # the half of something that has just come through the kernel may still wake its reader
        looks = []

        def settled():
            looks.append(self.activity())
            return len(looks) >= SETTLED_LOOKS and (
                looks[-SETTLED_LOOKS:] == SETTLED_LOOKS * looks[-1:])

        if not self.busy:
            support.wait_until(settled, "all threads sleep")
        self.before = looks[-1] if looks else {}

    def activity(self):
        """What the scheduler has counted for each thread with a job: it ran if that differs."""
        return {name: support.read_text("/proc/%d/task/%d/schedstat" % (self.pid, tid))
                for name, tid in self.threads.items()
                if os.path.exists("/proc/%d/task/%d" % (self.pid, tid))}

    def attach(self):
        done = support.run_pyinspect(self.pid, "top-types", "--format", "json",
                                     "--max-total-pause=60000")
        activity = self.activity()
        stopped = json.loads(done.stdout or "{}").get("cost", {}).get("paused_ms", 0) / 1000
        self.attaches.append(Attach(time.monotonic(), done.returncode, done.stderr, stopped,
                                    activity))

    def attaches_before(self, seconds):
        """Those that were over then, and after which the threads were looked at before that."""
        return [attach for attach in self.attaches if attach.seconds < seconds]

    def wake(self, attach=True):
        """Wakes those that wait for an event; with an attach under way just then."""
        self.spawned = support.spawn_pyinspect(self.pid, "top-types") if attach else None
        self.ask("wake")

    def collect(self):
        outcomes = self.ask("collect")
        self.last_code = self.spawned.wait(timeout=60) if self.spawned else 0
        return outcomes


@contextlib.contextmanager
def blocked(folder, role, busy=False):
    target = Blocked(folder, role, busy)
    try:
        target.expect("READY")
        yield target
    finally:
        target.close()


@pytest.fixture(scope="module")
def modes(folder):
    with blocked(folder, "other") as target:
        return {row[0]: Mode(*row) for row in target.ask("modes")}


@pytest.fixture(scope="module")
def refused(folder, modes):
    """{mode: why} of those that this kernel cannot do."""
    with blocked(folder, "other") as target:
        why = target.ask("prepare 1 " + " ".join(modes))
        target.ask("discard")
        return why


def rounds(attaches, seconds):
    """As many as there is time for."""
    end = time.monotonic() + seconds - RESERVE_SECONDS
    for number in range(attaches):
        if time.monotonic() > end:
            return
        yield number


def crowd(folder, modes, names, attaches):
    busy = any(modes[name].end == "running" for name in names)
    with blocked(folder, "other", busy) as target:
        assert not target.ask("prepare %d %s" % (CROWD_SECONDS * 1000, " ".join(names)))
        target.begin()
        for _ in rounds(attaches, float("inf") if busy else CROWD_SECONDS):
            target.attach()
        target.wake(attach=attaches > 0)
        return target, target.collect()


def crowds(modes, refused):
    """Those that never block use up a processor each: by themselves."""
    quiet = [name for name in modes if modes[name].end != "running" and name not in refused]
    busy = [name for name in modes if modes[name].end == "running" and name not in refused]
    return quiet, busy


@pytest.fixture(scope="module")
def control(folder, modes, refused):
    """{mode: outcome} of processes that nobody looks at."""
    outcomes = {}
    for names in crowds(modes, refused):
        outcomes.update(crowd(folder, modes, names, 0)[1])
    return outcomes


def lateness(modes, outcomes, seconds):
    """Of timeouts that nobody touched: what the machine is to blame for."""
    late = [(outcome["ended_ns"] - outcome["begun_ns"]) / 1e9 - seconds
            for name, outcome in outcomes.items()
            if outcome and modes[name].end == "time" and modes[name].care == "leave"]
    return max(0, statistics.median(late)) if late else 0


def wrong_time(mode, outcome, seconds, late):
    """In words, if a call has not ended when it should have."""
    took = (outcome["ended_ns"] - outcome["begun_ns"]) / 1e9
    early = EARLY_SECONDS
    if mode.end == "event":
        # an event ends a call at once, and nothing else does
        took = (outcome["ended_ns"] - outcome["woken_ns"]) / 1e9
        seconds, early, late = 0, 0, EVENT_LATE_SECONDS
    if mode.end == "running" or seconds - early <= took <= seconds + late:
        return None
    return "%s: took %.4f s instead of %.1f s (%.4f s late is allowed)" % (
        mode.name, took, seconds, late)


def wrong_rest(mode, outcome, late):
    """In words, if what was written back as the rest of a timeout is not its rest."""
    if outcome["left_ns"] < 0 or mode.end != "event":
        return None
    took = (outcome["ended_ns"] - outcome["begun_ns"]) / 1e9
    error = outcome["left_ns"] / 1e9 + took - LONG_TIMEOUT_SECONDS
    if -EARLY_SECONDS <= error <= late:
        return None
    return "%s: %.4f s left after %.4f s" % (mode.name, outcome["left_ns"] / 1e9, took)


def complaints_about(mode, outcome, expected, seconds, attaches, noise=0):
    if outcome is None:
        return ["%s: does not return" % mode.name]
    found = ["%s: %s is %r instead of %r" % (mode.name, key, outcome[key], expected[key])
             for key in SAME if outcome[key] != expected[key]]
    if mode.end == "time" and outcome["left_ns"] != expected["left_ns"]:
        found.append("%s: %d ns left instead of %d" % (
            mode.name, outcome["left_ns"], expected["left_ns"]))
    late = LATE_SECONDS + LATE_SECONDS_PER_ATTACH * attaches + 2 * noise
    if mode.care == "late":
        # an attach stops it twice, and each time it begins anew
        late += 2 * seconds * attaches
    if not found:
        found = [wrong_time(mode, outcome, seconds, late), wrong_rest(mode, outcome, late)]
    return [words for words in found if words]


def complaints_of(modes, target, outcomes, control, seconds, noise):
    found = [] if target.last_code in (0, 1) else ["exit %d when woken" % target.last_code]
    for name, outcome in outcomes.items():
        mode = modes[name]
        found += complaints_about(mode, outcome, control[name], seconds, len(target.attaches),
                                  noise + sum(one.stopped_seconds for one in target.attaches))
        if mode.end == "running" or not outcome:
            continue
        attaches = target.attaches_before(outcome["ended_ns"] / 1e9)
        if len(attaches) < LEAST_ATTACHES:
            found.append("%s: only %d attaches before it was over" % (name, len(attaches)))
        elif mode.care == "leave" and attaches[-1].activity.get(name) != target.before[name]:
            found.append("%s: was interrupted" % name)
    return found


def alone(folder, names, modes, role, seconds, attaches):
    """Yields (mode, target, outcomes) of a process for each mode, all at work at the same time."""
    with contextlib.ExitStack() as stack:
        targets = {}
        for name in names:
            targets[name] = Blocked(folder, role, modes[name].end == "running")
            stack.callback(targets[name].close)
        for name, target in targets.items():
            target.expect("READY")
            assert not target.ask("prepare %d %s" % (seconds * 1000, name))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(
            len(names) if modes[names[0]].end == "running" else WORKERS))
        in_time = any(modes[name].end == "time" for name in names)
        for target in targets.values():
            target.begin()
        for number in rounds(attaches, seconds if in_time else float("inf")):
            # nothing is done to those that are left alone, and that takes longest
            list(pool.map(Blocked.attach, [
                target for name, target in targets.items()
                if modes[name].care != "leave" or number % LEFT_ALONE_EVERY == 0]))
        list(pool.map(Blocked.wake, targets.values()))
        for name, target in targets.items():
            yield modes[name], target, target.collect()


def wrong_exit(mode, target, attaches):
    """In words, if pyinspect did with a lone thread what it should not, or did not do its job."""
    codes = {attach.code for attach in attaches}
    words = {attach.words for attach in attaches if attach.words}
    if mode.care not in ("none", "late"):
        # a result that needs no thread's help, or a refusal that says why; and a thread that was
        # met between two long calls may not be met there again in time to reap the snapshot
        allowed = {0, 1, 6} if mode.end == "running" else {0, 1}
        return not codes <= allowed or not all("harm" in text or "to reap our dead" in text
                                               for text in words)
    if codes != {0}:
        return True
    # else nothing was tested
    return mode.end != "running" and attaches[-1].activity[mode.name] == target.before[mode.name]


def was_missed(mode, target, outcome):
    """It was over before it could be looked at, so nothing was tested."""
    return mode.end == "time" and outcome and (
        len(target.attaches_before(outcome["ended_ns"] / 1e9)) < LEAST_ATTACHES)


def complaints_alone(modes, control, role, seconds, runs):
    """And the names of modes that were missed."""
    found = []
    missed = []
    runs = list(runs)
    noise = lateness(modes, {mode.name: outcomes[mode.name] for mode, _, outcomes in runs}, seconds)
    for mode, target, outcomes in runs:
        if was_missed(mode, target, outcomes[mode.name]):
            missed.append(mode.name)
            continue
        new = complaints_of(modes, target, outcomes, control, seconds, noise)
        attaches = target.attaches_before(outcomes[mode.name]["ended_ns"] / 1e9) if not new else []
        if attaches and wrong_exit(mode, target, attaches):
            new.append("%s: %s" % (mode.name, attaches))
        found += ["%s: %s" % (role, words) for words in new]
    return found, missed


def batches(modes, chosen, size):
    for end, at_once in (("event", 4 * size), ("time", size), ("running", size)):
        names = [name for name in chosen if modes[name].end == end]
        for first in range(0, len(names), at_once):
            yield names[first:first + at_once]


def all_alone(folder, modes, refused, control, role, size, attaches):
    """Complaints of each mode in a process of its own, `size` processes at a time."""
    found = []
    left = [name for name in modes if name not in refused]
    for turn in range(TRIES):
        missed = []
        for names in batches(modes, left, max(1, size >> 2 * turn)):
            busy = modes[names[0]].end == "running"
            runs = alone(folder, names, modes, role, ALONE_SECONDS,
                         BUSY_ATTACHES if busy else attaches)
            new, over = complaints_alone(modes, control, role, ALONE_SECONDS, runs)
            found += new
            missed += over
        left = missed
    return found + ["%s: %s: over before it could be looked at" % (role, name) for name in left]


def test_every_mode_can_be_had(modes, refused):
    assert len(modes) > 80
    if refused:
        interpreters.missing("this kernel cannot do: " + "; ".join(
            "%s (%s)" % pair for pair in refused.items()))


def test_control(modes, control):
    """Without anybody else: or what the other tests compare with is nothing."""
    found = []
    noise = lateness(modes, control, CROWD_SECONDS)
    for name, outcome in control.items():
        found += complaints_about(modes[name], outcome, outcome, CROWD_SECONDS, 0, noise)
        if outcome and "[" in outcome["data"]:
            found.append("%s: %s" % (name, outcome["data"]))
        if outcome and modes[name].end == "running" and outcome["result"]:
            found.append("%s: %s" % (name, outcome["data"]))
    assert not found, "\n".join(found)


def test_crowd(folder, modes, refused, control):
    quiet, _ = crowds(modes, refused)
    target, outcomes = crowd(folder, modes, quiet, ATTACHES)
    found = complaints_of(modes, target, outcomes, control, CROWD_SECONDS,
                          lateness(modes, outcomes, CROWD_SECONDS))
    assert not found, "\n".join(found)
    assert {attach.code for attach in target.attaches} == {0}, target.attaches


def test_busy_crowd(folder, modes, refused, control):
    """Who computes may be stopped, if that can be told in time; the others may not."""
    _, busy = crowds(modes, refused)
    target, outcomes = crowd(folder, modes, busy, BUSY_ATTACHES)
    found = complaints_of(modes, target, outcomes, control, CROWD_SECONDS,
                          lateness(modes, outcomes, CROWD_SECONDS))
    assert not found, "\n".join(found)
    assert {attach.code for attach in target.attaches} <= {0, 1, 6}, target.attaches


@pytest.mark.parametrize("role", ["main", "other"])
def test_alone(folder, modes, refused, control, role):
    found = all_alone(folder, modes, refused, control, role, ALONE_AT_ONCE, ATTACHES)
    assert not found, "\n".join(found)


if extension.LONG:
    @pytest.mark.parametrize("role", ["main", "other"])
    def test_alone_on_the_machine(folder, modes, refused, control, role):
        found = all_alone(folder, modes, refused, control, role, 1, LONG_ATTACHES)
        assert not found, "\n".join(found)
