"""The daemons' fixtures; they share the support module of the live tests, and the test bed."""

import contextlib
import os
import shutil
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live"), os.path.join(TESTS, "testbed")]

import bed  # noqa: E402
import packages  # noqa: E402
import support  # noqa: E402
from groups import pytest_collection_modifyitems  # noqa: E402, F401


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)


def give_up(reason):
    if os.environ.get("PYI_REQUIRE_DAEMONS") == "1":
        pytest.fail("firewalld is required: " + reason)
    pytest.skip(reason)


@contextlib.contextmanager
def running(folder, old):
    reason = bed.missing(old) or (None if shutil.which("jq") else "jq is not installed")
    if reason:
        give_up(reason)
    if old:
        try:
            packages.unpacked(bed.CACHE)
        except packages.PackagesError as error:
            give_up("no packages of the old firewalld: %s" % error)
    firewalld = bed.Bed(str(folder))
    try:
        firewalld.start(old)
        yield firewalld
    finally:
        firewalld.stop()


@pytest.fixture
def firewalld(tmp_path):
    """Debian 12's."""
    with running(tmp_path, old=False) as daemon:
        yield daemon


@pytest.fixture
def old_firewalld(tmp_path):
    """The last one that used python-slip."""
    with running(tmp_path, old=True) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def leaking_firewalld(tmp_path_factory):
    """The same after two clients overlapped, and 500 more came and went; all are gone."""
    with running(tmp_path_factory.mktemp("leaking"), old=True) as daemon:
        daemon.load("second", 500)
        yield daemon
