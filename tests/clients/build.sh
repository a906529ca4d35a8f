#!/bin/sh
# Makes the function folders with AWS's own, unmodified runtime clients, and the smallest possible custom runtime:
#
#   build/clients/awslambdaric/     PyPI awslambdaric, for /usr/bin/python3
#   build/clients/aws-lambda-ric/   npm aws-lambda-ric, with its native add-on built here (a minute or two, once)
#   build/clients/aws-lambda-go/    the Go proxy's aws-lambda-go
#   build/clients/aws-lambda-java/  Maven's aws-lambda-java-runtime-interface-client
#   build/clients/lambda-runtime/   crates.io's lambda_runtime (a minute, once)
#   build/clients/lambda-extension/ crates.io's lambda-extension, as an external extension (a minute, once)
#   build/clients/c-bootstrap/      c_bootstrap.c
#
# Usage: build.sh [NAME ...]; all of them by default. LAMBENT_CLIENTS_DIR sets another place than build/clients.
# Each folder is what goes into the zip of a `provided.al2023` function. Needs packages.txt and, of the network, the
# registries of PyPI, npm, Go, Maven and crates.io only. A folder whose stamp is up to date is left as it is, and one that this user has built
# before, in another worktree, is copied from LAMBENT_CACHE_DIR (~/.cache/lambent).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${LAMBENT_CLIENTS_DIR:-$here/../../build/clients}
mkdir -p "$out/.stamps" "$out/.work"
out=$(cd "$out" && pwd)
cache=${LAMBENT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/lambent}/clients
mkdir -p "$cache"

awslambdaric_version=4.2.2
aws_lambda_ric_version=3.3.0 # the last one that works with Node.js 18
recipe=1                     # raise it when the way of building changes, so that every folder is made anew

# up_to_date NAME CONTENT: whether the folder was made from just this content, now or as found in the cache.
# Leaves the new stamp in $stamp.
up_to_date() {
    stamp=$(printf '%s\n' "$recipe $2" | sha256sum | cut -c 1-64)
    [ -d "$out/$1" ] && [ "$(cat "$out/.stamps/$1" 2>/dev/null)" = "$stamp" ] && return
    [ -d "$cache/$1-$stamp" ] || return 1
    begin "$1"
    cp -R "$cache/$1-$stamp/." "$work/"
    publish "$1"
}

# publish NAME: the finished folder $work takes its place, then the stamp says so.
publish() {
    rm -f "$out/.stamps/$1"
    rm -rf "${out:?}/$1"
    mv "$work" "$out/$1"
    printf '%s\n' "$stamp" >"$out/.stamps/$1"
    if [ ! -d "$cache/$1-$stamp" ]; then
        cp -R "$out/$1" "$cache/$1-$stamp.$$"
        mv -T "$cache/$1-$stamp.$$" "$cache/$1-$stamp" 2>/dev/null || rm -rf "$cache/$1-$stamp.$$"
    fi
    echo "made $out/$1"
}

begin() {
    work=$out/.work/$1
    rm -rf "$work"
    mkdir -p "$work"
}

build_awslambdaric() {
    up_to_date awslambdaric "$awslambdaric_version $(cat "$here"/awslambdaric/*; /usr/bin/python3 -VV)" && return
    begin awslambdaric
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$work" \
        "awslambdaric==$awslambdaric_version"
    cp "$here"/awslambdaric/* "$work/"
    publish awslambdaric
}

build_aws_lambda_ric() {
    up_to_date aws-lambda-ric "$aws_lambda_ric_version $(cat "$here"/aws-lambda-ric/*; uname -m)" && return
    begin aws-lambda-ric
    scratch=$out/.work/npm
    rm -rf "$scratch"
    mkdir -p "$scratch"
    echo '{"private": true}' >"$scratch/package.json"
    # nodedir: node-gyp takes the headers of the installed node instead of downloading them.
    prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
    [ -e "$prefix/include/node/node_api.h" ] || { echo "no Node.js headers in $prefix/include/node" >&2; exit 1; }
    if ! (cd "$scratch" && npm_config_nodedir=$prefix MAKEFLAGS="-j$(nproc)" \
        npm install --no-audit --no-fund --foreground-scripts "aws-lambda-ric@$aws_lambda_ric_version" >log 2>&1); then
        tail -n 40 "$scratch/log" >&2
        exit 1
    fi
    # Its dependencies serve the build only; the client itself imports nothing but node.
    mkdir -p "$work/node_modules/aws-lambda-ric"
    (cd "$scratch/node_modules/aws-lambda-ric" && cp -R bin dist package.json LICENSE NOTICE "$work/node_modules/aws-lambda-ric/")
    cp "$here"/aws-lambda-ric/* "$work/"
    rm -rf "$scratch"
    publish aws-lambda-ric
}

build_aws_lambda_go() {
    up_to_date aws-lambda-go "$(cat "$here"/aws-lambda-go/*; go version)" && return
    begin aws-lambda-go
    (cd "$here/aws-lambda-go" && GOPATH=${GOPATH:-$out/../go} GOFLAGS="-mod=readonly -modcacherw" CGO_ENABLED=0 \
        go build -trimpath -ldflags='-s -w' -tags lambda.norpc -o "$work/bootstrap" .)
    publish aws-lambda-go
}

build_aws_lambda_java() {
    up_to_date aws-lambda-java "$(cat "$here"/aws-lambda-java/*; javac -version 2>&1)" && return
    begin aws-lambda-java
    mvn -q -B -f "$here/aws-lambda-java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
    javac -encoding UTF-8 -cp "$work/lib/*" -d "$work" "$here/aws-lambda-java/App.java"
    cp "$here/aws-lambda-java/bootstrap" "$work/"
    publish aws-lambda-java
}

build_lambda_runtime() {
    up_to_date lambda-runtime "$(cat "$here"/lambda-runtime/Cargo.* "$here"/lambda-runtime/src/*; cargo --version)" && return
    begin lambda-runtime
    scratch=$out/.work/cargo
    (cd "$here/lambda-runtime" && CARGO_TARGET_DIR=$scratch cargo build --release --locked --quiet)
    cp "$scratch/release/bootstrap" "$work/"
    rm -rf "$scratch"
    publish lambda-runtime
}

build_lambda_extension() {
    up_to_date lambda-extension "$(cat "$here"/lambda-extension/Cargo.* "$here"/lambda-extension/src/*; cargo --version)" && return
    begin lambda-extension
    scratch=$out/.work/cargo-extension
    (cd "$here/lambda-extension" && CARGO_TARGET_DIR=$scratch cargo build --release --locked --quiet)
    cp "$scratch/release/forwarder" "$work/"
    rm -rf "$scratch"
    publish lambda-extension
}

build_c_bootstrap() {
    up_to_date c-bootstrap "$(cat "$here/c_bootstrap.c")" && return
    begin c-bootstrap
    cc -O2 -static -Wall -Wextra -s -o "$work/bootstrap" "$here/c_bootstrap.c"
    publish c-bootstrap
}

[ $# -gt 0 ] || set -- c-bootstrap awslambdaric aws-lambda-ric aws-lambda-go aws-lambda-java lambda-runtime lambda-extension
for name in "$@"; do
    case $name in
    awslambdaric) build_awslambdaric ;;
    aws-lambda-ric) build_aws_lambda_ric ;;
    aws-lambda-go) build_aws_lambda_go ;;
    aws-lambda-java) build_aws_lambda_java ;;
    lambda-runtime) build_lambda_runtime ;;
    lambda-extension) build_lambda_extension ;;
    c-bootstrap) build_c_bootstrap ;;
    *) echo "unknown client: $name" >&2; exit 2 ;;
    esac
done
