"""
The spec file: rpmbuild of Debian makes a package of a tarball of the tree by it, and that has what
`meson install` installs, no file less and no file more.
"""

import os
import re
import tarfile

import pytest

import support
from debian import copy_tree
from programs import caching, need, succeeds

SPEC = os.path.join(support.ROOT, "data", "rpm", "pyinspect.spec")


@pytest.fixture(scope="module")
def rpm(tmp_path_factory):
    """
    What is to be there for a build is asked of Debian's packages, not of those of an rpm system; what
    its compiler optimises is seen in Debian's.
    """
    need("rpmbuild")
    folder = tmp_path_factory.mktemp("rpm")
    name = "pyinspect-" + version()
    copy_tree(str(folder / name))
    (folder / "SOURCES").mkdir()
    with tarfile.open(folder / "SOURCES" / (name + ".tar.gz"), "w:gz") as tar:
        tar.add(folder / name, arcname=name)
    succeeds("rpmbuild", "-bb", "--nodeps", "--define", "_topdir %s" % folder,
             "--define", "debug_package %{nil}", "--define", "optflags -O0", "--define",
             "_smp_mflags -j2", SPEC, env=caching(folder))
    found, = (path for path in (folder / "RPMS").rglob("pyinspect-*.rpm"))
    return found


def version():
    text = support.read_text(os.path.join(support.ROOT, "meson.build"))
    return re.search(r"^    version: '(.*)',$", text, re.MULTILINE).group(1)


def test_has_the_version_of_the_program(rpm):
    assert succeeds("rpm", "--query", "--package", "--queryformat", "%{VERSION} %{LICENSE}",
                    rpm).strip().endswith("%s Apache-2.0" % version())


def test_has_what_is_installed(rpm, units):
    """`units` is below a plain install to another prefix."""
    installed = os.path.normpath(str(units) + "/../../..")
    expected = set()
    for folder, _, files in os.walk(installed):
        expected.update(os.path.relpath(os.path.join(folder, name), installed) for name in files)
    listed = {}
    for line in succeeds("rpm", "--query", "--package", "--queryformat",
                         "[%{FILENAMES} %{FILEMODES:perms}\\n]", rpm).splitlines():
        path, _, mode = line.rpartition(" ")
        listed[path] = mode
    assert not [path for path, mode in listed.items() if "s" in mode], "set-uid"
    assert "/etc/pyinspect/rules.d" in listed
    files = {re.sub(r"\.gz$", "", os.path.relpath(path, "/usr")) for path, mode in listed.items()
             if mode.startswith("-") and path.startswith("/usr/")}
    files -= {path for path in files if path.startswith("share/licenses/")}
    assert files == {re.sub(r"\.gz$", "", path) for path in expected}


def test_its_scripts_are_shell(rpm):
    need("sh")
    text = succeeds("rpm", "--query", "--package", "--scripts", rpm)
    parts = re.split(r"^\w+ scriptlet \(using /bin/sh\):$", text, flags=re.MULTILINE)[1:]
    assert len(parts) == 3, text
    for part in parts:
        succeeds("sh", "-n", "-c", part)
