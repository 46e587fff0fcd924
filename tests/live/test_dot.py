"""
Pictures: text that Graphviz reads, with the objects and references that JSON has, whatever names a
process has given them. Where Graphviz is installed (PYI_DOT: its `dot`), it must draw the same.
"""

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

import support
from dot_text import Picture

pytestmark = pytest.mark.few_interpreters


@pytest.fixture(scope="module")
def quoted(interpreter):
    target = support.Target.python(interpreter, "quoted.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def report(quoted):
    return quoted.ask("report")


def ask(target, *question):
    done = support.run_pyinspect(target, *question, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"]


def draw(target, *question):
    done = support.run_pyinspect(target, *question, "--format", "dot")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert_drawn(done.stdout)
    return Picture(done.stdout)


def assert_drawn(text):
    """Graphviz reads it, where it is installed, and writes the labels that are meant."""
    program = os.environ.get("PYI_DOT") or shutil.which("dot")
    if not program:
        return
    done = subprocess.run([program, "-Tsvg"], input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert "syntax error" not in done.stderr
    picture = Picture(text)
    root = xml.etree.ElementTree.fromstring(done.stdout)
    names = "{http://www.w3.org/2000/svg}"
    nodes = [group for group in root.iter(names + "g") if group.get("class") == "node"]
    drawn = {group.find(names + "title").text:
             [(line.text or "").replace("\xa0", " ") for line in group.iter(names + "text")]
             for group in nodes}
    assert drawn == {"n%d" % number: lines for number, lines in enumerate(picture.nodes)}


def shown(name):
    """As everything but JSON shows it."""
    return "".join(c if c.isprintable() and c != "\\" else
                   "".join("\\x%02x" % byte for byte in c.encode()) for c in name)


def test_path_of_an_object(quoted, report):
    with support.assert_untouched(quoted.pid):
        picture = draw(quoted.pid, "path", report["address"])
    path = ask(quoted.pid, "path", report["address"])["paths"][0]
    before = None
    for step in path["steps"]:
        node = picture.find(*([step["address"]] if step["address"] else [step["edge"]]))
        if before is not None:
            assert step["address"] in picture.nodes[node]
            edge, = [edge for edge in picture.edges if edge[:2] == (before, node)]
            if len(shown(step["edge"])) <= 60:
                assert edge[2] == [shown(step["edge"]) + " *" * step["internal"]]
        before = node
    assert before == picture.find(report["address"])


def test_path_of_a_type(quoted, report):
    picture = draw(quoted.pid, "path", report["type"], "-n", "2")
    result = ask(quoted.pid, "path", report["type"], "-n", "2")
    subject = picture.find("21 instances",
                           "{:,} bytes would be freed".format(result["freed"]["bytes"]))
    assert [way["instances"] for way in result["ways"]] == [1, 20] or \
        [way["instances"] for way in result["ways"]] == [20, 1]
    for way in result["ways"]:
        example = picture.find(way["example"])
        edge, = [edge for edge in picture.edges if edge[:2] == (example, subject)]
        assert "retained {:,}".format(way["retained"]) in edge[2]
    # The way of two thousand links is there with its ends.
    assert 41 < len(picture.nodes) < 60
    assert [node for node in picture.nodes if node[0].endswith(" more steps")]


def test_object(quoted, report):
    picture = draw(quoted.pid, "show", report["holder"], "-n", "7")
    result = ask(quoted.pid, "show", report["holder"], "-n", "7")
    holder = picture.find(report["holder"], "list", "{:,} bytes".format(result["bytes"]),
                          "retained {:,}".format(result["retained"]["bytes"]))
    for key in ("referrers", "referents"):
        for link in result[key]["items"]:
            other = picture.find(link["address"])
            ends = (other, holder) if key == "referrers" else (holder, other)
            labels = [edge[2] for edge in picture.edges if edge[:2] == ends]
            if len(shown(link["edge"])) <= 60:
                assert [shown(link["edge"])] in labels
    left_out = result["referents"]["count"] - 7
    assert [node for node in picture.nodes if node[0].endswith(" %d more referents" % left_out)]
    # A way of which the middle is not shown does not lead from one end to the other.
    far = draw(quoted.pid, "show", report["end"])
    gap, = [number for number, node in enumerate(far.nodes) if node[0].endswith(" more steps")]
    reached = {far.find(report["end"])}
    for _ in far.nodes:
        reached |= {edge[0] for edge in far.edges if edge[1] in reached and edge[0] != gap and
                    edge[2] != ["alone keeps it"]}
    first = ask(quoted.pid, "show", report["end"])["path"]["steps"][0]
    assert far.find(first["address"]) not in reached


@pytest.mark.parametrize("command", ["referrers", "referents"])
def test_groups(quoted, report, command):
    options = ("-n", "3") + (("--depth", "3") if command == "referrers" else ())
    picture = draw(quoted.pid, command, report["type"], *options)
    result = ask(quoted.pid, command, report["type"], *options)
    waiting = [(0, group) for group in result[command]]
    assert picture.nodes[0][1] == "21 instances"
    number = 0
    while waiting:
        above, group = waiting.pop(0)
        number += 1
        label = picture.nodes[number]
        assert "{:,} bytes".format(group["bytes"]) in label
        ends = (number, above) if command == "referrers" else (above, number)
        edge, = [edge for edge in picture.edges if edge[:2] == ends]
        assert edge[3] == (", style=dashed" if group["internal"] else "")
        assert edge[2][1] == "{:,} reference{}".format(group["references"],
                                                       "s"[group["references"] == 1:])
        waiting = [(number, inner) for inner in group.get("referrers", ())] + waiting
        if "other" in group and group["other"]["groups"]:
            waiting.insert(len(group["referrers"]), None)
        while waiting and waiting[0] is None:
            waiting.pop(0)
            number += 1
    assert picture.words[1].startswith(command.capitalize() + " of ")


def test_dump(quoted, report, tmp_path):
    """Without a process there is the same picture."""
    path = str(tmp_path / "heap.pyi")
    done = support.run_pyinspect(quoted.pid, "dump", path)
    assert done.returncode == 0, done.stderr
    for question in (("path", report["address"]), ("show", report["holder"]),
                     ("referrers", report["type"], "--depth", "3")):
        one, other = draw(quoted.pid, *question), draw(path, *question)
        assert (one.nodes, one.edges) == (other.nodes, other.edges)


@pytest.mark.parametrize("words", [
    ("top-types",), ("top-objects",), ("dominators",), ("garbage",), ("explain",), ("check", "--max-rss", "1GiB")])
def test_refused(quoted, words):
    done = support.run_pyinspect(quoted.pid, *words, "--format", "dot")
    assert (done.returncode, done.stdout) == (3 if words[0] == "check" else 2, "")
    assert "%s says nothing that is a graph; the format dot is for path, show" % words[0] in done.stderr


def test_errors(quoted):
    """There is no picture of nothing."""
    done = support.run_pyinspect(quoted.pid, "path", "no.such.Type", "--format", "dot")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no.such.Type" in done.stderr
