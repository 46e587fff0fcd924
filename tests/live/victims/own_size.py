"""
A process with objects of a type that says itself how large it is, and is not believed.

Commands: `nothing`.
"""

import commands


class Own(bytearray):
    def __sizeof__(self):
        return 50


class Holder(list):
    def __sizeof__(self):
        return 5000000


class Held:
    pass


LARGE = Own(30000000)
HOLDERS = [Holder([Held()]) for _ in range(3)]
PLAIN = [Held()]

commands.serve({"nothing": lambda argument: "{}"})
