#!/bin/bash
# The long forms of the tests: repeated kills of the server under load, forks of templates, and fuzzing. Times and counts
# by variables:
#   KILLS=200 FORKS=100000 FUZZ_SECONDS=600 tools/soak.sh
set -eu -o pipefail
cd "$(dirname "$0")/.."
export KILLS=${KILLS:-200}
fuzz_seconds=${FUZZ_SECONDS:-600}

build/venv/bin/python -m pytest tests/system -m soak
FORKS=${FORKS:-100000} build/venv/bin/python -m pytest -s runtimes/tests/test_fork_hygiene.py

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$(nproc)"
for target in build/fuzz/fuzz/*_fuzz; do
  name=$(basename "$target" _fuzz)
  found=build/fuzz/corpus/$name
  mkdir -p "$found"
  echo "== fuzzing $name for $fuzz_seconds s"
  "$target" -max_total_time="$fuzz_seconds" -print_final_stats=1 "$found" fuzz/corpus/"$name"
done
