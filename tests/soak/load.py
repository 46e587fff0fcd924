"""
What a soak needs of a target at work: it begins, works for as long or as much as wanted, rests,
and tells what it has counted.

Does not attach to anything: see attach.py; does not judge: see soak.py.
"""

import contextlib
import os
import re
import shutil
import signal
import tempfile
import threading
import time

import support
from processes import Process, start_time

FAULTS_LIMIT = 50
START_SECONDS = 60
ITEM_SECONDS = 60
FINISH_SECONDS = 3600
# A server needs a moment until it has closed its last connection.
REST_SECONDS = 0.3


class Missing(Exception):
    """Why a target cannot be started here."""


class Report:
    """What a target did, when it rests."""

    def __init__(self, items, counts, expected, faults, interrupted=0):
        # {kind of work: how often it was done}: the limits of a control run
        self.items = items
        # What it has counted itself, and what must come out after so many items.
        self.counts = counts
        self.expected = expected
        # What went wrong, in words.
        self.faults = list(faults)
        # Calls in C that ended with EINTR and should not have.
        self.interrupted = interrupted


class Clients:
    """
    Threads of ours that each repeat one kind of work on a target: kind(number), from 0. Work that
    fails is a fault, and counts as done.
    """

    def __init__(self, pace_seconds=0.002, **kinds):
        self.kinds = kinds
        self.done = dict.fromkeys(kinds, 0)
        self.faults = []
        self._pace_seconds = pace_seconds
        self._halt = threading.Event()
        self._threads = []

    def work(self, limits=None):
        self._halt.clear()
        self._threads = [
            threading.Thread(target=self._repeat, args=(kind, (limits or {}).get(kind), limits))
            for kind in self.kinds]
        for thread in self._threads:
            thread.start()

    def _repeat(self, kind, limit, limits):
        while not self._halt.is_set() and (limits is None or self.done[kind] < (limit or 0)):
            try:
                self.kinds[kind](self.done[kind])
            except Exception as error:
                self.fault("%s %d: %r" % (kind, self.done[kind], error))
            self.done[kind] += 1
            self._halt.wait(self._pace_seconds)

    def fault(self, words):
        if len(self.faults) < FAULTS_LIMIT:
            self.faults.append(words)

    def equal(self, what, got, wanted):
        if got != wanted:
            self.fault("%s: %.200r instead of %.200r" % (what, got, wanted))

    def halt(self):
        self._halt.set()

    def join(self):
        """Until each has reached its limit, or has ended its last item after halt()."""
        for thread in self._threads:
            thread.join()
        self._threads = []


class Load(contextlib.AbstractContextManager):
    """A target: `with` starts and ends it."""

    name = None
    # Of each process.
    interpreters = 1
    # {kind of work: how often} before the first look at it.
    warm_up = {}

    def processes(self):
        """{role: pid} of those that can be attached to, now."""
        raise NotImplementedError

    def look(self):
        """What its processes look like from outside when they rest; None: not yet."""
        raise NotImplementedError

    def work(self, limits=None):
        """Begins: until finish(), or until so much of each kind has been done, in all."""
        raise NotImplementedError

    def finish(self, halt=True):
        """Ends the work, or waits for the limits without `halt`. When it rests: its Report."""
        raise NotImplementedError


class Daemon(Load):
    """A program of the distribution, with all of its files in a folder of its own."""

    program = None
    needs = ()

    def __init__(self):
        self.folder = None
        self.process = None
        self.clients = None

    def __enter__(self):
        for program in (self.program, *self.needs):
            if not os.access(program, os.R_OK):
                raise Missing(program + " is not installed")
        self.folder = tempfile.mkdtemp(prefix="pyinspect-soak-")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        if self.clients:
            self.clients.halt()
            self.clients.join()
        self.stop()

    def start(self):
        """Until it serves."""
        raise NotImplementedError

    def run(self, *arguments, **options):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                       "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = Process.start([self.program, *arguments], self.path("output"),
                                     env=environment, **options)

    def stop(self):
        """With its children, should it leave any."""
        if self.process:
            children = [(pid, start_time(pid)) for pid in self.children()]
            self.process.end()
            for pid, started in children:
                child = Process(pid, started)
                if not child.wait(10):
                    child.signal(signal.SIGKILL)
            self.process = None
        shutil.rmtree(self.folder)

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        """Not those that pyinspect makes, nor dead ones."""
        try:
            found = support.children(self.pid)
        except (FileNotFoundError, ProcessLookupError):
            return []
        stats = {pid: support.read_stat(pid) for pid in found}
        return [pid for pid, stat in stats.items()
                if stat["exit_signal"] == signal.SIGCHLD and stat["state"] not in "ZX"]

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as stream:
            stream.write(text)

    def append(self, name, text):
        with open(self.path(name), "a", encoding="utf-8") as stream:
            stream.write(text)

    def lines(self, name):
        """Complete ones; none if there is no such file yet."""
        with contextlib.suppress(FileNotFoundError):
            return support.read_text(self.path(name)).split("\n")[:-1]
        return []

    def wait_until(self, condition, what, seconds=ITEM_SECONDS):
        """As support.wait_until(), at a pace that leaves the processor to others."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if not self.process.is_alive():
                raise AssertionError("%s ended:\n%s" % (self.name, "\n".join(
                    self.lines("output")[-20:])))
            if time.monotonic() > deadline:
                raise AssertionError("waited %d s in vain: %s" % (seconds, what))
            time.sleep(0.01)

    def work(self, limits=None):
        self.clients.work(limits)

    def finish(self, halt=True):
        if halt:
            self.clients.halt()
        self.clients.join()
        return self.report()

    def report(self):
        raise NotImplementedError

    def look(self):
        return rested(lambda: {role: anonymous_state(pid)
                               for role, pid in self.processes().items()})


def rested(look):
    """What look() says, if that does not change for a while; else None."""
    first = look()
    time.sleep(REST_SECONDS)
    return first if look() == first else None


def anonymous_state(pid):
    """
    What it looks like, without what names other processes, threads and pipes: these may have been
    replaced by others of their kind.
    """
    state = support.snapshot_state(pid, blocked=False, memory=False)
    threads = state.pop("threads")
    found = {key: value for key, value in state.items() if isinstance(key, str)}
    found["threads"] = [state["status", tid] for tid in threads]
    found["children"] = len(state["children"])
    found["fds"] = sorted(re.sub(r":\[\d+\]|(?<=/)wgunicorn-\S*", "", target)
                          for target in state["fds"].values())
    return found
