"""
Which tests run, and which of them pytest-xdist (`-n 2 --dist loadgroup`) may run side by side: files,
and within a file the interpreters. What belongs together shares fixtures, and runs in one process in
the usual order.

Tests marked `few_interpreters` are about what is made of the heap once it has been read, or what is
done to threads below any Python: with PYI_FEW_INTERPRETERS=1 they run on one interpreter of each way to
keep dicts, attributes and frames. Of those marked with `unless`, that is so unless what they test was
touched: PYI_TOUCHED has names of tests/seldom.py.
"""

import os

import pytest

import interpreters

FEW = os.environ.get("PYI_FEW_INTERPRETERS") == "1"
TOUCHED = os.environ.get("PYI_TOUCHED", "").split()


def interpreter_of(item):
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("interpreter") if callspec else None


def left_out(item):
    interpreter = interpreter_of(item)
    marker = item.get_closest_marker("few_interpreters")
    return (FEW and interpreter is not None and marker
            and marker.kwargs.get("unless") not in TOUCHED
            and interpreter.name not in interpreters.FEW)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=list(filter(left_out, items)))
    items[:] = [item for item in items if not left_out(item)]
    for item in items:
        interpreter = interpreter_of(item)
        name = os.path.basename(item.location[0])
        item.add_marker(pytest.mark.xdist_group("%s-%s" % (name, interpreter or "all")))
