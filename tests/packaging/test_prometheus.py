"""
From a leaking process to an alert, with Debian's own node_exporter and Prometheus on loopback: the
rules of examples/fleet, whose waits are cut to a second.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

import leaky
import support
from programs import need

RULES = os.path.join(support.ROOT, "examples", "fleet", "prometheus", "pyinspect.rules.yml")
# No proxy of the environment is asked for loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url):
    """The answer; None as long as nobody answers."""
    try:
        with OPENER.open(url, timeout=10) as answer:
            return answer.read().decode()
    except OSError:
        return None


@contextlib.contextmanager
def running(log, *command):
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   stdout=file, stderr=subprocess.STDOUT,
                                   env=dict(os.environ, GOMAXPROCS="1"))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Monitoring:
    def __init__(self, folder):
        self.folder = folder
        self.textfiles = folder / "textfiles"
        self.textfiles.mkdir()
        self.exporter = "http://127.0.0.1:%d" % free_port()
        self.prometheus = "http://127.0.0.1:%d" % free_port()
        with open(RULES, encoding="utf-8") as file:
            rules, cut = re.subn(r"\bfor: \w+", "for: 1s", file.read())
        assert cut == 5
        (folder / "rules.yml").write_text(rules)
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "rules.yml")],
            "scrape_configs": [{"job_name": "node", "static_configs": [
                {"targets": [self.exporter.partition("//")[2]]}]}],
        }))

    @contextlib.contextmanager
    def started(self):
        with contextlib.ExitStack() as stack:
            for process in (
                    running(self.folder / "exporter.log", need("prometheus-node-exporter"),
                            "--web.listen-address=" + self.exporter.partition("//")[2],
                            "--collector.disable-defaults", "--collector.textfile",
                            "--collector.textfile.directory=%s" % self.textfiles),
                    running(self.folder / "prometheus.log", need("prometheus"),
                            "--config.file=%s" % (self.folder / "prometheus.yml"),
                            "--storage.tsdb.path=%s" % (self.folder / "data"),
                            "--web.listen-address=" + self.prometheus.partition("//")[2])):
                stack.enter_context(process)
            support.wait_until(lambda: get(self.exporter + "/metrics"), "node_exporter answers", 60)
            support.wait_until(lambda: get(self.prometheus + "/-/ready"), "Prometheus is ready", 60)
            yield self

    def query(self, expression):
        """[(labels, value)]"""
        answer = json.loads(get(self.prometheus + "/api/v1/query?" + urllib.parse.urlencode(
            {"query": expression})))
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def alerts(self, state="firing"):
        answer = json.loads(get(self.prometheus + "/api/v1/alerts"))
        return {one["labels"]["alertname"]: one for one in answer["data"]["alerts"]
                if one["state"] == state}

    def check(self, service, *options):
        """As the service does it."""
        return leaky.check(service.pid, "--format", "prometheus", "--output",
                           self.textfiles / "pyinspect-leaky.prom", *options).returncode

    def seen(self, status):
        """Until Prometheus has a status of the check."""
        support.wait_until(lambda: [value for _, value in self.query("pyinspect_check_status")]
                           == [status], "Prometheus has the status %d" % status, 60)


@pytest.fixture
def monitoring(tmp_path):
    with Monitoring(tmp_path).started() as started:
        yield started


def test_alert_fires_and_ends(monitoring, service):
    rule = ("--max", leaky.RULE)
    assert monitoring.check(service, *rule) == 0
    monitoring.seen(0)
    assert not monitoring.alerts() and not monitoring.alerts("pending")

    service.leak(leaky.LIMIT * 3 // 4)
    assert monitoring.check(service, *rule) == 1
    monitoring.seen(1)
    support.wait_until(lambda: set(monitoring.alerts()) == {"PyinspectWarning"}, "a warning", 60)

    service.leak(leaky.LIMIT)
    assert monitoring.check(service, *rule) == 2
    monitoring.seen(2)
    support.wait_until(lambda: set(monitoring.alerts()) == {"PyinspectCritical"}, "an alert", 60)
    alert = monitoring.alerts()["PyinspectCritical"]
    assert alert["labels"]["target"] == str(service.pid)
    assert alert["labels"]["severity"] == "critical"
    # The rule that fired is named, by another query within the alert.
    assert "Session" in alert["annotations"]["description"]
    (_, sessions), = monitoring.query("pyinspect_rule_value{subject=~'.*Session'}")
    assert sessions == leaky.LIMIT * 3 // 4 + leaky.LIMIT
    (_, rss), = monitoring.query("pyinspect_target_resident_memory_bytes")
    assert rss > 1 << 20
    assert not [value for _, value in monitoring.query("node_textfile_scrape_error") if value]

    # The limit is raised, as after a repair.
    assert monitoring.check(service, "--max", "__main__.Session=1000000") == 0
    monitoring.seen(0)
    support.wait_until(lambda: not monitoring.alerts(), "no alert any more", 60)


def test_a_check_that_fails_is_unknown(monitoring, service):
    service.close()
    assert monitoring.check(service, "--max", leaky.RULE) == 3
    monitoring.seen(3)
    support.wait_until(lambda: set(monitoring.alerts()) == {"PyinspectUnknown"}, "unknown", 60)


def test_file_is_for_all_to_read(tmp_path, service):
    """node_exporter is another user; and whatever the umask of the service."""
    path = tmp_path / "out.prom"
    done = leaky.check(service.pid, "--max", leaky.RULE, "--format", "prometheus", "--output", path,
                       umask=0o077)
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["out.prom"]
