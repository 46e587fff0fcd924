"""
A Python whose list of interpreters leads where pages never come.

usage: victim_time.py KIND [FILE]

KIND: uffd, file (where interpreters are); text, stack (in the file); rseq (of all threads, in the
file); cycle, threads, base, mro, name,
dict (structures without end); plain
"""

import ctypes
import mmap
import os
import struct
import sys
import threading

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


def of_file(path, protection=mmap.PROT_READ, pages=PAGES):
    fd = os.open(path, os.O_RDONLY)
    addr = libc.mmap(None, pages * mmap.PAGESIZE, protection, mmap.MAP_PRIVATE, fd, 0)
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


class Endless:
    """What is said of it is not true."""


def break_type(kind):
    """Of PyTypeObject: tp_name, tp_base, tp_mro; of the latter its size."""
    words = (ctypes.c_uint64 * 64).from_address(id(Endless))
    if kind == "base":
        words[32] = id(Endless)
    elif kind == "name":
        words[3] = long_text()
    else:
        place = list(words).index(id(Endless.__mro__))
        (ctypes.c_uint64 * 4).from_address(words[place])[2] = 1 << 40


def long_text():
    """A GB of it, from one MB."""
    with open(os.memfd_create("text"), "r+b") as stream:
        stream.write(b"a" * (1 << 20))
        stream.flush()
        addr = libc.mmap(None, 1 << 30, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        for offset in range(0, 1 << 30, 1 << 20):
            assert libc.mmap(addr + offset, 1 << 20, mmap.PROT_READ, mmap.MAP_SHARED | 0x10,
                             stream.fileno(), 0) == addr + offset
    return addr


def repeat_thread():
    """The only thread says that itself comes next."""
    own = ctypes.pythonapi.PyThreadState_Get
    own.restype = ctypes.c_void_p
    (ctypes.c_uint64 * 2).from_address(own())[1] = own()


def go_to(path):
    """The rest of the run, on a stack in the file, of which only the upper part is there."""
    pages = 64
    addr = of_file(path, mmap.PROT_READ | mmap.PROT_WRITE, pages)
    top = 8 * mmap.PAGESIZE
    ctypes.memset(addr + pages * mmap.PAGESIZE - top, 0, top)
    # ucontext_t is smaller; uc_link, and uc_stack: ss_sp, ss_flags, ss_size.
    context, back = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(4096)
    libc.getcontext(context)
    struct.pack_into("=QQQQ", context, 8, 0, addr, 0, pages * mmap.PAGESIZE - top + 256)
    libc.makecontext(context, ctypes.cast(libc.pause, ctypes.c_void_p), 0)
    os.write(1, b"READY\n")
    libc.swapcontext(back, context)


def lead_sequence_to(addr, thread_pointer):
    """What a thread that waits says of its restartable sequence; the kernel looks when it goes on."""
    offset = ctypes.c_ssize_t.in_dll(libc, "__rseq_offset").value
    ctypes.c_uint64.from_address(thread_pointer + offset + 8).value = addr


def wait_in_sequence(addr):
    """
    Two threads that wait; a third one, which ends, sees to it that both seem to be in a sequence.

    Not one of themselves: if the kernel took the processor from it after that, it would look at once.
    """
    here, there = os.pipe()

    def lead_both():
        waiting = [threading.main_thread(), second]
        for thread in waiting:
            with open("/proc/self/task/%d/syscall" % thread.native_id, encoding="ascii") as call:
                while not call.read().startswith("0 "):
                    call.seek(0)
        for thread in waiting:
            lead_sequence_to(addr, thread.ident)
        os.write(1, b"READY\n")

    second = threading.Thread(target=os.read, args=(here, 1), daemon=True)
    second.start()
    threading.Thread(target=lead_both, daemon=True).start()
    os.read(here, 1)
    os.close(there)


kind = sys.argv[1]
if kind == "rseq":
    wait_in_sequence(of_file(sys.argv[2]))
if kind == "uffd":
    target = held_back()
elif kind == "file":
    target = of_file(sys.argv[2])
else:
    target = 0
if kind == "stack":
    go_to(sys.argv[2])
if kind == "text":
    of_file(sys.argv[2], mmap.PROT_READ | mmap.PROT_EXEC)
kept.append(dict.fromkeys(range(10)))
os.write(1, b"READY\n")
if kind in ("base", "mro", "name"):
    break_type(kind)
elif kind == "dict":
    (ctypes.c_uint64 * 3).from_address(id(kept[-1]))[2] = 1 << 40
elif kind == "threads":
    repeat_thread()
if target:
    lead_to(target)
elif kind == "cycle":
    close_the_circle()
os.read(0, 1)
os.kill(os.getpid(), 9)
