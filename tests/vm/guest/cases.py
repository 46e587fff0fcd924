"""
Processes that pyinspect looks at in the virtual machine, and what is expected of that; each case is a
line. In each a process must look and work as before, and pyinspect must have said what is right, or
refused for the one right cause.
"""

import contextlib
import ctypes
import errno
import json
import os
import signal
import subprocess
import sys
import time
import traceback

os.environ.update(PYINSPECT="/usr/bin/pyinspect", PATH="/usr/bin:/bin", LANG="C.UTF-8")

import support  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = ctypes.CDLL(None, use_errno=True)
MIB = 1 << 20
PLANTED = "__main__.Planted"
GUEST = {"user": 1000, "group": 1000, "extra_groups": []}
# An emulated processor is slow.
PATIENCE_SECONDS = 300


class NotHere(Exception):
    """This kernel cannot do that."""


@contextlib.contextmanager
def case(name):
    began = time.monotonic()
    try:
        yield
    except NotHere as reason:
        say("not here  %s: %s" % (name, reason))
    except Exception:  # whatever it is: the next case is another one
        say("FAIL  " + name)
        for line in traceback.format_exc().splitlines():
            say("    " + line)
    else:
        say("ok  %s (%.1f s)" % (name, time.monotonic() - began))


def say(line):
    print(line, flush=True)


def write(path, value):
    try:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(str(value))
    except FileNotFoundError:
        raise NotHere("no " + path) from None


class Victim(support.Target):
    """A process of victim.py."""

    def __init__(self, objects=20000, mebibytes=8, prefix=(), **options):
        self.objects = objects
        self.first = None
        super().__init__([*prefix, sys.executable, "-sE", os.path.join(HERE, "victim.py"),
                          str(objects), str(mebibytes)], **options)
        try:
            self.expect("READY", PATIENCE_SECONDS)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, command, seconds=PATIENCE_SECONDS):
        return super().ask(command, seconds)

    def stand_for(self, pid):
        """Its child is who answers, and is looked at."""
        self.first, self.pid = self.pid, pid

    def is_alive(self):
        return support.read_stat(self.pid)["state"] not in "ZX"

    def close(self):
        super().close()
        # All orphans are ours: this one, and what it may have left.
        if self.first:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    @contextlib.contextmanager
    def unharmed(self, asked=False):
        """With `asked` it is asked for something meanwhile: then it may wait at another place."""
        answer = self.ask("check")
        program = os.readlink("/proc/%d/exe" % self.pid)
        assert answer["ballast"]
        with support.assert_untouched(self.pid, blocked=not asked):
            yield
        assert os.readlink("/proc/%d/exe" % self.pid) == program
        assert self.ask("check") == answer
        assert self.snapshots() == [] and self.hidden_zombies() == []


def look(victim, *options, command="top-types", **run_options):
    if command == "top-types":
        options = ("--limit", "0", *options)
    # A check always has an end.
    options = ("--timeout=%d" % (PATIENCE_SECONDS if command == "check" else 0), *options)
    done = support.run_pyinspect(victim.pid, command, "--max-pause=60000", *options, "--format",
                                 "json", timeout=PATIENCE_SECONDS, **run_options)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError("exit %d\n%s\n%s" % (done.returncode, done.stdout,
                                                  done.stderr)) from None


def right(victim, answer, *sources):
    code, envelope = answer
    assert code == 0, (code, envelope.get("error"))
    assert envelope["access"]["source"] in (sources or ("clone",)), envelope["access"]
    assert envelope["access"]["consistent"] is True and envelope["warnings"] == []
    assert support.census(envelope)[PLANTED][0] == victim.objects
    return envelope


def brief(answer):
    """Without the figures."""
    return answer[0], {key: value for key, value in answer[1].items() if key != "result"}


def refused(answer, code, exit_code, *words):
    """For one cause, named in words; and with a way out."""
    got, envelope = answer
    assert (got, envelope.get("error", {}).get("code")) == (exit_code, code), brief(answer)
    text = envelope["error"]["message"] + " " + envelope["error"].get("hint", "")
    assert envelope["error"].get("hint"), envelope
    for word in words:
        assert word in text, (word, text)


def signal_all(process, number):
    """To pyinspect and the processes that it is made of, as far as they have not ended."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        for pid in support.children(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    process.send_signal(number)


def in_the_middle(victim, *options):
    """Starts pyinspect, and stops it when there is a snapshot: true, if that was so."""
    process = subprocess.Popen(
        [support.PYINSPECT, str(victim.pid), "top-types", "--limit=0", "--format=json",
         "--timeout=0", "--max-pause=60000", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # What it prints fits into a pipe.
    while process.poll() is None:
        if victim.snapshots():
            signal_all(process, signal.SIGSTOP)
            support.wait_until(lambda: support.read_stat(process.pid)["state"] in "TZ", "it stops")
            if victim.snapshots() and support.status(victim.pid, victim.pid)["TracerPid"] == "0":
                return process, True
            signal_all(process, signal.SIGCONT)
    return process, False


def outcome(process):
    signal_all(process, signal.SIGCONT)
    out, words = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, json.loads(out) if out else {"words": words.decode()}


def filtered(*rules):
    """Of a command that runs under such a filter (tests/tools/seccomp_profile.h)."""
    path = "/tmp/rules"
    write(path, "\n".join(["default allow", *rules]) + "\n")
    if not os.path.exists(HERE + "/filtered"):
        raise NotHere("no tests/tools/filtered.c")
    return [HERE + "/filtered", path, "--"]


def as_before():
    """As on arm64 before Linux 5.3: no PTRACE_SYSEMU, and no PAGEMAP_SCAN (6.7)."""
    return filtered("fail ptrace %d 0 == 0x1f" % errno.EIO,
                    "fail ioctl %d 1 == 0xc0606610" % errno.ENOTTY)


class Mixed(support.Target):
    """A process of tests/live/victims/mixed.py, or of one like it, which counts its own objects."""

    def __init__(self, objects, command=(sys.executable, "-sE", os.path.join(HERE, "mixed.py")),
                 **options):
        super().__init__([*command, str(objects)], **options)
        self.expect("READY", PATIENCE_SECONDS)
        self.truth = {name: row[0]
                      for name, row in self.ask("report", PATIENCE_SECONDS)["types"].items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def exact(victim, *options, source="clone", prefix=(), **run_options):
    with support.assert_untouched(victim.pid):
        code, envelope = look(victim, "--scope=tracked", *options, prefix=prefix, **run_options)
    assert code == 0, envelope
    assert envelope["access"]["source"] == source and envelope["access"]["consistent"] is True
    assert {name: row[0] for name, row in support.census(envelope).items()} == victim.truth
    return envelope["access"]


def answers(victim, prefix=(), **run_options):
    """The results of commands, and how long each took."""
    results = {}
    for command, *options in (("referrers", "__main__.Plain"), ("path", "__main__.Slots"),
                              ("top-objects",)):
        code, envelope = look(victim, *options, command=command, prefix=prefix, **run_options)
        assert code == 0, envelope
        results[command] = envelope["result"]
    return results


def killed_at_any_moment(victim, rounds, prefix=(), **run_options):
    started = time.monotonic()
    code, envelope = look(victim, prefix=prefix, **run_options)
    assert code == 0, envelope
    usual = time.monotonic() - started
    for number in range(rounds):
        process = support.spawn_pyinspect(victim.pid, "top-types", prefix=prefix, **run_options)
        support.wait_exit(process, usual * number / rounds)
        process.kill()
        process.wait()
        assert victim.is_alive()
        support.wait_until(lambda: not victim.snapshots(), "no snapshot lives")
        support.wait_until(lambda: support.is_itself(victim.pid), "it is itself")
    # What the last one has left is reaped.
    code, envelope = look(victim, prefix=prefix, **run_options)
    assert code == 0 and not victim.hidden_zombies(), envelope
