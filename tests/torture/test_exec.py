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
import subprocess
import time

import pytest

import interpreters
import support

ROUNDS = 1500 if os.environ.get("PYI_LONG") == "1" else 40
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


def new_program_runs(pid):
    """Also false if it is stopped."""
    try:
        return (os.readlink("/proc/%d/exe" % pid).endswith("/sleep") and
                support.read_stat(pid)["state"] in "SR")
    except FileNotFoundError:
        # its main thread has ended, and the one that calls execve() is not yet in its place
        return False
