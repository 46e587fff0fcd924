"""
A pre-fork server: a master that keeps workers, of which one keeps what the others let go.

Commands: `workers LEAKED...` (starts a worker for each number, which keeps so many sessions; answers
with their pids), `drop PID` (one ends), `sleeper` (starts a child that is no Python; answers with its pid), `end` (all
children).
"""

import json
import os
import signal

import commands


class Session:
    pass


CHILDREN = []


def work(leaked):
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        CHILDREN.append(child)
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        return child
    # It ends with its master, whose commands it must not read.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    kept = [Session() for _ in range(leaked)]
    os.write(writer, b"1")
    while kept or True:
        signal.pause()


def workers(arguments):
    return json.dumps([work(int(leaked)) for leaked in arguments.split()])


def sleeper(_):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.execvp("sleep", ["sleep", "600"])
    # Closed by what it becomes: until then it is Python.
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    CHILDREN.append(child)
    return json.dumps(child)


def drop(arguments):
    child = int(arguments)
    CHILDREN.remove(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "{}"


def end(_):
    while CHILDREN:
        child = CHILDREN.pop()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return "{}"


commands.serve({"workers": workers, "drop": drop, "sleeper": sleeper, "end": end})
