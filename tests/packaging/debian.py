"""
A Debian in a folder, with systemd or without (tests/packaging/machine), and the tree that a package
is built from.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
import uuid

import pytest

import support
from programs import run

MACHINE = os.path.join(support.HERE, os.pardir, "packaging", "machine")
# Where systemd can have its cgroups: cgroup v2, and its place on hybrid hosts.
HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
# What changes by the use of a system and is nobody's residue.
VOLATILE = ("proc", "sys", "dev", "run", "tmp", "root", "var/cache", "var/log", "var/tmp",
            "var/lib/dpkg", "var/lib/apt", "var/lib/systemd", "var/lib/dbus", "etc/machine-id",
            "etc/ld.so.cache", "etc/.updated", "var/.updated")


def copy_tree(folder):
    """What belongs to the project: as git has it; or all but builds, where there is no git."""
    listed = shutil.which("git") and subprocess.run(
        ["git", "-C", support.ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if not listed or listed.returncode:
        shutil.copytree(support.ROOT, folder, symlinks=True, ignore=lambda path, names: [
            name for name in names if name == "__pycache__" or
            (path == support.ROOT and name.startswith("build"))])
        return
    for name in filter(None, listed.stdout.split("\0")):
        source = os.path.join(support.ROOT, name)
        if os.path.lexists(source):
            target = os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


class Machine:
    """A Debian 12 in a folder: see tests/packaging/machine."""

    def __init__(self, folder):
        self.folder = folder
        self.root = os.path.join(str(folder), "root")
        self.process = None
        self.cgroup = None

    def run(self, *command):
        """In a chroot; or, once it has booted, as a process of it."""
        if self.process is None:
            return run(MACHINE, "run", self.folder, *command)
        return run("nsenter", "--target", self.first, "--all", "env", "-i", "LANG=C.UTF-8",
                   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *command)

    def succeeds(self, *command):
        done = self.run(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def put(self, path, text, mode=0o644):
        full = os.path.join(self.root, path.lstrip("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(full, mode)

    def read(self, path):
        with open(os.path.join(self.root, path.lstrip("/")), encoding="utf-8") as file:
            return file.read()

    def install(self, package):
        shutil.copy(package, os.path.join(self.root, "root", "pyinspect.deb"))
        return self.succeeds("dpkg", "--install", "/root/pyinspect.deb")

    def purge(self):
        return self.succeeds("dpkg", "--purge", "pyinspect")

    def listing(self):
        """{path: what it is}, of everything that should be as it was."""
        found = {}
        for folder, names, files in os.walk(self.root):
            relative = os.path.relpath(folder, self.root)
            names[:] = [name for name in names
                        if os.path.normpath(os.path.join(relative, name)) not in VOLATILE]
            for name in names + files:
                path = os.path.normpath(os.path.join(relative, name))
                if path in VOLATILE or "__pycache__" in path:
                    continue
                status = os.lstat(os.path.join(self.root, path))
                content = ""
                if stat.S_ISREG(status.st_mode):
                    with open(os.path.join(self.root, path), "rb") as file:
                        content = hashlib.sha256(file.read()).hexdigest()
                found[path] = (stat.filemode(status.st_mode), status.st_uid, content)
        assert "etc/passwd" in found and len(found) > 1000
        return found

    @contextlib.contextmanager
    def booted(self):
        """With systemd as its first process."""
        for hierarchy in HIERARCHIES:
            if os.path.exists(os.path.join(hierarchy, "cgroup.controllers")):
                self.cgroup = os.path.join(hierarchy, "pyinspect-test-" + uuid.uuid4().hex[:8])
                break
        else:
            pytest.skip("no cgroup v2 hierarchy here, without which systemd does not start")
        try:
            os.mkdir(self.cgroup)
        except OSError as error:
            pytest.skip("no control group can be made here: %s" % error)
        try:
            self.process = subprocess.Popen(
                [MACHINE, "boot", str(self.folder)], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=self._enter_cgroup)
            self.first = support.wait_until(self._first, "the first process of the machine")
            support.wait_until(lambda: self.run("systemctl", "is-system-running", "--wait")
                               .stdout.strip() in ("running", "degraded"), "systemd runs", 60)
            yield self
        finally:
            # Its first process dies with it (--kill-child), and all others with that.
            self.process.kill()
            self.process.wait()
            self.process = None
            support.wait_until(self._remove_cgroup, "the control group is empty")

    def _enter_cgroup(self):
        with open(os.path.join(self.cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def _first(self):
        """The process that is number 1 within, as soon as it is systemd."""
        children = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with contextlib.suppress(OSError, ValueError):
            with open(children, encoding="ascii") as file:
                child, = file.read().split()
            if os.path.basename(os.readlink("/proc/%s/exe" % child)) == "systemd":
                return child
        assert self.process.poll() is None, "the machine did not boot"
        return None

    def _remove_cgroup(self):
        try:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return not os.path.exists(self.cgroup)


def check_result(machine, name):
    """How the last pyinspect-check@NAME.service has ended."""
    output = machine.succeeds("systemctl", "show", "--property=Result,ExecMainStatus",
                              "pyinspect-check@%s.service" % name)
    return dict(line.split("=") for line in output.split())


def metrics(machine, name):
    """{name: value} of what it has written; of labels one."""
    text = machine.succeeds("cat", "/var/lib/pyinspect/textfile/pyinspect-%s.prom" % name)
    return {line.split("{")[0]: float(line.split()[-1]) for line in text.splitlines()
            if not line.startswith("#")}
