"""Several writers, and readers between them: nothing is lost, and nobody fails."""

import sqlite3

import pytest

import writer

EACH = 15


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize("same", [True, False], ids=["same-process", "other-processes"])
def test_writers(folder, count, same):
    path = folder / "history.sqlite"
    writers = [writer.spawn(path, 1 + EACH * one, EACH, pid=1000 if same else 1000 + one, step_s=1)
               for one in range(count)]
    # Between them: there is no file yet, or one that is whole.
    while any(process.poll() is None for process in writers):
        done = writer.history(path)
        assert done.returncode == 0 or "there is no history" in done.stderr or (
            "is empty" in done.stderr), done.stderr
    for one, process in enumerate(writers):
        output, words = process.communicate()
        assert process.returncode == 0, words
        assert writer.added(output) == list(range(1 + EACH * one, 1 + EACH * one + EACH))
    if same:
        assert writer.numbers(path, 1000) == list(range(1, 1 + EACH * count))
    else:
        for one in range(count):
            first = 1 + EACH * one
            assert writer.numbers(path, 1000 + one) == list(range(first, first + EACH))
    assert writer.integrity(path) == [("ok",)]


def test_somebody_who_does_not_let_go(folder):
    path = folder / "history.sqlite"
    writer.add(path, 1, 2)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    both = [writer.spawn(path, 3, 1), writer.spawn(path, 4, 1)]
    for process in both:
        output, words = process.communicate(timeout=120)
        assert process.returncode == 1 and not output
        assert words.startswith("no-history: ") and "was in use for more than" in words
    db.execute("ROLLBACK")
    db.close()
    assert writer.numbers(path) == [1, 2]
