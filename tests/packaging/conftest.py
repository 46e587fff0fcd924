"""What the tests of the package and of the examples for a fleet share."""

import os
import subprocess
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live")]

import leaky  # noqa: E402
import support  # noqa: E402
from groups import pytest_collection_modifyitems  # noqa: E402, F401


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)
    return support.PYINSPECT


@pytest.fixture(scope="session")
def units(tmp_path_factory):
    """The folder of units of a plain `meson install` of the build that is tested."""
    folder = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["meson", "install", "--no-rebuild", "-C",
                           os.path.dirname(support.PYINSPECT), "--destdir", str(folder)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    found, = folder.rglob("pyinspect-check@.service")
    return found.parent


@pytest.fixture
def service():
    """examples/leaky_service.py, which keeps a session for each client that it has served."""
    with leaky.LeakyService() as running:
        yield running
