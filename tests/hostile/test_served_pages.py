"""
A target that has mapped a file whose pages never come: its file system is a program (FUSE) that does
not answer. A mirror is made without them.
"""

import errno
import mmap
import struct

import pytest

import interpreters
import support
import test_file_server as file_server

PAGES = 16

VICTIM = """
import mmap, os, sys

fd = os.open(sys.argv[1], os.O_RDONLY)
pages = mmap.mmap(fd, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)
assert pages[:4] == b"page"
os.write(1, b"READY\\n")
os.read(0, 1)
"""


class Server(file_server.Server):
    """Its file has many pages, and only the first is ever given to anybody."""

    def __init__(self, folder):
        self.refused = []
        super().__init__(folder)

    def handle(self, opcode, unique, node, body):
        if opcode == file_server.OPEN:
            self.answer(unique, struct.pack("=QIi", 0, 0, 0))
        elif opcode in (file_server.LOOKUP, file_server.GETATTR):
            self.describe(opcode, unique, node, PAGES * mmap.PAGESIZE)
        elif opcode == file_server.READ and not self.asked.count(file_server.READ) > 1:
            self.answer(unique, b"page".ljust(mmap.PAGESIZE, b"\0"))
        elif opcode == file_server.READ:
            self.refused.append(unique)
        elif opcode == file_server.INTERRUPT:
            for waiting in self.refused:
                self.answer(waiting, error=errno.EINTR)
        else:
            super().handle(opcode, unique, node, body)


@pytest.fixture
def server(tmp_path):
    one = Server(str(tmp_path))
    yield one
    one.close()


def test_pages_that_never_come(server):
    target = support.Target([interpreters.any_interpreter().path, "-SEc", VICTIM, server.path])
    try:
        target.expect("READY")
        target.wait_blocked()
        with support.assert_untouched(target.pid):
            done = support.run_pyinspect(target.pid, "top-types", "--source", "mirror", timeout=60)
        assert done.returncode == 0, done.stderr
        assert server.refused == []
    finally:
        target.close()
