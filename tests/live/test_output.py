"""
What is printed, by every command: JSON and NDJSON against the schemas, the tables, order and limit,
errors, failing output, help.
"""

import datetime
import json
import os
import re
import signal
import subprocess

import pytest

import interpreters
import support

pytestmark = pytest.mark.few_interpreters

# Each command as it is used, besides the form of its output.
COMMANDS = {
    "top-types": ["top-types"],
    "top-objects": ["top-objects"],
    "referrers": ["referrers", "__main__.Plain"],
    "referents": ["referents", "__main__.Plain"],
    "path": ["path", "__main__.Plain"],
    "dominators": ["dominators"],
    "explain": ["explain"],
    "garbage": ["garbage"],
    "slip-dbus": ["slip-dbus"],
}
WITH_SUBJECT = ("referrers", "referents", "path")
FORMS = ("table", "json", "ndjson")
# Both asyncio and threading have one.
AMBIGUOUS = "Event"
NOWHERE = "0x7ffffffff000"


@pytest.fixture(scope="module")
def victim():
    target = support.Target.python(interpreters.any_interpreter(), "mixed.py", 20000)
    yield target
    target.close()


@pytest.fixture(params=COMMANDS.values(), ids=COMMANDS)
def command(request):
    return request.param


def run(victim, *arguments, **more):
    done = support.run_pyinspect(victim.pid, *arguments, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def top_types(victim, *options):
    return run(victim, "top-types", *options)


def ask(victim, *arguments):
    return json.loads(run(victim, *arguments, "--format", "json"))["result"]


def without(row, *keys):
    return {key: value for key, value in row.items() if key not in keys}


def figure(number):
    return "{:,}".format(number)


@pytest.mark.parametrize("arguments", [
    "top-types", "top-types -n 0", "top-types -n 3", "top-types --scope tracked",
    "top-types --by count", "top-types --by bytes --scope all --limit 1",
    "top-objects", "top-objects -n 200 --values", "top-objects --by bytes",
    "top-objects --by referents -n 1",
    "referrers Plain", "referrers Plain -n 0", "referrers str -n 500 --values",
    "referrers Slots --exact", "referrers Slots -n 2 --depth 4", "referrers Plain --tree", "referrers type -n 500",
    "referents Plain", "referents Slots --exact -n 1", "referents dict -n 0 --values",
    "path Plain", "path Plain -n 50", "path Slots --exact --values", "path type",
    "garbage", "garbage -n 1 --by count", "slip-dbus", "dominators",
    "dominators Plain --min-share 0 --depth 3 -n 50"])
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_is_valid(victim, arguments, form):
    text = run(victim, *arguments.split(), "--format", form)
    support.assert_valid(arguments.split()[0], text, *(["--ndjson"] if form == "ndjson" else []))


@pytest.mark.parametrize("name", WITH_SUBJECT)
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_of_one_object_is_valid(victim, name, form):
    address = ask(victim, "path", "__main__.Plain")["paths"][0]["address"]
    for words in ([address], ["--address", str(int(address, 16))]):
        text = run(victim, name, *words, "--format", form)
        support.assert_valid(name, text, *(["--ndjson"] if form == "ndjson" else []))
        first = json.loads(text.splitlines()[0] if form == "ndjson" else text)
        assert (first["result"]["address"], first["result"]["type"]) == (address, None)


def test_json_of_each_interpreter(interpreter, start):
    target = start(interpreter, "still.py")
    text = top_types(target, "--format", "json")
    support.assert_valid("top-types", text)
    envelope = json.loads(text)
    version = subprocess.run(
        [*interpreter.program(), "-c", "import platform; print(platform.python_version())"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    assert envelope["target"]["python"] == version
    assert envelope["target"]["pid"] == target.pid
    assert envelope["target"]["exe"] == os.readlink("/proc/%d/exe" % target.pid)
    assert envelope["target"]["interpreters"] == 1
    assert envelope["access"]["source"] == "clone"
    assert 0 < envelope["cost"]["paused_ms"] < envelope["cost"]["elapsed_ms"]


def assert_error(done, name, form, exit_code, code):
    """Words on stderr, and in the forms for programs the same on stdout, as the schema has it."""
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert done.stderr.startswith("pyinspect: ")
    if form == "table":
        assert done.stdout == ""
        return {}
    support.assert_valid(name, done.stdout, *(["--ndjson"] if form == "ndjson" else []))
    error = json.loads(done.stdout)["error"]
    assert error["code"] == code
    assert error["message"] in done.stderr
    return error


@pytest.mark.parametrize("form", FORMS)
def test_no_target(command, form):
    done = support.run_pyinspect("unit:pyinspect-no-such-unit", *command, "--format", form)
    assert_error(done, command[0], form, 3, "no-such-unit")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", WITH_SUBJECT)
@pytest.mark.parametrize("subject, exit_code, code, told", [
    ("NoSuchThing", 1, "no-such-type", "NoSuchThing"),
    ("__main__.Plainn", 1, "no-such-type", "__main__.Plain"),
    (AMBIGUOUS, 1, "ambiguous-type", "threading.Event"),
    (NOWHERE, 1, "no-such-object", NOWHERE),
    ("0x12zz", 2, "usage", "0x12zz"),
    ("0x", 2, "usage", "0x"),
    ("0x0", 2, "usage", "0x0"),
    ("0x123456789abcdef01", 2, "usage", "0x123456789abcdef01"),
    ("", 2, "usage", "TYPE"),
])
def test_wrong_subject(victim, name, form, subject, exit_code, code, told):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, name, subject, "--format", form)
    assert_error(done, name, form, exit_code, code)
    assert told in done.stderr


@pytest.mark.parametrize("name", WITH_SUBJECT)
@pytest.mark.parametrize("words", [
    ["--address", "12zz"], ["--address", "-1"], ["--address", "0"], ["--address", ""], [],
    ["Plain", "--address", "0x10"], ["0x10", "--exact"], ["Plain", "--by", "count"],
    ["Plain", "--scope", "all"]])
def test_wrong_words(victim, name, words):
    done = support.run_pyinspect(victim.pid, name, *words, "--format", "json")
    error = assert_error(done, name, "json", 2, "usage")
    assert error["hint"]


def test_json_when_the_environment_says_so(victim, command):
    envelope = json.loads(run(victim, *command))
    assert envelope["command"] == command[0]
    assert envelope["schema"] == "pyinspect/1"


def test_ndjson(victim):
    lines = [json.loads(line) for line in
             top_types(victim, "--format", "ndjson", "-n", "7").splitlines()]
    assert [line["kind"] for line in lines] == ["report"] + ["type"] * 7
    same = ask(victim, "top-types", "-n", "7")["types"]
    assert [without(line, "kind") for line in lines[1:]] == same


@pytest.mark.parametrize("name, kinds, lists", [
    ("top-objects", ["object"], ["largest", "most_referents"]),
    ("referrers", ["group"], ["referrers"]), ("referents", ["group"], ["referents"]),
    ("path", ["way", "path"], ["ways", "also", "paths"]), ("slip-dbus", [], [])])
def test_ndjson_says_what_json_says(victim, name, kinds, lists):
    options = [] if name == "slip-dbus" else ["-n", "3"]
    text = run(victim, *COMMANDS[name], *options, "--format", "ndjson")
    first, *rest = [json.loads(line) for line in text.splitlines()]
    result = ask(victim, *COMMANDS[name], *options)
    assert without(first["result"], "bus") == without(result, "bus", *lists)
    assert {line["kind"] for line in rest} - {"also"} == set(kinds)
    assert [without(line, "kind", "level", "list") for line in rest] == [
        row for name in lists for row in result[name]]


def test_levels_of_ndjson(victim):
    text = run(victim, "referrers", "Plain", "-n", "1", "--depth", "3", "--format", "ndjson")
    levels = [json.loads(line)["level"] for line in text.splitlines()[1:]]
    group = ask(victim, "referrers", "Plain", "-n", "1", "--depth", "3")["referrers"][0]
    assert levels == [1, 2, 3][:len(levels)] and len(levels) > 1
    for level in levels[1:]:
        assert group["referrers"][0]["references"], level
        group = group["referrers"][0]


def test_limit_and_the_rest(victim):
    everything = json.loads(top_types(victim, "-n", "0"))["result"]
    cut = json.loads(top_types(victim, "--limit", "5"))["result"]
    assert cut["types"] == everything["types"][:5]
    rest = everything["types"][5:]
    assert cut["other"] == {"types": len(rest), "count": sum(row["count"] for row in rest),
                            "bytes": sum(row["bytes"] for row in rest)}
    assert (cut["objects"], cut["bytes"]) == (everything["objects"], everything["bytes"])


@pytest.mark.parametrize("name", ["referrers", "referents"])
def test_limit_of_groups(victim, name):
    everything = ask(victim, name, "str", "-n", "0")
    cut = ask(victim, name, "str", "--limit", "4")
    assert cut[name] == everything[name][:4]
    rest = everything[name][4:]
    assert cut["other"] == {"groups": len(rest),
                            "references": sum(row["references"] for row in rest)}
    figures = [row["references"] for row in everything[name]]
    assert figures == sorted(figures, reverse=True)


@pytest.mark.parametrize("by, other", [("count", "bytes"), ("bytes", "count")])
def test_order(victim, by, other):
    result = json.loads(top_types(victim, "-n", "0", "--by", by))["result"]
    assert result["by"] == by
    keys = [(-row[by], -row[other], row["type"]) for row in result["types"]]
    assert keys == sorted(keys)


def test_table(victim):
    text = top_types(victim, "--format", "table", "-n", "4", "--no-builtins")
    result = json.loads(top_types(victim, "-n", "4", "--no-builtins"))["result"]
    lines = text.splitlines()
    assert "COUNT" in text and "BYTES" in text and "TYPE" in text
    for row in result["types"]:
        line = [line for line in lines if line.split()[-1:] == [row["type"]]]
        assert len(line) == 1, row["type"]
        assert figure(row["count"]) in line[0]
        assert figure(row["bytes"]) in line[0]
    assert figure(result["other"]["types"]) in text
    assert figure(result["objects"]) in text


def test_a_table_is_the_default_in_a_pipe_too(victim):
    bare = {key: value for key, value in os.environ.items() if key != "PYINSPECT_FORMAT"}
    lines = run(victim, "top-types", env=bare).splitlines()
    assert lines[0].startswith("PID %d, Python 3." % victim.pid)
    assert json.loads(run(victim, "top-types", "--json", env=bare))["command"] == "top-types"


@pytest.mark.parametrize("words", ["top-types PID", "-p PID top-types", "top-types --pid PID",
                                   "--pid=PID top-types", "PID top-types"])
def test_the_words_may_come_otherwise(victim, words):
    done = support.run_pyinspect(*words.replace("PID", str(victim.pid)).split(), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["target"]["pid"] == victim.pid


@pytest.mark.parametrize("words,hint", [
    ("toptypes PID", "is it top-types?"), ("PID toptypes", "is it top-types?"),
    ("PID", "pyinspect PID top-types"), ("top-types", "pyinspect PID top-types"),
    ("refererrs PID x", "is it referrers?")])
def test_nearly_right_words_are_told(victim, words, hint):
    words = words.replace("PID", str(victim.pid)).split()
    done = support.run_pyinspect(*words)
    assert done.returncode == 2
    hint = hint.replace("PID", str(victim.pid)) if str(victim.pid) in words else hint
    assert hint in done.stderr


def test_a_name_of_a_process_is_told_by_number(victim):
    with open("/proc/%d/comm" % victim.pid, encoding="utf-8") as stream:
        name = stream.read().strip()
    done = support.run_pyinspect(name, "top-types")
    assert done.returncode == 2
    assert "a process of that name is: " in done.stderr
    # There may be many.
    numbers = re.findall("[0-9]+", done.stderr.split("name is: ")[1].split(";")[0])
    assert str(victim.pid) in numbers or len(numbers) == 16


def test_time_host_and_version(victim, command):
    report = json.loads(run(victim, *command, "--json"))
    assert report["host"] == os.uname().nodename
    assert report["version"] in support.run_pyinspect("-V").stdout
    moment = datetime.datetime.strptime(report["time"], "%Y-%m-%dT%H:%M:%SZ")
    now = datetime.datetime.utcnow()
    assert abs((now - moment).total_seconds()) < 300
    error = json.loads(support.run_pyinspect(victim.pid, "nothing", "--json").stdout)
    assert (error["host"], error["version"]) == (report["host"], report["version"])


def test_ascii_where_there_is_no_more(victim, command):
    for form in ("table", "json"):
        text = run(victim, *command, "--format", form,
                   env=dict(os.environ, LC_ALL="C"))
        assert form == "json" or text.isascii()
    text = run(victim, "top-types", "-n", "3", "--format", "table",
               env=dict(os.environ, LC_ALL="C"))
    assert re.search(r" \.\.\. [0-9]+ other types", text)
    text = run(victim, "top-types", "-n", "3", "--format", "table",
               env=dict(os.environ, LC_ALL="C.UTF-8"))
    assert re.search(" … [0-9]+ other types", text)


def test_types_of_modules_are_on_the_first_screen(victim):
    """Strings and dicts do not crowd them out of the table; JSON has one order."""
    rows = [line.split()[-1] for line in
            run(victim, "top-types", "-n", "6", "--format", "table").splitlines()[4:]
            if line]
    rows = [row for row in rows if not set(row) <= set("-")][:6]
    everything = [row["type"] for row in ask(victim, "top-types", "-n", "0")["types"]]
    assert rows[:3] == [name for name in everything if "." in name][:3]
    assert rows[3:] == [name for name in everything if "." not in name][:3]


def test_filters_of_types(victim):
    everything = {row["type"]: row for row in ask(victim, "top-types", "-n", "0")["types"]}
    for options, wanted in (
            (["--type", "__main__.P*"], lambda name: name.startswith("__main__.P")),
            (["--type", "Plain"], lambda name: name.split(".")[-1] == "Plain"),
            (["--module", "__main__"], lambda name: name.startswith("__main__.")),
            (["--no-builtins"], lambda name: "." in name),
            (["--type", "nothing"], lambda name: False)):
        result = ask(victim, "top-types", "-n", "0", *options)
        assert {row["type"] for row in result["types"]} == set(filter(wanted, everything))
        assert result["objects"] == sum(row["count"] for row in result["types"])
        assert set(result["filter"]) == {"type", "module", "no_builtins"}
        text = run(victim, "top-types", *options, "--format", "table")
        assert text.splitlines()[2].startswith("Only: " + options[0])
    done = support.run_pyinspect(victim.pid, "path", "Plain", "--type", "x")
    assert done.returncode == 2 and "path does not know --type" in done.stderr


def test_every_table(victim, command):
    lines = run(victim, *command, "--format", "table").splitlines()
    assert lines[0].startswith("PID %d, Python 3." % victim.pid)
    assert "paused" in lines[-1] and "target unchanged" in lines[-1]
    assert not [line for line in lines if line != line.rstrip() or "\033" in line], "no colour"


@pytest.mark.parametrize("name", ["referrers", "referents"])
def test_table_of_groups(victim, name):
    lines = run(victim, *COMMANDS[name], "-n", "5", "--format", "table").splitlines()
    result = ask(victim, *COMMANDS[name], "-n", "5")
    assert "Plain" in lines[1] and figure(result["instances"]) in lines[1]
    for row in result[name]:
        numbers = [figure(row[key]) for key in ("references", "objects", "bytes")]
        assert [line for line in lines if line.split()[:3] == numbers
                and (row["owner"] or "") in line], row


def test_table_of_paths(victim):
    """Of each of the first ways the path of one object."""
    text = run(victim, *COMMANDS["path"], "-n", "2", "--format", "table")
    result = ask(victim, *COMMANDS["path"], "-n", "2")
    assert len(result["ways"]) > 1 and len(result["paths"]) == 2
    for way in result["ways"]:
        assert [line for line in text.splitlines() if line.split(None, 2) == [
            figure(way["instances"]), figure(way["retained"]), way["through"]]], way
    for way in result["ways"][:2]:
        (path,) = ask(victim, "path", way["example"])["paths"]
        assert path["expression"] in text.splitlines()
        for step in path["steps"]:
            assert step["address"] in text, step


def test_table_of_one_path(victim):
    (path,) = ask(victim, *COMMANDS["path"])["paths"]
    text = run(victim, "path", path["address"], "--format", "table")
    assert path["expression"] in text.splitlines()
    for step in path["steps"]:
        assert step["address"] in text, step


def test_table_of_objects(victim):
    lines = run(victim, "top-objects", "-n", "4", "--format", "table").splitlines()
    result = ask(victim, "top-objects", "-n", "4")
    for row in result["largest"] + result["most_referents"]:
        assert [line for line in lines if row["address"] in line.split()
                and figure(row["bytes"]) in line], row


def test_table_without_slip(victim):
    assert "ABSENT" in run(victim, "slip-dbus", "--format", "table").splitlines()[1]


@pytest.mark.parametrize("form", FORMS)
def test_full_disk(victim, command, form):
    with support.assert_untouched(victim.pid), open("/dev/full", "w") as full:
        done = support.run_pyinspect(victim.pid, *command, "--format", form, stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith("pyinspect: ")


def test_closed_pipe(victim, command):
    """`pyinspect ... | head`: no hang, nothing left behind, and not exit 0."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with support.assert_untouched(victim.pid):
            done = support.run_pyinspect(victim.pid, *command, stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode in (1, -signal.SIGPIPE)


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_stdout(victim, command, closed):
    """Without any stdout the report must not end up in what took its number."""
    done = support.run_pyinspect(
        victim.pid, *command, prefix=["sh", "-c", 'exec "$0" "$@" ' + closed])
    assert (done.returncode, done.stdout) == (1, ""), done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_check_without_standard_descriptors(victim, tmp_path, closed):
    """Its parts talk to each other over descriptors of their own, whichever are closed."""
    output = tmp_path / "report.json"
    done = support.run_pyinspect(
        victim.pid, "check", "--max-rss", "1TiB", "--no-history", "--min-age", "0", "--output",
        output, prefix=["sh", "-c", 'exec "$0" "$@" ' + closed])
    assert done.returncode == 0, done.stderr
    assert json.loads(output.read_text(encoding="utf-8"))["result"]["status"] == "ok"


def test_verbose_speaks_on_stderr_only(victim, command):
    done = support.run_pyinspect(victim.pid, *command, "-v")
    assert done.returncode == 0
    assert json.loads(done.stdout)["cost"]["residue"] == []
    assert "nothing of ours is left in the process" in done.stderr


def test_silence(victim):
    for name in set(COMMANDS) - {"slip-dbus"}:
        done = support.run_pyinspect(victim.pid, *COMMANDS[name])
        assert (done.returncode, done.stderr) == (0, ""), name


def assert_fits(text):
    assert not [line for line in text.splitlines()
                if len(line) > 80 or line != line.rstrip() or "\t" in line]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help(arguments):
    done = support.run_pyinspect(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert_fits(done.stdout)
    listed = re.search(r"^Commands:\n(.*?)\n\n", done.stdout, re.DOTALL | re.MULTILINE).group(1)
    assert [line.split()[0] for line in listed.splitlines()] == [
        "explain", "top-types", "top-objects", "referrers", "referents", "path", "show",
        "dominators", "garbage", "dump", "diff", "growth", "slip-dbus",
        "check", "history", "incidents", "list"]


def test_help_of_a_command(command):
    texts = set()
    for arguments in (["help", command[0]], [command[0], "--help"], ["1", command[0], "-h"]):
        done = support.run_pyinspect(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        texts.add(done.stdout)
    text, = texts
    assert text.startswith("usage: pyinspect TARGET %s" % command[0])
    assert "Examples:" in text
    assert_fits(text)


def test_help_of_every_command_fits():
    listed = re.search(r"^Commands:\n(.*?)\n\n", support.run_pyinspect("--help").stdout,
                       re.DOTALL | re.MULTILINE).group(1)
    for line in listed.splitlines():
        assert_fits(support.run_pyinspect("help", line.split()[0]).stdout)


def test_help_names_every_option():
    texts = {"top-types": ("-n", "--limit", "--by", "--scope"),
             "top-objects": ("-n", "--limit", "--by", "--values"),
             "referrers": ("-n", "--limit", "--exact", "--address", "--depth", "--tree",
                           "--values"),
             "referents": ("-n", "--limit", "--exact", "--address", "--values"),
             "path": ("-n", "--limit", "--exact", "--address", "--values"),
             "show": ("-n", "--limit", "--address", "--values", "--state"),
             "explain": (),
             "dominators": ("-n", "--limit", "--depth", "--min-share", "--exact", "--address",
                            "--values"),
             "garbage": ("-n", "--limit", "--by"),
             "slip-dbus": (),
             "check": ("-n", "--limit", "--format", "--history", "--state"),
             "history": ("-n", "--limit", "--by", "--history", "--since"),
             "list": ("-n", "--limit", "--state"),
             "": ("--format", "--max-pause", "--max-total-pause", "--timeout", "-v", "--verbose", "-h", "--version")}
    every = {option for options in texts.values() for option in options}
    for name, options in texts.items():
        text = support.run_pyinspect("help", *name.split()).stdout
        named = {option for option in every
                 if re.search(r"^ +(-\w, )?%s\b" % re.escape(option), text, re.MULTILINE)}
        assert named == set(options), name


def test_version():
    done = support.run_pyinspect("--version")
    assert done.returncode == 0
    assert re.match(r"pyinspect \d+\.\d+", done.stdout)
