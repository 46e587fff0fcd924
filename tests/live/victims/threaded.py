"""
A process whose objects come from many threads, some of which have ended, and were freed by others.

Of each type there are far more than one page of the allocator has room for. Commands: `report`
({type: how many gc.get_objects() lists}, of the types made here), `end` (the threads that wait),
`shrink` (frees every other object, from this thread), `freeze`, `collect`, `load` (threads that make
and drop objects side by side), `turn` (threads that come and go, and take over what others left).
"""

import gc
import json
import threading

import commands

THREADS = 6
EACH = 4000


class Plain:
    """Has its attributes in front of it: blocks with a header."""


class Slots:
    """Has none: blocks without."""

    __slots__ = ("number", "other")


class Items(list):
    pass


class Entries(dict):
    pass


class Row(tuple):
    __slots__ = ()


class Churn:
    pass


TYPES = (Plain, Slots, Items, Entries, Row)
KEPT = [[] for _ in range(THREADS)]
READY = threading.Semaphore(0)
END = threading.Event()


def make(kept):
    for number in range(EACH):
        plain, slots = Plain(), Slots()
        plain.number = slots.number = number
        slots.other = plain
        # Beyond what is a small block, and beyond what is one of medium size.
        kept.extend((plain, slots, Items([number]), Entries({number: plain}),
                     Row([plain] * (4000 if number % 1000 == 0 else number % 7))))


def work(kept, waits):
    make(kept)
    READY.release()
    if waits:
        END.wait()


def report(_):
    counts = dict.fromkeys(TYPES, 0)
    for one in gc.get_objects():
        if type(one) in counts:
            counts[type(one)] += 1
    return json.dumps({"__main__." + kind.__name__: count for kind, count in counts.items()})


def end(_):
    END.set()
    for thread in WAITING:
        thread.join()
    return "{}"


def shrink(_):
    for kept in KEPT:
        del kept[::2]
    return "{}"


def freeze(_):
    gc.freeze()
    return json.dumps(gc.get_freeze_count())


def churn(kept):
    while True:
        kept.extend([Churn() for _ in range(100)])
        for one in kept:
            one.number = len(kept)
        del kept[:]


def load(_):
    for _ in range(2):
        threading.Thread(target=churn, args=([],), daemon=True).start()
    gc.enable()
    return "{}"


def come_and_go():
    while True:
        thread = threading.Thread(target=lambda: [Churn() for _ in range(3000)])
        thread.start()
        thread.join()


def turn(_):
    threading.Thread(target=come_and_go, daemon=True).start()
    return "{}"


gc.disable()
THREAD_LIST = [threading.Thread(target=work, args=(kept, index % 2), daemon=True)
               for index, kept in enumerate(KEPT)]
for thread in THREAD_LIST:
    thread.start()
for thread in THREAD_LIST:
    READY.acquire()
for thread in THREAD_LIST[::2]:
    thread.join()
WAITING = THREAD_LIST[1::2]
commands.serve({"report": report, "end": end, "shrink": shrink, "freeze": freeze, "load": load,
                "turn": turn,
                "collect": lambda _: json.dumps(gc.collect())})
