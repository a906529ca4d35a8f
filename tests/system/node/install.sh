#!/bin/sh
# Installs the npm packages of package.json into build/node, unless the same ones are there; prints nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../build/node}
mkdir -p "$out"
stamp=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)
[ "$(cat "$out/.stamp" 2>/dev/null)" = "$stamp" ] && [ -d "$out/node_modules" ] || {
    rm -rf "$out/.stamp" "$out/node_modules"
    cp "$here/package.json" "$here/package-lock.json" "$out/"
    (cd "$out" && npm ci --no-audit --no-fund --ignore-scripts >log 2>&1) || { tail -n 40 "$out/log" >&2; exit 1; }
    printf '%s\n' "$stamp" >"$out/.stamp"
}
# Modules are found from the file's own folder upwards.
cp "$here/sdk.mjs" "$out/"
