"""Who sent a request: signatures as AWS's own signer makes them, and spoiled in every way; temporary credentials; presigned
links. Codes, statuses and texts are those that AWS gives."""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import http.client
import json
import re
import unittest.mock
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError
from lambent import wait_for

from functions_api import fetch, sha256_base64

DOES_NOT_MATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                  "Access Key and signing method. Consult the service documentation for details.")
INVALID_TOKEN = "The security token included in the request is invalid."


@dataclasses.dataclass
class Service:
    """A request that the service answers with `good`, and what it answers to one that is not signed rightly."""

    name: str
    path: str
    headers: dict
    body: bytes
    good: int
    missing: tuple
    unknown: tuple
    bad: tuple
    incomplete: tuple


LAMBDA = Service(
    "lambda", "/2015-03-31/functions/never-created/invocations?Qualifier=1", {"Content-Type": "application/json"}, b"{}", 404,
    missing=(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    unknown=(403, "UnrecognizedClientException", INVALID_TOKEN), bad=(403, "InvalidSignatureException"),
    incomplete=(403, "IncompleteSignatureException"))
DYNAMODB = Service(
    "dynamodb", "/", {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}, b"{}",
    200, missing=(400, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
    unknown=(400, "UnrecognizedClientException", INVALID_TOKEN), bad=(400, "InvalidSignatureException"),
    incomplete=(400, "IncompleteSignatureException"))
STS = Service(
    "sts", "/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Action=GetCallerIdentity&Version=2011-06-15", 200,
    missing=(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
    unknown=(403, "InvalidClientTokenId", INVALID_TOKEN), bad=(403, "SignatureDoesNotMatch"),
    incomplete=(400, "IncompleteSignature"))
each_service = pytest.mark.parametrize("service", [LAMBDA, DYNAMODB, STS], ids=lambda s: s.name)


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes

    def get(self, name):
        return next(v for n, v in self.headers if n.lower() == name.lower())

    def put(self, name, value):
        self.drop(name)
        self.headers.append((name, value))

    def drop(self, name):
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name.lower()]


@contextlib.contextmanager
def signers_clock(minutes):
    """The signer's clock, that many minutes from now."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    with unittest.mock.patch("botocore.auth.get_current_datetime", lambda **_: now):
        yield


def root(server):
    s = server.settings()
    return botocore.credentials.Credentials(s["AWS_ACCESS_KEY_ID"], s["AWS_SECRET_ACCESS_KEY"])


def signed(server, service, credentials=None, scope=None, region="us-east-1", minutes=0, **headers):
    request = botocore.awsrequest.AWSRequest(method="POST", url=server.endpoint + service.path, data=service.body,
                                             headers={**service.headers, **headers})
    with signers_clock(minutes):
        botocore.auth.SigV4Auth(credentials or root(server), scope or service.name, region).add_auth(request)
    sent = [(n, v) for n, v in request.headers.items()] + [("Host", server.host)]
    return Request("POST", service.path, sent, service.body)


def send(server, request):
    """(status, code, message); code and message are None where the answer is no error."""
    connection = http.client.HTTPConnection(server.host, timeout=60)
    connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    if request.method == "POST":
        connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status < 300:
        return answer.status, None, None
    if text.startswith("<"):
        found = [re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("Code", "Message")]
        return answer.status, found[0].group(1), found[1].group(1).replace("&apos;", "'").replace("&#39;", "'")
    error = json.loads(text)
    code = answer.headers.get("x-amzn-ErrorType") or error["__type"]
    return answer.status, code.split("#")[-1].split(":")[0], error.get("message", error.get("Message"))


@each_service
def test_a_right_signature_is_accepted(server, service):
    assert send(server, signed(server, service))[0] == service.good


@each_service
def test_any_region_is_accepted(server, service):
    assert send(server, signed(server, service, region="mars-north-1"))[0] == service.good


@each_service
def test_an_unsigned_request_is_refused(server, service):
    request = signed(server, service)
    request.drop("Authorization")
    assert send(server, request) == service.missing


@each_service
def test_an_unknown_key_is_refused(server, service):
    stranger = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", root(server).secret_key)
    assert send(server, signed(server, service, stranger)) == service.unknown


@each_service
def test_a_wrong_secret_is_refused(server, service):
    wrong = botocore.credentials.Credentials(root(server).access_key, root(server).secret_key[:-1] + "!")
    assert send(server, signed(server, service, wrong)) == (*service.bad, DOES_NOT_MATCH)


def change_body(request):
    request.body = request.body[:-1] + b" "


def change_method(request):
    request.method = "PUT"
    request.put("Content-Length", str(len(request.body)))


def change_path(request):
    request.target = "/2015-03-31/functions/never-created2/invocations?Qualifier=1" if "?" in request.target else "/other"


def change_query(request):
    request.target = request.target.replace("=1", "=2") if "?" in request.target else request.target + "?x=1"


def change_signed_header(request):
    request.put("X-Amz-Extra", "other")


def drop_signed_header(request):
    request.drop("X-Amz-Extra")


def repeat_signed_header(request):
    request.headers.append(("X-Amz-Extra", "more"))


def change_host(request):
    request.put("Host", "lambda.us-east-1.amazonaws.com")


def change_date(request):
    date = datetime.datetime.strptime(request.get("X-Amz-Date"), "%Y%m%dT%H%M%SZ")
    step = datetime.timedelta(seconds=-1 if date.time() > datetime.time(0, 0, 5) else 1)
    request.put("X-Amz-Date", (date + step).strftime("%Y%m%dT%H%M%SZ"))


def edit_authorization(pattern, replacement):
    def edit(request):
        changed = re.sub(pattern, replacement, request.get("Authorization"))
        assert changed != request.get("Authorization")
        request.put("Authorization", changed)

    return edit


SPOILED = {
    "body": change_body, "path": change_path, "query": change_query, "header": change_signed_header,
    "header dropped": drop_signed_header, "header repeated": repeat_signed_header, "host": change_host,
    "date": change_date,
    "signature cut": edit_authorization(r"Signature=(\w+)\w$", r"Signature=\1"),
    "signature longer": edit_authorization(r"$", "0"),
    "signature of zeros": edit_authorization(r"Signature=\w+", "Signature=" + "0" * 64),
    "other region": edit_authorization("us-east-1", "us-east-2"),
}


@each_service
@pytest.mark.parametrize("how", SPOILED)
def test_a_request_changed_after_signing_is_refused(server, service, how):
    request = signed(server, service, **{"X-Amz-Extra": "one"})
    SPOILED[how](request)
    assert send(server, request) == (*service.bad, DOES_NOT_MATCH)


@each_service
def test_an_added_amz_header_is_refused(server, service):
    request = signed(server, service)
    request.put("X-Amz-Added", "later")
    status, code, message = send(server, request)
    assert (status, code) == service.bad
    assert "were not signed" in message and "x-amz-added" in message


def test_a_changed_method_is_refused(server):
    request = signed(server, LAMBDA)
    request.method = "DELETE"
    request.put("Content-Length", str(len(request.body)))
    connection = http.client.HTTPConnection(server.host, timeout=60)
    connection.request("DELETE", request.target, request.body, dict(request.headers))
    assert connection.getresponse().status == 403


def test_a_large_body_is_bound_too(server):
    large = dataclasses.replace(DYNAMODB, body=b"{}" + b" " * 900_000)
    assert send(server, signed(server, large))[0] == 200
    request = signed(server, large)
    request.body = request.body[:-1] + b"\n"
    assert send(server, request) == (*DYNAMODB.bad, DOES_NOT_MATCH)


@each_service
@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_up_to_15_minutes_off_is_accepted(server, service, minutes):
    assert send(server, signed(server, service, minutes=minutes))[0] == service.good


@each_service
def test_a_signature_of_16_minutes_ago_has_expired(server, service):
    status, code, message = send(server, signed(server, service, minutes=-16))
    assert (status, code) == service.bad
    stamp = r"\d{8}T\d{6}Z"
    assert re.fullmatch(rf"Signature expired: {stamp} is now earlier than {stamp} \({stamp} - 15 min\.\)", message)


@each_service
def test_a_signature_of_the_future_is_not_yet_current(server, service):
    status, code, message = send(server, signed(server, service, minutes=16))
    assert (status, code) == service.bad
    stamp = r"\d{8}T\d{6}Z"
    assert re.fullmatch(rf"Signature not yet current: {stamp} is still later than {stamp} \({stamp} \+ 15 min\.\)", message)


@each_service
def test_a_scope_of_another_day_is_refused(server, service):
    request = signed(server, service)
    edit_authorization(r"/\d{8}/", "/20200101/")(request)
    status, code, message = send(server, request)
    assert (status, code) == service.bad
    assert message.startswith("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                              "'20200101' != '")


@each_service
@pytest.mark.parametrize("how, text", [
    (lambda r: r.put("Authorization", "AWS4-HMAC-SHA256"), "Authorization header requires 'Credential' parameter."),
    (lambda r: r.put("Authorization", "AWS4-HMAC-SHA256 nonsense"), "Invalid key=value pair (missing equal-sign)"),
    (edit_authorization("Credential=[^,]+, ", ""), "Authorization header requires 'Credential' parameter."),
    (edit_authorization("SignedHeaders=[^,]+, ", ""), "Authorization header requires 'SignedHeaders' parameter."),
    (edit_authorization(", Signature=.*", ""), "Authorization header requires 'Signature' parameter."),
    (edit_authorization("/aws4_request", ""), "Credential must have exactly 5 slash-delimited elements"),
    (edit_authorization("SHA256", "SHA512"), "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'."),
    (lambda r: r.drop("X-Amz-Date"), "existence of either a 'X-Amz-Date' or a 'Date' header"),
    (lambda r: r.put("X-Amz-Date", "yesterday"), "Date must be in ISO-8601 'basic format'. Got 'yesterday'."),
    (lambda r: r.headers.append(("Authorization", r.get("Authorization"))), "once"),
    (lambda r: r.put("Authorization", "Bearer abc"), ""),
    (lambda r: r.put("Authorization", "AWS4-HMAC-SHA256 " + "Credential=," * 500), ""),
], ids=["only the algorithm", "no pairs", "no credential", "no signed headers", "no signature", "short scope", "algorithm",
        "no date", "no such date", "twice", "bearer", "many empty"])
def test_a_malformed_authorization_is_refused(server, service, how, text):
    request = signed(server, service)
    how(request)
    status, code, message = send(server, request)
    assert (status, code) == service.incomplete
    assert text in message and root(server).secret_key not in message


@each_service
def test_host_must_be_signed_and_the_scope_must_end_right(server, service):
    request = signed(server, service)
    edit_authorization("host;", "")(request)
    assert send(server, request)[:2] == service.bad
    request = signed(server, service)
    edit_authorization("aws4_request", "aws5_request")(request)
    status, code, message = send(server, request)
    assert (status, code) == service.bad and "valid terminator: 'aws4_request'" in message


@each_service
@pytest.mark.parametrize("scope", ["s3", "lambda", "dynamodb", "sts"])
def test_a_signature_for_one_service_does_not_open_another(server, service, scope):
    """The scope names the service on a port that they share; whoever it names does not know the others' requests."""
    status, code, _ = send(server, signed(server, service, scope=scope))
    if scope == service.name:
        assert status == service.good
    else:
        assert status >= 400 and code in ("UnknownOperationException", "UnknownServiceException", "MissingAction",
                                          "MissingAuthenticationTokenException"), code


def test_a_presigned_call_works_until_it_is_changed_or_expires(server):
    """GetCallerIdentity as a link, which other systems use as a proof of identity."""
    def link(minutes=0, expires=60, credentials=None):
        request = botocore.awsrequest.AWSRequest(
            method="GET", url=server.endpoint + "/?Action=GetCallerIdentity&Version=2011-06-15")
        with signers_clock(minutes):
            botocore.auth.SigV4QueryAuth(credentials or root(server), "sts", "us-east-1", expires=expires).add_auth(request)
        return request.url

    status, _, body = fetch(link())
    assert status == 200 and b"<Arn>arn:aws:iam::000000000000:root</Arn>" in body
    assert fetch(link(minutes=-5, expires=600))[0] == 200
    for url, code in ((link(minutes=-2), b"SignatureDoesNotMatch"), (link() + "&x=1", b"SignatureDoesNotMatch"),
                      (link().replace("Expires=60", "Expires=61"), b"SignatureDoesNotMatch"),
                      (link(expires=8 * 24 * 3600), b"IncompleteSignature"),
                      (re.sub("&X-Amz-Date=[^&]+", "", link()), b"IncompleteSignature"),
                      (link(credentials=botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", "x")),
                       b"InvalidClientTokenId")):
        status, _, body = fetch(url)
        assert status in (400, 403) and b"<Code>" + code + b"</Code>" in body, (url, body)


# ---- temporary credentials

# Signs by itself, with nothing but the standard library: a second signer, beside botocore's.
WHOAMI = """
import datetime, hashlib, hmac, os, urllib.request

def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

def who_am_i():
    endpoint, region = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"]
    host, body = endpoint.split("//")[1], "Action=GetCallerIdentity&Version=2011-06-15"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    token = os.environ["AWS_SESSION_TOKEN"]
    digest = hashlib.sha256(body.encode()).hexdigest()
    names = "host;x-amz-date;x-amz-security-token"
    canonical = f"POST\\n/\\n\\nhost:{host}\\nx-amz-date:{now}\\nx-amz-security-token:{token}\\n\\n{names}\\n{digest}"
    scope = f"{now[:8]}/{region}/sts/aws4_request"
    text = f"AWS4-HMAC-SHA256\\n{now}\\n{scope}\\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (now[:8], region, "sts", "aws4_request"):
        key = mac(key, part)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = (f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
                     f"SignedHeaders={names}, Signature={signature}")
    request = urllib.request.Request(endpoint + "/", body.encode(), {
        "Host": host, "X-Amz-Date": now, "X-Amz-Security-Token": token, "Authorization": authorization,
        "Content-Type": "application/x-www-form-urlencoded"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()

def handler(event, context):
    if event == "keys":
        return [os.environ[n] for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    return who_am_i()
"""


@pytest.fixture(scope="module")
def two_functions(server):
    """Two functions that tell their own credentials: [(name, Credentials)]."""
    made = []
    for _ in range(2):
        name = server.create_function({"app.py": WHOAMI})
        keys, _ = server.invoke(name, "keys")
        made.append((name, botocore.credentials.Credentials(*keys)))
    return made


def test_a_function_is_its_role(server, two_functions):
    name = two_functions[0][0]
    answer, _ = server.invoke(name)
    assert f"<Arn>arn:aws:sts::000000000000:assumed-role/any/{name}</Arn>" in answer
    assert re.search(rf"<UserId>AROA[A-Z0-9]+:{name}</UserId>", answer)


def test_instances_have_keys_of_their_own(two_functions):
    (_, one), (_, other) = two_functions
    for keys in (one, other):
        assert re.fullmatch("ASIA[A-Z0-9]{16}", keys.access_key) and len(keys.secret_key) == 40 and keys.token
    assert (one.access_key, one.secret_key, one.token) != (other.access_key, other.secret_key, other.token)


@each_service
def test_temporary_credentials_need_their_own_token(server, two_functions, service):
    (_, own), (_, other) = two_functions
    assert send(server, signed(server, service, own))[0] == service.good

    def with_token(token):
        return send(server, signed(server, service, botocore.credentials.Credentials(own.access_key, own.secret_key, token)))

    assert with_token(None) == service.unknown
    assert with_token(other.token) == service.unknown
    assert with_token(own.token[:-1]) == service.unknown
    late = signed(server, service, botocore.credentials.Credentials(own.access_key, own.secret_key))
    late.put("X-Amz-Security-Token", own.token)
    assert send(server, late)[0] == service.good, "some clients add the token after signing"
    foreign = botocore.credentials.Credentials(root(server).access_key, root(server).secret_key, own.token)
    assert send(server, signed(server, service, foreign)) == service.unknown


def test_temporary_credentials_end_with_their_instance(server):
    name = server.create_function({"app.py": WHOAMI})
    keys, _ = server.invoke(name, "keys")
    credentials = botocore.credentials.Credentials(*keys)
    assert send(server, signed(server, STS, credentials))[0] == 200
    server.client("lambda").delete_function(FunctionName=name)
    wait_for(lambda: send(server, signed(server, STS, credentials)) == STS.unknown, "the keys are refused")


def test_temporary_credentials_do_not_outlive_the_server(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": WHOAMI})
    keys, _ = server.invoke(name, "keys")
    server.kill()
    server.start()
    assert send(server, signed(server, STS, botocore.credentials.Credentials(*keys))) == STS.unknown


# ---- links to code


def test_code_location_is_bound_to_its_object_and_its_time(server, make_zip):
    code = {"app.py": "def handler(event, context):\n    return 1\n"}
    name, other = server.create_function(code), server.create_function({"app.py": "x = 2\n"})
    functions = server.client("lambda")
    shown = functions.get_function(FunctionName=name)
    location = shown["Code"]["Location"]
    status, _, body = fetch(location)
    assert status == 200 and body == make_zip(code) and sha256_base64(body) == shown["Configuration"]["CodeSha256"]

    other_path = urllib.parse.urlsplit(functions.get_function(FunctionName=other)["Code"]["Location"]).path
    parts = urllib.parse.urlsplit(location)
    for spoiled in (parts._replace(path=other_path), parts._replace(query=parts.query.replace("Expires=", "Expires=9")),
                    parts._replace(query=re.sub("X-Amz-Date=....", "X-Amz-Date=2099", parts.query)),
                    parts._replace(query=parts.query + "&x=1"), parts._replace(query="")):
        assert fetch(spoiled.geturl())[0] == 403, spoiled

    def own_link(minutes, expires):
        request = botocore.awsrequest.AWSRequest(method="GET", url=server.endpoint + parts.path)
        with signers_clock(minutes):
            botocore.auth.S3SigV4QueryAuth(root(server), "s3", "us-east-1", expires=expires).add_auth(request)
        return request.url

    assert fetch(own_link(-9, 600))[0] == 200
    assert fetch(own_link(-11, 600))[0] == 403
    assert fetch(own_link(0, 60), "PUT", b"x")[0] in (403, 405)


# ---- clients


def test_clients_turn_refusals_into_their_own_errors(server):
    stranger = server.session()
    stranger._session.set_credentials("AKIAIOSFODNN7EXAMPLE", "wrong")
    for service, call, code in (("lambda", "list_functions", "UnrecognizedClientException"),
                                ("dynamodb", "list_tables", "UnrecognizedClientException"),
                                ("sts", "get_caller_identity", "InvalidClientTokenId")):
        with pytest.raises(ClientError) as caught:
            getattr(stranger.client(service, endpoint_url=server.endpoint), call)()
        assert caught.value.response["Error"] == {**caught.value.response["Error"], "Code": code, "Message": INVALID_TOKEN}
    told = server.cli("sts", "get-caller-identity", check=False, environment={"AWS_SECRET_ACCESS_KEY": "x" * 40})
    assert told.returncode != 0 and "SignatureDoesNotMatch" in told.stderr


def test_refusals_under_load_let_nobody_in(server):
    """Right and wrong signatures mixed on many connections: each gets its own answer."""
    wrong = botocore.credentials.Credentials(root(server).access_key, "wrong")

    def call(n):
        return send(server, signed(server, DYNAMODB, wrong if n % 2 else None))[0]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(call, range(120))) == [200, 400] * 60

