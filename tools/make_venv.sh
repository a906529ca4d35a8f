#!/bin/bash
# tools/make_venv.sh DIR: the virtual environment with botocore, boto3, the current aws CLI and pytest.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
# The system's python3: the one that Debian's packages bring, whatever else is first in PATH.
/usr/bin/python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
