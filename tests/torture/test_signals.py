"""
Signals while pyinspect attaches: none is lost, made up, or out of order; a stop is a stop.
"""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import signal

import pytest

import support
from test_blocked import Blocked, Mode, complaints_about

ATTACHES = 50
SIGNALS = 10000
KINDS = 8
FIRST = signal.SIGRTMIN + 4
LIBC = ctypes.CDLL(None, use_errno=True)
PACE_SECONDS = 0.0001
STORM_SECONDS = 1.5
# What SIGSTOP and SIGCONT end by themselves: signal(7), "Interruption of system calls ... by stop
# signals"; the others go on.
ENDED_BY_A_STOP = ("epoll", "semop", "sigwaitinfo", "ppoll_constant")
# The time in a stop does not count for them.
LONGER_BY_A_STOP = ("ppoll", "select", "select_event", "pselect")
STOPPED_ATTACHES = 10
FREE_THREADS = "RSD"


class QueuedInfo(ctypes.Structure):
    """siginfo_t of a queued signal: include/uapi/asm-generic/siginfo.h."""

    _fields_ = [("number", ctypes.c_int), ("error", ctypes.c_int), ("code", ctypes.c_int),
                ("padding", ctypes.c_int), ("sender", ctypes.c_int), ("user", ctypes.c_uint),
                ("value", ctypes.c_long), ("rest", ctypes.c_char * 96)]


# System calls by number: include/uapi/asm-generic/unistd.h; x86_64 has its own.
X86_64 = os.uname().machine == "x86_64"
RT_SIGQUEUEINFO = 129 if X86_64 else 138
RT_TGSIGQUEUEINFO = 297 if X86_64 else 240
SI_QUEUE = -1


def queue_signal(pid, tid, number, value):
    """To one thread if `tid` is not None; waits for room in the queue."""
    info = QueuedInfo(number=number, code=SI_QUEUE, sender=os.getpid(), user=os.getuid(),
                      value=value)
    call = (RT_SIGQUEUEINFO, pid) if tid is None else (RT_TGSIGQUEUEINFO, pid, tid)

    def sent():
        return LIBC.syscall(*map(ctypes.c_long, call), ctypes.c_long(number),
                            ctypes.byref(info)) == 0

    support.wait_until(sent, "room for a queued signal")


@pytest.mark.parametrize("how", ["handler", "sigwaitinfo", "signalfd"])
def test_flood(start, how):
    """
    Half of them to the process, half to the thread that takes them, which is the one that pyinspect
    interrupts; each kind is numbered.
    """
    victim = start("flooded.py", how, FIRST, KINDS)
    victim.send("thread")
    tid = int(victim.read_line())
    support.wait_until(lambda: support.read_stat(victim.pid, tid)["state"] == "S", "it waits")
    before = support.read_text("/proc/%d/task/%d/schedstat" % (victim.pid, tid))
    sent = {FIRST + kind: 0 for kind in range(KINDS)}
    for attach in range(ATTACHES):
        process = support.spawn_pyinspect(victim.pid, "top-types")
        for index in range(SIGNALS // ATTACHES):
            number = FIRST + (index + attach) % KINDS
            queue_signal(victim.pid, tid if number % 2 else None, number, sent[number])
            sent[number] += 1
            # an event, but also a pace: that of a run
            support.wait_exit(process, PACE_SECONDS)
        assert process.wait(timeout=60) == 0
    assert before != support.read_text("/proc/%d/task/%d/schedstat" % (victim.pid, tid))
    os.kill(victim.pid, signal.SIGUSR2)
    victim.send("records")
    records, interruptions = json.loads(victim.read_line())
    assert len(records) == sum(sent.values()) == SIGNALS
    for number, count in sent.items():
        values = [value for kind, value, _ in records if kind == number]
        assert values == list(range(count)), "signal %d" % number
    assert {sender for _, _, sender in records} == {os.getpid()}
    assert interruptions == 0


@pytest.fixture
def stoppable(folder):
    """(process with threads in all calls that a stop does not change, those modes)"""
    target = Blocked(folder, "other")
    try:
        target.expect("READY")
        modes = [Mode(*row) for row in target.ask("modes")]
        modes = {mode.name: mode for mode in modes
                 if mode.care == "none" and mode.end != "running"
                 and not mode.name.startswith(ENDED_BY_A_STOP)
                 and mode.name not in LONGER_BY_A_STOP}
        refused = target.ask("prepare %d %s" % (STORM_SECONDS * 1000, " ".join(modes)))
        yield target, {name: mode for name, mode in modes.items() if name not in refused}
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(target.pid, signal.SIGCONT)
        target.close()


def next_event(pid):
    """What its parent, we, is told of a stop or its end; None if there is nothing to be told."""
    event = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
    return event and (event.si_code, event.si_status)


def stop_and_continue(pid):
    """Once; each is waited for as a parent can. Returns the events."""
    events = []
    for number in (signal.SIGSTOP, signal.SIGCONT):
        os.kill(pid, number)
        events.append(support.wait_until(lambda: next_event(pid), "the parent is told"))
    return events


def outcomes_of(target, seconds, modes, control=None):
    """
    Once all threads wait again: a signal that comes while a call is being started anew after a stop
    finds pause(2) not begun yet, as every program knows that uses it.
    """
    support.wait_until(lambda: all(support.read_stat(target.pid, tid)["state"] in "SDX"
                                   for tid in target.threads.values()), "all threads wait")
    target.ask("wake")
    outcomes = target.ask("collect")
    found = []
    for name, outcome in outcomes.items():
        expected = control[name] if control else outcome
        found += complaints_about(modes[name], outcome, expected, seconds, ATTACHES)
    assert not found, "\n".join(found)
    return outcomes


@pytest.fixture(scope="module")
def calm(folder):
    """Outcomes of the same process when nobody stops it."""
    target = Blocked(folder, "other")
    try:
        target.expect("READY")
        modes = {row[0]: Mode(*row) for row in target.ask("modes")}
        names = [name for name, mode in modes.items()
                 if mode.end != "running" and mode.care == "none"]
        target.ask("prepare %d %s" % (STORM_SECONDS * 1000, " ".join(names)))
        target.begin()
        return outcomes_of(target, STORM_SECONDS, modes)
    finally:
        target.close()


def test_storm_of_stops(stoppable, calm):
    """Somebody else stops and continues it all the time, and its parent hears of just that."""
    target, modes = stoppable
    target.begin()
    stopped = (os.CLD_STOPPED, signal.SIGSTOP)
    continued = (os.CLD_CONTINUED, signal.SIGCONT)
    pairs = 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        attaching = pool.submit(lambda: [target.attach() for _ in range(ATTACHES // 2)])
        while not attaching.done():
            assert stop_and_continue(target.pid) == [stopped, continued]
            pairs += 1
        attaching.result()
    codes = {attach.code for attach in target.attaches}
    print("%d pairs, exit codes %s" % (pairs, codes))
    assert pairs > 10
    assert codes <= {0, 1}, target.attaches
    assert 0 in codes
    assert next_event(target.pid) is None
    outcomes_of(target, STORM_SECONDS, modes, calm)
    assert target.hidden_zombies() == []
    for tid in support.threads(target.pid):
        assert support.read_stat(target.pid, tid)["state"] in FREE_THREADS


def test_stopped_stays_stopped(stoppable, calm):
    target, modes = stoppable
    target.begin()

    def all_stopped():
        return all(support.read_stat(target.pid, tid)["state"] == "T"
                   for tid in support.threads(target.pid))

    os.kill(target.pid, signal.SIGSTOP)
    support.wait_until(lambda: next_event(target.pid), "the parent is told")
    support.wait_until(all_stopped, "all threads stop")
    for _ in range(STOPPED_ATTACHES):
        target.attach()
        support.wait_until(all_stopped, "all threads are still stopped", seconds=5)
    assert {attach.code for attach in target.attaches} == {0}, target.attaches
    assert next_event(target.pid) is None, "its parent was told of a stop, or of its end"
    os.kill(target.pid, signal.SIGCONT)
    support.wait_until(lambda: next_event(target.pid), "the parent is told")
    outcomes_of(target, STORM_SECONDS, modes, calm)
