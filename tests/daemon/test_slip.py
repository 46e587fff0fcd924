"""
The leak of python-slip on the real firewalld that had it: what pyinspect says is what the process
says of itself (tests/testbed/inside/truth.py).
"""

import contextlib
import json
import os

import pytest

import core_writer
import older_kernel
import support

OBJECT = "slip.dbus.service.Object"
# What refers to strings changes by a few objects while the process itself looks.
SLACK = 3
# Tuples and frozensets are also constants of code objects, which do not tell the collector.
KEPT_BY_CODE = {"tuple", "frozenset"}


def ask(pid, *arguments, prefix=()):
    # Two million senders on a machine that has other things to do take longer than users wait.
    done = support.run_pyinspect(pid, *arguments, "--format", "json", "--timeout", "170",
                                 prefix=prefix)
    assert done.returncode == 0, "exit %d\n%s%s" % (done.returncode, done.stderr, done.stdout)
    support.assert_valid(arguments[0], done.stdout)
    envelope = json.loads(done.stdout)
    assert envelope["command"] == arguments[0]
    assert envelope["access"]["consistent"]
    return envelope["result"]


def slip_dbus(firewalld, prefix=()):
    result = ask(firewalld.pid, "slip-dbus", prefix=prefix)
    # A verdict against the process says why.
    assert result["evidence"] or result["verdict"] in ("ok", "absent")
    return result


def assert_as_it_says(result, truth):
    assert result["holder"] == OBJECT
    assert result["instances"] == truth["instances"]
    assert {row["type"]: row["count"] for row in result["classes"]} == truth["classes"]
    assert result["senders"] == truth["senders"]
    assert result["unreadable"] == 0
    rows = [(row["connection"].split(" ")[0], row["senders"], row["match_arg1"], row["stale"])
            for row in result["connections"]]
    assert sorted(rows) == sorted((row["type"], row["senders"], row["match_arg1"], row["stale"])
                                  for row in truth["connections"])
    assert {row["bus"] for row in result["connections"]} <= {"system"}


def test_clients_one_after_another_leave_nothing(old_firewalld):
    old_firewalld.load("seq", 500)
    result = slip_dbus(old_firewalld)
    assert (result["verdict"], result["senders"], result["stale"]) == ("ok", 0, 0)
    assert_as_it_says(result, old_firewalld.ask()["slip"])


def test_clients_that_stay_are_no_leak(old_firewalld):
    old_firewalld.load("live", 3)
    result = slip_dbus(old_firewalld)
    truth = old_firewalld.ask()["slip"]
    assert (result["verdict"], result["senders"], result["stale"]) == ("ok", 3, 0)
    assert truth["stale"] == 0
    assert_as_it_says(result, truth)
    # Now they are gone, all but the first unnoticed.
    old_firewalld.leave()
    result = slip_dbus(old_firewalld)
    assert (result["verdict"], result["senders"], result["stale"]) == ("leak", 2, 2)
    assert_as_it_says(result, old_firewalld.ask()["slip"])


def test_a_client_that_stays_is_told_from_those_that_are_gone(old_firewalld):
    # The one that stays is the first: the one whose end is watched.
    old_firewalld.load("live", 1)
    old_firewalld.load("seq", 20)
    result = slip_dbus(old_firewalld)
    truth = old_firewalld.ask()["slip"]
    assert (truth["senders"], truth["stale"]) == (21, 20)
    assert (result["verdict"], result["senders"], result["stale"]) == ("leak", 21, 20)
    assert_as_it_says(result, truth)
    # It goes, another one comes and stays: nobody watches any more.
    old_firewalld.leave()
    old_firewalld.load("second", 20, stay=True)
    result = slip_dbus(old_firewalld)
    truth = old_firewalld.ask()["slip"]
    assert truth["senders"] == truth["stale"] + 1
    assert (result["verdict"], result["stale"]) == ("leak", truth["stale"])
    assert_as_it_says(result, truth)


def test_after_an_overlap_every_client_leaks(leaking_firewalld):
    look = {"blocked": False, "memory": False}
    before = support.settled_state(leaking_firewalld.pid, **look)
    truth = leaking_firewalld.ask()["slip"]
    result = slip_dbus(leaking_firewalld)
    assert leaking_firewalld.ask()["slip"] == truth
    assert (truth["senders"], truth["stale"]) == (501, 501)
    assert (result["verdict"], result["stale"]) == ("leak", truth["stale"])
    assert result["bus"]["reached"]
    assert result["bus"]["address"] == leaking_firewalld.address
    # The bus itself, firewalld, and the one who asks.
    assert result["bus"]["names"] >= 3
    assert_as_it_says(result, truth)
    assert result["bytes"] == pytest.approx(truth["bytes"], rel=0.01)
    # Two containers, a set in one of them, a tuple and a name for each sender.
    assert result["objects"] >= 3 + 2 * truth["senders"]
    support.assert_same_state(leaking_firewalld.pid, before, **look)


def assert_of_a_file(result, live, *unknown, **known_otherwise):
    """As of the process, but for what only the bus says, and what is named."""
    unknown = ("verdict", "evidence", "stale", "bus") + unknown
    connections = [dict(one, stale=None, **known_otherwise) for one in live["connections"]]
    assert ({key: value for key, value in result.items() if key not in unknown}
            == {key: value for key, value in dict(live, connections=connections).items()
                if key not in unknown})
    assert (result["verdict"], result["stale"]) == ("suspect", None)
    assert result["bus"] == {"reached": False, "address": None, "names": None}


def test_core(leaking_firewalld, tmp_path):
    """Of a core all is known but who is gone."""
    path = str(tmp_path / "firewalld.core")
    core_writer.write(leaking_firewalld.pid, path)
    result = ask(path, "slip-dbus")
    assert_of_a_file(result, slip_dbus(leaking_firewalld))
    # 501 names may all be there; but the one that is watched is not among them.
    assert any("none of them will ever be removed" in one for one in result["evidence"])


@pytest.mark.parametrize("values", [True, False])
def test_dump(leaking_firewalld, tmp_path, values):
    path = str(tmp_path / "firewalld.pyi")
    ask(leaking_firewalld.pid, "dump", path, *["--values"] * values)
    result = ask(path, "slip-dbus")
    live = slip_dbus(leaking_firewalld)
    assert result["names_known"] == values and live["names_known"]
    # The rule of a match is longer than what a dump keeps of a value.
    assert_of_a_file(result, live, *["names_known", "unreadable"] * (not values), match_arg1=None)
    assert any("is not in the dump" in one for one in result["evidence"])


def test_same_on_an_older_kernel(old_firewalld, tmp_path):
    old_firewalld.put(50)
    prefix = older_kernel.prefix(tmp_path, *older_kernel.LACKS)
    result = slip_dbus(old_firewalld, prefix)
    truth = old_firewalld.ask()["slip"]
    assert (result["verdict"], result["stale"]) == ("leak", truth["stale"])
    assert_as_it_says(result, truth)


def test_two_million_senders(old_firewalld):
    old_firewalld.put(2000000)
    result = slip_dbus(old_firewalld)
    truth = old_firewalld.ask()["slip"]
    # And the two whose overlap began it.
    assert truth["senders"] == truth["stale"] == 2000002
    assert (result["verdict"], result["stale"]) == ("leak", truth["stale"])
    assert_as_it_says(result, truth)
    assert result["bytes"] == pytest.approx(truth["bytes"], rel=0.01)
    assert result["objects"] >= 3 + 2 * truth["senders"]


@contextlib.contextmanager
def out_of_reach(firewalld):
    """The bus goes on, and who is connected stays so; nobody finds its socket."""
    os.rename(firewalld.socket, firewalld.socket + ".away")
    try:
        yield
    finally:
        os.rename(firewalld.socket + ".away", firewalld.socket)


def test_leak_is_suspected_when_the_bus_cannot_be_asked(leaking_firewalld):
    with out_of_reach(leaking_firewalld):
        result = slip_dbus(leaking_firewalld)
    truth = leaking_firewalld.ask()["slip"]
    assert not result["bus"]["reached"]
    assert result["bus"]["names"] is None
    assert result["stale"] is None
    assert [row["stale"] for row in result["connections"]] == [None]
    assert result["senders"] == truth["senders"]
    # The one client whose end was watched is not among those that are noted.
    assert result["verdict"] == "suspect"


def test_nothing_is_suspected_without_senders(old_firewalld):
    with out_of_reach(old_firewalld):
        result = slip_dbus(old_firewalld)
    assert not result["bus"]["reached"]
    assert (result["verdict"], result["senders"]) == ("ok", 0)


def test_firewalld_without_slip(firewalld):
    result = slip_dbus(firewalld)
    assert result["verdict"] == "absent"
    assert result["holder"] is None
    assert (result["instances"], result["senders"], result["bytes"]) == (0, 0, 0)
    assert result["classes"] == result["connections"] == []


def holders(rows):
    """{type: (most objects of one group, objects of all)} of what the collector knows of too."""
    found = {}
    for row in rows:
        if not row["internal"] and row["type"]:
            most, total = found.get(row["type"], (0, 0))
            found[row["type"]] = (max(most, row["objects"]), total + row["objects"])
    return found


def test_referrers_of_the_service_objects(leaking_firewalld):
    result = ask(leaking_firewalld.pid, "referrers", OBJECT, "-n", "0")
    truth = leaking_firewalld.ask(OBJECT)
    assert result["type"] == OBJECT
    assert not result["truncated"]
    assert result["instances"] == truth["slip"]["instances"]
    assert {row["type"]: row["count"] for row in result["classes"]} == truth["slip"]["classes"]
    found = holders(result["referrers"])
    expected = truth["referrers"][OBJECT]
    assert set(found) == set(expected)
    for name, count in expected.items():
        # An object that refers in several ways is in several groups.
        assert found[name][0] <= count <= found[name][1], name


def test_referrers_of_strings_name_what_leaks(leaking_firewalld):
    result = ask(leaking_firewalld.pid, "referrers", "str", "-n", "0")
    answer = leaking_firewalld.ask("str")
    senders = answer["slip"]["senders"]

    def of(owner):
        return [(row["type"], row["edge"], row["objects"], row["references"])
                for row in result["referrers"] if row["owner"] == owner and not row["internal"]]

    assert of(OBJECT + ".senders") == [("tuple", "[0]", senders, senders)]
    assert of(OBJECT + ".connections_senders") == [("set", "{*}", 1, senders)]

    found = holders(result["referrers"])
    expected = answer["referrers"]["str"]
    rest = found.pop("(other)", (0, 0))[1]
    assert set(found) <= set(expected) | KEPT_BY_CODE
    for name, count in expected.items():
        most, total = found.get(name, (0, 0))
        assert total + rest >= count - SLACK, name
        assert most <= count + SLACK or name in KEPT_BY_CODE, name
