"""
`dump`, and dumps in the place of a process: the file is what doc/graph.md says, is there whole or not
at all, and a report on it says what the report on the process says. Whoever reads one has no rights.
"""

import contextlib
import ctypes
import ctypes.util
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import time
import zlib

import pytest

import interpreters
import support

pytestmark = pytest.mark.few_interpreters

# Questions that a dump can answer.
QUESTIONS = [("top-types", "-n", "0"), ("top-types", "--scope", "tracked", "--by", "count"),
             ("top-types", "--by", "retained", "-n", "15"), ("garbage", "-n", "0"),
             ("top-objects", "--by", "retained"),
             ("top-types", "--module", "__main__"), ("top-objects", "-n", "20"),
             ("dominators", "Holder"), ("path", "Holder"), ("referrers", "Holder"),
             ("referents", "Holder"), ("explain",)]
# The same of references of all kinds.
NAMED = [("path", "Plain", "-n", "5"), ("path", "list", "-n", "20"),
         ("referrers", "Plain", "--depth", "4"), ("referrers", "object", "-n", "0"),
         ("referrers", "Plain", "--tree"), ("referrers", "dict", "--tree", "-n", "8"),
         ("referents", "object", "-n", "0"), ("referents", "defaultdict"),
         ("referents", "OrderedDict"), ("referents", "generator"),
         ("top-objects", "-n", "300"), ("explain",)]
# With contents, of a dump that has them.
VALUED = [("path", "set", "-n", "20", "--values"),
          ("referents", "dict", "--exact", "-n", "0", "--values"),
          ("top-objects", "-n", "100", "--values")]
FACTS = {"pid": 1, "started": 2, "exe": 3, "python": 4, "interpreters": 5, "rss": 6, "taken": 7,
         "host": 8, "version": 9, "source": 10, "consistent": 11, "attempts": 12, "skipped": 15}
TYPES, NODES, END, FACT_FRAME = 1, 2, 7, 8
MEMORY, PATTERNS, VALUES, NODE_NAMES = 9, 10, 11, 12


def ask(target, *question, code=0, **options):
    done = support.run_pyinspect(target, *question, "--format", "json", **options)
    assert done.returncode == code, done.stdout + done.stderr
    report = json.loads(done.stdout)
    # Of processes other tests do it.
    if "dump" in report or question[0] == "dump":
        support.assert_valid(question[0], done.stdout)
    return report


def dump(pid, path, *options, code=0):
    report = ask(pid, "dump", path, *options, code=code)
    assert report["result"]["file_bytes"] == os.stat(path).st_size
    return report


@pytest.fixture
def heap(tmp_path):
    return str(tmp_path / "heap.pyi")


@pytest.fixture(scope="module")
def idle(interpreter):
    target = support.Target.python(interpreter, "webs.py")
    yield target
    target.close()


@pytest.fixture(scope="module")
def dumped(idle, tmp_path_factory):
    """A dump of it, and the report of that."""
    path = str(tmp_path_factory.mktemp("dumps") / "heap.pyi")
    with support.assert_untouched(idle.pid):
        return path, dump(idle.pid, path)


def without_origin(report):
    """What must be the same: all but what it cost, and where it is from."""
    report = {key: value for key, value in report.items() if key not in ("time", "cost", "dump")}
    report["access"] = {"consistent": report["access"]["consistent"]}
    # It grows when it is looked at: page tables, and what it answers.
    report["target"] = dict(report["target"], rss_bytes=None)
    # How often it was tried is a matter of time.
    report["warnings"] = [dict(one, message=re.sub(r"after \d+ snapshots", "", one["message"]))
                          for one in report["warnings"]]
    return report


def answer_of(report):
    """Of memory that is no objects a dump says what was so when it was taken."""
    if report["command"] == "explain":
        result = dict(report["result"], paragraphs=None, memory=None)
        report = dict(report, result=result)
    return without_origin(report)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_same_answers(idle, dumped, question):
    path, taken = dumped
    live = ask(idle.pid, *question)
    offline = ask(path, *question)
    assert answer_of(offline) == answer_of(live)
    assert offline["access"] == dict(taken["access"], source="dump")
    assert offline["target"] == taken["target"] and offline["cost"]["paused_ms"] == 0
    assert offline["dump"]["file"] == path and offline["dump"]["host"] == taken["host"]
    assert offline["dump"]["source"] == taken["access"]["source"]
    assert 0 <= seconds(taken["time"]) - seconds(offline["dump"]["time"]) <= 10


@pytest.fixture(scope="module")
def named(interpreter, tmp_path_factory):
    """A process with references of all kinds, its dump, and one with values."""
    target = support.Target.python(interpreter, "references.py")
    folder = tmp_path_factory.mktemp("named")
    paths = [str(folder / name) for name in ("names.pyi", "values.pyi")]
    dump(target.pid, paths[0])
    dump(target.pid, paths[1], "--values")
    yield target, paths
    target.close()


@pytest.mark.parametrize("question", NAMED, ids=" ".join)
def test_names(named, question):
    """What references are called is the same without the process."""
    target, paths = named
    assert answer_of(ask(paths[0], *question)) == answer_of(ask(target.pid, *question))


def test_names_of_objects(named):
    """`show` and `path` of single ones."""
    target, paths = named
    largest = ask(target.pid, "top-objects", "-n", "12")["result"]
    # Some are of both lists.
    for address in sorted({one["address"] for one in largest["largest"] + largest["most_referents"]}):
        for question in (("show", address, "-n", "50"), ("path", address)):
            assert (answer_of(ask(paths[0], *question))
                    == answer_of(ask(target.pid, *question))), question


@pytest.mark.parametrize("question", VALUED, ids=" ".join)
def test_values(named, question):
    target, paths = named
    live = answer_of(ask(target.pid, *question))
    assert answer_of(ask(paths[1], *question)) == live
    redacted = ask(paths[0], *question)
    assert [one["code"] for one in redacted["warnings"]] == ["no-values"]


def test_values_of_an_object(named):
    target, paths = named
    for one in ask(target.pid, "top-objects", "-n", "12")["result"]["largest"]:
        question = ("show", one["address"], "-n", "50", "--values")
        assert answer_of(ask(paths[1], *question)) == answer_of(ask(target.pid, *question))


def test_names_are_no_contents(named):
    """Nothing that is no name, and nothing that looks like a secret; unless it is asked for."""
    _, paths = named
    redacted, valued = (b"".join(content for _, _, content in frames(path)[1]) for path in paths)
    for name in (b"REGISTRY", b"password", b"hidden", b"made.up", b"item4999"):
        assert name in redacted and name in valued
    for secret in (b"hunter3", b"hunter2", b"AKIAIOSFODNN7EXAMPLE", b"5ebe2294ecd0e0f0",
                   b"a key with blanks", struct.pack("<Q", 424242424242)):
        assert secret not in redacted, secret
    assert b"hunter3" in valued and b"'a key with blanks'" in valued


@pytest.fixture(scope="module")
def slipping(interpreter, tmp_path_factory):
    """Keeps what python-slip keeps, on a bus that cannot be asked; its dump, and one with values."""
    target = support.Target.python(interpreter, "slipping.py", env={
        "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})
    folder = tmp_path_factory.mktemp("slipping")
    paths = [str(folder / name) for name in ("names.pyi", "values.pyi")]
    dump(target.pid, paths[0])
    dump(target.pid, paths[1], "--values")
    yield target, paths
    target.close()


def without_bus(result):
    """But for why the bus was not asked."""
    evidence = [one for one in result["evidence"] if not one.startswith("the bus was not asked")]
    assert len(evidence) == len(result["evidence"]) - 1
    return dict(result, evidence=evidence)


def test_slip_dbus(slipping):
    """With values all is said that is said of the process; what the bus tells is unknown."""
    target, paths = slipping
    live = ask(target.pid, "slip-dbus")["result"]
    report = ask(paths[1], "slip-dbus")
    assert without_bus(report["result"]) == without_bus(live)
    assert report["result"]["verdict"] == "suspect" and report["result"]["names_known"]
    assert report["result"]["stale"] is None and report["result"]["unreadable"] == 8
    assert report["result"]["bus"] == {"reached": False, "address": None, "names": None}
    assert [one["code"] for one in report["warnings"]] == ["no-bus"]
    assert "a dump does not say" in report["warnings"][0]["message"]


def test_slip_dbus_redacted(slipping):
    """Without them senders are counted, with all that they take; they are not told apart."""
    target, paths = slipping
    live = ask(target.pid, "slip-dbus")["result"]
    report = ask(paths[0], "slip-dbus")
    result = report["result"]
    unknown = ("evidence", "connections", "unreadable", "names_known")
    assert ({key: value for key, value in result.items() if key not in unknown}
            == {key: value for key, value in live.items() if key not in unknown})
    assert not result["names_known"] and result["unreadable"] is None
    (connection,), (of_live,) = result["connections"], live["connections"]
    # Four of the entries are no names, which cannot be seen.
    assert connection == dict(of_live, senders=of_live["senders"] + 4, match_arg1=None)
    assert [one["code"] for one in report["warnings"]] == ["no-bus", "no-values"]
    redacted, valued = (b"".join(content for _, _, content in frames(path)[1]) for path in paths)
    assert b":1.2999" not in redacted and b":1.2999" in valued
    table = support.run_pyinspect(paths[0], "slip-dbus", "--format", "table").stdout
    assert "how many of them are gone is not known" in table
    assert "it is not known whose end is watched" in table and ":1." not in table


def test_slip_dbus_absent(idle, dumped):
    report = ask(dumped[0], "slip-dbus")
    live = ask(idle.pid, "slip-dbus")["result"]
    # That may have a bus.
    assert report["result"] == dict(live, bus={"reached": False, "address": None, "names": None})
    assert report["result"]["verdict"] == "absent" and not report["warnings"]


def test_slip_dbus_cut_off(slipping, tmp_path):
    """What is cut off answers less, and says so."""
    _, paths = slipping
    with open(paths[0], "rb") as stream:
        whole = stream.read()
    cut = str(tmp_path / "cut.pyi")
    for part in (0.99, 0.9, 0.7, 0.4, 0.1):
        with open(cut, "wb") as stream:
            stream.write(whole[:int(len(whole) * part)])
        done = support.run_pyinspect(cut, "slip-dbus", "--format", "json")
        assert done.returncode in (1, 5), (part, done.stdout)
        report = json.loads(done.stdout)
        if done.returncode == 5:
            assert "cut-off" in [one["code"] for one in report["warnings"]]
            assert report["result"]["stale"] in (None, 0)
        else:
            assert report["error"]["code"] in ("no-names", "bad-dump")


def test_without_names(named, tmp_path):
    """A dump of before, which has none: what it can answer it answers, the rest is refused."""
    _, paths = named
    old = str(tmp_path / "old.pyi")
    with open(old, "wb") as stream:
        stream.write(without_names(paths[0]))
    assert ask(old, "garbage")["result"] == ask(paths[0], "garbage")["result"]
    for question in (("path", "Plain"), ("referrers", "Plain"), ("explain",), ("top-objects",),
                     ("slip-dbus",)):
        error = ask(old, *question, code=1)["error"]
        assert error["code"] == "no-names" and "which this dump does not say" in error["message"]
    largest = ask(paths[0], "top-objects", "-n", "1")["result"]["largest"][0]["address"]
    for question in (("show", largest), ("dominators",)):
        assert [one["code"] for one in ask(old, *question)["warnings"]] == ["no-names"]


def without_names(path):
    """What version 2 had, with the same graph."""
    with open(path, "rb") as stream:
        data = stream.read()
    head = bytearray(data[:64])
    struct.pack_into("<I", head, 8, 2)
    struct.pack_into("<I", head, 56, 0)
    struct.pack_into("<I", head, 60, zlib.crc32(bytes(head[:60])))
    body, at = bytes(head), 64
    while at < len(data):
        kind, stored = struct.unpack_from("<I12xI", data, at)
        if kind not in (6, MEMORY, PATTERNS, VALUES, NODE_NAMES):
            body += data[at:at + 24 + stored]
        at += 24 + stored
    return body


def seconds(text):
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def test_report(idle, dumped):
    path, taken = dumped
    result = taken["result"]
    whole = ask(idle.pid, "top-types")["result"]
    assert (result["objects"], result["bytes"]) == (whole["objects"], whole["bytes"])
    assert result["complete"] and result["references"] > result["objects"]
    table = support.run_pyinspect(path, "top-types", "-n", "3", "--format", "table").stdout
    assert "from the dump " + path in table and "paused" not in table
    assert "PID %d" % idle.pid in table
    done = support.run_pyinspect(path, "garbage", "--format", "ndjson")
    assert json.loads(done.stdout.splitlines()[0])["dump"]["file"] == path
    support.assert_valid("garbage", done.stdout, "--ndjson")


def number(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def text(data, at):
    length, at = number(data, at)
    return (data[at:at + length - 1], at + length - 1) if length else (None, at)


def unpack(stored, size):
    """By the library itself."""
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t] * 2
    content = ctypes.create_string_buffer(size)
    assert library.ZSTD_decompress(content, size, stored, len(stored)) == size
    return content.raw


def frames(path):
    """Head and frames, read as doc/graph.md says; checksums are right."""
    with open(path, "rb") as stream:
        data = stream.read()
    head = struct.unpack_from("<8sII5QII", data)
    assert head[0] == b"pyigraph" and head[1] == 3 and head[9] == zlib.crc32(data[:60])
    found, at = [], 64
    while at < len(data):
        kind, method, items, size, stored, checksum = struct.unpack_from("<6I", data, at)
        body = data[at + 24:at + 24 + stored]
        assert zlib.crc32(body, zlib.crc32(data[at:at + 20])) == checksum
        found.append((kind, items, unpack(body, size) if method else body))
        at += 24 + stored
    return head, found


def test_format(idle, dumped):
    path, taken = dumped
    head, found = frames(path)
    assert head[2] > 50 and head[4] == taken["result"]["references"] and head[8] == 1
    kinds = [kind for kind, _, _ in found]
    assert kinds[0] == FACT_FRAME and kinds[-1] == END
    for columns in (NODES, NODE_NAMES):
        assert sum(items for kind, items, _ in found if kind == columns) == head[3]
    assert VALUES not in kinds
    check_memory(idle.pid, found)
    assert found[-1][2] == b"".join(encode(value) for value in head[3:5])
    facts, at = {}, 0
    for _ in range(found[0][1]):
        key, at = number(found[0][2], at)
        value, at = number(found[0][2], at)
        words, at = text(found[0][2], at)
        facts[key] = words if words is not None else value
    assert at == len(found[0][2])
    facts = {name: facts[key] for name, key in FACTS.items()}
    stat = support.read_text("/proc/%d/stat" % idle.pid)
    assert facts["pid"] == idle.pid
    assert facts["started"] == int(stat[stat.rindex(")") + 2:].split()[19])
    assert facts["exe"].decode() == taken["target"]["exe"]
    assert facts["python"].decode() == taken["target"]["python"]
    assert facts["rss"] == taken["target"]["rss_bytes"] and facts["interpreters"] == 1
    assert facts["host"].decode() == os.uname().nodename and facts["skipped"] == 0
    assert facts["source"].decode() == taken["access"]["source"] and facts["consistent"] == 1
    names, at = [], 0
    types = b"".join(content for kind, _, content in found if kind == TYPES)
    while at < len(types):
        for _ in range(3):
            _, at = number(types, at)
        name, at = text(types, at)
        names.append(name)
    assert len(names) == head[2] and {b"dict", b"list", b"__main__.Knot"} <= set(names)


def check_memory(pid, found):
    """Parts of memory are what is there, in the order of addresses."""
    addr = count = 0
    with open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for items, content in [(items, content) for kind, items, content in found
                               if kind == MEMORY]:
            at = 0
            for _ in range(items):
                gap, at = number(content, at)
                size, at = number(content, at)
                addr += gap
                memory.seek(addr)
                assert memory.read(size) == content[at:at + size]
                addr, at, count = addr + size, at + size, count + 1
            assert at == len(content)
    assert count > 100


def encode(value):
    body = b""
    while value > 127:
        body += bytes([value & 127 | 128])
        value >>= 7
    return body + bytes([value])


def test_no_contents(idle, dumped):
    """Nothing of what is in its objects, but names."""
    _, found = frames(dumped[0])
    named = b"".join(content for kind, _, content in found if kind in (TYPES, 5, 6, FACT_FRAME))
    assert b"dict" in named
    environment = support.read_text("/proc/%d/environ" % idle.pid)
    everything = b"".join(content for _, _, content in found)
    assert idle.marker in environment and idle.marker.encode() not in everything
    assert b"api_key" in everything and b"hunter2" not in everything


@pytest.mark.parametrize("what", ["type", "link"])
def test_broken_heap(start, interpreter, heap, what):
    """What is missing is said when it is written, and when it is read."""
    victim = start(interpreter, "corrupt.py")
    victim.ask("break " + what)
    taken = dump(victim.pid, heap, code=5)
    live = ask(victim.pid, "garbage", "-n", "0", code=5)
    victim.ask("mend")
    assert not taken["result"]["complete"] and taken["warnings"]
    offline = ask(heap, "garbage", "-n", "0", code=5)
    assert without_origin(offline) == without_origin(live)
    whole = ask(heap, "top-types", code=5)
    assert whole["result"]["skipped"] == taken["result"]["skipped"]


@pytest.fixture
def victim(start):
    """Nothing here is about Python: any one."""
    return start(interpreters.require(next(one for one in interpreters.EXPECTED if one.path)),
                 "webs.py")


def test_file(victim, tmp_path, heap):
    """Of its owner alone; an old one is replaced as a whole; nothing lies beside it."""
    old = os.umask(0)
    try:
        dump(victim.pid, heap)
    finally:
        os.umask(old)
    assert os.stat(heap).st_mode & 0o7777 == 0o600
    with open(heap, "rb") as before:
        first = os.fstat(before.fileno())
        dump(victim.pid, heap)
        assert os.stat(heap).st_ino != first.st_ino
        assert len(before.read()) == first.st_size
    assert os.listdir(str(tmp_path)) == ["heap.pyi"]


def test_relative_and_without_slash(victim, tmp_path):
    ask(victim.pid, "dump", "here", cwd=str(tmp_path))
    assert ask("here", "garbage", cwd=str(tmp_path))["dump"]["file"] == "here"
    # Not one, and no process either.
    (tmp_path / "there").write_text("pyigrap")
    done = support.run_pyinspect("there", "garbage", cwd=str(tmp_path))
    assert done.returncode != 0 and "bad-target" in done.stdout


def test_standard_output(victim, tmp_path, heap):
    with open(heap, "wb") as stream:
        done = support.run_pyinspect(victim.pid, "dump", "-", stdout=stream)
    assert done.returncode == 0 and not done.stderr
    # Through a pipe it is the same.
    done = subprocess.run([support.PYINSPECT, str(victim.pid), "dump", "-"], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stdout[:8] == b"pyigraph" and not done.stderr
    (tmp_path / "piped").write_bytes(done.stdout)
    reports = [without_origin(ask(str(path), "top-types")) for path in tmp_path.iterdir()]
    assert len(reports) == 2 and reports[0] == reports[1]


def test_no_terminal(victim):
    leader, follower = pty.openpty()
    try:
        done = subprocess.run([support.PYINSPECT, str(victim.pid), "dump", "-", "--format",
                               "table"], stdout=follower, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(follower)
        os.close(leader)
    assert done.returncode == 2 and b"nothing for a terminal" in done.stderr


@pytest.mark.parametrize("place", ["folder", "none/heap.pyi", "fifo", "link"])
def test_refused_places(victim, tmp_path, place):
    (tmp_path / "folder").mkdir()
    os.mkfifo(str(tmp_path / "fifo"))
    (tmp_path / "link").symlink_to("/dev/null")
    done = support.run_pyinspect(victim.pid, "dump", str(tmp_path / place))
    assert done.returncode == 1 and "output-failed" in done.stdout
    assert sorted(os.listdir(str(tmp_path))) == ["fifo", "folder", "link"]
    assert os.listdir(str(tmp_path / "folder")) == []


def test_no_room(victim, tmp_path, heap):
    """A file that cannot become as large: the old one stays, and nothing else."""
    with open(heap, "w") as stream:
        stream.write("old")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = support.run_pyinspect(victim.pid, "dump", heap, "--format", "table", preexec_fn=limit)
    assert done.returncode == 1 and "the dump cannot be written" in done.stderr
    assert open(heap).read() == "old" and os.listdir(str(tmp_path)) == ["heap.pyi"]


def test_full_disk(victim, heap):
    """The same on a disk without room, in a mount namespace of its own."""
    script = ("mount -t tmpfs -o size=16k tmpfs /mnt || exit 77; echo old >/mnt/heap; "
              '"$0" "$1" dump /mnt/heap --format table; echo "exit $?"; cat /mnt/heap; ls -A /mnt')
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script,
                           support.PYINSPECT, str(victim.pid)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", timeout=60)
    if "exit" not in done.stdout:
        pytest.skip("nothing can be mounted here: " + done.stderr.strip())
    assert done.stdout.splitlines() == ["exit 1", "old", "heap"], done.stdout + done.stderr
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended(victim, tmp_path, heap, number):
    """At whatever moment it is ended, the old file or the new one is there."""
    with open(heap, "w") as stream:
        stream.write("old")
    begun = time.monotonic()
    assert support.run_pyinspect(victim.pid, "dump", heap + "2").returncode == 0
    needed = time.monotonic() - begun
    os.unlink(heap + "2")
    ended = 0
    for part in range(16):
        process = support.spawn_pyinspect(victim.pid, "dump", heap)
        time.sleep(needed * part / 20)
        process.send_signal(number)
        ended += process.wait() == -number
        support.wait_until(lambda: support.is_itself(victim.pid), "it is as it was")
        assert os.listdir(str(tmp_path)) == ["heap.pyi"]
        with open(heap, "rb") as stream:
            head = stream.read(8)
        assert head in (b"old", b"pyigraph")
        if head != b"old":
            ask(heap, "garbage")
            with open(heap, "w") as stream:
                stream.write("old")
    assert ended >= 3


def test_needs_a_process(victim, heap):
    dump(victim.pid, heap)
    for question in (("growth",), ("check", "--max", "dict=1"), ("dump", heap + "2")):
        done = support.run_pyinspect(heap, *question, "--format", "json")
        assert done.returncode in (2, 3), done.stdout + done.stderr
        assert "is a dump" in done.stdout, done.stdout
        if question == ("growth",):
            error = json.loads(done.stdout)["error"]
            assert "which is of one" in error["message"] and "pyinspect diff A B" in error["hint"]


def test_cut_off_and_damaged(victim, tmp_path, heap):
    dump(victim.pid, heap)
    with open(heap, "rb") as stream:
        whole = stream.read()
    other = str(tmp_path / "other")

    def write(data):
        with open(other, "wb") as stream:
            stream.write(data)

    write(whole[:-10])
    report = ask(other, "top-types", code=5)
    assert [warning["code"] for warning in report["warnings"]] == ["cut-off"]
    assert report["result"] == ask(heap, "top-types")["result"]
    ask(other, "garbage", code=5)
    for data, code in ((b"", "bad-dump"), (b"pyigraph", "bad-dump"), (whole[:40], "bad-dump"),
                       (whole[:200], "bad-dump"), (os.urandom(5000), "bad-dump"),
                       (huge_head(), "too-large")):
        write(data)
        done = support.run_pyinspect(other, "top-types")
        assert done.returncode == 1, done.stdout + done.stderr
        assert json.loads(done.stdout)["error"]["code"] == code
    done = support.run_pyinspect(str(tmp_path / "none"), "top-types")
    assert done.returncode == 1 and "input-failed" in done.stdout
    done = support.run_pyinspect(str(tmp_path), "top-types")
    assert done.returncode == 1 and "Is a directory" in done.stdout


def huge_head():
    body = struct.pack("<8sII5QI", b"pyigraph", 2, 1, 2**32 - 2, 2**39, 0, 0, 0, 0)
    return body + struct.pack("<I", zlib.crc32(body))


def test_hostile_names(victim, tmp_path, heap):
    """What a dump says of itself is text of somebody, too."""
    def frame(kind, items, content):
        head = struct.pack("<5I", kind, 0, items, len(content), len(content))
        return head + struct.pack("<I", zlib.crc32(content, zlib.crc32(head))) + content

    def fact(key, value, words=None):
        tail = encode(0) if words is None else encode(len(words) + 1) + words
        return encode(key) + encode(value) + tail

    facts = [fact(1, 2**63), fact(3, 0, b"/bin/\x1b[31mred"), fact(4, 0, b"no version"),
             fact(7, 2**64 - 1), fact(8, 0, b"\xff\x1b]0;host\x07"), fact(10, 0, b"nonsense"),
             fact(16, 0, b"bad-code \x1b[2Jtext"), fact(16, 0, b"No Code here"),
             fact(99, 5, b"of a later version")]
    types = encode(0x3000) + encode(2) + encode(1) + encode(5) + b"\x1b[5m"
    nodes = bytes([2, 1, 1, 2, 1, 1]) + encode(0x400) + b"\0\0" + encode(128) + b"\2\0"
    head = struct.pack("<8sII5QI", b"pyigraph", 2, 1, 1, 0, 0, 0, 0, 0)
    data = head + struct.pack("<I", zlib.crc32(head))
    data += frame(8, len(facts), b"".join(facts)) + frame(1, 1, types) + frame(2, 1, nodes)
    data += frame(7, 0, encode(1) + encode(0))
    with open(heap, "wb") as stream:
        stream.write(data)
    report = ask(heap, "top-types", code=5)
    assert report["target"]["pid"] is None and report["target"]["python"] is None
    assert report["dump"]["time"] is None
    assert [warning["code"] for warning in report["warnings"]] == ["bad-code"]
    assert report["result"]["types"][0]["estimated"] and report["result"]["bytes"] == 64
    done = support.run_pyinspect(heap, "top-types", "--format", "table")
    assert done.returncode == 5 and "\x1b" not in done.stdout + done.stderr


def test_reader_has_no_rights(victim, heap):
    """The process that reads it is nobody, without capabilities, and cannot open anything."""
    victim.ask("expected")
    dump(victim.pid, heap)
    seen = []
    for _ in range(100):
        process = support.spawn_pyinspect(heap, "top-types", "--by", "retained", "-n", "0")
        while process.poll() is None and not seen:
            for child in support.children(process.pid):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    state = support.status(child, child, ("Name", "Uid", "CapEff", "CapPrm",
                                                          "NoNewPrivs", "Seccomp"))
                    if state.get("Name") == "pyinspect-work" and state.get("Seccomp") == "2":
                        seen.append((state, support.descriptors(child)))
        process.wait()
        if seen:
            break
    state, files = seen[0]
    assert state["NoNewPrivs"] == "1" and int(state["CapPrm"], 16) == int(state["CapEff"], 16) == 0
    if os.geteuid() == 0:
        assert state["Uid"].split() == 4 * ["65534"]
    assert not [path for path in files.values() if path.startswith("socket:")], files
