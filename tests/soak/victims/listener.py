"""
An event listener of supervisord: writes down each event's serial numbers, name and process.

    listener.py FILE
"""

import os
import sys


def main():
    output = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            return
        header = dict(word.split(":") for word in line.split())
        process = sys.stdin.read(int(header["len"])).split()[0]
        os.write(output, ("%s %s %s %s\n" % (header["serial"], header["poolserial"],
                                             header["eventname"], process)).encode())
        sys.stdout.write("RESULT 2\nOK")
        sys.stdout.flush()


main()
