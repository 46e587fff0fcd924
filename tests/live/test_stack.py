"""
The stack that --verbose shows is that of the thread with the GIL, from where it blocks to where the
program began, for clones and for mirrors, with and without a symbol table.
"""

import re

import pytest

import support

FRAME = re.compile(r"^  #(\d+) +0x[0-9a-f]+ (.+)\+0x([0-9a-f]+)$")


def frames(target, source):
    done = support.run_pyinspect(target.pid, "--verbose", "top-types", "--source", source,
                                 "--max-pause", "60000", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = [FRAME.match(line) for line in done.stderr.splitlines() if line.startswith("  #")]
    assert [int(frame.group(1)) for frame in found] == list(range(len(found)))
    return [(frame.group(2), int(frame.group(3), 16)) for frame in found]


def has_symbol_table(target):
    """Of _ctypes, for example; what a distribution ships is stripped."""
    maps = support.read_text("/proc/%d/maps" % target.pid)
    paths = {line.split(None, 5)[5] for line in maps.splitlines() if "_ctypes" in line}
    for path in paths:
        # In a chroot, maps shows the path as we see it.
        with open(path, "rb") as stream:
            if b"\0.symtab\0" in stream.read():
                return True
    return False


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_from_the_call_to_the_start(interpreter, start, source):
    target = start(interpreter, "native.py")
    target.wait_blocked()
    stack = frames(target, source)
    names = [name for name, _ in stack]
    # glibc 2.41 and later make the call in an internal function, which has no name.
    assert names.index("pause") <= 2 and set(names[:names.index("pause")]) <= {"?"}
    assert names[-1] == "_start"
    # Innermost first.
    order = ["pause", "ffi_call", "_PyEval_EvalFrameDefault", "PyEval_EvalCode", "Py_RunMain",
             "_start"]
    if "Py_RunMain" not in names:
        # Python 3.7
        order.remove("Py_RunMain")
    if interpreter.root and not has_symbol_table(target):
        # What of the evaluator calls may be a part of it that has no name, and libffi another one.
        order = [name for name in order
                 if name in names or name not in ("_PyEval_EvalFrameDefault", "ffi_call")]
    assert [name for name in names if name in set(order)][0] == "pause"
    positions = [names.index(name) for name in order]
    assert positions == sorted(positions)
    # Functions that are not exported are known by the symbol table, and by no other name.
    assert ("PyCFuncPtr_call" in names) == has_symbol_table(target)
    if not has_symbol_table(target):
        assert "?" in names
