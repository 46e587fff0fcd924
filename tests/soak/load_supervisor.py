"""
supervisord: it starts a program that ends at once, again and again, keeps what that prints, tells a
listener of it, and answers requests.
"""

import os
import re
import sys

from load import FINISH_SECONDS, START_SECONDS, Clients, Daemon, Report

MODULES = "/usr/lib/python3/dist-packages"
HERE = os.path.dirname(os.path.abspath(__file__))
LISTENER = os.path.join(HERE, "victims", "listener.py")
FLAKY = os.path.join(HERE, "victims", "flaky")
UNLIMITED = 1 << 30
STATUSES = 3
# What it says of each program that ends, and once when it starts.
ROUTINE = re.compile(r" INFO | CRIT Server 'unix_http_server' running without any HTTP auth|"
                     r" CRIT Supervisor is running as root|"
                     r" WARN exited: flaky \(exit status [12]; not expected\)")

CONFIGURATION = """\
[supervisord]
nodaemon = true
logfile = {0}/log
logfile_maxbytes = 0
pidfile = {0}/pid
childlogdir = {0}
[unix_http_server]
file = {0}/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:flaky]
command = {1} {0}
autorestart = true
startsecs = 0
stdout_logfile = {0}/flaky.log
stdout_logfile_maxbytes = 0
[eventlistener:listener]
command = /usr/bin/python3 {2} {0}/events
events = PROCESS_STATE
buffer_size = 10000
"""


class Supervisor(Daemon):
    name = "supervisor"
    program = "/usr/bin/supervisord"
    warm_up = {"restarts": 5}

    def start(self):
        self.write("configuration", CONFIGURATION.format(self.folder, FLAKY, LISTENER))
        self.write("number", "0\n")
        self._set_limit(0)
        os.mkfifo(self.path("gate"), 0o600)
        self.clients = Clients(pace_seconds=0.01, requests=self._request)
        self.run("-n", "-c", self.path("configuration"))
        self.wait_until(self._waits, "its program runs", START_SECONDS)
        self.wait_until(lambda: self._ask().getProcessInfo("listener")["statename"] == "RUNNING",
                        "its listener runs", START_SECONDS)

    def _set_limit(self, number):
        """From this number on the program waits at the gate."""
        self.write("limit.new", "%d\n" % number)
        os.rename(self.path("limit.new"), self.path("limit"))

    def _number(self):
        """How often the program has run."""
        return len(self.lines("started"))

    def _waits(self):
        """The program is at the gate."""
        return self.lines("waiting") == ["%d" % self._number()]

    def _ask(self):
        """As supervisorctl does."""
        if MODULES not in sys.path:
            sys.path.append(MODULES)
        import xmlrpc.client
        from supervisor.xmlrpc import SupervisorTransport
        return xmlrpc.client.ServerProxy(
            "http://127.0.0.1",
            transport=SupervisorTransport(None, None, "unix://" + self.path("socket"))).supervisor

    def _request(self, number):
        if number % 2:
            self.clients.equal("getState", self._ask().getState(),
                               {"statecode": 1, "statename": "RUNNING"})
        else:
            info = self._ask().getProcessInfo("listener")
            self.clients.equal("getProcessInfo", (info["name"], info["statename"]),
                               ("listener", "RUNNING"))

    def processes(self):
        return {"supervisord": self.pid}

    def work(self, limits=None):
        self.limit = UNLIMITED if limits is None else limits["restarts"]
        self._set_limit(self.limit)
        if self._number() < self.limit:
            # It goes on when somebody has opened the gate.
            with open(self.path("gate"), "w", encoding="ascii"):
                pass
        # Without a limit: requests wake it, and else it looks for ended programs once a second.
        super().work()

    def finish(self, halt=True):
        if halt:
            self.limit = 0
            self._set_limit(0)
        self.wait_until(lambda: self._number() >= self.limit and self._waits(),
                        "the program waits", FINISH_SECONDS)
        return super().finish()

    def report(self):
        number = self._number()
        pids = [line.split()[1] for line in self.lines("started")]
        # The one that waits has started and runs, and so has the listener.
        events = number * 3 + 2 + 2
        self.wait_until(lambda: len(self.lines("events")) >= events, "the listener hears of all")
        log = self.lines("log")
        heard = [line.split() for line in self.lines("events")]
        spawned = re.findall(r"spawned: 'flaky' with pid (\d+)", "\n".join(log))
        exited = re.findall(r"exited: flaky \(exit status (\d+); (expected|not expected)\)",
                            "\n".join(log))
        counts = {
            "spawned, exited": [len(spawned), len(exited)],
            "is the pid of the one that ran": [one == other for one, other in zip(spawned, pids)],
            "statuses": [[int(status), words] for status, words in exited],
            "printed": self.lines("flaky.log"),
            "serials": [int(words[0]) for words in heard],
            "pool serials": [int(words[1]) for words in heard],
            "events of the program": [words[2] for words in heard if words[3].endswith(":flaky")],
        }
        states = ["PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING", "PROCESS_STATE_EXITED"]
        expected = {
            "spawned, exited": [number + 1, number],
            "is the pid of the one that ran": [True] * number,
            "statuses": [[one % STATUSES, "not expected" if one % STATUSES else "expected"]
                         for one in range(number)],
            "printed": ["line %d" % one for one in range(number)],
            "serials": list(range(events)),
            "pool serials": list(range(events)),
            "events of the program": states * number + states[:2],
        }
        faults = [line for line in log if not ROUTINE.search(line)]
        return Report({"restarts": number, **self.clients.done}, counts, expected,
                      self.clients.faults + faults)
