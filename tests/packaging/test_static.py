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


@pytest.fixture(name="empty")
def _empty(static_program, tmp_path):
    if os.geteuid():
        pytest.skip("needs root, for a root of its own")
    (tmp_path / "proc").mkdir()
    shutil.copy(static_program, tmp_path)
    return tmp_path


def run_in(root, *arguments):
    return subprocess.run(["unshare", "-m", "sh", "-c", ROOT_SCRIPT, "sh", str(root), str(root),
                           "/pyinspect", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)


def test_is_small_and_needs_no_library(static_program):
    shown = subprocess.run(["readelf", "-lWd", str(static_program)], stdout=subprocess.PIPE, check=True,
                           text=True).stdout
    assert "LOAD" in shown and "INTERP" not in shown and "NEEDED" not in shown
    assert static_program.stat().st_size < MOST_BYTES


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


MUSL = os.path.join(os.environ.get("PYI_ROOTS") or os.path.join(support.ROOT, "build", "roots"),
                    "musl")
KEEPS = """
import sys
class Session:
    pass
CACHE = {"open": {}, "closed": {}}
print("READY", flush=True)
for line in sys.stdin:
    CACHE["open"].update((number, Session()) for number in range(int(line)))
    print("SERVED", flush=True)
"""


@pytest.fixture(name="musl")
def _musl():
    """A program of a Python that knows no other C library than musl, in a root that has no other."""
    if os.geteuid() or not os.path.exists(os.path.join(MUSL, "made")):
        pytest.skip("no root, or no %s: tests/make-musl-root" % MUSL)
    target = support.Target(["unshare", "-m", "sh", "-c", ROOT_SCRIPT, "sh", MUSL, MUSL,
                             "/usr/bin/python3.11", "-c", KEEPS])
    target.expect("READY")
    yield target
    target.close()


def test_finds_a_leak_on_musl(static_program, musl, tmp_path):
    with open("/proc/%d/maps" % musl.pid, encoding="utf-8") as maps:
        mapped = maps.read()
    assert "/ld-musl-" in mapped and "/libc.so.6" not in mapped
    musl.send("30000")
    musl.expect("SERVED")
    musl.wait_blocked()
    shutil.copy(static_program, tmp_path)

    def ask(*words):
        done = subprocess.run([str(tmp_path / "pyinspect"), str(musl.pid), *words, "--json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return done.returncode, json.loads(done.stdout)["result"]

    with support.assert_untouched(musl.pid):
        code, types = ask("top-types", "-n", "0")
        assert (code, {one["type"]: one["count"] for one in types["types"]}[
            "__main__.Session"]) == (0, 30000)
        code, found = ask("path", "Session")
        assert (code, [(way["through"], way["instances"]) for way in found["ways"]]) == (
            0, [("__main__.CACHE['open'][*]", 30000)])
        code, found = ask("check", "--no-history", "--min-age", "0", "--state", str(tmp_path),
                          "--max-container", "__main__.CACHE[*]=1000")
        assert code == 2 and found["rules"][0]["value"] == 30000


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
