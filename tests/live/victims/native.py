"""
Blocks for ever in a function of C, with the GIL.
"""

import ctypes

libc = ctypes.PyDLL(None)
print("READY", flush=True)
libc.pause()
