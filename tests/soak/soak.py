"""
Lets a target work while pyinspect is attached to it again and again, then lets another do exactly
as much work undisturbed, and compares what the two have counted.
"""

import collections
import time

import support
from attach import Attacher


# doc/safety.md: if pyinspect is killed within a stop, a thread may be left with an EINTR. Few kills
# meet that moment.
KILLED_PER_INTERRUPTED = 50


class Result:
    def __init__(self, name):
        self.name = name
        self.seconds = 0
        self.attacher = None
        self.items = 0
        # Whatever is not as it must be, of the target or of pyinspect, in words.
        self.differences = []
        # The same of the undisturbed target: that is not ours.
        self.control_differences = []
        # Calls in C that gave EINTR: see KILLED_PER_INTERRUPTED.
        self.interrupted = 0


def soak(make, attaches, seed=1):
    """`make` makes the target. Raises load.Missing if it cannot be started here."""
    begin = time.monotonic()
    with make() as load:
        result = Result(load.name)
        report = _attached(load, attaches, seed, result)
    with make() as load:
        control = _control(load, report.items)
    result.items = sum(report.items.values())
    result.differences += _wrong(report)
    result.control_differences = _wrong(control)
    result.interrupted = report.interrupted
    if result.interrupted > 1 + result.attacher.outcomes["killed"] // KILLED_PER_INTERRUPTED:
        result.differences.append("calls gave EINTR: %d" % result.interrupted)
    if control.interrupted:
        result.control_differences.append("calls gave EINTR: %d" % control.interrupted)
    result.differences += ["%s: %s, without us %s" % (name, _shorten(count),
                                                      _shorten(control.counts.get(name)))
                           for name, count in report.counts.items()
                           if count != control.counts.get(name)]
    result.seconds = time.monotonic() - begin
    return result


def _warm_up(load):
    """So that whatever it opens, maps and starts with its first work is there."""
    load.work(load.warm_up)
    load.finish(halt=False)


def _attached(load, attaches, seed, result):
    _warm_up(load)
    before = support.wait_until(load.look, "%s rests" % load.name)
    result.attacher = Attacher(load, attaches, seed)
    load.work()
    result.attacher.run()
    report = load.finish()
    result.differences += result.attacher.faults
    changed = {}

    def same():
        state = load.look()
        changed.clear()
        changed.update(_changes(before, state) if state else {"": "it does not rest"})
        return not changed

    try:
        support.wait_until(same, "the same state")
    except AssertionError:
        result.differences.append("it looks different from outside: %s" % changed)
    return report


def _changes(before, after):
    """Of one process, or of several by their roles."""
    found = {}
    for key, pair in support.differences(before, after).items():
        if all(isinstance(one, dict) for one in pair):
            found[key] = support.differences(*pair)
        else:
            found[key] = pair
    return found


def _control(load, items):
    _warm_up(load)
    load.work(items)
    return load.finish(halt=False)


def _wrong(report):
    return report.faults + ["%s: %s instead of %s" % (name, _shorten(report.counts.get(name)),
                                                      _shorten(wanted))
                            for name, wanted in report.expected.items()
                            if report.counts.get(name) != wanted]


def _shorten(value):
    """A list by its length and its first elements."""
    if isinstance(value, list):
        return "%d of them, %.100s" % (len(value), value)
    return value


HEADINGS = ("target", "attaches", "of these killed", "complete", "labelled", "refused",
            "target ended", "items of work", "differences", "in the control", "median pause, ms",
            "longest, ms")


def row(result):
    outcomes = result.attacher.outcomes
    pauses = sorted(result.attacher.pauses) or [0]

    def count(prefix):
        return sum(number for name, number in outcomes.items() if name.startswith(prefix))

    return (result.name, result.attacher.count, count("killed"), count("complete"),
            count("labelled"), count("refused"), count("target ended"), result.items,
            len(result.differences), len(result.control_differences),
            pauses[len(pauses) // 2], pauses[-1])


def _cell(value):
    if isinstance(value, float):
        return "%.2f" % value
    return value if isinstance(value, str) else "{:,}".format(value)


def table(results):
    """For Markdown; with the reasons of runs that were not complete below it."""
    rows = [row(result) for result in results]
    total = ["all"] + [sum(column) for column in list(zip(*rows))[1:10]]
    pauses = sorted(pause for result in results for pause in result.attacher.pauses) or [0]
    total += [pauses[len(pauses) // 2], pauses[-1]]
    lines = ["| %s |" % " | ".join(HEADINGS), "|%s" % ("---|" + "---:|" * (len(HEADINGS) - 1))]
    lines += ["| %s |" % " | ".join(map(_cell, one)) for one in rows + [total]]
    outcomes, uncertain = (
        sum((getattr(result.attacher, name) for result in results), collections.Counter())
        for name in ("outcomes", "uncertain"))
    lines += [""] + ["- %s: %s" % (name, _cell(number))
                     for name, number in sorted(outcomes.items())]
    lines += ["- residue that is not certain, %s: %s" % (name, _cell(number))
              for name, number in sorted(uncertain.items())]
    lines += ["- EINTR in C, possible when pyinspect is killed: %s" % _cell(
        sum(result.interrupted for result in results))]
    return "\n".join(lines)
