"""
--interpreter N must give what one of several interpreters has, and nothing of the others; their
tracked objects add up to those of the report without it.
"""

import json

import pytest

import support


@pytest.fixture(scope="module")
def victim(interpreter):
    target = support.Target.python(interpreter, "interpreters.py")
    numbers = target.ask("numbers")
    if not numbers:
        target.close()
        pytest.skip("%s has no module to make interpreters with" % interpreter)
    target.numbers = {int(number): count for number, count in numbers.items()}
    yield target
    target.close()


def error_of(victim, *options):
    done = support.run_pyinspect(victim.pid, "top-types", "--json", *options)
    assert done.returncode == 2, done.stdout
    return json.loads(done.stdout)["error"]


def have_one_collector(victim):
    version = support.top_types(victim.pid)["target"]["python"].split(".")
    return int(version[1]) < 9


def rows_of(victim, *options):
    return support.census(support.top_types(victim.pid, "-n", "0", *options))


def test_each_has_its_own(victim):
    planted = sum(victim.numbers.values())
    assert rows_of(victim)["__main__.Planted"][0] == planted
    if have_one_collector(victim):
        error = error_of(victim, "--interpreter", "0")
        assert error["code"] == "interpreter-unknown" and "one collector" in error["message"]
        return
    for number, count in victim.numbers.items():
        with support.assert_untouched(victim.pid):
            report = support.top_types(victim.pid, "-n", "0", "--interpreter", number)
        assert report["target"]["interpreter"] == number
        assert report["target"]["interpreters"] == len(victim.numbers)
        assert support.census(report)["__main__.Planted"][0] == count


def test_they_add_up(victim):
    if have_one_collector(victim):
        pytest.skip("they cannot be told apart")
    whole = rows_of(victim, "--scope", "tracked")
    parts = [rows_of(victim, "--scope", "tracked", "--interpreter", number)
             for number in victim.numbers]
    assert all(parts)
    assert {name: sum(part.get(name, (0,))[0] for part in parts) for name in whole} == {
        name: row[0] for name, row in whole.items()}


def test_there_is_no_such_number(victim):
    error = error_of(victim, "--interpreter", "77")
    assert error["code"] == "interpreter-unknown"
    assert "77" in error["message"]
    assert ", ".join(map(str, sorted(victim.numbers))) in error["hint"]
