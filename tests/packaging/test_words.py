"""
Help, man pages and completions name the same commands and options, and the shells read them.
"""

import os
import re
import subprocess

import pytest

import support
from programs import need

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
PAGES = os.path.join(support.ROOT, "doc", "man")
COMPLETION = os.path.join(support.ROOT, "data", "completion")
LISTED = re.compile(r"^  ([a-z][a-z-]+) ", re.MULTILINE)


def help_text(*words):
    done = support.run_pyinspect("help", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands():
    text = help_text()
    found = LISTED.findall(text[text.index("Commands:"):text.index("Options of all commands:")])
    assert {"top-types", "check", "history"} <= set(found)
    return found


def options_of(command):
    """What the help of a command says that it takes, with those of all commands."""
    own = help_text(command)
    # Examples may show options of other programs.
    own = own[:own.index("Examples:")] if "Examples:" in own else own
    general = help_text()
    general = general[general.index("Options of all commands:"):general.index("From symptom")]
    options = set(OPTION.findall(own)) | set(OPTION.findall(general))
    # Not of a command: pyinspect --version.
    return options - {"--version"}


def manual(page):
    done = subprocess.run([need("mandoc"), "-T", "ascii", "-O", "width=500", os.path.join(PAGES, page)], text=True,
                          stdout=subprocess.PIPE, check=True)
    text = re.sub(".\b", "", done.stdout)
    # Other programs have other options.
    return "".join(line for line in text.splitlines(True) if "systemctl " not in line)


def test_manuals_are_clean():
    pages = [os.path.join(PAGES, page) for page in sorted(os.listdir(PAGES))]
    assert {"pyinspect.1", "pyinspect-check.1"} <= set(map(os.path.basename, pages))
    done = subprocess.run([need("mandoc"), "-T", "lint", "-W", "warning", *pages], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_manuals_name_everything():
    both = manual("pyinspect.1") + manual("pyinspect-check.1")
    named = set(OPTION.findall(both))
    for command in commands():
        assert re.search(r"\b%s\b" % command, both), "no manual has " + command
        missing = options_of(command) - named
        assert not missing, "of %s no manual has %s" % (command, sorted(missing))


def test_manuals_name_nothing_else():
    known = set().union(*(options_of(command) for command in commands())) | {"--version"}
    for page in ("pyinspect.1", "pyinspect-check.1"):
        extra = set(OPTION.findall(manual(page))) - known
        assert not extra, "%s has %s" % (page, sorted(extra))


BASH = """
. /usr/share/bash-completion/bash_completion
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
_pyinspect
printf '%s\\n' "${COMPREPLY[@]}"
"""
# Only the line editor of zsh completes; what it would be told is printed instead.
ZSH = """
_arguments() { print -rl -- "$@" }
_describe() { print -rl -- ${(P)${@[-1]}} }
compdef() { }
file=$1
shift
words=("$@") CURRENT=$#
source $file
if (( $# == 2 )); then _pyinspect_targets; fi
if (( $# == 3 )); then _pyinspect_commands; fi
"""


def bash_offers(*words):
    done = subprocess.run(["bash", "-c", BASH, "bash",
                           os.path.join(COMPLETION, "pyinspect.bash"), "pyinspect", *words],
                          text=True, stdout=subprocess.PIPE, check=True)
    return {line.strip() for line in done.stdout.splitlines()}


def fish_offers(*words):
    script = "source %s/pyinspect.fish; complete -C %s" % (
        COMPLETION, "'%s'" % " ".join(("pyinspect",) + words))
    done = subprocess.run([need("fish"), "--no-config", "-c", script], text=True,
                          stdout=subprocess.PIPE, check=True)
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


def zsh_offers(*words):
    done = subprocess.run([need("zsh"), "-f", "-c", ZSH, "zsh", os.path.join(COMPLETION, "_pyinspect"),
                           "pyinspect", *words], text=True, stdout=subprocess.PIPE, check=True)
    lines = done.stdout.splitlines()
    if len(words) > 1 and words[-2].startswith("--"):
        line, = (line for line in lines if line.startswith(words[-2] + "["))
        return set(line[line.rindex("(") + 1:-1].split())
    if words[-1].startswith("-"):
        return set(option for line in lines for option in re.findall(r"^(?:\([^)]*\)|\*)?(--[a-z-]+)",
                                                                     line))
    return {line.split(":")[0] for line in lines}


SHELLS = pytest.mark.parametrize("offers", [bash_offers, zsh_offers, fish_offers],
                                 ids=["bash", "zsh", "fish"])


@SHELLS
def test_completion_offers_everything(offers):
    assert set(commands()) <= offers("1", "")
    for command in commands():
        offered = {word for word in offers("1", command, "--") if word.startswith("--")}
        assert offered == options_of(command), command
    assert "--version" in offers("--")
    formats = {"table", "json", "ndjson"}
    assert offers("1", "top-types", "--format", "") == formats
    assert offers("1", "check", "--format", "") == formats | {"nagios", "prometheus"}
    for command in ("path", "show", "referrers", "referents"):
        assert offers("1", command, "--format", "") == formats | {"dot"}


@SHELLS
def test_completion_offers_processes(offers, service):
    assert str(service.pid) in offers("")
