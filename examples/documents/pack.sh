#!/bin/sh
# Packs the two functions as one packs them for AWS: dependencies from PyPI by `pip install --target`, code beside them.
#
#   ./pack.sh [--slim]     makes upload.zip and download.zip in build/examples/documents of the repository
#
#   PYTHON     the interpreter to pack for and with, of the version the functions run on, and with pip (default: that of
#              build/venv, which make builds, or else python3)
#   OUT        where to pack (default: build/examples/documents)
#   --slim     leaves out what the two functions never use: botocore's descriptions of services other than DynamoDB and
#              STS (nine tenths of it). What is left is no longer the SDK as it was published, so this is not the default.
#
# The same sources and the same interpreter make the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$here/../../build/examples/documents}
python=${PYTHON:-$here/../../build/venv/bin/python}
[ -x "$python" ] || command -v "$python" >/dev/null || python=python3
slim=no
[ "${1:-}" = --slim ] && slim=yes

mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')

# compile_modules FOLDER [OPTIONS]: the code is read-only where it runs, so what is not compiled here is compiled at every
# cold start. The compiled modules name the folder that they run in, not the one they were packed in.
compile_modules() {
    folder=$1
    shift
    PYTHONHASHSEED=0 "$python" -m compileall -q "$@" --invalidation-mode unchecked-hash -s "$folder" -p /var/task "$folder"
}

# install FUNCTION REQUIREMENTS: keeps what is there when nothing that decides about it has changed.
install() {
    wanted=$(cat "$here"/requirements*.txt "$here/pack.sh" | sha256sum | cut -d' ' -f1)-$version-$slim
    [ "$(cat "$out/$1.stamp" 2>/dev/null)" = "$wanted" ] && return
    rm -rf "$out/$1" "$out/$1.stamp"
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: \
        --target "$out/$1" --requirement "$here/$2"
    rm -rf "$out/$1/bin"
    if [ "$1" = upload ]; then
        "$python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: --no-deps \
            --target "$out/fonts.tmp" --requirement "$here/requirements-fonts.txt"
        mkdir "$out/$1/ttf"
        for family in Serif Sans SansMono; do
            cp "$out/fonts.tmp/matplotlib/mpl-data/fonts/ttf/DejaVu$family.ttf" \
                "$out/fonts.tmp/matplotlib/mpl-data/fonts/ttf/DejaVu$family"-*.ttf "$out/$1/ttf"
        done
        cp "$out/fonts.tmp/matplotlib/mpl-data/fonts/ttf/LICENSE_DEJAVU" "$out/$1/ttf"
        rm -rf "$out/fonts.tmp"
    fi
    if [ $slim = yes ]; then
        find "$out/$1/botocore/data" -mindepth 1 -maxdepth 1 -type d ! -name dynamodb ! -name sts -exec rm -r {} +
    fi
    compile_modules "$out/$1"
    echo "$wanted" >"$out/$1.stamp"
}

# pack FUNCTION MODULES...
pack() {
    function=$1
    shift
    for module in "$@"; do
        cp "$here/$module.py" "$out/$function"
    done
    compile_modules "$out/$function" -f -l
    "$python" "$here/zip.py" "$out/$function" "$out/$function.zip"
    echo "$out/$function.zip: $(($(stat -c %s "$out/$function.zip") / 1000)) kB for $version"
}

install upload requirements.txt
install download requirements-download.txt
pack upload upload events storage markup spelling fonts layout pdf
pack download download events storage
echo "$version" >"$out/runtime"
