"""Calling functions: answers, errors in AWS's words, timeouts, crashes, memory, concurrency, asynchronous calls."""

import base64
import concurrent.futures
import json
import os
import re
import threading
import time

import botocore.exceptions
import pytest
from lambent import ROLE, new_name, wait_for

ECHO = "def handler(event, context):\n    return event\n"


def test_a_python_function_answers_with_what_it_was_given(server):
    name = server.create_function({"app.py": ECHO})
    event = {"text": "grüße, 漢字 😀", "n": 1.5, "deep": [[{"a": None}]]}
    answer, response = server.invoke(name, event)
    assert answer == event
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response


def test_a_node_function_answers(server, node_runtime):
    code = "exports.handler = async (event, context) => ({...event, id: context.awsRequestId});"
    name = server.create_function({"index.js": code}, runtime=node_runtime, handler="index.handler")
    answer, response = server.invoke(name, {"a": 1})
    assert answer == {"a": 1, "id": response["ResponseMetadata"]["RequestId"]}


def test_a_second_call_reuses_the_instance(server):
    code = "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n"
    name = server.create_function({"app.py": code})
    answers = []
    for _ in range(5):
        answers.append(server.invoke(name)[0])
        time.sleep(0.3)  # on a crowded machine the instance may need a moment to ask for more
    assert answers == [1, 2, 3, 4, 5]


def test_the_context_has_what_aws_gives(server):
    code = """
def handler(event, context):
    return {"id": context.aws_request_id, "name": context.function_name, "version": context.function_version,
            "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
            "group": context.log_group_name, "stream": context.log_stream_name,
            "remaining": context.get_remaining_time_in_millis(), "custom": context.client_context.custom}
"""
    name = server.create_function({"app.py": code}, Timeout=30, MemorySize=256)
    client_context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer, response = server.invoke(name, {}, ClientContext=client_context)
    assert answer["id"] == response["ResponseMetadata"]["RequestId"]
    assert answer["name"] == name
    assert answer["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert answer["memory"] in (256, "256")
    assert answer["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", answer["stream"])
    assert 25_000 < answer["remaining"] <= 30_000
    assert answer["custom"] == {"k": "v"}


def test_the_environment_is_the_one_of_aws(server):
    code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    name = server.create_function({"app.py": code}, Environment={"Variables": {"COLOUR": "blau", "EMPTY": ""}})
    env, _ = server.invoke(name)
    assert env["COLOUR"] == "blau"
    assert env["EMPTY"] == ""
    assert env["_HANDLER"] == "app.handler"
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert env["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "us-east-1"
    assert env["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
    assert env["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert env["LAMBDA_TASK_ROOT"] == "/var/task"
    assert env["TZ"] == ":UTC"
    assert env["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert env["AWS_SESSION_TOKEN"]
    assert env["AWS_ENDPOINT_URL"].startswith("http://")
    leaked = [k for k in env if k.startswith("LAMBENT")] + [k for k in env if k in ("HOME", "USER", "SSH_CONNECTION")]
    assert leaked == []


def function_error(server, files, event=None, handler="app.handler", **options):
    name = server.create_function(files, handler=handler, **options)
    answer, response = server.invoke(name, event)
    assert response["StatusCode"] == 200
    assert response["FunctionError"] == "Unhandled"
    return answer


def test_an_exception_is_reported_with_type_message_and_stack(server):
    error = function_error(server, {"app.py": "def handler(event, context):\n    raise ValueError('no good')\n"})
    assert error["errorType"] == "ValueError"
    assert error["errorMessage"] == "no good"
    assert "raise ValueError" in "".join(error["stackTrace"])


@pytest.mark.parametrize("files, handler, error_type, text", [
    ({"app.py": "import nothing_of_that_name\n"}, "app.handler", "Runtime.ImportModuleError",
     "Unable to import module 'app': No module named 'nothing_of_that_name'"),
    ({"app.py": ECHO}, "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other'"),
    ({"app.py": "def handler(\n"}, "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
    ({"app.py": ECHO}, "app.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
    ({"app.py": ECHO}, "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
], ids=["import", "no-module", "syntax", "no-handler", "malformed"])
def test_code_that_cannot_be_loaded_gives_awss_error(server, files, handler, error_type, text):
    error = function_error(server, files, handler=handler)
    assert error["errorType"] == error_type
    assert text in error["errorMessage"]


def test_an_answer_that_json_cannot_say_is_a_marshal_error(server):
    error = function_error(server, {"app.py": "def handler(event, context):\n    return {1, 2}\n"})
    assert error["errorType"] == "Runtime.MarshalError"
    assert "set is not JSON serializable" in error["errorMessage"]


@pytest.mark.parametrize("statement, text", [
    ("os._exit(3)", "Runtime exited with error: exit status 3"),
    ("sys.exit(1)", "Runtime exited with error: exit status 1"),
    ("os._exit(0)", "Runtime exited without providing a reason"),
    ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ("os.abort()", "Runtime exited with error: signal: aborted"),
    ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
], ids=["exit-3", "sys-exit", "exit-0", "sigkill", "abort", "segfault"])
def test_a_process_that_ends_is_an_exit_error(server, statement, text):
    code = f"import ctypes, os, sys\ndef handler(event, context):\n    {statement}\n"
    name = server.create_function({"app.py": code})
    answer, response = server.invoke(name)
    request_id = response["ResponseMetadata"]["RequestId"]
    assert response["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"] == f"RequestId: {request_id} Error: {text}"


def test_after_a_crash_the_next_call_gets_a_fresh_instance(server):
    code = """
import os
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event == "die":
        os._exit(1)
    return calls
"""
    name = server.create_function({"app.py": code})
    assert server.invoke(name)[0] == 1
    assert server.invoke(name, "die")[0]["errorType"] == "Runtime.ExitError"
    assert server.invoke(name)[0] == 1


def test_a_handler_that_never_returns_is_ended_at_its_timeout(server):
    code = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
calls = 0
def handler(event, context):
    global calls
    calls += 1
    while event == "hang":
        time.sleep(1)
    return calls
"""
    name = server.create_function({"app.py": code}, Timeout=1)
    assert server.invoke(name)[0] == 1
    answer, response = server.invoke(name, "hang", LogType="Tail")
    assert response["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Sandbox.Timedout"
    assert re.search(r"Task timed out after 1\.00 seconds$", answer["errorMessage"])
    log = base64.b64decode(response["LogResult"]).decode()
    assert "Task timed out after 1.00 seconds" in log
    assert "Status: timeout" in log
    assert server.invoke(name)[0] == 1, "an instance that timed out is never used again"


def test_memory_over_the_limit_ends_the_instance_and_says_so(server):
    code = """
def handler(event, context):
    block = bytearray(event)
    block[::4096] = b"x" * len(block[::4096])
    return len(block)
"""
    name = server.create_function({"app.py": code}, Timeout=20)
    assert server.invoke(name, 1000)[0] == 1000
    answer, response = server.invoke(name, 400_000_000, LogType="Tail")
    assert response["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Runtime.OutOfMemory"
    assert "signal: killed" in answer["errorMessage"]
    report = base64.b64decode(response["LogResult"]).decode()
    assert "Memory Size: 128 MB" in report
    assert server.invoke(name, 1000)[0] == 1000


def test_a_handler_that_forks_and_exits_leaves_nothing_behind(server):
    marker = new_name("orphan")
    code = f"""
import os, time
def handler(event, context):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv("/bin/sleep", ["{marker}", "600"])
        os._exit(0)
    time.sleep(0.3)
    os._exit(0)
"""
    name = server.create_function({"app.py": code}, Timeout=10)
    assert server.invoke(name)[0]["errorType"] == "Runtime.ExitError"
    wait_for(lambda: processes_named(marker) == [], "the daemon is gone")


def processes_named(marker):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if marker.encode() in file.read().split(b"\0")[:1]:
                    found.append(pid)
        except OSError:
            pass
    return found


def test_a_function_that_prints_100_megabytes_stays_harmless(server):
    code = """
import os
def handler(event, context):
    block = b"x" * 1023 + b"\\n"
    for _ in range(100):
        os.write(1, block * 1000)
    return "done"
"""
    name = server.create_function({"app.py": code}, Timeout=60, MemorySize=1769)
    answer, response = server.invoke(name, LogType="Tail")
    assert answer == "done"
    assert len(base64.b64decode(response["LogResult"])) <= 4096
    size = sum(f.stat().st_size for f in (server.data / "logs" / name).iterdir())
    assert size < 80 * 1024 * 1024


def test_log_tail_has_start_output_end_and_report(server):
    name = server.create_function({"app.py": "def handler(event, context):\n    print('hello from inside')\n"})
    _, response = server.invoke(name, LogType="Tail")
    request_id = response["ResponseMetadata"]["RequestId"]
    lines = base64.b64decode(response["LogResult"]).decode().splitlines()
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1] == "hello from inside"
    assert lines[2] == f"END RequestId: {request_id}"
    assert re.fullmatch(rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
                        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t"
                        r"Cold Start: \w+(, [a-z ]+ \d+\.\d\d ms){5}\t", lines[3])
    _, response = server.invoke(name, LogType="Tail")
    assert "Init Duration" not in base64.b64decode(response["LogResult"]).decode()


def test_concurrent_calls_run_beside_each_other(server):
    code = "import time\ndef handler(event, context):\n    time.sleep(2)\n    return context.log_stream_name\n"
    name = server.create_function({"app.py": code}, Timeout=30)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        streams = list(pool.map(lambda _: server.invoke(name)[0], range(10)))
    assert len(set(streams)) == 10, "each call in flight has an instance of its own"
    assert time.monotonic() - begin < 19, "one after the other would take twenty seconds"


def test_calls_over_the_account_limit_are_throttled(new_server):
    server = new_server("--limits-account-concurrency", "3").start()
    name = server.create_function({"app.py": "import time\ndef handler(event, context):\n    time.sleep(event)\n"},
                                  Timeout=60)
    server.invoke(name, 0)

    def call(_):
        try:
            server.invoke(name, 3)
            return 200
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "TooManyRequestsException"
            assert error.response["Reason"] == "ConcurrentInvocationLimitExceeded"
            return error.response["ResponseMetadata"]["HTTPStatusCode"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(call, range(8)))
    assert sorted(codes) == [200] * 3 + [429] * 5
    assert server.invoke(name, 0)[1]["StatusCode"] == 200


def test_idle_instances_go_to_zero(new_server):
    server = new_server("--idle-timeout", "500ms").start()
    marker = "LAMBENT_TEST_" + new_name("idle").replace("-", "_")
    name = server.create_function({"app.py": ECHO}, Environment={"Variables": {marker: "1"}})
    server.invoke(name, 1)
    assert instances_with(marker)
    wait_for(lambda: not instances_with(marker), "the instance has ended")
    assert server.invoke(name, 2)[0] == 2


def instances_with(variable):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if variable.encode() + b"=" in file.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def test_updated_code_answers_from_the_next_call_on(server, make_zip):
    name = server.create_function({"app.py": "def handler(event, context):\n    return 'old'\n"})
    assert server.invoke(name)[0] == "old"
    client = server.client("lambda")
    client.update_function_code(FunctionName=name,
                                ZipFile=make_zip({"app.py": "def handler(event, context):\n    return 'new'\n"}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert server.invoke(name)[0] == "new"


def test_an_update_under_load_fails_no_call(server, make_zip):
    template = "def handler(event, context):\n    return '{}'\n"
    name = server.create_function({"app.py": template.format("v0")})
    server.invoke(name)
    stop = threading.Event()
    seen, failures = set(), []

    def call():
        client = server.client("lambda")
        while not stop.is_set():
            try:
                answer = client.invoke(FunctionName=name, Payload=b"null")
                text = answer["Payload"].read().decode()
                if "FunctionError" in answer:
                    failures.append(text)
                else:
                    seen.add(text)
            except botocore.exceptions.ClientError as error:
                failures.append(str(error))

    threads = [threading.Thread(target=call) for _ in range(4)]
    [t.start() for t in threads]
    client = server.client("lambda")
    for version in ("v1", "v2", "v3"):
        client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": template.format(version)}))
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert server.invoke(name)[0] == "v3"
    stop.set()
    [t.join() for t in threads]
    assert failures == []
    assert seen <= {f'"v{n}"' for n in range(4)} and '"v3"' in seen


def test_event_invocation_runs_later_and_dry_run_not_at_all(server):
    code = """
def handler(event, context):
    print("ran", event["id"])
"""
    name = server.create_function({"app.py": code})
    client = server.client("lambda")
    dry = client.invoke(FunctionName=name, InvocationType="DryRun", Payload=b'{"id": "dry"}')
    assert dry["StatusCode"] == 204
    queued = client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"id": "event"}')
    assert queued["StatusCode"] == 202
    assert queued["Payload"].read() == b""
    wait_for(lambda: "ran event" in server.run("logs", name, "--data", str(server.data), check=False).stdout,
             "the event ran")
    assert "ran dry" not in server.run("logs", name, "--data", str(server.data)).stdout


def test_an_accepted_event_survives_kill_9(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": "import time\ndef handler(event, context):\n    time.sleep(event)\n    print('finished')\n"},
                                  Timeout=60)
    server.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"1")
    server.kill()
    assert "finished" not in server.run("logs", name, "--data", str(server.data), check=False).stdout
    server.start()
    wait_for(lambda: "finished" in server.run("logs", name, "--data", str(server.data), check=False).stdout,
             "the event ran after the restart")


@pytest.mark.parametrize("payload", [b"{", b"nope", b"{'a': 1}", b"\xff\xfe", b'{"a":1}x'])
def test_a_payload_that_is_no_json_is_refused(server, payload):
    name = server.create_function({"app.py": ECHO})
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        server.client("lambda").invoke(FunctionName=name, Payload=payload)
    assert raised.value.response["Error"]["Code"] == "InvalidRequestContentException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_empty_payload_is_an_empty_event(server):
    name = server.create_function({"app.py": ECHO})
    response = server.client("lambda").invoke(FunctionName=name)
    assert json.loads(response["Payload"].read()) == {}


def test_payload_limits_are_exact(server):
    name = server.create_function({"app.py": "def handler(event, context):\n    return len(event)\n"}, MemorySize=512)
    limit = 6 * 1024 * 1024
    assert server.invoke(name, "x" * (limit - 2))[0] == limit - 2
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        server.invoke(name, "x" * (limit - 1))
    assert raised.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_answer_over_the_limit_is_an_error(server):
    name = server.create_function({"app.py": "def handler(event, context):\n    return 'x' * event\n"}, MemorySize=512,
                                  Timeout=20)
    limit = 6 * 1024 * 1024
    assert len(server.invoke(name, limit - 2)[0]) == limit - 2
    answer, response = server.invoke(name, limit - 1)
    assert response["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Function.ResponseSizeTooLarge"
    assert server.invoke(name, 5)[0] == "xxxxx"


def test_invoking_what_does_not_exist_is_not_found(server):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        server.client("lambda").invoke(FunctionName="no-such-function")
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:no-such-function" in str(raised.value)


def test_a_runtime_that_the_host_lacks_is_refused_with_a_list(server, make_zip):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        server.client("lambda").create_function(FunctionName=new_name(), Runtime="ruby3.3", Handler="a.b", Role=ROLE,
                                                Code={"ZipFile": make_zip({"a.rb": ""})})
    assert raised.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert "ruby3.3" in str(raised.value) and "python3.11" in str(raised.value)


def test_slow_init_gets_the_functions_own_timeout(new_server):
    server = new_server("--limits-init-timeout", "1s").start()
    code = "import time\ntime.sleep(3)\ndef handler(event, context):\n    return 'ready'\n"
    name = server.create_function({"app.py": code}, Timeout=30)
    answer, _ = server.invoke(name)
    assert answer == "ready"
    assert "INIT_REPORT" in server.run("logs", name, "--data", str(server.data)).stdout
    short = server.create_function({"app.py": code}, Timeout=2)
    answer, response = server.invoke(short)
    assert response["FunctionError"] == "Unhandled"
    assert "Task timed out after 2.00 seconds" in answer["errorMessage"]
    log = server.run("logs", short, "--data", str(server.data)).stdout
    assert re.search(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: timeout", log), "ahead of the call"
    assert re.search(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke\tStatus: timeout", log), "again, within it"
    assert log.count("INIT_START") == 2


def test_init_that_fails_again_within_the_call_says_so(new_server):
    server = new_server("--limits-init-timeout", "1s").start()
    name = server.create_function({"app.py": "import time\ntime.sleep(1.5)\nraise ValueError('as made')\n"}, Timeout=30)
    answer, response = server.invoke(name)
    assert (response["FunctionError"], answer["errorType"]) == ("Unhandled", "ValueError")
    log = server.run("logs", name, "--data", str(server.data)).stdout
    assert re.search(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke\tStatus: error\tError Type: ValueError", log)
