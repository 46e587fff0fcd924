"""
A process that has mapped a file that nothing runs.

    beside.py FILE

Commands: none.
"""

import mmap
import sys

import commands

with open(sys.argv[1], "rb") as file:
    mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE,
                       prot=mmap.PROT_READ | mmap.PROT_WRITE)

commands.serve({})
