"""
Histories with changed bytes: an error, or the part that is missing is labelled, or it makes no
difference. Never a crash, never a figure that is wrong.
"""

import json
import random
import sqlite3

import pytest

import writer

SAMPLES = 30


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    folder.chmod(0o700)
    path = folder / "history.sqlite"
    writer.add(path, 1, SAMPLES)
    return path


def look(path):
    """Exit code, and what can be seen of the process."""
    done = writer.history(path, writer.PID, "--limit", 0)
    assert done.returncode in (0, 1, 5), (done.returncode, done.stderr)
    return done.returncode, json.loads(done.stdout).get("result"), done.stderr


def judge(path, expected, where):
    """What happened: "same", "labelled" or "error"."""
    code, found, words = look(path)
    if code == 1:
        assert "hint: " in words, where
        return "error"
    if code == 0:
        assert found["figures"] == expected["figures"], where
        return "same"
    assert found["damaged"] > 0, where
    for figure in found["figures"]:
        for end in (figure["first"], figure["last"]):
            # As the writer makes them.
            assert 1 <= end["count"] <= SAMPLES and end["age_s"] == 60 * end["count"], where
            assert figure["of"] != "type" or end["bytes"] == 96 * end["count"], where
    return "labelled"


@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes(folder, base, seed):
    dice = random.Random(seed)
    whole = base.read_bytes()
    path = folder / "history.sqlite"
    expected = writer.result(base, writer.PID, "--limit", 0)
    outcomes = {"same": 0, "labelled": 0, "error": 0}
    for _ in range(120):
        changed = bytearray(whole)
        places = [dice.randrange(len(whole)) for _ in range(dice.choice([1, 1, 1, 4]))]
        for place in places:
            changed[place] ^= dice.randrange(1, 256)
        path.write_bytes(changed)
        path.chmod(0o600)
        outcomes[judge(path, expected, (seed, places))] += 1
        # A writer does not crash, either; nor does it add to a heap of rubble.
        process = writer.spawn(path, SAMPLES + 1, 1)
        _, words = process.communicate(timeout=60)
        assert process.returncode in (0, 1), (seed, places)
        assert process.returncode == 0 or words.startswith("no-history: "), words
    assert all(outcomes.values()), outcomes


def test_cut_off(folder, base):
    whole = base.read_bytes()
    path = folder / "history.sqlite"
    expected = writer.result(base, writer.PID, "--limit", 0)
    for size in sorted({1, 16, 99, 100, 4095, *range(4096, len(whole), 4096), len(whole) - 1}):
        path.write_bytes(whole[:size])
        path.chmod(0o600)
        # The rest of a page that is cut off counts as zeros.
        assert judge(path, expected, size) in ("error", "labelled"), size


def test_pages_exchanged(folder, base):
    """Each page is all right by itself."""
    whole = base.read_bytes()
    pages = [whole[start:start + 4096] for start in range(0, len(whole), 4096)]
    path = folder / "history.sqlite"
    expected = writer.result(base, writer.PID, "--limit", 0)
    for number in range(1, len(pages) - 1):
        changed = list(pages)
        changed[number], changed[number + 1] = changed[number + 1], changed[number]
        path.write_bytes(b"".join(changed))
        path.chmod(0o600)
        assert judge(path, expected, number) in ("error", "labelled")


def test_way_out(folder, base):
    """The hint of the error is what helps."""
    path = folder / "history.sqlite"
    whole = bytearray(base.read_bytes())
    whole[4096:8192] = bytes(4096)
    path.write_bytes(whole)
    path.chmod(0o600)
    done = writer.history(path)
    assert done.returncode == 1
    assert "is damaged" in done.stderr and "mv %s %s.damaged" % (path, path) in done.stderr
    assert path.read_bytes() == whole
    path.rename(str(path) + ".damaged")
    assert writer.add(path, 1, 2) == [1, 2]
    assert writer.numbers(path) == [1, 2]


def test_lies(folder, base):
    """A file that SQLite finds nothing wrong with."""
    path = folder / "history.sqlite"
    path.write_bytes(base.read_bytes())
    path.chmod(0o600)
    db = sqlite3.connect(path)
    db.execute("UPDATE sample SET figures = zeroblob(100000) WHERE id = 1")
    db.execute("UPDATE sample SET age = -9223372036854775808 WHERE id = 2")
    db.execute("UPDATE sample SET time = 9223372036854775807 WHERE id = 3")
    db.execute("INSERT INTO process VALUES(7, 'x', -1, -1, 'e', 't', 0, 0, -1, 99, 0)")
    db.commit()
    db.close()
    code, found, _ = look(path)
    assert code == 5 and found["damaged"] == 3
    assert writer.add(path, SAMPLES + 1, 1) == [SAMPLES + 1]
