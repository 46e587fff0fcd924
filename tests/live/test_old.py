"""
CPython 2.7: what other tests compare for each Python 3, on a victim that is written for 2.7.

Covered: top-types (both scopes, sizes, old-style classes by their names), referrers, referents,
path, show, garbage, top-objects, explain, growth's census, names of locals, values. Not covered:
extension modules (greenlet, numpy), embedding, sub-interpreters.
"""

import json
import shutil
import subprocess

import pytest

import core_writer
import interpreters
import support

POPULATION = 300
RUNS = 10
NODES = ("__main__.Node", "__main__.NewNode")


@pytest.fixture(scope="module", params=interpreters.OLD, ids=repr)
def interpreter(request):
    return interpreters.require(request.param)


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "old.py", POPULATION)
    yield target
    target.close()


def ask(victim, *arguments, code=0):
    done = support.run_pyinspect(victim.pid, *arguments, "--format", "json")
    assert done.returncode == code, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    support.assert_valid(arguments[0], done.stdout)
    return json.loads(done.stdout)


def look(victim, scope):
    return support.census(support.top_types(victim.pid, "--scope", scope, "-n", "0"))


def test_tracked(victim):
    """Every type and every old-style class, exactly; and the sizes that are no estimates."""
    truth, again = victim.ask("report")["types"], victim.ask("report")["types"]
    assert truth == again
    for name in ("__main__.Old", "__main__.OldDiamond", "__main__.Inner", "__main__.Local",
                 "classobj", "frame", "instancemethod"):
        assert truth[name][0] > 1 or name == "frame"
    for _ in range(RUNS):
        with support.assert_untouched(victim.pid):
            rows = look(victim, "tracked")
        wrong = {name: (rows.get(name), truth.get(name)) for name in set(rows) | set(truth)
                 if rows.get(name, (0,))[0] != truth.get(name, (0,))[0]}
        assert not wrong, "type: (pyinspect, Python): %s" % wrong
    wrong = {name: (row[1], truth[name][1]) for name, row in rows.items()
             if row[1] != truth[name][1] and not row[2]}
    assert not wrong, "type: (pyinspect, sys.getsizeof()): %s" % wrong
    assert {name for name, row in rows.items() if row[2]} <= {"_io.BytesIO"}


def test_every_kind(victim):
    wrong = {}
    kinds = victim.ask("kinds")
    assert len(kinds) > 35
    before = look(victim, "all")
    for kind in kinds:
        added = victim.ask("grow " + kind)
        after = look(victim, "all")
        for name, (count, size) in added.items():
            old, new = before.get(name, (0, 0, False)), after.get(name, (0, 0, False))
            got = [new[0] - old[0], new[1] - old[1], new[2]]
            if got != [count, size, False]:
                wrong[kind, name] = {"pyinspect": got, "Python": [count, size, False]}
        before = after
    assert not wrong, "[objects, bytes, estimated]: %s" % wrong


@pytest.mark.parametrize("name", NODES)
def test_referrers(victim, name):
    assert ask(victim, "referrers", name)["result"]["instances"] > 1


def test_references(victim):
    truth = victim.ask("referrers")
    got = {}
    for name in NODES:
        result = ask(victim, "referrers", name, "-n", "0")["result"]
        assert result["other"] == {"groups": 0, "references": 0}
        for group in result["referrers"]:
            if not group["internal"] and group["type"] != "frame":
                got[group["type"]] = got.get(group["type"], 0) + group["references"]
    assert len(truth) > 12
    assert got == truth


def edges(victim, *arguments):
    result = ask(victim, "referrers", *arguments, "-n", "0")["result"]
    return {(group["type"], group["edge"]) for group in result["referrers"]}


def test_names(victim):
    assert {("__main__.Old", ".node"), ("__main__.New", ".node"), ("__main__.Slots", ".one"),
            ("__main__.NewNode", ".peer"), ("classobj", ".node"), ("dict", "['key']"),
            ("dict", "['key2']"), ("dict", "[<int>]"), ("dict", "key"), ("set", "{*}"),
            ("collections.deque", "[*]"), ("cell", ".cell_contents"), ("frame", "local node"),
            ("frame", "local value"), ("instancemethod", ".im_self"),
            ("__main__.OldDiamond", ".a"), ("tuple", "[1]"), ("list", "[0]"),
            } <= edges(victim, "__main__.Node")
    assert {("type", ".node"), ("__main__.OldDiamond", ".b")} <= edges(victim, "__main__.NewNode")


def test_locals(victim):
    for name, addr in victim.ask("addresses")["locals"].items():
        groups = ask(victim, "referrers", hex(addr), "-n", "0")["result"]["referrers"]
        assert ("frame", "local " + name) in {(group["type"], group["edge"]) for group in groups}


def test_values(victim):
    result = ask(victim, "show", hex(victim.ask("addresses")["values"]), "--values")["result"]
    shown = {link["edge"]: link["value"] for link in result["referents"]["items"]}
    assert [shown["[%d]" % number] for number in range(9)] == [
        "'a value of str'", "u'\\u20ac'", "12345", "1180591620717411303424L", "True",
        "\"\\xff'\"", "1.5", "None", "(1, 'one')"]


def test_subclasses_of_old_classes(victim):
    classes = {row["type"] for row in
               ask(victim, "referrers", "__main__.OldOther")["result"]["classes"]}
    assert classes == {"__main__.OldOther", "__main__.OldDiamond", "__main__.Mixed",
                       "__main__.OldFinal", "__main__.OldFinalChild"}
    classes = {row["type"] for row in ask(victim, "referrers", "Local")["result"]["classes"]}
    assert classes == {"__main__.Local"}


def test_path(victim):
    result = ask(victim, "path", "__main__.OldDiamond")["result"]
    assert result["instances"] == POPULATION + 1
    addr = victim.ask("addresses")["locals"]["old"]
    done = support.run_pyinspect(victim.pid, "path", hex(addr), "--format", "table")
    assert done.returncode == 0 and "local old" in done.stdout


def test_referents(victim):
    addr = victim.ask("addresses")["locals"]["old"]
    found = {(group["edge"], group["type"]) for group in
             ask(victim, "referents", hex(addr), "-n", "0")["result"]["referents"]}
    assert {(".number", "int"), (".items", "list"), (".__class__", "classobj")} <= found


@pytest.mark.parametrize("command", ["top-objects", "explain", "dominators"])
def test_other_commands(victim, command):
    assert ask(victim, command)["access"]["consistent"] is True


def test_garbage(victim, tmp_path):
    """What has a __del__ is found in its cycle, and stays, with what it leads to."""
    dump = tmp_path / "old.dump"
    result = ask(victim, "garbage", "-n", "0")["result"]
    done = support.run_pyinspect(victim.pid, "dump", str(dump))
    assert done.returncode == 0, done.stderr
    done = support.run_pyinspect(str(dump), "garbage", "-n", "0", "--format", "json")
    assert json.loads(done.stdout)["result"]["types"] == result["types"]
    truth = victim.ask("collect")
    assert truth["kept"] == ["__main__.NewFinal", "__main__.OldFinal", "__main__.OldFinalChild"]
    assert result["found"] == truth["found"]
    freed = {row["type"]: row["count"] for row in result["types"]}
    assert (freed["__main__.Old"], freed["__main__.New"]) == (1, 3)
    assert not {"__main__.Dict", "__main__.List", *truth["kept"]} & set(freed)


HOLD_NAME = """
import sys
import dbus.bus
connection = dbus.bus.BusConnection(sys.argv[1])
sys.stdout.write(connection.get_unique_name() + "\\n")
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def bus():
    """The address of a bus, and the name of a client that stays on it."""
    program, python = shutil.which("dbus-daemon"), "/usr/bin/python3"
    if not program or subprocess.run([python, "-c", "import dbus"],
                                     stderr=subprocess.DEVNULL).returncode:
        interpreters.missing("dbus-daemon or Python's module dbus is not installed")
    daemon = subprocess.Popen([program, "--session", "--nofork", "--nopidfile",
                               "--print-address"], stdout=subprocess.PIPE, text=True)
    address = daemon.stdout.readline().strip()
    client = subprocess.Popen([python, "-c", HOLD_NAME, address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        yield address, client.stdout.readline().strip()
    finally:
        for process in (client, daemon):
            process.kill()
            process.wait()


def test_slip_of_files(interpreter, tmp_path):
    """A core and a dump say the same of it, but for who is there."""
    target = support.Target.python(interpreter, "old_slip.py", ",".join(
        ":1.%d" % number for number in range(1000, 1200)),
        env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    try:
        target.wait_blocked()
        core, dump, values = (str(tmp_path / name) for name in ("core", "dump.pyi", "values.pyi"))
        core_writer.write(target.pid, core)
        for question in (("dump", dump), ("dump", values, "--values")):
            ask(target, *question)
        live = ask(target, "slip-dbus")["result"]
    finally:
        target.close()
    root = ["--sysroot", interpreter.root] if interpreter.root else []
    live["evidence"] = [one for one in live["evidence"] if "bus was not asked" not in one]
    for path, options in ((core, root), (values, []), (dump, [])):
        done = support.run_pyinspect(path, "slip-dbus", *options, "--format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        result = json.loads(done.stdout)["result"]
        if path == dump:
            (connection,) = result["connections"]
            assert (result["senders"], connection["senders"], result["objects"], result["bytes"]) == (
                200, 200, live["objects"], live["bytes"])
            continue
        result["evidence"] = [one for one in result["evidence"] if "bus was not asked" not in one]
        assert result == live


def test_slip(interpreter, bus):
    """Names as bytes and as text; those that nobody has are stale, the one that stays is not."""
    address, alive = bus
    stale = [":1.%d" % number for number in range(1000, 1200)]
    if interpreter.root:
        pytest.skip("the bus is not in the root")
    target = support.Target.python(interpreter, "old_slip.py", ",".join([*stale, alive]),
                                   env={"DBUS_SYSTEM_BUS_ADDRESS": address})
    try:
        with support.assert_untouched(target.pid):
            result = ask(target, "slip-dbus")["result"]
    finally:
        target.close()
    assert result["holder"] == "slip.dbus.service.Object"
    assert (result["verdict"], result["senders"], result["stale"]) == ("leak", 201, 200)
    assert result["unreadable"] == 0
    assert {row["type"]: row["count"] for row in result["classes"]} == {"firewall.Config": 7}
    assert [(row["senders"], row["stale"], row["match_arg1"], row["bus"])
            for row in result["connections"]] == [(201, 200, ":1.1000", "system")]
