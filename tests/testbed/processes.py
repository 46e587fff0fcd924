"""
Starts processes that outlive whoever started them, recognises them again, and ends them.

Goes by pid and start time, never by name: a pid that was given to somebody else is left alone.
"""

import contextlib
import os
import select
import signal
import subprocess

GRACE_SECONDS = 10


def start_time(pid):
    """In clock ticks since boot; None: there is no such process."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
            return int(stream.read().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


class Process:
    def __init__(self, pid, started):
        self.pid = pid
        self.started = started
        self._child = None

    @classmethod
    def start(cls, command, output, **options):
        """In a session of its own; what it writes goes to the file `output`."""
        with open(output, "ab") as stream:
            options.setdefault("stdout", stream)
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stream,
                                     start_new_session=True, **options)
        process = cls(child.pid, start_time(child.pid))
        process._child = child
        return process

    @contextlib.contextmanager
    def pidfd(self):
        """None: the process is gone. Opened before the look at the start time: it cannot change."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield descriptor if start_time(self.pid) == self.started else None
        finally:
            os.close(descriptor)

    def is_alive(self):
        """A zombie is not."""
        return not self.wait(0)

    def wait(self, seconds):
        """True once it has ended."""
        with self.pidfd() as descriptor:
            ended = descriptor is None or bool(select.select([descriptor], [], [], seconds)[0])
        if ended and self._child:
            self._child.wait()
        return ended

    def end(self):
        """Politely, then not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.signal(number)
            if self.wait(GRACE_SECONDS):
                return
        raise RuntimeError("pid %d does not end" % self.pid)

    def signal(self, number):
        """False if it is gone."""
        with self.pidfd() as descriptor, contextlib.suppress(ProcessLookupError):
            if descriptor is not None:
                signal.pidfd_send_signal(descriptor, number)
                return True
        return False


def wait_for_either(first, second, seconds):
    """Until one of the two has ended; False: neither did in time."""
    with first.pidfd() as one, second.pidfd() as other:
        if one is None or other is None:
            return True
        return bool(select.select([one, other], [], [], seconds)[0])
