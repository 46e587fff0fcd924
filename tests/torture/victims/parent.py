"""
A process that waits for its children all the time, in every way, and checks what it is told.

    parent.py FOLDER KIND

KIND is what becomes of SIGCHLD: "blocked" (each is taken from the queue), "ignored", "nowait"
(SA_NOCLDWAIT with a handler). Commands: `check` ({"rounds": n, "bad": [words]}).
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

LIBC = ctypes.CDLL(None, use_errno=True)
KIND = sys.argv[2]
BAD = []
ROUNDS = [0]
SA_NOCLDWAIT = 2
LONG_SECONDS = 1.0
# In all of these a child that is there, whatever it does, makes a difference.
LOOKS = {
    "waitpid": lambda: os.waitpid(-1, os.WNOHANG),
    "waitpid, stopped too": lambda: os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED),
    "waitpid of the group": lambda: os.waitpid(0, os.WNOHANG),
    "wait4": lambda: os.wait4(-1, os.WNOHANG),
    "waitid": lambda: os.waitid(os.P_ALL, 0, os.WEXITED | os.WSTOPPED | os.WCONTINUED | os.WNOHANG),
    "waitid, left there": lambda: os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG),
    "wait": os.wait,
    "waitid without end": lambda: os.waitid(os.P_ALL, 0, os.WEXITED | os.WSTOPPED),
}


def bad(*words):
    if len(BAD) < 50:
        BAD.append(" ".join(map(str, words)))


def expect_none():
    for name, look in LOOKS.items():
        before = time.monotonic()
        try:
            bad(name, "saw a child:", look())
        except ChildProcessError:
            pass
        if time.monotonic() - before > LONG_SECONDS:
            bad(name, "waited for a child that is not there")


def expect_no_signal():
    if KIND == "blocked":
        info = signal.sigtimedwait([signal.SIGCHLD], 0)
        if info:
            bad("a SIGCHLD of", info.si_pid, "code", info.si_code)


def expect_signal(child):
    if KIND == "blocked":
        info = signal.sigtimedwait([signal.SIGCHLD], 0)
        if not info or info.si_pid != child:
            bad("no SIGCHLD of", child, "but", info)
    expect_no_signal()


def fork(status):
    child = os.fork()
    if child == 0:
        os._exit(status)
    return child


def work():
    while True:
        status = ROUNDS[0] % 100
        expect_none()
        expect_no_signal()
        child = fork(status)
        try:
            result = os.wait()
            if KIND != "blocked" or result != (child, status << 8):
                bad("wait gave", result, "for", child)
        except ChildProcessError:
            if KIND == "blocked":
                bad("wait did not see", child)
        expect_signal(child)
        if KIND == "blocked":
            done = subprocess.run(["true"])
            if done.returncode:
                bad("subprocess:", done)
            # whoever it was, it was one
            signal.sigtimedwait([signal.SIGCHLD], 0)
            expect_no_signal()
        ROUNDS[0] += 1


def set_up():
    if KIND == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    elif KIND == "ignored":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    else:
        # struct sigaction of the C library: handler, mask, flags
        room = ctypes.create_string_buffer(256)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        LIBC.sigaction(signal.SIGCHLD, None, room)
        flags = ctypes.c_int.from_buffer(room, 8 + 128)
        flags.value |= SA_NOCLDWAIT
        LIBC.sigaction(signal.SIGCHLD, room, None)


def serve():
    os.write(1, b"READY\n")
    while os.read(0, 100):
        os.write(1, json.dumps({"rounds": ROUNDS[0], "bad": BAD}).encode() + b"\n")


# 3.12 warns of fork() with threads; the child here only exits
warnings.simplefilter("ignore", DeprecationWarning)
set_up()
threading.Thread(target=work, daemon=True).start()
serve()
