"""
The loop of every victim: a command line on stdin, a JSON line on stdout.

While a victim waits for a command it holds nothing of the command before: what handlers saw is
what pyinspect must find.
"""

import gc
import os


def freeze():
    """Python 3.6 cannot: it has no permanent generation."""
    getattr(gc, "freeze", int)()


def unfreeze():
    getattr(gc, "unfreeze", int)()


def frozen():
    return getattr(gc, "get_freeze_count", int)()


def serve(handlers):
    """`handlers`: {name: function(argument) -> JSON text}. Ends when stdin does."""
    os.write(1, b"READY\n")
    while True:
        line = os.read(0, 4096)
        if not line:
            return
        name, _, argument = line.decode().strip().partition(" ")
        data = handlers[name](argument).encode() + b"\n"
        while data:
            data = data[os.write(1, data):]
        # bytes and str of the last command would otherwise be part of the next snapshot
        line = name = argument = data = None
