#!/usr/bin/env python3
"""
A small session service with a leak, to try pyinspect on.

Clients log in, make a few requests and log out. A logout ends the session in one table and forgets
the other, so each client that ever came leaves a session behind. The clients are made here: each
line on standard input is a number of them to serve. Says READY at the start and SERVED N after a
line, and ends with its input. Has no network, writes no files and knows nothing of pyinspect.
"""
import asyncio
import itertools
import secrets
import sys
import time

CLIENTS_AT_A_TIME = 200


class Session:
    def __init__(self, client):
        self.client = client
        self.token = secrets.token_hex(16)
        self.started = time.time()
        self.requests = []


class SessionTable:
    def __init__(self):
        self.by_client = {}
        self.by_token = {}

    def login(self, client):
        session = Session(client)
        self.by_client[client] = session
        self.by_token[session.token] = session
        return session.token

    def find(self, token):
        return self.by_token[token]

    def logout(self, token):
        # The leak: by_client keeps the session of a client who will never come again.
        del self.by_token[token]


async def be_a_client(table, name):
    token = table.login(name)
    for path in ("/inbox", "/message"):
        await asyncio.sleep(0)
        table.find(token).requests.append(path)
    table.logout(token)


async def serve(table, names):
    """Serves all of them, some at a time."""
    async def one_after_another():
        for name in names:
            await be_a_client(table, name)

    await asyncio.gather(*(one_after_another() for _ in range(CLIENTS_AT_A_TIME)))


async def read_lines():
    """Standard input as a stream, so that the service waits as services do: in its event loop."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main():
    table = SessionTable()
    numbers = itertools.count(1)
    lines = await read_lines()
    print("READY", flush=True)
    while True:
        line = await lines.readline()
        if not line:
            return
        wanted = int(line)
        await serve(table, ("client-%d" % number for number in itertools.islice(numbers, wanted)))
        print("SERVED %d" % wanted, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
