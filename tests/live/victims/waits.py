"""
A process that keeps working and checks itself: would it notice that it was stopped?

Each worker thread repeats one kind of wait, through ctypes, so that nothing of Python's hides an
interrupted system call. All signals are blocked but in the main thread: an EINTR in a worker was
made by somebody outside.

    waits.py SIGNAL_FD

SIGNAL_FD gets a byte for each SIGUSR1, from the C handler itself. Commands: `check`
({"rounds": {worker: n}, "bad": [words], "short": [words], "real_time": [value, ...]}); "short" are
transfers that ended before all of the data was through.
"""

import ctypes
import errno
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import warnings

import commands

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.read.restype = LIBC.write.restype = LIBC.recv.restype = ctypes.c_ssize_t

REAL_TIME = signal.SIGRTMIN + 3
CLOCK_MONOTONIC = 1
SIG_BLOCK = 0
# A wait may end late on a busy machine; it may not begin anew with every snapshot.
LATE_SECONDS = 4.0

ROUNDS = {}
BAD = []
SHORT = []
VALUES = []


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class Interval(ctypes.Structure):
    _fields_ = [("interval", Timespec), ("value", Timespec)]


def bad(*words):
    if len(BAD) < 50:
        BAD.append(" ".join(str(word) for word in words))


def whole(name, result, length):
    if result != length and len(SHORT) < 50:
        SHORT.append("%s gave %d of %d, errno %d" % (name, result, length, ctypes.get_errno()))


def timespec(seconds):
    return Timespec(int(seconds), int(seconds % 1 * 1e9))


def signal_set(number):
    return (ctypes.c_ulong * 16)(1 << (number - 1))


def timed(name, seconds, call):
    """One wait that must end by its timeout: in time, and with result 0."""
    before = time.monotonic()
    result = call()
    number = ctypes.get_errno()
    took = time.monotonic() - before
    if result != 0:
        bad(name, "gave", result, errno.errorcode.get(number, number))
    if took < seconds - 0.001:
        bad(name, "was too short:", took, "of", seconds)
    if took > seconds + LATE_SECONDS:
        bad(name, "was too long:", took, "of", seconds)


def epoll_short():
    poller = select.epoll()
    events = ctypes.create_string_buffer(64)
    while True:
        yield timed("epoll_wait", 0.03, lambda: LIBC.epoll_wait(poller.fileno(), events, 4, 30))


def epoll_long():
    poller = select.epoll()
    events = ctypes.create_string_buffer(64)
    while True:
        yield timed("epoll_wait", 1.5, lambda: LIBC.epoll_wait(poller.fileno(), events, 4, 1500))


def poll_short():
    while True:
        yield timed("poll", 0.02, lambda: LIBC.poll(None, 0, 20))


def nanosleep():
    request = timespec(0.025)
    while True:
        yield timed("nanosleep", 0.025, lambda: LIBC.nanosleep(ctypes.byref(request), None))


def nanosleep_long():
    request = timespec(1.2)
    while True:
        yield timed("nanosleep", 1.2, lambda: LIBC.nanosleep(ctypes.byref(request), None))


def pipe_read():
    """Blocks in read() until another thread has written; every byte comes once and in order."""
    reader, writer = os.pipe()
    pace = threading.Event()

    def write():
        number = 0
        while True:
            os.write(writer, struct.pack("=q", number))
            number += 1
            pace.wait(0.01)

    threading.Thread(target=write, daemon=True).start()
    room = ctypes.create_string_buffer(8)
    expected = 0
    while True:
        result = LIBC.read(reader, room, 8)
        if result != 8:
            bad("read gave", result, errno.errorcode.get(ctypes.get_errno()))
        elif struct.unpack("=q", room.raw)[0] != expected:
            bad("read", struct.unpack("=q", room.raw)[0], "instead of", expected)
        expected += 1
        yield


def whole_write():
    """A write() of more than the pipe holds: an interruption would make it short."""
    reader, writer = os.pipe()
    data = b"x" * 300000
    pace = threading.Event()

    def drain():
        while True:
            os.read(reader, 20000)
            pace.wait(0.003)

    threading.Thread(target=drain, daemon=True).start()
    while True:
        result = LIBC.write(writer, data, len(data))
        whole("write", result, len(data))
        yield


def whole_recv():
    """recv(MSG_WAITALL) of data that comes in pieces: an interruption would make it short."""
    here, there = socket.socketpair()
    room = ctypes.create_string_buffer(40000)
    pace = threading.Event()

    def feed():
        while True:
            there.sendall(b"y" * 4000)
            pace.wait(0.004)

    threading.Thread(target=feed, daemon=True).start()
    while True:
        result = LIBC.recv(here.fileno(), room, len(room), socket.MSG_WAITALL)
        whole("recv", result, len(room))
        yield


def real_time_signals():
    """Queued signals, each with a number: all must come, once, in order."""
    wanted = signal_set(REAL_TIME)
    info = ctypes.create_string_buffer(128)
    while True:
        result = LIBC.sigwaitinfo(wanted, info)
        if result != REAL_TIME:
            bad("sigwaitinfo gave", result, errno.errorcode.get(ctypes.get_errno()))
        else:
            VALUES.append(struct.unpack_from("=i", info.raw, 24)[0])
        yield


def timer():
    """A timer that ticks every 10 ms: all ticks together are the time that has passed."""
    tick = 0.01
    descriptor = LIBC.timerfd_create(CLOCK_MONOTONIC, 0)
    setting = Interval(timespec(tick), timespec(tick))
    start = time.monotonic()
    LIBC.timerfd_settime(descriptor, 0, ctypes.byref(setting), None)
    room = ctypes.create_string_buffer(8)
    ticks = 0
    while True:
        result = LIBC.read(descriptor, room, 8)
        passed = time.monotonic() - start
        if result != 8:
            bad("read of a timer gave", result, errno.errorcode.get(ctypes.get_errno()))
            continue
        ticks += struct.unpack("=Q", room.raw)[0]
        if ticks * tick > passed + 0.002 or ticks * tick < passed - LATE_SECONDS:
            bad("timer:", ticks, "ticks in", passed, "s")
        yield


def child_processes():
    """Children of its own: no other is seen, each is reaped once, with one SIGCHLD."""
    wanted = signal_set(signal.SIGCHLD)
    info = ctypes.create_string_buffer(128)
    none = timespec(0)
    number = 0
    while True:
        expect_no_child()
        number += 1
        status = number % 100
        child = os.fork()
        if child == 0:
            os._exit(status)
        try:
            result = os.waitpid(-1, 0)
        except OSError as error:
            bad("waitpid:", error)
            continue
        if result != (child, status << 8):
            bad("waitpid gave", result, "instead of", (child, status << 8))
        expect_no_child()
        got = LIBC.sigtimedwait(wanted, info, ctypes.byref(none))
        if got != signal.SIGCHLD or struct.unpack_from("=i", info.raw, 16)[0] != child:
            bad("no SIGCHLD for the child", child, got, ctypes.get_errno())
        got = LIBC.sigtimedwait(wanted, info, ctypes.byref(none))
        if got != -1 or ctypes.get_errno() != errno.EAGAIN:
            bad("a SIGCHLD too many, of", struct.unpack_from("=i", info.raw, 16)[0])
        yield LIBC.poll(None, 0, 5)


def expect_no_child():
    try:
        bad("wait saw a child that is not ours:", os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:
        pass


def computing():
    """Plain work: registers and memory keep their values."""
    expected = None
    while True:
        total = 0.0
        for number in range(20000):
            total = total * 0.999 + (number ^ 0x55) * 1.5
        if expected not in (None, total):
            bad("computed", total, "instead of", expected)
        expected = total
        yield LIBC.poll(None, 0, 2)


WORKERS = [epoll_short, epoll_long, poll_short, nanosleep, nanosleep_long, pipe_read, whole_write,
           whole_recv, real_time_signals, timer, child_processes, computing]


def work(worker):
    try:
        for _ in worker():
            ROUNDS[worker.__name__] += 1
    except BaseException as error:
        bad(worker.__name__, "ended:", repr(error))


def check(_):
    return json.dumps({"rounds": ROUNDS, "bad": BAD, "short": SHORT, "real_time": VALUES})


def main():
    # 3.12 warns of fork() with threads; the child here only exits
    warnings.simplefilter("ignore", DeprecationWarning)
    everything = set(range(1, signal.NSIG)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
    signal_fd = int(sys.argv[1])
    os.set_blocking(signal_fd, False)
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    signal.set_wakeup_fd(signal_fd)
    signal.pthread_sigmask(signal.SIG_BLOCK, everything - faults)
    for worker in WORKERS:
        ROUNDS[worker.__name__] = 0
    for worker in WORKERS:
        threading.Thread(target=work, args=(worker,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1, signal.SIGINT, signal.SIGTERM})
    commands.serve({"check": check})


main()
