"""
Victim and spy: what the target is, seen from outside, and what it notices, asked from inside, must
be the same with and without us.
"""

import contextlib
import ctypes
import os
import select
import signal
import threading

import pytest

import interpreters
import support

pytestmark = pytest.mark.few_interpreters(unless="kills")

REAL_TIME = signal.SIGRTMIN + 3
LIBC = ctypes.CDLL(None, use_errno=True)


def snapshots(interpreter):
    """
    How many in a row. What they do to a target's threads is decided below Python: very many of one
    interpreter, and of the others enough for each kind of wait to be met. PYI_SNAPSHOTS says how many
    of all.
    """
    usual = 200 if interpreter == interpreters.any_interpreter() else 40
    return int(os.environ.get("PYI_SNAPSHOTS") or usual)


@pytest.fixture
def busy(interpreter):
    """(the self-checking victim, descriptor that tells of each SIGUSR1 it got)"""
    reader, writer = os.pipe()
    try:
        target = support.Target.python(interpreter, "waits.py", writer, pass_fds=(writer,))
    finally:
        os.close(writer)
    yield target, reader
    target.close()
    os.close(reader)


def test_still_target_is_identical(interpreter, start):
    """Every thread waits for ever: nothing at all may differ, not even what they wait for."""
    victim = start(interpreter, "still.py")
    before = support.settled_state(victim.pid)
    for _ in range(20):
        support.top_types(victim.pid)
        support.assert_same_state(victim.pid, before)
    assert not victim.snapshots()
    assert victim.ask("nothing") == {}


def test_many_threads(start):
    victim = start(interpreters.any_interpreter(), "still.py", 300)
    with support.assert_untouched(victim.pid):
        for _ in range(3):
            support.top_types(victim.pid)


class Signaller(threading.Thread):
    """Sends the victim signals all the time: numbered real-time ones, and SIGUSR1 one by one."""

    def __init__(self, target, reader):
        super().__init__()
        self.target = target
        self.reader = reader
        self.stop = threading.Event()
        self.real_time = 0
        self.handled = 0
        self.error = None

    def run(self):
        try:
            while not self.stop.wait(0.01):
                for _ in range(5):
                    value = ctypes.c_void_p(self.real_time)
                    assert LIBC.sigqueue(self.target.pid, REAL_TIME, value) == 0
                    self.real_time += 1
                os.kill(self.target.pid, signal.SIGUSR1)
                ready, _, _ = select.select([self.reader], [], [], 20)
                assert ready and os.read(self.reader, 10) == bytes([signal.SIGUSR1]), "lost signal"
                self.handled += 1
        except BaseException as error:
            self.error = error


def test_busy_target_notices_nothing(busy, interpreter):
    """Snapshots in a row while it waits, forks, gets signals, keeps time and computes."""
    victim, reader = busy
    before = without_children(victim)
    first = victim.ask("check")
    signaller = Signaller(victim, reader)
    signaller.start()
    try:
        for _ in range(snapshots(interpreter)):
            support.top_types(victim.pid, *interpreter.busy_options())
    finally:
        signaller.stop.set()
        signaller.join()
    assert signaller.error is None, signaller.error
    assert signaller.handled > 0

    def all_came():
        answer = victim.ask("check")
        idle = [name for name, rounds in answer["rounds"].items()
                if rounds <= first["rounds"][name]]
        return answer if len(answer["real_time"]) == signaller.real_time and not idle else None

    with contextlib.suppress(AssertionError):
        support.wait_until(all_came, "all signals arrive and all threads make progress")
    answer = victim.ask("check")
    assert answer["bad"] == []
    assert answer["real_time"] == list(range(signaller.real_time))
    idle = [name for name, rounds in answer["rounds"].items() if rounds <= first["rounds"][name]]
    assert not idle, "no progress: %s" % idle

    differences = {}

    def same():
        differences.clear()
        differences.update(support.differences(before, without_children(victim)))
        return not differences

    with contextlib.suppress(AssertionError):
        support.wait_until(same, "the same state", seconds=5)
    changed = {key: {name: (pair[0].get(name), pair[1].get(name))
                     for name in pair[0] if pair[0].get(name) != pair[1].get(name)}
               if all(isinstance(one, dict) for one in pair) else pair
               for key, pair in differences.items()}
    assert not changed


def without_children(victim):
    """
    Its state at a moment when none of its own children is there, for these come and go; and not
    while one is being made: fork() blocks all signals of its thread for a moment.
    """
    def look():
        first, second = (support.snapshot_state(victim.pid, blocked=False, memory=False)
                         for _ in range(2))
        return first if not first["children"] and first == second else None

    return support.wait_until(look, "a moment without children")


def test_long_transfers_stay_whole(busy, interpreter):
    """
    write() of more than a pipe holds, recv(MSG_WAITALL): whoever stops a thread in the middle of
    one makes it short, and nothing can mend that. So no such thread may be stopped.
    """
    victim, _ = busy
    for _ in range(snapshots(interpreter) // 4):
        support.top_types(victim.pid)
    assert victim.ask("check")["short"] == []


def test_no_zombie_is_left(busy, interpreter):
    victim, _ = busy
    for _ in range(10):
        support.top_types(victim.pid, *interpreter.busy_options())
        assert victim.hidden_zombies() == []
        assert victim.snapshots() == []


def test_stopped_target_stays_stopped(start):
    """SIGSTOP before us: it is looked at, or refused, and is still stopped; SIGCONT ends that."""
    victim = start(interpreters.any_interpreter(), "still.py")

    def all_stopped():
        return all(support.read_stat(victim.pid, tid)["state"] == "T"
                   for tid in support.threads(victim.pid))

    support.settled_state(victim.pid)
    os.kill(victim.pid, signal.SIGSTOP)
    support.wait_until(all_stopped, "all threads stop")
    with support.assert_untouched(victim.pid, blocked=False):
        done = support.run_pyinspect(victim.pid, "top-types")
        assert done.returncode in (0, 1), done.stderr
        support.wait_until(all_stopped, "all threads are still stopped", seconds=5)
    os.kill(victim.pid, signal.SIGCONT)
    assert victim.ask("nothing") == {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_nothing(start, sent):
    """Control-C in the middle of a run, at several moments."""
    victim = start(interpreters.any_interpreter(), "mixed.py", 300000)
    before = support.settled_state(victim.pid)
    for milliseconds in range(0, 100, 10):
        process = support.spawn_pyinspect(victim.pid, "top-types")
        finished = support.wait_exit(process, milliseconds / 1000)
        if not finished:
            process.send_signal(sent)
        code = process.wait(timeout=60)
        assert finished or code != 6, "not restored"
        support.wait_until(lambda: not victim.snapshots(), "no snapshot lives")
    support.top_types(victim.pid)
    assert victim.hidden_zombies() == []
    support.assert_same_state(victim.pid, before)


def test_without_privileges():
    """A plain user may look into a process of their own."""
    interpreter = next(one for one in interpreters.EXPECTED if one.name == "distribution")
    interpreters.require(interpreter)
    prefix = support.as_nobody() if os.geteuid() == 0 else []
    victims = [os.path.join(support.VICTIMS, name) for name in ("still.py", "commands.py")]
    with support.PublicFolder(*victims) as folder:
        target = support.Target(
            prefix + [interpreter.path, "-sE", os.path.join(folder.path, "still.py")], cwd="/")
        try:
            target.expect("READY")
            with support.assert_untouched(target.pid):
                done = support.run_pyinspect(target.pid, "top-types", prefix=prefix,
                                             binary=folder.binary)
            assert done.returncode == 0, done.stdout + done.stderr
        finally:
            target.close()


def test_another_users_without_the_right_to_send_signals():
    """CAP_SYS_PTRACE alone, as a service may be given it: the snapshot is ended all the same."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be less than that")
    interpreter = next(one for one in interpreters.EXPECTED if one.name == "distribution")
    interpreters.require(interpreter)
    victims = [os.path.join(support.VICTIMS, name) for name in ("still.py", "commands.py")]
    without = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]
    with support.PublicFolder(*victims) as folder:
        target = support.Target(
            support.as_nobody() +
            [interpreter.path, "-sE", os.path.join(folder.path, "still.py")], cwd="/")
        try:
            target.expect("READY")
            for source in ("clone", "mirror"):
                with support.assert_untouched(target.pid):
                    done = support.run_pyinspect(target.pid, "top-types", "--source=" + source,
                                                 prefix=without)
                assert done.returncode == 0, done.stdout + done.stderr
                assert target.hidden_zombies() == []
                assert target.snapshots() == []
        finally:
            target.close()


def test_exec_in_the_middle(start):
    """
    A target that starts another program while it is looked at: the new program is not harmed, and
    no zombie is left in it.
    """
    for round_number in range(12):
        victim = start(interpreters.any_interpreter(), "still.py")
        process = support.spawn_pyinspect(victim.pid, "top-types")
        support.wait_exit(process, 0.004 * round_number)
        victim.send("exec")
        code = process.wait(timeout=60)
        assert victim.process.poll() is None, "round %d: the new program died" % round_number
        assert code in (0, 1, 3, 4), code
        support.wait_until(
            lambda pid=victim.pid: os.readlink("/proc/%d/exe" % pid).endswith("/sleep"), "exec")
        assert support.read_stat(victim.pid)["state"] in "SR"
        assert support.status(victim.pid, victim.pid)["TracerPid"] == "0"
        assert victim.hidden_zombies() == []
        victim.close()
