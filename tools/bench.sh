#!/bin/bash
# Speed and memory of build/lambent, beside other programs in the same minutes. Arguments go to benchmarks/bench.py.
set -eu -o pipefail
cd "$(dirname "$0")/.."
tests/clients/build.sh c-bootstrap >&2
benchmarks/peers/install.sh
exec build/venv/bin/python benchmarks/bench.py "$@"
