"""
Pythons that are not supported: refused with exit 4 and their name, and untouched.
"""

import subprocess

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
        assert "this pyinspect knows CPython 2.7 and 3.6 to 3.15, with GIL" in done.stderr
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
