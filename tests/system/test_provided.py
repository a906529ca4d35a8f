"""Custom runtimes (`provided`, `provided.al2`, `provided.al2023`): any executable `bootstrap`, and AWS's own unmodified
runtime clients."""

import json
import pathlib
import re
import subprocess

import pytest
from functions_api import fetch
from lambent import ROOT, failure, make_zip, tail

BASH = r"""#!/bin/bash
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  event=$(curl -sS -D /tmp/head "$api/invocation/next")
  id=$(grep -i '^lambda-runtime-aws-request-id:' /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  echo "bash got $event"
  case "$event" in
    *fail*) curl -sS -o /dev/null "$api/invocation/$id/error" -H 'Lambda-Runtime-Function-Error-Type: Shell.Failed' \
              -d '{"errorType":"Shell.Failed","errorMessage":"as asked","stackTrace":[]}' ;;
    *) curl -sS -o /dev/null "$api/invocation/$id/response" \
         -d "{\"event\":$event,\"handler\":\"$_HANDLER\",\"folder\":\"$PWD\",\"execution\":\"${AWS_EXECUTION_ENV:-none}\"}" ;;
  esac
done
"""


def folder_files(folder):
    """{name: content} of a folder, executables marked as make_zip() wants them."""
    folder = pathlib.Path(folder)
    return {str(p.relative_to(folder)) + ("!" if p.stat().st_mode & 0o111 else ""): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("runtime", ["provided", "provided.al2", "provided.al2023"])
def test_a_shell_script_with_curl_is_a_runtime(server, runtime):
    name = server.create_function({"bootstrap!": BASH}, runtime=runtime, handler="any.thing", Timeout=30)
    for event in ({"n": 1}, [2]):
        answer, response = server.invoke(name, event, LogType="Tail")
        assert answer == {"event": event, "handler": "any.thing", "folder": "/var/task", "execution": "none"}
        assert f"bash got {json.dumps(event)}" in tail(response).splitlines()
    expected = {"errorType": "Shell.Failed", "errorMessage": "as asked", "stackTrace": []}
    assert failure(server.invoke(name, "fail")) == expected


# ---- AWS's own runtime clients, and the smallest one in C ---------------------------------------------------------

HANDLERS = {"awslambdaric": "app.handler", "aws-lambda-ric": "index.handler", "aws-lambda-go": "handle",
            "aws-lambda-java": "App::handle", "lambda-runtime": "handle", "c-bootstrap": "hello"}
ERRORS = {"awslambdaric": "ValueError", "aws-lambda-ric": "TypeError", "aws-lambda-go": "AskedError",
          "aws-lambda-java": "App$AskedError", "lambda-runtime": "alloc::boxed::Box", "c-bootstrap": "Custom.Error"}


@pytest.fixture(scope="module")
def clients():
    """The folder of each client, made by tests/clients/build.sh."""
    subprocess.run([ROOT / "tests/clients/build.sh"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build/clients"


@pytest.fixture(scope="module")
def functions(server, clients):
    """deploy(client, handler, **options) -> name; one function for each distinct request."""
    made = {}

    def deploy(client, handler=None, **options):
        key = (client, handler, repr(options))
        if key not in made:
            made[key] = server.create_function(folder_files(clients / client), runtime="provided.al2023",
                                               handler=handler or HANDLERS[client], **{"MemorySize": 256, "Timeout": 30, **options})
        return made[key]

    return deploy


@pytest.mark.parametrize("client", HANDLERS)
def test_a_client_answers_on_one_instance(server, functions, client):
    name = functions(client)
    for event in ({"a": [1, 2.5, None, True, "ü😀"]}, [], "text", 0, "x" * 1_000_000):
        answer, response = server.invoke(name, event)
        assert answer == event
        assert "FunctionError" not in response
    _, response = server.invoke(name, "log a line of its own", LogType="Tail")
    assert "a line of its own" in tail(response)
    assert "Init Duration" not in tail(response)


@pytest.mark.parametrize("client", HANDLERS)
def test_a_clients_error_reaches_the_caller(server, functions, client):
    name = functions(client)
    error = failure(server.invoke(name, "error here"))
    assert error["errorMessage"] == "error here"
    assert error["errorType"] == ERRORS[client] or client == "lambda-runtime" and ERRORS[client] in error["errorType"]
    assert server.invoke(name, 1)[0] == 1


@pytest.mark.parametrize("client", HANDLERS)
def test_a_client_that_exits_is_an_exit_error(server, functions, client):
    name = functions(client)
    answer, response = server.invoke(name, "exit 3")
    request_id = response["ResponseMetadata"]["RequestId"]
    assert failure((answer, response)) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status 3"}
    assert server.invoke(name, 1)[0] == 1


@pytest.mark.parametrize("client", HANDLERS)
def test_a_client_is_ended_at_its_timeout(server, functions, client):
    name = functions(client, Timeout=1)
    error = failure(server.invoke(name, "sleep 100000"))
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith(" Task timed out after 1.00 seconds")


@pytest.mark.parametrize("client, handler", [("awslambdaric", "app.missing"), ("aws-lambda-ric", "index.missing")])
def test_a_clients_init_error_reaches_the_caller(server, functions, client, handler):
    error = failure(server.invoke(functions(client, handler)))
    assert error["errorType"] == "Runtime.HandlerNotFound"
    assert "missing" in error["errorMessage"]


def test_an_init_error_and_an_abort_of_the_c_client(server, functions):
    name = functions("c-bootstrap", Environment={"Variables": {"C_BOOTSTRAP_INIT_ERROR": "1"}})
    answer, response = server.invoke(name, LogType="Tail")
    assert failure((answer, response)) == {"errorType": "Custom.InitError", "errorMessage": "asked for", "stackTrace": []}
    answer, _ = server.invoke(functions("c-bootstrap"), "abort")
    assert answer["errorMessage"].endswith(" Error: Runtime exited with error: signal: aborted")


def test_awss_node_client_streams(server, functions):
    name = functions("aws-lambda-ric", "index.stream")
    response = server.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert response["Payload"].read() == b"one two"
    error = failure(server.invoke(name, "error"))
    assert (error["errorType"], error["errorMessage"]) == ("TypeError", "in the middle")


def test_awss_go_client_streams(server, functions):
    name = functions("aws-lambda-go", "stream")
    events = list(server.client("lambda").invoke_with_response_stream(FunctionName=name, Payload=b"{}")["EventStream"])
    assert b"".join(each["PayloadChunk"]["Payload"] for each in events[:-1]) == b"one two"
    assert "ErrorCode" not in events[-1]["InvokeComplete"]
    events = list(server.client("lambda").invoke_with_response_stream(FunctionName=name, Payload=b'"error"')["EventStream"])
    assert b"".join(each["PayloadChunk"]["Payload"] for each in events[:-1]) == b"one "
    assert "in the middle" in events[-1]["InvokeComplete"]["ErrorDetails"]


def test_a_url_of_awss_go_client_streams_with_status_and_headers(server, functions):
    name = functions("aws-lambda-go", "page")
    url = server.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")["FunctionUrl"]
    status, headers, body = fetch(url)
    assert (status, headers["Content-Type"], body) == (418, "text/tea", b"a page")


def test_awss_rust_client_streams(server, functions):
    stream = server.client("lambda").invoke_with_response_stream(FunctionName=functions("lambda-runtime", "stream"), Payload=b"{}")
    events = list(stream["EventStream"])
    assert b"".join(each["PayloadChunk"]["Payload"] for each in events[:-1]).endswith(b"one two")
    assert "ErrorCode" not in events[-1]["InvokeComplete"]


# ---- no bootstrap that can be started -----------------------------------------------------------------------------

ENTRYPOINTS = {
    "missing": ({"readme.txt": "no bootstrap here"},
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    "a folder": ({"bootstrap/run!": BASH}, "fork/exec /var/task/bootstrap: permission denied"),
    "not executable": ({"bootstrap": BASH}, "fork/exec /var/task/bootstrap: permission denied"),
    "without its interpreter": ({"bootstrap!": "#!/no/such/interpreter\n"},
                                "fork/exec /var/task/bootstrap: no such file or directory"),
    "no program": ({"bootstrap!": b"\x7fELF but no more than that"}, "fork/exec /var/task/bootstrap: exec format error"),
}


@pytest.mark.parametrize("kind", ENTRYPOINTS)
def test_a_bootstrap_that_cannot_be_started(server, kind):
    files, message = ENTRYPOINTS[kind]
    name = server.create_function(files, runtime="provided.al2023", handler="x")
    answer, response = server.invoke(name, LogType="Tail")
    request_id = response["ResponseMetadata"]["RequestId"]
    assert failure((answer, response)) == {"errorType": "Runtime.InvalidEntrypoint",
                                           "errorMessage": f"RequestId: {request_id} Error: {message}"}
    assert re.search(r"Status: error\tError Type: Runtime.InvalidEntrypoint", tail(response))


def test_a_corrected_bootstrap_answers(server):
    name = server.create_function({"readme.txt": ""}, runtime="provided.al2023", handler="x")
    failure(server.invoke(name))
    client = server.client("lambda")
    client.update_function_code(FunctionName=name, ZipFile=make_zip({"bootstrap!": BASH}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert server.invoke(name, 5)[0]["event"] == 5


@pytest.mark.parametrize("command, message", [
    ("exit 5", "exit status 5"), ("exit 0", None), ("kill -9 $$", "signal: killed")])
def test_a_bootstrap_that_ends_before_its_first_call(server, command, message):
    name = server.create_function({"bootstrap!": f"#!/bin/sh\n{command}\n"}, runtime="provided.al2023", handler="x")
    error = failure(server.invoke(name))
    assert error["errorType"] == "Runtime.ExitError"
    expected = f"Runtime exited with error: {message}" if message else "Runtime exited without providing a reason"
    assert error["errorMessage"].endswith(f" Error: {expected}")


def test_a_bootstrap_that_never_asks_for_a_call_times_out(new_server):
    server = new_server("--limits-init-timeout", "500ms").start()
    name = server.create_function({"bootstrap!": "#!/bin/sh\nexec sleep 1000\n"}, runtime="provided.al2023",
                                  handler="x", Timeout=1)
    error = failure(server.invoke(name))
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith(" Task timed out after 1.00 seconds")
    log = server.run("logs", name, "--data", str(server.data)).stdout
    assert re.search(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: timeout", log)
