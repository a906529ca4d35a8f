#!/bin/bash
# The hostile suite on build/lambent: attacks from inside real sandboxes. Ends with the table of cases: which hold, and
# which cannot be tested on this machine and why. Further arguments are pytest's: tools/hostile.sh -k memory
set -eu -o pipefail
cd "$(dirname "$0")/.."
exec build/venv/bin/python -m pytest tests/hostile "$@"
