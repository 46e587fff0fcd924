"""
No table is wider than the terminal, whatever things are called in the process. In sentences a word
that is longer than a line (a path of a file, an expression that leads to an object) has a line of its
own, whole, for it is there to be copied.
"""

import itertools
import os
import subprocess

import pytest

import interpreters
import support
import terminal

COLUMNS = 80


@pytest.fixture(scope="module", name="target")
def _target():
    victim = support.Target.python(interpreters.any_interpreter(), "long_names.py")
    yield victim
    victim.close()


@pytest.fixture(scope="module", name="about")
def _about(target):
    return target.ask("report")


def assert_fits(*arguments, expected=(0,), columns=COLUMNS):
    code, text = terminal.run(columns, *arguments, "--format", "table")
    assert code in expected, text
    wide = [line for line in text.splitlines() if len(line) > columns
            and len(line.replace("path: ", "").split()) > 1]
    assert not wide, "%d of %d lines, for one %r" % (len(wide), text.count("\n"), wide[0])
    return text


OF_HEAP = {
    "top-types": ["top-types"],
    "top-types retained": ["top-types", "--by", "retained"],
    "top-objects": ["top-objects"],
    "top-objects retained": ["top-objects", "--by", "retained"],
    "referrers": ["referrers", "TYPE"],
    "referrers depth": ["referrers", "TYPE", "--depth", "3"],
    "referrers tree": ["referrers", "TYPE", "--tree"],
    "referrers of one": ["referrers", "--address", "ADDRESS"],
    "referents": ["referents", "TYPE"],
    "path": ["path", "TYPE"],
    "path of one": ["path", "--address", "ADDRESS", "-n", "3"],
    "show": ["show", "ADDRESS"],
    "dominators": ["dominators"],
    "dominators of a type": ["dominators", "TYPE"],
    "explain": ["explain"],
    "garbage": ["garbage"],
    "growth": ["growth", "-n", "2", "--interval", "0.5"],
    "slip-dbus": ["slip-dbus"],
}


@pytest.mark.parametrize("name", OF_HEAP)
def test_heap(target, about, name):
    words = [about["type"] if word == "TYPE" else about["address"] if word == "ADDRESS" else word
             for word in OF_HEAP[name]]
    text = assert_fits(target.pid, *words)
    assert len(text.splitlines()) > 2


def test_every_command_is_tried():
    """A new one belongs into this file."""
    text = support.run_pyinspect("--help").stdout
    lines = itertools.takewhile(str.strip, text[text.index("Commands:\n"):].splitlines()[1:])
    tried = {words[0] for words in OF_HEAP.values()} | {"dump", "diff", "check", "history", "incidents",
                                                     "list"}
    assert {line.split()[0] for line in lines} == tried


def test_dump_and_diff(target, tmp_path):
    files = [str(tmp_path / ("dump" * 30 + str(number))) for number in range(2)]
    for file in files:
        # It says where it is: that is to be copied, and not to be cut.
        code, _ = terminal.run(COLUMNS, target.pid, "dump", file)
        assert code == 0 and os.path.getsize(file)
    assert_fits("diff", *files)


def test_check_and_history(target, about, tmp_path):
    state = str(tmp_path / "state")
    for _ in range(2):
        assert_fits(target.pid, "check", "--state", state, "--min-age", "0", "--max",
                    about["type"] + "=1:2", "--max-rss", "1TiB", expected=(2,))
    # But for the command that shows one, which is there to be copied.
    _, text = terminal.run(COLUMNS, "incidents", "--state", state, "--format", "table")
    shows = [line for line in text.splitlines() if line.startswith("  pyinspect show ")]
    others = [line for line in text.splitlines() if line not in shows]
    assert len(shows) == 1 and "SINCE" in text
    assert not [line for line in others if len(line) > COLUMNS and len(line.split()) > 1], text
    history = ["--history", state + "/history.sqlite"]
    assert_fits("history", *history)
    assert_fits(target.pid, "history", "-n", "0", *history)
    assert_fits(target.pid, "history", about["type"], *history)


REFUSALS = {
    "no process": (3, ["4194304", "top-types"]),
    "not Python": (4, ["CHILD", "top-types"]),
    "no such type": (1, ["TARGET", "referrers", "collections.OrderedDictionaryOfNoProcess"]),
    "no such address": (1, ["TARGET", "show", "0x10"]),
    "no such option": (2, ["TARGET", "top-types", "--an-option-that-is-none", "17"]),
    "option of another command": (2, ["TARGET", "garbage", "--interval", "30s"]),
    "no target": (2, ["unit:a-service-of-a-rather-long-name-that-is-not-there.service", "list"]),
    "no dump": (1, ["/proc/self/status", "explain"]),
    "not of a dump": (2, ["/proc/self/status", "growth"]),
    "no time": (1, ["TARGET", "explain", "--timeout", "1ms"]),
    "said": (0, ["TARGET", "top-types", "--verbose"]),
    "check": (3, ["TARGET", "check", "--max", "NoSuchType=5", "--state", "STATE", "--format",
                  "prometheus"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_goes_to_standard_error(target, tmp_path, name):
    expected, words = REFUSALS[name]
    with subprocess.Popen(["sleep", "60"]) as child:
        known = {"CHILD": child.pid, "TARGET": target.pid, "STATE": tmp_path / "state"}
        code, text = terminal.run(COLUMNS, *[known.get(word, word) for word in words], errors=True)
        child.kill()
    assert code == expected, text
    wide = [line for line in text.splitlines() if len(line) > COLUMNS and len(line.split()) > 1]
    assert not wide, wide
    assert "pyinspect: " in text


def test_list(tmp_path):
    assert_fits("list", "--state", tmp_path / "state")
