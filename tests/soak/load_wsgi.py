"""
Servers with a master and workers, gunicorn and uWSGI, asked by several clients at once over a unix
socket. Each answer follows from the request; both servers count requests themselves.
"""

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import time

from load import START_SECONDS, Clients, Daemon, Report, anonymous_state, rested

APPLICATIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "victims")
CLIENTS = 3
RESIZE_PACE_SECONDS = 0.5


def answer(path, body):
    """What victims/numbered.py says to a request."""
    number = int(path.rpartition("/")[2])
    return (hashlib.sha256(path.encode() + body).hexdigest() * (1 + number % 200)).encode()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Server(Daemon):
    """One connection a request; `paths` are the applications' mount points."""

    paths = ("",)

    def make_clients(self, **others):
        return Clients(**{"requests_%d" % client: self._asker(client)
                          for client in range(CLIENTS)}, **others)

    def _path_of(self, client, number):
        return "%s/%d/%d" % (self.paths[number % len(self.paths)], client, number)

    def _asker(self, client):
        def ask(number):
            path = self._path_of(client, number)
            body = path.encode() * (number % 3 * 1000)
            connection = UnixConnection(self.path("socket"), 60)
            try:
                connection.request("POST", path, body, {"Connection": "close"})
                reply = connection.getresponse()
                got = reply.status, reply.read()
            finally:
                connection.close()
            self.clients.equal(path, got, (200, answer(path, body)))
        return ask

    def asked(self):
        """The paths of all requests."""
        return sorted(self._path_of(client, number) for client in range(CLIENTS)
                      for number in range(self.clients.done["requests_%d" % client]))

    def workers(self):
        return self.children()

    def processes(self):
        found = {"master": self.pid}
        found.update(("worker %d" % number, pid)
                     for number, pid in enumerate(sorted(self.workers()), 1))
        return found

    def is_connectable(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(self.path("socket")) == 0


class Gunicorn(Server):
    """Now and then it is told to have a worker more, and then one less: the oldest ends."""

    name = "gunicorn"
    program = "/usr/bin/gunicorn"
    warm_up = {"requests_0": 40, "requests_1": 40, "requests_2": 40, "resizes": 1}
    workers_wanted = 2
    # It sends SIGTERM until a worker is gone; at the very end Python no longer handles that.
    routine = re.compile(r"\[INFO\]|Worker with pid \d+ was terminated due to signal 15$")

    def start(self):
        self.clients = self.make_clients(resizes=self._resize)
        self.run("--bind", "unix:" + self.path("socket"), "--workers", str(self.workers_wanted),
                 "--worker-class", "gthread", "--threads", "4", "--chdir", APPLICATIONS,
                 "--timeout", "120", "--graceful-timeout", "60",
                 "--access-logfile", self.path("access"), "--access-logformat", "%(U)s %(s)s %(B)s",
                 "--error-logfile", self.path("log"), "--worker-tmp-dir", self.folder,
                 "numbered:application")
        self.wait_until(lambda: self._booted() == self.workers_wanted and self.is_connectable(),
                        "it starts", START_SECONDS)

    def _booted(self):
        return sum("Booting worker" in line for line in self.lines("log"))

    def _exited(self):
        return sum("Worker exiting" in line for line in self.lines("log"))

    def _resize(self, number):
        booted, exited = self._booted(), self._exited()
        self.process.signal(signal.SIGTTIN)
        self.wait_until(lambda: self._booted() == booted + 1, "a worker more")
        self.process.signal(signal.SIGTTOU)
        self.wait_until(lambda: self._exited() == exited + 1
                        and len(self.workers()) == self.workers_wanted, "a worker less")
        time.sleep(RESIZE_PACE_SECONDS)

    def look(self):
        """A worker starts its threads as it needs them."""
        def one():
            found = {role: anonymous_state(pid) for role, pid in self.processes().items()}
            for role, state in found.items():
                if role != "master":
                    del state["threads"]
            return found

        return rested(one)

    def report(self):
        asked, resizes = self.asked(), self.clients.done["resizes"]
        log = self.lines("log")
        self.wait_until(lambda: len(self.lines("access")) >= len(asked), "it logs all requests")
        counts = {
            "requests": len(self.lines("access")),
            "requests logged": sorted(self.lines("access")),
            "workers booted": self._booted(),
            "workers exited": self._exited(),
            "workers": len(self.workers()),
        }
        expected = {
            "requests": len(asked),
            "requests logged": sorted("%s 200 %d" % (path, self._length(path)) for path in asked),
            "workers booted": self.workers_wanted + resizes,
            "workers exited": resizes,
            "workers": self.workers_wanted,
        }
        faults = [line for line in log if not self.routine.search(line)]
        return Report(dict(self.clients.done), counts, expected, self.clients.faults + faults)

    @staticmethod
    def _length(path):
        return len(answer(path, b""))


class Uwsgi(Server):
    """Two applications, so that the second is in an interpreter of its own."""

    name = "uWSGI"
    program = "/usr/bin/uwsgi-core"
    needs = ("/usr/lib/uwsgi/plugins/python3_plugin.so",)
    paths = ("/a", "/b")
    interpreters = 2
    processes_wanted = 2
    threads = 4
    warm_up = {"requests_0": 40, "requests_1": 40, "requests_2": 40}
    routine = re.compile(r"^\S+ 200 \d+$")

    def start(self):
        self.clients = self.make_clients()
        self.run("--plugins", "python3", "--http-socket", self.path("socket"),
                 "--chdir", APPLICATIONS, "--mount", "/a=numbered:application",
                 "--mount", "/b=numbered_too:application", "--manage-script-name",
                 "--master", "--processes", str(self.processes_wanted),
                 "--threads", str(self.threads), "--enable-threads", "--die-on-term",
                 "--no-orphans", "--stats", self.path("stats"), "--logformat",
                 "%(uri) %(status) %(rsize)", "--logto", self.path("log"))
        self.wait_until(lambda: sum("spawned uWSGI worker" in line for line in self.lines("log"))
                        == self.processes_wanted and self.is_connectable()
                        and os.path.exists(self.path("stats")), "it starts", START_SECONDS)

    def _statistics(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(self.path("stats"))
            with client.makefile("rb") as stream:
                return json.loads(stream.read())

    def report(self):
        asked = self.asked()
        self.wait_until(lambda: len(self._requests_logged()) >= len(asked), "it logs all requests")
        workers = self._statistics()["workers"]
        cores = [core for worker in workers for core in worker["cores"]]
        counts = {
            "requests logged": self._requests_logged(),
            "requests of all threads": sum(core["requests"] for core in cores),
            "read errors": sum(core["read_errors"] for core in cores),
            "write errors": sum(core["write_errors"] for core in cores),
            "exceptions": [worker["exceptions"] for worker in workers],
            "times spawned": [worker["respawn_count"] for worker in workers],
            "signals": [worker["signals"] for worker in workers],
        }
        expected = {
            "requests logged": sorted("%s 200 %d" % (path, len(answer(path, b"")))
                                      for path in asked),
            "requests of all threads": len(asked),
            "read errors": 0,
            "write errors": 0,
            "exceptions": [0] * self.processes_wanted,
            "times spawned": [1] * self.processes_wanted,
            "signals": [0] * self.processes_wanted,
        }
        return Report(dict(self.clients.done), counts, expected, self.clients.faults)

    def _requests_logged(self):
        return sorted(line for line in self.lines("log") if self.routine.search(line))
