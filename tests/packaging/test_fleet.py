"""
The examples for a fleet, each read by the program that it is for; and they name no metric that a
check does not write.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

import leaky
import support
from programs import need, run, succeeds

FLEET = os.path.join(support.ROOT, "examples", "fleet")
METRIC = re.compile(r"\bpyinspect_[a-z_]+")


def read(*names):
    with open(os.path.join(FLEET, *names), encoding="utf-8") as file:
        return file.read()


def test_alert_rules():
    promtool = need("promtool")
    succeeds(promtool, "check", "rules", os.path.join(FLEET, "prometheus", "pyinspect.rules.yml"))
    succeeds(promtool, "test", "rules",
             os.path.join(FLEET, "prometheus", "pyinspect.rules.test.yml"))


def test_every_alert_is_tested():
    alert = re.compile(r"\balert: (\w+)|alertname: (\w+)")
    alerts = {match.group(1) for match in alert.finditer(read("prometheus", "pyinspect.rules.yml"))}
    tested = {match.group(2)
              for match in alert.finditer(read("prometheus", "pyinspect.rules.test.yml"))}
    assert alerts and alerts == tested


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    """Of two checks: with all that a rule can add, and of a target with python-slip in it."""
    names = set()
    state = tmp_path_factory.mktemp("state")
    slip = support.Target(["/usr/bin/python3", "-c", SLIP])
    with leaky.LeakyService() as service:
        try:
            slip.expect("READY")
            service.leak(leaky.LIMIT + 1)
            for pid in (service.pid, slip.pid):
                done = support.run_pyinspect(
                    pid, "check", "--state", state, "--min-age", "0", "--max", leaky.RULE,
                    "--max-rss", "1TiB", "--preset", "firewalld", "--format", "prometheus")
                assert done.returncode in (1, 2, 3), done.stderr
                succeeds(need("promtool"), "check", "metrics", input=done.stdout)
                names |= {line.split()[2] for line in done.stdout.splitlines()
                          if line.startswith("# TYPE ")}
        finally:
            slip.close()
    return names


# What pyinspect looks for: the class by which python-slip is known, with two callers.
SLIP = """
import sys, types
slip, dbus, module = (types.ModuleType(name) for name in ("slip", "slip.dbus", "slip.dbus.service"))
sys.modules.update({"slip": slip, "slip.dbus": dbus, "slip.dbus.service": module})
exec('''
class Object:
    senders = set()
    connections_senders = {}
    connections_smobjs = {}
''', module.__dict__)
module.Object.senders.update({(":1.1", None), (":1.2", None)})
print("READY", flush=True)
input()
"""


@pytest.mark.parametrize("name", ["prometheus/pyinspect.rules.yml", "grafana/pyinspect.json"])
def test_metrics_exist(metrics, name):
    used = set(METRIC.findall(read(name)))
    # Needs a message bus to be known: tests/daemon has one.
    used -= {"pyinspect_slip_stale_senders", "pyinspect_slip_dead_matches"}
    assert len(used) > 2 and used <= metrics


def test_dashboard():
    dashboard = json.loads(read("grafana", "pyinspect.json"))
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    places = set()
    for panel in dashboard["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"] and all(METRIC.search(one["expr"]) for one in panel["targets"])
        for one in panel["targets"]:
            assert set(re.findall(r"\$(\w+)", one["expr"])) <= set(variables)
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not places & cells and place["x"] + place["w"] <= 24, panel["title"]
        places |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_queries_of_the_dashboard_are_valid(tmp_path):
    """promtool reads them as rules that record."""
    dashboard = json.loads(read("grafana", "pyinspect.json"))
    queries = [one["expr"] for panel in dashboard["panels"] for one in panel["targets"]]
    rules = {"groups": [{"name": "dashboard", "rules": [
        {"record": "query:%d" % number, "expr": query.replace("$", "")}
        for number, query in enumerate(queries)]}]}
    (tmp_path / "rules.yml").write_text(json.dumps(rules))
    succeeds(need("promtool"), "check", "rules", "--lint=none", tmp_path / "rules.yml")


def test_play():
    succeeds(need("ansible-playbook"), "--syntax-check", "-i", "firewalls,",
             os.path.join(FLEET, "ansible", "pyinspect.yml"))


def sudoers_command():
    line, = (line for line in read("icinga2", "sudoers").splitlines() if "NOPASSWD" in line)
    return line.split("NOPASSWD: ")[1].replace("\\", "").split()


def test_sudoers_allow_what_the_commands_run():
    succeeds(need("visudo"), "-c", "-f", os.path.join(FLEET, "icinga2", "sudoers"))
    line = re.search(r"command_line\s+(.*)", read("nagios", "pyinspect.cfg")).group(1)
    arguments = re.search(r"check_pyinspect!(.*)", read("nagios", "pyinspect.cfg")).group(1)
    for number, argument in enumerate(arguments.split("!"), 1):
        line = line.replace("$ARG%d$" % number, argument)
    assert line.split() == ["/usr/bin/sudo", "-n"] + sudoers_command()


ICINGA = """
object Endpoint "here" { }
object Zone "here" { endpoints = [ "here" ] }
include <itl>
include "pyinspect.conf"
object Host "firewall" {
  check_command = "dummy"
  vars.firewalld = true
}
"""


def test_icinga_reads_its_command(tmp_path):
    icinga = need("icinga2")
    folders = []
    for name in ("data", "cache", "log", "run", "spool"):
        (tmp_path / name).mkdir()
    for constant, name in (("DataDir", "data"), ("CacheDir", "cache"), ("LogDir", "log"),
                           ("InitRunDir", "run"), ("SpoolDir", "spool"),
                           ("ConfigDir", "."), ("PidPath", "run/pid")):
        folders += ["-D", "%s=%s" % (constant, tmp_path / name)]
    shutil.copy(os.path.join(FLEET, "icinga2", "pyinspect.conf"), tmp_path)
    (tmp_path / "icinga2.conf").write_text(ICINGA)
    os.chmod(tmp_path, 0o755)
    output = succeeds(icinga, "daemon", "-C", "-c", tmp_path / "icinga2.conf",
                      "-D", "RunAsUser=root", "-D", "RunAsGroup=root", *folders)
    assert "Instantiated 1 Service." in output, output


class Nagios:
    """A real Nagios in a folder of its own, that makes active checks, each when it is due."""

    def __init__(self, folder, pid):
        self.folder = folder
        self.data = folder / "performance"
        user = "root"
        definition = read("nagios", "pyinspect.cfg")
        # Without sudo's rules, and pyinspect where it is.
        definition = definition.replace("/usr/bin/sudo -n /usr/bin/pyinspect", support.PYINSPECT)
        definition = definition.replace("check_pyinspect!unit:firewalld.service!--preset firewalld",
                                        "check_pyinspect!%d!%s" % (pid, OPTIONS))
        (folder / "objects.cfg").write_text(definition + """
define timeperiod {
    timeperiod_name 24x7
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define contact {
    contact_name nobody
    host_notifications_enabled 0
    service_notifications_enabled 0
    host_notification_period 24x7
    service_notification_period 24x7
    host_notification_options n
    service_notification_options n
    host_notification_commands nothing
    service_notification_commands nothing
}
define command {
    command_name nothing
    command_line /bin/true
}
define host {
    host_name firewall
    address 127.0.0.1
    max_check_attempts 1
    check_period 24x7
    notification_period 24x7
    contacts nobody
}
define service {
    use pyinspect-service
    host_name firewall
    contacts nobody
    notification_period 24x7
}
""")
        (folder / "checks").mkdir()
        (folder / "resource.cfg").write_text("$USER1$=/usr/lib/nagios/plugins\n")
        (folder / "nagios.cfg").write_text("""
log_file={0}/nagios.log
cfg_file={0}/objects.cfg
resource_file={0}/resource.cfg
object_cache_file={0}/objects.cache
precached_object_file={0}/objects.precache
status_file={0}/status.dat
state_retention_file={0}/retention.dat
temp_file={0}/nagios.tmp
temp_path={0}
check_result_path={0}/checks
command_file={0}/nagios.cmd
query_socket={0}/nagios.qh
lock_file={0}/nagios.lock
nagios_user={1}
nagios_group={1}
use_syslog=0
log_rotation_method=n
interval_length=60
service_inter_check_delay_method=n
max_service_check_spread=1
status_update_interval=1
check_for_updates=0
process_performance_data=1
service_perfdata_file={2}
service_perfdata_file_template=$SERVICESTATE$\\t$SERVICEOUTPUT$\\t$SERVICEPERFDATA$
service_perfdata_file_mode=w
""".format(folder, user, self.data))

    def status(self):
        """What Nagios shows of the service, as soon as it has been checked."""
        try:
            text = (self.folder / "status.dat").read_text()
        except FileNotFoundError:
            return None
        for block in re.findall(r"^servicestatus \{\n(.*?)^\t\}", text, re.DOTALL | re.MULTILINE):
            fields = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
            if fields["has_been_checked"] == "1":
                return fields
        return None


OPTIONS = "--no-history --min-age 0 --max %s --max-rss 1TiB" % leaky.RULE


@pytest.mark.parametrize("sessions, state, word", [(0, "0", "OK"), (leaky.LIMIT * 3 // 4, "1",
                                                   "WARNING"), (leaky.LIMIT + 1, "2", "CRITICAL")])
def test_nagios_runs_the_check(tmp_path, service, sessions, state, word):
    program = need("nagios4")
    if sessions:
        service.leak(sessions)
    nagios = Nagios(tmp_path, service.pid)
    succeeds(program, "-v", tmp_path / "nagios.cfg")
    process = subprocess.Popen([program, str(tmp_path / "nagios.cfg")], cwd=tmp_path,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        fields = support.wait_until(nagios.status, "Nagios has made the check", 60)
    finally:
        process.terminate()
        process.wait()
    assert fields["current_state"] == state
    assert fields["plugin_output"].startswith("PYINSPECT %s - " % word)
    data = dict(item.split("=", 1) for item in
                re.findall(r"'[^']*'=\S+", fields["performance_data"]))
    assert "'rss'" in data and re.match(r"\d+B;", data["'rss'"])
    limits, = (value for name, value in data.items() if "Session" in name)
    assert limits == "%d;%d;%d;0" % (sessions, leaky.LIMIT // 2, leaky.LIMIT)
    assert "Session" in fields["long_plugin_output"]


def test_negate_reads_the_state(service):
    """A wrapper that all monitoring plugins must work under."""
    negate = need("negate")
    service.leak(leaky.LIMIT + 1)
    done = run(negate, "-s", "-c", "OK", support.PYINSPECT, service.pid, "check", "--format", "nagios",
               *OPTIONS.split())
    assert done.returncode == 0
    assert done.stdout.startswith("PYINSPECT OK - ")
