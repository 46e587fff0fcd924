"""Loads a library and blocks inside of it, with the GIL: victim_files.py LIBRARY."""

import ctypes
import os
import sys

library = ctypes.PyDLL(sys.argv[1])
reader, writer = os.pipe()
print("READY", flush=True)
library.block(reader)
