"""The soak shares the support module of the live tests, and the processes of the test bed."""

import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live"), os.path.join(TESTS, "testbed")]

import support  # noqa: E402
from groups import pytest_collection_modifyitems  # noqa: E402, F401


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)
