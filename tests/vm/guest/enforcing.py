"""
pyinspect and its targets under SELinux with Debian's policy: what each may look at, and that the kernel
denies nothing to a target.

The policy is without "dontaudit" rules, so that each denial is logged.
"""

import contextlib
import glob
import os
import re
import sys

from cases import (HERE, LIBC, PATIENCE_SECONDS, Mixed, NotHere, answers, case, exact,
                   killed_at_any_moment, look, say, support, write)

SELINUX = "/sys/fs/selinux"
STATE = "/var/lib/pyinspect"
# A script with this name is in firewalld_t when systemd starts it.
FIREWALLD = "/usr/sbin/firewalld"
# Without these nobody may make memory executable that he wrote to.
BOOLEANS = ("allow_execheap", "allow_execmem", "allow_execmod", "allow_execstack")
# Where pyinspect is: started by hand; by a unit, where a program of bin_t comes into initrc_t; and by the
# unit with data/selinux.
BY_HAND, UNIT, CONFINED = "unconfined_t", "initrc_t", "pyinspect_t"
PROGRAMS = {BY_HAND: "/usr/local/bin/pyinspect", UNIT: "/usr/local/bin/pyinspect",
            CONFINED: "/usr/bin/pyinspect"}
# What is denied to pyinspect itself, and why that is right: doc/service.md.
DENIED = {BY_HAND: {("checkpoint_restore", "capability2")},
          UNIT: {("checkpoint_restore", "capability2")}, CONFINED: set()}
# With permissive=1 on the kernel's command line what would be denied is only printed, all of it in one
# run: for changes of data/selinux.
PERMISSIVE = os.environ.get("permissive") == "1"
SERVICES = ("firewalld_t", "initrc_t")
TARGETS = {BY_HAND: (*SERVICES, "unconfined_t"), UNIT: SERVICES, CONFINED: SERVICES}
# linux/prctl.h, linux/capability.h: those of pyinspect-check@.service
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
UNIT_CAPABILITIES = {1, 5, 6, 7, 19, 40}
DENIAL = re.compile(r"avc: +denied +\{ ([^}]*) \} .*?comm=(\S+).*? scontext=\w+:\w+:(\w+):.* "
                    r"tcontext=\w+:\w+:(\w+):\S* tclass=(\w+)")


class Log:
    """The kernel's, from where it is now."""

    def __init__(self):
        self.descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.descriptor, 0, os.SEEK_END)

    def denials(self):
        """Of each: the name of the process, whether that is one of pyinspect, its domain, what."""
        lines = []
        with contextlib.suppress(BlockingIOError):
            while True:
                lines.append(os.read(self.descriptor, 8192).decode(errors="replace"))
        for line in lines:
            assert "callbacks suppressed" not in line, line
            found = DENIAL.search(line)
            assert found or "avc:  denied" not in line, line
            if found:
                yield line.split(";", 1)[1].splitlines()[0], found.groups()


def is_pyinspect(name):
    """Its processes have such names; the snapshot, which is the target, has another one."""
    return name.startswith('"pyinspect') and support.SNAPSHOT_NAME not in name


def load_policy():
    """As the first process of a host does it."""
    policies = glob.glob(HERE + "/policy.*")
    if not policies:
        raise NotHere("no policy")
    if LIBC.mount(b"selinuxfs", SELINUX.encode(), b"selinuxfs", 0, None):
        raise NotHere("no SELinux in this kernel")
    with open(policies[0], "rb") as stream:
        policy = stream.read()
    with open(SELINUX + "/load", "wb", buffering=0) as stream:
        assert stream.write(policy) == len(policy)
    write("/proc/sys/kernel/printk_ratelimit", 0)
    for name in BOOLEANS:
        write("%s/booleans/%s" % (SELINUX, name), 0)
    write(SELINUX + "/commit_pending_bools", 1)
    # No type of a service may be in the first file system of all.
    assert not LIBC.mount(b"tmpfs", STATE.encode(), b"tmpfs", 0, None)
    os.chmod(STATE, 0o700)
    for line in support.read_text(HERE + "/labels").splitlines():
        path, context = line.split("\t")
        if context != "<<none>>":
            os.setxattr(path, "security.selinux", context.encode() + b"\0", follow_symlinks=False)
    write("/proc/self/attr/current", "system_u:system_r:init_t:s0")
    write(SELINUX + "/enforce", int(not PERMISSIVE))


def enter(domain):
    """In a child, before it executes a program: as systemd does it, or as a login does."""
    if domain == "unconfined_t":
        # Without O_CREAT, which would be denied.
        with open("/proc/self/attr/exec", "r+b", buffering=0) as stream:
            stream.write(b"system_u:system_r:unconfined_t:s0")


def become_unit():
    for capability in range(64):
        if capability not in UNIT_CAPABILITIES:
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def domain_of(pid):
    return support.read_text("/proc/%d/attr/current" % pid).split(":")[2]


class Service(Mixed):
    """One of TARGETS, with many types."""

    def __init__(self, domain):
        command = [FIREWALLD] if domain == "firewalld_t" else [sys.executable, "-sE"]
        path = "mixed.py" if domain == "firewalld_t" else os.path.join(HERE, "mixed.py")
        super().__init__(5000, [*command, path], preexec_fn=lambda: enter(domain))
        assert domain_of(self.pid) == domain, domain_of(self.pid)


@contextlib.contextmanager
def started_as(tool):
    """What pyinspect is to be started with; it is looked at which domain that gives it."""
    options = {"preexec_fn": lambda: enter(tool) if tool == BY_HAND else become_unit()}
    usual, support.PYINSPECT = support.PYINSPECT, PROGRAMS[tool]
    try:
        yield options
    finally:
        support.PYINSPECT = usual


def is_known(tool, rights, name, domain, kind):
    return is_pyinspect(name) and domain == tool and {
        (right, kind) for right in rights.split()} <= DENIED[tool]


@contextlib.contextmanager
def nothing_denied(tool):
    """But what is known of the tool."""
    log = Log()
    bad = []
    try:
        yield
    finally:
        for line, (rights, name, domain, _, kind) in log.denials():
            # What the checks themselves do is in init_t.
            if domain != "init_t" and not is_known(tool, rights, name, domain, kind):
                bad.append(line)
                say("    " + line)
    assert PERMISSIVE or not bad, "%d denied" % len(bad)


def by_unit(victim, options):
    """systemd's name of it: without systemd its control group says whose it is."""
    group = "/sys/fs/cgroup/system.slice/firewalld.service"
    os.makedirs(group, exist_ok=True)
    write(group + "/cgroup.procs", victim.pid)
    done = support.run_pyinspect("unit:firewalld.service", "top-types", "--format=json", "--timeout=0",
                                 "--max-pause=60000", timeout=PATIENCE_SECONDS, **options)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    write("/sys/fs/cgroup/cgroup.procs", victim.pid)


def one_target(tool, domain):
    name = "%s looks at %s: " % (tool, domain)
    with started_as(tool) as options, Service(domain) as victim:
        with case(name + "exact"), nothing_denied(tool):
            exact(victim, **options)
        with case(name + "exact, from a mirror"), nothing_denied(tool):
            exact(victim, "--source=mirror", source="mirror", **options)
        with case(name + "referrers, path, top-objects"), nothing_denied(tool):
            answers(victim, **options)
        if domain != "firewalld_t":
            return
        with case(name + "check, critical, with evidence"), nothing_denied(tool):
            code, envelope = look(victim, "--min-age=0", "--state=" + STATE,
                                  "--max", "__main__.Plain=0:0", command="check", **options)
            assert code == 2 and envelope["result"]["evidence"], envelope
        with case(name + "by the name of the unit"), nothing_denied(tool):
            by_unit(victim, options)
        with case(name + "killed at any moment"), nothing_denied(tool):
            killed_at_any_moment(victim, 4, **options)


def not_of_a_unit():
    """What data/selinux lets nobody look at: whatever is no service."""
    with case("pyinspect_t does not look at unconfined_t"), started_as(CONFINED) as options, \
         Service("unconfined_t") as victim, support.assert_untouched(victim.pid):
        code, envelope = look(victim, **options)
        assert PERMISSIVE or code == 3, (code, envelope.get("error"))


def selinux():
    loaded = False
    with case("SELinux enforces Debian's policy"):
        load_policy()
        loaded = True
    if not loaded:
        return
    not_of_a_unit()
    for tool in (CONFINED,) if PERMISSIVE else (CONFINED, UNIT, BY_HAND):
        with case("pyinspect is in " + tool), started_as(tool) as options:
            process = support.spawn_pyinspect("--version", **options)
            assert domain_of(process.pid) == tool, domain_of(process.pid)
            process.wait()
        for domain in TARGETS[tool]:
            try:
                one_target(tool, domain)
            except AssertionError as error:
                with case("%s looks at %s" % (tool, domain)):
                    raise error
