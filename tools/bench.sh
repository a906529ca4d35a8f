#!/bin/bash
# Speed and memory of build/lambent, beside other programs in the same minutes. Arguments go to benchmarks/bench.py; without
# any, the creation of sandboxes is measured by itself too.
set -eu -o pipefail
cd "$(dirname "$0")/.."
tests/clients/build.sh c-bootstrap >&2
benchmarks/peers/install.sh
if [ $# -eq 0 ]; then
  cmake --build --preset release --target sandbox_launch_benchmark >&2
  for ready in 0 2; do
    echo "creation of a sandbox: $(build/release/src/sandbox/sandbox_launch_benchmark 200 "$ready")"
  done
fi
exec build/venv/bin/python benchmarks/bench.py "$@"
