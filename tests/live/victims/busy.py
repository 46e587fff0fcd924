"""
Threads that never rest: whenever it is stopped, one of them was in the middle of something.

    busy.py

Commands: `nothing`.
"""

import random
import sys
import threading

import commands

OBJECTS = 200000
THREADS = 4

kept = {}
ballast = [[number, {}] for number in range(OBJECTS)]


def work(name):
    while True:
        found = {}
        for number in range(300):
            found[random.random()] = [number, str(number)]
        kept[name] = found


def main():
    sys.setswitchinterval(1e-5)
    for number in range(THREADS):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    commands.serve({"nothing": lambda argument: "{}"})


main()
