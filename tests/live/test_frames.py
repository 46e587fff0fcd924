"""
References of frames that execute are told from what nothing explains: a frame borrows its globals, and
what a generator or coroutine that runs refers to is counted once.
"""

import json

import pytest

import support


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "frames.py")
    yield target
    target.close()


def references(target, address):
    done = support.run_pyinspect(target, "show", hex(address), "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]["references"]


# Without a GIL they are never freed once there is a second thread (gh-117783): then nobody counts
# what refers to them, and that is what is said.
NEVER_FREED_WITHOUT_GIL = {"globals", "function", "code", "generator function",
                           "coroutine function"}


def places(interpreter, victim):
    for name, things in victim.ask("places").items():
        uncounted = not interpreter.has_gil() and name in NEVER_FREED_WITHOUT_GIL
        yield name, [(address, None if uncounted else lost) for address, lost in things]


def test_references_that_nothing_has(interpreter, victim):
    wrong = {}
    for name, things in places(interpreter, victim):
        for address, lost in things:
            found = references(victim.pid, address)
            if found["held"] != lost:
                wrong.setdefault(name, []).append([lost, found])
    assert not wrong, "[lost, found]: %s" % wrong


def test_a_dump_says_the_same(interpreter, victim, tmp_path):
    dump = str(tmp_path / "dump")
    done = support.run_pyinspect(victim.pid, "dump", dump)
    assert done.returncode == 0, done.stderr
    for _, things in places(interpreter, victim):
        address, lost = things[0]
        assert references(dump, address)["held"] == lost
