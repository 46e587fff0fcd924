"""
The Python processes of the machine: found by names of files, told with what the kernel says of them,
nothing attached to, nothing of them believed.
"""

import contextlib
import json
import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys

import pytest

import interpreters
import support
import terminal
import test_unit_target

GROWN = 64 << 20
SECRET = "hunter2hunter2"
# What a terminal could be driven by, and what is no UTF-8.
HOSTILE = b"\x1b[2J\xe2\x80\xae\xff\ta\nb) R 1 2"


@pytest.fixture(name="state")
def _state(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def run(state, *options, expected=0, **more):
    done = support.run_pyinspect("list", "--state", state, "--json", *options, **more)
    assert done.returncode == expected, done.stderr
    support.assert_valid("list", done.stdout)
    return json.loads(done.stdout)["result"]


def row_of(result, pid):
    return {row["pid"]: row for row in result["processes"]}.get(pid)


def start_program(path, *arguments, **options):
    """A program that waits for the end of its input."""
    return subprocess.Popen([path, *arguments], stdin=subprocess.PIPE, **options)


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def resident(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as status:
        line, = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_found(interpreter, start, state):
    """Every interpreter; and nothing is done to it."""
    victim = start(interpreter, "still.py")
    with support.assert_untouched(victim.pid):
        row = row_of(run(state), victim.pid)
    assert row, "it is listed"
    assert row["python"] == re.search(r"3\.\d+t?$", interpreter.path).group()
    assert row["uid"] == os.geteuid()
    assert row["user"] == pwd.getpwuid(os.geteuid()).pw_name
    assert row["age_s"] < 600
    assert abs(row["rss_bytes"] - resident(victim.pid)) < 1 << 20
    assert "still.py" in row["command"]


def test_not_python(state):
    with ended(start_program("cat")) as other:
        assert not row_of(run(state), other.pid)


def test_growth(state, tmp_path):
    """By how much since the last list; what was not there then is new."""
    script = tmp_path / "grow.py"
    script.write_text("import sys\nprint('READY', flush=True)\nsys.stdin.readline()\n"
                      "kept = b'x' * %d\nprint('GROWN', flush=True)\nsys.stdin.read()\n" % GROWN)
    with ended(subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)) as victim:
        assert victim.stdout.readline() == b"READY\n"
        first = run(state)
        assert first["since"] is None and "first list" in first["no_growth"]
        assert row_of(first, victim.pid)["growth_bytes"] is None
        victim.stdin.write(b"\n")
        victim.stdin.flush()
        assert victim.stdout.readline() == b"GROWN\n"
        with ended(subprocess.Popen([sys.executable, "-c", "print(1, flush=True); input()"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)) as other:
            assert other.stdout.readline() == b"1\n"
            result = run(state)
            assert result["since"] and result["no_growth"] is None
            grown = row_of(result, victim.pid)
            assert GROWN <= grown["growth_bytes"] < GROWN + (8 << 20) and not grown["new"]
            new = row_of(result, other.pid)
            assert new["new"] and new["growth_bytes"] is None
            other.stdout.close()
        sizes = [row["rss_bytes"] for row in result["processes"]]
        assert sizes == sorted(sizes, reverse=True)
        only = run(state, "-n", "1")
        assert len(only["processes"]) == 1 and only["other"] >= 1
        victim.stdout.close()


def test_without_a_place_to_keep(tmp_path):
    """It says that it cannot know, and lists all the same."""
    others = tmp_path / "others"
    others.mkdir()
    others.chmod(0o777)
    for state in (others, tmp_path / "no" / "such"):
        result = run(state)
        assert result["since"] is None and result["no_growth"]
        assert row_of(result, os.getpid())
    assert not os.listdir(others)


def test_damaged_state(state):
    run(state)
    (state / "list").write_bytes(b"pyinspect-list 1 x" + bytes(100))
    assert "damaged" in run(state)["no_growth"]
    assert run(state)["no_growth"] is None
    assert (state / "list").stat().st_mode & 0o777 == 0o600


def test_kept_is_no_link(state, tmp_path):
    """What lies in its place is replaced, and not followed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("as it was")
    (state / "list").symlink_to(elsewhere)
    run(state)
    assert elsewhere.read_text() == "as it was"


def test_arguments_are_not_shown(state):
    """They may be passwords; so may be code."""
    with ended(start_program(sys.executable, "-c", "pass; input()  # " + SECRET)) as code, \
            ended(start_program(sys.executable, "-u", "-m", "this_is_no_module", SECRET,
                                stderr=subprocess.DEVNULL)), \
            ended(start_program("bash", "-c", 'exec -a "$0" "$1" -c "input()" --password="$2"',
                                "title of it", sys.executable, SECRET)) as titled:
        support.wait_until(lambda: row_of(run(state), titled.pid), "its start")
        done = support.run_pyinspect("list", "--state", state, "--json")
        assert SECRET not in done.stdout
        result = json.loads(done.stdout)["result"]
        assert row_of(result, code.pid)["command"].endswith(" -c")
        assert row_of(result, titled.pid)["command"] == "title of it"


def test_hostile_names(state, tmp_path):
    """A name that would clear the screen, forge rows and break the stat file."""
    program = os.path.join(os.fsencode(tmp_path), b"python3.11" + HOSTILE.replace(b"/", b""))
    shutil.copy(shutil.which("cat"), program)
    with ended(start_program(program, "-")) as victim:
        support.wait_until(lambda: os.readlink("/proc/%d/exe" % victim.pid).startswith(
            str(tmp_path)), "its start")
        row = row_of(run(state), victim.pid)
        assert row["python"] == "3.11" and row["told_by"] == "program"
        for columns in (80, 200):
            code, text = terminal.run(columns, "list", "--state", state, "--format", "table")
            assert code == 0
            lines = [line for line in text.splitlines() if line.split()[:1] == [str(victim.pid)]]
            assert len(lines) == 1, text
            assert all(character.isprintable() for line in text.splitlines() for character in line)
            assert max(map(len, text.splitlines())) <= columns


def test_eighty_columns(state, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    script = folder / ("name" * 30 + ".py")
    script.write_text("input()\n")
    with ended(start_program(sys.executable, script)) as victim, \
            test_unit_target.cgroup(victim.pid, "system.slice") as unit:
        support.wait_until(lambda: row_of(run(state), victim.pid), "its start")
        assert row_of(run(state), victim.pid)["unit"] == unit
        _, text = terminal.run(80, "list", "--state", state, "--format", "table")
        assert "UNIT" in text and max(map(len, text.splitlines())) <= 80
        # A pipe is not cut.
        text = support.run_pyinspect("list", "--state", state, "--format", "table").stdout
        assert str(script) in text and unit[:-len(".service")] in text


def test_ndjson(state):
    done = support.run_pyinspect("list", "--state", state, "--format", "ndjson")
    assert done.returncode == 0
    support.assert_valid("list", done.stdout, "--ndjson")
    assert any(json.loads(line).get("pid") == os.getpid() for line in done.stdout.splitlines())


def test_other_users(state, start):
    """Those that may not be looked at are counted, and the way out is said."""
    if os.geteuid() != 0:
        pytest.skip("not root: there is no other user to be")
    victim = start(interpreters.any_interpreter(), "still.py")
    with support.PublicFolder() as folder:
        done = support.run_pyinspect("list", "--json", binary=folder.binary,
                                     prefix=support.as_nobody())
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)["result"]
        assert result["refused"] >= 1 and not row_of(result, victim.pid)
        text = support.run_pyinspect("list", "--format", "table", binary=folder.binary,
                                     prefix=support.as_nobody()).stdout
        assert "could not be looked at: run as root" in text


def test_reads_and_attaches_to_nothing(state, start, tmp_path):
    """No process of the run traces one, opens its memory, or signals any but its own."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    victim = start(interpreters.any_interpreter(), "still.py")
    log = tmp_path / "log"
    run(state, prefix=["strace", "-f", "-qq", "-o", log, "-e",
                       "trace=ptrace,process_vm_readv,process_vm_writev,openat,open"])
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert not [line for line in lines if "ptrace(" in line or "process_vm" in line]
    opened = [line for line in lines if '/mem"' in line or '"mem"' in line or "/environ" in line]
    assert not opened
    assert any('"/proc/%d"' % victim.pid in line for line in lines), "it has been looked at"


# The first process of a PID namespace: so many others, then what its arguments say. How often a reader
# is held up depends on how many there are, which a machine at work does not tell.
AMONG_OTHERS = """
import subprocess, sys
python, victim, pids, *command = sys.argv[1:]
def others(count):
    return [subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL) for _ in range(count)]
started = others(30)
victims = [subprocess.Popen([python, victim], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
           for _ in range(7)]
started += others(10)
for process in victims:
    process.stdout.readline()
with open(pids, "w") as file:
    print(*(process.pid for process in victims), file=file)
sys.exit(subprocess.run(command, stdin=subprocess.DEVNULL).returncode)
"""


# Each reader waits at the twentieth process that it comes to; or when it has half written what it
# knows of the third with Python, or of the fourth.
@pytest.mark.parametrize("call, number, least", [("readlinkat", 20, 2), ("write", 24, 1)])
def test_one_that_holds_us_up(state, tmp_path, call, number, least):
    """Whoever reads is ended when it makes no progress, and another one goes on behind that."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    if os.geteuid() != 0:
        pytest.skip("needs root, for a PID namespace")
    pids = tmp_path / "pids"
    result = run(state, expected=5, timeout=120, prefix=[
        "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c",
        AMONG_OTHERS, interpreters.any_interpreter().path, os.path.join(support.VICTIMS, "still.py"), pids,
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
        "inject=%s:delay_enter=10000000:when=%d" % (call, number)])
    assert least <= result["stuck"] < 10
    # The list goes on to the last of them; none is missing but where a reader was held up.
    missing = [pid for pid in map(int, pids.read_text().split()) if not row_of(result, pid)]
    assert len(missing) <= 3, missing


def test_a_target_is_a_mistake(state):
    done = support.run_pyinspect("1", "list", "--state", state)
    assert done.returncode == 2 and "list is about all processes" in done.stderr


def test_interrupted(state, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("no strace")
    process = support.spawn_pyinspect("list", "--state", state, prefix=[
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=readlinkat", "-e",
        "inject=readlinkat:delay_enter=60000000:when=1+"])
    def reader():
        for child in support.children(process.pid):
            for grandchild in support.children(child):
                return child if grandchild else None
        return None

    try:
        tool = support.wait_until(reader, "the process that reads")
        ended_fd = os.pidfd_open(tool)
        os.kill(tool, signal.SIGTERM)
        # strace itself may go on to wait for the one whose call it holds.
        assert select.select([ended_fd], [], [], 10)[0]
        os.close(ended_fd)
    finally:
        process.kill()
        process.wait()
    assert not (state / "list").exists()
