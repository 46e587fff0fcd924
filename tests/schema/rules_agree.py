#!/usr/bin/env python3
"""Holds the reader of rule files against doc/schema/rules.schema.json: both must take or refuse the
same texts. Output: TAP.

The examples of examples/fleet are among them. What only the reader can check (a key that comes
twice, the order of limits, sizes in bytes) is marked, and must be refused by it alone.

usage: rules_agree.py READ_RULES
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import validate  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]

COUNTS = ("max-count", "max-container")
PLAIN = ("max-tracked", "max-slip-stale", "slip-dead-match")
LIMITS = ["0", "5", "1.5", "1e3", "1e15", "1.1e15", "-1", "-0.5", "true", "null", "[]", "{}", '""',
          '"5"', '"5k"', '"5K"', '"0.5M"', '"5G"', '"5T"', '"5 k"', '" 5"', '"5B"', '"5kB"', '"5KB"',
          '"5MiB"', '"1.5GiB"', '"5TiB"', '"5PiB"', '"5mb"', '"5/h"', '"5/min"', '"5/d"', '"5/s"',
          '"5k/h"', '"5MiB/h"', '"5B/d"', '"5/h/h"', '"/h"', '"5/"', '".5"', '"5."', '"1e3"', '"-5"',
          '"+5"', '"0x5"', '"nan"', '"inf"', '"1,000"', '"5:6"',
          '"000000000000000000000000000005"']
RUNS = ["2", "12", "1000", "12.0", "1", "0", "-3", "1001", "2.5", '"12"', "null"]


def rule(kind, **members):
    return json.dumps({"rules": [{"rule": kind, **members}]})


def with_limit(kind, limit, of=False):
    subject = '"of": "a.B", ' if of else ""
    return '{"rules": [{"rule": "%s", %s"critical": %s}]}' % (kind, subject, limit)


def texts():
    """Pairs of a text, and whether only the reader can refuse it."""
    for kind in COUNTS + ("max-bytes", "max-growth"):
        for limit in LIMITS:
            yield with_limit(kind, limit, of=True), False
        yield rule(kind, warning=1), False
        yield rule(kind, of="", warning=1), False
        yield rule(kind, of=5, warning=1), False
        yield rule(kind, of="x" * 1000, warning=1), False
        yield rule(kind, of="x" * 1001, warning=1), False
    for kind in PLAIN + ("max-rss", "max-rss-growth", "max-tracked-growth", "growing-containers",
                         "growing-types", "max-other-growth"):
        for limit in LIMITS:
            yield with_limit(kind, limit), False
        yield rule(kind, of="a.B", warning=1), False
    for kind in COUNTS + PLAIN:
        yield rule(kind, of="a.B", warning=1, runs=12), False
    for kind in COUNTS + ("max-bytes", "max-growth"):
        for value in (True, False, 1, "true", None):
            yield rule(kind, of="a.B", warning=1, may_be_absent=value), False
        for name in ("a.*", "?", "a[b]", "in instance a.B.c", "a.B[*].c[*]", "[*]", "a.B[*", "a*]",
                     "a.B[**]", "a[?]", "dict[*]  in instance a.B.c"):
            yield rule(kind, of=name, warning=1), False
    for kind in PLAIN:
        yield rule(kind, warning=1, may_be_absent=True), False
    yield rule("max-container", of="in instance ", warning=1), True
    for runs in RUNS:
        yield '{"rules": [{"rule": "growing-containers", "warning": 1, "runs": %s}]}' % runs, False
    yield rule("max-rss"), False
    yield rule("max-rss", warning=1, critical=1), False
    yield rule("max-rss", warning=1, comment="why"), False
    yield rule("max-rss", warning=1, comment=1), False
    yield rule("max-rss", warning=1, limit=2), False
    yield rule("Max-rss", warning=1), False
    yield rule("", warning=1), False
    yield '{"rules": [{"warning": 1}]}', False
    yield '{"rules": [{"rule": 1, "warning": 1}]}', False
    yield '{"rules": [[]]}', False
    yield '{"rules": [null]}', False
    yield '{"rules": {}}', False
    yield '{"rules": []}', False
    yield "{}", False
    yield "[]", False
    yield "null", False
    yield '"rules"', False
    yield "5", False
    yield '{"rules": [], "comment": "x", "$schema": "y"}', False
    yield '{"rules": [], "comment": []}', False
    yield '{"rules": [], "$schema": 1}', False
    yield '{"rules": [], "Rules": []}', False
    yield '{"rules": [], "": 1}', False
    for presets in ('["firewalld"]', '["generic", "firewalld"]', "[]", '["x"]', '"generic"', "[1]",
                    "null"):
        yield '{"presets": %s}' % presets, False
    for targets in ('["a*", "[a-z]"]', "[]", '[""]', '"a"', "[1]", "null",
                    json.dumps(["x"] * 100), json.dumps(["x"] * 101)):
        yield '{"targets": %s, "rules": []}' % targets, False
    for count in (1000, 1001):
        yield json.dumps({"rules": [{"rule": "max-count", "of": "a.B%d" % number, "warning": 1}
                                    for number in range(count)]}), False
    for first, second in (({"rule": "max-rss"}, {"rule": "max-rss"}),
                          ({"rule": "max-count", "of": "a.B"}, {"rule": "max-count", "of": "a.B"}),
                          ({"rule": "max-container", "of": "a.B.c"},
                           {"rule": "max-container", "of": "dict  in instance a.B.c"})):
        yield json.dumps({"rules": [{**first, "warning": 1}, {**second, "warning": 2}]}), True
    yield '{"presets": ["generic"], "rules": [{"rule": "max-rss-growth", "critical": "5M/h"}]}', False
    # What parsers of JSON are lenient about.
    for text in ("", " ", "{", '{"rules": []', '{"rules": []}}', '{"rules": []} x', '{"rules": [],}',
                 '{"rules": [1,]}', "{'rules': []}", '{rules: []}', '{"rules": []} {}',
                 '{"rules": [] /* no */}', '{"rules": NaN}', '\ufeff{"rules": []}',
                 '\x0b{"rules": []}', '{"rules": []}\x00', '{"rules": []}\n\t \r',
                 '{"rules": [], "comment": "a\nb"}', '{"rules": [], "comment": "\\u0000"}',
                 '{"rules": [], "comment": "\\x"}', '{"rules": [], "comment": "\\u00e9 é"}',
                 "[" * 100000):
        yield text, False
    for limit in ("01", "1.", ".5", "+1", "1e", "0x10", "NaN", "Infinity", "-Infinity", "1e999",
                  "-", "1-2", "--1", "1 2", "-0", "1E+2"):
        yield with_limit("max-rss", limit), False
    yield '{"rules": [], "rules": []}', False
    yield '{"rules": [{"rule": "max-rss", "warning": 1, "warning": 2}]}', False
    yield rule("max-rss", warning=2, critical=1), True
    yield rule("max-count", of="é" * 1000, warning=1), True
    yield rule("max-count", of="a", warning="9999999G"), True


def by_schema(schema, data):
    try:
        validate.check(schema, validate.parse(data.decode("utf-8")))
    except (validate.Mismatch, UnicodeDecodeError, RecursionError):
        return False
    return True


def by_reader(program, paths):
    output = subprocess.run([program, "x", *map(str, paths)], check=True, capture_output=True,
                            text=True).stdout.splitlines()
    return [line.startswith("ok ") for line in output], output


def main():
    schema = validate.load(ROOT / "doc" / "schema" / "rules.schema.json")
    cases = [(text.encode(), alone) for text, alone in texts()]
    cases += [(b'{"rules": [], "comment": "\xff"}', False),
              (b'{"rules": [], "comment": "\xc0\xaf"}', False),
              (b'{"rules": [], "comment": "\xed\xa0\x80"}', False)]
    cases += [(path.read_bytes(), False)
              for path in sorted((ROOT / "examples" / "fleet" / "rules.d").glob("*.json"))]
    problems = []
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (data, _) in enumerate(cases):
            path = pathlib.Path(folder) / f"{number:04}.json"
            path.write_bytes(data)
            paths.append(path)
        answers, lines = by_reader(sys.argv[1], paths)
    for (data, alone), answer, line in zip(cases, answers, lines):
        wanted = by_schema(schema, data) and not alone
        taken += answer
        if alone and not by_schema(schema, data):
            problems.append((data, "the schema can refuse this by itself"))
        if answer != wanted:
            problems.append((data, line))
        if not answer and ".json" not in line:
            problems.append((data, f"the file is not named: {line}"))
    whole = len(answers) == len(cases) and 50 < taken < len(cases) - 200
    print("1..3")
    print(f"{'not ok' if problems else 'ok'} 1 - {len(cases)} texts, as the schema says")
    for data, line in problems:
        print(f"# {data[:120]!r}: {line}")
    print(f"{'ok' if whole else 'not ok'} 2 - some are taken ({taken}), most are not")
    examples = all(answers[-2:])
    print(f"{'ok' if examples else 'not ok'} 3 - the examples are taken")
    return 0 if not problems and whole and examples else 1


if __name__ == "__main__":
    sys.exit(main())
