"""
Runs the distribution's firewalld on a private bus, in a network namespace of its own.

Does not touch the host: its firewall, its system bus, /etc/firewalld and /var/log stay as they are.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys

import support

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
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.py")


def missing():
    """Why firewalld cannot be started here; None if it can."""
    if os.geteuid() != 0:
        return "firewalld needs root"
    for program in ("firewalld", "dbus-daemon", "ip", "jq"):
        if not shutil.which(program, path=SYSTEM_PATH):
            return program + " is not installed"
    for module in ("dbus", "capng"):
        if subprocess.run([sys.executable, "-c", "import " + module],
                          stderr=subprocess.DEVNULL).returncode != 0:
            return "Python module %s is not installed" % module
    return None


def end(process):
    """Ends a process of ours by its pid: politely, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


class Client:
    """A second process that calls getDefaultZone all the time and counts; see client.py."""

    def __init__(self, address):
        self.process = subprocess.Popen(
            [sys.executable, CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=address))
        assert self.process.stdout.readline() == "CALLING\n", "the client's first call failed"

    def finish(self):
        """Stops it and returns its words: "CALLS FAILURES SLOWEST_MS [first failure]"."""
        words, _ = self.process.communicate(timeout=60)
        return words.strip()


class Firewalld:
    def __init__(self, folder, stack):
        self.log = os.path.join(folder, "firewalld.log")
        self._output = os.path.join(folder, "firewalld.out")
        self.address = "unix:path=" + os.path.join(folder, "bus")
        self._namespace = "pyi-firewalld-%d" % os.getpid()
        self._environment = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8",
                             "DBUS_SYSTEM_BUS_ADDRESS": self.address}
        configuration = os.path.join(folder, "bus.conf")
        with open(configuration, "w") as stream:
            stream.write(BUS_CONFIGURATION.format(socket=os.path.join(folder, "bus")))
        settings = os.path.join(folder, "etc")
        shutil.copytree("/etc/firewalld", settings)

        subprocess.run(["ip", "netns", "add", self._namespace], check=True)
        stack.callback(subprocess.run, ["ip", "netns", "delete", self._namespace])
        subprocess.run(["ip", "-n", self._namespace, "link", "set", "lo", "up"], check=True)
        self._start_bus(configuration, stack)
        self.process = self._spawn(
            stack, ["firewalld", "--nofork", "--nopid", "--system-config", settings,
                    "--log-file", self.log], self._output)
        self.pid = self.process.pid
        support.wait_until(self.answers, "firewalld answers", seconds=60)

    def _spawn(self, stack, command, output, **options):
        """`ip netns exec` and then the program itself: the pid stays the same."""
        with open(output, "wb") as stream:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self._namespace, *command], env=self._environment,
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
                **options)
        stack.callback(end, process)
        return process

    def _start_bus(self, configuration, stack):
        reader, writer = os.pipe()
        try:
            self._spawn(stack, ["dbus-daemon", "--config-file=" + configuration, "--nofork",
                                "--nopidfile", "--nosyslog", "--print-address=%d" % writer],
                        configuration + ".out", pass_fds=(writer,))
            ready, _, _ = select.select([reader], [], [], 30)
            assert ready and os.read(reader, 1000), "dbus-daemon does not start"
        finally:
            os.close(reader)
            os.close(writer)

    def answers(self):
        assert self.process.poll() is None, self.read_log()
        return subprocess.run(
            [sys.executable, CLIENT, "--once"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)).returncode == 0

    def read_log(self):
        """Its log file, and whatever it wrote to stdout and stderr."""
        text = ""
        for path in (self.log, self._output):
            with contextlib.suppress(FileNotFoundError):
                with open(path, encoding="utf-8", errors="replace") as stream:
                    text += stream.read()
        return text
