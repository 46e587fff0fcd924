"""
The units as systemd reads them, and that what the service may do is what pyinspect needs: enough,
and no capability more. That they work when systemd runs them is in test_package.py.
"""

import os
import re
import subprocess

import pytest

import support

# What systemd-analyze says of the template, and of firewalld's instance; doc/service.md has them.
EXPOSURE = {"pyinspect-check@any.service": 2.0, "pyinspect-check@firewalld.service": 1.4}


@pytest.fixture(scope="module")
def root(units, tmp_path_factory):
    """As much of a root as systemd-analyze --root wants: our units, and this machine's own."""
    folder = tmp_path_factory.mktemp("root")
    of_root = folder / "usr/lib/systemd/system"
    of_root.mkdir(parents=True)
    subprocess.run(["cp", "-r", str(units) + "/.", str(of_root)], check=True)
    for entry in os.scandir("/lib/systemd/system"):
        if entry.name.endswith((".target", ".slice", ".mount", ".socket")) and entry.is_file():
            subprocess.run(["cp", "-L", entry.path, str(of_root)], check=True)
    for program in (service_program(units), "bin/sh"):
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        (folder / program).write_text("")
        (folder / program).chmod(0o755)
    return folder


def service_program(units):
    text = (units / "pyinspect-check@.service").read_text()
    return re.search(r"^ExecStart=/(\S*/bin/pyinspect) ", text, re.MULTILINE).group(1)


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("unit", ["pyinspect-check@any.service", "pyinspect-check@any.timer",
                                  "pyinspect-check@firewalld.service",
                                  "pyinspect-check@firewalld.timer"])
def test_units_are_clean(root, unit):
    done = analyze("--root=%s" % root, "--man=no", "verify", unit)
    ours = [line for line in done.stdout.splitlines() if "pyinspect" in line]
    assert done.returncode == 0 and not ours, done.stdout


@pytest.mark.parametrize("unit", EXPOSURE)
def test_units_expose_little(root, unit):
    done = analyze("--root=%s" % root, "security", "--offline=true",
                   "--threshold=%d" % round(EXPOSURE[unit] * 10), unit)
    assert done.returncode == 0, done.stdout
    overall = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout).group(1)
    assert float(overall) == EXPOSURE[unit], "doc/service.md and this test say another figure"
    with open(os.path.join(support.ROOT, "doc", "service.md"), encoding="utf-8") as file:
        assert overall in file.read()


def capabilities(units, *names):
    """The last CapabilityBoundingSet= of some files of the service, as setpriv has them."""
    found = []
    for name in names:
        text = (units / name).read_text()
        for value in re.findall(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE):
            found = found + value.split() if value else []
    return [name[len("CAP_"):].lower() for name in found]


def with_capabilities(names):
    return ["setpriv", "--inh-caps=-all",
            "--bounding-set=" + ",".join(["-all"] + ["+" + name for name in names])]


@pytest.fixture
def nobodys_service():
    target = support.Target(support.as_nobody() + ["/usr/bin/python3", "-c",
                            "print('READY', flush=True); input()"], cwd="/")
    target.expect("READY")
    yield target
    target.close()


def looks(pid, names, *options):
    done = support.run_pyinspect(pid, "top-types", "--format", "json", *options,
                                 prefix=with_capabilities(names))
    return done.returncode


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="drops capabilities: needs root")


@needs_root
def test_capabilities_suffice_for_root(units, service):
    names = capabilities(units, "pyinspect-check@.service",
                         "pyinspect-check@firewalld.service.d/firewalld.conf")
    assert "sys_ptrace" in names and len(names) == 2
    assert looks(service.pid, names) == 0
    assert looks(service.pid, names, "--source", "mirror") == 0
    assert looks(service.pid, set(names) - {"sys_ptrace"}) == 3


@needs_root
def test_capabilities_suffice_for_others(units, nobodys_service):
    names = capabilities(units, "pyinspect-check@.service")
    assert len(names) == 6
    assert looks(nobodys_service.pid, names) == 0
    assert looks(nobodys_service.pid, names, "--source", "mirror") == 0
    for name in ("setuid", "setgid"):
        assert looks(nobodys_service.pid, set(names) - {name}) == 0, name
        assert looks(nobodys_service.pid, set(names) - {name}, "--source", "mirror") == 1, name
    for name in ("sys_ptrace", "dac_override"):
        assert looks(nobodys_service.pid, set(names) - {name}) == 3, name


@needs_root
def test_capability_for_a_library_that_was_replaced(units, tmp_path):
    """As after an upgrade of Python: the program still has the old file mapped."""
    import interpreters
    for interpreter in interpreters.EXPECTED:
        if not interpreter.path or "pyenv" not in interpreter.name:
            continue
        folder = os.path.join(os.path.dirname(os.path.dirname(interpreter.path)), "lib")
        libraries = [name for name in os.listdir(folder) if re.match(r"libpython3\.\d+\.so\.1", name)]
        if libraries:
            break
    else:
        pytest.skip("no interpreter with a shared libpython here")
    copy = tmp_path / libraries[0]
    subprocess.run(["cp", os.path.join(folder, libraries[0]), str(copy)], check=True)
    target = support.Target([interpreter.path, "-c", "print('READY', flush=True); input()"],
                            env={"LD_LIBRARY_PATH": str(tmp_path)})
    try:
        target.expect("READY")
        copy.unlink()
        names = capabilities(units, "pyinspect-check@.service",
                             "pyinspect-check@firewalld.service.d/firewalld.conf")
        assert looks(target.pid, names) == 0
        # Without it cannot be seen what the file is.
        assert looks(target.pid, set(names) - {"checkpoint_restore"}) == 1
    finally:
        target.close()


def test_variables_have_defaults(units):
    text = (units / "pyinspect-check@.service").read_text()
    used = set(re.findall(r"\$\{?(PYINSPECT_[A-Z_]+)", text))
    assert used == set(re.findall(r"^Environment=\"?(PYINSPECT_[A-Z_]+)=", text, re.MULTILINE))
    with open(os.path.join(support.ROOT, "doc", "man", "pyinspect-check.1"), encoding="utf-8") as page:
        assert used == set(re.findall(r"PYINSPECT_[A-Z_]+", page.read()))
