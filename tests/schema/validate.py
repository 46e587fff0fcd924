#!/usr/bin/env python3
"""Says whether standard input is what a schema in doc/schema describes.

    validate.py SCHEMA [--ndjson] < output
    validate.py --serve < requests

With --ndjson the first line is held against $defs/first-line of the schema and each other line
against $defs/next-line. A schema may use the $defs of others in its folder. Stricter than JSON
parsers are by default: input is UTF-8, a key comes once in an object, numbers are finite, and an
integer is written as one ("1.5e+15" is none). Does not check what needs arithmetic, such as sums.

Exit status: 0 it matches, 1 it does not (why is on stderr), 2 usage or a broken schema.

With --serve it answers one request after the other until its input ends. A request is a line "SIZE
json SCHEMA" or "SIZE ndjson SCHEMA", and then so many bytes of output; the answer is a line: "ok",
or why not.
"""

import argparse
import functools
import json
import pathlib
import sys

import jsonschema
from jsonschema.validators import Draft202012Validator, extend


class Mismatch(Exception):
    """The input is not what the schema says."""


def is_integer(_checker, value):
    """Take only what was written as an integer; jsonschema itself also takes 1.0."""
    return isinstance(value, int) and not isinstance(value, bool)


# What has matched in this input, by the identity of the reference and the text of the value: in a large
# report most parts come again and again, and jsonschema takes seconds for each megabyte.
matched = set()


def follow_reference(validator, reference, instance, schema):
    key = (id(schema), repr(instance))
    if key in matched:
        return
    errors = list(Draft202012Validator.VALIDATORS["$ref"](validator, reference, instance, schema))
    if not errors and len(key[1]) <= 1000:
        matched.add(key)
    yield from errors


StrictValidator = extend(
    Draft202012Validator,
    validators={"$ref": follow_reference},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer),
)

make_validator = StrictValidator.evolve


def evolve(self, **changes):
    """
    The validator of a part of a schema. It is made once, not once for each value that is held against
    that part, which is a third of what jsonschema does. Where it has no room for them, they are not kept.
    """
    if set(changes) != {"schema"} or not hasattr(self, "__dict__"):
        return make_validator(self, **changes)
    parts = self.__dict__.setdefault("parts", {})
    part = parts.get(id(changes["schema"]))
    # It keeps its schema, so no other one has that identity.
    if part is None:
        part = parts[id(changes["schema"])] = make_validator(self, **changes)
        part.__dict__["parts"] = parts
    return part


StrictValidator.evolve = evolve


def refuse_constant(word):
    raise Mismatch(f"{word} is not JSON")


def object_of_pairs(pairs):
    members = {}
    for key, value in pairs:
        if key in members:
            raise Mismatch(f"the key {key!r} comes twice in one object")
        members[key] = value
    return members


def parse(text):
    try:
        return json.loads(
            text, object_pairs_hook=object_of_pairs, parse_constant=refuse_constant
        )
    except json.JSONDecodeError as error:
        raise Mismatch(f"not JSON: {error}") from error


def depth(error):
    return len(error.absolute_path)


def deepest(error):
    """Go down to the alternative that came closest, which is the one worth reading about."""
    while error.context:
        by_branch = {}
        for inner in error.context:
            by_branch.setdefault(inner.relative_schema_path[0], []).append(inner)
        closest = min(by_branch.values(), key=lambda branch: (-max(map(depth, branch)), len(branch)))
        error = max(closest, key=depth)
    return error


def check(schema, instance):
    errors = sorted(StrictValidator(schema).iter_errors(instance), key=depth, reverse=True)
    if errors:
        error = deepest(errors[0])
        message = error.message
        if len(message) > 400:
            message = f"{message[:200]} ... {message[-200:]}"
        raise Mismatch(f"at {error.json_path}: {message}")


def references(schema):
    """Every object of a schema that refers to another schema."""
    todo = [schema]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)


def read(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    StrictValidator.check_schema(schema)
    return schema


@functools.lru_cache(maxsize=None)
def load(path):
    """A schema together with the definitions of those files that it refers to, under new names."""
    path = pathlib.Path(path)
    schema = read(path)
    files = {}
    for part in references(schema):
        name, _, rest = part["$ref"].partition("#/$defs/")
        if not name:
            continue
        part["$ref"] = f"#/$defs/{name}:{rest}"
        if name not in files:
            files[name] = read(path.parent / name)
    for name, other in files.items():
        for part in references(other):
            # One level of files is enough so far.
            if not part["$ref"].startswith("#/$defs/"):
                raise jsonschema.SchemaError(f"{name} refers to {part['$ref']}")
            part["$ref"] = part["$ref"].replace("#/$defs/", f"#/$defs/{name}:")
        schema["$defs"].update({f"{name}:{key}": value for key, value in other["$defs"].items()})
    return schema


def definition(schema, name):
    """A schema that is one of the $defs of another."""
    if name not in schema.get("$defs", {}):
        raise jsonschema.SchemaError(f"no $defs/{name}, so no ndjson form")
    return {"$schema": schema["$schema"], "$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}


def check_lines(schema, text):
    first = definition(schema, "first-line")
    following = definition(schema, "next-line")
    if not text.endswith("\n"):
        raise Mismatch("the last line has no end")
    for number, line in enumerate(text[:-1].split("\n"), start=1):
        try:
            check(first if number == 1 else following, parse(line))
        except Mismatch as error:
            raise Mismatch(f"line {number}: {error}") from error


def judge(path, data, ndjson):
    """Exit status, and why it is not 0."""
    matched.clear()
    try:
        schema = load(path)
        text = data.decode("utf-8")
        if not text:
            raise Mismatch("there is no input")
        if ndjson:
            check_lines(schema, text)
        else:
            check(schema, parse(text))
    except (OSError, json.JSONDecodeError, jsonschema.SchemaError) as error:
        return 2, f"{path}: {error}"
    except UnicodeDecodeError as error:
        return 1, f"the input is not UTF-8: {error}"
    except Mismatch as error:
        return 1, f"{path} does not match: {error}"
    return 0, None


def serve(requests, answers):
    for line in iter(requests.readline, b""):
        size, form, path = line.decode().rstrip("\n").split(" ", 2)
        data = requests.read(int(size))
        if len(data) != int(size) or form not in ("json", "ndjson"):
            raise ValueError(f"this is no request: {line!r}")
        status, why = judge(path, data, form == "ndjson")
        answer = " ".join(why.split())[:1000] if status else "ok"
        answers.write(answer.encode("ascii", "backslashreplace")[:1000] + b"\n")
        answers.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("schema", nargs="?", help="the schema's file")
    parser.add_argument("--ndjson", action="store_true", help="the input is the ndjson form")
    parser.add_argument("--serve", action="store_true", help="answer requests until input ends")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(sys.stdin.buffer, sys.stdout.buffer)
        return 0
    if not arguments.schema:
        parser.error("which schema?")
    status, why = judge(arguments.schema, sys.stdin.buffer.read(), arguments.ndjson)
    if status:
        print(f"validate.py: {why}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
