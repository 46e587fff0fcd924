"""
Runs that must end in time, and file systems that do not answer.

Does not say what a target looks like: victim_time.py and the tests do.
"""

import contextlib
import ctypes
import errno
import os
import signal
import struct
import subprocess
import tempfile
import threading
import time

import interpreters
import support
import test_file_server as file_server

UFFD_NUMBER = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
DISTRIBUTION = interpreters.EXPECTED[-1]
TIMEOUT_SECONDS = 2
# Until a signal is sent.
SIGNAL_SECONDS = 1
# Within that, whatever the target does; what is beyond a second is for a busy machine.
PATIENCE_SECONDS = 1.3
# "terminal": SIGINT, sent to everybody as Control-C does.
WAYS = ["timeout", "SIGINT", "SIGTERM", "terminal"]


class Run:
    """pyinspect, in a session of its own."""

    def __init__(self, way, *arguments):
        self.way = way
        seconds = TIMEOUT_SECONDS if way == "timeout" else 60
        self.begun = time.monotonic()
        # No pipes: nobody reads them meanwhile.
        self.files = [tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(2)]
        self.process = subprocess.Popen(
            [support.PYINSPECT, *map(str, arguments), "--timeout", str(seconds)],
            stdin=subprocess.DEVNULL, stdout=self.files[0], stderr=self.files[1],
            start_new_session=True)
        self.output = self.words = None

    def members(self, states="RSTtI"):
        """{name: [pid]} of what has been started, as far as it is alive."""
        found = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                text = support.read_text("/proc/%s/stat" % entry)
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = text[text.rindex(")") + 2:].split()
            if int(fields[3]) == self.process.pid and fields[0] in states:
                name = text[text.index("(") + 1:text.rindex(")")]
                found.setdefault(name, []).append(int(entry))
        return found

    def member(self, name):
        return support.wait_until(lambda: self.members().get(name), name)[0]

    def finish(self):
        """Its exit code (negative: the signal), once it has ended, which is in time."""
        asked = self.begun + TIMEOUT_SECONDS
        ended = False
        if self.way != "timeout":
            ended = support.wait_exit(self.process,
                                      max(0, self.begun + SIGNAL_SECONDS - time.monotonic()))
            asked = time.monotonic()
            if not ended and self.way == "terminal":
                os.killpg(self.process.pid, signal.SIGINT)
            elif not ended:
                os.kill(self.process.pid, getattr(signal, self.way))
        ended = ended or support.wait_exit(self.process, max(0, asked + 10 - time.monotonic()))
        took = time.monotonic() - asked
        if not ended:
            self.kill()
        self.process.wait()
        for stream in self.files:
            stream.seek(0)
        self.output, self.words = (stream.read() for stream in self.files)
        assert ended and took < PATIENCE_SECONDS, "%.2f s: %s" % (took, self.words)
        left = self.members()
        assert not left, "still there: %s" % left
        # Those without rights may be left in a wait of the kernel.
        assert not self.members("D").get("pyinspect-brok"), "the broker waits for the target"
        return self.process.returncode

    def kill(self):
        for pids in self.members().values():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()


class Server(file_server.Server):
    """Has one file, of these bytes; what is in `silent` is not answered, from now on."""

    def __init__(self, folder, content):
        self.content = content
        self.silent = set()
        self.held = []
        self.lock = threading.Lock()
        super().__init__(folder)

    def handle(self, opcode, unique, node, body):
        with self.lock:
            if opcode in self.silent:
                self.held.append(unique)
                return
        if opcode in (file_server.LOOKUP, file_server.GETATTR):
            self.describe(opcode, unique, node, len(self.content), 0o100755)
        elif opcode == file_server.OPEN:
            self.answer(unique, struct.pack("=QIi", 0, 0, 0))
        elif opcode == file_server.READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            self.answer(unique, self.content[offset:offset + size])
        elif opcode != file_server.INTERRUPT:
            super().handle(opcode, unique, node, body)

    def answer_all(self):
        with self.lock:
            self.silent = set()
            for unique in self.held:
                self.answer(unique, error=errno.EIO)
            self.held = []

    def close(self):
        self.answer_all()
        super().close()


def drop_cache(path):
    """Pages of a file that nobody has changed go, if nobody has mapped them."""
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def has_rseq():
    """Whether the C library has registered a place for restartable sequences."""
    try:
        return ctypes.c_uint.in_dll(ctypes.CDLL(None), "__rseq_size").value != 0
    except ValueError:
        return False


def has_userfaultfd():
    """Whether a process of root can make one that also faults of the kernel wait for."""
    fd = ctypes.CDLL(None, use_errno=True).syscall(UFFD_NUMBER, os.O_CLOEXEC)
    if fd >= 0:
        os.close(fd)
    return fd >= 0
