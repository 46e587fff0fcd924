"""
scattered.py MAPS USED: 50 TiB of address space in so many mappings, in one of USED of which a page
is in use.
"""

import ctypes
import os
import sys

BYTES = 50 << 40
PROT_READ, PROT_WRITE = 1, 2
MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE = 0x02, 0x20, 0x4000

count, used = map(int, sys.argv[1:])
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
for number in range(count):
    addr = libc.mmap(None, BYTES // count, PROT_READ | (PROT_WRITE if number % 2 else 0),
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if addr == ctypes.c_void_p(-1).value:
        sys.exit(os.strerror(ctypes.get_errno()))
    if number % used == 0:
        ctypes.string_at(addr, 1)
        if number % 2:
            ctypes.memset(addr, 1, 1)
os.write(1, b"READY\n")
os.read(0, 1)
