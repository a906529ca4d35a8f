#!/bin/sh
# Packs the functions and runs the example's tests on the package, in a virtual environment of their own.
#
#   ./test.sh [pytest arguments]        PYTHON and OUT as for pack.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
OUT=${OUT:-$here/../../build/examples/documents}
PYTHON=${PYTHON:-$here/../../build/venv/bin/python}
[ -x "$PYTHON" ] || command -v "$PYTHON" >/dev/null || PYTHON=python3
export OUT PYTHON
"$here/pack.sh"
OUT=$(cd "$OUT" && pwd)
wanted=$(sha256sum <"$here/requirements-test.txt")
if [ "$(cat "$OUT/venv.stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$OUT/venv"
    "$PYTHON" -m venv "$OUT/venv"
    "$OUT/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-test.txt"
    echo "$wanted" >"$OUT/venv.stamp"
fi
DOCUMENTS_PACKAGE=$OUT/upload exec "$OUT/venv/bin/python" -m pytest -q -p no:cacheprovider "$here/tests" "$@"
