"""
`--scope all`: counts and shallow sizes of every kind of object are what sys.getsizeof() says, also
for objects that the gc knows nothing of. Compared are two looks at the same process: before and
after it made the objects.
"""

import pytest

import support

# Types of the victim's that the tool cannot know the size of, and says so.
ESTIMATED = {"__main__.OwnSize"}

# What objects of other kinds come with: each kind of these has a look for itself.
COMPANIONS = {"str", "bytes", "int", "tuple", "list", "dict", "frame"}


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "sizes.py")
    yield target
    target.close()


def look(victim):
    return support.census(support.top_types(victim.pid, "--scope", "all", "-n", "0"))


def apart(names):
    """Kinds that can be told from each other in one look: no two of them make objects of one type."""
    batches = []
    for kind, types in names.items():
        batch = next((batch for batch in batches if not any(
            types & (names[other] | COMPANIONS) or names[other] & COMPANIONS
            for other in batch)), None)
        if batch is None:
            batches.append([kind])
        else:
            batch.append(kind)
    return batches


def grow(victim, batch, names, before):
    """What was added of each kind that is not what Python says, and a look at what is there now."""
    wrong = {}
    added = {kind: victim.ask("grow " + kind) for kind in batch}
    after = look(victim)
    for kind in batch:
        assert set(added[kind]) == names[kind], kind
        for name, (count, size) in added[kind].items():
            old, new = before.get(name, (0, 0, False)), after.get(name, (0, 0, False))
            estimated = name in ESTIMATED
            got = [new[0] - old[0], None if estimated else new[1] - old[1], new[2]]
            expected = [count, None if estimated else size, estimated]
            if got != expected:
                wrong[kind, name] = {"pyinspect": got, "Python": expected}
    return wrong, after


def test_every_kind(victim):
    """A string that the process lets go meanwhile is no mistake, and does not come twice."""
    wrong = {}
    names = {kind: set(types) for kind, types in victim.ask("kinds").items()}
    assert len(names) > 70
    before = look(victim)
    for batch in apart(names):
        found, before = grow(victim, batch, names, before)
        if found:
            found, before = grow(victim, batch, names, before)
        wrong.update(found)
    assert not wrong, "[objects, bytes, estimated]: %s" % wrong


def test_metatypes_of_extensions(victim, interpreter):
    interpreter.require_module("numpy")
    if interpreter.name.startswith("bullseye"):
        pytest.skip("types of numpy 1.19 that nothing refers to but objects that they are types of")
    rows = look(victim)
    for name, figures in victim.ask("metatypes").items():
        assert list(rows[name][:2]) == figures


def test_two_looks_are_equal(victim):
    with support.assert_untouched(victim.pid):
        first = look(victim)
        second = look(victim)
    assert first == second


def test_tracked_is_smaller_and_has_no_text(victim):
    everything = look(victim)
    tracked = support.census(
        support.top_types(victim.pid, "--scope", "tracked", "-n", "0"))
    assert "str" in everything and "int" in everything and "float" in everything
    assert not {"str", "int", "float", "bytes"} & set(tracked)
    more = {name: (row, everything.get(name)) for name, row in tracked.items()
            if everything.get(name, (0,))[0] < row[0]}
    assert not more, "type: (tracked, all): %s" % more
