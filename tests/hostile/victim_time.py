"""
A Python whose list of interpreters leads where pages never come.

usage: victim_time.py KIND [FILE]   KIND: uffd, file, cycle or plain
"""

import ctypes
import mmap
import os
import struct
import sys

PAGES = 4
RUNTIME_BYTES = 4096
UFFD_NUMBER = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
UFFDIO_API = 0xC018AA3F
UFFDIO_REGISTER = 0xC020AA00
UFFD_API = 0xAA
MODE_MISSING = 1
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
kept = []


def held_back():
    """Pages of which nobody says what is in them (userfaultfd)."""
    fd = libc.syscall(UFFD_NUMBER, os.O_CLOEXEC)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    api = ctypes.create_string_buffer(struct.pack("=QQQ", UFFD_API, 0, 0), 24)
    assert libc.ioctl(fd, ctypes.c_ulong(UFFDIO_API), api) == 0
    addr = libc.mmap(None, PAGES * mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE,
                     mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    register = ctypes.create_string_buffer(
        struct.pack("=QQQQ", addr, PAGES * mmap.PAGESIZE, MODE_MISSING, 0), 32)
    assert libc.ioctl(fd, ctypes.c_ulong(UFFDIO_REGISTER), register) == 0
    kept.append(fd)
    return addr


def of_file(path):
    fd = os.open(path, os.O_RDONLY)
    addr = libc.mmap(None, PAGES * mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_PRIVATE, fd, 0)
    assert addr not in (None, 2**64 - 1)
    return addr


def lead_to(addr):
    """The list of interpreters, and the main one."""
    own = ctypes.pythonapi.PyInterpreterState_Get
    own.restype = ctypes.c_void_p
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    words = (ctypes.c_uint64 * (RUNTIME_BYTES // 8)).from_address(runtime)
    found = [number for number, word in enumerate(words) if word == own()]
    assert found
    for number in found:
        words[number] = addr


def close_the_circle():
    """The interpreter says that itself comes next."""
    own = ctypes.pythonapi.PyInterpreterState_Get
    own.restype = ctypes.c_void_p
    nearest = (ctypes.c_uint64 * 2).from_address(own())
    nearest[0] = own()


kind = sys.argv[1]
if kind == "uffd":
    target = held_back()
elif kind == "file":
    target = of_file(sys.argv[2])
else:
    target = 0
os.write(1, b"READY\n")
if target:
    lead_to(target)
elif kind == "cycle":
    close_the_circle()
os.read(0, 1)
os.kill(os.getpid(), 9)
