"""
Refusals: the right exit code, words that name the cause, and a target that is as it was.
"""

import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import subprocess

import pytest

import embedding
import interpreters
import support

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_DETACH = 17
WALL = 0x40000000

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def ptrace(request, pid):
    if LIBC.ptrace(request, pid, None, None) == -1:
        raise OSError(ctypes.get_errno(), "ptrace %#x" % request)


def refuse(exit_code, *arguments, **options):
    """Runs what must be refused; returns the "error" of the JSON envelope."""
    done = support.run_pyinspect(*arguments, "--format", "json", **options)
    assert done.returncode == exit_code, "exit %d\n%s%s" % (
        done.returncode, done.stdout, done.stderr)
    envelope = json.loads(done.stdout)
    assert envelope["schema"] == "pyinspect/1"
    assert "result" not in envelope
    error = envelope["error"]
    assert error["code"] and error["message"]
    assert done.stderr.startswith("pyinspect: "), "words belong on stderr"
    assert error["message"] in done.stderr
    assert "\n" not in error["message"] and "\n" not in (error.get("hint") or "")
    return error


@contextlib.contextmanager
def other_program(*command, **options):
    """A process that is not Python, once it has become that program and blocks."""
    target = support.Target(list(command), **options)
    try:
        name = os.path.basename(command[0])[:15]
        support.wait_until(lambda: support.read_stat(target.pid)["comm"] == name, name + " runs")
        target.wait_blocked()
        yield target
    finally:
        target.close()


@pytest.fixture
def victim(start):
    return start(interpreters.any_interpreter(), "still.py")


def free_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_no_such_process():
    pid = free_pid()
    error = refuse(3, pid, "top-types")
    assert error["code"] == "no-such-process"
    assert str(pid) in error["message"]


def test_not_python():
    with other_program("sleep", "1000") as target, support.assert_untouched(target.pid):
        error = refuse(4, target.pid, "top-types")
        assert "sleep" in error["message"], "says what was found"


@contextlib.contextmanager
def wrapper(program, count=1):
    """A shell that has started so many Pythons and waits for them; their numbers."""
    victim = os.path.join(support.VICTIMS, "still.py")
    starts = 'exec 3<&0; ' + '"$1" "$2" <&3 & ' * count
    target = support.Target(["sh", "-c", starts + "wait", "sh", program, victim])
    started = []
    try:
        for _ in range(count):
            target.expect("READY")
        started += sorted(support.children(target.pid))
        yield target, started
    finally:
        target.close()
        for pid in started:
            support.wait_until(lambda: not os.path.exists("/proc/%d" % pid), "its end")


def distribution():
    return interpreters.require([one for one in interpreters.EXPECTED
                                 if one.name == "distribution"][0])


@pytest.mark.parametrize("command", [["top-types"], ["path", "dict"]])
def test_wrapper(command):
    """What was meant is what it has started: the hint has its number."""
    with wrapper(distribution().path) as (target, (child,)), \
            support.assert_untouched(child):
        error = refuse(4, target.pid, *command)
        assert error["code"] == "not-python"
        assert "it has started process %d, which runs Python" % child in error["hint"]
        # Who asked for them gets the child, and no hint.
        done = support.run_pyinspect(target.pid, "--children", "top-types", "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout)["target"]["pid"] == child


def test_wrapper_of_several():
    with wrapper(distribution().path, 6) as (target, started):
        told = ", ".join(str(pid) for pid in started[:4])
        hint = refuse(4, target.pid, "top-types")["hint"]
        assert "it has started processes %s, ..., which run Python" % told in hint


def test_wrapper_of_an_embedder(tmp_path):
    """Its name says nothing, but it has mapped the library."""
    built = embedding.build(str(tmp_path / "worker"), embedding.shared_library(distribution()))
    with wrapper(built.path) as (target, (child,)):
        hint = refuse(4, target.pid, "top-types")["hint"]
        assert "it has started process %d, which runs Python" % child in hint


def lists_processes(log):
    """Whether all processes were listed, as it takes to know who has started whom."""
    return '"/proc"' in log.read_text(encoding="utf-8", errors="replace")


def test_children_are_looked_for_if_it_fails_only(tmp_path):
    """A program that has Python, is called otherwise, and has started another: nobody asks which."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    log = tmp_path / "log"
    strace = ["strace", "-f", "-qq", "-o", log, "-e", "trace=open,openat"]
    built = embedding.build(str(tmp_path / "worker"), embedding.shared_library(distribution()))
    target = support.Target([built.path, "-sEc", "import subprocess, sys; "
                             "one = subprocess.Popen(['sleep', '1000']); "
                             "print('READY', flush=True); sys.stdin.read(); one.kill()"])
    try:
        target.expect("READY")
        assert support.run_pyinspect(target.pid, "top-types", prefix=strace).returncode == 0
        assert not lists_processes(log)
    finally:
        target.close()
    with wrapper(distribution().path) as (target, _):
        refuse(4, target.pid, "top-types", prefix=strace)
        assert lists_processes(log)


def embedder_for_all(folder, interpreter):
    """A program and its library, in a folder that other users can read."""
    library = shutil.copy(embedding.shared_library(interpreter), folder.path)
    return embedding.build(os.path.join(folder.path, "worker"), library).path, library


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_library_that_is_gone(change):
    """As after an upgrade, and without the right to open the mapped one."""
    if os.geteuid():
        pytest.skip("wants root, to be another user")
    with support.PublicFolder() as folder:
        program, library = embedder_for_all(folder, distribution())
        target = support.Target(support.as_nobody() + [
            program, "-sEc", "import sys; print('READY', flush=True); sys.stdin.read()"])
        try:
            target.expect("READY")
            os.unlink(library)
            if change == "replaced":
                shutil.copy("/bin/true", library)
            error = refuse(1, target.pid, "top-types", prefix=support.as_nobody(),
                           binary=folder.binary)
            assert "does not run" not in error["message"]
            assert os.path.basename(library) in error["message"]
            assert "run as root" in error["hint"] and "restart" in error["hint"]
            # So root may, and the hint is right.
            done = support.run_pyinspect(target.pid, "top-types", "--json")
            assert done.returncode == 0, done.stderr
        finally:
            target.close()


# Maps the file as an emulator maps a program of another machine: not executable for its own.
EMULATOR = """
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	if (mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, open(argv[1], O_RDONLY), 0) ==
	    MAP_FAILED)
		return 1;
	(void)!write(1, "READY\\n", 6);
	return (int)read(0, argv[0], 1);
}
"""


@pytest.mark.parametrize("name,exit_code,code", [("qemu-other", 4, "elf-foreign-machine"),
                                                 ("editor", 4, "not-python")])
def test_emulated(tmp_path, name, exit_code, code):
    """What runs in an emulator cannot be seen; who only reads a foreign program is no emulator."""
    source, program, foreign = (tmp_path / one for one in (name + ".c", name, "foreign"))
    source.write_text(EMULATOR)
    subprocess.run([embedding.compiler(), str(source), "-o", str(program)], check=True)
    data = bytearray(program.read_bytes())
    data[18:20] = (0xf3, 0)  # e_machine: RISC-V
    foreign.write_bytes(data)
    with contextlib.closing(support.Target([str(program), str(foreign)])) as target:
        target.expect("READY")
        error = refuse(exit_code, target.pid, "top-types")
        assert error["code"] == code
        assert ("for another architecture" in error["message"]) == (name == "qemu-other")


def test_zombie():
    process = subprocess.Popen(["true"])
    try:
        support.wait_until(lambda: support.read_stat(process.pid)["state"] == "Z", "it ends")
        assert refuse(3, process.pid, "top-types")["code"] == "no-such-process"
    finally:
        process.wait()


def test_thread_is_not_a_process(victim):
    thread = [tid for tid in support.threads(victim.pid) if tid != victim.pid][0]
    with support.assert_untouched(victim.pid):
        error = refuse(3, thread, "top-types")
    assert error["code"] == "no-such-process"


def test_32_bit(tmp_path):
    source, program = tmp_path / "wait32.c", tmp_path / "wait32"
    # Without libc, so that no 32-bit libraries are needed: pause() for ever.
    source.write_text("void _start(void) { for (;;) __asm__ volatile(\"int $0x80\" :: \"a\"(29)); }\n")
    compiler = shutil.which("gcc")
    built = compiler and subprocess.run([compiler, "-m32", "-nostdlib", "-static", "-fno-pie", "-no-pie",
                                         "-o", str(program), str(source)],
                                        stderr=subprocess.DEVNULL).returncode == 0
    if not built:
        pytest.skip("gcc -m32 cannot build programs here")
    try:
        # What it was built for, no kernel needs to have.
        with subprocess.Popen([str(program)]) as process:
            process.kill()
    except OSError as error:
        assert error.errno == errno.ENOEXEC
        pytest.skip("this kernel does not run 32-bit programs")
    with other_program(str(program)) as target, support.assert_untouched(target.pid):
        error = refuse(4, target.pid, "top-types")
        assert "32" in error["message"]


def test_other_user(victim):
    """As an unprivileged user: the target belongs to somebody else."""
    root = os.geteuid() == 0
    pid = victim.pid if root else 1
    prefix = support.as_nobody() if root else []
    with support.PublicFolder() as folder:
        before = support.settled_state(pid) if root else None
        error = refuse(3, pid, "top-types", prefix=prefix, binary=folder.binary)
        assert error["code"] == "other-user"
        assert error["hint"]
        if root:
            support.assert_same_state(pid, before)


def test_already_traced(victim):
    """The message names who is tracing it: us."""
    ptrace(PTRACE_SEIZE, victim.pid)
    try:
        with support.assert_untouched(victim.pid):
            error = refuse(3, victim.pid, "top-types")
        assert error["code"] == "already-traced"
        assert str(os.getpid()) in error["message"]
    finally:
        ptrace(PTRACE_INTERRUPT, victim.pid)
        os.waitpid(victim.pid, WALL)
        ptrace(PTRACE_DETACH, victim.pid)
    assert victim.ask("nothing") == {}
    support.top_types(victim.pid)


def test_itself():
    """exec keeps the pid: it is pointed at itself."""
    done = support.run_pyinspect(
        prefix=["sh", "-c", 'exec "$0" $$ top-types --format json'], timeout=60)
    assert done.returncode in (2, 3, 4), done.stdout + done.stderr
    assert json.loads(done.stdout)["error"]["message"]


def test_pid_1():
    """Init is no Python; or, in a container without privileges, not ours to look at."""
    with open("/proc/1/comm") as stream:
        name = stream.read().strip()
    done = support.run_pyinspect(1, "top-types", "--format", "json")
    if name.startswith("python") and done.returncode == 0:
        return
    assert done.returncode in (3, 4), done.stdout + done.stderr
    assert json.loads(done.stdout)["error"]["message"]
    assert support.read_stat(1)["state"] not in "tT"


def test_kernel_thread():
    found = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()
             and support.read_stat(int(entry))["comm"] == "kthreadd"]
    if not found:
        pytest.skip("no kernel threads are visible here")
    assert "kernel thread" in refuse(4, found[0], "top-types")["message"]


def test_max_pause_refuses_before_the_stop(start):
    """A pause that is too long for the user is refused without touching the target."""
    victim = start(interpreters.any_interpreter(), "mixed.py", 1000000)
    with support.assert_untouched(victim.pid):
        error = refuse(1, victim.pid, "top-types", "--max-pause", "1")
        assert "1 ms" in error["message"]
        assert "--max-pause" in error["hint"]


@pytest.mark.parametrize("target", ["", "0", "-1", "x", "12x", "99999999999999999999", "unit:"])
def test_bad_target(target):
    done = support.run_pyinspect(target, "top-types")
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("pyinspect: ")


def test_missing_unit():
    error = refuse(3, "unit:pyinspect-no-such-unit.service", "top-types")
    assert error["code"] == "no-such-unit"
    assert "pyinspect-no-such-unit.service" in error["message"]


@pytest.mark.parametrize("arguments", [
    ["--no-such-option"], ["1", "top-types", "--no-such-option"], ["1", "no-such-command"],
    ["1", "top-types", "--limit", "x"], ["1", "top-types", "--limit", "-1"],
    ["1", "top-types", "--by", "size"], ["1", "top-types", "--scope", "some"],
    ["1", "top-types", "--format", "xml"], ["1", "top-types", "--timeout", "soon"],
    ["1", "top-types", "--max-pause"], ["1", "top-types", "more"], ["1"], []])
def test_usage(arguments):
    done = support.run_pyinspect(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("pyinspect: ")
    # stdout is no terminal here: there is JSON for programs
    assert set(json.loads(done.stdout)) >= {"schema", "error"}


def test_usage_of_people_is_words_only():
    done = support.run_pyinspect("--format", "table", "--no-such-option")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--no-such-option" in done.stderr
