"""
Builds programs that embed CPython, as those in the field do: with copies of its variables, or with
all of it linked in.

Does not start them: an embedder is an Interpreter, which behaves as `python` does.
"""

import glob
import json
import os
import re
import shutil
import subprocess

import interpreters
import support

SOURCE = """
#include <stdlib.h>
#include <wchar.h>

int Py_Main(int argc, wchar_t **argv);
wchar_t *Py_DecodeLocale(const char *text, size_t *size);
%(declarations)s
void *volatile used;

int main(int argc, char **argv)
{
	wchar_t **words = calloc((size_t)argc + 1, sizeof(*words));

	%(uses)s
	for (int i = 0; i < argc; i++)
		words[i] = Py_DecodeLocale(argv[i], NULL);
	return Py_Main(argc, words);
}
"""


def ask(interpreter):
    """Where its library is, and what a static program is linked with."""
    names = ("LIBDIR", "LIBPL", "INSTSONAME", "LIBRARY", "LIBS", "SYSLIBS", "MODLIBS")
    script = "import json, sysconfig; print(json.dumps([sysconfig.get_config_var(n) for n in %r]))"
    answer = subprocess.run(interpreter.program() + ["-sEc", script % (names,)],
                            stdout=subprocess.PIPE, check=True)
    return dict(zip(names, json.loads(answer.stdout)))


def shared_library(interpreter):
    """The path of its libpython; the test is skipped if there is none."""
    about = ask(interpreters.require(interpreter))
    path = os.path.join(about["LIBDIR"], about["INSTSONAME"] or "")
    if not path.count(".so") or not os.path.exists(path):
        interpreters.missing("%s has no shared library" % interpreter)
    return path


def static_library(interpreter):
    about = ask(interpreters.require(interpreter))
    path = os.path.join(about["LIBPL"], about["LIBRARY"] or "")
    if not os.path.exists(path):
        interpreters.missing("%s has no static library" % interpreter)
    return path, " ".join(about[name] or "" for name in ("MODLIBS", "LIBS", "SYSLIBS")).split()


def compiler():
    return shutil.which("gcc") or interpreters.missing("no gcc is on PATH")


def wanted_variables(library):
    """Every variable of the library whose name stands in the program: what it may look up."""
    listed = subprocess.run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE,
                            text=True, check=True).stdout
    defined = {line.split()[2].split("@")[0] for line in listed.splitlines()
               if line.split()[1] in "DBRVG"}
    named = set()
    for path in glob.glob(os.path.join(support.ROOT, "src", "python", "*.c")):
        named |= set(re.findall(r'"(_?Py\w+)"', support.read_text(path)))
    found = sorted(named & defined)
    assert len(found) > 20, "the program looks up more than that"
    return found


def copied(program):
    """The variables that a program has copies of."""
    listed = subprocess.run(["readelf", "-rW", program], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    return sorted(line.split()[4].split("@")[0] for line in listed.splitlines()
                  if "_COPY" in line)


def build(program, library, variables=(), options=()):
    """A program of the shared or static `library` that refers to these variables of it."""
    source = program + ".c"
    with open(source, "w", encoding="utf-8") as stream:
        stream.write(SOURCE % {
            "declarations": "\n".join("extern char %s[];" % name for name in variables),
            "uses": "\n\t".join("used = %s;" % name for name in variables)})
    subprocess.run([compiler(), "-O1", "-fno-pie", "-no-pie", source, "-o", program, library,
                    "-Wl,-rpath," + os.path.dirname(library), *options], check=True)
    return interpreters.Interpreter(os.path.basename(program), program)


def strip(program):
    subprocess.run(["strip", program], check=True)


def drop_sections(program):
    """Takes away the section headers, as packers do: e_shoff, e_shnum and e_shstrndx become 0."""
    with open(program, "r+b") as stream:
        stream.seek(0x28)
        stream.write(bytes(8))
        stream.seek(0x3c)
        stream.write(bytes(4))


HOST = """
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

int Py_Main(int argc, wchar_t **argv);
void Py_Initialize(void);
int PyRun_SimpleStringFlags(const char *text, void *flags);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *state);
wchar_t *Py_DecodeLocale(const char *text, size_t *size);

/* host LIBRARY|- SCRIPT|- python's arguments: starts the Python of a library (or just loads it), runs
   the script in it, then is a python itself. */
int main(int argc, char **argv)
{
	wchar_t **words = calloc((size_t)argc, sizeof(*words));
	void *other = argv[1][0] == '-' ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

	if (argv[1][0] != '-' && !other) {
		fputs(dlerror(), stderr);
		return 1;
	}
	if (other && argv[2][0] != '-') {
		((void (*)(int))dlsym(other, "Py_InitializeEx"))(0);
		((int (*)(const char *, void *))dlsym(other, "PyRun_SimpleStringFlags"))(argv[2], NULL);
		((void *(*)(void))dlsym(other, "PyEval_SaveThread"))();
	}
	words[0] = Py_DecodeLocale(argv[0], NULL);
	for (int i = 3; i < argc; i++)
		words[i - 2] = Py_DecodeLocale(argv[i], NULL);
	return Py_Main(argc - 2, words);
}
"""


def build_host(program, library, options=()):
    """A static program that exports nothing, so that a library that it loads has its own."""
    with open(program + ".c", "w", encoding="utf-8") as stream:
        stream.write(HOST)
    subprocess.run([compiler(), "-O1", "-fno-pie", "-no-pie", program + ".c", "-o", program, library,
                    *options], check=True)
