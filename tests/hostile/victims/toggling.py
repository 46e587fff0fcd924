"""
toggling.py LIBRARY FILE MARKER filtered|free: as user nobody, a process that wants MARKER made by
whoever copies it; under a filter of system calls or not.
"""

import ctypes
import os
import sys

library, path, marker, filtered = sys.argv[1:]
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
toggling = ctypes.CDLL(library)
for result in (toggling.toggling_begin(path.encode(), marker.encode()),
               toggling.toggling_allow_all() if filtered == "filtered" else 0):
    if result:
        sys.exit(os.strerror(result))
os.write(1, b"READY\n")
os.read(0, 1)
