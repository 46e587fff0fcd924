"""examples/leaky_service.py as a process of ours, and what a check of it is told to look for."""

import os

import support

# More sessions than this are critical, and more than the half a warning.
LIMIT = 1000
RULE = "__main__.Session=%d:%d" % (LIMIT // 2, LIMIT)
SCRIPT = os.path.join(support.ROOT, "examples", "leaky_service.py")


class LeakyService(support.Target):
    def __init__(self):
        super().__init__(["/usr/bin/python3", SCRIPT])
        self.expect("READY")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def leak(self, sessions):
        self.send(str(sessions))
        self.expect("SERVED %d" % sessions)
        self.wait_blocked()


def check(pid, *options, **keywords):
    """A check that keeps nothing and judges processes of any age."""
    return support.run_pyinspect(pid, "check", "--no-history", "--min-age", "0", *options,
                                 **keywords)
