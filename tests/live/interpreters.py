"""
Finds the Python interpreters that the victims run on.

Does not install any, and does not decide what a missing one means: see `require()`.
"""

import filecmp
import json
import os
import re
import shutil
import subprocess

import pytest

# Where tests/make-roots has put the Pythons of other releases of Debian; at least these are there.
ROOTS = os.environ.get("PYI_ROOTS") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build", "roots")
ROOT_VERSIONS = (("trixie", "3.13"), ("sid", "3.14"), ("sid", "3.15"))
OLD_ROOT_VERSIONS = (("bullseye", "2.7"),)

# Here they must be there: packages of tests/run and of tests/make-roots.
WITH_EXTENSIONS = ("distribution", "trixie-3.13")

STRICT = "1" == os.environ.get("PYI_REQUIRE_INTERPRETERS") or os.environ.get("CI") == "true"

PYENV_VERSIONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
VERSIONS = (*PYENV_VERSIONS, "3.14", "3.15")

# One of each way to keep dicts, attributes and frames; and the one that users of Debian 12 have.
FEW = ("pyenv-3.7", "distribution", "pyenv-3.12", "pyenv-3.13", "sid-3.15", "threaded-3.13")


class Interpreter:
    """
    One expected interpreter; `path` is None, and `reason` says why, if it is not here. With a
    `root` the path is one in that folder, to be run by chroot.
    """

    def __init__(self, name, path=None, reason=None, root=None):
        self.name = name
        self.path = path
        self.reason = reason
        self.root = root

    def has_gil(self):
        return not self.name.startswith("threaded")

    def busy_options(self):
        """
        For a victim with more busy threads than there are processors: without a GIL all of them must
        be held at the same moment, which takes more tries.
        """
        return [] if self.has_gil() else ["--max-total-pause", "60s", "--max-pause", "5s"]

    def can_freeze(self):
        return not self.name.endswith("-3.6")

    def temporaries(self):
        """Types of what a call of a method makes and drops."""
        calls_make_methods = self.name.endswith("-3.6")
        return {"builtin_function_or_method", "tuple"} if calls_make_methods else set()

    def program(self):
        return ["chroot", self.root, self.path] if self.root else [self.path]

    def command(self, script):
        """The beginning of a command that runs a script."""
        if not self.root:
            return self.program() + ["-sE", script]
        inside = os.path.join("/victims", os.path.basename(script))
        shutil.copytree(os.path.dirname(script), self.root + "/victims", dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__"), copy_function=_replace)
        return self.program() + ["-sE", inside]

    def require_module(self, module):
        """Skips a test without an extension module: Debian has them for the Pythons of a release."""
        done = subprocess.run(self.program() + ["-sEc", "import " + module],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode and self.name in WITH_EXTENSIONS:
            missing("%s cannot import %s: %s" % (self.path, module, done.stderr[-200:]))
        if done.returncode:
            pytest.skip("%s has no module %s" % (self.name, module))

    def __repr__(self):
        return self.name


def _replace(source, target):
    """Copies, never half: tests beside this one run what is there."""
    if os.path.exists(target) and filecmp.cmp(source, target, shallow=False):
        return
    half = "%s.%d" % (target, os.getpid())
    shutil.copy(source, half)
    os.replace(half, target)


def _pyenv_root():
    # tests/run has asked pyenv, once.
    root = os.environ.get("PYENV_ROOT")
    program = shutil.which("pyenv")
    if not root and program:
        answer = subprocess.run([program, "root"], stdout=subprocess.PIPE, text=True, check=True)
        root = answer.stdout.strip()
    root = root or os.path.expanduser("~/.pyenv")
    return os.path.realpath(root) if os.path.isdir(os.path.join(root, "versions")) else None


def _patch_level(directory):
    """Sorting key of "3.11.7"; None for other builds, such as "3.13.0t"."""
    try:
        return tuple(int(part) for part in directory.split("."))
    except ValueError:
        return None


def _from_pyenv(root, version):
    name = "pyenv-" + version
    if root is None:
        return Interpreter(name, reason="pyenv is not installed")
    folder = os.path.join(root, "versions")
    wanted = tuple(int(part) for part in version.split("."))
    found = [entry for entry in os.listdir(folder) if (_patch_level(entry) or ())[:2] == wanted]
    for entry in sorted(found, key=_patch_level, reverse=True):
        path = os.path.join(folder, entry, "bin", "python" + version)
        if os.access(path, os.X_OK):
            return Interpreter(name, path)
    return Interpreter(name, reason="pyenv has no Python %s" % version)


def _from_distribution(root):
    """The first python3.11 or python3 on PATH that is not pyenv's and is of a supported version."""
    for program in ("python3.11", "python3"):
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            path = os.path.join(folder, program)
            real = os.path.realpath(path)
            if not os.access(path, os.X_OK) or (root and real.startswith(root + os.sep)):
                continue
            answer = subprocess.run(
                [real, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                stdout=subprocess.PIPE, text=True)
            if answer.stdout.strip() in VERSIONS:
                return Interpreter("distribution", real)
    return Interpreter("distribution", reason="no supported python3 outside pyenv is on PATH")


def _find():
    root = _pyenv_root()
    return [_from_pyenv(root, version) for version in PYENV_VERSIONS] + [_from_distribution(root)]


def _from_root(suite, version):
    name = "%s-%s" % (suite, version)
    root, path = os.path.join(ROOTS, suite), "/usr/bin/python" + version
    if not os.access(root + path, os.X_OK):
        return Interpreter(name, reason="tests/make-roots %s %s has not been run, or has failed"
                                        % (ROOTS, suite))
    if os.geteuid() != 0:
        return Interpreter(name, reason="chroot needs root")
    return Interpreter(name, path, root=root)


def _find_in_roots():
    """Those that must be there, and what else is: the versions in unstable come and go."""
    wanted = list(ROOT_VERSIONS)
    for suite in sorted(os.listdir(ROOTS)) if os.path.isdir(ROOTS) else ():
        folder = os.path.join(ROOTS, suite, "usr", "bin")
        marker = os.path.join(ROOTS, suite, "etc", "debian_version")
        # One that is being made, or has a Python that was made for it (musl).
        if suite.startswith(".") or not os.path.exists(marker):
            continue
        for program in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            match = re.match(r"python(3\.\d+)$", program)
            if match and match.group(1) in VERSIONS and (suite, match.group(1)) not in wanted:
                wanted.append((suite, match.group(1)))
    return [_from_root(suite, version) for suite, version in wanted]


def _find_threaded():
    """Without a GIL, for this system: which only those who built it ask for."""
    folder = os.path.join(ROOTS, "threaded", "usr", "bin")
    programs = sorted(os.listdir(folder)) if os.path.isdir(folder) else ()
    return [Interpreter("threaded-" + match.group(1), os.path.join(folder, match.group(0)))
            for match in (re.match(r"python(3\.\d+)t$", program) for program in programs) if match]


EXPECTED = _find()
IN_ROOTS = _find_in_roots() + _find_threaded()
# Those that run no victim that is written for Python 3: test_old.py is about them.
OLD = ([_from_pyenv(_pyenv_root(), "2.7")]
       + [_from_root(suite, version) for suite, version in OLD_ROOT_VERSIONS])


def missing(reason):
    """What this machine cannot do is a failure where nothing may be skipped."""
    if STRICT:
        pytest.fail(reason)
    pytest.skip(reason)


def build_extension(interpreter, name, sources, folder):
    """An extension module, as the distribution would: with its compiler and its headers."""
    asked = subprocess.run(
        [require(interpreter).path, "-sEc", "import json, sysconfig; print(json.dumps("
         "[sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX')]))"],
        stdout=subprocess.PIPE, check=True)
    include, suffix = json.loads(asked.stdout)
    if not os.path.exists(os.path.join(include, "Python.h")):
        missing("%s has no headers in %s" % (interpreter.path, include))
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        missing("no C compiler is on PATH")
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra",
                    "-Wshadow", "-Wstrict-prototypes", "-Werror", "-shared", "-fPIC",
                    "-isystem", include, *sources,
                    "-o", os.path.join(str(folder), name + suffix)], check=True)


def require(interpreter):
    """Skips the test that needs a missing interpreter; fails it where all must be there."""
    if interpreter.path is not None:
        return interpreter
    if os.environ.get("PYI_REQUIRE_INTERPRETERS") == "1":
        pytest.fail("%s is required: %s" % (interpreter.name, interpreter.reason))
    pytest.skip("%s: %s" % (interpreter.name, interpreter.reason))


def any_interpreter():
    """One for tests that do not depend on the version: the distribution's, else the newest."""
    present = [interpreter for interpreter in EXPECTED if interpreter.path]
    if not present:
        pytest.fail("no Python interpreter for the victims was found")
    return present[-1]
