"""
Greenlets that wait in the loop of gevent or eventlet must be counted once, in both scopes; and what the
local variables of their frames hold must be counted, and have a path through that variable.
"""

import json

import pytest

import interpreters
import support


@pytest.fixture(scope="module", params=["gevent", "eventlet"], name="victim")
def _victim(request):
    interpreter = interpreters.require(interpreters.any_interpreter())
    interpreter.require_module(request.param)
    target = support.Target.python(interpreter, "hubs.py", request.param)
    yield target
    target.close()


def ask(victim, *arguments):
    done = support.run_pyinspect(victim.pid, *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("scope", ["tracked", "all"])
def test_each_is_counted_once(victim, scope):
    counts = victim.ask("counts")
    assert sum(counts.values()) > 40
    with support.assert_untouched(victim.pid):
        rows = support.census(support.top_types(victim.pid, "--scope", scope, "-n", "0"))
    # The type of greenlet itself says that it is of "greenlet" or of "greenlet._greenlet".
    short = {name.replace("greenlet._greenlet.", "greenlet."): count
             for name, count in counts.items()}
    assert {name: rows.get(name, (0,))[0] for name in short} == short


def test_what_frames_hold(victim):
    rows = support.census(support.top_types(victim.pid, "--scope", "all", "-n", "0"))
    expected = victim.ask("expected")
    assert {name: rows.get(name, (0,))[0] for name in expected} == expected
    assert rows["bytes"][1] > victim.ask("bodies")


@pytest.mark.parametrize("name, variable", [("__main__.Held", " local held["),
                                            ("__main__.Deep", " local thing")])
def test_paths(victim, name, variable):
    result = ask(victim, "path", name)
    assert sum(way["instances"] for way in result["ways"]) == victim.ask("expected")[name]
    assert all(variable in way["through"] for way in result["ways"]), result["ways"][:2]
