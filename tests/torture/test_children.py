"""
A target that waits for its children never meets ours, and hears of no death but theirs.
"""

import pytest

import support

ATTACHES = 25


@pytest.mark.parametrize("kind", ["blocked", "ignored", "nowait"])
def test_parent_sees_its_own(start, kind):
    victim = start("parent.py", kind)
    before = victim.ask("check")
    for _ in range(ATTACHES):
        support.top_types(victim.pid)
        assert victim.snapshots() == []
    # those of its own die and are reaped all the time; one of ours has no exit signal
    assert victim.hidden_zombies() == []
    after = victim.ask("check")
    assert after["bad"] == []
    assert after["rounds"] >= before["rounds"] + ATTACHES // 5, "it did hardly anything"
