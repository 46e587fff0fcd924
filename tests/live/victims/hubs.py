"""
A process with greenlets of gevent or of eventlet, suspended in the hub's loop while they wait. What
their frames hold is held by nothing else.

Argument: `gevent` or `eventlet`. Commands: `counts` ({type name: what gc.get_objects() lists}),
`expected` ({type name: objects}), `bodies` (bytes of what is not tracked).
"""

import gc
import json
import sys

import commands
import greenlet

WAITING, EACH, BODY = 40, 25, 20000


class Held:
    pass


class Deep:
    pass


def inner(wait, thing):
    wait()
    return thing


def serve(number, wait):
    held = [Held() for _ in range(EACH)]
    body = b"%d" % number + bytes(BODY)
    inner(wait, Deep())
    return held, body


def with_gevent():
    import gevent
    import gevent.event

    event = gevent.event.Event()
    waiting = [gevent.spawn(serve, number, event.wait) for number in range(WAITING)]
    gevent.sleep(0)
    return waiting, event


def with_eventlet():
    import eventlet
    import eventlet.event

    event = eventlet.event.Event()
    pool = eventlet.GreenPool(WAITING)
    waiting = [pool.spawn(serve, number, event.wait) for number in range(WAITING)]
    eventlet.sleep(0)
    return waiting, event, pool


def name_of(kind):
    return "%s.%s" % (kind.__module__, kind.__qualname__)


def counts(_):
    names = {}
    for thing in gc.get_objects():
        if isinstance(thing, greenlet.greenlet):
            names[name_of(type(thing))] = names.get(name_of(type(thing)), 0) + 1
    return json.dumps(names)


kept = {"gevent": with_gevent, "eventlet": with_eventlet}[sys.argv[1]]()
commands.serve({
    "counts": counts,
    "expected": lambda _: json.dumps({"__main__.Held": WAITING * EACH, "__main__.Deep": WAITING}),
    "bodies": lambda _: json.dumps(WAITING * BODY),
})
