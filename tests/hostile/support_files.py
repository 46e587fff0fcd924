"""
Libraries whose files are made for harm, and what has been opened.

Does not start pyinspect: the tests do.
"""

import ctypes
import lzma
import os
import struct
import subprocess

IN_OPEN = 0x20
IN_ACCESS = 0x01
IN_NONBLOCK = os.O_NONBLOCK
HEADER_SEGMENTS_OFFSET = 32

# Blocks for ever in a function of its own.
PLAIN = """
#include <unistd.h>
int block(int fd) { char c; return (int)read(fd, &c, 1) + 1; }
"""

# pause(2) again and again, in a function with rules of its own.
LOOP = """
__asm__(".text\\n.globl block\\n.type block, @function\\nblock:\\n"
        ".cfi_startproc\\n%s\\n.Lagain: movl $34, %%eax\\n syscall\\n jmp .Lagain\\n"
        ".cfi_endproc\\n.size block, . - block\\n");
"""
# DW_CFA_def_cfa_expression: const8u INT64_MIN, const1s -1, div
DIVIDE = LOOP % ".cfi_escape 0x0f, 12, 0x0e, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x09, 0xff, 0x1b"
# The same: skip -3
ENDLESS = LOOP % ".cfi_escape 0x0f, 3, 0x2f, 0xfd, 0xff"

# The return address is in column 65535.
COLUMN = """
__asm__(".text\\n.globl block\\n.type block, @function\\nblock:\\n"
        ".Lagain: movl $34, %eax\\n syscall\\n jmp .Lagain\\n.Lend: .size block, . - block\\n"
        ".section .eh_frame, \\"a\\", @progbits\\n"
        ".Lcie: .long .Lfde - .Lcie - 4\\n.long 0\\n.byte 3\\n.asciz \\"zR\\"\\n.uleb128 1\\n"
        ".sleb128 -8\\n.uleb128 65535\\n.uleb128 1\\n.byte 0x1b\\n.byte 0x0c, 7, 8\\n.balign 8\\n"
        ".Lfde: .long .Ldone - .Lfde - 4\\n.Lback: .long .Lback - .Lcie\\n.long .Lagain - .\\n"
        ".long .Lend - .Lagain\\n.uleb128 0\\n.balign 8\\n.Ldone:\\n.text\\n");
"""


def build(folder, source, **sections):
    """Compiles x.so with additional sections, for everybody to read."""
    code, library = os.path.join(folder, "x.c"), os.path.join(folder, "x.so")
    with open(code, "w", encoding="ascii") as stream:
        stream.write(source)
    subprocess.run(["gcc", "-O2", "-fPIC", "-shared", code, "-o", library], check=True)
    for name, content in sections.items():
        path = os.path.join(folder, "section")
        with open(path, "wb") as stream:
            stream.write(content)
        subprocess.run(["objcopy", "--add-section", ".%s=%s" % (name, path), library], check=True)
    os.chmod(library, 0o755)
    return library


def debug_link(path):
    """A .gnu_debuglink section: a name, and a checksum."""
    name = path.encode() + b"\0"
    return name + b"\0" * (-len(name) % 4) + struct.pack("<I", 0)


def compressed_zeros(size):
    """An xz file of so many bytes, none of which is worth anything."""
    compressor = lzma.LZMACompressor(lzma.FORMAT_XZ, preset=0)
    piece = bytes(1 << 20)
    return b"".join([compressor.compress(piece) for _ in range(size >> 20)] + [compressor.flush()])


def break_segments(library):
    """The mapped file says that its segment table is far away; so does its image in memory."""
    with open(library, "r+b") as stream:
        stream.seek(HEADER_SEGMENTS_OFFSET)
        stream.write(struct.pack("<Q", 1 << 40))


class Watch:
    """Tells whether a file was opened, by anybody, since it was made (inotify)."""

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(IN_NONBLOCK)
        assert self.fd >= 0
        assert libc.inotify_add_watch(self.fd, os.fsencode(path), IN_OPEN | IN_ACCESS) > 0, (
            os.strerror(ctypes.get_errno()))

    def was_opened(self):
        try:
            return bool(os.read(self.fd, 4096))
        except BlockingIOError:
            return False

    def close(self):
        os.close(self.fd)
