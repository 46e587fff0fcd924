"""
Fixtures of the tests with hostile targets; they share the support module of the live tests, and what
the torture tests know of surroundings and of file servers.
"""

import os
import shutil
import sys
import tempfile

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live"), os.path.join(TESTS, "torture")]

import interpreters  # noqa: E402
import support  # noqa: E402

HERE = os.path.join(TESTS, "hostile")
VICTIMS = os.path.join(HERE, "victims")


# With a sanitizer in our processes. It takes memory and time of its own, which these tests measure;
# and where a fault of libunwind is contained (test_rules), its runtime looks for its stack in
# /proc/self/maps, which no worker can open.
NOT_SANITIZED = {"test_records_for_ever", "test_memory_for_ever", "test_long_names", "test_sparse",
                 "test_no_memory", "test_rules"}


def pytest_collection_modifyitems(items):
    if os.environ.get("PYI_SANITIZED") != "1":
        return
    for item in items:
        if item.originalname in NOT_SANITIZED:
            item.add_marker(pytest.mark.skip(reason="measures what a sanitizer takes"))


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)


@pytest.fixture
def start():
    """Starts a script of victims/ that ends with the test: start(script, ...)."""
    targets = []

    def starter(script, *arguments, **options):
        targets.append(support.Target.python(interpreters.any_interpreter(),
                                             os.path.join(VICTIMS, script), *arguments, **options))
        return targets[-1]

    yield starter
    for target in targets:
        target.close()


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="pyinspect-test-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def begin(folder):
    """Starts a script as nobody, or as root: begin(script, ..., root=False)."""
    targets = []

    def starter(script, *arguments, root=False, interpreter=None, **options):
        copy = shutil.copy(os.path.join(HERE, script), folder)
        interpreter = interpreter or interpreters.any_interpreter()
        target = support.Target([*([] if root else support.as_nobody()), interpreter.path, "-sE",
                                 copy, *arguments], **options)
        targets.append(target)
        target.expect("READY")
        target.wait_blocked()
        return target

    yield starter
    for target in targets:
        target.close()
