"""
Garbage of several kinds, with the collector off: trees whose nodes know their parents, trees that
rings hold, and two rings with one list between them.
"""

import gc
import json
import os
import sys

import commands

TREES = 40
RINGS = 30


class Tree:
    __slots__ = ("children", "parent", "load")


class Ring:
    __slots__ = ("other", "tree")


class Alone:
    __slots__ = ("me", "text")


class Another(Alone):
    __slots__ = ()


def node(parent, parts):
    one = Tree()
    one.children, one.parent, one.load = [], parent, bytearray(100)
    parts += [one, one.children, one.load]
    return one


def tree(count, parts):
    """One cycle, however many nodes: each has its children in a list, and they know it."""
    root = node(None, parts)
    for _ in range(count):
        root.children.append(node(root, parts))
    return root


def size(parts):
    return {"objects": len(parts), "bytes": sum(map(sys.getsizeof, parts))}


def make():
    kinds = {}
    parts = []
    for number in range(TREES):
        tree(number % 4 + 1, parts)
    # A root, its list, its children; the lists of these are not in the cycle.
    kinds["__main__.Tree"] = dict(size(parts), cycles=TREES, type_count=2,
                                  members=sum(number % 4 + 1 + 2 for number in range(TREES)))
    parts = []
    for number in range(RINGS):
        one, other = Ring(), Ring()
        one.other, other.other, one.tree, other.tree = other, one, tree(number % 3 + 1, parts), None
        parts += [one, other]
    kinds["__main__.Ring"] = dict(size(parts), cycles=RINGS, members=2 * RINGS, type_count=1)
    between = ["x" * 5000 + str(len(parts))]
    for kind in (Alone, Another):
        one = kind()
        one.me, one.text = one, between
        kinds["__main__." + kind.__name__] = dict(size([one]), cycles=1, members=1, type_count=1)
    return {"kinds": kinds, "shared": size([between, between[0]])}


def found(_):
    """What gc.collect() returns, in a fork, so that it is still there afterwards."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, json.dumps(gc.collect()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


def main():
    gc.disable()
    gc.collect()
    known = make()
    commands.serve({"known": lambda _: json.dumps(known), "found": found})


if __name__ == "__main__":
    main()
