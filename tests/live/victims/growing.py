"""
A process that grows when it is told to.

    growing.py

Commands: `grow N` adds N Rows, with what they hold, to a list; `noise` makes 500 Sparks, or drops
them; `drop N` forgets the last N Rows. Answers {"rows": N, "sparks": N, "bytes": of one Row}.
"""

import gc
import json
import sys

import commands

gc.disable()


class Row(object):
    __slots__ = ("number", "data")

    def __init__(self, number):
        self.number = number + 0.5
        self.data = bytearray(200)


class Spark(object):
    __slots__ = ()


ROWS = []
SPARKS = []


def answer():
    row = Row(0)
    return json.dumps({"rows": len(ROWS), "sparks": len(SPARKS), "row": sys.getsizeof(row),
                       "alone": sum(map(sys.getsizeof, (row, row.number, row.data)))})


def grow(words):
    ROWS.extend(Row(number) for number in range(int(words)))
    return answer()


def noise(_):
    if SPARKS:
        del SPARKS[:]
    else:
        SPARKS.extend(Spark() for _ in range(500))
    return answer()


def drop(words):
    del ROWS[len(ROWS) - int(words):]
    return answer()


commands.serve({"grow": grow, "noise": noise, "drop": drop})
