"""
Becomes pyinspect when told to, as the parent of its target.

    launcher.py GATE OUTPUT PYINSPECT PROGRAM ARGUMENT...

The program gets standard input and output; pyinspect looks at it after a line from descriptor GATE,
which says with what options, and writes to descriptor OUTPUT.
"""

import os
import sys

gate, output, pyinspect = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
pid = os.fork()
if not pid:
    os.close(gate)
    os.close(output)
    os.execv(sys.argv[4], sys.argv[4:])
options = os.read(gate, 4096).decode().split()
nothing = os.open("/dev/null", os.O_RDWR)
os.dup2(nothing, 0)
os.dup2(output, 1)
os.dup2(nothing, 2)
os.execv(pyinspect, [pyinspect, str(pid), *options])
