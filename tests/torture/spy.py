"""
A self-checking victim (tests/tools/self_checking.c), watched from outside: is anything of it other
than it was? And pyinspect, run under kill_at (tests/tools/kill_at.c).

Does not judge what pyinspect says: the tests do.
"""

import mmap
import os
import re
import struct
import subprocess
import tempfile

import interpreters
import support

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(os.path.dirname(support.PYINSPECT), "tests")
KILL_AT = os.environ.get("PYI_KILL_AT") or os.path.join(BUILD, "kill_at")
LIBRARY = (os.environ.get("PYI_SELF_CHECKING") or
           os.path.join(BUILD, "libself_checking.so"))
VICTIM = os.path.join(TESTS, "torture", "victims", "self_checking.py")

# struct board
WORKERS = 8
WORDS = 64
WORD_BYTES = 128

# SIGCANCEL and SIGSETXID: 32 and 33.
_OF_LIBRARY = 3 << 31
_MASKS = ("SigBlk", "SigIgn", "SigCgt")
# The children's thread may have a SIGCHLD waiting, sigwaitinfo's its signal; nobody anything else.
_TRANSIENT = 1 << 16 | 1 << 40


class Victim:
    """One victim; its first kind of work is what the main thread does. `prefix` starts it."""

    def __init__(self, *kinds, prefix=()):
        self.kinds = kinds
        self.file = tempfile.NamedTemporaryFile(prefix="pyinspect-board-")
        self.file.truncate(8 * (WORKERS + 1) + WORDS * WORD_BYTES)
        self.board = mmap.mmap(self.file.fileno(), 0)
        interpreter = interpreters.any_interpreter()
        self.target = support.Target(
            [*prefix, interpreter.path, "-sE", VICTIM, LIBRARY, self.file.name, *kinds])
        try:
            self.target.expect("READY")
            self.pid = self.target.pid
            self.progress()
            self.before = support.wait_until(self._twice, "the victim settles")
            self.stacks = {self._main_stack() for _ in range(200)} - {None}
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.target.close()
        self.board.close()
        self.file.close()

    def rounds(self):
        return struct.unpack_from("=%dQ" % WORKERS, self.board)[:len(self.kinds)]

    def bad(self):
        """What the victim has noticed."""
        count, = struct.unpack_from("=Q", self.board, 8 * WORKERS)
        start = 8 * (WORKERS + 1)
        return [self.board[start + number * WORD_BYTES:start + (number + 1) * WORD_BYTES]
                .split(b"\0")[0].decode() or "?" for number in range(min(count, WORDS))]

    def forgive(self, harmless):
        """Forgets what it has noticed if all of that matches."""
        if all(re.search(harmless, words) for words in self.bad()):
            struct.pack_into("=Q", self.board, 8 * WORKERS, 0)

    def progress(self):
        """Waits until every worker has done something, from beginning to end."""
        first = self.rounds()
        support.wait_until(
            lambda: self.bad() or all(now > then + 1 for then, now in zip(first, self.rounds())),
            "every worker of %s makes progress" % (self.kinds,))
        assert not self.bad(), self.bad()

    def _look(self):
        """What may not change, and what is wrong whenever it is seen."""
        pid = self.pid
        state = {"fds": support.descriptors(pid), "threads": support.threads(pid),
                 "maps": support.maps(pid)}
        wrong = []
        for tid in state["threads"]:
            lines = support.read_text("/proc/%d/task/%d/status" % (pid, tid)).splitlines()
            fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            state["masks", tid] = [fields[key] for key in _MASKS]
            # It is only there that the signals of the C library are blocked, and all others too.
            if int(fields["SigBlk"], 16) & _OF_LIBRARY:
                wrong.append("thread %d begins or ends" % tid)
            if fields["TracerPid"] != "0":
                wrong.append("thread %d is traced" % tid)
            if fields["State"][0] in "tT":
                wrong.append("thread %d is stopped" % tid)
            for key in ("SigPnd", "ShdPnd"):
                if int(fields[key], 16) & ~_TRANSIENT:
                    wrong.append("thread %d has %s %s" % (tid, key, fields[key]))
        for child in support.children(pid):
            if support.is_hidden(child, "RSDtTI"):
                wrong.append("snapshot %d lives" % child)
        return state, wrong

    def _twice(self):
        state, wrong = self._look()
        return state if not wrong and (state, wrong) == self._look() else None

    def _main_stack(self):
        """Where the stack of the main thread is while it waits; None while it runs."""
        try:
            words = support.read_text("/proc/%d/task/%d/syscall" % (self.pid, self.pid)).split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return words[-2] if len(words) == 9 else None

    def await_itself(self):
        """
        Until the main thread, which calls are run in, does its own work again: on a busy machine it
        may still be about to make the call that we wanted it to make when we were killed.
        """
        first = self.rounds()[0]
        support.wait_until(
            lambda: self._main_stack() in self.stacks or self.rounds()[0] > first,
            "the main thread is itself again")

    def clean(self):
        """A complete run, if there is something for it to reap: it must."""
        if self.target.hidden_zombies():
            support.top_types(self.pid)
            assert self.target.hidden_zombies() == []

    def check(self, where, zombies=1):
        """
        That it is as it was, at last; `zombies` is how many dead snapshots it may have. A thread
        that makes a child blocks all signals for a moment: hence the patience.
        """
        found = []

        def same():
            assert self.target.is_alive(), where + ": the target died"
            assert not self.bad(), "%s: the target noticed: %s" % (where, self.bad())
            try:
                state, wrong = self._look()
            except (FileNotFoundError, ProcessLookupError):
                return False
            found[:] = wrong or [support.differences(self.before, state)]
            return not wrong and state == self.before

        try:
            if self.target.is_alive():
                self.await_itself()
            support.wait_until(same, where, seconds=10)
        except AssertionError as error:
            raise AssertionError("%s: %s %s" % (where, error, found)) from None
        left = self.target.hidden_zombies()
        assert len(left) <= zombies, "%s: dead snapshots %s" % (where, left)


class Outcome:
    """What a run under kill_at came to."""

    def __init__(self, text, output, words):
        lines = text.splitlines()
        # "hit", "missed", or "nobody"
        self.shot = lines[-2]
        # "exit" or "signal", and its number
        self.end, number = lines[-1].split()
        self.number = int(number)
        # the same of the process whose calls these are
        self.watched_end, number = lines[-3].split()
        self.watched_number = int(number)
        # up to the shot, which is at the last of them
        self.labels = lines[:-3]
        self.output = output
        self.words = words

    def is_unprotected(self):
        """
        The shot came after an interruption and before the registers were mended: that is when a
        call which ends with EINTR, as the kernel has it, cannot be kept from doing so.
        """
        done = self.labels[:-1]
        seized = max((index for index, label in enumerate(done)
                      if label.startswith("ptrace(SEIZE)")), default=None)
        if self.shot != "hit" or seized is None:
            return False
        kinds = [label.partition("#")[0] for label in done[seized:]]
        return "ptrace(INTERRUPT)" in kinds and "ptrace(SETREGSET)" not in kinds

    def __repr__(self):
        return "%s, %s %d, %s %d: %s" % (self.shot, self.watched_end, self.watched_number,
                                         self.end, self.number, self.words.strip())


# The processes that pyinspect forks, by their order: kill_at's -p. The first can be asked for a hint.
BROKER, WORKER = 2, 3
# What is killed is not to end for another reason before, on a machine that is busy.
MANY_TRIES = "--max-total-pause=60000"


def run_under_kill_at(arguments, pid, *options, process=BROKER, timeout=60):
    """pyinspect PID top-types, with the arguments of kill_at before it."""
    reader, writer = os.pipe()
    try:
        tool = subprocess.Popen(
            [KILL_AT, "-p", str(process), str(writer), *arguments, support.PYINSPECT, str(pid), "top-types",
             "--format", "json", MANY_TRIES, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=(writer,), encoding="utf-8")
        os.close(writer)
        writer = None
        with os.fdopen(reader, encoding="utf-8") as stream:
            reader = None
            text = stream.read()
        output, words = tool.communicate(timeout=timeout)
    finally:
        for descriptor in (reader, writer):
            if descriptor is not None:
                os.close(descriptor)
    assert tool.returncode == 0, (tool.returncode, words)
    return Outcome(text, output, words)


def labels(pid, *options, process=BROKER, runs=6):
    """The system calls of a clean run, the shortest of several."""
    found = []
    for _ in range(runs):
        outcome = run_under_kill_at(["list"], pid, *options, process=process)
        assert (outcome.end, outcome.number) == ("exit", 0), outcome
        found.append(outcome.labels)
    return min(found, key=len)


def _indices(names, request):
    return [index for index, name in enumerate(names) if name.startswith("ptrace(%s)#" % request)]


def window(names):
    """From the first PTRACE_SEIZE to the last PTRACE_DETACH, both included."""
    return names[_indices(names, "SEIZE")[0]:_indices(names, "DETACH")[-1] + 1]


def stops(names):
    """What is called while a thread of the target is seized: of the window the worst parts."""
    detaches = _indices(names, "DETACH")
    found = []
    for seize in _indices(names, "SEIZE"):
        end = min(index for index in detaches if index > seize)
        found += [name for name in names[seize:end + 1] if name not in found]
    return found


def interrupted(names):
    """Of the first stop: from an interruption to the write of registers that hides it, both included."""
    first = _indices(names, "INTERRUPT")[0]
    return names[first:min(index for index in _indices(names, "SETREGSET") if index > first) + 1]


def after_clone(names):
    """
    Of a target that sleeps: from the look at the clone's result to the first thing that is done
    with what it has made.
    """
    _, ran, does = _indices(names, "SYSCALL")[:3]
    return names[min(index for index in _indices(names, "GETREGSET") if index > ran):does + 1]


def snapshot_life(names):
    """From the first thing that is done with a snapshot to its end."""
    first = next(index for index, name in enumerate(names) if "ptrace(SETOPTIONS)" in name)
    last = max(index for index, name in enumerate(names) if name.startswith("kill#"))
    return names[first:last + 1]
