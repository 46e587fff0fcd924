"""
Runs a program on a terminal of so many columns, and gives what a person would see there.
"""

import fcntl
import os
import pty
import struct
import subprocess
import termios

import support


def run(columns, *arguments, prefix=(), errors=False, **options):
    """
    Its exit code and what it prints there, or with `errors` what goes to standard error, without the
    carriage returns of a terminal.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [*prefix, support.PYINSPECT, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL if errors else slave,
                               stderr=slave if errors else subprocess.DEVNULL, **options)
    os.close(slave)
    text = b""
    while True:
        try:
            got = os.read(master, 65536)
        except OSError:
            break
        if not got:
            break
        text += got
    os.close(master)
    return process.wait(timeout=60), text.decode("utf-8").replace("\r", "")
