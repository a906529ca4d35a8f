"""The functions API as its users see it: every operation, and every wrong input with AWS's code, status and text."""

import base64
import concurrent.futures
import json
import os
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError

from functions_api import ECHO, arn_of, client, create, fetch, not_found, refused, sha256_base64  # noqa: F401
from lambent import ROLE, wait_for

UNZIP_ERROR = "Could not unzip uploaded file. Please check your file, then try to upload again."

# ---- create, get, list, delete ------------------------------------------------------------------------------------


def test_a_new_function_is_pending_then_active_and_callable(client, create, make_zip):
    created = create(Description="d", Timeout=7, MemorySize=256)
    name = created["FunctionName"]
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (created["State"], created["StateReasonCode"]) == ("Pending", "Creating")
    assert created["FunctionArn"] == arn_of(name)
    assert created["CodeSha256"] == sha256_base64(make_zip(ECHO))
    assert created["CodeSize"] == len(make_zip(ECHO))
    assert (created["Version"], created["PackageType"]) == ("$LATEST", "Zip")
    for waiter in ("function_exists", "function_active", "function_active_v2", "function_updated", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    shown = client.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
    assert (shown["Description"], shown["Timeout"], shown["MemorySize"]) == ("d", 7, 256)
    answer = client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert json.load(answer["Payload"]) == {"a": 1}


def test_code_location_leads_to_the_uploaded_zip(client, create, make_zip):
    name = create(Tags={"team": "x"})["FunctionName"]
    shown = client.get_function(FunctionName=name)
    assert shown["Code"]["RepositoryType"] == "S3"
    assert shown["Tags"] == {"team": "x"}
    with urllib.request.urlopen(shown["Code"]["Location"]) as response:
        assert response.headers["Content-Type"] == "application/zip"
        assert response.read() == make_zip(ECHO)


def test_code_location_needs_its_signature(client, create):
    location = client.get_function(FunctionName=create()["FunctionName"])["Code"]["Location"]
    for url in (location.split("?")[0], location[:-1] + ("0" if location[-1] != "0" else "1")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)
        assert caught.value.code == 403


@pytest.mark.parametrize("form", ["{name}", "{name}:$LATEST", "000000000000:function:{name}", "{arn}", "{arn}:$LATEST"])
def test_a_function_is_found_by_every_form_of_its_name(client, create, form):
    name = create()["FunctionName"]
    text = form.format(name=name, arn=arn_of(name))
    assert client.get_function_configuration(FunctionName=text)["FunctionName"] == name
    assert client.invoke(FunctionName=text, Payload=b"1")["StatusCode"] == 200


def test_names_that_fit_nothing(client, create):
    name = create()["FunctionName"]
    get = client.get_function_configuration
    assert refused(get, FunctionName="no-such") == not_found("no-such")
    assert refused(get, FunctionName=name, Qualifier="3") == not_found(f"{name}:3")
    assert refused(client.invoke, FunctionName=name, Qualifier="live") == not_found(f"{name}:live")
    assert refused(get, FunctionName=f"{name}:$LATEST", Qualifier="1") == (
        400, "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.")
    assert refused(get, FunctionName=f"arn:aws:lambda:eu-west-1:000000000000:function:{name}") == (
        404, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')")
    assert refused(get, FunctionName=f"123456789012:function:{name}")[:2] == (403, "AccessDeniedException")
    assert refused(get, FunctionName="with space")[:2] == (400, "ValidationException")


def test_any_region_is_accepted(server, create):
    name = create()["FunctionName"]
    for region in ("eu-central-1", "ap-northeast-3"):
        settings = server.settings()
        other = boto3.client("lambda", region_name=region, endpoint_url=server.endpoint,
                             aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
                             aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"])
        assert other.get_function_configuration(FunctionName=name)["FunctionArn"] == arn_of(name)


def test_a_name_is_taken_once(create):
    name = create()["FunctionName"]
    assert refused(create, FunctionName=name) == (
        409, "ResourceConflictException", f"Function already exist: {name}")


def test_two_clients_create_the_same_function_at_once(server, make_zip, new_name):
    name = new_name()
    barrier = threading.Barrier(8)

    def attempt(_):
        client = server.client("lambda")
        barrier.wait()
        try:
            client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE,
                                   Code={"ZipFile": make_zip(ECHO)})
            return "created"
        except ClientError as error:
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(8)))
    assert outcomes == ["ResourceConflictException"] * 7 + ["created"]
    assert server.invoke(name, {"x": 1})[0] == {"x": 1}


def test_functions_are_listed_in_pages(server, client, create):
    names = {create(files={"app.py": "# for the list\n"})["FunctionName"] for _ in range(5)}
    seen = []
    for page in client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}):
        assert len(page["Functions"]) <= 2
        seen += [f["FunctionName"] for f in page["Functions"]]
    assert names <= set(seen)
    assert len(seen) == len(set(seen)) and seen == sorted(seen)
    assert refused(client.list_functions, Marker="forged") == (400, "InvalidParameterValueException", "Invalid Marker")
    assert refused(client.list_functions, MaxItems=10001)[1] in ("ValidationException", "InvalidParameterValueException")


def test_a_deleted_function_is_gone_with_its_code(server, client, create):
    created = create(files={"app.py": "def handler(e, c): return 'to be deleted'\n"})
    name = created["FunctionName"]
    folder = server.data / "code" / base64.b64decode(created["CodeSha256"]).hex()
    assert folder.is_dir()
    assert refused(client.delete_function, FunctionName=name, Qualifier="$LATEST")[1] == "InvalidParameterValueException"
    deleted = client.delete_function(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    for call in (client.get_function, client.delete_function, client.invoke):
        assert refused(call, FunctionName=name) == not_found(name)
    wait_for(lambda: not folder.exists(), "the removal of the package")
    create(FunctionName=name)
    assert json.load(client.invoke(FunctionName=name, Payload=b"5")["Payload"]) == 5


# ---- what create refuses ------------------------------------------------------------------------------------------


def test_create_needs_runtime_handler_and_code(create):
    mandatory = (400, "InvalidParameterValueException",
                 "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    assert refused(create, Handler=None) == mandatory
    assert refused(create, Runtime=None) == mandatory
    assert refused(create, Code={}) == (
        400, "InvalidParameterValueException", "Please provide a source for function code.")


def test_create_refuses_runtimes_that_are_not_there(create):
    for runtime in ("python2.7", "cobol85"):
        status, code, message = refused(create, Runtime=runtime)
        assert (status, code) == (400, "InvalidParameterValueException")
        assert runtime in message and "python3.11" in message


@pytest.mark.parametrize("members", [
    {"Role": "no-arn"}, {"Timeout": 0}, {"Timeout": 901}, {"MemorySize": 127}, {"MemorySize": 10241},
    {"FunctionName": "bad name"}, {"FunctionName": "x" * 65}, {"Description": "d" * 257},
    {"EphemeralStorage": {"Size": 511}}, {"EphemeralStorage": {"Size": 10241}}, {"Handler": "has space"},
    {"PackageType": "Tarball"}, {"Environment": {"Variables": {"1BAD": "x"}}}, {"TracingConfig": {"Mode": "Maybe"}},
    {"Architectures": ["mips"]},
])
def test_create_refuses_what_breaks_a_constraint(server, members, make_zip, new_name):
    # Client-side checks off: what counts is what the server says.
    client = server.client("lambda", config={"parameter_validation": False})
    request = {"FunctionName": new_name(), "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE,
               "Code": {"ZipFile": make_zip(ECHO)}, **members}
    status, code, message = refused(client.create_function, **request)
    assert (status, code) == (400, "ValidationException"), message
    assert "1 validation error detected" in message


@pytest.mark.parametrize("members, needle", [
    ({"Architectures": ["arm64" if os.uname().machine == "x86_64" else "x86_64"]}, "architecture"),
    ({"PackageType": "Image", "Code": {"ImageUri": "x/y:z"}, "Runtime": None, "Handler": None}, "Image"),
    ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "S3"),
])
def test_create_says_what_this_server_does_not_have(create, members, needle):
    status, code, message = refused(create, **members)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert needle in message


def test_create_refuses_reserved_and_large_environments(create):
    status, code, message = refused(create, Environment={"Variables": {"AWS_REGION": "x", "FINE": "y"}})
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message.endswith("Reserved keys used in this request: AWS_REGION")
    status, code, message = refused(create, Environment={"Variables": {"BIG": "x" * 4096}})
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "exceeded the 4KB limit. String measured: {" in message


# ---- packages -----------------------------------------------------------------------------------------------------


def test_a_package_over_50_megabytes_is_refused(create):
    status, code, message = refused(create, Code={"ZipFile": os.urandom(50 * 1024 * 1024 + 1)})
    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert message.startswith("Request must be smaller than ") and message.endswith("for the CreateFunction operation")


def test_a_package_of_49_megabytes_works(client, create, make_zip):
    files = {**ECHO, "data.bin": os.urandom(49 * 1024 * 1024)}
    name = create(files=files)["FunctionName"]
    assert json.load(client.invoke(FunctionName=name, Payload=b"1")["Payload"]) == 1
    client.delete_function(FunctionName=name)


# ---- updates ------------------------------------------------------------------------------------------------------


def test_new_code_answers_from_the_moment_it_is_acknowledged(server, client, create, make_zip):
    created = create(files={"app.py": "def handler(e, c): return 1\n"})
    name = created["FunctionName"]
    assert server.invoke(name)[0] == 1
    for version in range(2, 6):
        zipped = make_zip({"app.py": f"def handler(e, c): return {version}\n"})
        updated = client.update_function_code(FunctionName=name, ZipFile=zipped)
        assert updated["LastUpdateStatus"] == "InProgress"
        assert updated["CodeSha256"] == sha256_base64(zipped)
        assert updated["RevisionId"] != created["RevisionId"]
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert server.invoke(name)[0] == version


def test_bad_new_code_leaves_the_old(server, client, create, make_zip):
    name = create()["FunctionName"]
    before = client.get_function_configuration(FunctionName=name)
    update = client.update_function_code
    assert refused(update, FunctionName=name, ZipFile=b"garbage") == (
        400, "InvalidParameterValueException", UNZIP_ERROR)
    assert refused(update, FunctionName=name) == (
        400, "InvalidParameterValueException", "Please provide a source for function code.")
    assert refused(update, FunctionName="no-such", ZipFile=make_zip(ECHO)) == not_found("no-such")
    assert refused(update, FunctionName=name, S3Bucket="bucket", S3Key="k")[1] == "InvalidParameterValueException"
    after = client.get_function_configuration(FunctionName=name)
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])
    assert server.invoke(name, 3)[0] == 3


def test_a_dry_run_changes_nothing(client, create, make_zip):
    created = create()
    name = created["FunctionName"]
    dry = client.update_function_code(FunctionName=name, ZipFile=make_zip(ECHO), DryRun=True)
    assert dry["CodeSha256"] == sha256_base64(make_zip(ECHO))
    assert client.get_function_configuration(FunctionName=name)["CodeSha256"] == created["CodeSha256"]


def test_settings_change_one_by_one(server, client, create):
    name = create(files={"app.py": "import os\ndef handler(e, c):\n    return os.environ.get('AA'), c.memory_limit_in_mb\n"},
                  Description="first", Environment={"Variables": {"AA": "1"}})["FunctionName"]
    assert server.invoke(name)[0] == ["1", "128"]
    updated = client.update_function_configuration(FunctionName=name, MemorySize=256)
    assert (updated["LastUpdateStatus"], updated["Description"]) == ("InProgress", "first")
    client.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert server.invoke(name)[0] == ["1", "256"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {}}, Timeout=9)
    shown = client.get_function_configuration(FunctionName=name)
    assert "Environment" not in shown and shown["Timeout"] == 9
    assert server.invoke(name)[0] == [None, "256"]


def test_a_stale_revision_is_refused(client, create, make_zip):
    created = create()
    name = created["FunctionName"]
    client.update_function_configuration(FunctionName=name, Timeout=5, RevisionId=created["RevisionId"])
    for call, members in ((client.update_function_configuration, {"Timeout": 6}),
                          (client.update_function_code, {"ZipFile": make_zip(ECHO)})):
        status, code, message = refused(call, FunctionName=name, RevisionId=created["RevisionId"], **members)
        assert (status, code) == (412, "PreconditionFailedException")
        assert message.startswith("The Revision Id provided does not match the latest Revision Id.")
    assert client.get_function_configuration(FunctionName=name)["Timeout"] == 5


def test_of_updates_at_once_each_succeeds_or_conflicts(server, client, create, make_zip):
    name = create()["FunctionName"]

    def attempt(i):
        zipped = make_zip({"app.py": f"def handler(e, c): return {i}\n"})
        try:
            server.client("lambda").update_function_code(FunctionName=name, ZipFile=zipped)
            return "ok"
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409
            assert error.response["Error"]["Message"] == (
                "The operation cannot be performed at this time. An update is in progress for resource: " + arn_of(name))
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    assert "ok" in outcomes and set(outcomes) <= {"ok", "ResourceConflictException"}
    assert server.invoke(name)[0] in range(16)


def test_every_call_during_a_deploy_is_answered_by_the_old_or_the_new_code(server, client, create, make_zip):
    files = [{"app.py": f"from other import text\ndef handler(e, c): return 'code{i}', text\n",
              "other.py": f"text = 'code{i}'\n"} for i in range(2)]
    name = create(files=files[0])["FunctionName"]
    server.invoke(name)
    stop = threading.Event()

    def call():
        mine, answers = server.client("lambda"), []
        while not stop.is_set():
            response = mine.invoke(FunctionName=name, Payload=b"{}")
            assert "FunctionError" not in response
            answers.append(json.load(response["Payload"]))
        return answers

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(call) for _ in range(4)]
        for i in range(1, 7):
            client.update_function_code(FunctionName=name, ZipFile=make_zip(files[i % 2]))
        stop.set()
        answers = [a for future in running for a in future.result()]
    assert answers and all(a in (["code0", "code0"], ["code1", "code1"]) for a in answers)
    assert server.invoke(name)[0] == ["code0", "code0"]


# ---- invoke -------------------------------------------------------------------------------------------------------


def test_invoke_answers_with_version_and_tail(client, create):
    name = create(files={"app.py": "def handler(e, c):\n    print('in the log')\n    return {'got': e}\n"})["FunctionName"]
    response = client.invoke(FunctionName=name, Payload=json.dumps({"é": [1.5, None]}).encode(), LogType="Tail")
    assert response["StatusCode"] == 200 and response["ExecutedVersion"] == "$LATEST"
    assert json.load(response["Payload"]) == {"got": {"é": [1.5, None]}}
    tail = base64.b64decode(response["LogResult"]).decode()
    assert "START RequestId: " in tail and "in the log" in tail and "REPORT RequestId: " in tail
    assert response["ResponseMetadata"]["RequestId"] in tail
    assert "LogResult" not in client.invoke(FunctionName=name)


def test_a_function_error_is_a_200_with_its_type(client, create):
    name = create(files={"app.py": "def handler(e, c):\n    raise ValueError('no')\n"})["FunctionName"]
    response = client.invoke(FunctionName=name)
    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    error = json.load(response["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")


def test_client_context_reaches_the_function(client, create):
    name = create(files={"app.py": "def handler(e, c):\n    return c.client_context.custom\n"})["FunctionName"]
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    assert json.load(client.invoke(FunctionName=name, ClientContext=context)["Payload"]) == {"k": "v"}
    for wrong in ("%%%", base64.b64encode(b"[]").decode(), base64.b64encode(b"{").decode()):
        assert refused(client.invoke, FunctionName=name, ClientContext=wrong) == (
            400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")


def test_event_is_acknowledged_and_runs(server, client, create):
    name = create(files={"app.py": "def handler(e, c):\n    print('event', e['n'])\n"})["FunctionName"]
    response = client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": "seven-of-nine"}')
    assert response["StatusCode"] == 202 and response["Payload"].read() == b""
    wait_for(lambda: "event seven-of-nine" in server.run("logs", name, "--data", str(server.data), check=False).stdout,
             "the event's log line")


def test_the_older_invoke_async_is_an_event(server, client, create):
    name = create(files={"app.py": "def handler(e, c):\n    print('event', e['n'])\n"})["FunctionName"]
    assert client.invoke_async(FunctionName=name, InvokeArgs=b'{"n": "of-old"}')["Status"] == 202
    wait_for(lambda: "event of-old" in server.run("logs", name, "--data", str(server.data), check=False).stdout, "its log line")


def test_dry_run_runs_nothing(server, client, create):
    name = create()["FunctionName"]
    assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert refused(client.invoke, FunctionName="no-such", InvocationType="DryRun") == not_found("no-such")


def test_payloads_that_are_no_json(client, create):
    name = create()["FunctionName"]
    for payload in (b"not json", b'{"a":', b"{} {}", b"\xff\xfe", b"NaN"):
        for kind in ("RequestResponse", "Event"):
            status, code, message = refused(client.invoke, FunctionName=name, Payload=payload, InvocationType=kind)
            assert (status, code) == (400, "InvalidRequestContentException")
            assert message.startswith("Could not parse request body into json: ")


def test_payloads_up_to_the_limits_and_one_byte_more(client, create):
    name = create(files={"app.py": "def handler(e, c): return len(e)\n"})["FunctionName"]

    def sized(size):
        return b'"' + b"x" * (size - 2) + b'"'

    limit = 6 * 1024 * 1024
    assert json.load(client.invoke(FunctionName=name, Payload=sized(limit))["Payload"]) == limit - 2
    assert refused(client.invoke, FunctionName=name, Payload=sized(limit + 1)) == (
        413, "RequestTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation")
    assert client.invoke(FunctionName=name, InvocationType="Event", Payload=sized(1 << 20))["StatusCode"] == 202
    assert refused(client.invoke, FunctionName=name, InvocationType="Event", Payload=sized((1 << 20) + 1)) == (
        413, "RequestTooLargeException",
        "Request must be smaller than 1048576 bytes for the InvokeFunction operation")
    assert json.load(client.invoke(FunctionName=name, Payload=b'"ok"')["Payload"]) == 2


def test_unknown_invocation_and_log_types(server, create):
    name = create()["FunctionName"]
    client = server.client("lambda", config={"parameter_validation": False})
    for members in ({"InvocationType": "Sometimes"}, {"LogType": "Head"}):
        status, code, message = refused(client.invoke, FunctionName=name, **members)
        assert (status, code) == (400, "ValidationException"), message


# ---- tags and account ---------------------------------------------------------------------------------------------


def test_tags_come_and_go(client, create):
    name = create(Tags={"a": "1"})["FunctionName"]
    client.tag_resource(Resource=arn_of(name), Tags={"b": "2", "a": "3"})
    assert client.list_tags(Resource=arn_of(name))["Tags"] == {"a": "3", "b": "2"}
    client.untag_resource(Resource=arn_of(name), TagKeys=["a", "none"])
    assert client.list_tags(Resource=arn_of(name))["Tags"] == {"b": "2"}
    assert refused(client.tag_resource, Resource=arn_of(name), Tags={f"t{i}": "" for i in range(51)})[:2] == (
        400, "InvalidParameterValueException")
    assert refused(client.list_tags, Resource=arn_of("no-such")) == not_found("no-such")


def test_account_settings_show_the_limits(client, create):
    create()
    settings = client.get_account_settings()
    assert settings["AccountLimit"]["CodeSizeUnzipped"] == 262144000
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert settings["AccountUsage"]["FunctionCount"] >= 1


# ---- the command line, restarts -----------------------------------------------------------------------------------


def test_the_command_line_does_all_of_it(server, new_name, make_zip, tmp_path):
    name, package, out = new_name(), tmp_path / "f.zip", tmp_path / "out.json"
    package.write_bytes(make_zip(ECHO))
    created = server.cli("lambda", "create-function", "--function-name", name, "--runtime", "python3.11", "--handler",
                         "app.handler", "--role", ROLE, "--zip-file", f"fileb://{package}").json
    assert created["State"] == "Pending"
    server.cli("lambda", "wait", "function-active-v2", "--function-name", name)
    invoked = server.cli("lambda", "invoke", "--function-name", name, "--payload", '{"x": 1}',
                         "--log-type", "Tail", str(out)).json
    assert invoked["StatusCode"] == 200 and json.loads(out.read_text()) == {"x": 1}
    assert "REPORT" in base64.b64decode(invoked["LogResult"]).decode()
    url = server.cli("lambda", "create-function-url-config", "--function-name", name, "--auth-type", "NONE").json
    assert fetch(url["FunctionUrl"])[0] == 200
    server.cli("lambda", "update-function-configuration", "--function-name", name, "--timeout", "11")
    shown = server.cli("lambda", "get-function", "--function-name", name).json
    assert shown["Configuration"]["Timeout"] == 11
    server.cli("lambda", "delete-function", "--function-name", name)
    gone = server.cli("lambda", "get-function", "--function-name", name, check=False)
    assert gone.returncode != 0 and "ResourceNotFoundException" in gone.stderr and "Function not found" in gone.stderr


def test_functions_survive_kill_9_whole(new_server, make_zip, new_name):
    server = new_server().start()
    client = server.client("lambda")
    acknowledged, stop = [], threading.Event()

    def deploy(worker):
        mine, i = server.client("lambda"), 0
        while not stop.is_set():
            name = f"{new_name()}-{worker}-{i}"
            i += 1
            zipped = make_zip({"app.py": f"def handler(e, c): return '{name}'\n"})
            try:
                mine.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE,
                                     Code={"ZipFile": zipped})
            except Exception:
                return
            acknowledged.append(name)

    workers = [threading.Thread(target=deploy, args=(w,)) for w in range(4)]
    for worker in workers:
        worker.start()
    wait_for(lambda: len(acknowledged) >= 20, "20 functions")
    server.kill()
    stop.set()
    for worker in workers:
        worker.join()
    server.start()
    client = server.client("lambda")
    names = [f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]
    assert set(acknowledged) <= set(names)
    for name in acknowledged[-3:]:
        assert server.invoke(name)[0] == name
    # What is on disk is what the functions need, and nothing else.
    digests = {base64.b64decode(f["CodeSha256"]).hex()
               for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]}
    assert {p.name for p in (server.data / "code").iterdir()} == digests
