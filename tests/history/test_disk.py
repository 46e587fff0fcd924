"""Files and folders that cannot be written to, and disks that are full."""

import os
import resource
import signal
import shutil
import subprocess

import pytest

import support
import writer

NAMESPACE = ["unshare", "--mount", "--propagation", "private"]
READ_ONLY = [*NAMESPACE, "sh", "-c",
             'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" || exit 77; exec "$@"']


def needs_mount():
    done = subprocess.run([*NAMESPACE, "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    if done.returncode != 0:
        pytest.skip("nothing can be mounted here: " + done.stdout.strip())


@pytest.fixture
def of_nobody():
    """A folder of another user, with the programs beside it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with support.PublicFolder(writer.WRITER) as public:
        state = os.path.join(public.path, "state")
        os.mkdir(state, 0o700)
        os.chown(state, 65534, 65534)
        public.state = state
        public.history = os.path.join(state, "history.sqlite")
        public.writer = os.path.join(public.path, os.path.basename(writer.WRITER))
        yield public


def refused(words, *expected):
    assert words.startswith("no-history: "), words
    assert any(one in words for one in expected), words


def test_other_user(of_nobody):
    """What can be read only is read, and a writer says why it cannot."""
    prefix = support.as_nobody()
    path = of_nobody.history
    assert writer.add(path, 1, 3, prefix=prefix, binary=of_nobody.writer) == [1, 2, 3]
    for what, mode in ((path, 0o400), (of_nobody.state, 0o500)):
        before = os.stat(what).st_mode
        os.chmod(what, mode)
        process = writer.spawn(path, 4, 1, prefix=prefix, binary=of_nobody.writer)
        output, words = process.communicate(timeout=60)
        assert process.returncode == 1 and not output
        refused(words, "cannot be written to", "Permission denied")
        assert writer.numbers(path, prefix=prefix, binary=of_nobody.binary) == [1, 2, 3]
        os.chmod(what, before)
    assert writer.add(path, 4, 1, prefix=prefix, binary=of_nobody.writer) == [4]
    # Root does not trust it.
    done = writer.history(path)
    assert done.returncode == 1 and "belongs to user 65534" in done.stderr


def test_read_only_file_system(folder):
    needs_mount()
    path = folder / "history.sqlite"
    writer.add(path, 1, 3)
    prefix = [*READ_ONLY, str(folder)]
    process = writer.spawn(path, 4, 1, prefix=prefix)
    output, words = process.communicate(timeout=60)
    assert process.returncode == 1 and not output
    refused(words, "cannot be written to", "Read-only file system")
    assert writer.numbers(path, prefix=prefix) == [1, 2, 3]
    # Nothing there yet.
    process = writer.spawn(folder / "other.sqlite", 1, 1, prefix=prefix)
    output, words = process.communicate(timeout=60)
    assert process.returncode == 1
    refused(words, "Read-only file system")
    assert writer.numbers(path) == [1, 2, 3]


def test_full_file_system(folder):
    """It fills up: the writer says so, and all that it said to have added is there."""
    needs_mount()
    path = folder / "history.sqlite"
    kept = folder.parent / "kept"
    kept.mkdir(mode=0o700)
    script = ('mount -t tmpfs -o size=300k,mode=700 tmpfs "$1" || exit 77; kept=$2; here=$1;'
              'shift 2; "$@"; code=$?; cp "$here"/* "$kept"; exit $code')
    process = subprocess.run(
        [*NAMESPACE, "sh", "-c", script, "sh", str(folder), str(kept),
         *writer.command(path, 1, 500, step_s=3600, figures=300)],
        encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert process.returncode == 1, process.stderr
    refused(process.stderr, "there is no room left")
    said = writer.added(process.stdout)
    assert len(said) > 10
    copy = kept / "history.sqlite"
    os.chmod(copy, 0o600)
    found = writer.numbers(copy, figures=300)
    assert found[-1] == said[-1]
    assert writer.integrity(copy) == [("ok",)]
    # With room again, it goes on.
    assert writer.add(copy, said[-1] + 1, 1, step_s=3600, figures=300) == [said[-1] + 1]


def test_limit_of_file_size(folder):
    """The same without root: a limit on the size of files, in the middle of a write."""
    path = folder / "history.sqlite"
    writer.add(path, 1, 1, figures=300)
    for limit in range(os.path.getsize(path), os.path.getsize(path) + 6000, 1500):
        copy = folder / "copy.sqlite"
        shutil.copy(path, copy)

        def limited(limit=limit):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        process = subprocess.run(writer.command(copy, 2, 100, step_s=3600, figures=300),
                                 encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 preexec_fn=limited, restore_signals=False, timeout=60)
        assert process.returncode == 1, limit
        assert process.stderr.startswith("no-history: "), process.stderr
        said = writer.added(process.stdout)
        assert writer.numbers(copy, figures=300)[-1] == (said or [1])[-1]
        assert writer.integrity(copy) == [("ok",)]
