"""
A process of which every thread waits for ever, each in another system call; it changes nothing by
itself.

    still.py [THREADS]

Commands: `nothing`.
"""

import ctypes
import os
import select
import signal
import socket
import sys
import threading

import commands

LIBC = ctypes.CDLL(None, use_errno=True)
EVER = -1


def wait_epoll(ready):
    poller = select.epoll()
    events = ctypes.create_string_buffer(64)
    ready()
    LIBC.epoll_wait(poller.fileno(), events, 4, EVER)


def wait_poll(ready):
    ready()
    LIBC.poll(None, 0, EVER)


def wait_pipe(ready):
    reader, _ = os.pipe()
    ready()
    os.read(reader, 1)


def wait_accept(ready):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("")
    listener.listen(1)
    ready()
    listener.accept()


def wait_lock(ready):
    lock = threading.Lock()
    lock.acquire()
    ready()
    lock.acquire()


def wait_signal(ready):
    number = ctypes.c_int()
    wanted = (ctypes.c_ulong * 16)(1 << (signal.SIGUSR2 - 1))
    ready()
    LIBC.sigwait(wanted, ctypes.byref(number))


def wait_pause(ready):
    ready()
    LIBC.pause()


WAITS = [wait_epoll, wait_poll, wait_pipe, wait_accept, wait_lock, wait_signal, wait_pause]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else len(WAITS)
    started = threading.Semaphore(0)
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # one signal stays pending for the process: it must stay so
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGRTMIN + 5, signal.SIGURG})
    os.kill(os.getpid(), signal.SIGRTMIN + 5)
    for number in range(count):
        wait = WAITS[number % len(WAITS)]
        threading.Thread(target=wait, args=(started.release,), daemon=True).start()
    for _ in range(count):
        started.acquire()
    commands.serve({"nothing": lambda argument: "{}",
                    "exec": lambda argument: os.execvp("sleep", ["sleep", "1000"])})


main()
