#!/usr/bin/env python3
"""Holds the layers of ARCHITECTURE.md against what the source files include. Output: TAP.

Does not compile anything, and does not look at who calls whom: what is not included cannot be
called.

usage: layers.py [ROOT]
"""

import pathlib
import re
import sys

# Of the standard headers, the ones that need no libc.
FREESTANDING = {"limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}
# Made by the build, and for whom.
GENERATED = {"version.h": {"src/cli"}}
# Layers that not everything above may use.
USED_BY = {"src/bus": {"src/cli"}}
LINE_LIMIT = 700
# So many lines fewer than it is said to have need not be written down.
BROKER_SLACK = 100
MEASURED = ("src", "payloads", "include", "tests", "tools", "examples")
SUFFIXES = {".c", ".h", ".S", ".py"}
# Headers of libraries that understand what a target has made.
PARSERS = re.compile(r"libelf|gelf|dwarf|elfutils|libunwind|cJSON|cjson|systemd/|sqlite3|pyinspect/")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def read_table(root):
    """The folders of the table between the layer comments, top layer first."""
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    found = re.search(r"^<!-- layers -->$(.*?)^<!-- /layers -->$", text, re.DOTALL | re.MULTILINE)
    if not found:
        raise ValueError("ARCHITECTURE.md has no <!-- layers --> table")
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in found.group(1).splitlines()
        if line.strip().startswith("|")
    ]
    if not rows or "folder" not in rows[0]:
        raise ValueError("the table of layers has no column `folder`")
    column = rows[0].index("folder")
    folders = []
    for row in rows[2:]:
        folder = re.fullmatch(r"`([^`]+?)/?`", row[column])
        if not folder:
            raise ValueError(f"{row[column]} in the table of layers is no folder in backticks")
        folders.append(folder.group(1))
    return folders


def sources_of(root, folder):
    return sorted(
        path for path in (root / folder).rglob("*") if path.suffix in SUFFIXES and path.is_file()
    )


def folder_of(root, path, name):
    """The folder of the project that an include leads to; None: it is no file of the project."""
    near = path.parent / name
    if ".." not in near.parts and near.is_file():
        return near.parent.relative_to(root).as_posix()
    for base in ("src", "include", "."):
        if (root / base / name).is_file():
            return (root / base / name).parent.relative_to(root).as_posix()
    return None


def check_include(root, layers, folder, path, quote, name):
    """None if the include is allowed, else why it is not."""
    if ".." in pathlib.PurePosixPath(name).parts:
        return "leads upwards by a relative path"
    if folder in GENERATED.get(name, ()):
        return None
    wanted = folder_of(root, path, name)
    if wanted is None:
        if quote == '"':
            return "is no file of the project"
        if not folder.startswith("src/") and name not in FREESTANDING:
            return "is a header of libc"
        return None
    if wanted == folder:
        return None
    if wanted not in layers:
        return f"is in {wanted}, which is in no layer"
    if layers.index(wanted) < layers.index(folder):
        return f"is in {wanted}, which is above {folder}"
    if folder not in USED_BY.get(wanted, {folder}):
        return f"is in {wanted}, which only {', '.join(sorted(USED_BY[wanted]))} may use"
    if folder == "payloads" and wanted != "include/pyinspect":
        return f"is in {wanted}; a payload knows only the contract"
    return None


def check_layer(root, layers, folder):
    problems = []
    sources = sources_of(root, folder)
    if not sources:
        problems.append(f"{folder} has no source files")
    for path in sources:
        if path.suffix == ".py":
            continue
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            why = check_include(root, layers, folder, path, match.group(1), match.group(2))
            if why:
                line = text.count("\n", 0, match.start(2)) + 1
                problems.append(f"{path.relative_to(root)}:{line}: {match.group(2)} {why}")
    return problems


def check_folders(root, layers):
    folders = {
        path.parent.relative_to(root).as_posix()
        for base in ("src", "payloads", "include")
        for path in sources_of(root, base)
    }
    problems = [f"{folder} is in no layer" for folder in sorted(folders - set(layers))]
    problems += [f"{folder} is twice in the table" for folder in layers if layers.count(folder) > 1]
    return problems


def check_lengths(root):
    problems = []
    for base in MEASURED:
        for path in sources_of(root, base):
            lines = path.read_text(encoding="utf-8").splitlines()
            # Tables that a tool writes are as long as they are.
            if len(lines) > LINE_LIMIT and not any("do not edit" in line for line in lines[:5]):
                problems.append(f"{path.relative_to(root)} has {len(lines)} lines")
    return problems


def check_names(root):
    return [
        f"{path.relative_to(root)}: name the thing"
        for base in MEASURED
        for path in sources_of(root, base)
        if re.match(r"utils?([^a-z]|$)", path.stem, re.IGNORECASE)
    ]


def read_broker(root):
    """The files that ARCHITECTURE.md says the broker is made of."""
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    found = re.search(r"^<!-- broker -->$(.*?)^<!-- /broker -->$", text, re.DOTALL | re.MULTILINE)
    return set(re.findall(r"^- `([^`]+)`$", found.group(1), re.MULTILINE)) if found else set()


def check_broker(root):
    """They are those that are built for it, and include no others, and no parser."""
    files = read_broker(root)
    build = (root / "src/meson.build").read_text(encoding="utf-8")
    built = re.search(r"static_library\('pyibroker',(.*?)include_directories", build, re.DOTALL)
    sources = {"src/" + name for name in re.findall(r"'([^']+\.c)'", built.group(1))} if built else set()
    of_cpu = {name for name in sources if "@0@" in name}
    named = {name for name in files if name.endswith(".c") and "/arch_" not in name}
    problems = [f"{name} is built for the broker and not named" for name in sorted(sources - of_cpu - named)]
    problems += [f"{name} is named and not built for the broker" for name in sorted(named - sources)]
    for name in sorted(files):
        path = root / name
        if not path.is_file():
            problems.append(f"{name} is not there")
            continue
        for match in INCLUDE.finditer(path.read_text(encoding="utf-8")):
            quote, header = match.groups()
            if quote == "<" and PARSERS.match(header):
                problems.append(f"{name} includes the parser {header}")
            if quote == '"' and "src/" + header not in files:
                problems.append(f"{name} includes {header}, which is not the broker's")
    return problems


def check_broker_size(root):
    """It has as many lines as ARCHITECTURE.md says: it may become smaller, and that is then written down."""
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    said = re.search(r"^In all ([\d,]+) lines", text, re.MULTILINE)
    lines = sum((root / name).read_text(encoding="utf-8").count("\n") for name in read_broker(root)
                if (root / name).is_file())
    if not said:
        return ["ARCHITECTURE.md does not say how many lines it has"]
    limit = int(said.group(1).replace(",", ""))
    if lines > limit:
        return [f"it has {lines} lines, {lines - limit} more than ARCHITECTURE.md says"]
    if lines < limit - BROKER_SLACK:
        return [f"it has {lines} lines only: say so in ARCHITECTURE.md"]
    return []


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    root = root.resolve()
    try:
        layers = read_table(root)
    except (OSError, ValueError) as error:
        print(f"1..1\nnot ok 1 - the table of layers can be read\n# {error}")
        return 1
    checks = [
        ("every folder is in one layer", check_folders(root, layers)),
        (f"no file is over {LINE_LIMIT} lines", check_lengths(root)),
        ("no file is called util", check_names(root)),
        ("the broker is what ARCHITECTURE.md says", check_broker(root)),
        ("the broker has not grown", check_broker_size(root)),
    ]
    checks += [
        (f"{folder} includes only what is below it", check_layer(root, layers, folder))
        for folder in layers
    ]
    print(f"1..{len(checks)}")
    for number, (name, problems) in enumerate(checks, start=1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
