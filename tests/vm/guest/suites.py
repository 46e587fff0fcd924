"""
The project's own tests, where they are in the file system of who built them (tests/vm/run): unit tests,
and files of tests/live and tests/torture. Each test is a line.
"""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree

from cases import HERE, NotHere, case, say

# An emulated processor takes so many times as long, on a machine that does other things, too.
PATIENCE = 20
SHOWN_LINES = 40


def read_plan():
    """What tests/vm/run says: the project's folder, the program, the unit tests, files of tests."""
    path = os.path.join(HERE, "plan.json")
    if not os.path.exists(path):
        raise NotHere("tests/vm/run was not asked for it")
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def show(text):
    for line in text.splitlines()[-SHOWN_LINES:]:
        say("    " + line)


# What the live tests want of pyinspect is nothing that a unit test asks for.
UNIT_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYINSPECT_FORMAT"}


def unit():
    for test in read_plan()["unit"]:
        with case("unit " + test["name"]):
            done = subprocess.run(test["command"], env={**UNIT_ENVIRONMENT, **test["environment"]},
                                  cwd=test["folder"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  encoding="utf-8", errors="replace",
                                  timeout=PATIENCE * test["seconds"])
            if done.returncode == 77:
                raise NotHere("skipped")
            if done.returncode:
                show(done.stdout)
            assert done.returncode == 0, "exit %d" % done.returncode


def judge(one):
    """A line for a test of pytest's report."""
    name = "%s::%s" % (one.get("classname").split(".")[-1], one.get("name"))
    for kind in ("failure", "error"):
        if one.find(kind) is not None:
            say("FAIL  " + name)
            show(one.find(kind).text or one.find(kind).get("message"))
            return
    skipped = one.find("skipped")
    if skipped is not None:
        say("not here  %s: %s" % (name, skipped.get("message")))
    else:
        say("ok  %s (%.1f s)" % (name, float(one.get("time"))))


def run_files(folder):
    plan = read_plan()
    environment = {**os.environ, "PYINSPECT": plan["pyinspect"], "TMPDIR": "/tmp", "PYI_FEW_INTERPRETERS": "1",
                   "PYI_LIST_OBJECTS": plan["list_objects"], "PYTHONDONTWRITEBYTECODE": "1",
                   "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **plan["variables"]}
    for path in plan[folder]:
        report = "/tmp/report.xml"
        began = time.monotonic()
        with case(path):
            done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q",
                                   "--junitxml", report, *plan["options"], path], cwd=plan["root"],
                                  env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
            if done.returncode > 1:
                show(done.stdout)
            assert done.returncode <= 1, "pytest: exit %d" % done.returncode
            tests = list(xml.etree.ElementTree.parse(report).iter("testcase"))
            assert tests, "no test in it"
            for one in tests:
                judge(one)
        say("    %s: %.0f s" % (path, time.monotonic() - began))


def live():
    run_files("live")


def torture():
    run_files("torture")
