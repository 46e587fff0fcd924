"""
What a mirror costs us is bounded by what its target has in use, whatever that has mapped.
"""

import json
import os

import pytest

import support

MEGABYTE = 1 << 20


def run(pid, *options):
    """Its result, and the largest resident set of pyinspect and of the mirror, in bytes."""
    reader, writer = os.pipe()
    with open(reader, "rb") as stream:
        with open(writer, "wb") as output:
            child = os.posix_spawn(support.PYINSPECT, [
                support.PYINSPECT, str(pid), "top-types", "--format", "json", *options],
                os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                                          (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
        text = stream.read()
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(text), usage.ru_maxrss * 1024


@pytest.mark.parametrize("maps, used", [(1, 1), (50, 7), (30000, 300), (30000, 10)])
def test_sparse(start, maps, used):
    """50 TiB, of which little is in use: in one piece, and in as many as a process may have."""
    target = start("scattered.py", maps, used)
    with support.assert_untouched(target.pid):
        code, envelope, peak_bytes = run(target.pid, "--source", "mirror")
    assert code == 0, envelope
    assert envelope["result"]["skipped"] == 0
    target_bytes = envelope["target"]["rss_bytes"]
    assert peak_bytes < 256 * MEGABYTE + target_bytes // 100, peak_bytes
    assert envelope["cost"]["elapsed_ms"] < 5000


def test_scattered(start):
    """With a page in use in each of 51,200 pieces it is refused, before anything is stopped."""
    target = start("scattered.py", 30000, 1)
    with support.assert_untouched(target.pid):
        code, envelope, peak_bytes = run(target.pid, "--source", "mirror")
    assert code == 1, envelope
    assert envelope["error"]["code"] == "mirror-failed"
    assert "scattered" in envelope["error"]["message"]
    assert peak_bytes < 256 * MEGABYTE
