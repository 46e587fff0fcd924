"""
`path` must be right: each step of it, done inside the process, leads to the object that the step
names; no shorter one is known; and there is one for all that is not garbage.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters

# Held by nobody that can be seen.
UNSEEN = {"garbage", "held by C code"}
MAIN = "sys.modules['__main__']."
EXPRESSIONS = {
    "attribute of a module": "module_attribute",
    "class attribute": "Registry.target",
    "value of a str key": "Registry.entries['alpha']",
    "value of a tuple key": "Registry.entries[<tuple>]",
    "value of a secret key": "Registry.entries[<str>]",
    "key": "Registry.keys{<__main__.Target>}",
    "item of a list": "Registry.items[1]",
    "item within an item": "Registry.items[2][1][0]",
    "item of a long list": "Registry.many[77]",
    "element of a frozenset": "Registry.elements{<frozenset>}{<__main__.Target>}",
    "deep down": "Registry.mixed['a']['list'][0][0]['b']",
    "attribute": "plain.attribute",
    "attribute of an attribute": "plain.other.attribute",
    "attribute in a dict": "with_dict.attribute",
    "one of many attributes": "wide.attribute59",
    "slot": "slots.two",
    "slot of a subclass": "slots.three",
    "attribute of a metaclass": "Meta.attribute",
    "closure": "functions['closure'].__closure__[0].cell_contents",
    "default": "functions['closure'].__defaults__[0]",
    "keyword default": "functions['closure'].__kwdefaults__['keyword']",
    "attribute of a function": "functions['closure'].attribute",
    "bound method": "methods['method'].__self__",
    "argument of a partial": "methods['partial'].args[0]",
    "getter of a property": "methods['property'].fget.__self__",
    "value of an ordered dict": "ordered['key']",
    "value of a subclass of dict": "subclass['key']",
    "attribute of a subclass of dict": "subclass.attribute",
    "item of a subclass of list": "list_subclass[0]",
    "attribute of a subclass of list": "list_subclass.attribute",
    "item of a named tuple": "named[1]",
    "attribute of a namespace": "space.attribute",
}
VALUES = {
    "value of a str key": "Registry.entries['alpha']",
    "value of a secret key": "Registry.entries['not a name!']",
    "value of a tuple key": "Registry.entries[(1, 'two')]",
    "value of an int key": "Registry.entries[7]",
}


def ask(victim, subject, *options):
    done = support.run_pyinspect(victim.pid, "path", subject, *options, "--format", "json")
    assert done.returncode == 0, "exit %d\n%s\n%s" % (
        done.returncode, done.stderr, done.stdout[:2000])
    result = json.loads(done.stdout)["result"]
    assert result["skipped"] == 0
    for path in result["paths"]:
        assert path["length"] == len(path["steps"]) > 0
        assert path["expression"] == "".join(step["edge"] for step in path["steps"])
        assert path["address"] == path["steps"][-1]["address"]
        assert [step["kind"] == "root" for step in path["steps"]] == [True] + [False] * (
            path["length"] - 1)
    return result


def follow(victim, path):
    """Goes along it inside the process: None, or what is wrong."""
    steps = [[step["kind"], step.get("name"), step.get("index"),
              int(step.get("key_address", "0x0"), 16), int(step["address"], 16)]
             for step in path["steps"]]
    wrong = victim.ask("follow " + json.dumps(steps, separators=(",", ":")))
    return "%s: %s" % (path["expression"], wrong) if wrong else None


class Planted:
    def __init__(self, victim):
        self.victim = victim
        self.addresses = victim.ask("plants")
        self.names = victim.ask("names")
        # before anything is asked about frames: Python then keeps what it has said
        with support.assert_untouched(victim.pid):
            self.result = ask(victim, "__main__.Target", "-n", "1000")
        self.paths = {int(path["address"], 16): path for path in self.result["paths"]}

    def path(self, name):
        return self.paths.get(self.addresses[name])


@pytest.fixture(scope="module")
def planted(interpreter):
    target = support.Target.python(interpreter, "planted.py")
    try:
        yield Planted(target)
    finally:
        target.close()


def test_all_are_found(planted):
    assert planted.result["type"] == "__main__.Target"
    assert len(planted.result["paths"]) == len(planted.paths), "a path is listed twice"
    missing = [name for name in planted.addresses if planted.path(name) is None]
    assert set(missing) == UNSEEN
    assert set(planted.paths) <= set(planted.addresses.values())
    assert {path["type"] for path in planted.result["paths"]} == {"__main__.Target"}


def test_every_step_is_true(planted):
    assert len(planted.paths) > 50
    wrong = [problem for problem in (follow(planted.victim, path)
                                     for path in planted.paths.values()) if problem]
    assert not wrong, "\n".join(wrong)


def test_a_wrong_step_is_noticed(planted):
    """The check above can fail."""
    path = json.loads(json.dumps(planted.path("item of a list")))
    path["steps"][-1]["index"] = 0
    assert follow(planted.victim, path)
    path = json.loads(json.dumps(planted.path("attribute")))
    path["steps"][-1]["address"] = hex(planted.addresses["slot"])
    assert follow(planted.victim, path)


def test_none_is_shorter(planted):
    """
    The nearest come first, what a thread has with four references more; and no other way from
    sys.modules has fewer references.
    """
    distances = [path["length"] + 4 * path["steps"][0]["name"].startswith("frame ")
                 for path in planted.result["paths"]]
    assert distances == sorted(distances)
    assert distances != [path["length"] for path in planted.result["paths"]]
    distances = planted.victim.ask("distances")
    longer = {name: (planted.path(name)["length"], steps) for name, steps in distances.items()
              if steps is not None and planted.path(name)["length"] > steps}
    assert not longer, "name: (pyinspect, Python): %s" % longer
    assert sum(steps is not None for steps in distances.values()) > 40
    assert not [name for name in UNSEEN if distances[name] is not None]


def test_expressions(planted):
    got = {name: planted.path(name)["expression"] for name in EXPRESSIONS}
    wrong = {name: (got[name], MAIN + end) for name, end in EXPRESSIONS.items()
             if got[name] != MAIN + end}
    assert not wrong, "name: (pyinspect, expected): %s" % wrong
    assert planted.path("in another module")["expression"] == (
        "sys.modules['planted.inner'].deep['x'][0]")


def test_secrets_are_no_names(planted):
    """Keys and attributes that look like secrets are shown as other values are: on request."""
    said = {}
    for values in ((), ("--values",)):
        said[values] = "".join(
            support.run_pyinspect(planted.victim.pid, command, *subject, "-n", "0", "--format",
                                  form, *values).stdout
            for form in ("json", "table")
            for command, subject in (("path", ["__main__.Target"]),
                                     ("referrers", ["__main__.Target"]),
                                     ("referents", [hex(planted.names["entries"])]),
                                     ("referents", [hex(planted.names["telling"])]),
                                     ("top-objects", [])))
    for secret in ("hunter2_password_of_alice", "AKIA" + "IOSFODNN7EXAMPLE"):
        assert secret not in said[()]
        assert secret in said[("--values",)]


def test_roots(planted):
    """What is on the stacks of threads is found there; what is in sys and builtins is at hand."""
    for name, function in (("local variable of the main thread", "main"),
                           ("local variable of a thread", "wait_in_thread")):
        path = planted.path(name)
        names = {"frame %s local inside" % function, "frame serve", "frame wait"}
        assert path["steps"][0]["name"] in names
        # up to 3.10 a frame is an object, and leads to the one that has called it
        assert path["length"] == 1 or {step["type"] for step in path["steps"][:-1]} == {"frame"}
        assert path["steps"][-1]["name"].split()[-1] == "inside"
    for name, module in (("attribute of sys", "sys"), ("attribute of builtins", "builtins")):
        assert planted.path(name)["expression"] in (
            "%s.__dict__['planted']" % module, "sys.modules['%s'].planted" % module)


@pytest.mark.parametrize("name", ["closure", "slot", "local variable of a thread", "key"])
def test_address(planted, name):
    address = planted.addresses[name]
    for subject in ([hex(address)], ["--address", str(address)]):
        result = ask(planted.victim, *subject)
        assert (result["type"], int(result["address"], 16)) == (None, address)
        assert len(result["paths"]) == 1
        assert result["paths"][0]["length"] == planted.path(name)["length"]
        assert int(result["paths"][0]["address"], 16) == address
        assert follow(planted.victim, result["paths"][0]) is None


@pytest.mark.parametrize("name", sorted(UNSEEN))
def test_no_path(planted, name):
    address = hex(planted.addresses[name])
    assert ask(planted.victim, address)["paths"] == []
    done = support.run_pyinspect(planted.victim.pid, "path", address, "--format", "table")
    assert done.returncode == 0
    assert ("garbage" in done.stdout) == (name == "garbage")
    assert ("held by C code" in done.stdout) == (name == "held by C code")


@pytest.mark.parametrize("name, expression", [
    ("Registry", MAIN + "Registry"), ("plain", MAIN + "plain"), ("text", MAIN + "text"),
    ("entries", MAIN + "Registry.entries"), ("main", "sys.modules['__main__']"),
    ("function", MAIN + "make_closure"), ("code", MAIN + "make_closure.__code__"),
    ("dict", None)])
def test_other_objects(planted, name, expression):
    """Types, modules, functions: not only instances."""
    result = ask(planted.victim, hex(planted.names[name]))
    assert len(result["paths"]) == 1
    assert follow(planted.victim, result["paths"][0]) is None
    if expression:
        assert result["paths"][0]["expression"] == expression


def test_limit(planted):
    result = ask(planted.victim, "__main__.Target")
    assert len(result["paths"]) == 1
    assert result["paths"][0]["length"] == planted.result["paths"][0]["length"]
    assert len(ask(planted.victim, "__main__.Target", "-n", "7")["paths"]) == 7


def test_values_only_on_request(planted):
    result = ask(planted.victim, "__main__.Target", "-n", "1000", "--values")
    got = {int(path["address"], 16): path["expression"] for path in result["paths"]}
    for name, end in VALUES.items():
        assert got[planted.addresses[name]] == MAIN + end
    assert "not a name" not in json.dumps(planted.result)
