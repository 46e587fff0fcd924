"""
Whatever a target decides has a limit: what it makes us keep, and what its snapshot costs.
"""

import json
import os
import subprocess
import tempfile
import time

import pytest

import support

MEGABYTE = 1 << 20
BUILD = os.path.dirname(support.PYINSPECT)
LIBRARY = os.environ.get("PYI_FLOODING", os.path.join(BUILD, "tests", "libflooding.so"))
TYPE, OBJECT, GRAPH, GRAPH_TYPE, GRAPH_ROOT = 1, 2, 9, 10, 11


def kilobytes(pid, *keys):
    """Figures of /proc/PID/status, in bytes; 0 for what is gone."""
    try:
        with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as stream:
            lines = dict(line.split(":", 1) for line in stream if ":" in line)
    except (OSError, ValueError):
        return [0] * len(keys)
    return [int(lines[key].split()[0]) * 1024 if key in lines else 0 for key in keys]


def family(pid):
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        try:
            found += support.children(parent)
        except OSError:
            pass
    return found


class Watch:
    """A run of pyinspect: its result, and the most memory that any of its processes had."""

    def __init__(self, target, *arguments, seconds=60):
        self.peak_bytes = 0
        self.snapshot_bytes = 0
        own, = kilobytes(target.pid, "RssAnon")
        begun = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [support.PYINSPECT, str(target.pid), *arguments, "--format", "json"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)
            try:
                while process.poll() is None:
                    self.look(process.pid, target.pid, own)
                    assert time.monotonic() - begun < seconds, "it does not end"
                    time.sleep(0.01)
            finally:
                process.kill()
                process.wait()
            output.seek(0)
            text = output.read()
        self.seconds = time.monotonic() - begun
        self.code = process.returncode
        assert text, "ended with %d and says nothing" % self.code
        self.report = json.loads(text)

    def look(self, pid, target_pid, own):
        for member in family(pid):
            self.peak_bytes = max(self.peak_bytes, *kilobytes(member, "VmHWM"))
        for child in support.children(target_pid):
            self.snapshot_bytes = max(self.snapshot_bytes, kilobytes(child, "RssAnon")[0] - own)


def assert_modest(watch, target):
    """At most 256 MB and 1 % of the target, in each process and in the snapshot."""
    limit = 256 * MEGABYTE + kilobytes(target.pid, "VmRSS")[0] // 100
    assert watch.peak_bytes < limit, watch.peak_bytes
    assert watch.snapshot_bytes < limit, watch.snapshot_bytes


def warnings(watch):
    return {warning["code"] for warning in watch.report["warnings"]}


@pytest.mark.parametrize("kind, arguments", [
    (TYPE, ["top-types"]),
    (TYPE, ["check", "--no-history", "--preset", "generic"]),
    (TYPE, ["referrers", "Sender"]),
    (OBJECT, ["top-types"]),
    (GRAPH_TYPE, ["referrers", "Sender"]),
    (GRAPH_ROOT, ["referrers", "Sender", "--depth", "3"]),
    (GRAPH, ["path", "Sender", "--limit", "1000"]),
    (GRAPH, ["garbage"]),
    (GRAPH, ["top-objects", "--limit", "10000"]),
    (GRAPH, ["slip-dbus"]),
])
def test_records_for_ever(start, kind, arguments):
    """Code in the snapshot sends records as if it were the payload, and does not stop."""
    target = start("flooding.py", LIBRARY, kind)
    with support.assert_untouched(target.pid):
        watch = Watch(target, *arguments, "--source", "clone")
    assert watch.code in (1, 3, 5), watch.report
    assert watch.seconds < 30
    assert_modest(watch, target)
    if watch.code == 1:
        codes = ("payload-failed", "too-large") if kind >= GRAPH else ("payload-failed",)
        assert watch.report["error"]["code"] in codes, watch.report


@pytest.mark.parametrize("source", ["clone", "mirror"])
@pytest.mark.parametrize("arguments", [["top-types"], ["referrers", "Sender"]])
def test_memory_for_ever(start, arguments, source):
    """Code in the snapshot writes to all memory that is mapped there for the payload."""
    target = start("flooding.py", LIBRARY, 0)
    with support.assert_untouched(target.pid):
        watch = Watch(target, *arguments, "--source", source)
    assert watch.code == 1
    assert watch.report["error"]["code"] == "no-memory-in-snapshot", watch.report
    # As much as is allowed, and what can be taken between two looks.
    assert watch.snapshot_bytes < 400 * MEGABYTE, watch.snapshot_bytes
    assert watch.peak_bytes < 400 * MEGABYTE, watch.peak_bytes
    assert watch.seconds < 10


@pytest.mark.parametrize("maps, used", [(1, 1), (50, 7), (30000, 10), (65000, 300)])
def test_sparse(start, maps, used):
    """50 TiB, of which little is in use: in one piece, and in as many as a process may have."""
    target = start("scattered.py", maps, used)
    with support.assert_untouched(target.pid):
        watch = Watch(target, "top-types", "--source", "clone")
    assert watch.code == 0, watch.report
    assert watch.report["result"]["skipped"] == 0
    assert_modest(watch, target)
    assert watch.report["cost"]["elapsed_ms"] < 5000


def test_scattered(start):
    """With a page in use in each of 15,000 pieces of a GB, a walk is refused."""
    target = start("scattered.py", 30000, 1)
    with support.assert_untouched(target.pid):
        watch = Watch(target, "top-types", "--source", "clone")
        # What it says comes first: it may know what it has left.
        assert watch.code == 1, watch.report
    assert watch.report["error"]["code"] in ("too-large", "pause-too-long")
    assert_modest(watch, target)


def test_many_files(tmp_path):
    """30,000 files that are mapped as if they were libraries, and Python in none of them."""
    target = support.Target([os.path.join(BUILD, "tests", "mapping"), str(tmp_path), "30000"])
    try:
        target.expect("READY")
        with support.assert_untouched(target.pid):
            watch = Watch(target, "top-types")
    finally:
        target.close()
    assert watch.code == 4, watch.report
    assert watch.seconds < 20
    assert watch.peak_bytes < 256 * MEGABYTE


# Of address space, in each of our processes: from hardly enough to start to more than enough.
LIMITS = [limit << 10 for limit in range(11000, 24000, 1000)]
# With a graph of the heap, and tables for what is asked about it.
GRAPH_LIMITS = LIMITS + [limit << 10 for limit in range(24000, 40000, 2000)]
ASK_A_GRAPH = ("referrers", "path", "top-objects")


@pytest.mark.parametrize("command", ["top-types", "referrers", "path", "top-objects", "slip-dbus"])
def test_no_memory(start, command):
    """Whatever allocation fails, it is said, and the target is as it was."""
    target = start("scattered.py", 1, 1)
    subject = ["dict"] if command in ("referrers", "path") else []
    codes = set()
    with support.assert_untouched(target.pid):
        for limit in GRAPH_LIMITS if command in ASK_A_GRAPH else LIMITS:
            done = support.run_pyinspect(target.pid, command, *subject, "--format", "json",
                                         prefix=["prlimit", "--as=%d" % limit])
            # A library could not be loaded.
            if done.returncode == 127:
                continue
            report = json.loads(done.stdout)
            codes.add(report.get("error", {}).get("code", "ok"))
            # The target is put back by the next run, if this one could not.
            assert done.returncode in (0, 1, 3, 4, 6), (limit, report)
        done = support.run_pyinspect(target.pid, command, *subject, "--format", "json")
        assert done.returncode == 0, done.stderr
    assert "no-memory" in codes and "ok" in codes, codes
    assert codes <= {"no-memory", "ok", "python-not-started", "zombie-left", "worker-lost",
                     "broker-lost", "no-memory-in-snapshot"} | (
                         {"too-large"} if command in ASK_A_GRAPH else set()), codes


@pytest.mark.parametrize("arguments", [
    ["top-types"], ["referrers", "dict"], ["path", "dict"], ["top-objects"],
    ["check", "--no-history", "--min-age", "0", "--preset", "generic"]])
def test_long_names(start, arguments):
    """40,000 classes that share a name of 4 KB, which each of them would have a copy of."""
    target = start("named.py", 40000, 512)
    with support.assert_untouched(target.pid):
        watch = Watch(target, *arguments)
    assert_modest(watch, target)
    assert watch.seconds < 30
    if arguments[0] != "check":
        assert watch.code == 5, watch.report
        assert watch.report["warnings"][0]["code"] == "inconsistent"
        assert "more names than there is room for" in watch.report["warnings"][0]["message"]
