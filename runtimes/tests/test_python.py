"""The Python client, against every interpreter found."""

import json
import os
import re
import signal

import pytest

from runtime_paths import PYTHON_FLAGS, RUNTIMES

ECHO = "def handler(event, context):\n    return event\n"
HARD_SPACES = "\u00a0\u00a0"


def test_an_event_reaches_the_handler_and_its_result_comes_back(run_python):
    run = run_python(ECHO)
    for event in ({"a": [1, 2.5, None, True, "\u00fc\U0001f600"]}, [], "text", 0, None, {"deep": [[[{}]]]}):
        assert run.result(event) == event


def test_a_result_is_sent_as_utf8_without_escapes(run_python):
    posted = run_python(ECHO).invoke({"k": "gr\u00fc\u00df"})
    assert posted.body == '{"k": "gr\u00fc\u00df"}'.encode()
    assert posted.type == "application/json"


def test_a_lone_surrogate_is_sent_as_an_escape(run_python):
    assert run_python("def handler(e, c): return '\\ud800'").invoke(None).body == b'"\\ud800"'


def test_whitespace_around_an_event_is_skipped(run_python):
    assert run_python(ECHO).invoke(b' \r\n\t{"a" : 1}\n ', raw=True).json() == {"a": 1}


def test_a_call_that_comes_in_pieces_is_read(run_python):
    run = run_python(ECHO)
    run.server.in_pieces = True
    assert [run.result({"text": "x" * n}) for n in (0, 1000)] == [{"text": ""}, {"text": "x" * 1000}]


def test_a_payload_of_six_megabytes_goes_both_ways(run_python):
    event = {"data": "abcdef\u00e9" * 800000}
    assert run_python(ECHO).result(event) == event


def test_bytes_are_sent_as_they_are(run_python):
    posted = run_python("def handler(e, c): return b'\\x00\\xff'").invoke(None)
    assert posted.body == b"\x00\xff"
    assert posted.type == "application/unknown"


def test_a_decimal_is_sent_as_a_number_with_all_its_digits(run_python):
    source = """
from decimal import Decimal
def handler(event, context):
    return {"n": Decimal("12345678901234567890.123456789012345678"), "s": "1.5", "nan": Decimal("NaN"), "l": [Decimal("1.10")]}
"""
    body = run_python(source).invoke(None).body
    assert body == b'{"n": 12345678901234567890.123456789012345678, "s": "1.5", "nan": NaN, "l": [1.10]}'


def test_nan_and_infinity_stay_as_they_are(run_python):
    assert run_python("def handler(e, c): return [float('nan'), float('-inf')]").invoke(None).body == b"[NaN, -Infinity]"


def test_the_context_has_all_of_awss_members(run_python):
    source = """
def handler(event, context):
    c = context
    return {
        "aws_request_id": c.aws_request_id, "function_name": c.function_name, "function_version": c.function_version,
        "arn": c.invoked_function_arn, "memory": c.memory_limit_in_mb, "group": c.log_group_name, "stream": c.log_stream_name,
        "identity": [c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id],
        "custom": c.client_context.custom, "env": c.client_context.env, "title": c.client_context.client.app_title,
        "installation": c.client_context.client.installation_id, "remaining": c.get_remaining_time_in_millis(),
        "tenant": c.tenant_id, "repr": repr(c),
    }
"""
    run = run_python(source)
    found = run.result(None, {
        "identity": json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}),
        "client_context": json.dumps(
            {"custom": {"k": "v\u00e9"}, "env": {"locale": "en"}, "client": {"app_title": "title"}}),
        "tenant_id": "tenant-7",
    })
    assert 0 < found.pop("remaining") <= 60000
    assert found.pop("repr").startswith("LambdaContext([aws_request_id=00000000-")
    assert found == {
        "aws_request_id": "00000000-0000-4000-8000-000000000001", "function_name": "hello", "function_version": "$LATEST",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:hello", "memory": "128", "group": "/aws/lambda/hello",
        "stream": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef", "identity": ["id", "pool"],
        "custom": {"k": "v\u00e9"}, "env": {"locale": "en"}, "title": "title", "installation": None, "tenant": "tenant-7",
    }


def test_without_client_headers_the_context_has_an_empty_identity_and_no_client_context(run_python):
    source = "def handler(e, c): return [c.client_context, c.identity.cognito_identity_id, c.tenant_id]"
    assert run_python(source).result() == [None, None, None]


def test_remaining_time_is_never_negative(run_python):
    source = "def handler(e, c): return c.get_remaining_time_in_millis()"
    assert run_python(source).result(None, {"deadline_ms": 1000}) == 0


def test_a_client_context_that_is_not_json_fails_the_invocation_only(run_python):
    run = run_python(ECHO)
    report = run.error(None, {"client_context": "{"})
    assert report["errorType"] == "Runtime.LambdaContextUnmarshalError"
    assert report["errorMessage"].startswith("Unable to parse Client Context JSON: ")
    assert run.result(1) == 1


def test_the_trace_id_is_in_the_environment_of_its_invocation_only(run_python):
    run = run_python("import os\ndef handler(e, c): return os.environ.get('_X_AMZN_TRACE_ID')")
    assert run.result(None, {"trace_id": "Root=1-2-3"}) == "Root=1-2-3"
    assert run.result(None, {"trace_id": ""}) is None


def test_an_exception_is_reported_as_aws_does(run_python, starter):
    source = """
def inner():
    raise ValueError("b\u00e4d")

def handler(event, context):
    inner()
"""
    run = run_python(source)
    report = run.error()
    app = str(starter.task_root / "app.py")
    assert report == {
        "errorMessage": "b\u00e4d",
        "errorType": "ValueError",
        "requestId": "00000000-0000-4000-8000-000000000001",
        "stackTrace": [
            '  File "%s", line 6, in handler\n    inner()\n' % app,
            '  File "%s", line 3, in inner\n    raise ValueError("b\u00e4d")\n' % app,
        ],
    }
    assert list(report) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert run.output() == (
        "[ERROR] ValueError: b\u00e4d\nTraceback (most recent call last):\n"
        + HARD_SPACES + 'File "%s", line 6, in handler\n' % app + HARD_SPACES * 2 + "inner()\n"
        + HARD_SPACES + 'File "%s", line 3, in inner\n' % app + HARD_SPACES * 2 + 'raise ValueError("b\u00e4d")\n')


def test_the_instance_serves_on_after_an_exception(run_python):
    run = run_python("def handler(event, context):\n    return 1 / event")
    assert run.error(0)["errorType"] == "ZeroDivisionError"
    assert run.result(1) == 1.0


def test_an_exception_that_cannot_be_printed_is_reported(run_python):
    source = """
class Odd(Exception):
    def __str__(self): raise RuntimeError("no")
def handler(event, context): raise Odd()
"""
    report = run_python(source).error()
    assert (report["errorType"], report["errorMessage"]) == ("Odd", "<unprintable Odd object>")


@pytest.mark.parametrize("value, message", [
    ("{1}", "Unable to marshal response: Object of type set is not JSON serializable"),
    ("object()", "Unable to marshal response: Object of type object is not JSON serializable"),
    ("(lambda a: (a.append(a), a)[1])([])", "Unable to marshal response: Circular reference detected"),
])
def test_a_result_without_json_form_is_a_marshal_error(run_python, value, message):
    report = run_python("def handler(e, c): return %s" % value).error()
    assert (report["errorType"], report["errorMessage"], report["stackTrace"]) == ("Runtime.MarshalError", message, [])


def test_a_coroutine_as_result_is_a_marshal_error(run_python):
    report = run_python("async def handler(e, c): return 1").error()
    assert report["errorMessage"] == "Unable to marshal response: Object of type coroutine is not JSON serializable"


@pytest.mark.parametrize("event, message", [
    (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    (b"", "Expecting value: line 1 column 1 (char 0)"),
    (b"1 2", "Extra data: line 1 column 3 (char 2)"),
    (b'"\xff"', "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
])
def test_an_event_that_is_not_json_is_an_unmarshal_error(run_python, event, message):
    run = run_python(ECHO)
    report = run.error(event, raw=True)
    assert (report["errorType"], report["errorMessage"]) == ("Runtime.UnmarshalError", "Unable to unmarshal input: " + message)
    assert run.result(1) == 1


@pytest.mark.parametrize("files, handler, error_type, message", [
    ({}, "app.handler", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'app'"),
    ({"app.py": "import nowhere"}, "app.handler", "Runtime.ImportModuleError",
     "Unable to import module 'app': No module named 'nowhere'"),
    ({"app.py": ECHO}, "app.other", "Runtime.HandlerNotFound", "Handler 'other' missing on module 'app'"),
    ({"app.py": ECHO}, "handler", "Runtime.MalformedHandlerName",
     "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
    ({"app.py": ECHO}, "", "Runtime.MalformedHandlerName",
     "Bad handler '': not enough values to unpack (expected 2, got 1)"),
    ({"sys.py": ECHO}, "sys.handler", "Runtime.BuiltInModuleConflict",
     "Cannot use built-in module sys as a handler module"),
])
def test_a_handler_that_cannot_be_loaded_is_an_init_error(run_python, files, handler, error_type, message):
    run = run_python(files, handler)
    assert run.init_error() == {"errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": []}
    assert run.exit_code() == 1
    assert run.output() == "[ERROR] %s: %s\nTraceback (most recent call last):\n" % (error_type, message)


def test_a_syntax_error_names_file_and_line(run_python, starter):
    run = run_python("x = 1\ndef handler(:\n    pass\n")
    report = run.init_error()
    assert report["errorType"] == "Runtime.UserCodeSyntaxError"
    assert report["errorMessage"] == "Syntax error in module 'app': invalid syntax (app.py, line 2)"
    assert report["stackTrace"] == ['  File "%s" Line 2\n    def handler(:\n' % (starter.task_root / "app.py")]
    assert run.exit_code() == 1


def test_an_exception_while_the_module_loads_shows_the_users_frames_only(run_python, starter):
    run = run_python("raise KeyError('k')")
    report = run.init_error()
    assert (report["errorType"], report["errorMessage"]) == ("KeyError", "'k'")
    assert report["stackTrace"] == [
        '  File "%s", line 1, in <module>\n    raise KeyError(\'k\')\n' % (starter.task_root / "app.py")]
    assert run.exit_code() == 1


@pytest.mark.parametrize("handler", ["pkg/sub/mod.fn", "pkg.sub.mod.fn"])
def test_a_module_path_may_have_slashes_or_dots(run_python, handler):
    run = run_python({"pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/sub/mod.py": "def fn(e, c): return __name__"}, handler)
    assert run.result() == "pkg.sub.mod"


def test_exit_in_a_handler_ends_the_process_without_an_answer(run_python):
    run = run_python("import sys\ndef handler(e, c):\n    print('bye')\n    sys.exit(7)")
    run.send(None)
    assert run.exit_code() == 7
    assert run.server.posted.get(timeout=5) is None
    assert run.output() == "bye\n"


def test_the_builtin_exit_is_there_as_with_site(run_python):
    run = run_python("def handler(e, c): exit(3)")
    run.send(None)
    assert run.exit_code() == 3


def test_exit_while_the_module_loads_ends_the_process_without_a_report(run_python):
    run = run_python("raise SystemExit(4)")
    assert run.exit_code() == 4
    assert run.server.posted.get(timeout=5) is None


def test_a_keyboard_interrupt_ends_the_process(run_python):
    run = run_python("def handler(e, c): raise KeyboardInterrupt()")
    run.send(None)
    assert run.exit_code() in (130, -signal.SIGINT)
    assert "KeyboardInterrupt" in run.output()


def test_the_terminate_signal_ends_a_waiting_instance(run_python):
    run = run_python(ECHO)
    run.result(1)
    run.process.terminate()
    assert run.exit_code() == -signal.SIGTERM


def test_a_signal_handler_of_the_function_runs_while_the_instance_waits(run_python):
    source = """
import os, signal
def leave(*_):
    print("leaving", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
def handler(e, c): return 1
"""
    run = run_python(source)
    run.result()
    run.process.terminate()
    assert run.exit_code() == 0
    assert run.output() == "leaving\n"


def test_printed_lines_appear_at_once_and_the_rest_before_the_answer(run_python):
    source = """
import os
def handler(event, context):
    print("line")
    if event == "die": os._exit(1)
    print("no end", end="")
"""
    run = run_python(source)
    run.result()
    assert run.output() == "line\nno end"
    run.send("die")
    run.exit_code()
    assert run.output() == "line\nno endline\n"


def test_logging_has_awss_format_with_the_request_id(run_python):
    source = """
import logging
logging.warning("while loading")
logger = logging.getLogger("mine")
def handler(event, context):
    logger.info("not shown")
    logger.warning("shown %d", 1)
    logging.getLogger().setLevel(logging.INFO)
    logger.info("shown now")
"""
    run = run_python(source)
    run.result()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    expected = [r"\[WARNING\]\t%s\t\twhile loading", r"\[WARNING\]\t%s\t00000000-0000-4000-8000-000000000001\tshown 1",
                r"\[INFO\]\t%s\t00000000-0000-4000-8000-000000000001\tshown now"]
    lines = run.output().splitlines()
    assert len(lines) == 3
    for line, pattern in zip(lines, expected):
        assert re.fullmatch(pattern % stamp, line), line


def test_an_exception_is_logged_with_its_traceback(run_python):
    source = """
import logging
def handler(event, context):
    try: 1 / 0
    except ZeroDivisionError: logging.exception("caught")
"""
    run = run_python(source)
    run.result()
    assert "\tcaught\nTraceback (most recent call last):\n" in run.output()
    assert "ZeroDivisionError: division by zero\n" in run.output()


def test_logging_as_json_has_one_object_a_line(run_python):
    source = """
import logging
def handler(event, context):
    logging.info("text %s", "x", extra={"order": 7})
    try: 1 / 0
    except ZeroDivisionError: logging.exception("caught")
    raise ValueError("v")
"""
    run = run_python(source, env={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
    run.error()
    first, second, third = [json.loads(line) for line in run.output().splitlines()]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.pop("timestamp"))
    request_id = "00000000-0000-4000-8000-000000000001"
    assert first == {"level": "INFO", "message": "text x", "logger": "root", "requestId": request_id, "order": 7}
    assert (second["errorType"], second["errorMessage"]) == ("ZeroDivisionError", "division by zero")
    assert second["location"].endswith("app.py:handler:6")
    assert (third["level"], third["errorType"], third["requestId"]) == ("ERROR", "ValueError", request_id)


def test_log_records_go_as_frames_to_the_descriptor_that_is_offered(run_python):
    read_end, write_end = os.pipe()
    run = run_python("import logging\ndef handler(e, c):\n    print('printed')\n    logging.error('two\\nlines')",
                     env={"_LAMBDA_TELEMETRY_LOG_FD": str(write_end)})
    os.close(write_end)
    run.result()
    data = os.read(read_end, 4096)
    os.close(read_end)
    assert data[:4].hex() == "a55a0017"
    assert int.from_bytes(data[4:8], "big") == len(data) - 16
    assert data[16:].decode().endswith("\ttwo\nlines\n")
    assert run.output() == "printed\n"


def test_logging_is_not_loaded_for_a_function_that_does_not_use_it(run_new_python):
    names = ["logging", "json", "re", "socket", "traceback", "threading", "site"]
    run = run_new_python("import sys\ndef handler(e, c): return [n for n in %r if n in sys.modules]" % names)
    assert run.result() == []


def test_sys_path_has_the_function_then_layers_then_the_runtime(run_python, starter):
    run = run_python("import sys\ndef handler(e, c): return [sys.path, sys.version_info[:2]]",
                     env={"PYTHONPATH": "/extra:/opt/python"})
    path, version = run.result()
    own = [str(starter.task_root), "/opt/python/lib/python%d.%d/site-packages" % tuple(version), "/opt/python"]
    assert path[:3] == own
    assert path[3].endswith("/runtimes/python")
    assert path[4] == "/extra"
    assert len(path) == len(set(path))
    assert not [entry for entry in path if entry.startswith("/usr") and "packages" in entry]


def test_modules_of_the_function_go_before_the_standard_library(run_python):
    run = run_python({"app.py": "import queue\ndef handler(e, c): return queue.mine", "queue.py": "mine = 5"})
    assert run.result() == 5


def test_a_lost_platform_ends_the_instance(run_python):
    run = run_python(ECHO)
    run.result(1)
    run.server.close()
    assert run.exit_code() == 1


def test_nothing_of_an_invocation_stays_in_memory_afterwards(run_python):
    source = """
import gc, weakref
class Big(dict): pass
alive = []
def handler(event, context):
    gc.collect()
    count = sum(1 for ref in alive if ref() is not None)
    big = Big(n=count)
    alive[:] = [weakref.ref(big)]
    return big
"""
    run = run_python(source)
    assert [run.result()["n"] for _ in range(3)] == [0, 0, 0]
