"""
check, and the names that rules are about: one with a mistake in it is never ok, one that was seen
before may be gone, and names are taken as reports write them.
"""

import json

import pytest

import interpreters
import support
from test_check import OK, CRITICAL, UNKNOWN, WARNING, ask, run, state

__all__ = ["state"]  # a fixture

TWIN = "__main__.First.Twin"
CACHE = "__main__.Cache.entries"


@pytest.fixture(scope="module")
def victim():
    target = support.Target.python(interpreters.any_interpreter(), "absent.py")
    yield target
    target.close()


def rules_of(report):
    return {rule["rule"]: rule for rule in report["result"]["rules"]}


@pytest.mark.parametrize("rule", [
    ("--max", "__main__.First.Twim=5"), ("--max", "__main__.First.Twim=5MiB"),
    ("--max-growth", "__main__.First.Twim=5/h"), ("--max-container", "__main__.KETP=5")])
def test_a_mistake_is_unknown_each_time(victim, state, rule):
    for _ in range(2):
        report = ask(victim.pid, state, *rule, expected=UNKNOWN)
        only, = report["result"]["rules"]
        assert only["status"] == "unknown" and only["value"] is None
        meant = "__main__.KEPT" if rule[0] == "--max-container" else TWIN
        # Of a type without objects, too, but no census has that.
        victim.ask("twins 1 0")
        assert "none was seen before" in only["message"]
        if meant == TWIN:
            report = ask(victim.pid, state, *rule, expected=UNKNOWN)
            assert report["result"]["rules"][0]["message"].endswith("there is %s" % TWIN)
        victim.ask("twins 0 0")
    done = run(victim.pid, state, *rule, "--no-history")
    assert done.returncode == UNKNOWN, done.stdout


def test_what_was_seen_may_go(victim, state, tmp_path):
    rule = ("--max-container", "late.queue=5:10")
    ask(victim.pid, state, *rule, expected=UNKNOWN)
    victim.ask("load")
    report = ask(victim.pid, state, *rule, expected=WARNING)
    assert report["result"]["rules"][0]["value"] == 7
    victim.ask("unload")
    report = ask(victim.pid, state, *rule, expected=OK)
    assert report["result"]["rules"][0]["value"] == 0
    # Another history has not seen it; nor does one that is not wanted.
    assert run(victim.pid, state, *rule, "--no-history").returncode == UNKNOWN
    path = tmp_path / "rules.json"
    content = {"rules": [{"rule": "max-container", "of": "late.queue", "warning": 5}]}
    for expected in (UNKNOWN, OK):
        path.write_text(json.dumps(content), encoding="utf-8")
        done = run(victim.pid, str(tmp_path / "other"), "--rules", str(path), "--no-history")
        assert done.returncode == expected, done.stdout
        content["rules"][0]["may_be_absent"] = True


def test_no_preset_is_unknown_for_what_others_have(victim, state):
    """firewalld without python-slip."""
    report = ask(victim.pid, state, "--preset", "firewalld", expected=OK)
    assert rules_of(report)["max-container slip.dbus.service.Object.senders"]["value"] == 0


def test_a_name_of_two_types_means_the_one_with_objects(victim, state):
    rule = ("--max", "Twin=5")
    victim.ask("twins 0 0")
    ask(victim.pid, state, *rule, expected=UNKNOWN)
    victim.ask("twins 6 0")
    report = ask(victim.pid, state, *rule, expected=CRITICAL)
    assert report["result"]["rules"][0]["value"] == 6
    victim.ask("twins 0 3")
    report = ask(victim.pid, state, *rule, expected=OK)
    assert report["result"]["rules"][0]["value"] == 3
    # Both had none before, but one of them had some.
    victim.ask("twins 0 0")
    ask(victim.pid, state, *rule, expected=OK)
    victim.ask("twins 1 1")
    report = ask(victim.pid, state, *rule, expected=UNKNOWN)
    assert "__main__.First.Twin and __main__.Second.Twin" in report["result"]["rules"][0]["message"]


@pytest.mark.parametrize("written", [CACHE, "instance " + CACHE, "in instance " + CACHE,
                                     "dict[*]  in instance " + CACHE])
def test_containers_of_instances(victim, state, written):
    victim.ask("caches 10 20 5")
    report = ask(victim.pid, state, "--max-container", written + "=30:100", expected=WARNING)
    only, = report["result"]["rules"]
    assert (only["value"], only["subject"]) == (35, CACHE)
    assert "35 entries in all instances (the longest 20)" in only["message"]
    victim.ask("caches")
    ask(victim.pid, state, "--max-container", written + "=30:100", expected=OK)


def test_containers_in_slots_and_what_is_none(victim, state):
    report = ask(victim.pid, state, "--max-container", "__main__.Slotted.items=6",
                 "--max-container", "__main__.Cache.label=6", expected=CRITICAL)
    found = rules_of(report)
    assert found["max-container __main__.Slotted.items"]["value"] == 7
    # A str has a length, but is no container.
    assert found["max-container __main__.Cache.label"]["status"] == "unknown"


@pytest.mark.parametrize("written", ["dict[*]  in instance " + CACHE,
                                     "__main__.KEPT[*][*].entries"])
def test_files_take_the_names_of_reports(victim, state, tmp_path, written):
    victim.ask("caches 10 20 5")
    by_option = ask(victim.pid, state, "--max-container", written + "=30", expected=CRITICAL)
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": [{"rule": "max-container", "of": written,
                                           "critical": 30}]}), encoding="utf-8")
    by_file = ask(victim.pid, state, "--rules", str(path), expected=CRITICAL)
    only, = by_file["result"]["rules"]
    assert only["value"] == by_option["result"]["rules"][0]["value"] == 35


@pytest.mark.parametrize("option", ["--max", "--max-growth", "--max-container"])
def test_wildcards_are_an_error(victim, state, option):
    done = run(victim.pid, state, option, "__main__.*=5" + "/h" * (option == "--max-growth"))
    assert done.returncode == UNKNOWN
    assert "wildcards" in done.stderr
