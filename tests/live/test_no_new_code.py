"""
No new executable memory is asked for, in the target or its snapshot: a process that may not have any
(PR_SET_MDWE of systemd's MemoryDenyWriteExecute=, a filter that kills for it; SELinux without execmem
is in tests/vm) is cloned and walked like any other.
"""

import ctypes
import sys

import pytest

import interpreters
import older_kernel
import support

OBJECTS = 5000
# include/uapi/linux/prctl.h
SET_MDWE, GET_MDWE, MDWE_REFUSE_EXEC_GAIN = 65, 66, 1
MDWE = """
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(%d, %d, 0, 0, 0):
    sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
""" % (SET_MDWE, MDWE_REFUSE_EXEC_GAIN)
# PROT_EXEC of memory without a file, and later.
FILTER = ["kill mmap 2 & 0x4 == 0x4 3 & 0x20 == 0x20", "kill mprotect 2 & 0x4 == 0x4"]


@pytest.fixture(params=["mdwe", "filter"])
def prefix(request, tmp_path):
    if request.param == "mdwe":
        if ctypes.CDLL(None).prctl(GET_MDWE, 0, 0, 0, 0) < 0:
            interpreters.missing("this kernel has no PR_SET_MDWE (Linux 6.3)")
        return [sys.executable, "-sEc", MDWE]
    return older_kernel.filtered(tmp_path, *FILTER)


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_exact(interpreter, start, prefix, source):
    target = start(interpreter, "mixed.py", OBJECTS, prefix=prefix)
    truth = target.ask("report", 180)
    with support.assert_untouched(target.pid):
        report = support.top_types(target.pid, "--scope", "tracked", "-n", "0", "--source", source)
        everything = support.top_types(target.pid, "--scope", "all", "--source", source)
    assert report["access"]["source"] == source
    assert {name: row[0] for name, row in support.census(report).items()} == \
        {name: row[0] for name, row in truth["types"].items()}
    assert everything["access"]["consistent"] is True
