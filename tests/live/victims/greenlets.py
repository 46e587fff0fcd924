"""
A process with greenlets of the package greenlet: not begun, suspended at different depths, within a
generator and a context of their own, and ended. What frames hold is held by nothing else.

Commands: `counts` ({type name: what gc.get_objects() lists}), `held` ({function: {local: address}}).
"""

import contextvars
import gc
import json
import sys

import commands
import greenlet

SUSPENDED = 20
DEPTH = 5
REPORT = {}


class Shallow:
    pass


class Deep:
    pass


class Generated:
    pass


class InContext:
    pass


class Attached:
    pass


class Behind:
    pass


class Server(greenlet.greenlet):
    pass


class Framed(greenlet.greenlet):
    """Has a frame of its own, which is not the one it is suspended in."""
    __slots__ = ("frame",)


variable = contextvars.ContextVar("variable")


def away():
    greenlet.getcurrent().parent.switch()


def note(**variables):
    function = sys._getframe(1).f_code.co_name
    REPORT.setdefault(function, {}).update((name, id(value)) for name, value in variables.items())


def serve(number):
    held = [Shallow() for _ in range(100)]
    body = b"body" * 50000 + b"%d" % number
    note(held=held, body=body)
    away()
    return held, body


def descend(level):
    thing = Deep()
    if not level:
        note(thing=thing)
        away()
    else:
        descend(level - 1)
    return thing


def produce():
    product = Generated()
    note(product=product)
    away()
    yield product


def consume():
    return list(produce())


def with_context():
    variable.set(InContext())
    away()


def serve_behind():
    held = Behind()
    away()
    return held


def start(function, *arguments):
    one = Server(function)
    one.attached = Attached()
    one.switch(*arguments)
    return one


# Suspended ones only here: no other frame knows what they know.
waiting = [start(serve, number) for number in range(SUSPENDED)]
waiting.append(start(descend, DEPTH))
waiting.append(start(consume))
if getattr(greenlet, "GREENLET_USE_CONTEXT_VARS", False):
    waiting.append(start(with_context))
framed = Framed(serve_behind)
framed.frame = sys._getframe()
framed.switch()
others = [greenlet.greenlet(serve), start(len, "")]
assert others[1].dead and not any(one.dead for one in waiting)


def counts(_):
    names = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind.__module__ in ("__main__", "greenlet") or issubclass(kind, greenlet.greenlet):
            name = "%s.%s" % (kind.__module__, kind.__qualname__)
            names[name] = names.get(name, 0) + 1
    return json.dumps(names)


commands.serve({
    "counts": counts,
    "expected": lambda _: json.dumps({
        "__main__.Shallow": 100 * SUSPENDED, "__main__.Behind": 1,
        "__main__.Deep": DEPTH + 1, "__main__.Generated": 1,
        "__main__.InContext": int(getattr(greenlet, "GREENLET_USE_CONTEXT_VARS", False)),
        "__main__.Attached": len(waiting) + 1}),
    "sizes": lambda _: json.dumps([sum(map(sys.getsizeof, waiting)), sys.getsizeof(b"body") - 4]),
})
