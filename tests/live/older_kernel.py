"""
Runs pyinspect as on an older kernel, as far as that is about what it can be asked for: a seccomp
filter (tests/tools/filtered.c) answers as a kernel does that does not know the call.

Does not make the target's calls fail: the filter is pyinspect's own.
"""

import os

import support
from interpreters import missing

FILTERED = os.path.join(os.path.dirname(support.PYINSPECT), "tests", "filtered")

EIO, EINVAL, ENOTTY, ENOSYS = 5, 22, 25, 38

# What it lacks, since when a kernel has it, and how an older one answers.
LACKS = {
    # x86 has always had it
    "PTRACE_SYSEMU (arm64: 5.3)": ["fail ptrace %d 0 == 0x1f" % EIO],
    "PTRACE_GET_SYSCALL_INFO (5.3)": ["fail ptrace %d 0 == 0x420e" % EIO],
    "PTRACE_GET_RSEQ_CONFIGURATION (5.13)": ["fail ptrace %d 0 == 0x420f" % EIO],
    "PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG (6.4)": ["fail ptrace %d 0 == 0x4211" % EIO],
    "pidfd_open (5.3), pidfd_getfd (5.6)": ["fail pidfd_open %d" % ENOSYS,
                                            "fail pidfd_getfd %d" % ENOSYS],
    "PIDFD_THREAD (6.9)": ["fail pidfd_open %d 1 == 0x80" % EINVAL],
    "clone3 (5.3)": ["fail clone3 %d" % ENOSYS],
    "openat2 (5.6)": ["fail openat2 %d" % ENOSYS],
    "close_range (5.9)": ["fail close_range %d" % ENOSYS],
    "landlock (5.13)": ["fail landlock_create_ruleset %d" % ENOSYS],
    "MADV_POPULATE_WRITE (5.14)": ["fail madvise %d 2 == 0x17" % EINVAL],
    "PAGEMAP_SCAN (6.7)": ["fail ioctl %d 1 == 0xc0606610" % ENOTTY],
    "rseq (4.18)": ["fail rseq %d" % ENOSYS],
}
NO_EMULATION = "PTRACE_SYSEMU (arm64: 5.3)"


def filtered(folder, *rules):
    """Of a command that then runs under a filter of these rules (tests/tools/seccomp_profile.h)."""
    if not os.path.exists(FILTERED):
        missing("the tests were built without libseccomp")
    path = os.path.join(str(folder), "rules%d" % len(os.listdir(str(folder))))
    with open(path, "w", encoding="ascii") as stream:
        stream.write("\n".join(["default allow", *rules]) + "\n")
    return [FILTERED, path, "--"]


def prefix(folder, *names):
    """Of a command that then runs on a kernel without these."""
    return filtered(folder, *[rule for name in names for rule in LACKS[name]])
