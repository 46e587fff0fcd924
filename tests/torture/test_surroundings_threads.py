"""
Threads in odd states: what runs in them must go on as if nobody had looked, whichever of them
pyinspect chooses to run its system calls in.
"""

import os
import subprocess

import pytest

import extension
import support
from surroundings import (EVERYTHING, check, check_refused, check_right, lack, public,
                          surrounded, unharmed)

__all__ = ["public", "surrounded"]  # fixtures

ATTACHES = 400 if extension.LONG else 12
MANY_THREADS = 1000
DESCRIPTORS = 256


def rseq_offset():
    """Where the C library keeps each thread's area; None if it does not."""
    asked = subprocess.run(
        [extension.interpreters.require(extension.INTERPRETER).path, "-sEc",
         "import ctypes; libc = ctypes.CDLL(None); "
         "size = ctypes.c_uint.in_dll(libc, '__rseq_size').value; "
         "print(ctypes.c_ssize_t.in_dll(libc, '__rseq_offset').value if size else '')"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip() else None


def attach_again_and_again(target, truth, source="clone", attaches=ATTACHES):
    for _ in range(attaches):
        check_right(target, truth, source, "--source", source)


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_restartable_sequence(surrounded, source):
    """A section that was interrupted is aborted, never committed."""
    offset = rseq_offset()
    if offset is None or os.uname().machine != "x86_64":
        lack("a C library with rseq, on x86_64")
    target = surrounded().begin("restartable", offset)
    with unharmed(target, blocked=False, memory=False) as truth:
        attach_again_and_again(target, truth, source)
    target.end("restartable")


@pytest.mark.parametrize("worker", ["vectors", "blocked_signals"])
def test_vector_registers(surrounded, worker):
    """All of them, in a thread that always runs; once with all signals blocked."""
    if os.uname().machine == "x86_64" and "avx512f" not in support.read_text("/proc/cpuinfo"):
        lack("AVX-512")
    target = surrounded().begin(worker)
    with unharmed(target, blocked=False, memory=False) as truth:
        attach_again_and_again(target, truth)
    target.end(worker)


@pytest.mark.parametrize("guarded", [0, 1])
def test_alternate_stack(surrounded, guarded):
    """A signal handler that runs on a stack too small for the guard of a system call."""
    target = surrounded().begin("alternate_stack", guarded)
    check(target, "clone", blocked=False, memory=False)
    target.end("alternate_stack")


def test_deep_stack(surrounded):
    """Next to nothing is left of it."""
    target = surrounded().begin("deep_stack")
    check(target, "clone", blocked=False, memory=False)
    target.end("deep_stack")


def test_threads_that_come_and_go(surrounded):
    target = surrounded().begin("thread_storm")
    with unharmed(target, blocked=False, memory=False, settled=False) as truth:
        attach_again_and_again(target, truth, attaches=ATTACHES // 3)
    target.end("thread_storm")


def test_vfork_child(surrounded):
    """A thread waits, uninterruptibly, for its child to let it have their memory back."""
    reader, writer = os.pipe()
    target = surrounded(pass_fds=(reader,)).begin("vfork", reader)
    support.wait_until(lambda: support.children(target.pid), "the child")
    support.wait_until(lambda: "D" in [support.read_stat(target.pid, tid)["state"]
                                       for tid in support.threads(target.pid)], "it is in vfork()")
    check(target, "clone", blocked=False)
    os.write(writer, b"\0")
    assert target.end("vfork") == 0
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("limit", ["", "--nofile=%d:%d" % (DESCRIPTORS, 2 * MANY_THREADS)])
def test_many_threads(surrounded, limit):
    """All of them are watched, each by a file that we have open."""
    prefix = ["prlimit", limit] if limit else []
    target = surrounded("threads", MANY_THREADS)
    with unharmed(target) as truth:
        for source in ("clone", "mirror"):
            envelope = check_right(target, truth, source, "--source", source, prefix=prefix)
            assert envelope["access"]["attempts"] == 1
            assert envelope["cost"]["longest_pause_ms"] < 200
            assert envelope["cost"]["elapsed_ms"] < 3000
        hard = ["prlimit", "--nofile=%d:%d" % (DESCRIPTORS, DESCRIPTORS)]
        check_refused(target, "proc-unreadable", prefix=hard, names="Too many open files")


def test_main_thread_has_ended(surrounded):
    """The process lives on in its other threads, but the kernel shows it as a zombie."""
    target = surrounded("zombie-leader")
    support.wait_until(lambda: support.read_stat(target.pid)["state"] == "Z", "it has ended")
    target.work(EVERYTHING)
    before = target.work(EVERYTHING)
    for source in ("auto", "clone", "mirror"):
        check_refused(target, "no-such-process", "--source", source, exit_code=3,
                      names="main thread of process %d has exited" % target.pid)
    assert target.work(EVERYTHING) == before
    tid = [tid for tid in support.threads(target.pid) if tid != target.pid][0]
    assert support.status(target.pid, tid)["TracerPid"] == "0"
