"""Runs programs of Debian that the tests are made with."""

import os
import shutil
import subprocess

import pytest

PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/nagios/plugins"


def need(name):
    """Its path. Where it is missing the test is skipped; in CI, which installs all, it fails."""
    path = shutil.which(name, path=PATH)
    if not path:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(name + " is not installed")
    return path


def run(*command, **options):
    """To its end; all that it says is in `stdout`."""
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    return subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)


def succeeds(*command, **options):
    """What it says; fails with that if it fails."""
    done = run(*command, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


def caching(folder):
    """
    An environment in which nothing is compiled that was compiled before: the same text with the same
    flags, in whatever folder. What comes out is the same, byte by byte, and so is what the compiler says.
    """
    ccache = shutil.which("ccache")
    if not ccache:
        return dict(os.environ)
    # Where it is now: debhelper gives a build a home of its own.
    cache = succeeds(ccache, "--get-config", "cache_dir").strip()
    return dict(os.environ, CC="ccache " + os.environ.get("CC", "cc"), CCACHE_DIR=cache,
                CCACHE_BASEDIR=str(folder), CCACHE_NOHASHDIR="1")
