"""
Builds the extension module `blocking` for the victims, and says how long and strict the tests are.
"""

import glob
import json
import os
import shutil
import subprocess

import pytest

import interpreters

HERE = os.path.dirname(os.path.abspath(__file__))
INTERPRETER = interpreters.EXPECTED[-1]
LONG = os.environ.get("PYI_LONG") == "1"
FULL = LONG or os.environ.get("PYI_TORTURE") == "full"
STRICT = "1" == os.environ.get("PYI_REQUIRE_INTERPRETERS") or os.environ.get("CI") == "true"


def missing(reason):
    """What this machine cannot do is a failure where nothing may be skipped."""
    if STRICT:
        pytest.fail(reason)
    pytest.skip(reason)


def victim(script):
    return os.path.join(HERE, "victims", script)


def build(path):
    interpreter = interpreters.require(INTERPRETER)
    asked = subprocess.run(
        [interpreter.path, "-sEc", "import json, sysconfig; print(json.dumps("
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
                    "-isystem", include, *sorted(glob.glob(os.path.join(HERE, "extension", "*.c"))),
                    "-o", str(path / ("blocking" + suffix))], check=True)
