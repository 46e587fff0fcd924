"""
`growth`: what a process does between snapshots is what it says of it, and each stop is told.
"""

import json
import threading
import time

import pytest

import interpreters
import support

INTERVAL = 1.5


def spawn(pid, *options):
    done = []

    def run():
        done.append(support.run_pyinspect(pid, "growth", "--format", "json", *options))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, done


def between(target, commands, *options):
    """One command after each snapshot but the last, while pyinspect waits for the next one."""
    thread, done = spawn(target.pid, "--interval", str(INTERVAL), "-n", str(len(commands) + 1),
                         *options)
    begun = time.monotonic()
    for number, command in enumerate(commands):
        # There is no event that says that a snapshot was taken: the middle of the interval.
        time.sleep(max(0, begun + (number + 0.5) * INTERVAL - time.monotonic()))
        for word in command:
            target.ask(word)
    thread.join()
    assert done[0].returncode == 0, done[0].stdout + done[0].stderr
    support.assert_valid("growth", done[0].stdout)
    return json.loads(done[0].stdout)


def rows(result):
    return {row["type"].rpartition(".")[2]: row for row in result["types"]}


@pytest.fixture
def victim(start):
    """The walk is that of top-types, which is tried on all of them."""
    return start(interpreters.require(next(one for one in interpreters.EXPECTED if one.path)),
                 "growing.py")


def test_steady_and_noise(victim):
    known = victim.ask("grow 100")
    report = between(victim, [("grow 300", "noise"), ("grow 400", "noise"), ("grow 500",)])
    result, types = report["result"], rows(report["result"])
    row, spark = types["Row"], types["Spark"]
    assert row["counts"] == [100, 400, 800, 1300] and row["kind"] == "steady"
    assert row["sizes"] == [count * known["row"] for count in row["counts"]]
    assert row["count"] == {"before": 100, "after": 1300, "growth": 1200} and row["steps"] == 3
    assert spark["counts"] == [0, 500, 0, 0] and spark["kind"] == "noise"
    assert result["types"][0]["kind"] == "steady"
    moments = result["snapshots"]
    assert len(moments) == 4 and moments[0]["seconds"] == 0
    elapsed = moments[3]["seconds"]
    assert elapsed == pytest.approx(3 * INTERVAL, abs=INTERVAL / 2)
    assert row["per_hour"]["count"] == pytest.approx(1200 / elapsed * 3600, rel=0.001)
    # Each stop is told, and all of them together are those of the run.
    paused = sum(moment["paused_ms"] for moment in moments)
    assert all(moment["paused_ms"] > 0 for moment in moments)
    assert report["cost"]["paused_ms"] == pytest.approx(paused, rel=0.01, abs=0.01)
    assert report["cost"]["residue"] == [] and report["access"]["attempts"] >= 4


def test_untouched(victim):
    victim.ask("grow 10")
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "growth", "--interval", "200ms", "-n", "5",
                                     "--by", "count", "--scope", "tracked", "--format", "table")
    assert done.returncode == 0, done.stderr
    assert "5 snapshots in 0." in done.stdout and "Nothing has changed" in done.stdout


def test_ndjson_and_filter(victim):
    report = between(victim, [("grow 50", "noise")], "--type", "*Row")
    assert list(rows(report["result"])) == ["Row"]
    # One interval.
    assert rows(report["result"])["Row"]["kind"] == "steps"
    done = support.run_pyinspect(victim.pid, "growth", "--interval", "100ms", "-n", "2",
                                 "--format", "ndjson")
    support.assert_valid("growth", done.stdout, "--ndjson")


def test_process_ends(victim):
    """What was seen until then is shown."""
    thread, done = spawn(victim.pid, "--interval", "1", "-n", "50")
    time.sleep(2.5)
    victim.process.kill()
    victim.process.wait()
    thread.join()
    report = json.loads(done[0].stdout)
    assert done[0].returncode == 5, done[0].stdout
    assert [warning["code"] for warning in report["warnings"]] == ["ended-early"]
    assert 2 <= len(report["result"]["snapshots"]) <= 4
    support.assert_valid("growth", done[0].stdout)


def test_timeout_is_beside_waiting(victim):
    """And an end by the user is one, within a second."""
    done = support.run_pyinspect(victim.pid, "growth", "--interval", "1500ms", "-n", "3",
                                 "--timeout", "2")
    assert done.returncode == 0, done.stdout
    process = support.spawn_pyinspect(victim.pid, "growth", "--interval", "1000")
    time.sleep(1)
    begun = time.monotonic()
    process.terminate()
    assert process.wait() == -15 and time.monotonic() - begun < 5
    support.wait_until(lambda: support.is_itself(victim.pid), "it is as it was")


def test_usage(victim, tmp_path):
    for words in (("-n", "1"), ("-n", "0"), ("-n", "101"), ("--interval", "1ms"),
                  ("--interval", "soon"), ("--by", "retained")):
        done = support.run_pyinspect(victim.pid, "growth", *words)
        assert done.returncode == 2, words
    path = str(tmp_path / "heap.pyi")
    assert support.run_pyinspect(victim.pid, "dump", path).returncode == 0
    done = support.run_pyinspect(path, "growth")
    assert done.returncode == 2 and "is a dump" in done.stderr
