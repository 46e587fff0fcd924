#!/usr/bin/env python3
"""Asks what looks like a secret: of the names that programs have, fewer than one in a thousand may;
of random texts, nearly all must. Output: TAP.

usage: names_agree.py JUDGE_NAMES
"""

import gc
import importlib
import random
import string
import subprocess
import sys
import types
import uuid
import warnings

# Importing them does something, or takes long.
LEFT_OUT = {"antigravity", "this", "idlelib", "turtledemo", "lib2to3", "test", "tkinter"}
LENGTHS = (20, 24, 32, 40)
ALPHABETS = {
    "base62": string.ascii_letters + string.digits,
    "base36": string.ascii_lowercase + string.digits,
    "base32": string.ascii_uppercase + "234567",
    "small letters": string.ascii_lowercase,
    "hexadecimal": string.hexdigits[:16],
}


def names_of_code(code, names):
    pending = [code]
    while pending:
        code = pending.pop()
        names.update(code.co_names, code.co_varnames, code.co_freevars)
        pending += [const for const in code.co_consts if isinstance(const, types.CodeType)]


def names_of_library():
    warnings.simplefilter("ignore")
    for module in sorted(sys.stdlib_module_names - LEFT_OUT):
        try:
            importlib.import_module(module)
        except Exception:  # pylint: disable=broad-except
            continue
    names = set()
    for found in gc.get_objects():
        if isinstance(found, types.FunctionType):
            names_of_code(found.__code__, names)
        elif isinstance(found, (types.ModuleType, type)):
            names.update(key for key in vars(found) if isinstance(key, str))
    return {name for name in names if name.isidentifier()}


def judge(tool, texts):
    done = subprocess.run([tool], input="".join(text + "\n" for text in texts), check=True,
                          stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout.splitlines()


def main():
    tool = sys.argv[1]
    names = names_of_library()
    wrong = judge(tool, sorted(names))
    results = [("%d of %d names are taken for secrets" % (len(wrong), len(names)),
                len(names) > 15000 and len(wrong) * 1000 < len(names), wrong)]
    chance = random.Random(1)
    for label, alphabet in ALPHABETS.items():
        texts = ["".join(chance.choices(alphabet, k=length))
                 for length in LENGTHS for _ in range(500)]
        found = len(judge(tool, texts))
        results.append(("%d of %d texts of %s" % (found, len(texts), label),
                        found * 100 >= len(texts) * 95, []))
    texts = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(500)]
    results.append(("UUIDs", len(judge(tool, texts)) == len(texts), []))
    print("1..%d" % len(results))
    for number, (label, fine, details) in enumerate(results, start=1):
        print("%s %d - %s" % ("ok" if fine else "not ok", number, label))
        for detail in details:
            print("# " + detail)
    return not all(fine for _, fine, _ in results)


if __name__ == "__main__":
    sys.exit(main())
