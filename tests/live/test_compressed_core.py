"""
A core that zstd has compressed, as systemd-coredump keeps it: the answers are those of the core, what
unpacks it has no rights and takes no more room than there is, and nothing of it is left.
"""

import json
import os
import random
import shutil
import signal
import subprocess

import pytest

import core_writer
import interpreters
import support
from test_core import answer, ask, refused

QUESTIONS = [("top-types", "-n", "0"), ("referrers", "Holder"), ("path", "Holder"), ("explain",),
             ("garbage", "-n", "0")]


@pytest.fixture(scope="module")
def cores(tmp_path_factory):
    """A core, and the same compressed, in two frames, the second without a checksum."""
    folder = tmp_path_factory.mktemp("cores")
    core, packed = str(folder / "plain.core"), str(folder / "core.python.0.zst")
    target = support.Target.python(interpreters.any_interpreter(), "webs.py")
    try:
        target.wait_blocked()
        core_writer.write(target.pid, core)
    finally:
        target.close()
    with open(core, "rb") as stream, open(packed, "wb") as out:
        for options in (["-3"], ["-3", "--no-check"]):
            half = stream.read(os.stat(core).st_size // 2 + 1)
            out.write(zstd(half, *options))
    assert os.stat(packed).st_size < os.stat(core).st_size // 2
    return core, packed


@pytest.fixture(name="room")
def _room(tmp_path, monkeypatch):
    """Where it is unpacked to; in the end there is nothing."""
    folder = tmp_path / "room"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    assert not list(folder.iterdir())


def zstd(data, *options):
    if not shutil.which("zstd"):
        interpreters.missing("no zstd")
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def file_of(tmp_path, data):
    path = str(tmp_path / "other.zst")
    with open(path, "wb") as stream:
        stream.write(data)
    return path


def bytes_of(path):
    with open(path, "rb") as stream:
        return stream.read()


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_same_answers(cores, room, question):
    core, packed = cores
    report = ask(packed, *question)
    assert answer(report) == answer(ask(core, *question))
    support.assert_valid(question[0], json.dumps(report))


def test_as_another_user(cores, tmp_path):
    """Without rights to give up, and without TMPDIR."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become nobody")
    with support.PublicFolder(cores[1]) as folder:
        packed = os.path.join(folder.path, os.path.basename(cores[1]))
        done = support.run_pyinspect(packed, "top-types", "--json", binary=folder.binary,
                                     prefix=support.as_nobody())
    assert done.returncode == 0, done.stderr
    assert answer(json.loads(done.stdout)) == answer(ask(cores[0], "top-types"))


def test_cut_off(cores, room, tmp_path):
    """As far as it goes, and labelled: what a full disk leaves."""
    data = bytes_of(cores[1])
    for part in (0.9, 0.55, 0.01):
        path = file_of(tmp_path, data[:int(len(data) * part)])
        done = support.run_pyinspect(path, "top-types", "--json")
        report = json.loads(done.stdout)
        assert done.returncode in (1, 4, 5), done.stdout
        if done.returncode == 5:
            assert "cut-off" in [one["code"] for one in report["warnings"]]


def test_damaged(cores, room, tmp_path):
    """Never a number from data that is not what was written: the first half has a checksum."""
    data = bytearray(bytes_of(cores[1]))
    chance = random.Random(7)
    for _ in range(8):
        copy = bytearray(data)
        copy[chance.randrange(64, len(data) // 3)] ^= 1 << chance.randrange(8)
        error = refused(file_of(tmp_path, bytes(copy)), "top-types", code=1, error="bad-core")
        assert "damaged" in error["message"]
    refused(file_of(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(100)), "top-types", code=1,
            error="bad-core")


def test_no_core(room, tmp_path):
    refused(file_of(tmp_path, zstd(b"a text" * 1000)), "top-types", code=4, error="bad-core")


def test_other_programs(tmp_path):
    for magic in (b"\xfd7zXZ\0", b"\x04\x22\x4d\x18", b"\x1f\x8b"):
        error = refused(file_of(tmp_path, magic + bytes(100)), "top-types", code=2, error="usage")
        assert "coredumpctl" in error["hint"]


def test_no_room(cores, room):
    """A limit is met like a full disk."""
    error = refused(cores[1], "top-types", code=1, error="output-failed",
                    prefix=["prlimit", "--fsize=1000000"])
    assert "TMPDIR" in error["hint"]
    os.environ["TMPDIR"] = "/nowhere"
    refused(cores[1], "top-types", code=1, error="output-failed")
    os.environ["TMPDIR"] = str(room)


def test_a_bomb(room, tmp_path):
    """Terabytes of zeros, which a file could have as a hole; each frame is 2 MB of them."""
    path = file_of(tmp_path, zstd(bytes(2 << 20), "-19") * 3000)
    refused(path, "top-types", code=1, error="output-failed", prefix=["prlimit", "--fsize=4000000000"])
    # Neither is a window that takes more than it may.
    wide = zstd(bytes(2 << 20), "--long=30", "--stream-size=%d" % (1 << 30))
    error = refused(file_of(tmp_path, wide), "top-types", code=1, error="memory-short")
    assert "--long=31" in error["hint"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed(cores, room, number):
    """At any moment: nothing is left, neither a file nor a process."""
    moments = random.Random(3)
    killed = 0
    for _ in range(12):
        process = support.spawn_pyinspect(cores[1], "top-types")
        if not support.wait_exit(process, moments.uniform(0, 0.15)):
            process.send_signal(number)
            killed += 1
        process.wait(timeout=10)
        assert not list(room.iterdir())
    assert killed


def test_out_of_time(cores, room):
    error = refused(cores[1], "top-types", "--timeout", "0.02", code=1, error="timeout")
    assert error["message"]
