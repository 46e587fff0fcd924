"""
What is printed: JSON and NDJSON against the schema, the table, order and limit, failing output,
help.
"""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

import interpreters
import support

SCHEMA = os.path.join(support.ROOT, "doc", "schema", "top-types.schema.json")
VALIDATE = os.path.join(support.ROOT, "tests", "schema", "validate.py")


@pytest.fixture(scope="module")
def victim():
    target = support.Target.python(interpreters.any_interpreter(), "mixed.py", 20000)
    yield target
    target.close()


def run(victim, *options, **more):
    done = support.run_pyinspect(victim.pid, "top-types", *options, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def validate(text, *options):
    done = subprocess.run([sys.executable, VALIDATE, SCHEMA, *options], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("options", [
    [], ["-n", "0"], ["-n", "3"], ["--scope", "tracked"], ["--by", "count"],
    ["--by", "bytes", "--scope", "all", "--limit", "1"]])
def test_json_is_valid(victim, options):
    validate(run(victim, "--format", "json", *options))


def test_json_of_each_interpreter(interpreter, start):
    target = start(interpreter, "still.py")
    text = run(target, "--format", "json")
    validate(text)
    envelope = json.loads(text)
    version = subprocess.run(
        [interpreter.path, "-c", "import platform; print(platform.python_version())"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    assert envelope["target"]["python"] == version
    assert envelope["target"]["pid"] == target.pid
    assert envelope["target"]["exe"] == os.readlink("/proc/%d/exe" % target.pid)
    assert envelope["target"]["interpreters"] == 1
    assert envelope["access"]["source"] == "clone"
    assert 0 < envelope["cost"]["paused_ms"] < envelope["cost"]["elapsed_ms"]


def test_json_error_is_valid():
    done = support.run_pyinspect("unit:pyinspect-no-such-unit", "top-types", "--format", "json")
    assert done.returncode == 3
    validate(done.stdout)


def test_json_when_stdout_is_no_terminal(victim):
    envelope = json.loads(run(victim))
    assert envelope["command"] == "top-types"
    assert envelope["schema"] == "pyinspect/1"


def test_ndjson(victim):
    text = run(victim, "--format", "ndjson", "-n", "7")
    validate(text, "--ndjson")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["kind"] for line in lines] == ["report"] + ["type"] * 7
    same = json.loads(run(victim, "--format", "json", "-n", "7"))["result"]["types"]
    assert [{key: value for key, value in line.items() if key != "kind"}
            for line in lines[1:]] == same


def test_limit_and_the_rest(victim):
    everything = json.loads(run(victim, "-n", "0"))["result"]
    cut = json.loads(run(victim, "--limit", "5"))["result"]
    assert cut["types"] == everything["types"][:5]
    rest = everything["types"][5:]
    assert cut["other"] == {"types": len(rest), "count": sum(row["count"] for row in rest),
                            "bytes": sum(row["bytes"] for row in rest)}
    assert (cut["objects"], cut["bytes"]) == (everything["objects"], everything["bytes"])


@pytest.mark.parametrize("by, other", [("count", "bytes"), ("bytes", "count")])
def test_order(victim, by, other):
    result = json.loads(run(victim, "-n", "0", "--by", by))["result"]
    assert result["by"] == by
    keys = [(-row[by], -row[other], row["type"]) for row in result["types"]]
    assert keys == sorted(keys)


def test_table(victim):
    text = run(victim, "--format", "table", "-n", "4")
    result = json.loads(run(victim, "-n", "4"))["result"]
    lines = text.splitlines()
    assert "COUNT" in text and "BYTES" in text and "TYPE" in text
    for row in result["types"]:
        line = [line for line in lines if line.split()[-1:] == [row["type"]]]
        assert len(line) == 1, row["type"]
        assert "{:,}".format(row["count"]) in line[0]
        assert "{:,}".format(row["bytes"]) in line[0]
    assert "{:,}".format(result["other"]["types"]) in text
    assert "{:,}".format(result["objects"]) in text
    assert "paused" in lines[-1] and "target unchanged" in lines[-1]
    assert "\033" not in text, "no colour"


@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_full_disk(victim, form):
    with support.assert_untouched(victim.pid), open("/dev/full", "w") as full:
        done = support.run_pyinspect(victim.pid, "top-types", "--format", form, stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith("pyinspect: ")


def test_closed_pipe(victim):
    """`pyinspect ... | head`: no hang, nothing left behind, and not exit 0."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with support.assert_untouched(victim.pid):
            done = support.run_pyinspect(victim.pid, "top-types", stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode in (1, -signal.SIGPIPE)


def test_closed_stdout(victim):
    """Without any stdout the report must not end up in a file that took its number."""
    done = support.run_pyinspect(
        victim.pid, "top-types", prefix=["sh", "-c", 'exec "$0" "$@" >&-'])
    assert done.returncode == 1, done.stderr


def test_verbose_speaks_on_stderr_only(victim):
    done = support.run_pyinspect(victim.pid, "top-types", "-v")
    assert done.returncode == 0
    json.loads(done.stdout)
    assert done.stderr


def test_silence(victim):
    done = support.run_pyinspect(victim.pid, "top-types")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [
    ["--help"], ["-h"], ["help"], ["help", "top-types"], ["top-types", "--help"],
    ["1", "top-types", "-h"]])
def test_help(arguments):
    done = support.run_pyinspect(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "top-types" in done.stdout
    wide = [line for line in done.stdout.splitlines() if len(line) > 80]
    assert not wide, "wider than 80 columns: %s" % wide
    assert not [line for line in done.stdout.splitlines() if line != line.rstrip() or "\t" in line]


def test_help_names_every_option():
    texts = {"top-types": ("-n", "--limit", "--by", "--scope"),
             "": ("--format", "--max-pause", "--timeout", "-v", "--verbose", "-h", "--version")}
    for command, options in texts.items():
        text = support.run_pyinspect("help", *command.split()).stdout
        for option in options:
            assert re.search(r"(^|[\s,])%s\b" % re.escape(option), text), (command, option)


def test_version():
    done = support.run_pyinspect("--version")
    assert done.returncode == 0
    assert re.match(r"pyinspect \d+\.\d+", done.stdout)
