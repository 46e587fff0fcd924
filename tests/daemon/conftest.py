"""The daemons' fixtures; they share the support module of the live tests."""

import contextlib
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

import firewalld as firewalld_daemon  # noqa: E402
import support  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)


@pytest.fixture
def firewalld(tmp_path):
    reason = firewalld_daemon.missing()
    if reason:
        if os.environ.get("PYI_REQUIRE_DAEMONS") == "1":
            pytest.fail("firewalld is required: " + reason)
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        yield firewalld_daemon.Firewalld(str(tmp_path), stack)
