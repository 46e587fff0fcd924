#!/usr/bin/env python3
"""Which tests that take long are to be run at full length: those whose subject was touched.

    seldom.py [--all]
    seldom.py --sources BUILD < FILES

Prints their names for tests/run, one a line, and why on stderr. With --sources: those of the source
files on standard input that were touched, and one for each header that was, by the dependencies that
the build in BUILD wrote down; all of them if what is to be found in them (.clang-tidy) was touched.
Touched is what differs (committed or not) from the commit in PYI_BASE, or else in tests/last-landed:
the last one on which `.ci/run` has passed. Without git, or where that commit is not known (a shallow
clone, another history), everything counts as touched. All that is left out has a shorter form, which
always runs: see "What runs when" in CONTRIBUTING.md.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LANDED = os.path.join("tests", "last-landed")

# What each of them tests: files, and folders with a slash at the end.
ATTACH = ["src/broker/", "src/snapshot/", "src/tracee/", "src/heap/gate.c", "src/heap/session.c"]
SUBJECTS = {
    # 500 kills; pyinspect killed at all of its calls that touch the target; floods of signals,
    # children, descriptors
    "kills": [*ATTACH, "payloads/entry.c", "tests/torture/", "tests/live/test_kill.py",
              "tests/tools/kill_at.c", "tests/tools/self_checking.c"],
    # more changed copies of what the two slowest fuzzers start from
    "copies": ["payloads/", "include/pyinspect/", "src/process/target_name.c", "tests/fuzz/"],
    # 40 attaches to each program at work
    "soak": [*ATTACH, "tests/soak/"],
    # kernels that this machine does not have
    "vm": ["src/base/confine.c", "src/broker/worker.c", "src/snapshot/preflight.c",
           "src/snapshot/huge_pages.c", "src/snapshot/group.c", "src/process/access.c",
           "src/process/pressure.c", "data/selinux/", "tests/vm/"],
}


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=True).stdout


def base():
    if os.environ.get("PYI_BASE"):
        return os.environ["PYI_BASE"]
    with open(os.path.join(ROOT, LANDED), encoding="ascii") as file:
        return file.read().strip()


def changed():
    """Paths, and since when; raises if that cannot be known."""
    if not os.path.exists(os.path.join(ROOT, ".git")):
        raise OSError("this is no clone of its own")
    commit = git("merge-base", base(), "HEAD").strip()
    paths = git("diff", "--name-only", "-z", "--no-renames", commit).split("\0")
    paths += git("ls-files", "-z", "--others", "--exclude-standard").split("\0")
    return set(filter(None, paths)), commit[:12]


def touched(subject, paths):
    return sorted(path for path in paths for part in subject if not path.endswith(".md")
                  and (path == part or (part.endswith("/") and path.startswith(part))))


def built_from(build):
    """What each source file is compiled from, itself and the project's headers among it."""
    found = {}
    text = subprocess.run(["ninja", "-C", os.path.join(ROOT, build), "-t", "deps"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    for block in text.split("\n\n"):
        paths = [os.path.relpath(os.path.join(ROOT, build, line.strip()), ROOT)
                 for line in block.splitlines()[1:]]
        for source in paths[:1]:
            found.setdefault(source, set()).update(paths)
    return found


def touched_sources(build, sources):
    """
    A source that the build says nothing of counts as touched. Of those that include a header which
    was, the first one is enough to see what is to be found in that.
    """
    try:
        paths, _ = changed()
        if ".clang-tidy" in paths:
            return sources
        found = built_from(build)
    except (OSError, subprocess.CalledProcessError):
        return sources
    chosen = {source for source in sources if source not in found or source in paths}
    for header in sorted(path for path in paths if path.endswith(".h")):
        users = [source for source in sources if header in found.get(source, ())]
        if users and not chosen.intersection(users):
            chosen.add(users[0])
    return sorted(chosen)


def main():
    if "--sources" in sys.argv[1:]:
        print("\n".join(touched_sources(sys.argv[2], sys.stdin.read().split())))
        return
    if "--all" in sys.argv[1:]:
        print("\n".join(SUBJECTS))
        return
    try:
        paths, commit = changed()
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", None) or str(error)
        print("seldom.py: all of it, for what was touched is not known: %s" % words.strip(),
              file=sys.stderr)
        print("\n".join(SUBJECTS))
        return
    for name, subject in SUBJECTS.items():
        found = touched(subject, paths)
        if found:
            print("seldom.py: %s: %d files differ from %s, such as %s" % (
                name, len(found), commit, found[0]), file=sys.stderr)
            print(name)


if __name__ == "__main__":
    main()
