"""
A busy Python that counts what it does: asyncio, timers, children, sockets, threads, epoll, garbage.

Each worker repeats one round of work, numbered from 0, and checks it; what it has counted after N
rounds depends on N alone. Everything goes through Python's own modules, as in a real program.

    busy.py ACK_FD

ACK_FD gets a byte from the handler of each SIGUSR1. Commands: `go LIMITS` (work until `halt`, or,
with LIMITS {worker: rounds}, so many rounds each); `wait` (until the limits are reached) and `halt`
answer when all workers rest: {"rounds": {worker: n}, "counts": {worker: {name: n}}, "expected":
the same, "bad": [words], "real_time": [value, ...], "interrupted": how often sigwaitinfo(), the
only call that is not Python's own, gave EINTR}.
"""

import asyncio
import ctypes
import errno
import gc
import json
import os
import queue
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
import weakref

REAL_TIME = signal.SIGRTMIN + 3
# A clock's resolution; timers of asyncio may be early by as much.
RESOLUTION = 0.002
NOBODY_WAITS_LONGER = 60
# 32 and 33 are the C library's own.
UNBLOCKABLE = {signal.SIGKILL, signal.SIGSTOP, 32, 33}

BAD = []
VALUES = []
INTERRUPTED = []
# Never set.
PACE = threading.Event()


def bad(*words):
    if len(BAD) < 50:
        BAD.append(" ".join(str(word) for word in words))


def equal(what, got, wanted):
    if got != wanted:
        bad(what, "gave", repr(got)[:200], "instead of", repr(wanted)[:200])


def pattern(number, length):
    """Bytes that differ from round to round."""
    return (b"%08d" % number * (length // 8 + 1))[:length]


class Gate:
    """Says who may work, and knows who rests."""

    def __init__(self):
        self.changed = threading.Condition()
        self.limits = None
        self.halted = True
        self.resting = 0

    def may_work(self, worker):
        if self.halted:
            return False
        return self.limits is None or worker.rounds < self.limits.get(worker.name, 0)

    def rest(self, worker):
        """Until it may work."""
        with self.changed:
            self.resting += 1
            self.changed.notify_all()
            while not self.may_work(worker):
                self.changed.wait()
            self.resting -= 1

    def go(self, limits):
        with self.changed:
            self.limits = limits
            self.halted = False
            self.changed.notify_all()

    def halt(self):
        with self.changed:
            self.halted = True
            self.changed.notify_all()

    def wait_all(self, count):
        """Until all rest; the coroutines' part of it is somebody else's."""
        with self.changed:
            while self.resting < count:
                self.changed.wait()


GATE = Gate()


class Worker:
    """`counts` is what has happened, `expected(rounds)` what must have."""

    def __init__(self):
        self.name = type(self).__name__.lower()
        self.rounds = 0
        self.counts = dict.fromkeys(self.expected(0), 0)

    def start(self):
        threading.Thread(target=self.run, name=self.name, daemon=True).start()

    def run(self):
        while True:
            GATE.rest(self)
            while GATE.may_work(self):
                try:
                    self.round(self.rounds)
                except BaseException as error:
                    bad(self.name, "round", self.rounds, "ended:", repr(error))
                self.rounds += 1

    def count(self, name, number=1):
        self.counts[name] += number

    def finish(self):
        """When all rest: what is only known now."""


class Timers(Worker):
    """threading.Timer fires once, and not early; Event and Condition time out."""

    def expected(self, rounds):
        return {"fired": rounds, "cancelled": rounds, "timeouts": 2 * rounds}

    def round(self, number):
        seconds = 0.004 + number % 3 * 0.003
        begin = time.monotonic()
        fired = []
        timer = threading.Timer(seconds, lambda: fired.append(time.monotonic() - begin))
        never = threading.Timer(NOBODY_WAITS_LONGER, lambda: bad("a cancelled timer fired"))
        never.start()
        timer.start()
        timer.join()
        never.cancel()
        never.join()
        self.count("cancelled")
        self.count("fired", len(fired))
        if fired and fired[0] < seconds - RESOLUTION:
            bad("a timer was early:", fired[0], "of", seconds)
        condition = threading.Condition()
        with condition:
            self.timeout("Condition.wait", lambda: condition.wait(0.003))
        self.timeout("Event.wait", lambda: threading.Event().wait(0.003))

    def timeout(self, what, call):
        begin = time.monotonic()
        equal(what, call(), False)
        passed = time.monotonic() - begin
        if passed < 0.003 - RESOLUTION:
            bad(what, "was early:", passed)
        self.count("timeouts")


class Children(Worker):
    """Each is reaped once, with its own status and output, and there is no other."""

    def expected(self, rounds):
        return {"reaped": rounds, "statuses": sum(number % 100 for number in range(rounds)),
                "bytes": sum(len(b"%d\n" % number) for number in range(rounds)), "none": rounds}

    def round(self, number):
        child = subprocess.Popen(["/bin/sh", "-c", "echo $0; exit $1", str(number),
                                  str(number % 100)],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        output, _ = child.communicate()
        equal("a child's output", output, b"%d\n" % number)
        self.count("reaped")
        self.count("statuses", child.returncode)
        self.count("bytes", len(output))
        try:
            bad("wait saw a child that is not ours:", os.waitpid(-1, os.WNOHANG))
        except ChildProcessError:
            self.count("none")


class Sockets(Worker):
    """TCP over the loopback, with timeouts that expire and such that do not."""

    def __init__(self):
        super().__init__()
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            self.here = socket.create_connection(listener.getsockname())
            self.there = listener.accept()[0]
        self.here.settimeout(NOBODY_WAITS_LONGER)
        threading.Thread(target=self.echo, daemon=True).start()

    def expected(self, rounds):
        return {"bytes": sum(self.length(number) for number in range(rounds)),
                "timeouts": len(range(0, rounds, 4))}

    @staticmethod
    def length(number):
        return 1 + number * 7919 % 100000

    def echo(self):
        while True:
            self.there.sendall(self.there.recv(65536))

    def round(self, number):
        data = pattern(number, self.length(number))
        writer = threading.Thread(target=self.here.sendall, args=(data,))
        writer.start()
        received = b""
        while len(received) < len(data):
            piece = self.here.recv(65536)
            if not piece:
                raise EOFError
            received += piece
        writer.join()
        if received != data:
            bad("the socket's data of round", number, "is not what was sent")
        self.count("bytes", len(received))
        if number % 4 == 0:
            self.here.settimeout(0.005)
            try:
                bad("recv gave", self.here.recv(1))
            except socket.timeout:
                self.count("timeouts")
            self.here.settimeout(NOBODY_WAITS_LONGER)


class Transfers(Worker):
    """One write() of more than a pipe holds, one recv(MSG_WAITALL) of data that comes in pieces."""

    LENGTH = 200000

    def __init__(self):
        super().__init__()
        self.reader, self.writer = os.pipe()
        self.here, self.there = socket.socketpair()
        self.pace = threading.Event()
        self.drained = queue.Queue()
        self.wanted = queue.Queue()
        threading.Thread(target=self.drain, daemon=True).start()
        threading.Thread(target=self.feed, daemon=True).start()

    def expected(self, rounds):
        return {"written": rounds * self.LENGTH, "drained": rounds * self.LENGTH,
                "received": rounds * self.LENGTH}

    def drain(self):
        length = 0
        while True:
            length += len(os.read(self.reader, 20000))
            self.pace.wait(0.001)
            if length >= self.LENGTH:
                self.drained.put(length)
                length = 0

    def feed(self):
        while True:
            data = self.wanted.get()
            for start in range(0, len(data), 20000):
                self.there.sendall(data[start:start + 20000])
                self.pace.wait(0.001)

    def run(self):
        # A child that ends while its parent blocks all signals (as in vfork()), or is traced, has
        # the kernel interrupt some other thread for a SIGCHLD that the process ignores.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        super().run()

    def round(self, number):
        data = pattern(number, self.LENGTH)
        done = os.write(self.writer, data)
        equal("write", done, self.LENGTH)
        while done < len(data):
            done += os.write(self.writer, data[done:])
        self.count("written", done)
        self.count("drained", self.drained.get())
        self.wanted.put(data)
        received = self.here.recv(self.LENGTH, socket.MSG_WAITALL)
        equal("recv", len(received), self.LENGTH)
        while len(received) < len(data):
            received += self.here.recv(self.LENGTH - len(received))
        equal("the data of recv", hash(received), hash(data))
        self.count("received", len(received))


class Queues(Worker):
    """Numbers go through two threads, with a timeout at each queue: all come, in order."""

    ITEMS = 20

    def __init__(self):
        super().__init__()
        self.first, self.second = queue.Queue(maxsize=3), queue.Queue(maxsize=2)
        threading.Thread(target=self.middle, daemon=True).start()

    def expected(self, rounds):
        items = rounds * self.ITEMS
        return {"items": items, "sum": items * (items - 1) // 2}

    def middle(self):
        while True:
            self.second.put(self.first.get())

    def round(self, number):
        numbers = range(number * self.ITEMS, (number + 1) * self.ITEMS)
        feeder = threading.Thread(target=lambda: [self.first.put(one) for one in numbers])
        feeder.start()
        for wanted in numbers:
            got = self.second.get(timeout=NOBODY_WAITS_LONGER)
            equal("a queue", got, wanted)
            self.count("items")
            self.count("sum", got)
        feeder.join()


class Epoll(Worker):
    """Every pipe that was written to is reported, with its bytes, and no other."""

    PIPES = 8

    def __init__(self):
        super().__init__()
        self.epoll = select.epoll()
        self.pipes = [os.pipe() for _ in range(self.PIPES)]
        for reader, _ in self.pipes:
            self.epoll.register(reader, select.EPOLLIN)
        self.wanted = queue.Queue()
        threading.Thread(target=self.write, daemon=True).start()

    def expected(self, rounds):
        return {"events": sum(self.written(number) for number in range(rounds)), "empty": rounds}

    def written(self, number):
        return 1 + number % self.PIPES

    def write(self):
        while True:
            number = self.wanted.get()
            for _, writer in self.pipes[:self.written(number)]:
                os.write(writer, struct.pack("=q", number))

    def round(self, number):
        self.wanted.put(number)
        missing = {reader for reader, _ in self.pipes[:self.written(number)]}
        while missing:
            events = self.epoll.poll(NOBODY_WAITS_LONGER)
            if not events:
                raise TimeoutError("no event of the pipes")
            for descriptor, mask in events:
                equal("epoll", mask, select.EPOLLIN)
                equal("a pipe", struct.unpack("=q", os.read(descriptor, 8))[0], number)
                missing.remove(descriptor)
                self.count("events")
        begin = time.monotonic()
        equal("epoll without an event", self.epoll.poll(0.005), [])
        if time.monotonic() - begin < 0.005 - RESOLUTION:
            bad("epoll was early")
        self.count("empty")


class Garbage(Worker):
    """Cycles, of which each is finalised once, with its weak reference called back once."""

    OBJECTS = 300

    def __init__(self):
        super().__init__()
        self.references = set()
        gc.callbacks.append(self.collected)
        self.collections = 0

    def expected(self, rounds):
        objects = rounds * self.OBJECTS
        return {"finalised": objects, "called_back": objects, "collections_open": 0}

    def collected(self, phase, _):
        # under the GIL, and collections do not nest
        self.counts["collections_open"] += 1 if phase == "start" else -1
        self.collections += 1

    def round(self, number):
        for _ in range(self.OBJECTS):
            node = Node(self)
            self.references.add(weakref.ref(node, self.call_back))
        node = None
        if number % 5 == 0:
            gc.collect()
        PACE.wait(0.002)

    def call_back(self, reference):
        self.references.remove(reference)
        self.counts["called_back"] += 1

    def finish(self):
        gc.collect()
        if not self.collections:
            bad("there was no collection")


class Node:
    def __init__(self, owner):
        self.me = self
        self.owner = owner
        self.load = [str(id(self)), {"key": [self]}, bytearray(50)]

    def __del__(self):
        self.owner.counts["finalised"] += 1


class Computing(Worker):
    """Plain work: registers and memory keep their values."""

    def __init__(self):
        super().__init__()
        self.whole = 1
        self.real = 0.5

    def expected(self, rounds):
        return {"rounds": rounds}

    def round(self, number):
        whole, real = self.whole, self.real
        for step in range(3000):
            whole = (whole * 6364136223846793005 + step + number) & 0xffffffffffffffff
            real = real * 0.999 + (step ^ 0x55) * 1.5
        self.whole, self.real = whole, real
        self.count("rounds")
        PACE.wait(0.001)

    def finish(self):
        # no expectation but that of the control run
        self.counts["whole"] = self.whole
        self.counts["real"] = self.real


class Coroutine(Worker):
    """A worker in the event loop of the main thread."""

    def start(self):
        self.task = asyncio.get_event_loop().create_task(self.work())

    async def work(self):
        await self.prepare()
        while True:
            while not GATE.may_work(self):
                self.rests = True
                await asyncio.sleep(0.005)
            self.rests = False
            try:
                await self.round(self.rounds)
            except BaseException as error:
                bad(self.name, "round", self.rounds, "ended:", repr(error))
            self.rounds += 1

    async def prepare(self):
        self.rests = True


class Loop_timers(Coroutine):
    """call_at: each once, in the order of their times, none early; and a wait that times out."""

    TIMERS = 6

    def expected(self, rounds):
        return {"fired": rounds * self.TIMERS, "timeouts": rounds}

    async def round(self, number):
        loop = asyncio.get_event_loop()
        done = loop.create_future()
        fired = []
        begin = loop.time()

        def fire(seconds):
            self.count("fired")
            fired.append(seconds)
            if loop.time() - begin < seconds - RESOLUTION:
                bad("call_at was early:", loop.time() - begin, "of", seconds)
            if len(fired) == self.TIMERS:
                done.set_result(None)

        times = [0.002 * ((number + index) % self.TIMERS) for index in range(self.TIMERS)]
        for seconds in times:
            loop.call_at(begin + seconds, fire, seconds)
        await done
        equal("call_at", fired, sorted(times))
        try:
            await asyncio.wait_for(loop.create_future(), 0.003)
        except asyncio.TimeoutError:
            self.count("timeouts")


class Streams(Coroutine):
    """An echo server and a client that connects, sends numbered lines, and leaves."""

    LINES = 8

    def expected(self, rounds):
        return {"connections": rounds, "served": rounds, "lines": rounds * self.LINES}

    async def prepare(self):
        self.rests = True
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.address = self.server.sockets[0].getsockname()

    async def serve(self, reader, writer):
        self.count("served")
        while True:
            line = await reader.readline()
            if not line:
                break
            writer.write(line)
            await writer.drain()
        writer.close()

    async def round(self, number):
        reader, writer = await asyncio.open_connection(*self.address[:2])
        self.count("connections")
        for index in range(self.LINES):
            line = b"%d %d %s\n" % (number, index, pattern(number, 1000 * index))
            writer.write(line)
            await writer.drain()
            equal("an echo", await reader.readline(), line)
            self.count("lines")
        writer.write_eof()
        equal("the end of a stream", await reader.read(), b"")
        writer.close()


class Alarms(Coroutine):
    """setitimer(), once: one SIGALRM, whose handler runs once, not early."""

    def expected(self, rounds):
        return {"handled": rounds}

    async def prepare(self):
        self.rests = True
        signal.signal(signal.SIGALRM, self.handle)
        self.waiting = None

    def handle(self, *_):
        self.count("handled")
        loop = asyncio.get_event_loop()
        loop.call_soon_threadsafe(self.waiting.set_result, loop.time())

    async def round(self, number):
        loop = asyncio.get_event_loop()
        self.waiting = loop.create_future()
        seconds = 0.005 + number % 4 * 0.002
        begin = loop.time()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        passed = await asyncio.wait_for(self.waiting, NOBODY_WAITS_LONGER) - begin
        if passed < seconds - RESOLUTION:
            bad("an alarm was early:", passed, "of", seconds)


def real_time_signals():
    """Queued signals, each with a number that only the C library shows."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(range(1, signal.NSIG)) - UNBLOCKABLE)
    libc = ctypes.CDLL(None, use_errno=True)
    wanted = (ctypes.c_ulong * 16)(1 << (REAL_TIME - 1))
    info = ctypes.create_string_buffer(128)
    while True:
        result = libc.sigwaitinfo(wanted, info)
        if result == -1 and ctypes.get_errno() == errno.EINTR:
            INTERRUPTED.append(len(VALUES))
        elif result != REAL_TIME:
            bad("sigwaitinfo gave", result, "errno", ctypes.get_errno())
        else:
            VALUES.append(struct.unpack_from("=i", info.raw, 24)[0])


class Commands:
    def __init__(self, threads, coroutines):
        self.threads = threads
        self.coroutines = coroutines
        self.buffer = b""

    def readable(self):
        data = os.read(0, 65536)
        if not data:
            os._exit(0)
        self.buffer += data
        while b"\n" in self.buffer:
            line, _, self.buffer = self.buffer.partition(b"\n")
            name, _, argument = line.decode().partition(" ")
            asyncio.get_event_loop().create_task(self.carry_out(name, argument))

    async def carry_out(self, name, argument):
        if name == "go":
            GATE.go(json.loads(argument) if argument else None)
            answer = {}
        else:
            if name == "halt":
                GATE.halt()
            await self.all_rest()
            answer = self.report()
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(1, data):]

    async def all_rest(self):
        await asyncio.get_event_loop().run_in_executor(
            self.executor, GATE.wait_all, len(self.threads))
        while not all(worker.rests and not GATE.may_work(worker) for worker in self.coroutines):
            await asyncio.sleep(0.005)

    def report(self):
        workers = self.threads + self.coroutines
        for worker in workers:
            worker.finish()
        return {"rounds": {worker.name: worker.rounds for worker in workers},
                "counts": {worker.name: worker.counts for worker in workers},
                "expected": {worker.name: worker.expected(worker.rounds) for worker in workers},
                "bad": BAD, "real_time": VALUES,
                "interrupted": len(INTERRUPTED)}

    def start_executor(self):
        """One thread, now: it shall be there before somebody looks at the threads."""
        import concurrent.futures
        self.executor = concurrent.futures.ThreadPoolExecutor(1)
        self.executor.submit(int).result()


def main():
    # 3.12 warns of fork() with threads
    warnings.simplefilter("ignore", DeprecationWarning)
    ack = int(sys.argv[1])
    signal.signal(signal.SIGUSR1, lambda number, frame: os.write(ack, b"!"))
    ours = {REAL_TIME, signal.SIGUSR1, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    threads = [Timers(), Children(), Sockets(), Transfers(), Queues(), Epoll(), Garbage(),
               Computing()]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    coroutines = [Loop_timers(), Streams(), Alarms()]
    commands = Commands(threads, coroutines)
    for worker in threads + coroutines:
        worker.start()
    threading.Thread(target=real_time_signals, daemon=True).start()
    commands.start_executor()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1, signal.SIGALRM})
    loop.add_reader(0, commands.readable)
    loop.call_soon(os.write, 1, b"READY\n")
    loop.run_forever()


main()
