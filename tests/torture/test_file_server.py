"""
A target that waits for a file system in user space (FUSE). Whoever asks that for anything, or
closes a duplicate of the target's descriptor, waits for its server, too, with the target stopped;
and what a server makes of a read that is interrupted is its own affair. So pyinspect does none of
that.
"""

import contextlib
import ctypes
import errno
import os
import struct
import threading

import pytest

import interpreters
import support
from surroundings import check_refused, lack, run

LIBC = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2

# include/uapi/linux/fuse.h
LOOKUP, FORGET, GETATTR, OPEN, READ, FLUSH, INIT, INTERRUPT = 1, 2, 3, 14, 15, 25, 26, 36
IN_HEADER = struct.Struct("=IIQQIIII")
OUT_HEADER = struct.Struct("=IiQ")
ATTRIBUTES = struct.Struct("=6Q10I")
FOPEN_DIRECT_IO = 1
VERSION = 7, 31
ROOT, FILE = 1, 2
REQUEST_BYTES = 1 << 17
DATA = b"from the server\n"

VICTIM = """
import os, sys, threading

path, call, company = sys.argv[1:]
fd = os.open(path, os.O_RDONLY)
if company == "company":
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=lock.acquire, daemon=True).start()
os.write(1, b"READY\\n")
os.write(1, os.read(fd, 100) if call == "read" else os.pread(fd, 100, 0))
os.read(0, 1)
"""


class Server:
    """A file system with one file; a read of that is not answered before it is told to."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "file")
        self.asked = []
        self.reading = threading.Event()
        self.read = 0
        try:
            self.fd = os.open("/dev/fuse", os.O_RDWR)
        except OSError as error:
            lack("/dev/fuse: %s" % error)
        options = "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % self.fd
        if LIBC.mount(b"test", os.fsencode(folder), b"fuse", 0, options.encode()):
            os.close(self.fd)
            lack("mounting FUSE: %s" % os.strerror(ctypes.get_errno()))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def close(self):
        LIBC.umount2(os.fsencode(self.folder), MNT_DETACH)
        self.thread.join()
        os.close(self.fd)

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, REQUEST_BYTES)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                assert error.errno == errno.ENODEV
                return
            _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
            self.asked.append(opcode)
            self.handle(opcode, unique, node, request[IN_HEADER.size:])

    def handle(self, opcode, unique, node, body):
        if opcode == INIT:
            self.answer(unique, struct.pack("=IIIIHHIIHHI28x", *VERSION, 0, 0, 0, 0, 4096, 1, 0, 0,
                                            0))
        elif opcode in (LOOKUP, GETATTR):
            self.describe(opcode, unique, node)
        elif opcode == OPEN:
            self.answer(unique, struct.pack("=QIi", 0, FOPEN_DIRECT_IO, 0))
        elif opcode == READ:
            self.read = unique
            self.reading.set()
        elif opcode == INTERRUPT:
            self.answer(self.read, error=errno.EINTR)
        elif opcode != FORGET:
            self.answer(unique, error=0 if opcode == FLUSH else errno.ENOSYS)

    def describe(self, opcode, unique, node, size=4096, mode=0o100644):
        """What was looked up, or `node`; `size` and `mode` are the file's."""
        if opcode == LOOKUP:
            node, head = FILE, struct.pack("=QQQQII", FILE, 0, 0, 0, 0, 0)
        else:
            head = struct.pack("=QII", 0, 0, 0)
        if node == ROOT:
            size, mode = 4096, 0o40755
        # They are not to be kept: to look at them is to ask for them.
        self.answer(unique, head + ATTRIBUTES.pack(node, size, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0,
                                                   0, 4096, 0))

    def answer(self, unique, data=b"", error=0):
        with contextlib.suppress(FileNotFoundError):  # it has been interrupted
            os.write(self.fd, OUT_HEADER.pack(OUT_HEADER.size + len(data), -error, unique) + data)


@pytest.fixture
def server(tmp_path):
    one = Server(str(tmp_path))
    yield one
    one.close()


@contextlib.contextmanager
def reader(server, call, company):
    """A process whose main thread waits for the server, with another thread or without."""
    target = support.Target([interpreters.any_interpreter().path, "-SEc", VICTIM, server.path, call,
                             company])
    try:
        target.expect("READY")
        assert server.reading.wait(60)
        support.wait_until(lambda: all(support.read_stat(target.pid, tid)["state"] == "S"
                                       for tid in support.threads(target.pid)), "it waits")
        before = list(server.asked)
        yield target
        assert server.asked == before, "the server was asked for something"
        server.answer(server.read, DATA)
        target.expect(DATA.decode().rstrip())
    finally:
        target.close()


@pytest.mark.parametrize("call", ["read", "pread"])
def test_left_alone(server, call):
    """The other thread is injected into; and what is cloned closes nothing."""
    with reader(server, call, "company") as target:
        for source in ("clone", "mirror"):
            done, envelope = run(target, "--source", source)
            assert done.returncode == 0, done.stdout
            assert envelope["access"]["source"] == source


@pytest.mark.parametrize("call", ["read", "pread"])
def test_nobody_else(server, call):
    with reader(server, call, "alone") as target:
        check_refused(target, "no-injectable-thread", "--source", "clone")


def test_named_pipe(tmp_path):
    """It has a name as a file has, and is none."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    target = support.Target([interpreters.any_interpreter().path, "-SEc", VICTIM, path, "read",
                             "alone"])
    try:
        target.expect("READY")
        target.wait_blocked()
        done, _ = run(target, "--source", "clone")
        assert done.returncode == 0, done.stdout
        os.write(writer, DATA)
        target.expect(DATA.decode().rstrip())
    finally:
        target.close()
        os.close(writer)
