"""
Attaches pyinspect to the processes of a target, again and again: every command, both sources, and
runs that are killed. Says how each run ended, and whether anything was left of it.
"""

import collections
import json
import random
import statistics
import subprocess
import threading
import time

import support
from processes import start_time

# A mirror runs nothing in the target: only a clone reaps what a killed run has left.
REAPING = ("top-types", "--source", "clone")
COMMANDS = (
    ("top-types",),
    ("top-types", "--scope", "tracked"),
    ("top-types", "--source", "mirror"),
    ("top-types", "--source", "mirror", "--scope", "tracked"),
    ("top-objects",),
    ("referrers", "dict"),
    ("referrers", "list", "--depth", "3"),
    ("referents", "function"),
    ("path", "dict"),
    ("path", "type", "--source", "mirror"),
    ("slip-dbus",),
)
# What pyinspect says is left, but a program at work may have done itself; if it has not, that is
# seen when it rests.
UNCERTAIN = {"threads", "descriptors", "mappings", "pending-signal", "signal-handlers"}
KILLED_SHARE = 0.2
PAUSE_SECONDS = 0.04
RUN_SECONDS = 180
# Set when no more is to be begun.
HALT = threading.Event()
FAULTS_LIMIT = 50


def hidden(pid, states):
    """Its children that it does not hear of, in one of these states."""
    return [child for child in support.children(pid) if support.is_hidden(child, states)]


def has_ended(pid, started):
    return start_time(pid) != started or support.read_stat(pid)["state"] in "ZX"


class Attacher:
    def __init__(self, load, count, seed):
        self.load = load
        self.count = count
        self.random = random.Random(seed)
        # {how a run ended: how often}
        self.outcomes = collections.Counter()
        # {role of the process: how often}
        self.roles = collections.Counter()
        # Milliseconds that a process stood still in a complete run, in all.
        self.pauses = []
        # {what is perhaps left: how often it was said}
        self.uncertain = collections.Counter()
        # What must never be, in words.
        self.faults = []
        self._durations = collections.defaultdict(lambda: collections.deque([0.02], maxlen=15))
        self._pace = threading.Event()

    def run(self):
        """One run at a time; after one that was killed comes one of the same process that reaps."""
        done = 0
        while done < self.count and not HALT.is_set():
            role, pid = self.random.choice(sorted(self.load.processes().items()))
            if done + 1 < self.count and self.random.random() < KILLED_SHARE:
                self._killed(pid)
                runs = 1 + self._reap(pid)
            else:
                self._whole(pid, self.random.choice(COMMANDS))
                runs = 1
            self.roles[role] += runs
            done += runs
        self.count = done

    def _reap(self, pid):
        """
        Usually one run. On a busy machine the target may make the call that a killed run wanted it
        to make only after the next run has looked for what is left: then there is one more.
        """
        self._whole(pid, REAPING, alone=False)
        try:
            if not hidden(pid, "RSDtTIZ"):
                return 1
            support.wait_until(lambda: not hidden(pid, "RSDtTI"), "it dies")
            self._whole(pid, REAPING)
            if hidden(pid, "RSDtTIZ"):
                self._fault("%d: snapshots are left after two runs" % pid)
        except (FileNotFoundError, ProcessLookupError):
            # the target has ended
            pass
        except AssertionError as error:
            self._fault("%d: a snapshot lives: %s" % (pid, error))
        return 2

    def _fault(self, words):
        if len(self.faults) < FAULTS_LIMIT:
            self.faults.append(words)

    def _attach(self, pid, command, kill):
        """(did it end by itself, exit code, output, words, the command line)"""
        self._pace.wait(self.random.uniform(0, PAUSE_SECONDS))
        usual = statistics.median(self._durations[command])
        begin = time.monotonic()
        with subprocess.Popen([support.PYINSPECT, str(pid), *command, "--format", "json"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, encoding="utf-8",
                              start_new_session=True) as process:
            ended = not kill or support.wait_exit(process, self.random.uniform(0, 1.2 * usual))
            if not ended:
                process.kill()
            output, words = process.communicate(timeout=RUN_SECONDS)
        if ended:
            self._durations[command].append(time.monotonic() - begin)
        return ended, process.returncode, output, words, "%d %s" % (pid, " ".join(command))

    def _whole(self, pid, command, alone=True):
        started = start_time(pid)
        _, code, output, words, where = self._attach(pid, command, kill=False)
        self._judge(pid, started, code, output, words, where, alone)

    def _killed(self, pid):
        started = start_time(pid)
        command = self.random.choice(COMMANDS)
        ended, code, output, words, where = self._attach(pid, command, kill=True)
        if ended:
            self._judge(pid, started, code, output, words, where)
            return
        self.outcomes["killed"] += 1
        try:
            support.wait_until(lambda: support.is_itself(pid), "stopped or traced")
            support.wait_until(lambda: not support.hidden_children_that_live(pid),
                               "a snapshot lives")
        except (FileNotFoundError, ProcessLookupError):
            # the target has ended
            pass
        except AssertionError as error:
            self._fault("killed, %s: %s" % (where, error))

    def _judge(self, pid, started, code, output, words, where, alone=True):
        try:
            envelope = json.loads(output)
        except ValueError:
            self._fault("%s: exit %d, no JSON: %.300s %.300s" % (where, code, output, words))
            return
        for left in envelope.get("cost", {}).get("residue", []):
            if left in UNCERTAIN:
                self.uncertain[left] += 1
            else:
                self._fault("%s: residue %s" % (where, left))
        if code == 3 and envelope["error"]["code"] == "target-exited":
            # It loses its memory, which takes a while, before it is a zombie.
            try:
                support.wait_until(lambda: has_ended(pid, started), "it ends")
            except AssertionError as error:
                self._fault("%s: %s, %s" % (where, words, error))
        if has_ended(pid, started):
            self.outcomes["target ended"] += 1
            if code not in (0, 1, 3, 5):
                self._fault("%s: exit %d of a target that ended: %s" % (where, code, words))
            return
        if code == 0:
            self.outcomes["complete"] += 1
        elif code == 5:
            self.outcomes["labelled, %s" % " ".join(
                sorted(warning["code"] for warning in envelope["warnings"]))] += 1
        elif code == 1:
            self.outcomes["refused, %s" % envelope["error"]["code"]] += 1
        else:
            self.outcomes["exit %d" % code] += 1
            self._fault("%s: exit %d: %s" % (where, code, words))
        if code in (0, 5):
            interpreters = envelope["target"]["interpreters"]
            if interpreters != self.load.interpreters:
                self._fault("%s: %d interpreters" % (where, interpreters))
            self.pauses.append(envelope["cost"]["paused_ms"])
            self._look(pid, where, alone)

    def _look(self, pid, where, alone):
        """Nothing is left: no tracer, no child of ours that lives, unless a killed run had one."""
        try:
            if not support.is_itself(pid):
                self._fault("%s: it is still stopped or traced" % where)
            left = hidden(pid, "RSDtTI")
            if left and alone:
                self._fault("%s: snapshots %s are left" % (where, left))
        except (FileNotFoundError, ProcessLookupError):
            # the target has ended
            pass
