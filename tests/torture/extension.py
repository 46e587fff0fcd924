"""
Builds the extension module `blocking` for the victims, and says how long and strict the tests are.
"""

import glob
import os

import interpreters

HERE = os.path.dirname(os.path.abspath(__file__))
INTERPRETER = interpreters.EXPECTED[-1]
LONG = os.environ.get("PYI_LONG") == "1"
FULL = LONG or os.environ.get("PYI_TORTURE") == "full"


def victim(script):
    return os.path.join(HERE, "victims", script)


def build(path):
    interpreters.build_extension(INTERPRETER, "blocking",
                                 sorted(glob.glob(os.path.join(HERE, "extension", "*.c"))), path)
