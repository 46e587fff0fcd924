"""
Pythons that are not supported: refused with exit 4 and their name, and untouched.
"""

import glob
import os
import subprocess

import pytest

import interpreters
import support


def unsupported():
    """Interpreters of pyenv outside of the supported versions."""
    root = interpreters._pyenv_root()
    found = []
    for folder in sorted(glob.glob(os.path.join(root or "/nonexistent", "versions", "*"))):
        version = os.path.basename(folder)
        short = ".".join(version.split(".")[:2])
        path = os.path.join(folder, "bin", "python" + short)
        if os.access(path, os.X_OK) and short not in interpreters.VERSIONS:
            found.append((version, path))
    return found


def test_unsupported_versions_are_named():
    found = unsupported()
    if not found:
        assert not os.environ.get("PYI_REQUIRE_INTERPRETERS"), "pyenv has no 2.7 and no 3.6"
        pytest.skip("pyenv has no interpreter outside of the supported versions")
    for version, path in found:
        process = subprocess.Popen([path, "-c", "import sys; sys.stdout.write('R'); "
                                    "sys.stdout.flush(); sys.stdin.read()"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout.read(1) == b"R"
            with support.assert_untouched(process.pid):
                done = support.run_pyinspect(process.pid, "top-types", "--format", "table")
            assert done.returncode == 4, (version, done.stderr)
            assert version.split(".")[0] in done.stderr and "not supported" in done.stderr
            assert "this pyinspect knows CPython 3.6 to 3.15" in done.stderr
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()
