"""
A Python that starts or ends: there is a result, which says so; a check judges nothing by it.
"""

import json

import pytest

import support

STARTING = """
import posix
posix.write(1, b"STARTING\\n")
posix.read(0, 1)
"""


def warnings(pid):
    return {one["code"]: one["message"] for one in support.top_types(pid)["warnings"]}


def check(pid, folder):
    """A check that a whole heap would pass; its exit code and its history."""
    history = str(folder / "history.sqlite")
    done = support.run_pyinspect(pid, "check", "--max", "dict=100000000", "--min-age", "0",
                                 "--history", history, "--state", str(folder / "state"),
                                 "--format", "json")
    return done, history


def assert_unknown(pid, folder, code):
    done, history = check(pid, folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert json.loads(done.stdout)["error"]["code"] == code
    shown = support.run_pyinspect("history", "--history", history, "--format", "json")
    assert shown.returncode != 0 or not json.loads(shown.stdout)["result"].get("processes"), \
        "nothing is kept of it"


def test_ending(start, interpreter, tmp_path):
    victim = start(interpreter, "ending.py")
    assert not warnings(victim.pid)
    done, _ = check(victim.pid, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    victim.send("x")
    victim.expect("ENDING", seconds=60)
    victim.wait_blocked()
    if interpreter.name.endswith("-3.6"):
        return  # nothing there says it
    with support.assert_untouched(victim.pid):
        found = warnings(victim.pid)
    assert "ending" in found["finalizing"]
    folder = tmp_path / "late"
    folder.mkdir()
    assert_unknown(victim.pid, folder, "python-ending")


def test_starting(interpreter, tmp_path):
    if interpreter.root or interpreter.name.endswith("-3.6"):
        pytest.skip("needs a folder of its own, and a _PyRuntime")
    folder = tmp_path / "encodings"
    folder.mkdir()
    (folder / "__init__.py").write_text(STARTING)
    victim = support.Target(["env", "PYTHONPATH=" + str(tmp_path), interpreter.path, "-S", "-c",
                             "pass"])
    try:
        victim.expect("STARTING", seconds=60)
        victim.wait_blocked()
        with support.assert_untouched(victim.pid):
            found = warnings(victim.pid)
        assert "starting" in found["starting"]
        assert_unknown(victim.pid, tmp_path, "python-not-started")
    finally:
        victim.close()
