"""
A target whose mapped files are made for harm: pyinspect, run by root, ends in time with its answer,
and opens nothing that was planted.
"""

import os
import resource
import shutil
import sys
import time

import pytest

import support
import support_files as files

# Of --timeout 5, with what a busy machine adds.
BOUND_SECONDS = 15
MEMORY_LIMIT_KIB = 256 << 10

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="the point is that it is root who looks"),
    pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("objcopy") is None,
                       reason="no gcc or objcopy to make libraries with"),
]


@pytest.fixture
def victim(begin):
    """Starts one of user nobody that is blocked in that library, with the GIL."""
    return lambda library: begin("victim_files.py", library)


def peak_kib():
    """Of all children that have ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def look(target):
    """The frames that --verbose shows."""
    return [line for line in look_at_all(target) if line.startswith("  #")]


def look_at_all(target):
    """All that --verbose shows."""
    begun = time.monotonic()
    done = support.run_pyinspect(target.pid, "--verbose", "top-types", "--timeout", "5",
                                 "--format", "json", timeout=BOUND_SECONDS)
    assert time.monotonic() - begun < BOUND_SECONDS
    assert done.returncode == 0, "exit %d\n%s" % (done.returncode, done.stderr)
    assert target.is_alive()
    assert not target.snapshots() and not target.hidden_zombies()
    return done.stderr.splitlines()


def plant(path):
    """A file that only root may read."""
    with open(path, "wb") as stream:
        shutil.copyfileobj(open(sys.executable, "rb"), stream)
    os.chmod(path, 0o600)
    return path


def watched(path):
    watch = files.Watch(path)
    assert not watch.was_opened()
    return watch


def test_plain(folder, victim):
    assert " block+0x" in look(victim(files.build(folder, files.PLAIN)))[1]


@pytest.mark.parametrize("source", ["DIVIDE", "ENDLESS", "COLUMN"])
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the library is x86-64 assembly")
def test_rules(folder, victim, source):
    lines = look_at_all(victim(files.build(folder, getattr(files, source))))
    frames = [line for line in lines if line.startswith("  #")]
    assert " block+0x" in frames[0]
    # An expression without end costs its limit of reads; the others make libunwind fault.
    assert any("libunwind could not go on" in line for line in lines) == (source != "ENDLESS")


def test_segment_table_far_away(folder, victim):
    library = files.build(folder, files.PLAIN)
    target = victim(library)
    files.break_segments(library)
    assert look(target)


def test_debug_link(folder, victim):
    planted = plant(os.path.join(folder, "secret"))
    inner = os.path.join(folder, "a", "b")
    os.makedirs(inner)
    # Wherever it is looked for: next to the library, or in .debug.
    os.mkdir(os.path.join(inner, ".debug"))
    for number, link in enumerate(("../../secret", "../../../secret")):
        place = os.path.join(inner, str(number))
        os.mkdir(place)
        os.mkdir(os.path.join(place, ".debug"))
        link = os.path.join("..", link)
        target = victim(files.build(place, files.PLAIN, gnu_debuglink=files.debug_link(link)))
        watch = watched(planted)
        look(target)
        assert not watch.was_opened()
        watch.close()


def test_compressed_data(folder, victim):
    bomb = files.compressed_zeros(384 << 20)
    target = victim(files.build(folder, files.PLAIN, gnu_debugdata=bomb))
    before = peak_kib()
    look(target)
    assert peak_kib() <= max(before, MEMORY_LIMIT_KIB)


@pytest.mark.parametrize("suffix", ["", " (deleted)"])
def test_fifo(folder, victim, suffix):
    library = files.build(folder, files.PLAIN)
    target = victim(library)
    os.unlink(library)
    os.mkfifo(library + suffix, 0o666)
    watch = watched(library + suffix)
    frames = look(target)
    assert not watch.was_opened()
    assert " block+0x" in frames[1]
    watch.close()


@pytest.mark.parametrize("suffix", ["", " (deleted)"])
def test_symbolic_link(folder, victim, suffix):
    planted = plant(os.path.join(folder, "secret"))
    library = files.build(folder, files.PLAIN)
    target = victim(library)
    os.unlink(library)
    os.symlink(planted, library + suffix)
    watch = watched(planted)
    frames = look(target)
    assert not watch.was_opened()
    assert " block+0x" in frames[1]
    watch.close()


def test_deleted(folder, victim):
    library = files.build(folder, files.PLAIN)
    target = victim(library)
    os.unlink(library)
    assert " block+0x" in look(target)[1]
