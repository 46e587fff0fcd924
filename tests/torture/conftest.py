"""Fixtures of the torture tests; they share the support module of the live tests."""

import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "live"))

import extension  # noqa: E402
import interpreters  # noqa: E402
import support  # noqa: E402
from groups import pytest_collection_modifyitems  # noqa: E402, F401


# These take minutes. tests/run asks for them when what they test was touched (tests/seldom.py).
collect_ignore = [] if extension.FULL else [
    "test_children.py", "test_descriptors.py", "test_signals.py"]


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the module `blocking` is, built for the distribution's Python."""
    path = tmp_path_factory.mktemp("blocking")
    extension.build(path)
    return path


@pytest.fixture
def start(folder):
    """Starts a script of victims/ that ends with the test: start(script, ...)."""
    targets = []

    def starter(script, *arguments, **options):
        interpreter = interpreters.require(extension.INTERPRETER)
        targets.append(support.Target.python(interpreter, extension.victim(script), folder,
                                             *arguments, **options))
        return targets[-1]

    yield starter
    for target in targets:
        target.close()
