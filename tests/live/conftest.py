"""Fixtures of the live tests: the binary, the interpreters, and targets that always end."""

import os

import pytest

import interpreters
import support
from groups import pytest_collection_modifyitems  # noqa: F401


def pytest_configure(config):
    config.addinivalue_line("markers", "few_interpreters: see groups.py")


def pytest_report_header(config):
    found = ["%s %s" % (one.name, one.path or "MISSING")
             for one in interpreters.EXPECTED + interpreters.IN_ROOTS + interpreters.OLD]
    return ["pyinspect: " + support.PYINSPECT] + found


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)
    return support.PYINSPECT


@pytest.fixture(scope="module", params=interpreters.EXPECTED + interpreters.IN_ROOTS, ids=repr)
def interpreter(request):
    """Each interpreter in turn; pytest finishes one of them before it begins the next."""
    return interpreters.require(request.param)


@pytest.fixture
def start():
    """Starts Python victims that end with the test: start(interpreter, script, ...)."""
    targets = []

    def starter(interpreter, script, *arguments, **options):
        targets.append(support.Target.python(interpreter, script, *arguments, **options))
        return targets[-1]

    yield starter
    for target in targets:
        target.close()
