"""
A Python process whose threads check themselves all the time, in C (tests/tools/self_checking.c).

    self_checking.py LIBRARY BOARD KIND...

The main thread does the first KIND of work, threads without Python do the others; "gil compute"
computes with the GIL held, "compute" without. BOARD is a file that all of them write to. After
READY nothing here ever answers.
"""

import ctypes
import os
import signal
import sys


def main():
    path, board, main_kind = sys.argv[1:4]
    library = ctypes.CDLL(path)
    library.self_checking_work.argtypes = [ctypes.c_uint, ctypes.c_char_p, ctypes.c_bool]
    # SIGCHLD is left for the worker that makes children: no thread may throw it away
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    if not library.self_checking_open(board.encode()):
        raise SystemExit("cannot map the board")
    for index, kind in enumerate(sys.argv[4:], 1):
        if not library.self_checking_work(index, kind.encode(), False):
            raise SystemExit("no such kind: " + kind)
    holder, _, rest = main_kind.partition(" ")
    if holder == "gil":
        library = ctypes.PyDLL(path)
        library.self_checking_work.argtypes = [ctypes.c_uint, ctypes.c_char_p, ctypes.c_bool]
        main_kind = rest
    os.write(1, b"READY\n")
    library.self_checking_work(0, main_kind.encode(), True)
    raise SystemExit("no such kind: " + main_kind)


main()
