"""
What is held by objects that have no attributes must have a path in words: not an offset, nor that it is
somewhere.
"""

import json
import re

import pytest

import support


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "inner.py")
    yield target
    target.close()


def ask(victim, *arguments):
    done = support.run_pyinspect(victim.pid, *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["result"]


def test_paths(victim):
    wrong = {}
    for name, parts in victim.ask("names").items():
        result = ask(victim, "path", name)
        texts = [way["through"] for way in result["ways"]]
        texts = [re.sub(r"\[[0-9]+\]", "[*]", text) for text in texts]
        steps = result["paths"][0]["expression"]
        if not all(part in text for part in parts for text in texts) or "<offset" in steps or (
                "(internal)" in steps):
            wrong[name] = texts + [steps]
    assert not wrong, wrong


def test_fields(victim):
    for name, fields in victim.ask("types").items():
        edges = {row["edge"] for row in ask(victim, "referents", name, "-n", "0")["referents"]}
        assert {"." + field for field in fields} <= edges
        assert not [edge for edge in edges if "<offset" in edge]


def test_an_attribute_that_is_the_class(victim):
    """A member of an enumeration has its class in an attribute, too."""
    address = hex(victim.ask("colour"))
    for expression in (ask(victim, "path", "--address", address)["paths"][0]["expression"],
                       ask(victim, "show", address)["path"]["expression"]):
        assert expression.endswith(".colour.__class__"), expression
