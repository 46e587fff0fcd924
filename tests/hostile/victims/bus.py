"""
A message bus that keeps its client busy for ever.

usage: bus.py KIND PATH   KIND: silent, endless, linger
"""

import array
import os
import socket
import struct
import sys

HELLO = b"OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"
SIGNAL, UNIX_FDS = 4, 9


def field(code, signature, value):
    return struct.pack("<BB", code, len(signature)) + signature + b"\0" + value


def text(value):
    return struct.pack("<I", len(value)) + value + b"\0"


def message(descriptors):
    """A signal of the bus."""
    fields = b""
    for one in (field(1, b"o", text(b"/a")), field(2, b"s", text(b"a.b")),
                field(3, b"s", text(b"C")), field(UNIX_FDS, b"u", struct.pack("<I", descriptors))):
        fields += b"\0" * (-len(fields) % 8) + one
    head = struct.pack("<cBBBIII", b"l", SIGNAL, 0, 1, 0, 1, len(fields)) + fields
    return head + b"\0" * (-len(head) % 8)


def lingering():
    """A connection whose close() waits for somebody who does not read."""
    listener = socket.create_server(("127.0.0.1", 0))
    sender = socket.create_connection(listener.getsockname())
    reader, _ = listener.accept()
    sender.setblocking(False)
    try:
        while True:
            sender.send(bytes(1 << 16))
    except BlockingIOError:
        pass
    sender.setblocking(True)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    return sender, reader


kind, path = sys.argv[1:]
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o777)
server.listen(10)
os.write(1, b"READY\n")
kept = []
while True:
    client, _ = server.accept()
    kept.append(client)
    try:
        if kind == "endless":
            client.sendall(HELLO)
            while True:
                client.sendall(message(0) * 100)
        elif kind == "linger":
            client.recv(4096)
            client.sendall(HELLO)
            for _ in range(8):
                sender, reader = lingering()
                kept.append(reader)
                client.sendmsg([message(1)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                               array.array("i", [sender.fileno()]))])
                # In flight it is not closed: the client has it alone.
                sender.close()
    except OSError:
        pass
