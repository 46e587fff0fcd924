"""
Pythons that are not supported: refused with exit 4 and their name, and untouched; and those that
are too new, with --force.
"""

import contextlib
import json
import subprocess

import pytest

import interpreters
import support


# It says so in a buffer of its own, up to 3.10.
CHANGE_VERSION = """
import ctypes, sys
get = ctypes.pythonapi.Py_GetVersion
get.restype = ctypes.c_void_p
ctypes.memmove(get(), b"2.6.18", 6)
sys.stdout.write("R")
sys.stdout.flush()
sys.stdin.read()
"""


def test_unsupported_versions_are_named():
    """A version that is known, and says that it is another one."""
    interpreter = interpreters.require(interpreters.OLD[0])
    process = subprocess.Popen([interpreter.path, "-c", CHANGE_VERSION],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.read(1) == b"R"
        with support.assert_untouched(process.pid):
            done = support.run_pyinspect(process.pid, "top-types", "--format", "table")
        assert done.returncode == 4, done.stderr
        assert "runs CPython 2.6.18, which is not supported" in done.stderr
        assert ("this pyinspect knows CPython 2.7 and 3.6 to 3.15, with GIL; without: "
                "3.13") in done.stderr
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


# _Py_DebugOffsets at the beginning of _PyRuntime: a cookie of 8 bytes, then PY_VERSION_HEX.
BE_NEWER = """
import ctypes, sys
class Thing: pass
things = [Thing() for _ in range(4711)]
runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
ctypes.c_uint64.from_address(runtime + 8).value = 0x031000f0
"""


# ... and whether it is one without a GIL.
BE_WITHOUT_GIL = """
import ctypes, sys
runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
assert ctypes.c_uint64.from_address(runtime + 16).value == 0
ctypes.c_uint64.from_address(runtime + 16).value = 1
"""

WAIT = """
sys.stdout.write("R")
sys.stdout.flush()
sys.stdin.read()
"""


@contextlib.contextmanager
def newer_release(interpreter, code=BE_NEWER):
    """A process of the interpreter that says it is a 3.16.0, or what the code says."""
    process = subprocess.Popen([*interpreter.program(), "-c", code + WAIT],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.read(1) == b"R"
        yield process.pid
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def interpreter_named(name):
    for interpreter in (*interpreters.EXPECTED, *interpreters.IN_ROOTS):
        if interpreter.name == name:
            return interpreters.require(interpreter)
    raise AssertionError(f"{name} is not among the interpreters that are expected")


def test_newer_release_is_refused_and_can_be_forced():
    with newer_release(interpreter_named("sid-3.15")) as pid:
        with support.assert_untouched(pid):
            done = support.run_pyinspect(pid, "top-types", "--format", "json")
        assert done.returncode == 4, done.stderr
        error = json.loads(done.stdout)["error"]
        assert "3.16.0" in error["message"] and "--force" in error["hint"]
        with support.assert_untouched(pid):
            report = support.top_types(pid, "--force", "-n", "0")
        assert [warning["code"] for warning in report["warnings"]] == ["guessed-layout"]
        assert support.census(report)["__main__.Thing"][0] == 4711
        assert report["target"]["python"] == "3.16.0"


@pytest.mark.parametrize("name", ["pyenv-3.13", "sid-3.14"])
def test_layout_that_does_not_fit_is_refused_though_forced(name):
    with newer_release(interpreter_named(name)) as pid, support.assert_untouched(pid):
        done = support.run_pyinspect(pid, "top-types", "--force", "--format", "json")
    assert done.returncode == 4, done.stdout
    assert json.loads(done.stdout)["error"]["code"] == "layout-mismatch"


@pytest.mark.parametrize("options", [[], ["--force"]])
@pytest.mark.parametrize("name, release, code", [
    ("sid-3.14", "3.14.", BE_WITHOUT_GIL),
    ("sid-3.15", "3.15.", BE_WITHOUT_GIL),
    ("sid-3.15", "3.16.0", BE_NEWER + BE_WITHOUT_GIL),
], ids=["3.14", "3.15", "3.16"])
def test_builds_without_a_gil_are_refused_though_forced(name, release, code, options):
    """No row of a build with a GIL, and no --force, may take one without for what it knows."""
    with newer_release(interpreter_named(name), code) as pid, support.assert_untouched(pid):
        done = support.run_pyinspect(pid, "top-types", *options, "--format", "json")
    assert done.returncode == 4, done.stdout
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "python-unsupported"
    assert f"runs free-threaded CPython {release}" in error["message"]
    assert "without: 3.13" in error["hint"] and "--force" not in error["hint"]
