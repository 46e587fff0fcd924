"""
A process with one thread that takes queued signals, and that is the only one that may be
interrupted; see extension/flood.h.

    flooded.py FOLDER HOW FIRST COUNT

Commands: `thread` (number of that thread), `records`, after SIGUSR2.
"""

import json
import os
import signal
import sys
import threading

sys.path.insert(0, sys.argv[1])

import blocking  # noqa: E402

HOW, FIRST, COUNT = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
RECORDS = []


def serve():
    os.write(1, b"READY\n")
    while blocking.await_input():
        command = os.read(0, 100).decode().strip()
        if command == "records":
            RECEIVER.join()
        answer = RECEIVER.native_id if command == "thread" else RECORDS
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(1, data):]


def receive():
    RECORDS.extend(blocking.receive(HOW, FIRST, COUNT))


signal.pthread_sigmask(signal.SIG_BLOCK, set(range(FIRST, FIRST + COUNT)) | {signal.SIGUSR2})
RECEIVER = threading.Thread(target=receive, daemon=True)
RECEIVER.start()
serve()
