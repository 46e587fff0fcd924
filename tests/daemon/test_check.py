"""
check on the real firewalld that had python-slip's leak: ok without it, critical with it, and the
number of stale names right in each form of its output.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

import support

FORMS = ("table", "json", "ndjson", "nagios", "prometheus")
FLEET_RULES = os.path.join(support.ROOT, "examples", "fleet", "rules.d", "50-firewalld.json")
OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]


def check(firewalld, state, form, *options):
    options = options or ("--preset", "firewalld")
    done = support.run_pyinspect(firewalld.pid, "check", *options, "--min-age", "0", "--state",
                                 state, "--format", form)
    assert "warning" not in done.stderr, done.stderr
    return done


def promtool(text):
    if not shutil.which("promtool"):
        if os.environ.get("PYI_REQUIRE_DAEMONS") == "1":
            pytest.fail("promtool is required: it is in Debian's package prometheus")
        return
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + text


def rules_of(text, form):
    if form == "json":
        support.assert_valid("check", text)
        return json.loads(text)["result"]["rules"]
    support.assert_valid("check", text, "--ndjson")
    return [json.loads(line) for line in text.splitlines()[1:]]


def stale_of(text, form, pid):
    """What the report says of stale names."""
    if form == "table":
        return int(re.search(r"^ *([\d,]+) .* max-slip-stale$", text, re.M)[1].replace(",", ""))
    if form == "nagios":
        by_rule, by_figure = (int(re.search(r" '%s'=(\d+);" % name, text.splitlines()[0])[1])
                              for name in ("max-slip-stale", "slip_stale"))
        assert by_rule == by_figure
        return by_rule
    if form == "prometheus":
        return int(re.search(r'^pyinspect_slip_stale_senders\{target="%d"\} (\d+)$' % pid, text,
                             re.M)[1])
    rule, = [rule for rule in rules_of(text, form) if rule["rule"] == "max-slip-stale"]
    return rule["value"]


def status_of(text, form, pid):
    if form == "table":
        return WORDS.index(re.search(r"^([A-Z]+): ", text, re.M)[1])
    if form == "nagios":
        return WORDS.index(re.match(r"PYINSPECT ([A-Z]+) - ", text)[1])
    if form == "prometheus":
        promtool(text)
        return int(re.search(r'^pyinspect_check_status\{target="%d"\} (\d)$' % pid, text,
                             re.M)[1])
    return WORDS.index(json.loads(text if form == "json" else text.splitlines()[0])
                       ["result"]["status"].upper())


def assert_says(firewalld, state, form, status):
    truth = firewalld.ask()["slip"]["stale"]
    done = check(firewalld, state, form)
    assert done.returncode == status, done.stdout + done.stderr
    assert status_of(done.stdout, form, firewalld.pid) == status
    assert stale_of(done.stdout, form, firewalld.pid) == truth
    return truth


def test_ok_without_the_leak(old_firewalld, tmp_path):
    """Clients one after another, and clients that stay."""
    state = str(tmp_path / "state")
    old_firewalld.load("seq", 500)
    for form in FORMS:
        assert assert_says(old_firewalld, state, form, OK) == 0
    old_firewalld.load("live", 3)
    for form in FORMS:
        assert assert_says(old_firewalld, state, form, OK) == 0
    assert not os.path.exists(os.path.join(state, "evidence"))


@pytest.mark.parametrize("form", FORMS)
def test_critical_with_it(leaking_firewalld, tmp_path, form):
    assert assert_says(leaking_firewalld, str(tmp_path / "state"), form, CRITICAL) >= 500


def test_evidence(leaking_firewalld, tmp_path):
    state = str(tmp_path / "state")
    truth = leaking_firewalld.ask()["slip"]
    folder = json.loads(check(leaking_firewalld, state, "json").stdout)["result"]["evidence"]
    with open(os.path.join(folder, "slip-dbus.json"), encoding="utf-8") as stream:
        result = json.load(stream)["result"]
    assert (result["verdict"], result["stale"]) == ("leak", truth["stale"])
    assert leaking_firewalld.answers()
    assert json.loads(check(leaking_firewalld, state, "json").stdout)["result"]["evidence"] is None


def test_rule_file_of_the_fleet(leaking_firewalld, tmp_path):
    """That for firewalld, by the name that it has here."""
    with open(FLEET_RULES, encoding="utf-8") as stream:
        rules = json.load(stream)
    assert rules["targets"] == ["firewalld"]
    rules["targets"] = [str(leaking_firewalld.pid)]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(rules))
    done = check(leaking_firewalld, str(tmp_path / "state"), "json", "--rules", str(path))
    assert done.returncode == CRITICAL, done.stdout + done.stderr
    found = {rule["rule"].split(" ")[0]: rule["status"] for rule in rules_of(done.stdout, "json")}
    assert found["slip-dead-match"] == "critical" and "max-rss" in found


def test_a_bus_that_cannot_be_asked_is_no_ok(old_firewalld, tmp_path):
    old_firewalld.load("live", 3)
    os.rename(old_firewalld.socket, old_firewalld.socket + ".away")
    try:
        done = check(old_firewalld, str(tmp_path / "state"), "json")
    finally:
        os.rename(old_firewalld.socket + ".away", old_firewalld.socket)
    assert done.returncode == UNKNOWN, done.stdout
    assert "no-bus" in {warning["code"] for warning in json.loads(done.stdout)["warnings"]}
