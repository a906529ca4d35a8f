"""What the tests of the functions API share: fixtures (imported by name), and errors as values."""

import base64
import hashlib
import urllib.error
import urllib.request
from functools import partial

import pytest
from botocore.exceptions import ClientError

from lambent import ROLE, make_zip, new_name

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}


@pytest.fixture
def client(server):
    return server.client("lambda")


def create_with(client, files=None, **members):
    """The answer of CreateFunction."""
    members = {
        "FunctionName": new_name(),
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": ROLE,
        "Code": {"ZipFile": make_zip(files or ECHO)},
        **members,
    }
    return client.create_function(**{k: v for k, v in members.items() if v is not None})


@pytest.fixture
def create(client):
    """create(files=…, **members) -> the answer of CreateFunction."""
    return partial(create_with, client)


def refused(call, *arguments, **members):
    """(status, code, message) of the error that the call must give."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    response = caught.value.response
    return (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"])


def arn_of(name):
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


def not_found(name):
    return (404, "ResourceNotFoundException", f"Function not found: {arn_of(name)}")


def sha256_base64(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def fetch(url, method="GET", body=None, headers=None):
    """(status, headers, body) whatever the status."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
