"""
A server with a thread for each connection, which waits in recv() for most of the time: whatever comes
makes it run for a moment.

Commands: `listen PATH` (a unix socket; answers when so many threads wait), `nothing`.
"""

import socket
import threading

import commands

OBJECTS = 300000
THREADS = 8

ballast = [[number, {}] for number in range(OBJECTS)]


def serve(connection):
    while True:
        byte = connection.recv(1)
        if not byte:
            return
        kept = [{"number": number} for number in range(200)]
        connection.sendall(byte)
        del kept


def listen(path):
    def accept():
        for _ in range(THREADS):
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
        listener.close()

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(THREADS)
    threading.Thread(target=accept, daemon=True).start()
    return "%d" % THREADS


commands.serve({"listen": listen, "nothing": lambda argument: "{}"})
