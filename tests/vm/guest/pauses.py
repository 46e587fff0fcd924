"""
How long a process stands still for a snapshot, as a ratio to what a fork() of its own takes it in the
same run: an emulated processor says nothing of real milliseconds. And what --max-pause expects.
"""

import os
import re
import statistics

from cases import Victim, case, look, refused, right, say, support

SIZES_MIB = (8, 128, 384)
ROUNDS = 5
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
# src/snapshot/preflight.c: a GB in pages of 4 KB takes 20 ms, in huge pages 0.4 ms; and 0.4 ms in any case.
LEAST_MS, GB_MS, HUGE_GB_MS = 0.4, 20, 0.4


def expected_ms(anonymous_mib, huge_mib=0):
    return (LEAST_MS + (anonymous_mib - huge_mib) / 1024 * GB_MS * 4096 / PAGE_BYTES
            + huge_mib / 1024 * HUGE_GB_MS)


def anonymous_mib(victim):
    line = re.search(r"RssAnon:\s+(\d+) kB", support.read_text("/proc/%d/status" % victim.pid))
    return int(line.group(1)) / 1024


def check_refusal(victim, milliseconds):
    """It says what it would take, and refuses what takes more than it may, 1 ms at least."""
    code, envelope = look(victim, "--max-pause=1", "--source=clone")
    error = envelope.get("error", {})
    if milliseconds <= 1:
        assert error.get("code") != "pause-too-long", error
        return
    refused((code, envelope), "pause-too-long", 1, "--max-pause")
    said = int(re.search(r"for about (\d+) ms", error["message"]).group(1))
    assert abs(said - milliseconds) <= 0.6, (said, milliseconds)


def ratio():
    for mebibytes in SIZES_MIB:
        with case("pause and fork with %d MiB" % mebibytes), Victim(5000, mebibytes) as victim:
            pauses, forks = [], []
            for _ in range(ROUNDS):
                forks.append(victim.ask("time_fork")["ms"])
                pauses.append(right(victim, look(victim))["cost"]["longest_pause_ms"])
            pause, fork = statistics.median(pauses), statistics.median(forks)
            say("    pause / fork = %.1f (emulated: %.1f ms / %.1f ms)" % (pause / fork, pause, fork))


def estimate():
    for mebibytes in (8, 384):
        with case("--max-pause expects what pages of %d KB take, %d MiB" % (
                PAGE_BYTES >> 10, mebibytes)), Victim(5000, mebibytes) as victim:
            check_refusal(victim, expected_ms(anonymous_mib(victim)))


def estimate_huge():
    with case("--max-pause expects what huge pages take"), Victim(5000, 8) as victim:
        got = victim.ask("huge_anonymous 384")
        assert not got, got
        rollup = support.read_text("/proc/%d/smaps_rollup" % victim.pid)
        huge = int(re.search(r"AnonHugePages:\s+(\d+) kB", rollup).group(1)) / 1024
        if PAGE_BYTES == 4096:
            assert huge > 300, rollup
        say("    %d MiB of %d in huge pages" % (huge, anonymous_mib(victim)))
        check_refusal(victim, expected_ms(anonymous_mib(victim), huge))


def pauses():
    ratio()
    estimate()
    estimate_huge()
