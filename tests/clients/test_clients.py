"""AWS's own clients and the C one work, against the small Runtime API server of runtimes/tests.

What they do here is what the system tests may expect of them on the real server.
"""

import base64
import json
import os
import signal
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "runtimes", "tests"))

from instance import Instance  # noqa: E402
from runtime_api_server import RuntimeApiServer  # noqa: E402

CLIENTS = os.environ.get("LAMBENT_CLIENTS_DIR") or os.path.join(ROOT, "build", "clients")
HANDLERS = {"awslambdaric": "app.handler", "aws-lambda-ric": "index.handler", "aws-lambda-go": "handle",
            "aws-lambda-java": "App::handle", "lambda-runtime": "handle", "c-bootstrap": "hello"}
ERRORS = {"awslambdaric": "ValueError", "aws-lambda-ric": "TypeError", "aws-lambda-go": "AskedError",
          "aws-lambda-java": "App$AskedError", "lambda-runtime": "alloc::boxed::Box", "c-bootstrap": "Custom.Error"}
EVENTS = ({"a": [1, 2.5, None, True, "\u00fc\U0001f600"]}, [], "text", 0, "x" * 3000000)


@pytest.fixture(scope="session", autouse=True)
def built():
    subprocess.run([os.path.join(HERE, "build.sh")], check=True)


@pytest.fixture
def start(tmp_path):
    running = []

    def run(client, handler=None, env=None):
        (tmp_path / "task").mkdir()
        folder = os.path.join(CLIENTS, client)
        instance = Instance([os.path.join(folder, "bootstrap")], tmp_path / "task", handler or HANDLERS[client], None,
                            {"LAMBDA_TASK_ROOT": folder, **(env or {})}, RuntimeApiServer())
        running.append(instance)
        return instance

    yield run
    for instance in running:
        instance.__exit__()


@pytest.mark.parametrize("client", HANDLERS)
def test_a_client_serves_events_over_one_instance(start, client):
    run = start(client)
    for event in EVENTS:
        assert run.result(event) == event
    assert run.result("log a line") == "log a line"
    assert "a line" in run.output()


@pytest.mark.parametrize("client, error_type", ERRORS.items())
def test_a_client_reports_an_error_and_serves_on(start, client, error_type):
    run = start(client)
    posted = run.invoke("error here")
    error = posted.json()
    assert (posted.kind, error["errorMessage"]) == ("error", "error here")
    assert error["errorType"] == error_type or client == "lambda-runtime" and error_type in error["errorType"]
    assert run.result(1) == 1


@pytest.mark.parametrize("client", HANDLERS)
def test_a_client_ends_with_the_status_that_the_function_chose(start, client):
    run = start(client)
    run.send("exit 3")
    assert run.exit_code() == 3
    assert run.server.posted.get(timeout=5) is None


@pytest.mark.parametrize("client, handler, error_type", [
    ("awslambdaric", "app.missing", "Runtime.HandlerNotFound"),
    ("aws-lambda-ric", "index.missing", "Runtime.HandlerNotFound"),
])
def test_a_missing_handler_is_an_init_error(start, client, handler, error_type):
    run = start(client, handler)
    assert run.init_error()["errorType"] == error_type
    assert run.exit_code() != 0


def test_the_java_client_reports_a_missing_handler_at_the_call(start):
    posted = start("aws-lambda-java", "Missing::handle").invoke(1)
    assert (posted.kind, posted.json()["errorType"]) == ("error", "java.lang.ClassNotFoundException")


def test_the_c_client_posts_an_init_error_when_asked_to(start):
    run = start("c-bootstrap", env={"C_BOOTSTRAP_INIT_ERROR": "1"})
    assert run.init_error()["errorType"] == "Custom.InitError"
    assert run.exit_code() == 1


def test_the_c_client_can_abort(start):
    run = start("c-bootstrap")
    run.send("abort")
    assert run.exit_code() == -signal.SIGABRT


def test_awss_node_client_streams(start):
    run = start("aws-lambda-ric", "index.stream")
    posted = run.invoke({})
    assert (posted.body, posted.headers["lambda-runtime-function-response-mode"]) == (b"one two", "streaming")
    posted = run.invoke("error")
    report = json.loads(base64.b64decode(posted.trailers["lambda-runtime-function-error-body"]))
    assert (posted.body, report["errorType"]) == (b"one ", "TypeError")


def test_awss_go_client_streams(start):
    run = start("aws-lambda-go", "stream")
    posted = run.invoke({})
    assert posted.body == b"one two"
    posted = run.invoke("error")
    report = json.loads(base64.b64decode(posted.trailers["lambda-runtime-function-error-body"]))
    assert (posted.body, report["errorMessage"]) == (b"one ", "in the middle")


def test_awss_rust_client_streams(start):
    posted = start("lambda-runtime", "stream").invoke({})
    # What stands before the eight zero bytes is status and headers for a function URL.
    assert posted.body.partition(b"\0" * 8)[2] == b"one two"
    assert posted.headers["lambda-runtime-function-response-mode"] == "streaming"
