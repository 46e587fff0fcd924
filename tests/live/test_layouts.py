"""
A layout with one field moved is refused, or gives a result that says it is not whole, or the right
one: never a wrong number without a word. `pyinspect_shifted` is the program with such a layout.
"""

import json
import os
import re

import pytest

import interpreters
import support

PROGRAM = os.path.join(os.path.dirname(support.PYINSPECT), "tests", "pyinspect_shifted")
# Heads of objects with a field for their state; without, and with frames as objects; interned
# strings that never die; embedded frames; the newest.
NAMES = ("pyenv-2.7", "pyenv-3.7", "pyenv-3.9", "distribution", "pyenv-3.12", "sid-3.15")
OBJECTS = 1200
SHIFT = 8
LIST_ITEMS = 24
# The last of a list: the word behind it is another field, which may be NULL as its own may.
UNKNOWABLE = {"interp_roots", "thread_roots", "code_references", "heap_type_references"}


def all_fields():
    """Names of the words of struct pyi_layout, in order; of a list each."""
    text = support.read_text(os.path.join(support.ROOT, "include", "pyinspect", "layout.h"))
    body = text[text.index("struct pyi_layout {"):]
    names = []
    for name, is_list in re.findall(r"^\tuint32_t (\w+)(\[PYI_LAYOUT_LIST\])?;", body, re.MULTILINE):
        names += ["%s[%d]" % (name, i) for i in range(LIST_ITEMS)] if is_list else [name]
    return names


def fields_of(version):
    """(index, name) of what the last row of a version has."""
    text = support.read_text(os.path.join(support.ROOT, "src", "python", "layout_rows.h"))
    rows = re.split(r"\.generated_from = ", text)[1:]
    row = [row for row in rows if row.startswith('"%s.' % version)][-1]
    present = set()
    for name, value in re.findall(r"\.(\w+) = (\{[^}]*\}|[^,{]+),", row):
        numbers = re.findall(r"PYI_ABSENT|\d+", value)
        if value.startswith("{"):
            present |= {"%s[%d]" % (name, i) for i, number in enumerate(numbers)
                        if number != "PYI_ABSENT"}
        elif numbers and numbers[0] != "PYI_ABSENT":
            present.add(name)
    return [(index, name) for index, name in enumerate(all_fields()) if name in present]


def look(pid, *options, shift=None):
    environment = dict(os.environ, **({"PYI_SHIFT": shift} if shift else {}))
    done = support.run_pyinspect(pid, *options, "-n", "0", "--format", "json", binary=PROGRAM,
                                 env=environment)
    assert done.returncode in (0, 1, 4, 5), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module", params=NAMES)
def shifted(request):
    found = [one for one in [*interpreters.EXPECTED, *interpreters.IN_ROOTS, *interpreters.OLD]
             if one.name == request.param]
    victim = support.Target.python(interpreters.require(found[0]), "alone.py", OBJECTS)
    yield victim
    victim.close()


def test_any_one_field(shifted):
    commands = (("top-types",), ("top-types", "--scope", "tracked"),
                ("referrers", "__main__.Event"))
    truth = [look(shifted.pid, *command) for command in commands]
    assert [exit for exit, _ in truth] == [0] * len(commands)
    version = ".".join(truth[0][1]["target"]["python"].split(".")[:2])
    fields = fields_of(version)
    assert len(fields) > 110
    wrong, refused = [], 0
    for index, name in fields:
        for command, (_, right) in zip(commands, truth):
            exit, report = look(shifted.pid, *command, shift="%d:%d" % (index, SHIFT))
            if exit == 4:
                refused += 1
                break
            if exit == 0 and not report["warnings"] and report["result"] != right["result"]:
                wrong.append((name, command))
    assert refused > 60
    assert not [name for name, _ in wrong if name.split("[")[0] not in UNKNOWABLE], wrong
    assert len(wrong) <= 2, wrong
