"""Fixtures of the tests of the history; they share the support module of the live tests."""

import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "live"))

import support  # noqa: E402
import writer  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def programs():
    for path in (support.PYINSPECT, writer.WRITER, writer.KILL_AT):
        if not os.access(path, os.X_OK):
            pytest.fail("no %s: build it" % path)


@pytest.fixture
def folder(tmp_path):
    """A folder that nobody else can write to, as a history wants it."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path
