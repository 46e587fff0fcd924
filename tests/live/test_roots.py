"""
What only the interpreter itself holds must be counted, and have a path that says so: callbacks of
atexit with their arguments, those of os.register_at_fork(), interned strings where they never die.
"""

import json

import pytest

import support

HELD = {"__main__.Owner": ".__self__", "__main__.Argument": "[0]", "__main__.Keyword": "['named']"}


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "roots.py")
    yield target
    target.close()


def path_to(victim, name):
    done = support.run_pyinspect(victim.pid, "path", name, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]["paths"][0]["expression"]


def test_interned_strings(victim):
    with support.assert_untouched(victim.pid):
        rows = support.census(support.top_types(victim.pid, "--scope", "all", "-n", "0"))
    kept = victim.ask("interned")
    # Those of the modules are a few thousand.
    assert kept <= rows["str"][0] < kept + 25000


def test_table_of_interned_strings_keeps_none(victim):
    """The last other reference ends them: whoever has that retains them."""
    done = support.run_pyinspect(victim.pid, "top-types", "--by", "retained", "-n", "0", "--json",
                                 "--module", "__main__")
    assert done.returncode == 0, done.stderr
    row, = [row for row in json.loads(done.stdout)["result"]["types"]
            if row["type"] == "__main__.Named"]
    assert row["retained"] >= row["bytes"] + victim.ask("named")
    done = support.run_pyinspect(victim.pid, "explain", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["held"]["bytes"] < 300000


def test_counts(victim):
    rows = support.census(support.top_types(victim.pid, "--scope", "tracked", "-n", "0"))
    expected = victim.ask("expected")
    assert expected["__main__.Owner"] == 300 and expected["__main__.Gone"] == 0
    assert {name: rows.get(name, (0,))[0] for name in expected} == expected


@pytest.mark.parametrize("name", sorted(HELD))
def test_callbacks_of_atexit(victim, name):
    expression = path_to(victim, name)
    # Up to 3.9 a module has them.
    assert expression.startswith(("atexit callback", "interpreter state pyexitmodule(state)",
                                  "sys.modules['atexit'](state)")), expression
    assert expression.endswith(HELD[name]), expression


def test_callbacks_of_fork(victim, interpreter):
    if not victim.ask("expected")["__main__.Forker"]:
        pytest.skip("%s has no os.register_at_fork()" % interpreter)
    assert path_to(victim, "__main__.Forker") == "interpreter state before_forkers[0].__self__"
