#!/bin/sh
# Deploys the document service with the aws command line alone, to AWS or to whatever AWS_ENDPOINT_URL names. Run it again
# after a change: what is there is updated.
#
#   ./deploy.sh            packs (pack.sh), then deploys; prints the two URLs
#
#   AWS        the aws command (default: aws)
#   OUT        where the zips are (default: build/examples/documents); PACK=no takes them as they are there
#   ROLE       the functions' role (Lambent takes any; on AWS it needs the table's PutItem, DeleteItem, Query and Scan)
#   AUTH_TYPE  of the URLs: NONE (default) or AWS_IAM
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$here/../../build/examples/documents}
aws=${AWS:-aws}
role=${ROLE:-arn:aws:iam::000000000000:role/documents}
table=${DOCUMENTS_TABLE:-documents}
auth=${AUTH_TYPE:-NONE}
export AWS_PAGER=
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-${AWS_REGION:-}}" # the aws command of PyPI reads only this one
[ -n "$AWS_DEFAULT_REGION" ] || unset AWS_DEFAULT_REGION

say() { printf '%s\n' "$*"; }

# exists COMMAND...: whether the thing is there; any failure but "not found" ends the script.
exists() {
    if problem=$("$@" 2>&1 >/dev/null); then
        return 0
    fi
    case $problem in
    *ResourceNotFoundException*) return 1 ;;
    *) say "$problem" >&2; exit 1 ;;
    esac
}

create_table() {
    if exists "$aws" dynamodb describe-table --table-name "$table"; then
        say "table $table: is there"
        return
    fi
    "$aws" dynamodb create-table --table-name "$table" --billing-mode PAY_PER_REQUEST \
        --attribute-definitions AttributeName=name,AttributeType=S AttributeName=part,AttributeType=S \
        --key-schema AttributeName=name,KeyType=HASH AttributeName=part,KeyType=RANGE >/dev/null
    "$aws" dynamodb wait table-exists --table-name "$table"
    say "table $table: created"
}

# put_function NAME HANDLER ZIP MEMORY
put_function() {
    settings="--function-name $1 --runtime $runtime --handler $2 --role $role --timeout 60 --memory-size $4"
    variables="Variables={DOCUMENTS_TABLE=$table}"
    if exists "$aws" lambda get-function-configuration --function-name "$1"; then
        "$aws" lambda update-function-code --function-name "$1" --zip-file "fileb://$3" >/dev/null
        "$aws" lambda wait function-updated-v2 --function-name "$1"
        # shellcheck disable=SC2086  # the settings are words
        "$aws" lambda update-function-configuration $settings --environment "$variables" >/dev/null
        "$aws" lambda wait function-updated-v2 --function-name "$1"
        say "function $1: updated"
    else
        # shellcheck disable=SC2086
        "$aws" lambda create-function $settings --environment "$variables" --zip-file "fileb://$3" >/dev/null
        "$aws" lambda wait function-active-v2 --function-name "$1"
        say "function $1: created"
    fi
}

# put_url NAME: a URL of AuthType NONE also needs the permission for everyone to call it, on AWS.
put_url() {
    if exists "$aws" lambda get-function-url-config --function-name "$1"; then
        "$aws" lambda update-function-url-config --function-name "$1" --auth-type "$auth" >/dev/null
    else
        "$aws" lambda create-function-url-config --function-name "$1" --auth-type "$auth" >/dev/null
    fi
    if [ "$auth" = NONE ] && [ -z "${AWS_ENDPOINT_URL:-}" ]; then
        "$aws" lambda add-permission --function-name "$1" --statement-id public --principal '*' \
            --action lambda:InvokeFunctionUrl --function-url-auth-type NONE >/dev/null 2>&1 || true # is there already
    fi
    "$aws" lambda get-function-url-config --function-name "$1" --query FunctionUrl --output text
}

[ "${PACK:-yes}" = no ] || "$here/pack.sh"
runtime=$(cat "$out/runtime")
create_table
put_function documents-upload upload.handler "$out/upload.zip" 1024
put_function documents-download download.handler "$out/download.zip" 512
upload_url=$(put_url documents-upload)
download_url=$(put_url documents-download)
say "UPLOAD_URL=$upload_url"
say "DOWNLOAD_URL=$download_url"
