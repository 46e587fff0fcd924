"""
flooding.py LIBRARY KIND: code of a type of its sends records of that kind for ever, wherever a
snapshot runs it; with 0, it fills the memory that is mapped there.
"""

import ctypes
import gc
import mmap
import os
import sys

# In every build with a GIL.
TP_TRAVERSE = 184
MAP_NORESERVE = 0x4000

library, kind = sys.argv[1:]
gc.disable()
gc.freeze()
Long = type("\U0001F40D" * 512, (), {"__module__": "\U0001F40D" * 512})
text = "\U0001F40D" * 512


class Sender:
    """Its instances are visited."""


Holder = type("Object", (), {"__module__": "slip.dbus.service", "senders": {":1.7"},
                             "connections_senders": {}})
sender = Sender()
long = Long()
if kind == "0":
    # So that much is mapped for it.
    much = mmap.mmap(-1, 60 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
flooding = ctypes.CDLL(library)
flooding.flooding_begin(ctypes.c_uint32(int(kind)), ctypes.c_void_p(id(Sender) + TP_TRAVERSE),
                        ctypes.c_uint64(id(Long)), ctypes.c_uint64(id(text)))
os.write(1, b"READY\n")
os.read(0, 1)
# Without a last collection.
os._exit(0)
