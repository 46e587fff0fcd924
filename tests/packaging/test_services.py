"""
Services of several Python processes, as they are on hosts: gunicorn, uWSGI and supervisor of Debian 12
as units of a real systemd, four workers each, one of which leaks. The units of the package tell which,
and in what.
"""

import contextlib
import http.client
import json
import os
import re
import socket

import pytest

import support
from debian import MACHINE, check_result, metrics

WORKERS = 4
LEAKED = 20000
CONTAINER = "keeps.CACHE[*]"
LIMIT = 5000
GOOD = {"Result": "success", "ExecMainStatus": "0"}
CRITICAL = {"Result": "exit-code", "ExecMainStatus": "2"}

GUNICORN = """\
[Service]
Type=notify
User=www-data
RuntimeDirectory=%N
ExecStart=/usr/bin/gunicorn --workers 4 --bind unix:/run/%N/socket --chdir /srv keeps:application
"""
UWSGI = """\
[Service]
Type=notify
User=www-data
RuntimeDirectory=%N
ExecStart=/usr/bin/uwsgi-core --plugins python3 --http-socket /run/%N/socket --chdir /srv \\
    --module keeps:application --master --processes 4 --die-on-term
"""
# Debian's unit; this is what it runs.
SUPERVISOR = """\
[fcgi-program:keeps]
command = /usr/bin/python3 -c "import keeps; keeps.main()"
directory = /srv
user = www-data
socket = unix:///run/supervisor.keeps
process_name = %(process_num)d
numprocs = 4
"""
SERVICES = {
    "gunicorn": ("/etc/systemd/system/gunicorn.service", GUNICORN, "/run/gunicorn/socket"),
    "uwsgi": ("/etc/systemd/system/uwsgi.service", UWSGI, "/run/uwsgi/socket"),
    "supervisor": ("/etc/supervisor/conf.d/keeps.conf", SUPERVISOR, "/run/supervisor.keeps"),
}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Service:
    def __init__(self, machine, name):
        self.machine = machine
        self.name = name
        self.socket = "/proc/%s/root%s" % (machine.first, SERVICES[name][2])

    def ask(self, request="/"):
        """The pid of the worker that has answered, as processes of the machine see it."""
        with contextlib.closing(UnixConnection(self.socket)) as connection:
            connection.request("GET", request, headers={"Connection": "close"})
            reply = connection.getresponse()
            assert reply.status == 200
            return int(reply.read())

    def pids(self):
        group = self.machine.succeeds("systemctl", "show", "--property=ControlGroup", "--value",
                                      self.name).strip()
        text = self.machine.succeeds("cat", "/sys/fs/cgroup%s/cgroup.procs" % group)
        return [int(word) for word in text.split()]

    def check(self):
        """What came of a check, and what somebody reads who looks why it has failed."""
        unit = "pyinspect-check@%s.service" % self.name
        self.machine.run("systemctl", "start", unit)
        self.machine.succeeds("journalctl", "--sync")
        return (check_result(self.machine, self.name),
                self.machine.run("systemctl", "status", "--no-pager", "--full", "--lines=50",
                                 unit).stdout)


@pytest.fixture(scope="module")
def installed(machine, package):
    with open(os.path.join(os.path.dirname(MACHINE), "keeps.py"), encoding="utf-8") as file:
        machine.put("/srv/keeps.py", file.read())
    for path, text, _ in SERVICES.values():
        machine.put(path, text)
    with machine.booted():
        machine.install(package)
        yield machine
        machine.purge()


@pytest.fixture(params=SERVICES)
def service(installed, request):
    service = Service(installed, request.param)
    installed.put("/etc/pyinspect/check-%s.env" % service.name,
                  'PYINSPECT_OPTIONS="--preset generic --min-age 0 --max-container %s=%d"\n' % (
                      CONTAINER, LIMIT))
    installed.succeeds("systemctl", "restart", service.name)
    support.wait_until(lambda: len(service.pids()) == WORKERS + 1 and
                       all(is_ready(installed, pid) for pid in service.pids()) and
                       os.path.exists(service.socket), "its workers", 60)
    yield service
    installed.run("systemctl", "stop", service.name)


def messages(machine, *fields):
    machine.succeeds("journalctl", "--sync")
    text = machine.succeeds("journalctl", "--no-pager", "--output=json", *fields)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def evidence(machine, folder):
    """{file: what it says}; the folder as the service knows it."""
    path = machine.root + folder
    return {name: json.loads(machine.read(os.path.join(folder, name)))
            for name in os.listdir(path)}


def test_the_worker_that_leaks_is_named(service):
    machine, name = service.machine, service.name
    pids = service.pids()
    # Of a master that does not have what its workers have, nothing is unknown, at the first look, too.
    result, shown = service.check()
    assert result == GOOD, shown
    assert metrics(machine, name)["pyinspect_check_status"] == 0
    assert not messages(machine, "PYINSPECT_TARGET=unit:%s.service" % name)

    leaky = service.ask("/?keep=%d" % LEAKED)
    assert leaky in pids
    result, shown = service.check()
    assert result == CRITICAL, shown
    found = metrics(machine, name)
    assert found["pyinspect_check_status"] == 2

    # In the journal of the unit that has failed.
    entries = "%s has 20,030 entries, more than 5,000" % CONTAINER
    assert "unit:%s.service is critical: process %d: %s; process %d (%d of 5) has 668 times the %s" % (
        name, leaky, entries, leaky, sorted(pids).index(leaky) + 1, CONTAINER) in shown

    # What can be searched for: of this worker, and of no other.
    told = messages(machine, "PYINSPECT_TARGET=unit:%s.service" % name)
    assert {entry["TARGET_PID"] for entry in told} == {str(leaky)}
    assert CONTAINER in {entry.get("PYINSPECT_SUBJECT") for entry in told}
    assert "unit:%s.service, process %d, is critical: %s" % (name, leaky, entries) in {
        entry["MESSAGE"] for entry in told}
    folder, = {entry["PYINSPECT_EVIDENCE"] for entry in told if "PYINSPECT_EVIDENCE" in entry}
    assert re.search(r"/unit_%s\.service-%d-\w+$" % (name, leaky), folder)
    assert os.listdir(machine.root + os.path.dirname(folder)).count(os.path.basename(folder)) == 1
    reports = evidence(machine, folder)
    ways = [way["through"] for report in reports.values()
            for way in report.get("result", {}).get("ways", [])]
    assert "keeps.CACHE['sessions'][*]" in ways, (sorted(reports), ways)

    # Nobody was harmed.
    assert service.pids() == pids
    service.ask()


def test_a_new_worker_is_judged_by_itself(service):
    """What is wrong ends with the process that it was wrong with."""
    machine = service.machine
    leaky = service.ask("/?keep=%d" % LEAKED)
    result, shown = service.check()
    assert result == CRITICAL, shown
    before = service.pids()
    machine.succeeds("sh", "-c", "kill -KILL %d" % leaky)
    support.wait_until(lambda: leaky not in service.pids() and
                       len(service.pids()) == WORKERS + 1, "another worker", 60)
    new, = set(service.pids()) - set(before)
    support.wait_until(lambda: service.ask() and is_ready(machine, new), "it has started")
    result, shown = service.check()
    assert result == GOOD, shown


def is_ready(machine, pid):
    """It waits for requests: it has loaded the application."""
    wchan = machine.run("cat", "/proc/%d/syscall" % pid).stdout.split()
    return bool(wchan) and wchan[0] != "running"
