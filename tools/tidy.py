#!/usr/bin/env python3
"""The rules of the tree that no compiler checks. Prints each breach and fails where there is one."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CODE = {".h", ".cpp"}
TEXT = CODE | {".py", ".cjs", ".mjs", ".js", ".sh", ".cmake", ".md", ".c", ".txt", ".toml"}
MAX_LINES = 800
MAX_COLUMNS = 120
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SELF = "tools/tidy.py"


def tracked():
    out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in out.decode().split("\0") if name and (ROOT / name).is_file()]


def check_text(name, lines):
    if len(lines) > MAX_LINES and not name.startswith("examples/documents/texts/"):
        yield 0, f"{len(lines)} lines; at most {MAX_LINES}"
    for number, line in enumerate(lines, 1):
        if name != SELF and UNFINISHED.search(line):
            yield number, "says that something is unfinished"
        if line != line.rstrip() and not name.endswith((".md", ".txt")):
            yield number, "white space at the end of the line"


def check_code(name, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS and 'R"' not in line and "http" not in line:
            yield number, f"{len(line)} columns; at most {MAX_COLUMNS}"
        if re.match(r'\s*#include "\.\./', line):
            yield number, "an include that climbs out of its module hides a dependency"
        if re.search(r"\bnew [A-Za-z_:]+[({<]", line) and "unique_ptr" not in line and not line.strip().startswith(("//", "*", '"')):
            yield number, "raw new: use std::make_unique"
    if name.endswith(".h"):
        if not lines or not lines[0].startswith("//"):
            yield 1, "a header begins with what it is for"
        if "#pragma once" not in lines:
            yield 1, "no #pragma once"


def check_module_files():
    """Every C++ file of a module is named in its CMakeLists.txt: a test that is not built passes for ever."""
    for cmake in (ROOT / "src").rglob("CMakeLists.txt"):
        text = cmake.read_text()
        for source in cmake.parent.glob("*.cpp"):
            if source.name not in text:
                yield str(source.relative_to(ROOT)), 0, "not built: missing in its CMakeLists.txt"


def main():
    breaches = list(check_module_files())
    for name in tracked():
        suffix = pathlib.Path(name).suffix
        if suffix not in TEXT:
            continue
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        breaches += [(name, *b) for b in check_text(name, lines)]
        if suffix in CODE:
            breaches += [(name, *b) for b in check_code(name, lines)]
    for name, number, what in breaches:
        print(f"{name}:{number}: {what}")
    print(f"{len(breaches)} breaches of the tree's rules")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
