"""What the tests of the package and of the examples for a fleet share."""

import os
import shutil
import subprocess
import sys
import uuid

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "live")]

import leaky  # noqa: E402
import support  # noqa: E402
from debian import MACHINE, Machine, copy_tree  # noqa: E402
from programs import caching, need, run, succeeds  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """
    Files may run side by side, but for those that share a machine, or the package that it has: these are
    made once.
    """
    for item in items:
        shared = {"built", "package", "machine"} & set(item.fixturenames)
        item.add_marker(pytest.mark.xdist_group(
            "machine" if shared else os.path.basename(item.location[0])))


@pytest.fixture(scope="session", autouse=True)
def pyinspect():
    if not os.access(support.PYINSPECT, os.X_OK):
        pytest.fail("no pyinspect at %s: build it, or set PYINSPECT" % support.PYINSPECT)
    return support.PYINSPECT


@pytest.fixture(scope="session")
def units(tmp_path_factory):
    """The folder of units of a plain `meson install` of the build that is tested."""
    folder = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["meson", "install", "--no-rebuild", "-C",
                           os.path.dirname(support.PYINSPECT), "--destdir", str(folder)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    found, = folder.rglob("pyinspect-check@.service")
    return found.parent


@pytest.fixture
def service():
    """examples/leaky_service.py, which keeps a session for each client that it has served."""
    with leaky.LeakyService() as running:
        yield running


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder that dpkg-buildpackage leaves its files in."""
    need("dh")
    folder = tmp_path_factory.mktemp("package")
    copy_tree(str(folder / "pyinspect"))
    # In a fresh root what is to be seen is that all is there for it; it is not used.
    options = "parallel=2" + (" noopt" if os.environ.get("PYI_IN_FRESH_ROOT") else "")
    done = run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=folder / "pyinspect",
               env=dict(caching(folder), DEB_BUILD_OPTIONS=options))
    assert done.returncode == 0, done.stdout[-4000:]
    (folder / "build.log").write_text(done.stdout)
    return folder


@pytest.fixture(scope="session")
def package(built):
    path, = (path for path in built.glob("pyinspect_*.deb"))
    return path


@pytest.fixture(scope="session")
def machine(package):
    if os.geteuid() != 0:
        pytest.skip("needs root: makes a root of its own")
    depends = succeeds("dpkg-deb", "--field", package, "Depends")
    libraries = [one.split()[0] for one in depends.split(",")]
    assert "libc6" in libraries and len(libraries) < 10
    folder = os.path.join(os.environ.get("TMPDIR") or "/var/tmp",
                          "pyinspect-machine-" + uuid.uuid4().hex[:8])
    os.mkdir(folder, 0o755)
    try:
        done = run(MACHINE, "make", folder, "bookworm", "python3-minimal", "python3", "systemd",
                   "systemd-sysv", "dbus", "firewalld", "netbase", "gunicorn", "uwsgi-core",
                   "uwsgi-plugin-python3", "supervisor", *libraries)
        assert done.returncode == 0, done.stdout[-3000:]
        # From now on it is a host like any other, on which services are started and stopped.
        os.remove(os.path.join(folder, "root/usr/sbin/policy-rc.d"))
        yield Machine(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def static_program(tmp_path_factory):
    """pyinspect without libraries (tools/build-static)."""
    for name in ("meson", "ninja", "readelf"):
        if not shutil.which(name):
            pytest.skip("no " + name)
    folder = tmp_path_factory.mktemp("static") / "build"
    done = run(os.path.join(support.ROOT, "tools", "build-static"), folder,
               env=caching(support.ROOT))
    assert done.returncode == 0, done.stdout[-3000:]
    return folder / "pyinspect"
