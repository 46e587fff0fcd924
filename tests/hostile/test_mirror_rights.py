"""
A target that wants whoever copies it to run code of its own: it never gets a right that it has not.
"""

import os
import platform

import pytest

import support

BUILD = os.path.dirname(support.PYINSPECT)
LIBRARY = os.environ.get("PYI_TOGGLING", os.path.join(BUILD, "tests", "libtoggling.so"))
TRIES = 1000 if os.environ.get("PYI_LONG") == "1" else 40
# Named so that it is searched first.
NAME = "libc.so.toggling"


@pytest.fixture(name="toggling")
def toggling_fixture(start, tmp_path_factory):
    """Starts the victim, as user nobody: (target, the file that must never be there)."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to have rights that the target has not")
    if platform.machine() != "x86_64":
        pytest.skip("the victim's code is written for x86_64")
    with support.PublicFolder(LIBRARY) as public:
        shared = os.path.join(public.path, "shared")
        private = os.path.join(public.path, "private")
        os.mkdir(shared)
        os.chmod(shared, 0o777)
        os.mkdir(private, 0o755)

        def starter(owner, filtered):
            # What the target may do itself, its snapshot need not do either.
            marker = os.path.join(private if owner == "root" else shared, "marker")
            target = start("toggling.py", os.path.join(public.path, os.path.basename(LIBRARY)),
                           os.path.join(shared, NAME), marker, filtered)
            assert target.process.poll() is None
            return target, marker

        yield starter


@pytest.mark.parametrize("owner", ["root", "nobody"])
@pytest.mark.parametrize("source", ["auto", "mirror", "clone"])
def test_code_that_changes(toggling, source, owner):
    """Some runs may fail; the code that was put in place of ours makes no file in any of them."""
    filtered = "filtered" if source == "auto" else "free"
    target, marker = toggling(owner, filtered)
    failures = []
    made = 0
    for _ in range(TRIES):
        done = support.run_pyinspect(target.pid, "top-types", "--source", source)
        if done.returncode != 0:
            failures.append(done.stderr)
        if os.path.exists(marker):
            made += 1
            os.unlink(marker)
    assert made == 0, "in %d of %d runs the target's code was run" % (made, TRIES)
    # A busy thread may get no processor; and in place of a clone the call may be any other.
    unknown = [text for text in failures if "does not stop" not in text and source != "clone"]
    assert not unknown, unknown[0]
    assert len(failures) < TRIES, "it was never looked into"
    assert target.is_alive()
    assert support.is_itself(target.pid)
