"""
A process whose threads never rest is stopped more than once: all stops together have a limit, there
is time between them, and each that was no use says why.
"""

import contextlib
import json
import re
import socket
import statistics
import threading

import pytest

import interpreters
import support

ROUNDS = 6
TOTAL_MS = 12
REST_FACTOR = 4


@pytest.fixture(name="victim")
def _victim(start):
    return start(interpreters.any_interpreter(), "busy.py")


def look(victim, *options):
    done = support.run_pyinspect(victim.pid, "top-types", "--json", "-n", "1", "-v", *options)
    report = json.loads(done.stdout)
    if done.returncode in (0, 5):
        support.assert_valid("top-types", done.stdout)
    return done, report


def test_tries_are_told(victim):
    """What each cost, and why it was thrown away; together they are all that the target stood."""
    dropped = 0
    for _ in range(ROUNDS):
        done, report = look(victim)
        assert done.returncode in (0, 5), done.stderr
        cost, tries = report["cost"], report["cost"]["tries"]
        assert len(tries) >= report["access"]["attempts"] >= 1
        assert all(one["dropped"] for one in tries[:-1]) and not tries[-1]["dropped"]
        assert sum(one["paused_ms"] for one in tries) == pytest.approx(cost["paused_ms"], abs=0.1)
        told = re.findall(r"try (\d+), which took ([\d.]+) ms, was thrown away: (.*)\n",
                          done.stderr)
        assert [(int(number), why) for number, _, why in told] == [
            (number, one["dropped"]) for number, one in enumerate(tries[:-1], start=1)]
        for (_, took_ms, _), one in zip(told, tries):
            assert float(took_ms) == pytest.approx(one["paused_ms"], abs=0.01)
        # Between two of them it did its work.
        wasted_ms = sum(min(one["paused_ms"], 500) for one in tries[:-1])
        assert cost["elapsed_ms"] >= REST_FACTOR * wasted_ms
        dropped += len(tries) - 1
    assert dropped, "not one try was in vain: this victim shows nothing"


def test_total_is_bounded(victim):
    """Another try is only made if there is room for it; with more room there are more."""
    for _ in range(ROUNDS):
        done, report = look(victim, "--max-total-pause", str(TOTAL_MS))
        if done.returncode == 1:
            assert report["error"]["code"] == "pause-too-long"
            assert "--max-total-pause" in report["error"]["hint"]
            continue
        assert done.returncode in (0, 5), done.stderr
        tries = report["cost"]["tries"]
        assert sum(one["paused_ms"] for one in tries[:-1]) <= TOTAL_MS


def test_refused_before_the_first(victim):
    """One stop is a sum, too."""
    with support.assert_untouched(victim.pid, blocked=False, memory=False):
        done, report = look(victim, "--max-total-pause", "0.01")
    assert done.returncode == 1
    assert report["error"]["code"] == "pause-too-long"


class Clients(contextlib.AbstractContextManager):
    """Ask a server (victims/waiting.py) all the time: one after the other, with hardly a rest."""

    def __init__(self, victim, path):
        self.sockets = []
        for _ in range(int(victim.ask("listen " + path))):
            self.sockets.append(socket.socket(socket.AF_UNIX))
            self.sockets[-1].connect(path)
        self.ended = threading.Event()
        self.answers = 0
        self.thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for one in self.sockets:
            one.close()

    def _ask(self):
        while not self.ended.wait(0.002):
            one = self.sockets[self.answers % len(self.sockets)]
            one.sendall(b"?")
            assert one.recv(1) == b"?"
            self.answers += 1


def test_who_waits_for_requests_is_held(start, tmp_path):
    """
    While a clone is made some request comes, and the thread that waits for it would run and spoil
    the snapshot: that is seen before the first stop, and not found out by a stop after the other.
    """
    victim = start(interpreters.any_interpreter(), "waiting.py")
    tries, answered = [], 0
    with Clients(victim, str(tmp_path / "socket")) as clients:
        support.wait_until(lambda: clients.answers > 20, "they are answered")
        for _ in range(2 * ROUNDS + 1):
            before = clients.answers
            done, report = look(victim)
            assert done.returncode == 0, done.stdout + done.stderr
            tries.append(report["access"]["attempts"])
            answered += clients.answers > before
    assert statistics.median(tries) <= 2, tries
    assert answered == len(tries)


def test_who_only_waits_is_left_alone(start, tmp_path):
    """No request comes: nothing is interrupted but the one thread that is needed."""
    victim = start(interpreters.any_interpreter(), "waiting.py")
    with Clients(victim, str(tmp_path / "socket")) as clients:
        support.wait_until(lambda: clients.answers > 20, "they are answered")
        clients.ended.set()
        clients.thread.join()
        support.wait_until(lambda: all(support.read_stat(victim.pid, tid)["state"] == "S"
                                       for tid in support.threads(victim.pid)), "all wait")
        before = {tid: waits(victim.pid, tid) for tid in support.threads(victim.pid)}
        done, report = look(victim)
        assert done.returncode == 0 and report["access"]["attempts"] == 1
        disturbed = [tid for tid in before if waits(victim.pid, tid) != before[tid]]
        assert len(before) > 8 and len(disturbed) <= 1


def waits(pid, tid):
    text = support.read_text("/proc/%d/task/%d/status" % (pid, tid))
    return re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE).group(1)
