"""
Puts invented senders into python-slip's containers, as sender_seen() would have done for callers
that overlap: millions of them in seconds, which no bus could serve. Each has a name of its own that
the bus will not give away.

Runs as a signal handler of a daemon. Does not count or judge what is there.
"""

import itertools
import json
import os
import sys
import traceback

# So many clients the bus of a test bed never gets.
FIRST = 10000000
names = map(":1.{}".format, itertools.count(FIRST))


def put(folder):
    """As many as the question says; the answer is how many: 0 if slip has no connection yet."""
    try:
        stream = os.open(os.path.join(folder, "answer"), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # Nobody asked: somebody sent the signal by hand.
        return
    try:
        with open(os.path.join(folder, "question"), encoding="utf-8") as question:
            answer = {"put": put_senders(json.load(question))}
    except Exception:
        answer = {"error": traceback.format_exc()}
    # Far less than a pipe takes at once.
    os.write(stream, json.dumps(answer).encode())
    os.close(stream)


def put_senders(count):
    base = sys.modules["slip.dbus.service"].Object
    for connection, theirs in base.connections_senders.items():
        for name in itertools.islice(names, count):
            base.senders.add((name, connection))
            theirs.add(name)
        return count
    return 0
