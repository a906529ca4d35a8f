"""Function URLs as their visitors see them: the event, the answer, CORS, signatures; and their operations."""

import json
import urllib.error

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from functions_api import client, create, fetch, refused  # noqa: F401

URL_ECHO = {"app.py": "def handler(event, context):\n    return event\n"}


@pytest.fixture
def create_url(client, create):
    def make(files, auth_type="NONE", **members):
        name = create(files=files)["FunctionName"]
        made = client.create_function_url_config(FunctionName=name, AuthType=auth_type, **members)
        return name, made["FunctionUrl"]

    return make


def test_url_configs_are_created_shown_changed_listed_and_deleted(client, create):
    name = create()["FunctionName"]
    missing = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert refused(client.get_function_url_config, FunctionName=name) == missing
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60}
    made = client.create_function_url_config(FunctionName=name, AuthType="NONE", Cors=cors)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionUrl"].startswith("http://") and made["FunctionUrl"].endswith("/")
    assert made["Cors"] == cors and made["InvokeMode"] == "BUFFERED"
    status, code, message = refused(client.create_function_url_config, FunctionName=name, AuthType="NONE")
    assert (status, code) == (409, "ResourceConflictException") and "FunctionUrlConfig exists" in message
    client.update_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    shown = client.get_function_url_config(FunctionName=name)
    assert (shown["AuthType"], shown["FunctionUrl"], shown["Cors"]) == ("AWS_IAM", made["FunctionUrl"], cors)
    assert [u["FunctionUrl"] for u in client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]] == [
        made["FunctionUrl"]]
    client.delete_function_url_config(FunctionName=name)
    assert refused(client.delete_function_url_config, FunctionName=name) == missing
    assert client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []
    assert fetch(made["FunctionUrl"])[0] == 404


def test_url_configs_refuse_wrong_members(server, create):
    name = create()["FunctionName"]
    client = server.client("lambda", config={"parameter_validation": False})
    for members in ({"AuthType": "PASSWORD"}, {"AuthType": "NONE", "InvokeMode": "SOMEHOW"},
                    {"AuthType": "NONE", "Cors": {"MaxAge": 86401}},
                    {"AuthType": "NONE", "Cors": {"AllowMethods": ["BREW"]}}, {}):
        assert refused(client.create_function_url_config, FunctionName=name, **members)[:2] == (
            400, "ValidationException"), members
    assert refused(client.create_function_url_config, FunctionName=name, AuthType="NONE", Qualifier="live")[:2] == (
        404, "ResourceNotFoundException")


def test_the_event_of_a_url_is_payload_format_2(create_url):
    _, url = create_url(URL_ECHO)
    status, headers, body = fetch(url + "a%20b/c?x=1&x=2&y=%C3%A9&z", "POST", b'{"k": 1}', {
        "Content-Type": "application/json", "Cookie": "a=1; b=2", "X-Mixed-Case": "Value", "User-Agent": "the test"})
    assert status == 200 and headers["Content-Type"] == "application/json"
    event = json.loads(body)
    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b/c", "x=1&x=2&y=%C3%A9&z")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "é", "z": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-mixed-case"] == "Value" and "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"k": 1}', False)
    context = event["requestContext"]
    assert context["http"] == {"method": "POST", "path": "/a%20b/c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                               "userAgent": "the test"}
    assert (context["accountId"], context["stage"], context["routeKey"]) == ("anonymous", "$default", "$default")
    assert context["apiId"] == context["domainPrefix"] and context["apiId"] in url
    assert context["requestId"] == headers["x-amzn-RequestId"]
    assert isinstance(context["timeEpoch"], int) and context["time"].endswith(" +0000")


def test_the_host_form_of_a_url_works_too(server, create_url, client):
    name, _ = create_url(URL_ECHO)
    url_id = client.get_function_url_config(FunctionName=name)["FunctionUrl"].rstrip("/").split("/")[-1].split(".")[0]
    host = f"{url_id}.lambda-url.us-east-1.localhost"
    status, _, body = fetch(server.endpoint + "/some/path", headers={"Host": host})
    event = json.loads(body)
    assert status == 200 and event["rawPath"] == "/some/path"
    assert event["requestContext"]["domainName"] == host


def test_binary_bodies_go_both_ways(create_url):
    _, url = create_url({"app.py": """
import base64
def handler(event, context):
    assert event["isBase64Encoded"]
    data = base64.b64decode(event["body"])
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True,
            "body": base64.b64encode(data[::-1]).decode()}
"""})
    data = bytes(range(256)) * 100
    status, headers, body = fetch(url, "POST", data, {"Content-Type": "image/png"})
    assert (status, headers["Content-Type"], body) == (200, "image/png", data[::-1])


def test_a_function_decides_status_headers_and_cookies(create_url):
    _, url = create_url({"app.py": """
def handler(event, context):
    return {"statusCode": 418, "headers": {"X-Tea": "pot", "Content-Type": "text/plain"},
            "cookies": ["a=1; Path=/", "b=2"], "body": "short and stout"}
"""})
    status, headers, body = fetch(url)
    assert (status, headers["X-Tea"], body) == (418, "pot", b"short and stout")
    assert headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2"]
    status, headers, body = fetch(url, "HEAD")
    assert (status, headers["X-Tea"], body) == (418, "pot", b"")


@pytest.mark.parametrize("answer, body", [('"text"', b'"text"'), ("None", b"null"), ("[1, 2]", b"[1, 2]"),
                                          ('{"a": 1}', b'{"a": 1}')])
def test_any_other_answer_is_json_with_200(create_url, answer, body):
    _, url = create_url({"app.py": f"def handler(e, c): return {answer}\n"})
    status, headers, got = fetch(url)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(got) == json.loads(body)


@pytest.mark.parametrize("code", [
    "raise ValueError('secret')", "return {'statusCode': 'many'}", "return {'statusCode': 100}",
    "return {'statusCode': 200, 'headers': {'X-A': '1\\r\\nX-Split: 2'}}",
    "return {'statusCode': 200, 'isBase64Encoded': True, 'body': '%%%'}", "return {'statusCode': 200, 'cookies': 'a'}",
    "import os; os._exit(3)",
])
def test_broken_answers_are_a_bad_gateway_that_tells_nothing(create_url, code):
    _, url = create_url({"app.py": f"def handler(e, c): {code}\n"})
    status, headers, body = fetch(url)
    assert status == 502 and b"secret" not in body and "X-Split" not in headers


def test_urls_refuse_bodies_over_six_megabytes(create_url):
    _, url = create_url({"app.py": "def handler(e, c): return len(e['body'])\n"})
    try:
        status = fetch(url, "POST", b"x" * (6 * 1024 * 1024 + 1), {"Content-Type": "text/plain"})[0]
    except urllib.error.URLError as error:  # the server hung up while the client still sent
        assert isinstance(error.reason, (BrokenPipeError, ConnectionResetError))
        status = 413
    assert status == 413
    assert fetch(url, "POST", b"abc", {"Content-Type": "text/plain"})[2] == b"3"


def test_unknown_url_ids_are_404(server):
    assert fetch(f"{server.endpoint}/lambda-url/{'z' * 32}/")[0] == 404


def test_cors_answers_preflights_and_marks_answers(create_url):
    _, url = create_url(URL_ECHO, Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"],
                                        "AllowHeaders": ["x-custom"], "ExposeHeaders": ["x-out"], "MaxAge": 60,
                                        "AllowCredentials": True})
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "x-custom"}
    status, headers, body = fetch(url, "OPTIONS", headers=asked)
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert headers["Access-Control-Allow-Methods"] == "PUT"
    assert headers["Access-Control-Max-Age"] == "60"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    refusal = fetch(url, "OPTIONS", headers={**asked, "Origin": "https://b.example"})
    assert "Access-Control-Allow-Origin" not in refusal[1]
    headers = fetch(url, headers={"Origin": "https://a.example"})[1]
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert headers["Access-Control-Expose-Headers"] == "x-out"
    assert "Access-Control-Allow-Origin" not in fetch(url, headers={"Origin": "https://b.example"})[1]


def signed_headers(server, url, method="GET", body=b"", service="lambda"):
    settings = server.settings()
    credentials = botocore.credentials.Credentials(settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"])
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body)
    botocore.auth.SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_iam_urls_want_a_signature_and_name_the_caller(server, create_url):
    _, url = create_url(URL_ECHO, auth_type="AWS_IAM")
    url += "p?q=1"
    assert fetch(url)[0] == 403 and json.loads(fetch(url)[2]) == {"Message": "Forbidden"}
    headers = signed_headers(server, url, "POST", b"body")
    status, _, body = fetch(url, "POST", b"body", {**headers, "Content-Type": "text/plain"})
    assert status == 200
    context = json.loads(body)["requestContext"]
    assert context["accountId"] == "000000000000"
    assert context["authorizer"]["iam"]["accessKey"] == server.settings()["AWS_ACCESS_KEY_ID"]
    assert context["authorizer"]["iam"]["userArn"] == "arn:aws:iam::000000000000:root"
    assert fetch(url, "POST", b"another body", headers)[0] == 403
    assert fetch(url, "PUT", b"body", headers)[0] == 403
    assert fetch(url, "POST", b"body", signed_headers(server, url, "POST", b"body", service="s3"))[0] == 403
