#!/bin/bash
# Installs the Debian packages that building and testing need (Debian 12, Ubuntu 24.04), with sudo where not root.
# Prints nothing but progress; does nothing where all are there.
set -eu -o pipefail
cd "$(dirname "$0")/.."

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
# A fresh machine has no lists of packages yet; which ones it has decides below.
apt-cache show ninja-build >/dev/null 2>&1 || "${as_root[@]}" apt-get update -q || true

build_packages=(
  git make cmake ninja-build ccache pkg-config ca-certificates python3 python3-venv
  clang-19 lld-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev
  libssl-dev libsimdjson-dev librocksdb-dev libzip-dev libseccomp-dev
  libcli11-dev libtomlplusplus-dev libfmt-dev zlib1g-dev
  libgtest-dev libgmock-dev libnode-dev
)
# Ubuntu 24.04 has Boost 1.83 where Debian 12 has 1.81.
if apt-cache show libboost1.81-dev >/dev/null 2>&1; then boost=1.81; else boost=1.83; fi
build_packages+=("libboost${boost}-dev" "libboost-json${boost}-dev" "libboost-url${boost}-dev")

# What functions run on, what the tests drive them with, and what reads the demo's PDF.
run_packages=(nodejs npm poppler-utils curl zip unzip iproute2 procps gcc libc6-dev)
# Runtimes, and the test that every allowed system call is needed: programs of each family, watched by strace.
run_packages+=(ruby openjdk-17-jdk-headless musl-tools strace)
# Builds the checker of linearizability, Porcupine.
run_packages+=(golang-go)
mapfile -t client_packages < <(grep -vE '^\s*(#|$)' tests/clients/packages.txt 2>/dev/null || true)

wanted=("${build_packages[@]}" "${run_packages[@]}" "${client_packages[@]}")
missing=()
for package in "${wanted[@]}"; do
  # A tool that came otherwise (Node.js from its makers' packages, for instance) counts.
  case "$package" in
    nodejs) command -v node >/dev/null && continue ;;
    golang-go) command -v go >/dev/null && continue ;;
    ruby) command -v ruby >/dev/null && continue ;;
    openjdk-17-jdk-headless) command -v javac >/dev/null && continue ;;
    maven) command -v mvn >/dev/null && continue ;;
    cargo)
      command -v cargo >/dev/null && continue
      # Debian 12's own cannot read today's crates.io; the one that its browsers are built with can.
      apt-cache show cargo-web >/dev/null 2>&1 && package=cargo-web ;;
    npm) command -v npm >/dev/null && continue ;;
    libnode-dev) [ -e /usr/include/node/node_api.h ] && continue ;;
  esac
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "tools/packages.sh: run as root, or install sudo. Missing: ${missing[*]}" >&2; exit 1; }
fi
echo "installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
