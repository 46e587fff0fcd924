"""
`referrers` and `referents` must equal what the process finds out about itself, on every
interpreter: how many references each type holds, exactly, however they are held; and the right
names of those who hold them.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters

COUNT = 20


def ask(victim, command, *options, code=0):
    done = support.run_pyinspect(victim.pid, command, *options, "--format", "json", "-n", "0")
    assert done.returncode == code, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    return json.loads(done.stdout)


def referrers(victim, *options):
    result = ask(victim, "referrers", *options)["result"]
    assert result["skipped"] == 0
    assert result["truncated"] is False
    assert result["other"] == {"groups": 0, "references": 0}
    return result


def by_type(result, internal):
    """{type: [objects, references, number of groups]}; "" for roots."""
    rows = {}
    for group in result["referrers"]:
        if group["internal"] == internal:
            row = rows.setdefault(group["type"] or "", [0, 0, 0])
            row[0] += group["objects"]
            row[1] += group["references"]
            row[2] += 1
    return rows


class Held:
    """A victim, what pyinspect says of it, and what it says of itself."""

    def __init__(self, victim):
        self.victim = victim
        self.frozen = victim.ask("frozen")["frozen"]
        with support.assert_untouched(victim.pid):
            self.first = referrers(victim, "__main__.Node")
        self.truth = victim.ask("referrers")
        self.unfrozen = victim.ask("frozen")["frozen"]
        self.second = referrers(victim, "__main__.Node")
        self.exact = referrers(victim, "__main__.Node", "--exact")
        assert victim.ask("referrers") == self.truth, "counting has changed the count"


@pytest.fixture(scope="module")
def held(interpreter):
    target = support.Target.python(interpreter, "holders.py", COUNT)
    try:
        yield Held(target)
    finally:
        target.close()


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "not frozen"])
def test_references(interpreter, held, frozen):
    assert (held.frozen > 1000) == interpreter.can_freeze() and held.unfrozen == 0
    got = by_type(held.first if frozen else held.second, internal=False)
    expected = held.truth["types"]
    assert len(expected) > 45 and sum(row[1] for row in expected.values()) > 150 * COUNT
    wrong = {name: (got.get(name), expected.get(name)) for name in set(got) | set(expected)
             if got.get(name, [0, 0])[1] != expected.get(name, [0, 0])[1]}
    assert not wrong, "type: (pyinspect, Python), [objects, references]: %s" % wrong


def test_objects(held):
    """An object counts once in each group: where a type has one group, once in all."""
    wrong = {}
    compared = 0
    for name, (objects, references, groups) in by_type(held.first, internal=False).items():
        expected = held.truth["types"][name][0]
        compared += groups == 1
        if not expected <= objects <= references or (groups == 1 and objects != expected):
            wrong[name] = (objects, references, groups, expected)
    assert not wrong, "type: (objects, references, groups, objects of Python): %s" % wrong
    assert compared > 15


def test_internal(held):
    """Functions that execute are no objects since 3.11; nothing else holds a node unseen by gc."""
    internal = {name: row[1] for name, row in by_type(held.first, internal=True).items()}
    if "frame" in held.truth["types"] and "" not in internal:
        assert held.truth["types"]["frame"][1] >= held.truth["running"]
        assert internal == {}
    else:
        assert internal == {"": held.truth["running"]}


def test_instances(held):
    for result, nodes in ((held.first, held.truth["nodes"]),
                          (held.exact, {"__main__.Node": held.truth["nodes"]["__main__.Node"]})):
        assert result["type"] == "__main__.Node"
        assert {row["type"]: row["count"] for row in result["classes"]} == nodes
        assert result["instances"] == sum(nodes.values())
    assert (held.first["exact"], held.exact["exact"]) == (False, True)


def test_exact_is_less(held):
    one, all_of_them = by_type(held.exact, False), by_type(held.first, False)
    assert set(one) <= set(all_of_them)
    assert all(row[1] <= all_of_them[name][1] for name, row in one.items())
    assert sum(row[1] for row in one.values()) < sum(row[1] for row in all_of_them.values())


@pytest.mark.parametrize("name", ["list", "tuple", "dict", "set", "collections.deque", "cell",
                                  "function", "__main__.Holder", "__main__.Wide",
                                  "__main__.SlotsAndDict"])
def test_referents(held, name):
    """From the other end: what all objects of one type refer to are as many nodes."""
    result = ask(held.victim, "referents", name, "--exact")["result"]
    nodes = sum(group["references"] for group in result["referents"]
                if group["type"] in held.truth["nodes"] and not group["internal"])
    assert nodes == held.truth["types"][name][1]
    assert result["exact"] is True and result["instances"] >= held.truth["types"][name][0]
    assert {row["type"] for row in result["classes"]} == {name}


def test_referents_of_one(planted):
    """An instance, its attributes, and nothing of others."""
    result = ask(planted, "referents", hex(planted.ask("names")["plain"]))["result"]
    assert (result["type"], result["instances"]) == (None, 1)
    edges = {group["edge"]: (group["type"], group["references"]) for group in result["referents"]}
    assert edges[".attribute"] == ("__main__.Target", 1)
    assert edges[".other"] == ("__main__.Plain", 1)
    assert edges[".__class__"] == ("type", 1)
    assert set(edges) <= {".attribute", ".other", ".__class__", ".__dict__", "key"}


@pytest.fixture(scope="module")
def planted(interpreter):
    target = support.Target.python(interpreter, "planted.py")
    yield target
    target.close()


MAIN = "module __main__."
REGISTRY = "__main__.Registry."
CLOSURE = "function make_closure.<locals>.function"
# {name of a planted object: (type, edge, owner) of its only referrer}
NAMED = {
    "attribute of a module": ("module", ".module_attribute", "module __main__"),
    "attribute of sys": ("module", ".planted", "module sys"),
    "class attribute": ("type", ".target", "class __main__.Registry"),
    "attribute of a metaclass": ("type", ".attribute", "class __main__.Meta"),
    "value of a str key": ("dict", "['alpha']", REGISTRY + "entries"),
    "value of a secret key": ("dict", "[<str>]", REGISTRY + "entries"),
    "value of a telling key": ("dict", "[<str>]", REGISTRY + "entries"),
    "attribute that is an access key": ("__main__.Plain", ".__dict__[<str>]", None),
    "value of a tuple key": ("dict", "[<tuple>]", REGISTRY + "entries"),
    "key": ("dict", "key", REGISTRY + "keys"),
    "item of a list": ("list", "[1]", REGISTRY + "items"),
    "item within an item": ("list", "[0]", REGISTRY + "items"),
    "item of a long list": ("list", "[*]", REGISTRY + "many"),
    "element of a set": ("set", "{*}", REGISTRY + "elements"),
    "element of a frozenset": ("frozenset", "{*}", REGISTRY + "elements"),
    "element of a deque": ("collections.deque", "[*]", REGISTRY + "row"),
    "deep down": ("dict", "['b']", REGISTRY + "mixed"),
    "attribute": ("__main__.Plain", ".attribute", None),
    "attribute in a dict": ("__main__.Plain", ".attribute", None),
    "one of many attributes": ("__main__.Plain", ".attribute59", None),
    "slot": ("__main__.MoreSlots", ".two", None),
    "slot of a subclass": ("__main__.MoreSlots", ".three", None),
    "closure": ("cell", ".cell_contents", CLOSURE + " closure captured"),
    "default": ("tuple", "[0]", CLOSURE + ".__defaults__"),
    "keyword default": ("dict", "['keyword']", CLOSURE + ".__kwdefaults__"),
    "attribute of a function": ("function", ".attribute", CLOSURE),
    "bound method": ("method", ".__self__", MAIN + "methods"),
    "value of an ordered dict": ("collections.OrderedDict", "['key']", MAIN + "ordered"),
    "attribute of a subclass of list": ("__main__.List", ".attribute", MAIN + "list_subclass"),
    "in another module": ("list", "[0]", "module planted.inner.deep"),
    "garbage": ("__main__.Target", ".itself", None),
}


def row_of(group):
    return (group["type"], group["edge"], group["owner"])


def unqualified(rows):
    """Up to 3.10 code does not know the class or function that it is in."""
    return {(kind, edge, owner and owner.replace("make_closure.<locals>.", ""))
            for kind, edge, owner in rows}


def test_names(planted):
    with support.assert_untouched(planted.pid):
        result = referrers(planted, "__main__.Target")
    got = unqualified(map(row_of, result["referrers"]))
    missing = unqualified(NAMED.values()) - got
    assert not missing, "not among %s: %s" % (sorted(map(str, got)), missing)


def test_names_of_local_variables(planted):
    got = {row_of(group) for group in referrers(planted, "__main__.Target")["referrers"]}
    for function in ("main", "wait_in_thread"):
        assert (None, "local inside", "frame " + function) in got or (
            "frame", "local inside", "frame " + function) in got
    for kind, function in (("generator", "generator_function"), ("coroutine", "coroutine_function"),
                           ("async_generator", "async_generator_function")):
        assert (kind, "local inside", "frame " + function) in got or (
            "frame", "local inside", "frame " + function) in got


@pytest.mark.parametrize("name", ["value of a str key", "slot", "closure", "item of a long list"])
def test_address(planted, name):
    """One object has one referrer, and the example leads to that."""
    address = planted.ask("plants")[name]
    for subject in ([hex(address)], ["--address", hex(address)], ["--address", str(address)]):
        result = referrers(planted, *subject)
        assert (result["type"], int(result["address"], 16)) == (None, address)
        assert result["instances"] == 1
        assert unqualified(map(row_of, result["referrers"])) == unqualified([NAMED[name]])
        group = result["referrers"][0]
        assert (group["objects"], group["references"], group["internal"]) == (1, 1, False)
    known = ask(planted, "referents", group["example"])["result"]["referents"]
    assert "__main__.Target" in {one["type"] for one in known}


def test_one_object_with_several_references(start, interpreter):
    """In places that are shown as one group it is one, with its bytes once."""
    victim = start(interpreter, "several.py")
    for held, holder, edge, objects, references in victim.ask("expected"):
        rows = [group for group in referrers(victim, held)["referrers"]
                if (group["type"], group["edge"]) == (holder, edge)]
        row, = rows
        assert (row["objects"], row["references"]) == (objects, references), held
        # Of one type and size.
        assert row["bytes"] % objects == 0
        example = ask(victim, "show", row["example"])["result"]
        assert row["bytes"] == objects * example["bytes"]
    address = victim.ask("keyed")["address"]
    known = ask(victim, "referents", hex(address))["result"]["referents"]
    assert {(one["edge"], one["objects"], one["references"]) for one in known} == {
        ("[<__main__.Key>]", 1, 4), ("key", 1, 4)}


def test_unseen(planted):
    """Held by C code only."""
    address = planted.ask("plants")["held by C code"]
    assert referrers(planted, hex(address))["referrers"] == []


def test_depth(planted):
    """Link <- tuple <- set <- class attribute."""
    result = referrers(planted, "__main__.Link", "--depth", "9")
    expected = [("tuple", "[0]", "__main__.Chain.pool", 200, 200),
                ("set", "{*}", "__main__.Chain.pool", 1, 200),
                ("type", ".pool", "class __main__.Chain", 1, 1)]
    assert result["instances"] == 200
    groups = result["referrers"]
    for row in expected:
        assert row_of(groups[0]) + (groups[0]["objects"], groups[0]["references"]) == row
        assert not [group for group in groups if not group["internal"]][1:]
        groups = groups[0].get("referrers", [])
    # and on to whatever holds the class
    assert "module" in {group["type"] for group in groups}


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_depth_is_a_limit(planted, levels):
    groups = referrers(planted, "__main__.Link", "--depth", levels)["referrers"]
    depth = 0
    while groups:
        depth += 1
        groups = groups[0].get("referrers")
    assert depth == levels


def key_of(group):
    return row_of(group) + (group["internal"],)


def assert_tree(groups, other, depth, above=()):
    """Each branch ends where it may, and says why; returns how many are followed of each level."""
    followed = [0] * depth
    references = sum(group["references"] for group in groups) + other["references"]
    for group in groups:
        assert abs(group["share"] - 100 * group["references"] / references) < 0.01
        if "referrers" in group:
            assert key_of(group) not in above and "ends" not in group
            inner = assert_tree(group["referrers"], group["other"], depth, above + (key_of(group),))
            followed = [one + another for one, another in zip(followed, inner)]
            followed[len(above)] += 1
        elif group["type"] is None or group["type"].startswith("("):
            assert "ends" not in group
        else:
            assert group["ends"] in ("again", "depth", "module", "width"), group
            assert (key_of(group) in above) == (group["ends"] == "again")
            assert (group["type"] == "module") == (group["ends"] == "module")
            assert group["ends"] != "depth" or len(above) == depth - 1
    return followed


def added_up(groups):
    sums = {}
    for group in groups:
        key = (group["type"], group["edge"], group["internal"])
        sums[key] = sums.get(key, 0) + group["references"]
    return sums


def test_tree(planted):
    """The first level is what there is without it; below each object stands who refers to that."""
    with support.assert_untouched(planted.pid):
        result = referrers(planted, "__main__.Target", "--tree", "--depth", "3")
    plain = referrers(planted, "__main__.Target")
    fields = ("type", "edge", "owner", "internal", "objects", "references", "bytes", "example")
    assert [[group[field] for field in fields] for group in result["referrers"]] == \
        [[group[field] for field in fields] for group in plain["referrers"]]
    followed = assert_tree(result["referrers"], result["other"], 3)
    assert followed[0] == 32 and followed[1] and not followed[2]
    assert [group for group in result["referrers"] if group.get("ends") == "width"]
    # The one that refers to itself.
    ring, = [group for group in result["referrers"] if row_of(group)[:2] == ("__main__.Target",
                                                                             ".itself")]
    if "referrers" in ring:
        assert [group["ends"] for group in ring["referrers"]] == ["again"]
    single = [group for group in result["referrers"]
              if "referrers" in group and group["objects"] == 1]
    assert len(single) >= 5
    for group in single[:8]:
        alone = referrers(planted, group["example"])["referrers"]
        assert added_up(group["referrers"]) == added_up(alone), group


def test_tree_of_a_chain(planted):
    """Link <- tuple <- set <- class attribute, as without a tree, but for what ends."""
    deep = referrers(planted, "__main__.Link", "--depth", "3")["referrers"]
    tree = referrers(planted, "__main__.Link", "--depth", "3", "--tree")
    assert_tree(tree["referrers"], tree["other"], 3)
    groups = tree["referrers"]
    for level in range(3):
        fields = ("type", "edge", "owner", "objects", "references", "bytes", "example")
        assert [[group[field] for field in fields] for group in groups] == \
            [[group[field] for field in fields] for group in deep]
        groups, deep = groups[0].get("referrers"), deep[0].get("referrers")


def test_tree_is_bounded(planted):
    done = support.run_pyinspect(planted.pid, "referrers", "__main__.Target", "--tree", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["result"]
    assert len(result["referrers"]) == 5 and result["other"]["groups"] > 5
    followed = assert_tree(result["referrers"], result["other"], 5)
    assert max(followed) <= 32 and not followed[4]
    text = support.run_pyinspect(planted.pid, "referrers", "__main__.Target", "--tree", "--format",
                                 "table").stdout
    assert "REFERENCES  SHARE  OBJECTS" in text or "REFERENCES   SHARE  OBJECTS" in text
    assert "… {:,} other groups".format(result["other"]["groups"]) in text


def test_strings(planted):
    """Of the many str, those planted: so many, and of dict keys, which gc does not know."""
    owners = {"__main__.Words." + name for name in ("listed", "few", "table", "empty")}
    result = ask(planted, "referrers", "str")["result"]
    got = {row_of(group) + (group["internal"],): (group["objects"], group["references"])
           for group in result["referrers"] if group["owner"] in owners}
    assert got == {
        ("list", "[*]", "__main__.Words.listed", False): (1, 50),
        ("list", "[0]", "__main__.Words.few", False): (1, 1),
        ("list", "[1]", "__main__.Words.few", False): (1, 1),
        ("list", "[2]", "__main__.Words.few", False): (1, 1),
        ("dict", "[*]", "__main__.Words.table", False): (1, 30),
        ("dict", "key", "__main__.Words.table", True): (1, 30),
    }


def error_of(planted, *arguments):
    done = support.run_pyinspect(planted.pid, *arguments, "--format", "json")
    error = json.loads(done.stdout)["error"]
    return done.returncode, error["code"], "%s %s" % (error["message"], error["hint"])


@pytest.mark.parametrize("command", ["referrers", "referents", "path"])
def test_errors(planted, command):
    with support.assert_untouched(planted.pid):
        code, name, words = error_of(planted, command, "no.such.Type")
        assert (code, name) == (1, "no-such-type") and "no.such.Type" in words
        code, name, words = error_of(planted, command, "Same")
        assert code == 1 and "__main__.Same" in words and "planted.inner.Same" in words, words
        code, name, words = error_of(planted, command, "0x10")
        assert (code, name) == (1, "no-such-object")


def test_bare_name(planted):
    result = referrers(planted, "Link")
    assert (result["type"], result["instances"]) == ("__main__.Link", 200)
    assert referrers(planted, "planted.inner.Same")["instances"] == 0
