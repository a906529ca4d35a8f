"""The Java client."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from runtime_api_server import RuntimeApiServer
from runtime_paths import RUNTIMES

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "java")
FIRST_ID = "00000000-0000-4000-8000-000000000001"


def _compile(folder, into, *flags):
    sources = [os.path.join(base, name) for base, _, names in os.walk(folder) for name in names if name.endswith(".java")]
    subprocess.run(["javac", "-encoding", "UTF-8", "-Xlint:all", "-d", str(into), *flags, *sources], check=True)
    return str(into)


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    return _compile(os.path.join(RUNTIMES, "java"), tmp_path_factory.mktemp("client"), "--release", "17", "-Werror")


@pytest.fixture(scope="session")
def function(tmp_path_factory):
    """A task root: the handlers, and the interfaces as a library in lib/."""
    root = tmp_path_factory.mktemp("function")
    interfaces = _compile(os.path.join(SOURCES, "interfaces"), tmp_path_factory.mktemp("interfaces"))
    _compile(os.path.join(SOURCES, "handlers"), root, "-cp", interfaces)
    os.mkdir(root / "lib")
    subprocess.run(["jar", "cf", str(root / "lib" / "interfaces.jar"), "-C", interfaces, "."], check=True)
    return root


@pytest.fixture
def run_java(client, function, starter):
    """run_java(handler) -> Instance"""

    def start(handler):
        shutil.copytree(function, starter.task_root, dirs_exist_ok=True)
        argv = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", client, "lambent.runtime.Main"]
        return starter.start(argv, "example." + handler, client, server=RuntimeApiServer())

    return start


def test_an_event_reaches_the_handler_and_its_result_comes_back(run_java):
    run = run_java("Handlers::echo")
    events = [{"a": [1, 2.5, None, True, "\u00fc\U0001f600\"\\\n\u0001"]}, [], {}, "text", 0, None, 2 ** 70, -1e300, "\ud800",
              {"deep": [[[{}]]]}]
    for event in events:
        assert run.result(event) == event
    assert run.invoke(b' \r\n\t{"a" : 1}\n ', raw=True).json() == {"a": 1}
    assert run.server.connections == 1


@pytest.mark.parametrize("handler, event, result", [
    ("Handlers::fixed", None, "ok"),
    ("Handlers::shout", "text", "TEXThello"),
    ("Handlers::sum", [1, 2, 3], 6),
    ("Handlers::lengths", ["a", "bc"], {"a": 1, "bc": 2}),
    ("Handlers$Doubler", 21, 42),
    ("Handlers$Doubler::handleRequest", 21, 42),
    ("Handlers$Typed", {"name": "x", "weight": 1}, {"type": "Part"}),
])
def test_forms_of_handlers(run_java, handler, event, result):
    run = run_java(handler)
    assert [run.result(event), run.result(event)] == [result, result]


def test_streams_are_passed_as_they_are(run_java):
    assert run_java("Handlers::reverse").invoke(b"abc", raw=True).body == b"cba"


def test_a_stream_handler_by_interface(run_java):
    assert run_java("Handlers$Streaming").invoke(b'"x"', raw=True).body == b'"x"hello'


def test_events_become_beans_records_enums_and_maps_and_results_come_of_them(run_java):
    order = {"kind": "LARGE", "Parts": [{"name": "a", "weight": 1.5, "sizes": [1]}], "urgent": False,
             "byName": {"b": {"name": "b", "weight": 2, "sizes": None}}, "unknown": 5}
    assert run_java("Handlers::order").result(order) == {
        "kind": "LARGE", "parts": [{"name": "a", "weight": 1.5, "sizes": [1, 1]}], "urgent": True,
        "byName": {"b": {"name": "b", "weight": 2.0, "sizes": None}}, "note": None,
    }


def test_the_context_has_awss_members(run_java):
    run = run_java("Handlers::members")
    found = run.result(None, {
        "identity": json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}),
        "client_context": json.dumps({"custom": {"k": "v\u00e9"}, "client": {"app_title": "t"}}),
        "trace_id": "Root=1-2-3",
    })
    assert 0 < found.pop("remaining") <= 60000
    assert found == {
        "requestId": FIRST_ID, "name": "hello", "version": "$LATEST", "memory": 128, "group": "/aws/lambda/hello",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:hello", "identity": "id", "custom": {"k": "v\u00e9"}, "title": "t",
        "stream": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef", "trace": "Root=1-2-3",
    }
    assert run.output() == "logged\nagain\n[INFO] level\n"
    bare = run.result(None, {"trace_id": None})
    assert (bare["custom"], bare["identity"], bare["trace"]) == (None, "", None)


def test_an_exception_is_reported_as_aws_does(run_java):
    run = run_java("Handlers::fail")
    report = run.error()
    assert list(report) == ["errorMessage", "errorType", "stackTrace", "cause"]
    assert (report["errorMessage"], report["errorType"]) == ("b\u00e4d", "java.lang.IllegalStateException")
    assert [frame.split(".java")[0] for frame in report["stackTrace"]] == [
        "example.Handlers.deep(Handlers", "example.Handlers.fail(Handlers"]
    assert (report["cause"]["errorMessage"], report["cause"]["errorType"]) == ("below", "java.io.IOException")
    assert "Caused by: java.io.IOException: below" in run.output()
    assert run.error("overflow")["errorType"] == "java.lang.StackOverflowError"
    assert run.error()["errorMessage"] == "b\u00e4d"


@pytest.mark.parametrize("handler, event, message", [
    ("Handlers::echo", b"{", "not JSON: unexpected end at position 1"),
    ("Handlers::echo", b"[01]", "not JSON: unexpected character '0' at position 1"),
    ("Handlers::echo", b"[" * 5000, "not JSON for here: more than 1000 levels deep"),
    ("Handlers::sum", b'{"a":1}', 'a value of the event, {"a":1}, is no array'),
    ("Handlers::order", b'{"kind":"HUGE"}', 'a value of the event, "HUGE", is none of example.Handlers$Kind'),
])
def test_an_event_that_does_not_fit_fails_the_invocation_only(run_java, handler, event, message):
    run = run_java(handler)
    for _ in range(2):
        report = run.error(event, raw=True)
        assert (report["errorType"], report["errorMessage"]) == ("java.lang.IllegalArgumentException", message)


@pytest.mark.parametrize("handler, error_type, message", [
    ("Missing::run", "java.lang.ClassNotFoundException", "Class not found: example.Missing"),
    ("Handlers::none", "java.lang.NoSuchMethodException", "No public method named none"),
    ("Handlers", "java.lang.IllegalArgumentException", "Handler example.Handlers implements neither"),
    ("Handlers$Broken::run", "java.lang.ExceptionInInitializerError", None),
])
def test_a_handler_that_cannot_be_loaded_is_an_init_error(run_java, handler, error_type, message):
    run = run_java(handler)
    report = run.init_error()
    assert report["errorType"] == error_type
    assert message is None or report["errorMessage"].startswith(message)
    assert run.exit_code() == 1


def test_exit_in_a_handler_ends_the_process_without_an_answer(run_java):
    run = run_java("Handlers::leave")
    run.send(None)
    assert run.exit_code() == 7
    assert run.output() == "bye"


def test_the_terminate_signal_ends_a_waiting_instance(run_java):
    run = run_java("Handlers::fixed")
    run.result()
    run.process.terminate()
    assert run.exit_code() in (143, -signal.SIGTERM)


def test_a_refused_answer_or_closed_connections_do_not_end_the_instance_but_a_server_error_does(run_java):
    run = run_java("Handlers::echo")
    run.server.close_every = True
    run.server.chunked = True
    run.server.refuse_status = 413
    run.invoke("too much")
    assert [run.result({"n": n, "text": "\u00e9" * 1000})["n"] for n in range(3)] == [0, 1, 2]
    run.server.refuse_status = 500
    run.invoke(1)
    assert run.exit_code() == 1
