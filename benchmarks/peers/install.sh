#!/bin/bash
# Installs what the benchmark runs beside Lambent, unless it is there; every failure is a line on standard error, and the
# benchmark then says what it could not measure.
#
#   wrk     from Debian, the load generator: without it nothing can be measured
#   nginx   Debian's package, unpacked into build/bench/nginx: installing it would start a server on port 80
#   npm     workerd, serverless-offline and dynalite, pinned by package-lock.json, into build/bench/peers
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/build/bench
mkdir -p "$out/peers"

install_wrk() {
  command -v wrk >/dev/null && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -q -y --no-install-recommends wrk >&2
}

install_nginx() {
  command -v nginx >/dev/null && return
  [ -x "$out/nginx/usr/sbin/nginx" ] && return
  local work
  work=$(mktemp -d) || return
  # apt downloads as a user of its own, who must be able to write there.
  chmod 755 "$work"
  (cd "$work" && apt-get download -q nginx >&2 && dpkg-deb -x nginx_*.deb "$out/nginx")
  local result=$?
  rm -rf "$work"
  return $result
}

install_npm() {
  local stamp
  stamp=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)
  [ "$(cat "$out/peers/.stamp" 2>/dev/null)" = "$stamp" ] && return
  rm -rf "$out/peers/.stamp" "$out/peers/node_modules"
  cp "$here/package.json" "$here/package-lock.json" "$out/peers/"
  # Not `npm ci`: it refuses the lock where it names no builds of workerd for other systems, which not every registry has.
  (cd "$out/peers" && npm install --no-save --no-audit --no-fund --ignore-scripts >npm.log 2>&1) || { tail -n 5 "$out/peers/npm.log" >&2; return 1; }
  printf '%s\n' "$stamp" >"$out/peers/.stamp"
}

install_wrk || { echo "benchmark: wrk could not be installed" >&2; exit 1; }
install_nginx || echo "benchmark: nginx could not be downloaded; it is left out" >&2
install_npm || echo "benchmark: npm packages could not be installed; workerd, serverless-offline and dynalite are left out" >&2
