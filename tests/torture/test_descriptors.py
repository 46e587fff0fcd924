"""
What a target closes is closed at once, however long a snapshot of it lives: whoever is at the other
end, or waits for the lock or the port, must not have to wait for pyinspect.

The snapshot is made to live by stopping pyinspect in the middle of its walk.
"""

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket

import pytest

import support

AT_ONCE_SECONDS = 2
TRIES = 100
ALIVE = "RSDtTI"


def is_free(pid):
    """No thread of it is stopped or traced."""
    for tid in support.threads(pid):
        if support.read_stat(pid, tid)["state"] in "tT":
            return False
        if support.status(pid, tid)["TracerPid"] != "0":
            return False
    return True


def living_snapshots(pid):
    return [child for child in support.children(pid) if support.is_hidden(child, ALIVE)]


def is_ready(pid):
    """The target goes on, and its snapshot lives."""
    return is_free(pid) and living_snapshots(pid)


def stopped_in_the_walk(pid):
    """A pyinspect that is stopped while the target goes on; None if it was missed."""
    process = support.spawn_pyinspect(pid, "top-types", "--scope", "all")
    while process.poll() is None:
        if not living_snapshots(pid):
            continue
        process.send_signal(signal.SIGSTOP)
        support.wait_until(lambda: support.read_stat(process.pid)["state"] in "TZ", "it stops")
        if process.poll() is None and is_ready(pid):
            return process
        process.send_signal(signal.SIGCONT)
    return None


@contextlib.contextmanager
def living_snapshot(pid):
    """Around what is done while a snapshot lives; it still does in the end."""
    for _ in range(TRIES):
        process = stopped_in_the_walk(pid)
        if process:
            break
    else:
        pytest.fail("no snapshot was caught alive")
    try:
        snapshots = living_snapshots(pid)
        yield
        # an orphan is given an exit signal: for its new parent
        assert [one for one in snapshots if support.read_stat(one)["state"] in ALIVE], \
            "it lived too short"
    finally:
        process.send_signal(signal.SIGCONT)
        code = process.wait(timeout=60)
    assert code in (0, 1, 3, 4), code


class Held:
    """The other side of victims/holder.py."""

    def __init__(self, start, path):
        self.path = str(path)
        self.reader, writer = os.pipe()
        self.closed_reader, closed_writer = os.pipe()
        try:
            self.victim = start("holder.py", self.path, writer, closed_writer,
                                pass_fds=(writer, closed_writer))
        finally:
            os.close(writer)
            os.close(closed_writer)
        self.pid = self.victim.pid
        self.ports = self.victim.ask("ports")
        self.connection = socket.create_connection(("127.0.0.1", self.ports["closed_listener"]))
        self.victim.ask("accept closed_listener")

    def close(self):
        self.connection.close()
        os.close(self.reader)
        os.close(self.closed_reader)

    def drop(self, name):
        self.victim.ask("close " + name)

    def lock_error(self, name, lock):
        """Of taking it without waiting: None if it was free."""
        with open(self.path + "." + name, "r+") as stream:
            try:
                lock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                return error.errno
        return None


@pytest.fixture
def held(start, tmp_path):
    one = Held(start, tmp_path / "file")
    yield one
    one.close()


def ends(descriptor):
    """The end of the stream is there, at once."""
    ready, _, _ = select.select([descriptor], [], [], AT_ONCE_SECONDS)
    if not ready:
        return False
    number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
    return os.read(number, 1) == b""


def is_open(descriptor):
    return not select.select([descriptor], [], [], 0)[0]


def is_listening(port):
    """Somebody else, so that a server that is started again cannot."""
    with contextlib.closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError as error:
            assert error.errno == errno.EADDRINUSE
            return True
        return False


def becomes_free(port):
    with contextlib.suppress(AssertionError):
        return support.wait_until(lambda: not is_listening(port), "free", AT_ONCE_SECONDS)
    return False


def test_held_without_us(held):
    """As it is before anything is closed: or the other tests show nothing."""
    assert is_open(held.connection) and is_open(held.reader) and is_open(held.closed_reader)
    assert is_listening(held.ports["listener"])
    assert held.lock_error("flock", fcntl.flock) == errno.EAGAIN
    assert held.lock_error("record", fcntl.lockf) in (errno.EAGAIN, errno.EACCES)


def test_close(held):
    with living_snapshot(held.pid):
        held.drop("connection")
        assert ends(held.connection), "the peer does not see the end of the connection"
        held.drop("pipe")
        assert ends(held.reader), "the reader does not see the end of the pipe"
        held.drop("flock")
        assert held.lock_error("flock", fcntl.flock) is None
        held.drop("record")
        assert held.lock_error("record", fcntl.lockf) is None
        held.drop("listener")
        assert becomes_free(held.ports["listener"])
    assert held.victim.hidden_zombies() == []


def test_close_after_an_attach(held):
    """No descriptor of ours is left that keeps one of theirs open."""
    support.top_types(held.pid)
    held.drop("connection")
    assert ends(held.connection)
    held.drop("listener")
    assert becomes_free(held.ports["listener"])


def test_exec(held):
    """What is closed by execve() is, what is kept is kept: also when the snapshot has died."""
    with living_snapshot(held.pid):
        held.victim.send("exec")
        assert ends(held.connection), "the peer does not see the end of the connection"
        assert ends(held.closed_reader), "the reader does not see the end of the pipe"
        assert becomes_free(held.ports["closed_listener"])
        support.wait_until(
            lambda: os.readlink("/proc/%d/exe" % held.pid).endswith("/sleep"), "exec")
    assert held.victim.is_alive()
    assert is_open(held.reader)
    assert is_listening(held.ports["listener"])
    assert held.lock_error("flock", fcntl.flock) == errno.EAGAIN
    assert held.lock_error("record", fcntl.lockf) in (errno.EAGAIN, errno.EACCES), \
        "it lost its record locks"
    assert held.victim.hidden_zombies() == []


def test_death(held):
    """A target that is killed leaves nothing held, though its snapshot lives on for a moment."""
    with living_snapshot(held.pid):
        held.victim.process.kill()
        held.victim.process.wait()
        assert ends(held.connection) and ends(held.reader) and ends(held.closed_reader)
        assert becomes_free(held.ports["listener"])
        assert held.lock_error("flock", fcntl.flock) is None
        assert held.lock_error("record", fcntl.lockf) is None
    support.wait_until(lambda: not held.victim.snapshots(), "no snapshot outlives it")
