"""
A process with a known number of objects of one class, and memory of chosen kinds.

    victim.py OBJECTS MEBIBYTES

Commands, each answered in one line of JSON: `check` (is everything still there), `huge PAGES FLAGS`
(private huge pages, all written to), `fork` (a child goes on in its place), `write NUMBER` (to every huge page), `rewrite` (all of the MEBIBYTES, with what is in
them), `huge_anonymous MEBIBYTES` (transparent huge pages), `time_fork` (how long a fork() takes), `exec`
(becomes sleep).
"""

import binascii
import ctypes
import json
import os
import sys
import threading
import time

import commands

HUGE_BYTES = 2 << 20
PROT_READ_WRITE = 3
# asm-generic/mman-common.h
MADV_HUGEPAGE = 14
# linux/prctl.h
PR_SET_THP_DISABLE = 41
MAP_PRIVATE_ANONYMOUS = 0x22
MAP_FAILED = ctypes.c_void_p(-1).value
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]


class Planted:
    __slots__ = ("number", "__weakref__")

    def __init__(self, number):
        self.number = number


class Holder:
    def __init__(self, count):
        self.planted = [Planted(number) for number in range(count)]


HOLDER = Holder(int(sys.argv[1]))
# In pages of the usual size, whatever the kernel gives to those who do not ask.
LIBC.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
BALLAST = bytearray(os.urandom(4096) * 256 * int(sys.argv[2]))
LIBC.prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0)
PAGES = []
CHECKSUM = binascii.crc32(BALLAST)
GATE = threading.Lock()


def check(_):
    return json.dumps({"sum": sum(one.number for one in HOLDER.planted),
                       "ballast": binascii.crc32(BALLAST) == CHECKSUM,
                       "pages": [ctypes.c_long.from_address(page).value for page in PAGES]})


def huge(arguments):
    pages, flags = map(int, arguments.split())
    start = LIBC.mmap(None, pages * HUGE_BYTES, PROT_READ_WRITE, flags, -1, 0)
    if start == MAP_FAILED:
        return json.dumps({"error": os.strerror(ctypes.get_errno())})
    PAGES.extend(range(start, start + pages * HUGE_BYTES, HUGE_BYTES))
    return write("0")


def write(number):
    for page in PAGES:
        ctypes.c_long.from_address(page).value = int(number)
    return json.dumps({})


def rewrite(_):
    for at in range(0, len(BALLAST), 4096):
        BALLAST[at] = BALLAST[at]
    return json.dumps({})


def fork(_):
    """The child answers from now on. The reservation of huge pages ends with the parent."""
    if os.fork():
        os._exit(0)
    return json.dumps({"pid": os.getpid()})


def huge_anonymous(mebibytes):
    bytes_of_it = int(mebibytes) << 20
    # As large a piece of it as can be one page begins at a multiple of its size.
    start = LIBC.mmap(None, bytes_of_it + HUGE_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0)
    if start == MAP_FAILED:
        return json.dumps({"error": os.strerror(ctypes.get_errno())})
    start = -(-start // HUGE_BYTES) * HUGE_BYTES
    LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(bytes_of_it), MADV_HUGEPAGE)
    ctypes.memset(start, 1, bytes_of_it)
    return json.dumps({})


def time_fork(_):
    began = time.perf_counter()
    pid = os.fork()
    if not pid:
        os._exit(0)
    took = time.perf_counter() - began
    os.waitpid(pid, 0)
    return json.dumps({"ms": took * 1000})


def start_program(_):
    os.execv("/usr/bin/sleep", ["sleep", "100000"])


# A second thread, for ever blocked.
GATE.acquire()
threading.Thread(target=GATE.acquire, daemon=True).start()
commands.serve({"check": check, "huge": huge, "write": write,
                "rewrite": rewrite, "huge_anonymous": huge_anonymous,
                "time_fork": time_fork, "fork": fork, "exec": start_program})
