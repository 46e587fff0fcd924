"""
`path TYPE` must name what is the cause: the module that keeps a queue and not the worker that has it in
a variable, the function and not the thread, the instance and not a dict of its own.
"""

import json

import pytest

import support

pytestmark = pytest.mark.few_interpreters

# Of functions in functions only Python 3.11 and later know where they are.
WAYS = {
    "Queued": ("__main__.server.jobs[*][1]",),
    "Called": ("frame outer local called[*]",),
    "Running": ("frame inner local running[*]",),
    "Pinned": ("held by C code: function make_callback.<locals>.callback closure kept[*]",
               "held by C code: function callback closure kept[*]"),
    "Knot": ("held by nothing: __main__.Knot",),
    "Of0": ("held by C code: type __main__.Lost0.table[*]",),
    "Profiled": ("thread state c_profileobj.__self__.calls[*]",),
    "Traced": ("thread state c_traceobj.__self__.calls[*]",),
    "Row": ("__main__.tables[*].rows[*]",),
    "Called_back": ("__main__.callbacks[*].callable.__self__",),
    "Computed": ("__main__.Loader.load(cached)[0]", "__main__.Loader.load(cached){*}[0]",
                 "__main__.Loader.load.cache{*}[0]"),
}


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "causes.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def expected(victim):
    return victim.ask("expected")


def ask(victim, subject):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "path", subject, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    support.assert_valid("path", done.stdout)
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("name", sorted(WAYS))
def test_cause(victim, expected, name):
    result = ask(victim, "__main__." + name)
    assert [way["instances"] for way in result["ways"]] == [expected[name]], result["ways"]
    assert result["ways"][0]["through"] in WAYS[name]


def test_an_item_of_a_deque_is_no_element_of_a_set(victim):
    result = ask(victim, "__main__.Queued")
    assert result["paths"][0]["expression"] == "sys.modules['__main__'].server.jobs[*][1]"


def test_a_cache_is_that_of_its_function(victim):
    """In a group of its own: which function it was that caches."""
    done = support.run_pyinspect(victim.pid, "referrers", "__main__.Computed", "--format", "json")
    assert done.returncode == 0, done.stderr
    owners = {row["owner"] for row in json.loads(done.stdout)["result"]["referrers"]}
    assert owners & {"function Loader.load (cached)", "function load (cached)",
                     "__main__.Loader.load"}, owners
