"""A Python that does all sorts of things at once (victims/busy.py), while it gets signals."""

import ctypes
import json
import os
import select
import signal

import support
from load import FINISH_SECONDS, ITEM_SECONDS, Clients, Load, Report, rested

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "victims", "busy.py")
REAL_TIME = signal.SIGRTMIN + 3
REAL_TIME_BURST = 5
LIBC = ctypes.CDLL(None, use_errno=True)


class Busy(Load):
    warm_up = dict.fromkeys(("timers", "children", "sockets", "transfers", "queues", "epoll",
                             "garbage", "computing", "loop_timers", "streams", "alarms",
                             "signals"), 3)

    def __init__(self, interpreter):
        self.interpreter = interpreter
        self.name = "busy Python, " + interpreter.name
        self.target = None
        self.clients = Clients(pace_seconds=0.01, signals=self._signal)

    def __enter__(self):
        self.reader, writer = os.pipe()
        try:
            self.target = support.Target.python(self.interpreter, SCRIPT, writer,
                                                pass_fds=(writer,))
        except BaseException:
            os.close(self.reader)
            raise
        finally:
            os.close(writer)
        return self

    def __exit__(self, *_):
        self.clients.halt()
        self.clients.join()
        self.target.close()
        os.close(self.reader)

    def _signal(self, number):
        """Queued signals with their numbers, and one that Python handles, which is answered."""
        for index in range(REAL_TIME_BURST):
            value = ctypes.c_void_p(number * REAL_TIME_BURST + index)
            if LIBC.sigqueue(self.target.pid, REAL_TIME, value) != 0:
                raise OSError(ctypes.get_errno(), "sigqueue")
        os.kill(self.target.pid, signal.SIGUSR1)
        if not select.select([self.reader], [], [], ITEM_SECONDS)[0]:
            raise TimeoutError("SIGUSR1 is not handled")
        self.clients.equal("answers to a signal", os.read(self.reader, 100), b"!")

    def processes(self):
        return {"python": self.target.pid}

    def look(self):
        return rested(lambda: support.snapshot_state(self.target.pid, blocked=False,
                                                     memory=False))

    def work(self, limits=None):
        self.target.ask("go" if limits is None else "go " + json.dumps(limits))
        self.clients.work(limits)

    def finish(self, halt=True):
        if halt:
            self.clients.halt()
        self.clients.join()
        sent = self.clients.done["signals"] * REAL_TIME_BURST
        answer = self.target.ask("halt" if halt else "wait", FINISH_SECONDS)

        def all_came():
            answer.update(self.target.ask("halt", ITEM_SECONDS))
            return len(answer["real_time"]) >= sent

        faults = []
        try:
            support.wait_until(all_came, "all queued signals come")
        except AssertionError as error:
            faults.append(str(error))
        counts = {"%s.%s" % (worker, name): count for worker, counted in answer["counts"].items()
                  for name, count in counted.items()}
        expected = {"%s.%s" % (worker, name): count
                    for worker, wanted in answer["expected"].items()
                    for name, count in wanted.items()}
        counts["signals.real_time"] = answer["real_time"]
        expected["signals.real_time"] = list(range(sent))
        return Report({**answer["rounds"], **self.clients.done}, counts, expected,
                      faults + answer["bad"] + self.clients.faults,
                      answer["interrupted"])
