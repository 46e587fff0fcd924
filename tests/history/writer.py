"""
Adds samples to histories with tests/tools/history_writer.c, and reads them with pyinspect.

A sample with the number N has N as the count of each of its figures. Does not judge.
"""

import json
import os
import re
import sqlite3
import subprocess

import support

BUILD = os.path.join(os.path.dirname(support.PYINSPECT), "tests")
WRITER = os.environ.get("PYI_HISTORY_WRITER") or os.path.join(BUILD, "history_writer")
KILL_AT = os.environ.get("PYI_KILL_AT") or os.path.join(BUILD, "kill_at")
PID = 4194303
FIGURES = 40


def command(path, first, count, pid=PID, step_s=60, figures=FIGURES, binary=WRITER):
    return list(map(str, [binary, path, pid, first, count, step_s, figures]))


def spawn(*arguments, prefix=(), **options):
    return subprocess.Popen([*prefix, *command(*arguments, **options)],
                            encoding="utf-8", errors="replace",
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def added(output):
    return [int(number) for number in re.findall(r"^added (\d+)$", output, re.MULTILINE)]


def add(*arguments, **options):
    """Adds samples, or the test fails."""
    process = spawn(*arguments, **options)
    output, words = process.communicate(timeout=120)
    assert process.returncode == 0, words
    return added(output)


def history(path, *words, prefix=(), binary=None):
    """`pyinspect history` with these words, to its end."""
    return support.run_pyinspect("history", *words, "--history", path, "--format", "json",
                                 prefix=prefix, binary=binary)


def result(path, *words, **options):
    """What it answers, which must be complete."""
    done = history(path, *words, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


def numbers(path, pid=PID, figures=FIGURES, **options):
    """The samples of a process, each of which must be whole."""
    figure, = result(path, pid, "rss", **options)["figures"]
    found = [point["count"] for point in figure["points"]]
    everything = result(path, pid, "--limit", 0, **options)
    assert everything["damaged"] == everything["incomplete"] == 0
    assert len(everything["figures"]) == figures + 1
    assert everything["process"]["kept"] == len(found)
    for figure in everything["figures"]:
        assert [figure[end]["count"] for end in ("first", "last")] == [found[0], found[-1]]
        if figure["of"] == "type":
            assert figure["last"]["bytes"] == 96 * found[-1]
    return found


def integrity(path):
    """What SQLite itself says of the file."""
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    try:
        return db.execute("PRAGMA integrity_check").fetchall()
    finally:
        db.close()
