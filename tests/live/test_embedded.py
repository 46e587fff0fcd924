"""
Programs with a CPython inside: linked with the shared library and with copies of its variables, or
with all of it linked in and stripped. What is found is what the same library shows of itself as
`python`.
"""

import json
import os
import re
import shutil

import pytest

import embedding
import interpreters
import support

OBJECTS = 20000
# Two programs differ in the paths that they know. What is taken for another type differs by far more.
SHARE = 0.01


def assert_exact(victim, mask=frozenset()):
    """Counts by type and sizes are Python's own; of `mask` the victim itself has some for a while."""
    truth = victim.ask("report", 180)
    with support.assert_untouched(victim.pid):
        report = support.top_types(victim.pid, "--scope", "tracked", "-n", "0")
    rows = support.census(report)
    wrong = {name: (rows.get(name), tuple(count_and_bytes))
             for name, count_and_bytes in truth["types"].items() if name not in mask
             if name not in rows or rows[name][0] != count_and_bytes[0] or
             (not rows[name][2] and rows[name][1] != count_and_bytes[1])}
    assert not wrong, "type: (pyinspect, Python): %s" % wrong
    assert not set(rows) - set(truth["types"])
    return report


def everything(start, program):
    victim = start(program, "mixed.py", OBJECTS)
    assert_exact(victim)
    report = support.top_types(victim.pid, "--scope", "all", "-n", "0")
    return {name: row[:2] for name, row in support.census(report).items()}


def assert_alike(rows, others):
    """The same types, and of each nearly as many objects and bytes."""
    assert set(rows) == set(others)
    far = {name: (rows[name], others[name]) for name in rows
           if any(abs(a - b) > SHARE * b + 200 * (b > 1000) for a, b in zip(rows[name], others[name]))}
    assert not far, "type: (with a copy, without): %s" % far


@pytest.fixture(scope="module")
def distribution():
    found = [one for one in interpreters.EXPECTED if one.name == "distribution"]
    return interpreters.require(found[0])


@pytest.fixture(scope="module")
def plain(distribution, tmp_path_factory):
    """What the program shows that has no copies."""
    program = str(tmp_path_factory.mktemp("plain") / "embed")
    started = []

    def start(*arguments, **options):
        started.append(support.Target.python(*arguments, **options))
        return started[-1]

    built = embedding.build(program, embedding.shared_library(distribution))
    assert not embedding.copied(program)
    try:
        return everything(start, built)
    finally:
        for target in started:
            target.close()


def pytest_generate_tests(metafunc):
    """A test for each variable, if the distribution has a library to ask."""
    if "variable" not in metafunc.fixturenames:
        return
    names = []
    for one in interpreters.EXPECTED:
        if one.name == "distribution" and one.path:
            about = embedding.ask(one)
            library = os.path.join(about["LIBDIR"], about["INSTSONAME"] or "")
            if os.path.exists(library) and ".so" in library:
                names = embedding.wanted_variables(library)
    metafunc.parametrize("variable", names or [None])


def test_a_copy_of_each_variable(start, distribution, plain, variable, tmp_path):
    """The program's copy is the one that lives: what is in the library is dead."""
    library = embedding.shared_library(distribution)
    program = str(tmp_path / "embed")
    built = embedding.build(program, library, [variable])
    assert embedding.copied(program) == [variable]
    assert_alike(everything(start, built), plain)


def test_copies_of_all_variables(start, interpreter, tmp_path):
    if interpreter.root:
        pytest.skip("no compiler in the root")
    library = embedding.shared_library(interpreter)
    variables = embedding.wanted_variables(library)
    program = str(tmp_path / "embed")
    built = embedding.build(program, library, variables)
    assert embedding.copied(program) == variables
    assert_exact(start(built, "mixed.py", OBJECTS))


def build_static(interpreter, program, *options):
    if interpreter.root:
        pytest.skip("no compiler in the root")
    library, libraries = embedding.static_library(interpreter)
    return embedding.build(program, library, options=[*libraries, *options])


# Those without _PyRuntime are recognised by what they export, and by nothing else.
def has_runtime(interpreter):
    return not interpreter.name.endswith("-3.6")


def own_objects(interpreter):
    """Types of what alone.py has while it counts: before 3.7, frames that run are tracked."""
    return interpreter.temporaries() | (set() if has_runtime(interpreter) else {"frame"})


@pytest.mark.parametrize("kept", ["symbols", "sections", "nothing"])
def test_linked_statically(start, interpreter, kept, tmp_path):
    """With its own symbols only, without them, and without sections."""
    program = str(tmp_path / "static")
    built = build_static(interpreter, program)
    if kept != "symbols":
        embedding.strip(program)
    if kept == "nothing":
        embedding.drop_sections(program)
    victim = start(built, "alone.py", OBJECTS)
    if has_runtime(interpreter):
        assert_exact(victim)
        return
    if kept == "symbols":
        assert_exact(victim, own_objects(interpreter))
        return
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "top-types", "--format", "table")
    assert done.returncode == 4
    assert "3.6" in done.stderr and "does not run CPython" not in done.stderr


@pytest.fixture(scope="module")
def host(distribution, tmp_path_factory):
    """A program with the distribution's Python linked in, which can load another one."""
    program = str(tmp_path_factory.mktemp("host") / "host")
    library, libraries = embedding.static_library(distribution)
    embedding.build_host(program, library, libraries)
    return program


def start_host(program, library, script):
    target = support.Target([program, library, script, "-sE",
                             os.path.join(support.VICTIMS, "alone.py"), str(OBJECTS)])
    target.expect("READY", seconds=60)
    return target


OTHER_SCRIPT = "class Stranger: pass\nheld = [Stranger() for _ in range(1234)]"


@pytest.fixture(scope="module")
def other():
    """The newest of pyenv's libraries."""
    found = [one for one in interpreters.EXPECTED if one.name.startswith("pyenv") and one.path]
    if not found:
        interpreters.missing("pyenv has no interpreter")
    return embedding.shared_library(found[-1])


def test_two_runtimes(host, other):
    """Each is named, and found by its number; nothing is said of one as if it were all."""
    victim = start_host(host, other, OTHER_SCRIPT)
    try:
        done = support.run_pyinspect(victim.pid, "top-types", "--format", "json")
        error = json.loads(done.stdout)["error"]
        assert (done.returncode, error["code"]) == (2, "several-pythons")
        assert host in error["message"] and os.path.realpath(other) in error["message"]
        assert "--runtime" in error["hint"]
        first = support.top_types(victim.pid, "--runtime", "1", "-n", "0")
        second = support.top_types(victim.pid, "--runtime", "2", "-n", "0")
        assert "__main__.Stranger" not in support.census(first)
        assert support.census(first)["__main__.Event"][0] > 1000
        assert support.census(second)["__main__.Stranger"][0] == 1234
        assert "__main__.Event" not in support.census(second)
        done = support.run_pyinspect(victim.pid, "top-types", "--runtime", "3", "--format", "json")
        assert done.returncode == 2
        assert "the number 3" in json.loads(done.stdout)["error"]["message"]
    finally:
        victim.close()


def test_a_dead_one_beside_a_live_one(host, other):
    """What is loaded and was never started is passed over."""
    victim = start_host(host, other, "-")
    try:
        assert any(os.path.realpath(other) in line for line in support.maps(victim.pid))
        assert_exact(victim)
    finally:
        victim.close()


def of_another_version(library, copy):
    """A copy of a library that says of itself, from outside, that it is of 3.99."""
    with open(library, "rb") as stream:
        data = bytearray(stream.read())
    offsets = [at.start() for at in re.finditer(b"xdebugpy", data)
               if data[at.start() + 11:at.start() + 12] == b"\x03"]
    if not offsets:
        interpreters.missing("no library has debug offsets")
    for at in offsets:
        data[at + 10] = 99
    with open(copy, "wb") as stream:
        stream.write(data)
    return copy


def test_one_that_is_refused_beside_a_good_one(host, other, tmp_path):
    """What is in the one is reported, with a warning that the other is missing."""
    refused = of_another_version(other, str(tmp_path / "libpython-other.so"))
    victim = start_host(host, refused, OTHER_SCRIPT)
    try:
        done = support.run_pyinspect(victim.pid, "top-types", "--format", "json", "-n", "0")
        report = json.loads(done.stdout)
        assert done.returncode == 0
        assert support.census(report)["__main__.Event"][0] > 1000
        assert [(one["code"], "CPython 3.99" in one["message"]) for one in report["warnings"]] == [
            ("refused-python", True)]
    finally:
        victim.close()


def test_a_dead_one_that_would_be_refused(host, other, tmp_path):
    """It holds nothing that could be missing."""
    refused = of_another_version(other, str(tmp_path / "libpython-other.so"))
    victim = start_host(host, refused, "-")
    try:
        assert any(refused in line for line in support.maps(victim.pid))
        assert support.top_types(victim.pid)["warnings"] == []
    finally:
        victim.close()


def test_a_library_before_the_linked_one(start, interpreter, tmp_path):
    """Of two libraries the first in the order of loading is the live one."""
    if interpreter.root:
        pytest.skip("no compiler in the root")
    library = embedding.shared_library(interpreter)
    copy = str(tmp_path / "libpython-before.so")
    shutil.copy(library, copy)
    built = embedding.build(str(tmp_path / "embed"), library)
    victim = start(built, "alone.py", OBJECTS, env={"LD_PRELOAD": copy})
    assert_exact(victim, own_objects(interpreter))
