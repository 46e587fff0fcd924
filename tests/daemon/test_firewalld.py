"""
The real firewalld, unmodified, while it serves a client: it must not notice that it is looked into.
"""

import os
import re
import subprocess

import support

RUNS = int(os.environ.get("PYI_SNAPSHOTS", "200"))
TROUBLE = re.compile(r"ERROR|CRITICAL|FATAL|Traceback|EINTR|Interrupted system call", re.IGNORECASE)


def look(pid):
    """It serves meanwhile: its heap may grow, all else may not change."""
    return support.snapshot_state(pid, blocked=False, memory=False)


def serve_for_a_while(firewalld, calls=20):
    """So that whatever firewalld opens or starts with the first calls is there."""
    for _ in range(calls):
        assert firewalld.answers()


def troubles(firewalld):
    return [line for line in firewalld.read_log().splitlines() if TROUBLE.search(line)]


def first_type(text):
    """By jq, as a user would."""
    done = subprocess.run(["jq", "-er", ".result.types[0].type"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout + text
    return done.stdout.strip()


def test_runs_in_a_row_while_it_serves(firewalld):
    serve_for_a_while(firewalld)
    before = support.wait_until(
        lambda: look(firewalld.pid) if not support.children(firewalld.pid) else None, "it is idle")
    trouble = troubles(firewalld)
    with firewalld.busy_client() as client:
        for _ in range(RUNS):
            # On a machine that is busy too, stops are longer; this is not about how often.
            done = support.run_pyinspect(firewalld.pid, "top-types", "--format", "json",
                                         "--max-total-pause", "20000", "--max-pause", "5000")
            assert done.returncode == 0, done.stdout + done.stderr
            assert first_type(done.stdout)
        words, _ = client.communicate(timeout=60)
    calls, failures, slowest, *words = words.strip().split(" ", 3)
    print("%s calls, slowest %s ms" % (calls, slowest))
    assert int(calls) > RUNS
    assert int(failures) == 0, words
    assert int(slowest) < 5000

    support.assert_same_state(firewalld.pid, before, blocked=False, memory=False)
    assert firewalld.process.is_alive()
    assert firewalld.answers()
    assert troubles(firewalld) == trouble


def test_finds_its_objects(firewalld):
    """Classes of firewalld's own, by their full names; each scope tells the same about them."""
    everything = support.census(support.top_types(firewalld.pid, "-n", "0"))
    tracked = support.census(support.top_types(firewalld.pid, "-n", "0", "--scope", "tracked"))
    names = [name for name in tracked if name.startswith("firewall.")]
    assert "firewall.core.fw.Firewall" in names
    assert "firewall.server.firewalld.FirewallD" in names
    assert {name: everything[name][0] for name in names} == {
        name: tracked[name][0] for name in names}


def test_dropped_capabilities_stay_dropped(firewalld):
    before = support.status(firewalld.pid, firewalld.pid)
    ours = support.status(os.getpid(), os.getpid())
    assert before["CapEff"] != ours["CapEff"], "firewalld drops capabilities when it can"
    support.top_types(firewalld.pid)
    assert support.status(firewalld.pid, firewalld.pid) == before
