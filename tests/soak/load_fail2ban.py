"""fail2ban's server: it reads failures from a log, bans, is told to unban, and is asked things."""

import os
import re
import sys
import time

from load import START_SECONDS, Clients, Daemon, Report

MODULES = "/usr/lib/python3/dist-packages"
JAIL = "planted"
FAILURES_TO_BAN = 3
BANNED = 4
DECOYS = 1
DECOY_FAILURES = FAILURES_TO_BAN - 1
ROUTINE = re.compile(r" (INFO|NOTICE) ")

# Its action only writes down what it is called for: no firewall is touched.
FILES = {
    "fail2ban.conf": """\
[Definition]
loglevel = INFO
logtarget = {0}/log
syslogsocket = auto
socket = {0}/socket
pidfile = {0}/pid
dbfile = None
dbpurgeage = 1d
dbmaxmatches = 10
allowipv6 = no
""",
    "jail.conf": """\
[planted]
enabled = true
filter = planted
backend = polling
logpath = {0}/planted.log
usedns = no
maxretry = 3
findtime = 1d
bantime = 1d
action = written[file={0}/actions]
""",
    "filter.d/planted.conf": """\
[Definition]
failregex = ^ service: failure from <HOST> number \\d+$
datepattern = ^{{EPOCH}}
""",
    "action.d/written.conf": """\
[Definition]
actionban = echo "ban <ip> <failures>" >> <file>
actionunban = echo "unban <ip>" >> <file>
""",
    "planted.log": "",
}


def address(number, network):
    return "%d.%d.%d.%d" % (network, number >> 16 & 255, number >> 8 & 255, number & 255)


class Fail2ban(Daemon):
    name = "fail2ban"
    program = "/usr/bin/fail2ban-server"
    warm_up = {"plants": 1, "questions": 3}

    def start(self):
        for folder in ("filter.d", "action.d"):
            os.mkdir(self.path(folder))
        for name, text in FILES.items():
            self.write(name, text.format(self.folder))
        self.clients = Clients(plants=self._plant, questions=self._question)
        self.run("-c", self.folder, "-f", "-x", "start")
        self.wait_until(lambda: "Server ready" in self.lines("output"), "it starts", START_SECONDS)

    def ask(self, *words):
        """As fail2ban-client does."""
        if MODULES not in sys.path:
            sys.path.append(MODULES)
        from fail2ban.client.csocket import CSocket
        connection = CSocket(self.path("socket"), 60)
        try:
            code, answer = connection.send(list(words))
        finally:
            connection.close()
        if code != 0:
            raise AssertionError("%s: %s" % (words, answer))
        return answer

    def _question(self, number):
        if number % 2:
            self.clients.equal("ping", self.ask("ping"), "pong")
        else:
            self.clients.equal("maxretry", self.ask("get", JAIL, "maxretry"), FAILURES_TO_BAN)

    @staticmethod
    def _addresses(number):
        return [address(number * BANNED + index, 10) for index in range(BANNED)]

    def _plant(self, number):
        """Some addresses fail once too often and are banned, some do not; half are let go again."""
        banned = self._addresses(number)
        decoys = [address(number * DECOYS + index, 11) for index in range(DECOYS)]
        for attempt in range(FAILURES_TO_BAN):
            failing = banned + (decoys if attempt < DECOY_FAILURES else [])
            self.append("planted.log", "".join(
                "%d service: failure from %s number %d\n" % (time.time(), ip, attempt)
                for ip in failing))
            self.append("planted.log", "%d service: welcome to %s\n" % (time.time(), banned[0]))
        self.wait_until(lambda: set(banned) <= self._acted("ban"), "all are banned")
        for ip in banned[::2]:
            self.clients.equal("unbanip", self.ask("set", JAIL, "unbanip", ip), 1)

    def _acted(self, action):
        return {line.split()[1] for line in self.lines("actions") if line.split()[0] == action}

    def processes(self):
        return {"server": self.pid}

    def look(self):
        """Once it has closed all connections: the socket it listens on is left."""
        state = super().look()
        return state if state and state["server"]["fds"].count("socket") == 1 else None

    def report(self):
        plants = self.clients.done["plants"]
        status = {name: dict(values) for name, values in self.ask("status", JAIL)}
        actions, log = self.lines("actions"), self.lines("log")
        banned = [ip for number in range(plants) for ip in self._addresses(number)]
        unbanned = [ip for number in range(plants) for ip in self._addresses(number)[::2]]
        counts = {
            "total failed": status["Filter"]["Total failed"],
            "currently failed": status["Filter"]["Currently failed"],
            "total banned": status["Actions"]["Total banned"],
            "currently banned": status["Actions"]["Currently banned"],
            "lines found": sum(" Found " in line for line in log),
            "actions": sorted(actions),
        }
        expected = {
            "total failed": plants * (BANNED * FAILURES_TO_BAN + DECOYS * DECOY_FAILURES),
            "currently failed": plants * DECOYS,
            "total banned": len(banned),
            "currently banned": len(banned) - len(unbanned),
            "lines found": plants * (BANNED * FAILURES_TO_BAN + DECOYS * DECOY_FAILURES),
            "actions": sorted(["ban %s %d" % (ip, FAILURES_TO_BAN) for ip in banned]
                              + ["unban " + ip for ip in unbanned]),
        }
        faults = [line for line in log if not ROUTINE.search(line)]
        return Report(dict(self.clients.done), counts, expected, self.clients.faults + faults)
