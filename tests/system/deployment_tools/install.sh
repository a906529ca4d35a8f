#!/bin/sh
# Installs the deployment tools of package.json and requirements.txt into build/deployment_tools, unless the same ones are
# there; prints nothing. What this user has installed before, in another worktree, is copied from LAMBENT_CACHE_DIR
# (~/.cache/lambent).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../.." && pwd)/build
out=$build/deployment_tools
cache=${LAMBENT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/lambent}/deployment_tools
mkdir -p "$out" "$cache"

# up_to_date NAME CONTENT: whether $out/NAME was made from just this content, now or as found in the cache.
up_to_date() {
    stamp=$(printf '%s\n' "$2" | sha256sum | cut -c 1-64)
    [ "$(cat "$out/$1.stamp" 2>/dev/null)" = "$stamp" ] && [ -d "$out/$1" ] && return
    rm -rf "${out:?}/$1" "$out/$1.stamp"
    [ -d "$cache/$1-$stamp" ] || return 1
    cp -R "$cache/$1-$stamp" "$out/$1"
    printf '%s\n' "$stamp" >"$out/$1.stamp"
}

publish() {
    printf '%s\n' "$stamp" >"$out/$1.stamp"
    cp -R "$out/$1" "$cache/$1-$stamp.$$"
    mv -T "$cache/$1-$stamp.$$" "$cache/$1-$stamp" 2>/dev/null || rm -rf "$cache/$1-$stamp.$$"
}

quietly() { "$@" >"$out/log" 2>&1 || { tail -n 40 "$out/log" >&2; exit 1; }; }

if ! up_to_date npm "$(cat "$here/package.json" "$here/package-lock.json")"; then
    mkdir -p "$out/npm"
    cp "$here/package.json" "$here/package-lock.json" "$out/npm/"
    quietly npm --prefix "$out/npm" ci --no-audit --no-fund --ignore-scripts
    publish npm
fi
# Modules only, without the absolute paths of a virtual environment; its scripts are run by our Python with PYTHONPATH.
python=$build/venv/bin/python
if ! up_to_date python "$(cat "$here/requirements.txt"; "$python" -VV)"; then
    quietly "$python" -m pip install --quiet --disable-pip-version-check --target "$out/python" -r "$here/requirements.txt"
    publish python
fi
