"""
Gets the last Debian packages of firewalld that used python-slip, and unpacks them into a folder.

Installs nothing. They come from where this machine's own apt gets Debian, by a complete apt of
their own (lists, cache, sources), and are checked against the distribution's keyring.
"""

import os
import shutil
import subprocess
import tempfile

SUITE = "bullseye"
NAMES = ("firewalld", "python3-firewall", "python3-slip", "python3-slip-dbus", "python3-decorator")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
VERSIONS = "versions"
# No hooks of this machine's configuration, no other user: the folder may be closed to that.
APT_CONFIGURATION = """\
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::Etc::sourcelist "{0}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "{0}";
Dir::State::lists "{0}/lists";
Dir::State::status "{0}/status";
Dir::Cache "{0}/cache";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class PackagesError(Exception):
    pass


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode != 0:
        raise PackagesError("%s failed:\n%s" % (" ".join(command), done.stdout[-2000:]))
    return done.stdout


def archive():
    """Where this machine gets the main part of its own release; apt knows its own formats."""
    with open("/etc/os-release", encoding="utf-8") as stream:
        release = dict(line.rstrip().split("=", 1) for line in stream if "=" in line)
    own = release.get("VERSION_CODENAME", "").strip('"')
    targets = run("apt-get", "indextargets", "--no-release-info", "--format",
                  "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    for line in targets.splitlines():
        uri, suite, component = line.split()
        if suite == own and component == "main":
            return uri
    raise PackagesError("this machine's apt has no source for main of Debian's %r" % own)


def download(folder):
    """Into folder/debs; returns the paths."""
    debs = os.path.join(folder, "debs")
    for name in (debs, os.path.join(folder, "lists", "partial"),
                 os.path.join(folder, "cache", "archives", "partial")):
        os.makedirs(name)
    for name, text in (("status", ""), ("apt.conf", APT_CONFIGURATION.format(folder)),
                       ("sources.list", "deb [signed-by=%s] %s %s main\n" % (KEYRING, archive(),
                                                                            SUITE))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            stream.write(text)
    apt = ["apt-get", "-c", os.path.join(folder, "apt.conf"), "-qq"]
    run(*apt, "update")
    run(*apt, "download", *NAMES, cwd=debs)
    return sorted(os.path.join(debs, name) for name in os.listdir(debs))


def unpacked(cache):
    """The folder with the unpacked packages below `cache`, made if it is not there yet."""
    final = os.path.join(cache, SUITE)
    if os.path.isdir(final):
        return final
    os.makedirs(cache, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=".unpacking-", dir=cache)
    try:
        root = os.path.join(scratch, "root")
        os.mkdir(root)
        lines = []
        for deb in download(scratch):
            run("dpkg-deb", "-x", deb, root)
            lines.append(run("dpkg-deb", "-W", "--showformat", "${Package} ${Version}\n", deb))
        with open(os.path.join(root, VERSIONS), "w", encoding="utf-8") as stream:
            stream.writelines(lines)
        # Whoever comes second at the same time finds that it is there, and takes that.
        if not os.path.isdir(final):
            os.rename(root, final)
    except OSError:
        if not os.path.isdir(final):
            raise
    finally:
        shutil.rmtree(scratch)
    return final
