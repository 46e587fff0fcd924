"""
The static program needs nothing of the system that it runs on: it is tried in a file system that is
empty but for /proc, as in an image made of it alone, and says there what the ordinary one says.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

import support

MOST_BYTES = 4 << 20
ROOT_SCRIPT = 'mount -t proc proc "$1/proc" && shift && exec chroot "$@"'


@pytest.fixture(scope="module", name="program")
def _program(tmp_path_factory):
    for name in ("meson", "ninja", "readelf"):
        if not shutil.which(name):
            pytest.skip("no " + name)
    folder = tmp_path_factory.mktemp("static") / "build"
    done = subprocess.run([os.path.join(support.ROOT, "tools", "build-static"), str(folder)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    return folder / "pyinspect"


@pytest.fixture(name="empty")
def _empty(program, tmp_path):
    if os.geteuid():
        pytest.skip("needs root, for a root of its own")
    (tmp_path / "proc").mkdir()
    shutil.copy(program, tmp_path)
    return tmp_path


def run_in(root, *arguments):
    return subprocess.run(["unshare", "-m", "sh", "-c", ROOT_SCRIPT, "sh", str(root), str(root),
                           "/pyinspect", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)


def test_is_small_and_needs_no_library(program):
    shown = subprocess.run(["readelf", "-lWd", str(program)], stdout=subprocess.PIPE, check=True,
                           text=True).stdout
    assert "LOAD" in shown and "INTERP" not in shown and "NEEDED" not in shown
    assert program.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("command", [
    ("top-types", "-n", "0"), ("path", "Session"), ("referrers", "Session"), ("garbage",)])
def test_says_the_same(empty, service, command):
    service.leak(500)
    answers = []
    for done in (run_in(empty, service.pid, *command, "--json"),
                 support.run_pyinspect(service.pid, *command, "--json")):
        assert done.returncode == 0, done.stdout + done.stderr
        answers.append(json.loads(done.stdout)["result"])
    assert answers[0] == answers[1]


def test_is_honest_about_what_is_not_there(empty, service):
    service.leak(10)
    done = run_in(empty, service.pid, "check", "--max", "Session=0:0", "--min-age", "0", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 2, done.stderr
    assert report["result"]["status"] == "critical"
    assert any("/var/lib/pyinspect" in warning["message"] for warning in report["warnings"])


def test_lists_what_runs(empty, service):
    done = run_in(empty, "list", "--json")
    assert done.returncode in (0, 5), done.stderr
    assert service.pid in [one["pid"] for one in json.loads(done.stdout)["result"]["processes"]]


@pytest.mark.parametrize("name", ["debugger.json", "sidecar.yaml", "daemonset.yaml"])
def test_examples_of_kubernetes_say_what_is_needed(name):
    """The same capabilities everywhere, those of doc/service.md; YAML is a superset of JSON."""
    text = support.read_text(os.path.join(support.ROOT, "examples", "kubernetes", name))
    added = re.search(r'"?add"?: (\[.*?\])', text).group(1)
    page = support.read_text(os.path.join(support.ROOT, "doc", "service.md"))
    assert json.loads(added) == ["SYS_PTRACE", "SYS_ADMIN", "DAC_OVERRIDE", "KILL", "SETUID",
                                 "SETGID"]
    assert [one for one in json.loads(added) if "`CAP_%s`" % one not in page] == []
    assert re.search(r'"?drop"?: \["ALL"\]', text) and "Unconfined" in text
    assert "\t" not in text
