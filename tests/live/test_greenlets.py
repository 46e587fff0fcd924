"""
Greenlets that are suspended must be counted once, whatever their tp_is_gc says; and what the local
variables of their frames hold must be counted, be held by that variable, and have a path.
"""

import json

import pytest

import support

LOCALS = {"__main__.Shallow": ("serve", "held"), "__main__.Deep": ("descend", "thing"),
          "__main__.Generated": ("produce", "product"),
          "__main__.Behind": ("serve_behind", "held")}


@pytest.fixture(scope="module")
def victim(interpreter):
    interpreter.require_module("greenlet")
    target = support.Target.python(interpreter, "greenlets.py")
    yield target
    target.close()


def ask(victim, *arguments):
    done = support.run_pyinspect(victim.pid, *arguments, "--format", "json")
    assert done.returncode == 0, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    return json.loads(done.stdout)["result"]


def test_each_is_counted_once(victim):
    counts = {name: count for name, count in victim.ask("counts").items()
              if "greenlet" in name or name == "__main__.Server"}
    assert len(counts) == 2 and counts["__main__.Server"] > 20
    for scope in ("tracked", "all"):
        with support.assert_untouched(victim.pid):
            rows = support.census(support.top_types(victim.pid, "--scope", scope, "-n", "0"))
        got = {name: rows[name][0] for name in rows
               if name.split(".")[-1] == "greenlet" or name == "__main__.Server"}
        assert got == {name.replace("greenlet._greenlet.", "greenlet."): count
                       for name, count in counts.items()}, scope


def test_what_frames_hold_is_counted(victim):
    rows = support.census(support.top_types(victim.pid, "--scope", "all", "-n", "0"))
    expected = victim.ask("expected")
    assert {name: rows.get(name, (0,))[0] for name in expected} == expected
    # the bodies: bytes are not tracked
    assert rows["bytes"][1] > 20 * 200000


@pytest.mark.parametrize("name", sorted(LOCALS))
def test_path_leads_through_the_local_variable(victim, name):
    function, variable = LOCALS[name]
    paths = ask(victim, "path", name)["paths"]
    assert "local " + variable in paths[0]["expression"], paths[0]["expression"]


@pytest.mark.parametrize("name", sorted(LOCALS))
def test_the_frame_is_the_owner(victim, name):
    function, variable = LOCALS[name]
    groups = ask(victim, "referrers", name, "-n", "0")["referrers"]
    frames = [(group["owner"], group["edge"]) for group in groups
              if function in (group["owner"] or "")]
    assert frames, groups
    if name == "__main__.Shallow":
        assert {owner for owner, _ in frames} == {"frame serve local held"}
    else:
        assert ("frame " + function, " local " + variable) in [
            (owner, " " + edge.strip()) for owner, edge in frames]


def test_contexts_and_attributes(victim):
    expected = victim.ask("expected")
    if expected["__main__.InContext"]:
        assert "['__main__'].waiting" in ask(victim, "path", "__main__.InContext")["paths"][0][
            "expression"]
    groups = ask(victim, "referrers", "__main__.Attached")["referrers"]
    assert [(group["type"], group["edge"], group["objects"]) for group in groups] == [
        ("__main__.Server", ".attached", expected["__main__.Attached"])]


def test_all_commands_agree(victim):
    whole = support.top_types(victim.pid, "--scope", "all", "-n", "0")["result"]["objects"]
    assert ask(victim, "top-objects", "-n", "1")["objects"] == whole
