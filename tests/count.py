#!/usr/bin/env python3
"""Adds up the results that suites of tests/run left in a folder, and prints how long each took
and computed, slowest first, and the closing line.

    count.py FOLDER SUITE...

Exit code 1 if anything failed, or if a suite did not end, or left no result at all.
"""
import os
import re
import sys
import xml.etree.ElementTree

# Those that leave a file of test cases; the others are checks.
WITH_TESTS = ("unit", "sanitize", "live", "daemon", "history", "packaging", "torture", "hostile",
              "soak")


def count_suite(path):
    passed = failed = skipped = 0
    # What a program printed is in there as it was; XML has no word for some of that.
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", file.read())
    for case in xml.etree.ElementTree.fromstring(text.encode()).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def read(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def processor(folder, suite):
    """What the suite and its processes computed, in seconds: the shell's `times`, "1m2.345s" each."""
    words = " ".join(read(folder, suite + ".processor")).split()
    return sum(60 * int(minutes) + float(seconds) for minutes, seconds in
               (word.rstrip("s").split("m") for word in words))


def main():
    folder, suites = sys.argv[1], sys.argv[2:]
    total = [0, 0, 0]
    for suite in [suite for suite in WITH_TESTS if suite in suites]:
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
    checks = read(folder, "checks")
    total[0] += checks.count("pass")
    total[1] += checks.count("fail")
    print("%-10s %4d passed, %d failed" % ("checks", checks.count("pass"), checks.count("fail")))
    times = {suite: int(seconds) for suite, seconds in map(str.split, read(folder, "times"))}
    for suite in suites:
        if suite not in times:
            print("%-10s did not come to its end" % suite)
            total[1] += 1
    print()
    for suite in sorted(times, key=times.get, reverse=True):
        print("%-10s %5d s, of a processor %5d s" % (suite, times[suite], processor(folder, suite)))
    print("%d passed, %d failed%s" % (total[0], total[1],
                                      ", %d skipped" % total[2] if total[2] else ""))
    sys.exit(1 if total[1] or not total[0] else 0)


if __name__ == "__main__":
    main()
