#!/bin/bash
# Every test, from fast to slow, with the time of each part. Called by `make test` after the build.
set -eu -o pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
times=()

part() {
  local name=$1 begin=$SECONDS
  shift
  echo "== $name"
  "$@"
  times+=("$(printf '%5d s  %s' $((SECONDS - begin)) "$name")")
}

# Every unit test, with asserts, under AddressSanitizer and UndefinedBehaviorSanitizer; and what fuzzing has found.
unit_tests() {
  cmake --preset asan >/dev/null
  cmake --build --preset asan -j "$jobs" --target unit_tests
  ctest --preset asan -j "$jobs"
}

# The modules that use threads; not the tests that open RocksDB: Debian's is not built for ThreadSanitizer, which then
# sees races where RocksDB synchronises by atomics, and cannot follow their forks.
thread_tests() {
  cmake --preset tsan >/dev/null
  cmake --build --preset tsan -j "$jobs" --target thread_tests
  GTEST_FILTER='-RocksDbStore.*:*/RocksDb:DurabilityTest.*' ctest --preset tsan -L threads -j "$jobs"
}

python_tests() {
  build/venv/bin/python -m pytest -q runtimes/tests tools/protocol_generator
}

clients() { build/venv/bin/python -m pytest -q tests/clients; }
example() { examples/documents/test.sh; }
documents() {
  build/venv/bin/python tools/compatibility.py
  build/venv/bin/python tools/check_docs.py
}
system() { build/venv/bin/python -m pytest tests/system -m 'not soak'; }
hostile() { tools/hostile.sh; }

part "the tree's own rules" tools/tidy.py
part "unit tests under AddressSanitizer and UndefinedBehaviorSanitizer" unit_tests
part "unit tests of modules with threads under ThreadSanitizer" thread_tests
part "runtime clients and protocol generator" python_tests
part "AWS's own runtime clients" clients
part "example: documents" example
part "documents: settings, operations, links, the README's commands" documents
part "system tests" system
part "hostile suite: attacks from inside sandboxes" hostile

echo
echo "all tests passed:"
printf '%s\n' "${times[@]}"
