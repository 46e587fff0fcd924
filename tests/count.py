#!/usr/bin/env python3
"""Adds up the results that tests/run left in a folder, and prints the closing line.

Exit code 1 if anything failed, or if a suite left no result at all.
"""
import os
import sys
import xml.etree.ElementTree

SUITES = ("unit", "sanitize", "live", "daemon", "history", "packaging", "torture", "soak")


def count_suite(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    folder = sys.argv[1]
    total = [0, 0, 0]
    for suite in SUITES:
        path = os.path.join(folder, suite + ".xml")
        try:
            counts = count_suite(path)
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            print("%-10s no result: %s" % (suite, error))
            counts = (0, 1, 0)
        if counts[:2] == (0, 0):
            print("%-10s ran no test" % suite)
            counts = (0, 1, counts[2])
        print("%-10s %4d passed, %d failed, %d skipped" % ((suite,) + tuple(counts)))
        total = [a + b for a, b in zip(total, counts)]
    with open(os.path.join(folder, "checks"), encoding="ascii") as file:
        checks = file.read().split()
    total[0] += checks.count("pass")
    total[1] += checks.count("fail")
    print("%-10s %4d passed, %d failed" % ("checks", checks.count("pass"), checks.count("fail")))
    print("%d passed, %d failed%s" % (total[0], total[1],
                                      ", %d skipped" % total[2] if total[2] else ""))
    sys.exit(1 if total[1] else 0)


if __name__ == "__main__":
    main()
