"""
From README to the cause of the leak of its example: three commands, of which each but the first was
printed by the one before, or is in README.
"""

import os
import re
import shlex
import subprocess

import support

SERVICE = os.path.join(support.ROOT, "examples", "leaky_service.py")
CLIENTS = 20000


def run(*words):
    done = support.run_pyinspect(*words, "--format", "table")
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands_of_readme():
    with open(os.path.join(support.ROOT, "README.md"), encoding="utf-8") as file:
        text = " ".join(file.read().split())
    return re.findall(r"`build/pyinspect (list|PID explain)`", text)


def test_from_readme_to_the_cause(tmp_path):
    first, second = commands_of_readme()[:2]
    service = subprocess.Popen(["/usr/bin/python3", SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout.readline() == "READY\n"
        service.stdin.write("%d\n" % CLIENTS)
        service.stdin.flush()
        assert service.stdout.readline() == "SERVED %d\n" % CLIENTS
        # Which process?
        text = run(*first.split(), "--state", str(tmp_path / "state"))
        assert re.search(r"^ *%d .*leaky_service\.py" % service.pid, text, re.MULTILINE)
        # What fills it? It says what to ask next.
        text = run(*second.replace("PID", str(service.pid)).split())
        assert "__main__.Session" in text
        third, = re.findall(r"pyinspect (%d path __main__\.Session)$" % service.pid, text, re.MULTILINE)
        # Who holds it? The name is that of the source.
        text = run(*shlex.split(third))
        assert re.search(r"^ *20,000 .* table\.by_client\[\*\]$", text, re.MULTILINE)
        with open(SERVICE, encoding="utf-8") as source:
            assert "self.by_client = {}" in source.read()
    finally:
        service.stdin.close()
        service.wait()
