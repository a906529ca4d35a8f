#!/bin/bash
# Speed of this build: cold starts and warm calls of each kind of runtime, beside the bare interpreters in the same run.
set -eu -o pipefail
cd "$(dirname "$0")/.."
tests/clients/build.sh
exec build/venv/bin/python benchmarks/cold_and_warm.py "$@"
