"""
check: rules from options and files, each form of its output, what it keeps on disk, and that
whatever goes wrong is unknown or a warning, and never a silent ok.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

import pytest

import interpreters
import support

SESSION = "__main__.Session"
CACHE = "__main__.Registry.cache"
OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
FORMS = ("table", "json", "ndjson", "nagios", "prometheus")
LIMITS = "%s=100:1000" % SESSION
KILL_AT = os.environ.get("PYI_KILL_AT") or os.path.join(
    os.path.dirname(support.PYINSPECT), "tests", "kill_at")
# Those by which something on disk becomes another.
CHANGING_CALLS = ("mkdir", "mkdirat", "rename", "renameat", "fsync", "flock", "unlinkat", "fchmod")


@pytest.fixture(scope="module")
def victim():
    target = support.Target.python(interpreters.any_interpreter(), "leaking.py")
    yield target
    target.close()


@pytest.fixture
def state(tmp_path):
    return str(tmp_path / "state")


def run(pid, state, *options, **more):
    return support.run_pyinspect(pid, "check", "--min-age", "0", "--state", state, *options, **more)


def ask(pid, state, *options, expected=None, **more):
    """The exit code, and the report as JSON, which is as the schema says."""
    done = run(pid, state, *options, "--format", "json", **more)
    support.assert_valid("check", done.stdout)
    report = json.loads(done.stdout)
    if expected is not None:
        assert done.returncode == expected, done.stdout + done.stderr
    if "result" in report:
        assert WORDS[done.returncode].lower() == report["result"]["status"]
    return report


def codes(report):
    return {warning["code"] for warning in report["warnings"]}


def evidence_folders(state):
    folder = os.path.join(state, "evidence")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def series(text):
    """{name and labels: value} of Prometheus' text."""
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    assert len({name for name, _ in lines}) == len(lines), "a series comes twice"
    return {name: float(value) for name, value in lines}


def assert_status(text, form, status, pid, value):
    """What each form says of the rule LIMITS."""
    if form == "json":
        result = json.loads(text)["result"]
        assert result["status"] == WORDS[status].lower()
        rule = result["rules"][0]
        assert (rule["subject"], rule["value"], rule["status"]) == (
            SESSION, value, WORDS[status].lower())
        assert (rule["warning"], rule["critical"]) == (100, 1000)
        assert rule["threshold"] == (1000 if status == CRITICAL else 100)
    elif form == "ndjson":
        first, *rules = map(json.loads, text.splitlines())
        assert first["result"]["status"] == WORDS[status].lower()
        assert [rule["value"] for rule in rules] == [value]
    elif form == "nagios":
        line = text.splitlines()[0]
        assert line.startswith("PYINSPECT %s - " % WORDS[status]), text
        message, data = line.split("|")
        assert "'max-count %s'=%d;100;1000;0" % (SESSION, value) in data
        assert re.fullmatch(r"(?: '[^'=]+'=(?:U|-?[0-9.]+)B?(?:;[~:0-9.]*){2}(?:;0)?)+", data), data
    elif form == "prometheus":
        found = series(text)
        assert found['pyinspect_check_status{target="%d"}' % pid] == status
        labels = '{target="%d",rule="max-count %s",subject="%s"}' % (pid, SESSION, SESSION)
        assert found["pyinspect_rule_status" + labels] == status
        assert found["pyinspect_rule_value" + labels] == value
        assert found['pyinspect_type_tree_objects{target="%d",type="%s"}' % (pid, SESSION)] == value
    else:
        assert "\n%s: " % WORDS[status] in text
        assert "{:,}".format(value) in text


def validate_form(text, form):
    if form in ("json", "ndjson"):
        support.assert_valid("check", text, *(["--ndjson"] if form == "ndjson" else []))
    if form == "prometheus" and shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0 and not done.stdout, done.stdout + text


@pytest.mark.parametrize("form", FORMS)
def test_ok_then_warning_then_critical(victim, state, form):
    for count, status in ((100, OK), (101, WARNING), (1000, WARNING), (1001, CRITICAL),
                          (5, OK)):
        victim.ask("keep %d" % count)
        with support.assert_untouched(victim.pid):
            done = run(victim.pid, state, "--max", LIMITS, "--format", form)
        assert done.returncode == status, done.stdout + done.stderr
        validate_form(done.stdout, form)
        assert_status(done.stdout, form, status, victim.pid, count)


def test_every_rule_measures_what_the_process_says(victim, state):
    victim.ask("keep 300")
    truth = victim.ask("say")
    size = support.census(support.top_types(victim.pid, "-n", "0"))[SESSION][1]
    report = ask(victim.pid, state, "--max", SESSION + "=1M", "--max", SESSION + "=1GiB",
                 "--max-container", CACHE + "=1000", "--max-rss", "1TiB", "--max-tracked", "10M",
                 expected=OK)
    values = {(rule["rule"].split()[0], rule["subject"]): rule["value"]
              for rule in report["result"]["rules"]}
    assert values[("max-count", SESSION)] == truth["sessions"] == 300
    assert values[("max-bytes", SESSION)] == size
    assert values[("max-container", CACHE)] == 300
    # What the process looks with counts, too: a frame, a list.
    assert abs(values[("max-tracked", None)] - truth["tracked"]) <= 5
    assert values[("max-rss", None)] == report["target"]["rss_bytes"]
    assert report["result"]["figures"]["rss"] == report["target"]["rss_bytes"]
    # Each of them can fire.
    report = ask(victim.pid, state, "--max", SESSION + "=299", "--max", SESSION + "=1KiB",
                 "--max-container", CACHE + "=299", "--max-rss", "1MiB", "--max-tracked", "10",
                 expected=CRITICAL)
    assert {rule["status"] for rule in report["result"]["rules"]} == {"critical"}
    assert len(report["result"]["rules"]) == 5


def write(path, content):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_presets(victim, state):
    victim.ask("keep 5")
    for preset in ("generic", "firewalld"):
        report = ask(victim.pid, state, "--preset", preset, expected=OK)
        assert report["result"]["rules"]
    # Without a history growth cannot be known, and that is no ok.
    report = ask(victim.pid, state, "--preset", "generic", "--no-history", expected=UNKNOWN)
    assert report["result"]["history"] == {"file": None, "kept": False}


@pytest.mark.parametrize("options, words", [
    ([], "by which rules"),
    (["--preset", "nobody"], "nobody"),
    (["--max", "foo"], "foo"),
    (["--max", "foo=many"], "many"),
    (["--rules", "/no/such/file"], "/no/such/file"),
    (["--history", "a", "--no-history", "--max-rss", "1B"], "not both"),
    (["--output", "", "--max-rss", "1B"], "--output"),
    (["--min-age", "old", "--max-rss", "1B"], "--min-age"),
    (["--limit", "9999", "--max-rss", "1B"], "--limit"),
    (["--depth", "2", "--max-rss", "1B"], "--depth"),
    (["--max-rss", "1B"] * 65, "more than 64"),
])
@pytest.mark.parametrize("form", ["json", "nagios", "prometheus"])
def test_bad_options_are_unknown(victim, state, options, words, form):
    done = support.run_pyinspect(victim.pid, "check", "--state", state, *options, "--format", form)
    assert done.returncode == UNKNOWN
    assert words in done.stderr and "hint: " in done.stderr
    if form == "json":
        assert words in json.loads(done.stdout)["error"]["message"]
    elif form == "nagios":
        assert done.stdout.startswith("PYINSPECT UNKNOWN - ") and words in done.stdout
    else:
        assert series(done.stdout)['pyinspect_check_status{target="%d"}' % victim.pid] == UNKNOWN
    validate_form(done.stdout, form)


@pytest.mark.parametrize("options", [
    ["--format", "nagios"], ["--format", "prometheus"], ["--max-rss", "1B"], ["--preset", "generic"],
    ["--state", "a"], ["--output", "a"], ["--min-age", "1"], ["--no-history"]])
def test_other_commands_do_not_know_them(victim, options):
    done = support.run_pyinspect(victim.pid, "top-types", *options)
    assert done.returncode == 2, done.stdout
    assert "top-types" in done.stderr


@pytest.mark.parametrize("form", FORMS)
def test_no_such_process(state, form):
    done = support.run_pyinspect("4194304", "check", "--max-rss", "1B", "--state", state,
                                 "--format", form)
    assert done.returncode == UNKNOWN
    assert "4194304" in done.stderr
    validate_form(done.stdout, form)
    if form == "nagios":
        assert done.stdout.startswith("PYINSPECT UNKNOWN - ")
    elif form == "prometheus":
        assert series(done.stdout)['pyinspect_check_status{target="4194304"}'] == UNKNOWN
    elif form == "table":
        assert not done.stdout
    else:
        assert json.loads(done.stdout)["error"]["code"] == "no-such-process"
    assert not os.path.exists(state)


def test_a_young_process_is_left_alone(start, state):
    target = start(interpreters.any_interpreter(), "leaking.py")
    with support.assert_untouched(target.pid):
        done = support.run_pyinspect(target.pid, "check", "--max-rss", "1B", "--min-age", "3600s",
                                     "--state", state, "--format", "json", "--verbose")
    assert done.returncode == UNKNOWN
    assert json.loads(done.stdout)["error"]["code"] == "too-young"
    # Not once.
    assert "stood still" not in done.stderr
    done = support.run_pyinspect(target.pid, "check", "--max-rss", "1TiB", "--state", state,
                                 "--format", "nagios")
    assert done.returncode == UNKNOWN and done.stdout.startswith("PYINSPECT UNKNOWN - ")


def in_mounts(*commands):
    """Command prefix: in mounts of its own, after shell commands."""
    return ["unshare", "--mount", "sh", "-ec", "; ".join(commands) + '; exec "$@"', "sh"]


@pytest.fixture(scope="module")
def mounts():
    """Namespaces of mounts can be made."""
    done = subprocess.run(in_mounts("mount -t tmpfs none /mnt") + ["true"],
                          stderr=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        pytest.skip("no mount namespaces here: " + done.stderr.strip())


def test_rule_files(victim, state, tmp_path):
    victim.ask("keep 500")
    folder = tmp_path / "rules.d"
    folder.mkdir()
    rule = {"rules": [{"rule": "max-count", "of": SESSION, "critical": 400}]}
    path = write(folder / "10-one.json", rule)
    assert ask(victim.pid, state, "--rules", path, expected=CRITICAL)
    assert ask(victim.pid, state, "--rules", folder, expected=CRITICAL)
    # A later file, and an option, count more.
    other = {"rules": [{"rule": "max-count", "of": SESSION, "warning": 450, "critical": 4000}]}
    write(folder / "20-two.json", other)
    assert ask(victim.pid, state, "--rules", folder, expected=WARNING)
    report = ask(victim.pid, state, "--max", SESSION + "=900", "--rules", folder, expected=OK)
    assert len(report["result"]["rules"]) == 1
    # By the target as it was written, and by the program's name; not for others.
    for target, status in ((str(victim.pid), WARNING), (support.read_stat(victim.pid)["comm"],
                                                        WARNING), ("somebody-else", OK)):
        other["targets"] = [target]
        path = write(tmp_path / "for-one.json", other)
        ask(victim.pid, state, "--max-tracked", "1G", "--rules", path, expected=status)
    # The order is that of the files, by whichever name one is for this target.
    write(folder / "30-of-program.json",
          {"targets": [support.read_stat(victim.pid)["comm"]],
           "rules": [{"rule": "max-count", "of": SESSION, "critical": 600}]})
    ask(victim.pid, state, "--rules", folder, expected=OK)
    write(folder / "40-of-pid.json",
          {"targets": [str(victim.pid)],
           "rules": [{"rule": "max-count", "of": SESSION, "critical": 400}]})
    ask(victim.pid, state, "--rules", folder, expected=CRITICAL)
    # An unknown key is an error that names file and key, and not a rule less.
    broken = write(folder / "30-three.json",
                   {"rules": [{"rule": "max-count", "of": SESSION, "critcal": 4}]})
    done = run(victim.pid, state, "--rules", folder, "--format", "nagios")
    assert done.returncode == UNKNOWN
    assert broken in done.stderr and "critcal" in done.stderr
    assert done.stdout.startswith("PYINSPECT UNKNOWN - ")


def test_output_is_replaced_at_once(victim, state, tmp_path):
    victim.ask("keep 5")
    path = tmp_path / "pyinspect.prom"
    inodes = set()
    for count, status in ((5, OK), (2000, CRITICAL)):
        victim.ask("keep %d" % count)
        done = run(victim.pid, state, "--max", LIMITS, "--format", "prometheus", "--output", path)
        assert (done.returncode, done.stdout) == (status, "")
        assert_status(path.read_text(), "prometheus", status, victim.pid, count)
        about = os.stat(path)
        assert about.st_mode & 0o7777 == 0o644
        inodes.add(about.st_ino)
    assert len(inodes) == 2, "the file was written to in place"
    # A check that could not be made says so there as well.
    done = support.run_pyinspect("4194304", "check", "--max-rss", "1B", "--format", "prometheus",
                                 "--output", path)
    assert (done.returncode, done.stdout) == (UNKNOWN, "")
    assert series(path.read_text())['pyinspect_check_status{target="4194304"}'] == UNKNOWN
    assert sorted(os.listdir(tmp_path)) == ["pyinspect.prom", "state"]
    # And one that cannot be written is no ok.
    victim.ask("keep 5")
    os.remove(path)
    for make in (os.mkdir, os.mkfifo, lambda name: os.symlink("elsewhere", name)):
        make(path)
        before = os.lstat(path)
        done = run(victim.pid, state, "--max", LIMITS, "--format", "nagios", "--output", path)
        assert (done.returncode, done.stdout.count("\n")) == (UNKNOWN, 1), done.stdout
        assert done.stdout.startswith("PYINSPECT UNKNOWN - cannot write %s: it is there" % path)
        assert done.stderr.count("no regular file") == 1
        assert os.lstat(path).st_ino == before.st_ino
        assert sorted(os.listdir(tmp_path)) == [path.name, "state"]
        (os.rmdir if make is os.mkdir else os.remove)(path)
    done = run(victim.pid, state, "--max", LIMITS, "--format", "nagios", "--output",
               tmp_path / "no" / "such" / "file")
    assert done.returncode == UNKNOWN
    assert done.stdout.startswith("PYINSPECT UNKNOWN - cannot write ")


def test_history_is_kept_by_default(victim, state):
    victim.ask("keep 5")
    report = ask(victim.pid, state, "--max", LIMITS, expected=OK)
    path = os.path.join(state, "history.sqlite")
    assert report["result"]["history"] == {"file": path, "kept": True}
    assert os.stat(path).st_mode & 0o7777 == 0o600
    # A process with which nothing is wrong leaves nothing else.
    assert not os.path.exists(os.path.join(state, "incidents"))
    assert not os.path.exists(os.path.join(state, "evidence"))
    other = os.path.join(state, "other.sqlite")
    report = ask(victim.pid, state, "--max", LIMITS, "--history", other, expected=OK)
    assert report["result"]["history"] == {"file": other, "kept": True}


def test_state_directory_of_systemd(victim, tmp_path):
    state = str(tmp_path / "of-unit")
    done = support.run_pyinspect(victim.pid, "check", "--min-age", "0", "--max", LIMITS,
                                 "--format", "json",
                                 env=dict(os.environ, STATE_DIRECTORY=state + ":/nowhere"))
    assert json.loads(done.stdout)["result"]["history"]["file"] == state + "/history.sqlite"
    assert os.path.exists(state + "/history.sqlite")


@pytest.mark.parametrize("count, status", [(5, OK), (2000, CRITICAL)])
def test_a_disk_that_is_read_only(victim, state, mounts, count, status):
    victim.ask("keep %d" % count)
    prefix = in_mounts("mkdir -p %s" % state, "mount -t tmpfs -o ro,mode=700 none %s" % state)
    report = ask(victim.pid, state, "--max", LIMITS, prefix=prefix, expected=status)
    assert "no-history" in codes(report)
    assert report["result"]["history"] == {"file": None, "kept": False}
    assert report["result"]["evidence"] is None
    if status == CRITICAL:
        assert "no-incidents" in codes(report)
    # Growth needs it.
    report = ask(victim.pid, state, "--max-growth", SESSION + "=10/h", prefix=prefix,
                 expected=UNKNOWN)
    assert report["result"]["rules"][0]["message"].startswith(SESSION + ": ")


@pytest.mark.parametrize("owner, mode, links", [(65534, 0o755, True), (65534, 0o755, False),
                                                (0, 0o777, True), (0, 0o777, False),
                                                (0, 0o700, True)])
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_state_folder_of_others(victim, state, tmp_path, owner, mode, links):
    """Neither their folder is used nor where a link in there leads, also without a history."""
    victim.ask("keep 2000")
    os.mkdir(state)
    for name in ("incidents", "evidence") if links else ():
        os.mkdir(tmp_path / name)
        os.symlink(tmp_path / name, os.path.join(state, name))
    os.chown(state, owner, owner)
    os.chmod(state, mode)
    report = ask(victim.pid, state, "--max", LIMITS, "--no-history", expected=CRITICAL)
    assert codes(report) == {"no-incidents"}
    assert report["result"]["evidence"] is None
    assert len(os.listdir(state)) == 2 * links
    assert not any(files for _, _, files in os.walk(tmp_path) if links)


@pytest.mark.parametrize("kilobytes", [0, 4, 16, 64])
def test_a_disk_that_is_full(victim, state, mounts, kilobytes):
    victim.ask("keep 2000")
    prefix = in_mounts("mkdir -p %s" % state, "mount -t tmpfs -o size=512k,mode=700 none %s" % state,
                       "head -c %d /dev/zero > %s/filler" % ((512 - kilobytes) << 10, state))
    report = ask(victim.pid, state, "--max", LIMITS, prefix=prefix, expected=CRITICAL)
    # There is room for one of them at most.
    assert codes(report) & {"no-history", "output-failed", "no-incidents"}
    assert report["result"]["evidence"] is None or report["result"]["history"]["kept"] is False


def test_several_at_once(victim, state):
    victim.ask("keep 2000")
    processes = [subprocess.Popen(
        [support.PYINSPECT, str(victim.pid), "check", "--min-age", "0", "--state", state, "--max",
         LIMITS, "--format", "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8") for _ in range(3)]
    saved = 0
    for process in processes:
        out, words = process.communicate(timeout=120)
        # A process has one tracer: the others wait for it.
        report = json.loads(out)
        support.assert_valid("check", out)
        assert process.returncode == CRITICAL, out + words
        assert report["result"]["history"]["kept"], out
        saved += report["result"]["evidence"] is not None
    assert saved <= 1
    ask(victim.pid, state, "--max", LIMITS, expected=CRITICAL)
    assert len(evidence_folders(state)) == 1


# What pyinspect forks: who can be asked for a hint, the broker, the worker, and fourth the one that
# keeps things.
KEEPER = 4


def run_under_kill_at(arguments, command, child):
    """The lines that kill_at writes of a child, or of the program itself."""
    reading, writing = os.pipe()
    which = ["-p", str(child)] if child else []
    process = subprocess.Popen([KILL_AT, *which, str(writing), *arguments, *command],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert process.wait(timeout=120) == 0
    return lines


@pytest.mark.parametrize("child, least", [(KEEPER, 20), (0, 3)], ids=["keeper", "program"])
def test_killed_at_every_change_on_disk(victim, tmp_path, child, least):
    """
    Whatever is on disk then, the next check goes on from it, and has its evidence once. The program
    itself only puts the file of --output in its place.
    """
    if not os.access(KILL_AT, os.X_OK):
        pytest.fail("no %s: build it, or set PYI_KILL_AT" % KILL_AT)
    victim.ask("keep 2000")

    def command(state):
        return [support.PYINSPECT, str(victim.pid), "check", "--min-age", "0", "--state", state,
                "--max", LIMITS, "--format", "prometheus", "--output", state + "/check.prom",
                "--no-history"]

    first = str(tmp_path / "first")
    os.mkdir(first)
    labels = run_under_kill_at(["list"], command(first), child)
    labels = [label for label in labels if label.split("#")[0] in CHANGING_CALLS]
    assert len(evidence_folders(first)) == 1
    assert len(labels) > least, labels
    hits = 0
    for number, label in enumerate(labels):
        state = str(tmp_path / ("state-%d" % number))
        os.mkdir(state)
        lines = run_under_kill_at(["entry", label, str(int(signal.SIGKILL)), "self"],
                                  command(state), child)
        # The process was in the middle of something, and there was one snapshot more.
        if "hit" not in lines:
            continue
        hits += 1
        path = os.path.join(state, "check.prom")
        if os.path.exists(path):
            text = read(path)
            # The program lives when the keeper has been killed: nothing is known then.
            unknown = 'pyinspect_check_status{target="%d"} %d\n' % (victim.pid, UNKNOWN)
            if not child or unknown not in text:
                assert_status(text, "prometheus", CRITICAL, victim.pid, 2000)
        ask(victim.pid, state, "--max", LIMITS, "--no-history", expected=CRITICAL)
        assert len(evidence_folders(state)) == 1, label
        name, = evidence_folders(state)
        assert not name.startswith("."), label
        assert {"check.json", "top-types.json", "referrers-1.json", "path-1.json",
                "top-objects.json"} <= set(os.listdir(os.path.join(state, "evidence", name)))
        ask(victim.pid, state, "--max", LIMITS, "--no-history", expected=CRITICAL)
        assert evidence_folders(state) == [name], label
    assert hits > len(labels) // 2
    assert victim.is_alive() and victim.ask("say")["sessions"] == 2000


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


@contextlib.contextmanager
def journal(path):
    """A socket at which a journal could listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(0)
        yield listener


def messages(listener):
    """All that were sent, as dictionaries (systemd's native protocol)."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data, fields = listener.recv(1 << 20), {}
            while data:
                line, data = data.split(b"\n", 1)
                if b"=" in line:
                    name, value = line.split(b"=", 1)
                else:
                    size, = struct.unpack("<Q", data[:8])
                    name, value, data = line, data[8:8 + size], data[8 + size + 1:]
                fields[name.decode()] = value.decode()
            found.append(fields)
    return found


def test_journal(victim, state, tmp_path, mounts):
    socket_path = str(tmp_path / "socket")
    prefix = in_mounts("mount -t tmpfs none /run", "mkdir -p /run/systemd/journal",
                       "touch /run/systemd/journal/socket",
                       "mount --bind %s /run/systemd/journal/socket" % socket_path)
    under_systemd = dict(os.environ, INVOCATION_ID="0" * 32)
    elsewhere = {key: value for key, value in os.environ.items()
                 if key not in ("INVOCATION_ID", "JOURNAL_STREAM")}

    def check(count, environment=under_systemd, rules=("--max", LIMITS, "--max-rss", "1TiB")):
        victim.ask("keep %d" % count)
        run(victim.pid, state, *rules, prefix=prefix, env=environment)
        return messages(listener)

    with journal(socket_path) as listener:
        assert check(5) == []
        finding, status = check(500)
        common = {"PRIORITY": "4", "PYINSPECT_STATUS": "warning", "PYINSPECT_STATUS_BEFORE": "ok",
                  "PYINSPECT_TARGET": str(victim.pid), "TARGET_PID": str(victim.pid),
                  "SYSLOG_IDENTIFIER": "pyinspect"}
        assert common.items() <= finding.items() and common.items() <= status.items()
        assert finding["PYINSPECT_RULE"] == "max-count " + SESSION
        assert finding["PYINSPECT_SUBJECT"] == SESSION
        assert "PYINSPECT_RULE" not in status
        assert finding["MESSAGE_ID"] != status["MESSAGE_ID"]
        for message in (finding, status):
            assert re.fullmatch("[0-9a-f]{32}", message["MESSAGE_ID"])
            assert "500" in message["MESSAGE"]
            assert not [name for name in message if name.startswith("CODE_")]
        # The same again is no news.
        assert check(501) == []
        finding, status = check(2000)
        assert (finding["PRIORITY"], finding["PYINSPECT_STATUS"]) == ("2", "critical")
        assert os.path.isdir(status["PYINSPECT_EVIDENCE"])
        # Somebody looks by other rules, by which nothing is wrong.
        others = ("--max-tracked", "1G")
        assert check(2000, rules=others) == []
        assert check(2000) == []
        assert check(2000, rules=others) == []
        finding, status = check(5)
        assert (finding["PYINSPECT_STATUS_BEFORE"], status["PYINSPECT_STATUS_BEFORE"]) == (
            "critical", "critical")
        assert (status["PYINSPECT_STATUS"], status["PRIORITY"]) == ("ok", "5")
        # Not from a terminal.
        assert check(2000, elsewhere) == []
        # A check that could not be made.
        support.run_pyinspect("4194304", "check", "--max-rss", "1B", prefix=prefix,
                              env=under_systemd)
        status, = messages(listener)
        assert status["PYINSPECT_STATUS"] == "unknown" and "4194304" in status["MESSAGE"]


def senders(listener):
    """Of all that was sent: the process."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            _, ancillary, _, _ = listener.recvmsg(1 << 20, 1 << 10)
            found += [struct.unpack("=iII", data)[0] for level, kind, data in ancillary
                      if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)]
    return found


@pytest.mark.parametrize("arguments", [
    ("cgroup:/no/such/group", "check", "--max-rss", "1B"), ("1", "check", "--limit", "much")])
def test_failure_is_told_by_another_process(tmp_path, mounts, arguments):
    """Not by the one with the rights of the user; it puts the file in place, that is all."""
    socket_path = str(tmp_path / "socket")
    output = tmp_path / "output"
    prefix = in_mounts("mount -t tmpfs none /run", "mkdir -p /run/systemd/journal",
                       "touch /run/systemd/journal/socket",
                       "mount --bind %s /run/systemd/journal/socket" % socket_path)
    with journal(socket_path) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        with subprocess.Popen([*prefix, support.PYINSPECT, "--format", "json", "--output",
                               str(output), *arguments],
                              env=dict(os.environ, INVOCATION_ID="0" * 32),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            printed, words = process.communicate()
        assert process.returncode == 3, words
        sender, = senders(listener)
        assert sender not in (0, process.pid)
    assert printed == b"" and b"pyinspect: " in words
    assert json.loads(output.read_text())["command"] == "check"


def test_help(victim):
    done = support.run_pyinspect("help", "check")
    assert done.returncode == 0
    for option in ("--max", "--max-growth", "--max-container", "--max-rss", "--max-tracked",
                   "--preset", "--rules", "--history", "--no-history", "--state", "--min-age",
                   "--format", "--output"):
        assert re.search(r"^ .*%s\b" % option, done.stdout, re.MULTILINE), option
    assert "pyinspect unit:firewalld check" in support.run_pyinspect("--help").stdout
