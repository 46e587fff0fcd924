"""
named.py COUNT LENGTH: so many classes, each with names of so many characters of four bytes.
"""

import os
import sys

count, length = map(int, sys.argv[1:])
name = "\U0001F40D" * length
classes = []
for number in range(count):
    # The tp_name is of no use, and would be a copy.
    one = type("C", (), {"__module__": name})
    one.__qualname__ = name if length > 100 else name + str(number)
    classes.append(one)
objects = [one() for one in classes]
os.write(1, b"READY\n")
os.read(0, 1)
os._exit(0)
