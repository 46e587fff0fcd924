"""
--timeout, SIGINT and SIGTERM end a run within a second, whatever the target, its files, its bus or
its memory do; and the target is as it was.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

import interpreters
import support
import support_files as files
import support_time as timed
import test_file_server as file_server

COMMANDS = {
    "top-types": ["top-types"],
    "slip-dbus": ["slip-dbus"],
    "check": ["check", "--no-history", "--min-age", "0", "--max-rss", "10GiB"],
}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the point is that it is root who looks")


@pytest.fixture
def mount():
    """Where a server is mounted; what is there is looked at first, for its name."""
    path = tempfile.mkdtemp(prefix="libc-pyinspect-test-")
    os.chmod(path, 0o755)
    yield path
    os.rmdir(path)


@pytest.fixture
def served(mount):
    servers = []

    def starter(content=bytes(1 << 16)):
        servers.append(timed.Server(mount, content))
        return servers[-1]

    yield starter
    for server in servers:
        server.close()


def expected(way, command):
    """The exit code of a run that could not be finished."""
    if way == "timeout":
        return 3 if command == "check" else 1
    return -signal.SIGTERM if way == "SIGTERM" else -signal.SIGINT


def judge(run, command, code, restored=True):
    """What a run says that could not be finished."""
    if not restored:
        assert code == (2 if command == "check" else 6), (code, run.output, run.words)
        # One report, which says so.
        report = json.loads(run.output)
        assert report["error"]["code"] == "not-restored", report
        return
    assert code == expected(run.way, command), (code, run.output, run.words)
    if run.way != "timeout":
        return
    report = json.loads(run.output)
    assert report["error"]["code"] == "timeout", report


def look(target, way, command, *options):
    """A run from outside; the target is the same before and after."""
    with support.assert_untouched(target.pid):
        run = timed.Run(way, target.pid, *COMMANDS[command], "--format", "json", *options)
        code = run.finish()
    assert not target.snapshots() and not target.hidden_zombies()
    return run, code


@pytest.mark.parametrize("way", timed.WAYS)
@pytest.mark.parametrize("kind", ["silent", "endless", "linger"])
def test_bus(folder, begin, kind, way):
    path = os.path.join(folder, "bus")
    bus = begin("victims/bus.py", kind, path)
    target = begin("victim_time.py", "plain",
                   env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + path})
    run, code = look(target, way, "slip-dbus")
    # It may have given up on the bus in time.
    assert code == 0 or code == expected(way, "slip-dbus"), (code, run.output, run.words)
    assert bus.is_alive()


@pytest.mark.parametrize("way", timed.WAYS)
def test_socket_that_is_never_found(served, mount, begin, way):
    server = served()
    server.silent = {file_server.LOOKUP}
    target = begin("victim_time.py", "plain",
                   env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=%s/socket" % mount})
    run, code = look(target, way, "slip-dbus")
    assert code == 0 or code == expected(way, "slip-dbus"), (code, run.output, run.words)
    assert server.held


@pytest.mark.parametrize("way", timed.WAYS)
@pytest.mark.parametrize("silent", ["OPEN", "READ", "all"])
@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_library(folder, served, begin, silent, way):
    """One whose file does not answer: what the stack is made of."""
    with open(files.build(folder, files.PLAIN), "rb") as stream:
        server = served(stream.read())
    target = begin("victim_files.py", server.path)
    before = support.settled_state(target.pid)
    timed.drop_cache(server.path)
    server.silent = ({file_server.LOOKUP, file_server.GETATTR, file_server.OPEN, file_server.READ}
                     if silent == "all" else {getattr(file_server, silent)})
    run = timed.Run(way, target.pid, "--verbose", "top-types", "--format", "json")
    code = run.finish()
    assert code == 0 or code == expected(way, "top-types"), (code, run.output, run.words)
    assert server.held
    assert not target.snapshots() and not target.hidden_zombies()
    server.silent = set()
    support.assert_same_state(target.pid, before)


@pytest.mark.parametrize("command", ["top-types", "check"])
@pytest.mark.parametrize("way", timed.WAYS)
def test_pages_of_a_server(served, begin, command, way):
    server = served()
    target = begin("victim_time.py", "file", server.path)
    server.silent = {file_server.READ}
    run, code = look(target, way, command)
    assert server.held
    judge(run, command, code)


@pytest.mark.parametrize("options", [[], ["--verbose"]], ids=["plain", "verbose"])
@pytest.mark.parametrize("command", ["top-types", "check"])
def test_pipe_ends_with_the_run(served, begin, command, options):
    """Whoever reads what it prints does not wait for a worker that is left behind."""
    server = served()
    target = begin("victim_time.py", "file", server.path)
    server.silent = {file_server.READ}
    begun = time.monotonic()
    with support.assert_untouched(target.pid):
        with subprocess.Popen([support.PYINSPECT, str(target.pid), *COMMANDS[command], "--format",
                               "json", *options, "--timeout", str(timed.TIMEOUT_SECONDS)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding="utf-8") as process:
            # Also if it is not as it should be, the reader comes to an end.
            watchdog = threading.Timer(timed.TIMEOUT_SECONDS + 10, server.close)
            watchdog.start()
            text = process.stdout.read()
            took = time.monotonic() - begun
            watchdog.cancel()
    assert server.held
    assert took < timed.TIMEOUT_SECONDS + timed.PATIENCE_SECONDS, (took, text)
    assert process.returncode == expected("timeout", command)
    assert '"timeout"' in text


@pytest.mark.parametrize("command", ["top-types", "check"])
@pytest.mark.parametrize("way", timed.WAYS)
def test_pages_that_are_held_back(begin, command, way):
    if not timed.has_userfaultfd():
        pytest.skip("no userfaultfd here")
    run, code = look(begin("victim_time.py", "uffd", root=True), way, command)
    # Newer kernels do not wait, but say that there is nothing.
    if code != (3 if command == "check" else 1) or "heap-broken" not in run.output:
        judge(run, command, code)


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_text_of_a_server(served, begin, source):
    """Named like a C library, in which code is looked for."""
    server = served()
    target = begin("victim_time.py", "text", server.path)
    server.silent = {file_server.READ}
    run, code = look(target, "timeout", "top-types", "--source", source)
    assert code == 0, (code, run.output, run.words)


@pytest.mark.parametrize("source", ["clone", "mirror"])
def test_stack_of_a_server(served, begin, source):
    """The only thread has its stack in a file; what is below is not there."""
    server = served(bytes(1 << 20))
    target = begin("victim_time.py", "stack", server.path)
    server.silent = {file_server.READ}
    run, code = look(target, "timeout", "top-types", "--source", source)
    assert code in (0, 1), (code, run.output, run.words)
    assert code == 0 or json.loads(run.output)["error"]["code"] != "not-restored"
    assert not server.held


@pytest.mark.skipif(os.uname().machine != "x86_64" or not timed.has_rseq(),
                    reason="no C library with rseq, on x86_64")
@pytest.mark.parametrize("way", timed.WAYS)
def test_sequence_of_a_server(served, begin, way):
    """
    Whoever stops a thread asks whether it is in a restartable sequence: the answer never comes. What
    the thread does to itself when it goes on, where the kernel asks, is its own affair.
    """
    server = served()
    target = begin("victim_time.py", "rseq", server.path)
    support.wait_until(lambda: len(os.listdir("/proc/%d/task" % target.pid)) == 2,
                       "the thread that led them there ends")
    timed.drop_cache(server.path)
    server.silent = {file_server.READ}
    run = timed.Run(way, target.pid, "top-types", "--format", "json", "--source", "clone")
    try:
        code = run.finish()
        # 6: it waits where nobody can say any more what it is at.
        assert code in (1, 6, expected(way, "top-types")), (code, run.output, run.words)
        assert not target.snapshots() and not target.hidden_zombies()
    finally:
        server.answer_all()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["base", "mro", "name", "dict", "threads"])
def test_structures_without_end(begin, kind, command):
    run, code = look(begin("victim_time.py", kind), "timeout", command)
    if code not in (0, 4, 5):
        assert code == expected("timeout", command), (code, run.words)


@pytest.mark.parametrize("way", ["timeout", "SIGINT"])
def test_interpreters_without_end(begin, way):
    run, code = look(begin("victim_time.py", "cycle"), way, "top-types")
    assert code in (0, 4, 5, 1) or code == expected(way, "top-types"), (code, run.words)


def stop(run, name):
    os.kill(run.member(name), signal.SIGSTOP)


@pytest.mark.parametrize("way", timed.WAYS)
@pytest.mark.parametrize("command, name", [
    ("top-types", "pyinspect-brok"), ("check", "pyinspect-brok"), ("check", "pyinspect-keep")])
def test_stopped_before_there_is_a_snapshot(served, begin, name, command, way):
    """While the worker reads what never comes; nothing is owed to the target yet."""
    server = served()
    target = begin("victim_time.py", "file", server.path)
    server.silent = {file_server.READ}
    with support.assert_untouched(target.pid):
        run = timed.Run(way, target.pid, *COMMANDS[command], "--format", "json")
        support.wait_until(lambda: server.held, "the worker reads")
        stop(run, name)
        code = run.finish()
    assert not target.snapshots() and not target.hidden_zombies()
    judge(run, command, code)


@pytest.fixture(scope="session")
def extension():
    """tests/extension/hostile.c, where nobody can get at it."""
    with tempfile.TemporaryDirectory(prefix="pyinspect-test-") as path:
        os.chmod(path, 0o755)
        source = os.path.join(support.ROOT, "tests", "extension", "hostile.c")
        interpreters.build_extension(timed.DISTRIBUTION, "hostile", [source], path)
        yield path


@pytest.fixture
def endless(folder, extension, begin):
    """An object whose type looks for its referents for ever: in the snapshot."""
    shutil.copy(os.path.join(support.VICTIMS, "commands.py"), folder)
    target = begin(os.path.join("..", "live", "victims", "hostile_victim.py"), extension, "Endless",
                   "1", interpreter=timed.DISTRIBUTION)
    target.ask("make")
    target.ask("arm")
    yield target
    target.ask("check")
    # Whatever was left is gone after a run.
    support.top_types(target.pid)
    assert not target.hidden_zombies()


@pytest.mark.parametrize("command", ["top-types", "check"])
@pytest.mark.parametrize("way", timed.WAYS)
@pytest.mark.parametrize("name", [None, "pyinspect-work"])
def test_endless(endless, name, command, way):
    with support.assert_untouched(endless.pid):
        run = timed.Run(way, endless.pid, *COMMANDS[command], "--format", "json")
        support.wait_until(endless.snapshots, "a snapshot")
        if name:
            stop(run, name)
        code = run.finish()
    assert not endless.snapshots() and not endless.hidden_zombies()
    judge(run, command, code)


@pytest.mark.parametrize("command", ["top-types", "check"])
@pytest.mark.parametrize("way", timed.WAYS)
def test_broker_stopped_with_a_snapshot(endless, command, way):
    """Nobody can reap that in the target, and so it is said; the next run does."""
    before = support.settled_state(endless.pid)
    run = timed.Run(way, endless.pid, *COMMANDS[command], "--format", "json")
    support.wait_until(endless.snapshots, "a snapshot")
    stop(run, "pyinspect-brok")
    code = run.finish()
    judge(run, command, code, restored=False)
    # It has been killed with its tracer.
    support.wait_until(lambda: not endless.snapshots(), "no snapshot lives", seconds=1)
    support.wait_until(lambda: support.is_itself(endless.pid), "nobody traces it")
    zombies = endless.hidden_zombies()
    assert len(zombies) == 1
    after = support.snapshot_state(endless.pid)
    after["children"] = [child for child in after["children"] if child not in zombies]
    assert not support.differences(before, after)


@pytest.mark.parametrize("way", timed.WAYS)
@pytest.mark.parametrize("name", ["pyinspect-brok", "pyinspect-work", "pyinspect-keep", None])
def test_check_replaces_its_output(endless, folder, name, way):
    """With a history and evidence; whatever happens to it, the file says so."""
    output = os.path.join(folder, "output")
    with open(output, "w", encoding="ascii") as stream:
        stream.write("old\n")
    run = timed.Run(way, endless.pid, "check", "--min-age", "0", "--max-rss", "1B", "--max",
                    "foo.Bar=1", "--state", os.path.join(folder, "state"), "--format", "json",
                    "--output", output)
    support.wait_until(endless.snapshots, "a snapshot")
    if name:
        stop(run, name)
    code = run.finish()
    text = support.read_text(output)
    broken = name == "pyinspect-brok"
    if way == "timeout" or broken:
        assert code in ((2,) if broken else (2, 3)), (code, run.words)
        assert json.loads(text)["command"] == "check"
    else:
        assert code == expected(way, "check"), (code, run.words)
        assert text == "old\n" or json.loads(text)["command"] == "check"
