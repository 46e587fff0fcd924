"""
A process whose threads wait in system calls of their own, one each; see extension/blocking.h.

    blocked.py FOLDER ROLE

FOLDER has the module `blocking`. ROLE: "main" when the one job is to be done by the main thread,
else "other"; who listens to commands does so in a call that must not be interrupted.

Commands: `modes`; `prepare MILLISECONDS MODE...` ({mode: why it cannot be had}), then `discard`,
or: `begin` (waits until all of them wait; {mode: number of its thread}), `wake`, `collect` ({mode:
outcome}). After `collect` the listener can be interrupted again, so that a snapshot taken while a
job ended can be reaped.
"""

import json
import os
import queue
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])

import blocking  # noqa: E402

JOBS = {}
DONE = set()
ROLE = sys.argv[2]
FOR_MAIN = queue.Queue()
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.002


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def modes():
    return blocking.modes()


def prepare(milliseconds, *names):
    refused = {}
    for name in names:
        try:
            JOBS[name] = blocking.prepare(name, int(milliseconds))
        except OSError as error:
            refused[name] = str(error)
    return refused


def discard():
    for job in JOBS.values():
        blocking.discard(job)
    JOBS.clear()
    return {}


def begin():
    for job in JOBS.values():
        if ROLE == "main":
            FOR_MAIN.put(job)
        else:
            threading.Thread(target=blocking.call, args=(job,), daemon=True).start()
    wait_for(lambda: all(map(blocking.begun, JOBS.values())))
    for job in JOBS.values():
        blocking.prod(job)
    return {name: blocking.begun(job) for name, job in JOBS.items()}


def wake():
    for job in JOBS.values():
        blocking.wake(job)
    return {}


def collect():
    wait_for(lambda: all(map(blocking.ended, JOBS.values())))
    outcomes = {name: blocking.outcome(job) if blocking.ended(job) else None
                for name, job in JOBS.items()}
    JOBS.clear()
    return outcomes


COMMANDS = {"modes": modes, "prepare": prepare, "discard": discard, "begin": begin, "wake": wake,
            "collect": collect}


def serve():
    os.write(1, b"READY\n")
    while "collect" in DONE or blocking.await_input():
        line = os.read(0, 1 << 16)
        if not line:
            break
        name, *arguments = line.decode().split()
        DONE.add(name)
        data = json.dumps(COMMANDS[name](*arguments)).encode() + b"\n"
        while data:
            data = data[os.write(1, data):]
    FOR_MAIN.put(None)


def main():
    if ROLE != "main":
        return serve()
    threading.Thread(target=serve, daemon=True).start()
    for job in iter(FOR_MAIN.get, None):
        blocking.call(job)


main()
