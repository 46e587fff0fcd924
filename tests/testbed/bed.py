"""
firewalld on a private bus, in a network namespace of its own: brought up, loaded, ended.

All that belongs to it is in one folder, state.json first of all, so that another process can go on
with it or end it. Does not touch the host: its firewall, its system bus, /etc/firewalld and
/var/log stay as they are.
"""

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import subprocess

import packages
from processes import Process, wait_for_either

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = os.path.join(HERE, "inside")
CLIENTS = os.path.join(HERE, "clients.py")
CACHE = os.path.abspath(os.environ.get("PYI_TESTBED")
                        or os.path.join(HERE, "..", "..", "build", "testbed"))
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 60
ANSWER_SECONDS = 120
LOAD_SECONDS = 600
# Clients end before firewalld, and that before its bus.
ORDER = ("clients", "firewalld", "bus")

BUS_CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


class BedError(Exception):
    pass


def python():
    """The distribution's: its D-Bus modules are for no other."""
    return shutil.which("python3", path=SYSTEM_PATH)


def missing(old=False):
    """Why firewalld cannot be started here; None if it can."""
    if os.geteuid() != 0:
        return "firewalld needs root"
    for program in ("firewalld", "dbus-daemon", "ip", "python3") + (("dpkg-deb",) if old else ()):
        if not shutil.which(program, path=SYSTEM_PATH):
            return program + " is not installed"
    for module in ("dbus", "gi", "nftables") + (("six",) if old else ("capng",)):
        if subprocess.run([python(), "-c", "import " + module],
                          stderr=subprocess.DEVNULL).returncode != 0:
            return "Python module %s is not installed" % module
    return None


class Bed:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.socket = self._path("bus")
        self.address = "unix:path=" + self.socket
        self.log = self._path("firewalld.log")
        self.output = self._path("firewalld.out")
        self._processes = {}
        self._state = {}
        with contextlib.suppress(FileNotFoundError):
            with open(self._path("state.json"), encoding="utf-8") as stream:
                self._state = json.load(stream)
            for name, identity in self._state["processes"].items():
                self._processes[name] = Process(*identity)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _save(self):
        self._state["processes"] = {
            name: (process.pid, process.started) for name, process in self._processes.items()}
        with open(self._path("state.json.new"), "w", encoding="utf-8") as stream:
            json.dump(self._state, stream)
        os.rename(self._path("state.json.new"), self._path("state.json"))

    def exists(self):
        return bool(self._state)

    @property
    def version(self):
        return self._state["version"]

    @property
    def process(self):
        """firewalld itself."""
        return self._processes["firewalld"]

    @property
    def pid(self):
        return self.process.pid

    @property
    def can_be_asked(self):
        """It is an old one, with inside/ in it."""
        return os.path.exists(self._path("answer"))

    @property
    def clients(self):
        """Those that stay; None: nobody does."""
        return self._processes.get("clients")

    def start(self, old=False):
        """With `old`: the last release that used python-slip. Nothing is left if it fails."""
        if self.exists():
            raise BedError("%s is in use: stop it first" % self.folder)
        root = packages.unpacked(CACHE) if old else None
        os.makedirs(self.folder, exist_ok=True)
        try:
            self._start(root)
        except BaseException:
            self.stop()
            raise

    def _start(self, root):
        namespace = "pyi-firewalld-%d-%s" % (os.getpid(), secrets.token_hex(2))
        self._state = {"namespace": namespace, "version": installed_version(root)}
        # A debt is written down before it is made.
        self._save()
        packages.run("ip", "netns", "add", namespace)
        packages.run("ip", "-n", namespace, "link", "set", "lo", "up")
        for log in (self.log, self.output):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(log)
        self._start_bus()
        settings = self._path("etc")
        shutil.copytree((root or "") + "/etc/firewalld", settings)
        command = ["firewalld", "--nofork", "--nopid", "--system-config", settings, "--log-file",
                   self.log]
        environment = {}
        if root:
            os.mkfifo(self._path("answer"), 0o600)
            command[0] = root + "/usr/sbin/firewalld"
            command[1:1] = ["--default-config", root + "/usr/lib/firewalld"]
            command.insert(0, python())
            environment = {"PYTHONPATH": INSIDE + ":" + root + "/usr/lib/python3/dist-packages",
                           "PYI_TESTBED_FOLDER": self.folder}
        self._spawn("firewalld", command, self.output, environment)
        self._wait_until_it_answers()

    def _spawn(self, name, command, output, environment=None, **options):
        """`ip netns exec` and then the program itself: the pid stays the same."""
        self._processes[name] = Process.start(
            ["ip", "netns", "exec", self._state["namespace"], *command], output,
            env={"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "DBUS_SYSTEM_BUS_ADDRESS": self.address,
                 **(environment or {})}, **options)
        self._save()

    def _start_bus(self):
        with open(self._path("bus.conf"), "w", encoding="utf-8") as stream:
            stream.write(BUS_CONFIGURATION.format(socket=self.socket))
        reader, writer = os.pipe()
        try:
            self._spawn("bus", ["dbus-daemon", "--config-file=" + self._path("bus.conf"),
                                "--nofork", "--nopidfile", "--nosyslog",
                                "--print-address=%d" % writer],
                        self._path("bus.out"), pass_fds=(writer,))
        finally:
            os.close(writer)
        try:
            if not select.select([reader], [], [], START_SECONDS)[0] or not os.read(reader, 1000):
                raise BedError("dbus-daemon does not start:\n" + read(self._path("bus.out")))
        finally:
            os.close(reader)

    def _client_command(self, *arguments):
        return {"args": [python(), CLIENTS, *map(str, arguments)],
                "env": dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)}

    def _wait_until_it_answers(self):
        options = self._client_command("wait")
        waiting = Process.start(options["args"], self._path("clients.out"), env=options["env"])
        try:
            wait_for_either(waiting, self.process, START_SECONDS)
            if not self.process.is_alive() or waiting.is_alive() or not self.answers():
                raise BedError("firewalld does not start:\n" + self.read_log()
                               + read(self._path("clients.out")))
        finally:
            waiting.end()

    def answers(self):
        """One client that calls and goes."""
        return subprocess.run(**self._client_command("once"), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def busy_client(self):
        """A Popen that calls all the time, until its stdin ends; see clients.py."""
        client = subprocess.Popen(**self._client_command("busy"), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        if client.stdout.readline() != "CALLING\n":
            raise BedError("the client's first call failed")
        return client

    def load(self, kind, count, stay=False):
        """
        See clients.py. Returns when firewalld has done with all that happened. Those that stay go
        with leave() or stop().
        """
        options = self._client_command(kind, count, *(["--stay"] if stay else []))
        if not stay and kind != "live":
            done = subprocess.run(**options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=LOAD_SECONDS)
            if done.returncode != 0:
                raise BedError("the clients failed:\n" + done.stdout)
            return
        if self.clients and self.clients.is_alive():
            raise BedError("there are clients that stay already: pid %d" % self.clients.pid)
        reader, writer = os.pipe()
        try:
            self._processes["clients"] = Process.start(
                options["args"], self._path("clients.out"), env=options["env"], stdout=writer)
            self._save()
        finally:
            os.close(writer)
        with open(reader, encoding="utf-8") as stream:
            if stream.readline() != "READY\n":
                raise BedError("the clients failed:\n" + read(self._path("clients.out")))

    def leave(self):
        """Ends the clients that stay; firewalld knows when this returns."""
        if self.clients:
            self.clients.end()
            del self._processes["clients"]
            self._save()

    def ask(self, *types):
        """
        What the process itself says, by inside/truth.py: about its senders, and about referrers of
        these types. Only an old one can be asked.
        """
        return self._ask(signal.SIGUSR1, types)

    def put(self, count):
        """
        Puts in that many invented senders, by inside/crowd.py; an old one only. They are noted
        under a connection: if there is none yet, `second 1` comes first.
        """
        if not self._ask(signal.SIGUSR2, count)["put"]:
            self.load("second", 1)
            if self._ask(signal.SIGUSR2, count)["put"] != count:
                raise BedError("firewalld has no connection that clients are noted under")

    def _ask(self, number, question):
        if not self.can_be_asked:
            raise BedError("only an old firewalld can be asked")
        with open(self._path("question"), "w", encoding="utf-8") as stream:
            json.dump(question, stream)
        # Opened before the signal, so that the answer has a reader.
        reader = os.open(self._path("answer"), os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not self.process.signal(number) \
                    or not select.select([reader], [], [], ANSWER_SECONDS)[0]:
                raise BedError("firewalld does not answer:\n" + self.read_log())
            os.set_blocking(reader, True)
            with open(reader, encoding="utf-8", closefd=False) as stream:
                answer = json.load(stream)
        finally:
            os.close(reader)
        if "error" in answer:
            raise BedError(answer["error"])
        return answer

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.pid, encoding="utf-8") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def read_log(self):
        """Its log file, and whatever it wrote to stdout and stderr."""
        return read(self.log) + read(self.output)

    def stop(self):
        """Ends all of it, as much as is there; only logs stay. A second call does nothing."""
        if not self.exists():
            return
        with contextlib.ExitStack() as stack:
            # Last in, first out; each is done whatever becomes of the others.
            stack.callback(self._forget)
            stack.callback(self._remove_namespace)
            for name in reversed(ORDER):
                if name in self._processes:
                    stack.callback(self._processes[name].end)

    def _remove_namespace(self):
        namespace = self._state["namespace"]
        if os.path.exists("/run/netns/" + namespace):
            packages.run("ip", "netns", "delete", namespace)

    def _forget(self):
        shutil.rmtree(self._path("etc"), ignore_errors=True)
        for name in ("bus", "bus.conf", "question", "answer", "state.json"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(name))
        self._processes, self._state = {}, {}


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def installed_version(root):
    """Of firewalld, as its package says."""
    if not root:
        return packages.run("dpkg-query", "-W", "-f", "${Version}", "firewalld")
    return dict(line.split() for line in
                read(os.path.join(root, packages.VERSIONS)).splitlines())["firewalld"]
