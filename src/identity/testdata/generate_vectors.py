"""Writes sigv4_vectors.txt: requests signed by botocore, for verifier_test.cpp to check.

    build/venv/bin/python src/identity/testdata/generate_vectors.py > src/identity/testdata/sigv4_vectors.txt

One case is a block of "key value" lines closed by a blank line; header values and the body are base64.
"""

import base64
import datetime
import json
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2026, 11, 23, 5, 34, 0, tzinfo=datetime.timezone.utc)
HOST = "http://127.0.0.1:4566"
TABLE = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Content-Type": "application/x-amz-json-1.0"}

CASES = [
    ("plain GET", "lambda", "GET", "/2015-03-31/functions/", {}, b""),
    ("query that needs sorting", "lambda", "GET", "/2015-03-31/functions?b=2&a=9&a=10&a=&Z=1", {}, b""),
    ("query with escapes", "lambda", "GET", "/f?Marker=a%2Fb%20c%2B%3D&q=%C3%A9~-_.", {}, b""),
    ("query key without a value", "lambda", "GET", "/f?flag=", {}, b""),
    ("ARN in the path", "lambda", "POST",
     "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello/invocations",
     {"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail"}, b'{"n": 1}'),
    ("path to be normalised", "lambda", "GET", "/a/./b/../c//d/", {}, b""),
    ("path with a space and UTF-8", "lambda", "GET", "/a%20b/%E6%BC%A2", {}, b""),
    ("table call", "dynamodb", "POST", "/", TABLE, json.dumps({"TableName": "t"}).encode()),
    ("header with inner spaces", "lambda", "GET", "/f", {"X-Amz-Meta": "  a   b  c "}, b""),
    ("form of a query service", "sts", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
     b"Action=GetCallerIdentity&Version=2011-06-15"),
    ("binary body", "lambda", "POST", "/f", {}, bytes(range(256)) * 8),
]


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def show(name, service, request, token):
    url = urlsplit(request.url)
    headers = dict(request.headers.items())
    headers.setdefault("Host", url.netloc)
    print("case", name)
    print("service", service)
    print("token", token or "-")
    print("method", request.method)
    print("path", url.path)
    print("query", url.query)
    for key, value in headers.items():
        print("header", key, b64(value))
    print("body", b64(request.body or b""))
    print()


def main():
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: NOW.replace(tzinfo=None)):
        for token in (None, "FwoGZXIvYXdzEXAMPLE/token+=="):
            credentials = Credentials(ACCESS, SECRET, token)
            suffix = " with a session token" if token else ""
            for name, service, method, path, headers, body in CASES:
                request = AWSRequest(method, HOST + path, dict(headers), body)
                botocore.auth.SigV4Auth(credentials, service, "eu-central-1").add_auth(request)
                show(name + suffix, service, request, token)
            for service, signer in (("lambda", botocore.auth.SigV4QueryAuth), ("s3", botocore.auth.S3SigV4QueryAuth)):
                request = AWSRequest("GET", HOST + "/code/a%20b//c?x=1&y=", {}, b"")
                signer(credentials, service, "eu-central-1", expires=600).add_auth(request)
                show(f"presigned for {service}{suffix}", service, request, token)


main()
