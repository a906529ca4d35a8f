#!/usr/bin/env python3
"""docs/compatibility.md: which operations of the AWS APIs work, and which are refused.

The list of operations comes from botocore's service models, the ones that the protocol is generated from; an operation
works where the service's header under src/services/ overrides it. What a working operation leaves out stands in
docs/compatibility_notes.toml.

    tools/compatibility.py            fails where docs/compatibility.md is not what would be written now
    tools/compatibility.py --write    writes it
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
GENERATOR = ROOT / "tools/protocol_generator"
PAGE = ROOT / "docs/compatibility.md"
NOTES = ROOT / "docs/compatibility_notes.toml"
WIRE = {"rest-json": "REST-JSON", "json": "AWS JSON 1.0", "query": "Query"}

sys.path.insert(0, str(GENERATOR))
sys.dont_write_bytecode = True

import names  # noqa: E402

sys.path.insert(0, str(ROOT / "tools"))

import tested_operations  # noqa: E402


def services():
    """(service, version) as src/protocol/CMakeLists.txt declares them."""
    declared = (ROOT / "src/protocol/CMakeLists.txt").read_text()
    return re.findall(r"^lambent_protocol\((\w+) ([\d-]+)\)$", declared, re.MULTILINE)


def load_model(service, version, venv):
    import gzip
    import json

    found = subprocess.run(
        [sys.executable, "-B", GENERATOR / "generate.py", "--find", "--venv", venv, "--service", service, "--version", version],
        capture_output=True, text=True, check=True).stdout.strip()
    opener = gzip.open if found.endswith(".gz") else open
    with opener(found, "rt", encoding="utf-8") as file:
        return json.load(file)


def overridden(service):
    """Names of the C++ methods that the service's headers override."""
    methods = set()
    for header in sorted((ROOT / "src/services" / service).glob("*.h")):
        methods |= set(re.findall(r"\b(\w+)\(\s*const [\w:]+& ?\w*,[^()]*\) override;", header.read_text()))
    if not methods:
        sys.exit(f"no operation found in src/services/{service}/*.h: this script reads them wrongly")
    return methods


def section(service, version, model, notes, tests):
    by_method = {names.snake(operation): operation for operation in model["operations"]}
    works = sorted(by_method[method] for method in overridden(service) if method in by_method)
    unknown = overridden(service) - set(by_method)
    if unknown:
        sys.exit(f"{service}: overridden, but not in the model: {sorted(unknown)}")
    stray = set(notes) - set(works)
    if stray:
        sys.exit(f"docs/compatibility_notes.toml: {service} has notes on operations that do not work: {sorted(stray)}")
    untested = [operation for operation in works if (service, operation) not in tests]
    if untested:
        sys.exit(f"{service}: no test in tests/system calls {untested}")
    refused = sorted(set(model["operations"]) - set(works))
    metadata = model["metadata"]
    lines = [f"## {metadata['serviceFullName']}", "",
             f"API version {version}, protocol {WIRE[metadata['protocol']]}. {len(works)} of {len(model['operations'])} "
             f"operations work.", "", "| works | limits | a test |", "| --- | --- | --- |"]
    lines += [f"| {operation} | {notes.get(operation, '')} | {test_link(tests[service, operation])} |".replace("|  |", "| |")
              for operation in works]
    if refused:
        lines += ["", f"Refused ({len(refused)}):", "", wrap(refused)]
    lines.append("")
    return lines


def test_link(test):
    """A link to the test, by its name."""
    file, _, name = test.partition("::")
    return f"[{name.removeprefix('test_')}](../tests/system/{file})"


def wrap(items, width=118):
    lines = [""]
    for item in items:
        word = item + ("." if item is items[-1] else ",")
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def page(venv):
    notes = tomllib.loads(NOTES.read_text())
    lines = [
        "# Compatibility", "",
        "<!-- Written by tools/compatibility.py --write from botocore's models, src/services/*/*.h and",
        "     docs/compatibility_notes.toml. Do not edit. -->", "",
        "Operations by AWS service. The shapes, required members, patterns, lengths and ranges of every operation are",
        "checked as the service model says, whether or not the operation works.", "",
        "An operation that does not work is answered 501 `NotImplementedException`, with a message that names it. A member",
        "that the table calls refused is answered `InvalidParameterValueException` (Lambda) or `ValidationException`",
        "(DynamoDB), with a message that names it. A member that the table does not name may be accepted without effect. A",
        "request that the server takes for no service it has (one signed for another AWS service, for instance) is answered 501.", "",
        "The last column names the system test that calls the operation and the fewest others. Beside it, every operation is",
        "sent requests that break each rule of the model ([test_bad_input.py](../tests/system/test_bad_input.py)), and most name",
        "targets that are not there ([test_wrong_targets.py](../tests/system/test_wrong_targets.py)).", ""]
    models = {service: (version, load_model(service, version, venv)) for service, version in services()}
    tests = tested_operations.tested({service: model for service, (_, model) in models.items()})
    for service, (version, model) in models.items():
        lines += section(service, version, model, notes.get(service, {}), tests)
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--venv", default=ROOT / "build/venv")
    arguments = parser.parse_args()
    text = page(arguments.venv)
    if arguments.write:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        print("docs/compatibility.md is stale: run tools/compatibility.py --write and commit it", file=sys.stderr)
        return 1
    print("docs/compatibility.md is what the code does")
    return 0


if __name__ == "__main__":
    sys.exit(main())
