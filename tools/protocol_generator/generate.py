#!/usr/bin/env python3
"""Writes the C++ of one service's protocol from botocore's model of it.

    generate.py --model PATH --service lambda --out FOLDER       writes FOLDER/{types.h,service.h,…}
    generate.py --find --venv VENV --service lambda --version 2015-03-31     prints the model's path

Files are rewritten only where their content changes, so that an edit of the generator costs few recompiles.
"""

import argparse
import json
import sys
from pathlib import Path

from emit_patterns import emit_patterns
from emit_service import emit_service_header, emit_service_source
from emit_tables import emit_tables, emit_tables_header
from emit_types import emit_types
from model import ModelError, Service, find_model, read_json

TABLE_PARTS = 2  # more parts compile in parallel but read types.h once more each


def outputs(service: Service) -> dict[str, str]:
    files = {
        "types.h": emit_types(service),
        "service.h": emit_service_header(service),
        "tables.h": emit_tables_header(service),
        "service.cpp": emit_service_source(service),
        "patterns.cpp": emit_patterns(service),
    }
    for part in range(TABLE_PARTS):
        files[f"tables_{part}.cpp"] = emit_tables(service, part, TABLE_PARTS)
    return files


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != content:
            path.write_text(content)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", required=True)
    parser.add_argument("--version")
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--find", action="store_true")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    try:
        if args.find:
            print(find_model(args.venv, args.service, args.version))
            return 0
        quirks = json.loads((Path(__file__).parent / "quirks.json").read_text()).get(args.service, {})
        write(args.out, outputs(Service(args.service, read_json(args.model), quirks)))
    except ModelError as error:
        print(f"protocol generator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
