"""
Attaches to programs at work: each counts as much as without us, and looks the same from outside.

PYI_SOAK_ATTACHES says how often each is attached to (40), PYI_SOAK_SEED which commands, and when
they are killed. `tests/soak/run` does it at length.
"""

import os

import pytest

import interpreters
import support
import targets
from load import Missing
from soak import soak, table

ATTACHES = int(os.environ.get("PYI_SOAK_ATTACHES", "40"))
SEED = int(os.environ.get("PYI_SOAK_SEED", "1"))

# A master and two workers at the least.
ROLES = {"gunicorn": 3, "uwsgi": 3}


def check(make):
    try:
        result = soak(make, ATTACHES, SEED)
    except Missing as reason:
        if os.environ.get("PYI_REQUIRE_DAEMONS") == "1":
            pytest.fail("it is required: %s" % reason)
        pytest.skip(str(reason))
    print(table([result]))
    print("%.1f s, %s" % (result.seconds, dict(result.attacher.roles)))
    assert not result.differences, "\n".join(result.differences)
    outcomes = result.attacher.outcomes
    assert outcomes["complete"] > ATTACHES // 2, outcomes
    assert outcomes["killed"] > 0, outcomes
    return result


def test_busy_python():
    check(targets.busy(interpreters.any_interpreter()))


@pytest.mark.parametrize("name", targets.DAEMONS)
def test_daemon(name):
    result = check(targets.DAEMONS[name])
    assert len(result.attacher.roles) >= ROLES.get(name, 1)
