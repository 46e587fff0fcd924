#!/usr/bin/env python3
"""
What tests/vm/guest/suites.py runs, as JSON, and copies the unit tests of a build into a root.

    plan.py BUILD CHECKS TESTS ROOT

CHECKS is what tests/vm/run was asked for, TESTS names of tests with commas between, or nothing: all.
"""
import glob
import json
import os
import shutil
import subprocess
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def unit_tests(build, wanted, root):
    text = subprocess.run(["meson", "introspect", "--tests", build], stdout=subprocess.PIPE,
                          check=True).stdout
    for test in json.loads(text):
        program = test["cmd"][0]
        # Scripts are of this machine, and their subject is not.
        if not any(suite.endswith("unit") for suite in test["suite"]) or not program.startswith(build):
            continue
        if not os.path.exists(program) or (wanted and test["name"] not in wanted):
            continue
        os.makedirs(root + os.path.dirname(program), exist_ok=True)
        shutil.copy(program, root + program)
        yield {"name": test["name"], "command": test["cmd"], "environment": test["env"],
               "folder": test["workdir"] or build, "seconds": test["timeout"]}


def files(folder, wanted):
    for path in sorted(glob.glob(os.path.join(PROJECT, "tests", folder, "test_*.py"))):
        if not wanted or os.path.splitext(os.path.basename(path))[0] in wanted:
            yield path


def main():
    build, checks, tests, root = sys.argv[1:]
    build = os.path.abspath(build)
    checks, wanted = checks.split(","), set(filter(None, tests.split(",")))
    for name in ("list_objects", "filtered"):
        if os.path.exists(os.path.join(build, "tests", name)):
            shutil.copy(os.path.join(build, "tests", name), root + os.path.join(build, "tests", name))
    json.dump({"root": PROJECT, "pyinspect": os.path.join(build, "pyinspect"),
               "list_objects": os.path.join(build, "tests", "list_objects"),
               "options": [], "variables": {"PYI_ROOTS": "/pythons"},
               "unit": list(unit_tests(build, wanted, root)) if "unit" in checks else [],
               **{folder: list(files(folder, wanted)) if folder in checks else []
                  for folder in ("live", "torture")}}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
