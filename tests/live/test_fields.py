"""
Fields of the interpreter's own types must be called as Python calls them: never by their offset.
"""

import json

import pytest

import support


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "fields.py")
    yield target
    target.close()


def edges(victim, name):
    done = support.run_pyinspect(victim.pid, "referents", name, "--exact", "-n", "0", "--format",
                                 "json")
    assert done.returncode == 0, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    return {row["edge"] for row in json.loads(done.stdout)["result"]["referents"]}


# Without a GIL they have other fields than those that are known: README.md.
OTHERS_WITHOUT_GIL = {"_contextvars.ContextVar"}


def test_fields_have_names(interpreter, victim):
    wrong = {}
    for name, fields in victim.ask("types").items():
        if not interpreter.has_gil() and name in OTHERS_WITHOUT_GIL:
            continue
        found = edges(victim, name)
        missing = [field for field in fields if "." + field not in found]
        unnamed = [edge for edge in found if "<offset" in edge]
        if missing or unnamed:
            wrong[name] = {"missing": missing, "unnamed": unnamed, "found": sorted(found)[:20]}
    assert not wrong, wrong
