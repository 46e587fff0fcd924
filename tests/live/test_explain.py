"""
`explain`: what it says of a process with one thing wrong is that, in figures that are known, and in
sentences that say no more; of a process without one it says that there is none.
"""

import json

import pytest

import interpreters
import support

pytestmark = pytest.mark.few_interpreters

MAIN = "__main__."


def ask(victim, *options, code=0):
    with support.assert_untouched(victim.pid):
        done = support.run_pyinspect(victim.pid, "explain", "--json", *options)
    assert done.returncode == code, done.stdout + done.stderr
    support.assert_valid("explain", done.stdout)
    result = json.loads(done.stdout)["result"]
    abouts = [paragraph["about"] for paragraph in result["paragraphs"]]
    assert [about for about in abouts if about != "suspect"] == [
        "memory", "growth", "garbage", "held", "other"]
    assert "suspect" in abouts
    return result


def text(result, about):
    return " ".join(paragraph["text"] for paragraph in result["paragraphs"]
                    if paragraph["about"] == about)


def words(victim):
    """The page as people read it, without its line breaks."""
    done = support.run_pyinspect(victim.pid, "explain", "--format", "table",
                                 env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    lines = done.stdout.splitlines()
    assert len(lines) < 45
    # But for commands, which are copied, and paths, which have no spaces.
    assert not [line for line in lines[1:-1] if len(line) > 80 and not line.startswith("    ")]
    return " ".join(done.stdout.split())


def no_suspect(result):
    return text(result, "suspect").startswith("There is no suspect")


def check_the_rest(result, *but):
    """What nothing is wrong with is not complained of."""
    if "garbage" not in but:
        assert result["garbage"]["bytes"] < 100000
    if "held" not in but:
        assert text(result, "held").startswith("Little is held by C code alone")
    if "other" not in but:
        assert "Most of the memory" not in text(result, "other")
    if "suspect" not in but:
        assert no_suspect(result) and not result["suspects"]


@pytest.fixture
def explained(start, interpreter):
    return lambda what: start(interpreter, "explained.py", what)


def test_healthy(explained):
    victim = explained("healthy")
    result = ask(victim)
    check_the_rest(result)
    memory = result["memory"]
    assert memory["resident"] >= memory["anonymous"] > 0
    assert "{:,} bytes resident".format(memory["resident"]) in text(result, "memory")
    assert 0 < result["objects"]["bytes"] < memory["resident"]
    page = words(victim)
    assert "of these bytes" not in page
    assert "There is no suspect" in page and "Whether it grows cannot be seen" in page
    assert "gc.collect() would free nothing" in page


def test_list_in_a_global(explained):
    victim = explained("lists")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "suspect")
    suspect, = result["suspects"]
    assert suspect["container"] == hex(known["address"]) and suspect["container_type"] == "list"
    assert (suspect["type"], suspect["objects"]) == ("list", known["objects"])
    assert suspect["retained"] == known["bytes"]
    assert suspect["path"] == "sys.modules['__main__'].CACHE['all']"
    said = "One list keeps 20,000 list alive, and {:,} bytes in all".format(known["bytes"])
    assert said in text(result, "suspect") and said in words(victim)
    command, = [paragraph["command"] for paragraph in result["paragraphs"]
                if paragraph["about"] == "suspect"]
    assert command == "pyinspect %d show %s" % (victim.pid, suspect["container"])
    done = support.run_pyinspect(*command.split()[1:])
    assert done.returncode == 0
    assert json.loads(done.stdout)["result"]["retained"]["bytes"] == known["bytes"]


@pytest.mark.parametrize("what", ["pairs", "compiled"])
def test_one_container_is_one_suspect(explained, what):
    victim = explained(what)
    known = victim.ask("expected")
    result = ask(victim)
    suspect, = result["suspects"]
    assert suspect["container"] == hex(known["address"]) and suspect["container_type"] == "dict"
    assert (suspect["type"], suspect["objects"]) == (known["type"], known["objects"])


def test_most_are_reached_through_one_of_them(explained):
    victim = explained("led")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "suspect")
    suspect = result["suspects"][0]
    assert (suspect["type"], suspect["objects"]) == (MAIN + "Member", known["objects"] + 1)
    assert suspect["path_objects"] == known["objects"]
    assert suspect["path"] == MAIN + "LEADER.others[*]"


def test_text_that_is_being_written(explained):
    victim = explained("written")
    result = ask(victim)
    check_the_rest(result, "suspect")
    assert result["held"]["bytes"] < 100000
    for suspect in result["suspects"]:
        assert "PAGES" in suspect["path"], suspect


def test_part_of_another_suspect(explained):
    victim = explained("cached")
    result = ask(victim)
    first, *rest = [paragraph["text"] for paragraph in result["paragraphs"]
                    if paragraph["about"] == "suspect"]
    assert "as a part of the above" not in first
    for suspect, said in zip(result["suspects"][1:], rest):
        behind = suspect["path"].startswith(result["suspects"][0]["path"])
        assert said.endswith(", as a part of the above.") == (
            behind and "container" not in suspect), said


def test_one_big_string(explained):
    victim = explained("string")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result)
    said = "One str at {:#x} has {:,} of these bytes, {:.0f}%.".format(
        known["address"], known["bytes"], 100 * known["bytes"] / result["objects"]["bytes"])
    assert said in text(result, "memory") and "One str at" in words(victim)


def test_two_big_strings(explained):
    victim = explained("strings")
    result = ask(victim)
    check_the_rest(result)
    said = text(result, "memory").partition("resident. ")[2]
    for size, path in zip(victim.ask("expected")["sizes"], ("TEXT", "HELD['data'][1]")):
        before, _, said = said.partition(" has {:,} of these bytes".format(size))
        assert before.rpartition("One str at ")[1]
        assert said[:60].partition("It is ")[2].startswith("sys.modules['__main__'].%s." % path)


@pytest.mark.parametrize("what, kind, path", [
    ("classes", "type", "__main__.REGISTRY{*}"),
    ("abstract", "abc.ABCMeta", "__main__.SHAPES[*]"),
    ("modelled", "__main__.Meta", "__main__.MODELS.__self__[*]"),
    ("made", "type", "__main__.ROWS[*].__class__")])
def test_classes_that_are_made_again_and_again(explained, what, kind, path):
    victim = explained(what)
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "suspect")
    suspect, = result["suspects"]
    assert (suspect["type"], suspect["path"]) == (kind, path)
    assert suspect["objects"] == suspect["path_objects"] == known["objects"]
    # Something that classes keep is of a size that is not known.
    said = words(victim).replace("~", "")
    of = "" if kind == "type" else " of type " + kind
    assert "1,000 classes{} keep {:,} bytes".format(of, suspect["retained"]) in said


def test_a_few_large_objects(explained):
    victim = explained("large")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "suspect")
    suspect, = result["suspects"]
    assert suspect["container"] == hex(known["address"])
    assert (suspect["type"], suspect["objects"]) == ("bytearray", known["objects"])
    assert suspect["retained"] >= known["bytes"]
    assert suspect["path"] == "sys.modules['__main__'].Series.kept"


def test_handler_of_a_signal(explained, interpreter):
    victim = explained("handler")
    result = ask(victim)
    check_the_rest(result, "suspect", "held")
    held = text(result, "held")
    assert "handlers of signals" in held and " alone keeps " in held
    command, = [paragraph["command"] for paragraph in result["paragraphs"]
                if paragraph["about"] == "held"]
    assert command == "pyinspect %d show %s" % (victim.pid, result["held"]["largest"])
    done = support.run_pyinspect(*command.split()[1:])
    shown = json.loads(done.stdout)["result"]
    assert shown["retained"]["bytes"] >= victim.ask("expected")["bytes"]
    assert shown["type"] in ("method", "instancemethod")


def test_closures_on_a_bus(explained):
    victim = explained("closures")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "suspect")
    suspect = result["suspects"][0]
    assert (suspect["type"], suspect["objects"]) == (MAIN + "Session", known["objects"])
    # With the numbers, which nobody else has.
    assert suspect["retained"] >= known["bytes"]
    assert suspect["path_objects"] == known["objects"]
    assert "BUS.subscribers['done'][*]" in suspect["path"]
    page = words(victim)
    assert "20,000 __main__.Session keep {:,} bytes alive".format(suspect["retained"]) in page
    assert "20,000 of them are held through" in page


def test_cache_of_a_function(explained):
    victim = explained("cached")
    result = ask(victim)
    check_the_rest(result, "suspect")
    suspect = result["suspects"][0]
    assert suspect["objects"] >= victim.ask("expected")["objects"]
    assert "load" in suspect["path"]


def test_held_by_c(explained):
    victim = explained("pinned")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "held", "suspect")
    held = result["held"]
    assert (held["type"], held["type_objects"]) == (MAIN + "Session", known["objects"])
    assert held["objects"] < known["objects"] + 100 and held["bytes"] >= known["bytes"]
    for said in (text(result, "held"), words(victim)):
        assert "20,000 of them are __main__.Session. Only C code can hold them" in said
    # They are a type of the program that keeps much, and nothing else is.
    suspect, = result["suspects"]
    assert "20,000 of them are held by C code: " in text(result, "suspect")
    assert suspect["type"] == MAIN + "Session"


def test_garbage_without_a_collector(explained, interpreter):
    victim = explained("cycles")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "garbage")
    assert 0 <= result["garbage"]["objects"] - known["objects"] < 2000
    said = text(result, "garbage")
    assert "gc.collect() would free {:,} objects".format(result["garbage"]["objects"]) in said
    if interpreter.name.endswith("-3.6"):
        assert "whether the collector is enabled is not known" in said
    else:
        assert result["collector"]["enabled"] is False and "the collector is disabled" in said


def test_memory_without_objects(explained):
    victim = explained("native")
    known = victim.ask("expected")
    result = ask(victim)
    check_the_rest(result, "other")
    assert result["memory"]["other"] > known["bytes"]
    assert text(result, "other").startswith("Most of the memory is no objects: about")
    assert "{:,} bytes of its own".format(result["memory"]["other"]) in text(result, "other")
    assert "Most of the memory is no objects" in words(victim)


def test_ndjson(start):
    victim = start(interpreters.any_interpreter(), "explained.py", "healthy")
    done = support.run_pyinspect(victim.pid, "explain", "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    support.assert_valid("explain", done.stdout, "--ndjson")
    line, = done.stdout.splitlines()
    assert set(json.loads(line)["result"]) == set(ask(victim))
    for words_ in ("explain foo", "explain -n 3", "explain --values"):
        assert support.run_pyinspect(victim.pid, *words_.split()).returncode == 2


def test_broken_heap(start):
    victim = start(interpreters.any_interpreter(), "corrupt.py")
    victim.ask("break type")
    result = ask(victim, code=5)
    assert not result["complete"]
    assert text(result, "held").startswith("What only C code holds is not known")
    assert "at least" in text(result, "garbage") or "that is known of" in text(result, "garbage")
    victim.ask("mend")
