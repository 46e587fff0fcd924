"""
Another libpython on a file system without a disk is not opened: a server may have it. Then there may
be another Python, and the report says so; of other files, and of one on the same file system, it says
nothing.
"""

import os
import tempfile

import pytest

import support

pytestmark = pytest.mark.few_interpreters

MEMORY = "/dev/shm"


def codes(start, interpreter, path):
    with open(path, "wb") as file:
        file.write(b"\0" * 8192)
    victim = start(interpreter, "beside.py", path)
    with open("/proc/%d/maps" % victim.pid) as maps:
        libraries = [path in line for line in maps if path in line or "/libpython" in line]
    if libraries[0] and not all(libraries):
        pytest.skip("it is looked at first, for its address is the lower one")
    with support.assert_untouched(victim.pid):
        return [one["code"] for one in support.top_types(victim.pid)["warnings"]]


@pytest.fixture
def memory(interpreter):
    if interpreter.root or not os.access(MEMORY, os.W_OK):
        pytest.skip("no file system in memory")
    device = os.stat(MEMORY).st_dev
    if os.major(device) or device == os.stat(interpreter.path).st_dev:
        pytest.skip("it is none of its own")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield folder


def test_a_library_in_memory(start, interpreter, memory):
    assert "another-python" in codes(start, interpreter,
                                     os.path.join(memory, "libpython3.99.so.1.0"))


def test_other_files_in_memory(start, interpreter, memory):
    assert "another-python" not in codes(start, interpreter,
                                         os.path.join(memory, "one.cpython-399.so"))


def test_a_library_on_a_disk(start, interpreter, memory, tmp_path):
    if os.major(os.stat(str(tmp_path)).st_dev) == 0 and \
            os.stat(str(tmp_path)).st_dev != os.stat(interpreter.path).st_dev:
        pytest.skip("no disk")
    assert "another-python" not in codes(start, interpreter, str(tmp_path / "libpython3.99.so"))
