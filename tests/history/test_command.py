"""`pyinspect TARGET history`: whose history is shown, in which forms, and what is an error."""

import json
import os

import pytest

import support
import writer


def run(path, *words, **options):
    return support.run_pyinspect(*words, "--history", path, **options)


def test_forms(folder):
    path = folder / "history.sqlite"
    writer.add(path, 1, 5)
    for words in ([writer.PID, "history"], [writer.PID, "history", "rss"], ["history"]):
        done = run(path, *words, "--format", "json")
        assert (done.returncode, done.stderr) == (0, "")
        support.assert_valid("history", done.stdout)
        assert json.loads(done.stdout)["access"]["source"] == "history"
        done = run(path, *words, "--format", "ndjson")
        assert (done.returncode, done.stderr) == (0, "")
        support.assert_valid("history", done.stdout, "--ndjson")
        assert len(done.stdout.splitlines()) > 1
    # Both orders of the words mean the same.
    one, other = (json.loads(run(path, *words, "rss", "--format", "json").stdout)["result"]
                  for words in ([writer.PID, "history"], ["history", writer.PID]))
    assert one == other
    assert [point["count"] for point in one["figures"][0]["points"]] == [1, 2, 3, 4, 5]


def test_exited_processes_by_name(folder):
    """The last one of that unit, however it is written."""
    path = folder / "history.sqlite"
    writer.add(path, 1, 2, pid=4194301)
    writer.add(path, 3, 2, pid=4194302)
    for name in ("unit:writer4194301", "unit:writer4194301.service", "4194301"):
        found = writer.result(path, name)
        assert found["process"]["pid"] == 4194301 and not found["process"]["running"]
        table = run(path, name, "history", "--format", "table")
        assert "PID 4194301 (has exited)" in table.stdout


def test_running_process_without_rights(folder):
    """Another process of that number was there before; no right to look into it is needed."""
    path = folder / "history.sqlite"
    pid = os.getpid()
    writer.add(path, 1, 2, pid=pid)
    done = writer.history(path, pid)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and not report["result"]["process"]["running"]
    assert [warning["code"] for warning in report["warnings"]] == ["other-process"]
    if os.geteuid() != 0:
        pytest.skip("the rest needs root, to become another user")
    with support.PublicFolder() as public:
        copy = os.path.join(public.path, "history.sqlite")
        with open(copy, "wb") as file:
            file.write(path.read_bytes())
        done = writer.history(copy, pid, prefix=support.as_nobody(), binary=public.binary)
        assert done.returncode == 0, done.stderr


def test_plain_and_braille(folder):
    path = folder / "history.sqlite"
    writer.add(path, 1, 5)
    plain, braille = (
        run(path, writer.PID, "history", "rss", "--format", "table",
            env={**os.environ, "LC_ALL": locale}).stdout for locale in ("C", "C.UTF-8"))
    assert plain.isascii() and "*" in plain
    assert any("\u2800" < letter <= "\u28ff" for letter in braille)
    assert "\x1b" not in plain + braille


@pytest.mark.parametrize("words, code, message", [
    (["4194300", "history"], 1, "there are no samples of 4194300"),
    (["wrong!", "history"], 2, "is not the name of a target"),
    ([str(writer.PID), "history", "nothing"], 1, "there is no figure \"nothing\""),
    ([str(writer.PID), "history", "--since", "1h"], 1, "no sample of"),
    ([str(writer.PID), "history", "--scope", "all"], 2, "history does not know --scope"),
    ([str(writer.PID), "history", "--by", "referents"], 2, "history --by wants count or bytes"),
    (["1", "top-types"], 2, "top-types does not know --history"),
])
def test_errors(folder, words, code, message):
    path = folder / "history.sqlite"
    writer.add(path, 1, 2)
    done = run(path, *words, "--format", "json")
    assert done.returncode == code, done.stderr
    assert message in done.stderr and "hint: " in done.stderr
    support.assert_valid(json.loads(done.stdout)["command"], done.stdout)


def test_no_file(folder):
    done = run(folder / "none.sqlite", "history", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "no-history"
    assert list(folder.iterdir()) == []
