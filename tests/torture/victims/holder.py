"""
A process with a heap that takes a while to walk, and with descriptors that others wait for.

    holder.py FOLDER PATH PIPE CLOSED_PIPE

Connects to nobody: the test connects to the two listening sockets, the ports of which `ports`
answers. PATH.flock and PATH.record are locked files. PIPE is inherited by the next program,
CLOSED_PIPE is not. Commands: `ports`, `accept`, `close NAME`, `exec`.
"""

import fcntl
import json
import os
import socket
import sys

OBJECTS = 400000


def listen(inheritable):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(inheritable)
    return listener


def locked(path, lock):
    stream = open(path, "w")
    os.set_inheritable(stream.fileno(), True)
    lock(stream, fcntl.LOCK_EX)
    return stream


def main():
    path, pipe, closed_pipe = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    heap = [(number, [number]) for number in range(OBJECTS)]
    os.set_inheritable(closed_pipe, False)
    held = {
        "pipe": os.fdopen(pipe, "wb"),
        "closed_pipe": os.fdopen(closed_pipe, "wb"),
        "flock": locked(path + ".flock", fcntl.flock),
        "record": locked(path + ".record", fcntl.lockf),
        "listener": listen(True),
        "closed_listener": listen(False),
    }
    os.write(1, b"READY\n")
    while True:
        name, *arguments = os.read(0, 4096).decode().split() or [""]
        answer = {}
        if name == "ports":
            answer = {key: one.getsockname()[1] for key, one in held.items() if "listener" in key}
        elif name == "accept":
            # not to be inherited, as Python makes them
            held["connection"], _ = held[arguments[0]].accept()
        elif name == "close":
            held.pop(arguments[0]).close()
        elif name == "exec":
            os.execvp("sleep", ["sleep", "1000"])
        else:
            return heap
        os.write(1, json.dumps(answer).encode() + b"\n")


main()
