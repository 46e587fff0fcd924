"""
Threads deep in functions, in generators that run and in a coroutine that runs, each in a handler of an
exception; and objects that they use, of which some have references that nothing has.

Commands: `places`: {name: [address, references that nothing has]}.
"""

import ctypes
import json
import sys
import threading
import types

import commands

DEPTH, THREADS, LOST = 20, 3, 5
SOURCE = """
class Thing:
    pass
class Trouble(Exception):
    pass
def descend(level):
    thing = Thing()
    if level:
        return descend(level - 1)
    note("thing", thing)
    wait()
    return thing
def produce():
    product = Thing()
    try:
        raise Trouble
    except Trouble as trouble:
        note("product", product)
        note("trouble", trouble)
        wait()
        yield product
async def cooperate():
    shared = Thing()
    note("shared", shared)
    wait()
    return shared
def begin():
    return descend(%d)
def consume():
    return [one for one in produce()]
def run():
    coroutine = cooperate()
    try:
        coroutine.send(None)
    except StopIteration:
        pass
""" % DEPTH
PLACES = {}
READY = threading.Semaphore(0)
END = threading.Event()


def wait():
    READY.release()
    END.wait()


def lose(name, thing, lost):
    for _ in range(lost):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    PLACES.setdefault(name, []).append([id(thing), lost])


def note(name, thing):
    # Of the first one references are lost.
    lose(name, thing, 0 if name in PLACES else LOST)


module = types.ModuleType("deep")
module.__dict__.update(note=note, wait=wait)
exec(SOURCE, module.__dict__)  # pylint: disable=exec-used
lose("globals", module.__dict__, LOST)
# Before, a frame that executes keeps the function that it calls where it does not tell.
if sys.version_info >= (3, 11):
    lose("function", module.descend, LOST)
lose("code", module.descend.__code__, LOST)
lose("generator function", module.produce, 0)
lose("coroutine function", module.cooperate, LOST)
for _ in range(THREADS):
    for function in (module.begin, module.consume, module.run):
        threading.Thread(target=function, daemon=True).start()
        READY.acquire()
function = None
commands.serve({"places": lambda _: json.dumps(PLACES)})
