"""
Pictures that pyinspect draws, read as strictly as it writes them: other text is a failure.
"""

import re

HEAD = """digraph pyinspect {
  graph [rankdir=LR, labelloc=t, labeljust=l, fontname="monospace"];
  node [shape=box, fontname="monospace"];
  edge [fontname="monospace"];
"""
# No escape of dot but these, no entity but one.
STRING = r'"((?:[^"\\&\x00-\x1f\x7f-\x9f]|\\["\\nl]|&amp;)*)"'
LOOK = r"(?:, (?:style=(?:bold|dashed|dotted)|shape=plaintext))?"
NODE = re.compile(r"  n(\d+) \[label=%s(%s)\];" % (STRING, LOOK))
EDGE = re.compile(r"  n(\d+) -> n(\d+) \[label=%s(%s)\];" % (STRING, LOOK))
LABEL = re.compile(r"  label=%s;" % STRING)


def lines_of(quoted):
    """The lines of a label, as they are drawn."""
    lines = [""]
    at = 0
    while at < len(quoted):
        if quoted[at] == "\\":
            if quoted[at + 1] in "nl":
                lines.append("")
            else:
                lines[-1] += quoted[at + 1]
            at += 2
        elif quoted.startswith("&amp;", at):
            lines[-1] += "&"
            at += len("&amp;")
        else:
            lines[-1] += quoted[at]
            at += 1
    return lines


class Picture:
    """Its nodes, as lists of lines, and its edges: (from, to, lines, look)."""

    def __init__(self, text):
        assert text.startswith(HEAD), text[:500]
        lines = text[len(HEAD):].split("\n")
        assert lines[-2:] == ["}", ""], lines[-3:]
        label = LABEL.fullmatch(lines[-3])
        assert label, lines[-3]
        self.words = lines_of(label.group(1))[:-1]
        self.nodes = []
        self.edges = []
        for line in lines[:-3]:
            node, edge = NODE.fullmatch(line), EDGE.fullmatch(line)
            assert node or edge, line
            if node:
                assert int(node.group(1)) == len(self.nodes)
                self.nodes.append(lines_of(node.group(2)))
            else:
                ends = int(edge.group(1)), int(edge.group(2))
                assert max(ends) < len(self.nodes)
                self.edges.append(ends + (lines_of(edge.group(3)), edge.group(4)))
        assert len(set(map(str, self.edges))) == len(self.edges), self.edges

    def find(self, *lines):
        """The number of the only node that has all of these lines."""
        found = [number for number, node in enumerate(self.nodes) if set(lines) <= set(node)]
        assert len(found) == 1, (lines, self.nodes)
        return found[0]
