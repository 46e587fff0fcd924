"""
Kernels that were started with less for root to do: lockdown, FIPS (tests/vm/run --append).
"""

import os

from cases import LIBC, Mixed, NotHere, answers, case, exact, support

SECURITY = "/sys/kernel/security"


def look_at_all():
    with Mixed(5000) as victim:
        exact(victim)
        exact(victim, "--source=mirror", source="mirror")
        assert answers(victim)["path"]


def lockdown():
    with case("lockdown=integrity"):
        LIBC.mount(b"securityfs", SECURITY.encode(), b"securityfs", 0, None)
        if not os.path.exists(SECURITY + "/lockdown"):
            raise NotHere("no lockdown in this kernel")
        modes = support.read_text(SECURITY + "/lockdown")
        assert "[integrity]" in modes, "start it with --append lockdown=integrity: " + modes
        look_at_all()


def fips():
    with case("fips=1"):
        path = "/proc/sys/crypto/fips_enabled"
        if not os.path.exists(path):
            raise NotHere("no FIPS mode in this kernel")
        assert support.read_text(path) == "1\n", "start it with --append fips=1"
        look_at_all()
