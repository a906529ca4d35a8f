#!/bin/bash
# The whole of it at work, called by `make demo`: a fresh server, the example deployed with the aws command line, the letter
# uploaded and its PDF downloaded, cold and warm times, the function's log, the cost. Everything is under build/demo; the
# server is stopped at the end.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$root/build/demo
lambent=$root/build/lambent
text=${1:-$here/texts/letter.md}

step() { printf '\n== %s\n' "$*"; }

rm -rf "$folder"
mkdir -p "$folder"

step "The server"
"$lambent" serve --data "$folder/data" --port 0 >"$folder/server.out" 2>"$folder/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
until grep -q '^Lambent is ready' "$folder/server.out"; do
    kill -0 "$server" 2>/dev/null || { cat "$folder/server.log" >&2; echo "the server did not start" >&2; exit 1; }
    sleep 0.1
done
cat "$folder/server.out"
eval "$("$lambent" env --data "$folder/data")"
export AWS=$root/build/venv/bin/aws HOME=$root/build AWS_PAGER=

step "Deploy"
"$here/deploy.sh" | tee "$folder/deployed"
eval "$(grep _URL= "$folder/deployed")"

# call WHAT CURL-ARGUMENTS...: prints how long it took; a name under localhost is this machine, whatever the resolver says.
call() {
    local what=$1
    shift
    curl --silent --show-error --fail-with-body --write-out "$what: %{time_total} s\n" "$@"
}

name=$(basename "$text")
step "Upload $name: its spelling is checked, a PDF made and saved"
call "cold" --output "$folder/answer.json" --data-binary "@$text" "$UPLOAD_URL$name"
for _ in 1 2 3; do
    call "warm" --output "$folder/answer.json" --data-binary "@$text" "$UPLOAD_URL$name"
done
"$root/build/venv/bin/python" - "$folder/answer.json" <<'PYTHON'
import json, sys
made = json.load(open(sys.argv[1]))
print(f"{made['pages']} pages, {made['words']} words, {made['bytes']:,} bytes in {made['parts']} items; not in the dictionary:")
for found in made["misspelt"][:12]:
    print(f"  line {found['line']:>3}, column {found['column']:>3}: {found['word']:<12} {', '.join(found['suggestions'])}")
PYTHON

step "Download the PDF"
call "cold" --output "$folder/${name%.*}.pdf" "$DOWNLOAD_URL$name"
call "warm" --output "$folder/${name%.*}.pdf" "$DOWNLOAD_URL$name"
ls -l "$folder/${name%.*}.pdf"
pdftotext -layout -l 1 "$folder/${name%.*}.pdf" - | head -20

step "What the function printed"
"$lambent" logs documents-upload --lines 12 --data "$folder/data"

step "What it would have cost on AWS"
"$lambent" bill --data "$folder/data"

printf '\nThe PDF is %s\n' "$folder/${name%.*}.pdf"
