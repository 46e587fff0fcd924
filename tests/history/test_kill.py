"""
A writer that is killed, at each of its system calls: the file opens, no sample is there in part,
none that was there before is missing, and one that was said to be added is there.
"""

import os
import shutil
import subprocess
import tempfile

import pytest

import support
import writer


# Whatever can change a file, a folder or a lock.
CHANGING = {"openat", "close", "fcntl", "write", "pwrite64", "ftruncate", "fsync", "fdatasync",
            "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "fchmod",
            "fchown", "exit_group"}


def run(arguments, command):
    """Runs a command under kill_at; the labels, the last two lines, what the command said."""
    with tempfile.TemporaryFile("w+") as answers:
        done = subprocess.run(
            [writer.KILL_AT, str(answers.fileno()), *arguments, *command], encoding="utf-8",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=[answers.fileno()], timeout=60)
        assert done.returncode == 0, done.stderr
        answers.seek(0)
        lines = answers.read().splitlines()
    return lines[:-2], lines[-2:], writer.added(done.stdout)


def shots(command):
    """Where it can be killed: before and after each such call of a run that is not disturbed."""
    labels, end, _ = run(["list"], command)
    assert end == ["missed", "exit 0"], end
    return [(moment, label) for label in labels for moment in ("entry", "exit")
            if label.partition("#")[0] in CHANGING and (moment, label[:5]) != ("exit", "exit_")]


def kinds(all_shots):
    return {label.partition("#")[0] for _, label in all_shots}


def forget(path):
    for suffix in ("", "-journal"):
        if os.path.exists(str(path) + suffix):
            os.unlink(str(path) + suffix)


def test_adding(folder):
    """A sample more, for which older ones are thinned out."""
    base = folder / "base.sqlite"
    path = folder / "history.sqlite"
    writer.add(base, 1, 27, step_s=300)
    before = writer.numbers(base)
    command = writer.command(path, 28, 1, step_s=300)
    shutil.copy(base, path)
    assert writer.add(path, 28, 1, step_s=300) == [28]
    after = writer.numbers(path)
    assert 28 in after and set(before) - set(after), "nothing was thinned out"
    shutil.copy(base, path)
    all_shots = shots(command)
    assert {"pwrite64", "openat", "fdatasync"} <= kinds(all_shots)
    assert kinds(all_shots) & {"unlink", "unlinkat"}
    seen = {"before": 0, "after": 0, "journals": 0}
    for moment, label in all_shots:
        forget(path)
        shutil.copy(base, path)
        where = "killed at the %s of %s" % (moment, label)
        _, end, said = run([moment, label, "9", "self"], command)
        assert end == ["hit", "signal 9"], where
        seen["journals"] += os.path.exists(str(path) + "-journal")
        found = writer.numbers(path)
        assert found in (before, after), where
        assert not said or found == after, where
        seen["before" if found == before else "after"] += 1
        assert writer.integrity(path) == [("ok",)], where
        # Whoever comes next goes on as if nothing had been.
        assert writer.add(path, 29, 1, step_s=300) == [29], where
        assert writer.numbers(path)[-1] == 29, where
    assert all(seen.values()), seen


def test_beginning(folder):
    """The first sample, for which the file and its folder are made."""
    path = folder / "new" / "history.sqlite"
    command = writer.command(path, 1, 1)
    all_shots = shots(command)
    assert kinds(all_shots) & {"mkdir", "mkdirat"}
    for moment, label in all_shots:
        shutil.rmtree(path.parent, ignore_errors=True)
        where = "killed at the %s of %s" % (moment, label)
        _, end, said = run([moment, label, "9", "self"], command)
        assert end == ["hit", "signal 9"], where
        done = writer.history(path, writer.PID)
        assert done.returncode in (0, 1), where
        assert done.returncode == 0 or not said, where
        # Not "is damaged" or "is no history".
        assert done.returncode == 0 or "there " in done.stderr or "empty" in done.stderr, (
            where + ": " + done.stderr)
        assert writer.add(path, 2, 1) == [2], where
        assert writer.numbers(path) in ([2], [1, 2]), where
        assert writer.integrity(path) == [("ok",)], where


def test_reader_that_may_not_undo(folder):
    """What a killed writer left half done cannot be undone on a read-only file system: it says so."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    path = folder / "history.sqlite"
    writer.add(path, 1, 3)
    command = writer.command(path, 4, 1)
    # The last write of the database itself: the journal is whole.
    writes = [label for _, label in shots(command) if label.startswith("pwrite64")]
    forget(path)
    writer.add(path, 1, 3)
    _, end, _ = run(["exit", writes[-1], "9", "self"], command)
    assert end == ["hit", "signal 9"]
    assert os.path.exists(str(path) + "-journal")
    done = writer.history(path, writer.PID, prefix=read_only(folder))
    assert done.returncode == 1
    assert "was killed" in done.stderr and "hint: run it once" in done.stderr
    assert writer.numbers(path) == [1, 2, 3]
    assert support.run_pyinspect("history", "--history", path).returncode == 0


def read_only(folder):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', str(folder)]
