"""
A process that can be put into hostile or tight surroundings, and says what it can still do there.

    surrounded.py LIBRARY [zombie-leader | threads NUMBER]

LIBRARY is surroundings.c, built; beside this file are commands.py and mixed.py of tests/live.
Commands:
- `truth`: what tests/live's mixed.py answers to `report`: gc.get_objects() by type;
- `work WHAT,...`: does it, {what: outcome}; what does not work here does not work before us either;
- `enter NAME [ARGUMENT...]`: goes there, {"missing": why not} or {};
- `begin WORKER [ARGUMENT...]`: starts a thread in that function of the library, once it runs;
- `end WORKER`: ends it, {"rounds": n, "bad": n, "result": n}; `rounds WORKER`: the first of these.
"""

import ctypes
import errno
import gc
import json
import mmap
import os
import resource
import signal
import sys
import threading

import commands
import mixed

OBJECTS = 2000
MEMORY_BYTES = 4 << 20
PR_SET_SECCOMP, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_MDWE = 22, 4, 36, 65
MADV_DONTFORK, MADV_WIPEONFORK, MADV_HUGEPAGE, MADV_GUARD_INSTALL = 10, 18, 14, 102
CLONE_NEWPID = 0x20000000
PROT_READ, PROT_WRITE = 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE, MAP_HUGETLB = 1, 2, 0x20, 0x4000, 0x40000
PAGE = mmap.PAGESIZE
# Where a type has its tp_traverse, in every version.
TP_TRAVERSE = 23 * ctypes.sizeof(ctypes.c_void_p)

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
for function in (LIBC.madvise, LIBC.mprotect):
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
LIBC.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


class Work(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("begun", "rounds", "bad", "stop")]


class Writer:
    """Its tp_traverse becomes one that writes."""


LIBRARY = ctypes.CDLL(sys.argv[1], use_errno=True)
LIBRARY.sur_filter.restype = LIBRARY.sur_monitor_faults.restype = ctypes.c_long
LIBRARY.sur_monitor_faults.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64]
LIBRARY.sur_traverse_writes.argtypes = [ctypes.c_void_p]
PIPE = os.pipe()
KEPT = []
WORKERS = {}


class Missing(Exception):
    pass


def check(result):
    """Of a call of the C library: -1 and errno; returns what is fine."""
    if result == -1 or result == ctypes.c_void_p(-1).value:
        raise Missing(errno.errorcode[ctypes.get_errno()])
    return result


def control(option, value):
    check(LIBC.prctl(option, value, 0, 0, 0))


def mapped(size, flags=MAP_PRIVATE | MAP_ANONYMOUS, descriptor=-1):
    return check(LIBC.mmap(None, size, PROT_READ | PROT_WRITE, flags, descriptor, 0))


def limit(name, more="0", hard="1"):
    """RLIMIT_NAME to what is in use, and so much more; or to that. For good if `hard`."""
    number = getattr(resource, "RLIMIT_" + name)
    in_use = {"AS": "VmSize", "DATA": "VmData"}.get(name)
    value = int(more)
    if in_use:
        with open("/proc/self/status") as stream:
            value += [int(line.split()[1]) for line in stream if line.startswith(in_use)][0] << 10
    resource.setrlimit(number, (value, value if int(hard) else resource.RLIM_INFINITY))


def done(result):
    if result:
        raise Missing(errno.errorcode[-result])


def filtered(action, everything, all_threads=0):
    done(LIBRARY.sur_filter(ctypes.c_uint32(int(action, 16)), ctypes.c_long(int(everything)),
                            ctypes.c_long(int(all_threads))))


def dispatched(blocked):
    done(LIBRARY.sur_dispatch(ctypes.c_long(int(blocked))))


def lock_memory():
    check(LIBC.mlockall(1 | 2))


def huge_pages():
    size = 32 << 20
    addr = mapped(size)
    check(LIBC.madvise(addr, size, MADV_HUGEPAGE))
    ctypes.memset(addr, 1, size)


def huge_page_pool():
    check(LIBC.mmap(None, 2 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0))


def sparse():
    """A terabyte of which two pages are used."""
    size = 1 << 40
    addr = mapped(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
    ctypes.memset(addr, 1, 1)
    ctypes.memset(addr + size - 1, 1, 1)


def monitor_faults(features, kind):
    """Missing pages, and nobody who fills them in."""
    size = 1 << 20
    if kind == "file":
        descriptor = os.memfd_create("missing")
        os.ftruncate(descriptor, size)
        addr = mapped(size, MAP_PRIVATE, descriptor)
    else:
        addr = mapped(size)
    result = LIBRARY.sur_monitor_faults(int(features), addr, size)
    if result < 0:
        raise Missing("userfaultfd: " + errno.errorcode[-result])
    KEPT.append(result)


def object_at(addr):
    """A list that holds a float at `addr`, which nobody else knows."""
    value = 2.5 ** 0.5
    ctypes.memmove(addr, id(value), sys.getsizeof(value))
    ctypes.c_ssize_t.from_address(addr).value = 1 << 20
    KEPT.append([ctypes.cast(ctypes.c_void_p(addr), ctypes.py_object).value])


def hole(kind):
    """An object in memory that a snapshot, or nobody, can read."""
    size = 4 * PAGE
    if kind == "truncated":
        descriptor = os.memfd_create("short")
        os.ftruncate(descriptor, size)
        addr = mapped(size, MAP_PRIVATE, descriptor)
    else:
        descriptor = None
        addr = mapped(size)
    object_at(addr + 2 * PAGE)
    if kind == "truncated":
        # A private copy of a page stays; this one is dropped with the file's.
        os.ftruncate(descriptor, PAGE)
    elif kind == "no-access":
        check(LIBC.mprotect(addr + 2 * PAGE, PAGE, 0))
    else:
        advice = {"dontfork": MADV_DONTFORK, "wipeonfork": MADV_WIPEONFORK,
                  "guard": MADV_GUARD_INSTALL}[kind]
        check(LIBC.madvise(addr + 2 * PAGE, PAGE, advice))


def maps_of_short_files():
    """Maps whose pages are not there, private and shared; nothing leads to them."""
    for flags in (MAP_PRIVATE, MAP_SHARED):
        descriptor = os.memfd_create("short")
        os.ftruncate(descriptor, 64 * PAGE)
        addr = mapped(64 * PAGE, flags, descriptor)
        ctypes.memset(addr, 1, 64 * PAGE)
        os.ftruncate(descriptor, PAGE)


def shared_memory(descriptor):
    """A type whose tp_traverse, which only a snapshot calls, writes into that file."""
    addr = mapped(PAGE, MAP_SHARED, int(descriptor))
    LIBRARY.sur_traverse_writes(addr)
    function = ctypes.cast(LIBRARY.sur_traverse, ctypes.c_void_p).value
    KEPT.append(Writer())
    ctypes.c_void_p.from_address(id(Writer) + TP_TRAVERSE).value = function


def children_elsewhere(who):
    """Children that this thread, or another one, makes from now on go to a new pid namespace."""
    results = []

    def leave():
        try:
            results.append(check(LIBC.unshare(CLONE_NEWPID)))
        except Missing as reason:
            results.append(reason)

    if who == "thread":
        done, never = threading.Event(), threading.Lock()
        never.acquire()

        def run():
            leave()
            done.set()
            never.acquire()

        threading.Thread(target=run, daemon=True).start()
        done.wait()
    else:
        leave()
    if results[0]:
        raise results[0]


def into_empty_root(folder):
    os.chroot(folder)
    os.chdir("/")


PLACES = {
    "limit": limit, "filter": filtered, "dispatch": dispatched, "strict": lambda: control(PR_SET_SECCOMP, 1),
    "mdwe": lambda: control(PR_SET_MDWE, 1), "not-dumpable": lambda: control(PR_SET_DUMPABLE, 0),
    "subreaper": lambda: control(PR_SET_CHILD_SUBREAPER, 1), "mlockall": lock_memory,
    "huge-pages": huge_pages, "huge-page-pool": huge_page_pool, "sparse": sparse,
    "faults": monitor_faults, "hole": hole, "short-files": maps_of_short_files,
    "shared": shared_memory, "chroot": into_empty_root, "children-elsewhere": children_elsewhere,
    "no-sigchld": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
}


def enter(argument):
    name, *arguments = argument.split()
    try:
        PLACES[name](*arguments)
    except Missing as reason:
        return json.dumps({"missing": "%s: %s" % (name, reason)})
    except OSError as error:
        return json.dumps({"missing": "%s: %s" % (name, error)})
    return "{}"


def begin(argument):
    name, *arguments = argument.split()
    work = Work()
    results = []

    def run():
        if name == "blocked_signals":
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        function = getattr(LIBRARY, "sur_" + WORK_FUNCTIONS.get(name, name))
        function.restype = ctypes.c_long
        results.append(function(ctypes.byref(work),
                                *[ctypes.c_long(int(one)) for one in arguments]))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not work.begun and thread.is_alive():
        os.sched_yield()
    WORKERS[name] = work, thread, results
    return json.dumps({"begun": bool(work.begun), "result": results})


WORK_FUNCTIONS = {"blocked_signals": "vectors"}


def rounds(name):
    return json.dumps({"rounds": WORKERS[name][0].rounds})


def end(name):
    work, thread, results = WORKERS.pop(name)
    work.stop = 1
    thread.join()
    return json.dumps({"rounds": work.rounds, "bad": work.bad, "result": results[0]})


def fork():
    child = os.fork()
    if child == 0:
        os._exit(7)
    status = os.waitpid(child, 0)[1]
    try:
        return ["a child too many", os.waitpid(-1, os.WNOHANG)]
    except ChildProcessError:
        return status


def thread():
    done = []
    one = threading.Thread(target=done.append, args=(1,))
    one.start()
    one.join()
    return done


def memory():
    data = bytearray(MEMORY_BYTES)
    data[::4096] = b"x" * (MEMORY_BYTES // 4096)
    return data.count(b"x")


def pipe():
    os.write(PIPE[1], b"hello")
    return os.read(PIPE[0], 5).decode()


TASKS = {"fork": fork, "thread": thread, "memory": memory, "pipe": pipe}


def outcome(task):
    try:
        return TASKS[task]()
    except OSError as error:
        return errno.errorcode[error.errno]
    except (MemoryError, RuntimeError) as error:
        return repr(error)


def work(argument):
    return json.dumps({task: outcome(task) for task in argument.split(",") if task})


def truth(_):
    for _ in range(12):
        gc.collect()
    mixed.report("")
    mixed.report("")
    gc.collect()
    return mixed.report("")


def wait_for_ever(count):
    lock = threading.Lock()
    started = threading.Semaphore(0)
    lock.acquire()

    def wait():
        started.release()
        lock.acquire()

    for _ in range(count):
        threading.Thread(target=wait, daemon=True).start()
    for _ in range(count):
        started.acquire()


def serve():
    commands.serve({"truth": truth, "work": work, "enter": enter, "begin": begin, "end": end,
                    "rounds": rounds})


def main():
    gc.disable()
    population = mixed.build(OBJECTS)
    if sys.argv[2:3] == ["zombie-leader"]:
        threading.Thread(target=serve).start()
        return LIBRARY.sur_end_thread()
    if sys.argv[2:3] == ["threads"]:
        wait_for_ever(int(sys.argv[3]))
    return serve(), population


main()
