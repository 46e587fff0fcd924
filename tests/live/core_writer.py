"""
Writes a core file of a process of ours as the kernel would, and lets the process go on.

Not all that a core can have: no vector registers, no signal.
"""

import contextlib
import ctypes
import os
import platform
import struct

import support

PAGE = os.sysconf("SC_PAGESIZE")
MACHINES = {"x86_64": 62, "aarch64": 183}
MACHINE = MACHINES[platform.machine()]
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_ARM_TLS, NT_FILE = 1, 3, 6, 0x401, 0x46494C45
PTRACE_DETACH, PTRACE_GETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4204, 0x4206, 0x4207
WALL = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request, tid, address=0, data=0):
    if _libc.ptrace(request, tid, address, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace %#x of %d" % (request, tid))


def _registers(tid, kind):
    buffer = ctypes.create_string_buffer(1024)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), len(buffer))
    _ptrace(PTRACE_GETREGSET, tid, kind, ctypes.addressof(vector))
    return buffer.raw[:vector[1]]


@contextlib.contextmanager
def _stopped(pid):
    tids = [int(tid) for tid in os.listdir("/proc/%d/task" % pid)]
    # That of the main thread comes first, as in the kernel's.
    tids.sort(key=lambda tid: (tid != pid, tid))
    for tid in tids:
        _ptrace(PTRACE_SEIZE, tid)
        _ptrace(PTRACE_INTERRUPT, tid)
        os.waitpid(tid, WALL)
    try:
        yield tids
    finally:
        for tid in tids:
            _ptrace(PTRACE_DETACH, tid)


def _note(kind, content, name=b"CORE"):
    name += b"\0"
    return (struct.pack("<III", len(name), len(content), kind) + name + bytes(-len(name) % 4)
            + content + bytes(-len(content) % 4))


def _status(tid):
    words = struct.pack("<3ih2xQQ4i8q", 0, 0, 0, 0, 0, 0, tid, 1, tid, tid, *[0] * 8)
    note = _note(NT_PRSTATUS, words + _registers(tid, NT_PRSTATUS) + struct.pack("<i4x", 0))
    if platform.machine() == "aarch64":
        note += _note(NT_ARM_TLS, _registers(tid, NT_ARM_TLS), b"LINUX")
    return note


class _Map:
    def __init__(self, line, root):
        words = line.split(None, 5)
        self.start, self.end = (int(word, 16) for word in words[0].split("-"))
        self.flags = words[1]
        self.offset = int(words[2], 16)
        self.path = words[5].rstrip("\n") if len(words) > 5 else ""
        self.anonymous = 0
        if self.path.startswith(root + "/"):
            self.path = self.path[len(root):]

    def is_file(self):
        return self.path.startswith("/")


def _maps(pid):
    root = os.readlink("/proc/%d/root" % pid).rstrip("/")
    found = []
    with open("/proc/%d/smaps" % pid, encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            if line.startswith("Anonymous:"):
                found[-1].anonymous = int(line.split()[1])
            elif "-" in line.split(None, 1)[0] and line[0] in "0123456789abcdef":
                found.append(_Map(line, root))
    return [one for one in found if one.path != "[vsyscall]"]


def _dumped(one, memory, everything):
    """How much of it the kernel writes by the coredump_filter that there is by default."""
    if "r" not in one.flags or one.path.startswith("[vvar"):
        return 0
    if everything or not one.is_file() or "w" in one.flags and "p" in one.flags or one.anonymous:
        return one.end - one.start
    # Shared memory without a name.
    if "s" in one.flags and one.path.endswith(" (deleted)"):
        return one.end - one.start
    if one.offset == 0 and os.pread(memory, 4, one.start) == b"\x7fELF":
        return PAGE
    return 0


def _files(maps):
    mapped = [one for one in maps if one.is_file()]
    return (struct.pack("<QQ", len(mapped), PAGE)
            + b"".join(struct.pack("<3Q", one.start, one.end, one.offset // PAGE)
                       for one in mapped)
            + b"".join(os.fsencode(one.path) + b"\0" for one in mapped))


def write(pid, path, everything=False, shift=0, omit=False, leave_out=lambda one: False):
    """
    `everything`: with the pages of programs. `shift`: so many bytes away from whole pages, and
    `omit`: without a word about what of a file was not written, as gdb does. `leave_out` says of a
    map that none of it is written.
    """
    with _stopped(pid) as tids, open(path, "wb") as core:
        memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
        maps = _maps(pid)
        files = _files(maps)
        with open("/proc/%d/auxv" % pid, "rb") as stream:
            vector = stream.read()
        name = support.read_text("/proc/%d/comm" % pid).strip().encode()[:15]
        info = struct.pack("<4B4xQII4i16s80s", 0, ord("S"), 0, 0, 0, os.getuid(), os.getgid(), pid,
                           1, pid, pid, name, b"")
        notes = (_status(tids[0]) + _note(NT_PRPSINFO, info) + _note(NT_AUXV, vector)
                 + _note(NT_FILE, files) + b"".join(map(_status, tids[1:])))
        sizes = [0 if leave_out(one) else _dumped(one, memory, everything) for one in maps]
        if omit:
            maps = [one for one, size in zip(maps, sizes) if size]
            sizes = [size for size in sizes if size]
        head = 64 + 56 * (1 + len(maps))
        at = (head + len(notes) + PAGE - 1) // PAGE * PAGE + shift
        table = [struct.pack("<IIQQQQQQ", PT_NOTE, 0, head, 0, 0, len(notes), 0, 4)]
        places = []
        for one, size in zip(maps, sizes):
            # gdb writes only what there is.
            end = one.start + size if omit else one.end
            flags = sum(bit for bit, letter in ((4, "r"), (2, "w"), (1, "x"))
                        if letter in one.flags)
            table.append(struct.pack("<IIQQQQQQ", PT_LOAD, flags, at, one.start, 0, size,
                                     end - one.start, PAGE))
            places.append(at)
            at += size
        core.write(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, MACHINE, 1, 0, 64, 0,
                               0, 64, 56, len(table), 0, 0, 0))
        core.write(b"".join(table) + notes)
        for one, size, place in zip(maps, sizes, places):
            _copy(memory, one.start, core.fileno(), place, size)
        core.flush()
        os.truncate(path, at)
        os.close(memory)


def _copy(memory, address, fd, place, size):
    """Pages of zeros become holes, as the kernel's do."""
    step = 1 << 20
    for done in range(0, size, step):
        try:
            piece = os.pread(memory, min(step, size - done), address + done)
        except OSError:
            continue
        if piece.count(0) != len(piece):
            os.pwrite(fd, piece, place + done)
