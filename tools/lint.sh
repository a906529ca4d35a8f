#!/bin/bash
# Formatting, the tree's own rules, and clang-tidy over every source file. Slow: several minutes on two cores.
set -eu -o pipefail
cd "$(dirname "$0")/.."
tools/tidy.py
git ls-files '*.h' '*.cpp' | xargs clang-format-19 --dry-run -Werror
git ls-files 'src/*.cpp' | xargs -P "$(nproc)" -n 4 clang-tidy-19 -p build/release --quiet
echo "lint: clean"
