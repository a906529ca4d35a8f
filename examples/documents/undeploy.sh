#!/bin/sh
# Takes away what deploy.sh made, the saved documents too. What is not there is passed over.
set -eu
aws=${AWS:-aws}
table=${DOCUMENTS_TABLE:-documents}
export AWS_PAGER=
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-${AWS_REGION:-}}" # the aws command of PyPI reads only this one
[ -n "$AWS_DEFAULT_REGION" ] || unset AWS_DEFAULT_REGION

# remove WHAT COMMAND...
remove() {
    what=$1
    shift
    if problem=$("$@" 2>&1 >/dev/null); then
        printf '%s: deleted\n' "$what"
        return
    fi
    case $problem in
    *ResourceNotFoundException*) printf '%s: is not there\n' "$what" ;;
    *) printf '%s\n' "$problem" >&2; exit 1 ;;
    esac
}

for function in documents-upload documents-download; do
    remove "URL of $function" "$aws" lambda delete-function-url-config --function-name "$function"
    remove "function $function" "$aws" lambda delete-function --function-name "$function"
done
remove "table $table" "$aws" dynamodb delete-table --table-name "$table"
"$aws" dynamodb wait table-not-exists --table-name "$table"
