"""
A target that starts another program in the middle of it all: its execve() waits for the end of all
its other threads, and those that pyinspect holds end only with pyinspect's help. Whoever calls it,
and whatever the other threads do, the new program is there, nobody traces it, nothing is left in
it, and pyinspect says in a moment what happened.

PYI_LONG=1 does it some thousand times. PYI_EXEC_SEED chooses the moments.
"""

import json
import os
import random
import signal
import subprocess
import time

import pytest

import interpreters
import spy
import support

ROUNDS = 1500 if os.environ.get("PYI_LONG") == "1" else 40
SHOTS = 100 if os.environ.get("PYI_LONG") == "1" else 5
SEED = int(os.environ.get("PYI_EXEC_SEED", "1"))
# What pyinspect may take for one run, from its start; it is given more time than that.
PATIENCE_SECONDS = 60
CODES = {0: [None], 1: ["program-changed", "no-injectable-thread", "thread-stuck"],
         3: ["target-exited", "no-such-process"], 4: ["not-python"]}

VICTIM = """
import os, sys, threading, time

who, busy = sys.argv[1], int(sys.argv[2])

def compute():
    while True:
        sum(range(2000))

def start_program():
    os.read(0, 1)
    os.execvp("sleep", ["sleep", "1000"])

for _ in range(busy):
    threading.Thread(target=compute, daemon=True).start()
if who == "thread":
    threading.Thread(target=start_program, daemon=True).start()
os.write(1, b"READY\\n")
if who == "main":
    start_program()
elif busy:
    compute()
else:
    while True:
        time.sleep(1000)
"""


@pytest.mark.parametrize("source", ["auto", "mirror"])
@pytest.mark.parametrize("busy", [0, 2])
@pytest.mark.parametrize("who", ["main", "thread"])
def test_exec_at_any_moment(who, busy, source):
    moments = random.Random("%s %d %s %d" % (who, busy, source, SEED))
    codes = {}
    for number in range(ROUNDS):
        target = support.Target(
            [interpreters.any_interpreter().path, "-SEc", VICTIM, who, str(busy)])
        try:
            target.expect("READY")
            one_round(target, source, moments.uniform(0, 0.08), codes, "round %d" % number)
        finally:
            target.close()
    print(codes)


def one_round(target, source, moment, codes, where):
    process = subprocess.Popen(
        [support.PYINSPECT, str(target.pid), "top-types", "--format=json", "--source=" + source],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + moment
    try:
        while time.monotonic() < until and process.poll() is None:
            pass
        target.send("x")
        # It is there before pyinspect has ended, or right after: never only because of that.
        support.wait_until(lambda: new_program_runs(target.pid), where + ": the new program")
        out, words = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()
    code = json.loads(out).get("error", {}).get("code") if out else "nothing"
    assert code in CODES.get(process.returncode, []), (where, process.returncode, code, words)
    codes[code] = codes.get(code, 0) + 1
    assert target.process.poll() is None, where + ": the new program ended"
    assert support.status(target.pid, target.pid)["TracerPid"] == "0", where
    assert target.hidden_zombies() == [], where
    assert target.snapshots() == [], where


SLEEPER = """
import os, signal, sys, threading, time

def start_program():
    os.write(1, b"READY\\n")
    # one that must not be interrupted: it is not the one that makes the clone
    signal.sigtimedwait({signal.SIGUSR1}, 1000)
    os.execvp("sleep", ["sleep", "1000"])

def sleep():
    while True:
        time.sleep(1000)

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
if sys.argv[1] == "main":
    threading.Thread(target=sleep, daemon=True).start()
    start_program()
else:
    threading.Thread(target=start_program, daemon=True).start()
    sleep()
"""


@pytest.fixture
def sleeper():
    """Starts processes whose thread WHO starts another program when SIGUSR1 comes."""
    targets = []

    def starter(who):
        targets.append(support.Target([interpreters.any_interpreter().path, "-SEc", SLEEPER, who]))
        targets[-1].expect("READY")
        support.wait_until(lambda: all(support.read_stat(targets[-1].pid, tid)["state"] == "S"
                                       for tid in support.threads(targets[-1].pid)), "it sleeps")
        return targets[-1]

    yield starter
    for target in targets:
        target.close()


@pytest.mark.parametrize("who", ["main", "thread"])
def test_exec_right_after_the_clone(sleeper, who):
    """The thread that has made the clone is killed before it can say so."""
    result = spy.after_clone(spy.labels(sleeper(who).pid, "--source=clone"))[0]
    for _ in range(SHOTS):
        target = sleeper(who)
        outcome = spy.run_under_kill_at(["entry", result, str(int(signal.SIGUSR1)),
                                         "exec:%d" % target.pid], target.pid, "--source=clone")
        assert outcome.shot == "hit", outcome
        assert outcome.end == "exit", outcome
        code = json.loads(outcome.output).get("error", {}).get("code")
        assert code in CODES[outcome.number], outcome
        assert outcome.number, "it was not in time"
        assert new_program_runs(target.pid)
        assert target.hidden_zombies() == []
        assert target.snapshots() == []


def new_program_runs(pid):
    """Also false if it is stopped."""
    try:
        return (os.readlink("/proc/%d/exe" % pid).endswith("/sleep") and
                support.read_stat(pid)["state"] in "SR")
    except FileNotFoundError:
        # its main thread has ended, and the one that calls execve() is not yet in its place
        return False
