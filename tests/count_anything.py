#!/usr/bin/env python3
"""
tests/count.py counts what failed, whatever the programs have printed: a sanitizer colours its reports,
and what is cut off in the middle is no text. Output: TAP.
"""
import os
import subprocess
import sys
import tempfile

CASES = (b'<testsuites><testsuite><testcase name="one"/><testcase name="other"><failure/></testcase>'
         b"<system-err>%s</system-err></testsuite></testsuites>")
PRINTED = (b"plain", b"\033[1m\033[31mERROR\033[0m", b"cut off \xe2\x82", b"\0\1\xff", b"\xef\xbf\xbe",
           b"\xed\xa0\x80")


def closing_line(printed):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("unit.xml", CASES % printed), ("times", b"unit 1\n")):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        done = subprocess.run([sys.executable, sys.argv[1], folder, "unit"], stdout=subprocess.PIPE,
                              text=True)
        return done.stdout.splitlines()[-1], done.returncode


def main():
    print("1..%d" % len(PRINTED))
    for number, printed in enumerate(PRINTED, 1):
        found = closing_line(printed)
        print("%sok %d - %s" % ("" if found == ("1 passed, 1 failed", 1) else "not ", number, ascii(printed)))


if __name__ == "__main__":
    main()
