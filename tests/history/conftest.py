"""Fixtures of the tests of the history; they share the support module of the live tests."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "live"))

import support  # noqa: E402
from groups import pytest_collection_modifyitems  # noqa: E402, F401
import writer  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def programs():
    for path in (support.PYINSPECT, writer.WRITER, writer.KILL_AT):
        if not os.access(path, os.X_OK):
            pytest.fail("no %s: build it" % path)


@pytest.fixture
def folder():
    """
    A folder that nobody else can write to, as a history wants it; in memory, if there is such a
    place, because each sample is synced.
    """
    memory = "/dev/shm"
    above = tempfile.mkdtemp(prefix="pyinspect-history-",
                             dir=memory if os.access(memory, os.W_OK) else None)
    path = pathlib.Path(above) / "state"
    path.mkdir(mode=0o700)
    yield path
    shutil.rmtree(above)
