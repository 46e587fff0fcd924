"""
Which tests pytest-xdist (`-n 2 --dist loadgroup`) may run side by side: files, and within a file the
interpreters. What belongs together shares fixtures, and runs in one process in the usual order.
"""

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        callspec = getattr(item, "callspec", None)
        interpreter = callspec.params.get("interpreter") if callspec else None
        name = os.path.basename(item.location[0])
        item.add_marker(pytest.mark.xdist_group("%s-%s" % (name, interpreter or "all")))
