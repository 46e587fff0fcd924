"""
A core in the place of a process: it gives the answers that the process gave when it was written, and
what it lacks is said. Cores are written by core_writer.py, by the kernel, and by whoever means harm.
"""

import copy
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys

import pytest

import core_writer
import interpreters
import support

QUESTIONS = [("top-types", "-n", "0"), ("top-types", "--scope", "tracked", "--by", "count"),
             ("top-types", "--by", "retained", "-n", "15"), ("garbage", "-n", "0"),
             ("top-objects", "-n", "20"), ("dominators", "Holder"), ("referrers", "Holder"),
             ("referents", "Holder"), ("path", "Holder"), ("explain",), ("dominators",),
             ("top-objects", "--by", "retained"), ("referrers", "dict", "--depth", "3"),
             ("referrers", "Holder", "--tree"),
             ("referents", "object", "-n", "0"), ("path", "dict", "-n", "5")]
MUTATIONS = 300
CODES = (0, 1, 4, 5)


def root_of(interpreter):
    return ["--sysroot", interpreter.root] if interpreter.root else []


def ask(target, *question, code=0, **options):
    done = support.run_pyinspect(target, *question, "--format", "json", **options)
    assert done.returncode == code, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["host"]
    return report


def refused(path, *question, code, error, **options):
    report = ask(path, *question, code=code, **options)
    assert report["error"]["code"] == error, report
    return report["error"]


def answer(report):
    """What must be the same: all but what it cost, and where it is from."""
    target = {key: report["target"][key] for key in ("pid", "exe", "python", "interpreters")}
    result = report["result"]
    if report["command"] == "explain":
        # Of memory that is no objects a core knows less.
        result = {key: value for key, value in result.items() if key not in ("paragraphs", "memory")}
    return target, report["access"]["consistent"], result, report["warnings"]


@pytest.fixture(scope="module")
def idle(interpreter):
    target = support.Target.python(interpreter, "webs.py")
    target.wait_blocked()
    yield target
    target.close()


@pytest.fixture(scope="module")
def core(idle, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("cores") / "one.core")
    core_writer.write(idle.pid, path)
    return path


@pytest.fixture(scope="module")
def of_idle(idle):
    """What is said of the process, which does nothing: each question is asked once."""
    answers = {}

    def answer_to(question):
        if question not in answers:
            answers[question] = ask(idle.pid, *question)
        return copy.deepcopy(answers[question])

    return answer_to


@pytest.fixture(scope="module")
def plain():
    """One of the distribution's, for what is the same for all of them."""
    target = support.Target.python(interpreters.any_interpreter(), "webs.py")
    target.wait_blocked()
    yield target
    target.close()


@pytest.fixture(scope="module")
def plain_core(plain, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("cores") / "plain.core")
    core_writer.write(plain.pid, path)
    return path


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_same_answers(interpreter, of_idle, core, question):
    live = of_idle(question)
    report = ask(core, *question, *root_of(interpreter))
    if interpreter.root:
        # From outside its root its program is called otherwise.
        live["target"]["exe"] = live["target"]["exe"].replace(os.path.realpath(interpreter.root), "")
    assert answer(report) == answer(live)
    assert report["access"]["source"] == "core" and report["cost"]["paused_ms"] == 0
    support.assert_valid(question[0], json.dumps(report))


@pytest.fixture(scope="module")
def slipping(interpreter, tmp_path_factory):
    """Keeps what python-slip keeps, on a bus that cannot be asked; and its core."""
    target = support.Target.python(interpreter, "slipping.py", env={
        "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    target.wait_blocked()
    path = str(tmp_path_factory.mktemp("cores") / "slipping.core")
    core_writer.write(target.pid, path)
    yield target, path
    target.close()


def without_bus(result):
    """But for why the bus was not asked."""
    evidence = [one for one in result["evidence"] if not one.startswith("the bus was not asked")]
    assert len(evidence) == len(result["evidence"]) - 1
    return dict(result, evidence=evidence)


def test_slip_dbus(interpreter, slipping):
    target, core = slipping
    live = ask(target.pid, "slip-dbus")
    report = ask(core, "slip-dbus", *root_of(interpreter))
    assert without_bus(report["result"]) == without_bus(live["result"])
    assert report["result"]["verdict"] == "suspect" and report["result"]["senders"] == 3005
    # Who is gone is not known, which is not nobody.
    assert report["result"]["stale"] is None
    assert [one["stale"] for one in report["result"]["connections"]] == [None]
    assert report["result"]["bus"] == {"reached": False, "address": None, "names": None}
    (warning,) = report["warnings"]
    assert warning["code"] == "no-bus" and "a core does not say" in warning["message"]
    support.assert_valid("slip-dbus", json.dumps(report))
    table = support.run_pyinspect(core, "slip-dbus", *root_of(interpreter), "--format", "table").stdout
    assert "how many of them are gone is not known" in table and "a core does not say" in table
    assert "RSS" not in table and "stale)" not in table


def test_slip_dbus_cut_off(interpreter, slipping, tmp_path):
    """What is missing is said; nothing is made of it."""
    _, core = slipping
    size = os.stat(core).st_size
    whole = ask(core, "slip-dbus", *root_of(interpreter))["result"]
    for part in (0.999, 0.8, 0.5, 0.2, 0.01):
        path = str(tmp_path / "cut.core")
        shutil.copy(core, path)
        os.truncate(path, max(int(size * part), 100))
        done = support.run_pyinspect(path, "slip-dbus", *root_of(interpreter), "--format", "json")
        assert done.returncode in (1, 4, 5), (part, done.stderr)
        report = json.loads(done.stdout)
        if done.returncode == 5:
            assert "cut-off" in [one["code"] for one in report["warnings"]]
            assert report["result"]["stale"] in (None, 0)
            assert report["result"]["senders"] <= whole["senders"]
            support.assert_valid("slip-dbus", done.stdout)
        else:
            assert report["error"]["message"]


def test_slip_dbus_absent(plain, plain_core):
    report = ask(plain_core, "slip-dbus")
    assert answer(report)[2:] == answer(ask(plain.pid, "slip-dbus"))[2:]
    assert report["result"]["verdict"] == "absent" and not report["warnings"]


CHECK = ("check", "--max", "__main__.Below=1:5", "--max", "dict=1GiB", "--max", "Nope=1",
         "--max-container", "slip.dbus.service.Object.senders=10", "--max-tracked", "1000000",
         "--max-rss", "1MiB:2MiB", "--max-growth", "dict=5/h", "--preset", "firewalld",
         "--preset", "generic")


def findings(report):
    return {one["rule"]: one for one in report["result"]["rules"]}


def test_check(interpreter, slipping, tmp_path):
    """Rules on the heap of one moment are answered; the others say why not. Nothing is kept."""
    target, core = slipping
    live = ask(target.pid, *CHECK, "--min-age", "0", "--no-history", "--state",
               str(tmp_path / "live"), code=2)
    state = tmp_path / "state"
    report = ask(core, *CHECK, *root_of(interpreter), "--state", str(state), code=2)
    support.assert_valid("check", json.dumps(report))
    assert report["access"]["source"] == "core" and report["result"]["age_s"] is None
    found, of_live = findings(report), findings(live)
    assert set(found) == set(of_live)
    unknown = {"max-rss"}
    for rule in set(found) - unknown:
        # Of a process it says that none was wanted.
        wanted = of_live[rule]["message"].replace("no history is wanted (--no-history)",
                                                  "a core is of one moment")
        assert found[rule] == dict(of_live[rule], message=wanted)
    assert (found["max-rss"]["status"], found["max-rss"]["value"]) == ("unknown", None)
    assert found["max-rss"]["message"] == "resident memory: a core does not say it"
    assert of_live["max-rss"]["status"] == "critical"
    assert found["max-container slip.dbus.service.Object.senders"]["status"] == "critical"
    assert found["max-count __main__.Below"]["status"] == "warning"
    assert found["max-growth dict"]["message"] == "dict: a core is of one moment"
    assert "which senders are gone" in found["max-slip-stale"]["message"]
    # Neither incidents nor evidence.
    assert not state.exists() and "state" not in os.listdir(tmp_path)


def test_check_alone(interpreter, slipping, tmp_path):
    """Exit codes are those of monitoring plugins, an output file and a failure as well."""
    _, core = slipping
    for rule, code in (("--max=__main__.Below=5", 0), ("--max=__main__.Below=1:5", 1),
                       ("--max=__main__.Below=1", 2), ("--max-growth=dict=1/h", 3)):
        output = tmp_path / "out.prom"
        done = support.run_pyinspect(core, "check", rule, *root_of(interpreter), "--format",
                                     "prometheus", "--output", str(output), "--state",
                                     str(tmp_path / "state"))
        assert done.returncode == code, done.stdout + done.stderr
        assert "pyinspect_check_status" in output.read_text()
    cut = str(tmp_path / "cut.core")
    shutil.copy(core, cut)
    for size in (os.stat(core).st_size * 9 // 10, 100):
        os.truncate(cut, size)
        done = support.run_pyinspect(cut, "check", "--max=__main__.Below=5", *root_of(interpreter),
                                     "--format", "nagios", "--state", str(tmp_path / "state"))
        assert done.returncode == 3 and done.stdout.startswith("PYINSPECT UNKNOWN"), done.stdout
    assert sorted(os.listdir(tmp_path)) == ["cut.core", "out.prom"]


def test_one_object(interpreter, idle, core):
    first = ask(idle.pid, "top-objects", "-n", "1")["result"]["largest"][0]["address"]
    assert (ask(core, "show", first, *root_of(interpreter))["result"]
            == ask(idle.pid, "show", first)["result"])


def test_dump_of_it(interpreter, idle, of_idle, core, tmp_path):
    """A dump of the core and one of the process answer the same."""
    of_core, of_process = str(tmp_path / "core.pyi"), str(tmp_path / "process.pyi")
    ask(core, "dump", of_core, *root_of(interpreter))
    ask(idle.pid, "dump", of_process)
    for question in QUESTIONS:
        offline = answer(ask(of_core, *question))[2:]
        assert offline == answer(ask(of_process, *question))[2:] == answer(of_idle(question))[2:]
    first = ask(of_core, "top-objects", "-n", "1")["result"]["largest"][0]["address"]
    assert ask(of_core, "show", first)["result"] == ask(idle.pid, "show", first)["result"]
    report = ask(of_core, "top-types")
    assert report["dump"]["source"] == "core"


@pytest.mark.parametrize("form", [{"everything": True}, {"shift": 8}], ids=str)
def test_forms(plain, plain_core, tmp_path, form):
    """With the pages of programs; and not at whole pages of the file, as gdb writes it."""
    path = str(tmp_path / "other.core")
    core_writer.write(plain.pid, path, **form)
    assert ask(path, "path", "Holder")["result"] == ask(plain_core, "path", "Holder")["result"]


def test_gdb_leaves_out(plain, plain_core, tmp_path):
    """gdb does not even say that there is code where it can be had from a file."""
    path = str(tmp_path / "gdb.core")
    core_writer.write(plain.pid, path, omit=True, shift=8)
    assert ask(path, "path", "Holder")["result"] == ask(plain_core, "path", "Holder")["result"]


def test_of_the_kernel(tmp_path):
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as stream:
        pattern = stream.read().strip()
    if "/" in pattern or pattern.startswith("|"):
        pytest.skip("the kernel writes cores to %s" % pattern)
    script = ("import os, gc; gc.disable()\n"
              "class Leaf: pass\n"
              "KEPT = {'leaves': [Leaf() for _ in range(1234)]}\n"
              "os.abort()\n")
    done = subprocess.run(
        [sys.executable, "-sEc", script], cwd=tmp_path, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))
    assert done.returncode == -signal.SIGABRT
    written = [name for name in os.listdir(tmp_path) if name.startswith("core")]
    if not written:
        pytest.skip("the kernel wrote no core (RLIMIT_CORE)")
    # In the folder it needs no slash to be a file.
    report = ask(written[0], "path", "Leaf", cwd=tmp_path)
    assert "__main__.KEPT['leaves'][*]" in json.dumps(report["result"])
    assert '"objects": 1234' in json.dumps(report["result"])


def test_report(plain, plain_core):
    table = support.run_pyinspect(plain_core, "referrers", "Holder", "--format", "table").stdout
    assert "from the core " + plain_core in table and "paused" not in table
    again = re.search(r"pyinspect (\S+) path (0x[0-9a-f]+)", table)
    assert again.group(1) == plain_core
    ask(again.group(1), "path", again.group(2))
    page = support.run_pyinspect(plain_core, "explain", "--format", "table").stdout
    assert " growth" not in page and "dump FILE" in page


def test_live_is_left_alone(plain, plain_core):
    with support.assert_untouched(plain.pid):
        ask(plain_core, "top-types")


def test_commands_that_ask_a_process(plain_core):
    error = refused(plain_core, "growth", code=2, error="usage")
    assert "which is of one" in error["message"] and "pyinspect diff A B" in error["hint"]
    done = support.run_pyinspect(os.getpid(), "top-types", "--sysroot", "/")
    assert done.returncode == 2 and "--sysroot is for a core" in done.stderr


def test_cut_off(plain_core, tmp_path):
    """Read as far as it goes, and labelled; or refused, where nothing can be known."""
    size = os.stat(plain_core).st_size
    labelled = 0
    for part in (0.999, 0.9, 0.6, 0.3, 0.02, 0):
        path = str(tmp_path / "cut.core")
        shutil.copy(plain_core, path)
        os.truncate(path, max(int(size * part), 100))
        done = support.run_pyinspect(path, "top-types", "--format", "json")
        assert done.returncode in (1, 4, 5), (part, done.stderr)
        report = json.loads(done.stdout)
        if done.returncode == 5:
            assert "cut-off" in [one["code"] for one in report["warnings"]]
            labelled += 1
        else:
            assert report["error"]["message"]
    assert labelled


def test_left_out(plain, tmp_path):
    """A heap that was not written is missing, and never taken for an empty one."""
    path = str(tmp_path / "holes.core")
    core_writer.write(plain.pid, path, leave_out=lambda one: one.path == "[heap]")
    done = support.run_pyinspect(path, "top-types", "--format", "json")
    assert done.returncode in (1, 4, 5), done.stdout
    report = json.loads(done.stdout)
    assert "error" in report or "left-out" in [one["code"] for one in report["warnings"]]


def test_no_binaries(plain_core, tmp_path):
    error = refused(plain_core, "top-types", "--sysroot", str(tmp_path), code=1, error="no-binaries")
    program = json.loads(support.run_pyinspect(
        plain_core, "top-types", "--format", "json").stdout)["target"]["exe"]
    found = re.search(re.escape(program) + r" \(build id ([0-9a-f]{40}): there is no such file\)",
                      error["message"])
    assert found and "--sysroot" in error["hint"]
    notes = subprocess.run(["readelf", "-n", program], stdout=subprocess.PIPE, text=True)
    if notes.returncode == 0:
        assert found.group(1) in notes.stdout
    refused(plain_core, "top-types", "--sysroot", str(tmp_path / "none"), code=1,
            error="input-failed")


def mapped_files(pid):
    return sorted({line.split(None, 5)[5].strip() for line in
                   support.read_text("/proc/%d/maps" % pid).splitlines()
                   if len(line.split(None, 5)) > 5 and line.split()[5].startswith("/")})


def test_sysroot(plain, plain_core, tmp_path):
    """The same files elsewhere do; one with another build id does not, whatever it is called."""
    for path in mapped_files(plain.pid):
        os.makedirs(str(tmp_path) + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, str(tmp_path) + path)
    wanted = ask(plain_core, "top-types", "-n", "0")["result"]
    assert ask(plain_core, "top-types", "-n", "0", "--sysroot", str(tmp_path))["result"] == wanted
    program = str(tmp_path) + os.path.realpath("/proc/%d/exe" % plain.pid)
    with open(program, "rb") as stream:
        content = stream.read()
    at = content.index(b"GNU\0", content.index(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0")) + 4
    with open(program, "r+b") as stream:
        stream.seek(at)
        stream.write(bytes([content[at] ^ 1]))
    error = refused(plain_core, "top-types", "--sysroot", str(tmp_path), code=1, error="no-binaries")
    assert "the file of that name has another" in error["message"]


def test_where_nothing_may_be_run(plain, plain_core, tmp_path):
    """Programs on a file system that is mounted noexec are copied: nobody can map them as code."""
    if os.geteuid():
        pytest.skip("needs root, to mount a file system")
    files = " ".join(mapped_files(plain.pid))
    script = ("mount -t tmpfs -o noexec none '%s' && cp --parents %s '%s' && exec '%s' '%s' top-types "
              "-n 0 --format json --sysroot '%s'" % (tmp_path, files, tmp_path, support.PYINSPECT,
                                                     plain_core, tmp_path))
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("cannot mount: " + done.stderr[-200:])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == ask(plain_core, "top-types", "-n", "0")["result"]


def test_a_program_is_no_core(tmp_path):
    """A unit can be called as a program is that lies in this folder."""
    shutil.copy(os.path.realpath(sys.executable), str(tmp_path / "firewalld"))
    done = support.run_pyinspect("firewalld", "top-types", "--format", "json", cwd=tmp_path)
    assert done.returncode and "ELF" not in done.stderr, done.stderr


def patched(path, tmp_path, at, form, value):
    copy = str(tmp_path / "patched")
    shutil.copy(path, copy)
    with open(copy, "r+b") as stream:
        stream.seek(at)
        stream.write(struct.pack(form, value))
    return copy


def test_other_files(plain_core, tmp_path):
    error = refused(patched(plain_core, tmp_path, 18, "<H", 8), "top-types", code=4,
                    error="bad-core")
    assert "another architecture" in error["message"]
    error = refused(patched(plain_core, tmp_path, 4, "<B", 1), "top-types", code=4, error="bad-core")
    assert "32 bits" in error["message"]
    error = refused(os.path.realpath(sys.executable), "top-types", code=4, error="bad-core")
    assert "no core" in error["message"] and error["hint"]


def test_no_python(tmp_path):
    sleeper = support.Target(["sleep", "100"])
    try:
        support.wait_until(lambda: "sleep" in os.readlink("/proc/%d/exe" % sleeper.pid)
                           or "coreutils" in os.readlink("/proc/%d/exe" % sleeper.pid), "exec")
        sleeper.wait_blocked()
        path = str(tmp_path / "sleep.core")
        core_writer.write(sleeper.pid, path)
    finally:
        sleeper.close()
    refused(path, "top-types", code=4, error="not-python")


def test_within_a_collection(start, tmp_path):
    """A core is of any moment: that of a heap at work is labelled."""
    script = tmp_path / "collecting.py"
    script.write_text("import gc, sys\n"
                      "class Slow:\n"
                      "    def __del__(self):\n"
                      "        print('WITHIN', flush=True)\n"
                      "        sys.stdin.readline()\n"
                      "one = Slow(); one.self = one; del one\n"
                      "gc.collect()\n")
    target = support.Target([sys.executable, "-sE", str(script)])
    try:
        target.expect("WITHIN")
        target.wait_blocked()
        path = str(tmp_path / "collecting.core")
        core_writer.write(target.pid, path)
    finally:
        target.close()
    report = ask(path, "top-types", code=5)
    assert not report["access"]["consistent"] and report["access"]["attempts"] == 1
    warning = next(one for one in report["warnings"] if one["code"] == "inconsistent")
    assert "when the core was written" in warning["message"]


def test_names_no_other_files(plain_core, tmp_path):
    """A core may name any file: nothing of one that is no program is read, or waited for."""
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    program = ask(plain_core, "top-types")["target"]["exe"].encode()
    with open(plain_core, "rb") as stream:
        content = stream.read(1 << 20)
    for name in (b"/etc/passwd", fifo.encode()):
        if len(name) > len(program) and name != b"/etc/passwd":
            name = b"/" + os.path.relpath(fifo, "/").encode()
        path = str(tmp_path / "named.core")
        shutil.copy(plain_core, path)
        with open(path, "r+b") as stream:
            # All that it calls so; the list of names stays as long as it was.
            stream.write(content.replace(program + b"\0", name[:len(program)].ljust(
                len(program), b"/") + b"\0"))
        error = refused(path, "top-types", code=1, error="no-binaries")
        assert "root:" not in json.dumps(error)


def test_without_rights(plain_core, tmp_path):
    if os.geteuid():
        pytest.skip("needs root, to become another user")
    with support.PublicFolder(plain_core) as folder:
        path = os.path.join(folder.path, os.path.basename(plain_core))
        done = support.run_pyinspect(path, "top-types", "--format", "json", "-n", "0",
                                     prefix=support.as_nobody(), binary=folder.binary)
        assert done.returncode == 0, done.stderr
        assert (json.loads(done.stdout)["result"]
                == ask(plain_core, "top-types", "-n", "0")["result"])


def test_hostile(plain_core, tmp_path):
    """Headers, tables and notes with wrong numbers: an end with a code of ours, soon, each time."""
    with open(plain_core, "rb") as stream:
        head = bytearray(stream.read(1 << 16))
    count = struct.unpack_from("<H", head, 56)[0]
    notes = 64 + 56 * count
    note_bytes = struct.unpack_from("<Q", head, 64 + 32)[0]
    generator = random.Random(1)
    values = (0, 1, 7, 4095, 4096, 1 << 31, 1 << 46, 1 << 47, 1 << 52, (1 << 63) - 1, 1 << 63,
              (1 << 64) - 1)
    codes = set()
    path = str(tmp_path / "hostile.core")
    shutil.copy(plain_core, path)
    for number in range(MUTATIONS):
        broken = bytearray(head)
        for _ in range(generator.choice((1, 1, 2, 8))):
            where = generator.random()
            if where < 0.1:
                at = generator.randrange(16, 64)
            elif where < 0.6:
                at = 64 + 8 * generator.randrange(7 * count)
            else:
                at = notes + 4 * generator.randrange(note_bytes // 4)
            if generator.random() < 0.3:
                broken[at] ^= 1 << generator.randrange(8)
            else:
                struct.pack_into("<Q", broken, at, generator.choice(values))
        with open(path, "r+b") as stream:
            stream.write(broken)
        done = support.run_pyinspect(path, "top-types", "--timeout", "20", timeout=60)
        assert done.returncode in CODES, (number, done.returncode, done.stderr)
        assert "ended by" not in done.stderr and "timeout" not in done.stdout, (number, done.stderr)
        codes.add(done.returncode)
    assert {1, 0} <= codes
