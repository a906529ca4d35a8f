"""The Node.js client, against every node found."""

import json
import os
import re
import signal

import pytest

ECHO = "exports.handler = async (event) => event;\n"
FIRST_ID = "00000000-0000-4000-8000-000000000001"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_an_event_reaches_an_async_handler_and_its_result_comes_back(run_node):
    run = run_node(ECHO)
    for event in ({"a": [1, 2.5, None, True, "\u00fc\U0001f600"]}, [], "text", 0, None):
        assert run.result(event) == event


@pytest.mark.parametrize("source", [
    "exports.handler = (event, context, callback) => { callback(null, event + 1); };",
    "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event + 1), 20); };",
    "exports.handler = (event, context) => { context.succeed(event + 1); };",
    "exports.handler = (event, context) => { context.done(null, event + 1); };",
    "exports.handler = (event) => Promise.resolve(event + 1);",
    "exports.handler = (event) => ({ then: (resolve) => resolve(event + 1) });",
    "exports.handler = async (event) => { await new Promise((r) => setTimeout(r, 20)); return event + 1; };",
])
def test_every_way_to_answer(run_node, source):
    run = run_node(source)
    assert [run.result(n) for n in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("source", [
    "exports.handler = () => 5;",
    "exports.handler = () => { setTimeout(() => {}, 10); };",
    "exports.handler = async () => undefined;",
    "exports.handler = (event, context, callback) => callback();",
    "exports.handler = async () => () => 1;",
])
def test_without_a_value_the_answer_is_null(run_node, source):
    run = run_node(source)
    assert [run.invoke(n).body for n in range(2)] == [b"null", b"null"]


def test_an_answer_by_callback_waits_for_the_event_loop_to_empty(run_node):
    source = """
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = event;
  setTimeout(() => console.log('timer'), 100);
  callback(null, 1);
};
"""
    run = run_node(source)
    run.result(False)
    assert "timer" not in run.output()
    run.result(True)
    assert run.output().count("timer") == 2


def test_a_promise_answers_although_the_event_loop_is_not_empty(run_node):
    run = run_node("exports.handler = async () => { setInterval(() => {}, 100000); return 1; };")
    assert [run.result(), run.result()] == [1, 1]


@pytest.mark.parametrize("source", [
    "(event, context, callback) => { context.succeed(1); context.fail(new Error('x')); callback(null, 2); }",
    "(event, context, callback) => { callback(null, 1); throw new Error('late'); }",
    "async (event, context, callback) => { callback(null, 1); return 2; }",
])
def test_only_the_first_answer_counts(run_node, source):
    run = run_node("exports.handler = %s;" % source)
    assert [run.result(), run.result()] == [1, 1]


def test_a_call_that_comes_in_pieces_is_read(run_node):
    run = run_node(ECHO)
    run.server.in_pieces = True
    assert [run.result({"text": "\u00e9" * n}) for n in (0, 1000)] == [{"text": ""}, {"text": "\u00e9" * 1000}]


def test_a_payload_of_six_megabytes_goes_both_ways(run_node):
    event = {"data": "abcdef\u00e9" * 800000}
    assert run_node(ECHO).result(event) == event


def test_the_context_has_all_of_awss_members(run_node):
    source = """
exports.handler = async (event, c) => ({
  awsRequestId: c.awsRequestId, functionName: c.functionName, functionVersion: c.functionVersion,
  invokedFunctionArn: c.invokedFunctionArn, memoryLimitInMB: c.memoryLimitInMB, logGroupName: c.logGroupName,
  logStreamName: c.logStreamName, identity: c.identity, clientContext: c.clientContext, tenantId: c.tenantId,
  remaining: c.getRemainingTimeInMillis(), waits: c.callbackWaitsForEmptyEventLoop,
  functions: ['done', 'succeed', 'fail'].map((name) => typeof c[name]),
});
"""
    found = run_node(source).result(None, {
        "identity": json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}),
        "client_context": json.dumps({"custom": {"k": "v\u00e9"}}),
        "tenant_id": "tenant-7",
    })
    assert 0 < found.pop("remaining") <= 60000
    assert found == {
        "awsRequestId": FIRST_ID, "functionName": "hello", "functionVersion": "$LATEST",
        "invokedFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:hello", "memoryLimitInMB": "128",
        "logGroupName": "/aws/lambda/hello", "logStreamName": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
        "identity": {"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}, "clientContext": {"custom": {"k": "v\u00e9"}},
        "tenantId": "tenant-7", "waits": True, "functions": ["function"] * 3,
    }


def test_the_trace_id_is_in_the_environment_of_its_invocation_only(run_node):
    run = run_node("exports.handler = async () => process.env._X_AMZN_TRACE_ID ?? null;")
    assert run.result(None, {"trace_id": "Root=1-2-3"}) == "Root=1-2-3"
    assert run.result(None, {"trace_id": ""}) is None


@pytest.mark.parametrize("files, handler", [
    ({"index.mjs": "export const handler = async () => 'ok';"}, "index.handler"),
    ({"index.cjs": "exports.handler = async () => 'ok';"}, "index.handler"),
    ({"index.js": "export const handler = async () => 'ok';", "package.json": '{"type": "module"}'}, "index.handler"),
    ({"index.js": "export const handler = async () => 'ok';", "package.json": '{"type":"module"}'}, "./index.handler"),
    ({"src/a/index.js": "exports.handler = async () => 'ok';", "package.json": "{}"}, "src/a/index.handler"),
    ({"index.js": "exports.api = { v1: { get: async () => 'ok' } };"}, "index.api.v1.get"),
    ({"index.mjs": "await null; export const handler = async () => 'ok';"}, "index.handler"),
    ({"index.js": "exports.handler = async () => require('./lib').x;", "lib.js": "exports.x = 'ok';"}, "index.handler"),
    ({"node_modules/pkg/index.js": "exports.handler = async () => 'ok';"}, "pkg.handler"),
])
def test_forms_of_modules_and_handler_names(run_node, files, handler):
    assert run_node(files, handler).result() == "ok"


def test_an_error_is_reported_as_aws_does(run_node, starter):
    run = run_node("class OddError extends Error { get name() { return 'Odd'; } }\n"
                   "exports.handler = async () => { throw Object.assign(new OddError('b\u00e4d'), { code: 7 }); };")
    report = run.error()
    assert list(report) == ["errorType", "errorMessage", "trace"]
    assert (report["errorType"], report["errorMessage"]) == ("Odd", "b\u00e4d")
    assert report["trace"][0].endswith(": b\u00e4d")
    assert str(starter.task_root / "index.js") + ":2" in report["trace"][1]
    line = re.fullmatch(STAMP + "\t" + FIRST_ID + "\tERROR\tInvoke Error \t(.*)\n", run.output())
    logged = json.loads(line.group(1))
    assert (logged["errorType"], logged["errorMessage"], logged["code"]) == ("Odd", "b\u00e4d", 7)
    assert logged["stack"] == report["trace"]


@pytest.mark.parametrize("source, error_type, message", [
    ("exports.handler = () => { throw new TypeError('sync'); };", "TypeError", "sync"),
    ("exports.handler = async () => { throw 'text'; };", "string", "text"),
    ("exports.handler = (e, c, callback) => callback('text');", "string", "text"),
    ("exports.handler = (e, c, callback) => callback(new RangeError('far'));", "RangeError", "far"),
    ("exports.handler = (e, c) => c.fail();", "string", "handled"),
    ("exports.handler = () => Promise.reject();", "string", "handled"),
    ("exports.handler = async () => { throw { a: 1 }; };", "object", "[object Object]"),
    ("exports.handler = async () => { const a = {}; a.a = a; return a; };", "Error", "Unable to stringify response body"),
    ("exports.handler = async () => 1n;", "Error", "Unable to stringify response body"),
])
def test_every_way_to_fail_and_the_instance_serves_on(run_node, source, error_type, message):
    run = run_node(source)
    for _ in range(2):
        report = run.error()
        assert (report["errorType"], report["errorMessage"]) == (error_type, message)


def test_an_event_that_is_not_json_fails_the_invocation_only(run_node):
    run = run_node(ECHO)
    assert run.error(b"{", raw=True)["errorType"] == "SyntaxError"
    assert run.result(1) == 1


def test_a_client_context_that_is_not_json_fails_the_invocation_only(run_node):
    run = run_node(ECHO)
    assert run.error(1, {"client_context": "{"})["errorMessage"].startswith("Cannot parse ClientContext as json")
    assert run.result(1) == 1


@pytest.mark.parametrize("files, handler, error_type, message", [
    ({}, "index.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'index'"),
    ({"index.js": "require('nowhere');"}, "index.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'"),
    ({"index.js": ECHO}, "index.other", "Runtime.HandlerNotFound", "index.other is undefined or not exported"),
    ({"index.js": "exports.handler = 5;"}, "index.handler", "Runtime.HandlerNotFound", "index.handler is not a function"),
    ({"index.js": ECHO}, "index", "Runtime.MalformedHandlerName", "Bad handler"),
    ({"index.js": ECHO}, "../index.handler", "Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name."),
    ({"index.js": "exports.handler = ("}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected"),
    ({"index.mjs": "export const = 1"}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token"),
    ({"index.js": "throw new RangeError('top')"}, "index.handler", "RangeError", "top"),
    ({"index.js": "throw null"}, "index.handler", "object", "null"),
])
def test_a_handler_that_cannot_be_loaded_is_an_init_error(run_node, files, handler, error_type, message):
    run = run_node(files, handler)
    report = run.init_error()
    assert report["errorType"] == error_type
    assert report["errorMessage"].startswith(message)
    assert run.exit_code() == 129
    assert re.match(STAMP + "\tundefined\tERROR\tUncaught Exception \t{", run.output())


def test_an_uncaught_exception_is_reported_and_ends_the_process(run_node):
    run = run_node("exports.handler = () => new Promise(() => setTimeout(() => { throw new Error('late'); }, 10));")
    report = run.error()
    assert (report["errorType"], report["errorMessage"]) == ("Error", "late")
    assert run.exit_code() == 129
    assert "\tERROR\tUncaught Exception \t{" in run.output()


def test_an_unhandled_rejection_is_reported_and_ends_the_process(run_node):
    run = run_node("exports.handler = () => new Promise(() => { Promise.reject(new Error('nobody')); });")
    report = run.error()
    assert (report["errorType"], report["errorMessage"]) == ("Runtime.UnhandledPromiseRejection", "Error: nobody")
    assert run.exit_code() == 128
    assert "\tERROR\tUnhandled Promise Rejection \t{" in run.output()


def test_a_rejection_while_the_module_loads_is_an_init_error(run_node):
    run = run_node({"index.mjs": "Promise.reject(new Error('early')); await new Promise((r) => setTimeout(r, 1000));"
                                 "export const handler = 1;"})
    assert run.init_error()["errorType"] == "Runtime.UnhandledPromiseRejection"
    assert run.exit_code() == 128


def test_exit_in_a_handler_ends_the_process_without_an_answer(run_node):
    run = run_node("exports.handler = async () => { console.log('bye'); process.exit(7); };")
    run.send(None)
    assert run.exit_code() == 7
    assert run.server.posted.get(timeout=5) is None
    assert run.output().endswith("\tINFO\tbye\n")


def test_the_terminate_signal_ends_a_waiting_instance(run_node):
    run = run_node(ECHO)
    run.result(1)
    run.process.terminate()
    assert run.exit_code() == -signal.SIGTERM


def test_the_console_has_awss_format(run_node):
    source = """
console.log('loading');
exports.handler = async () => {
  console.log('a %d', 1, { b: [2] });
  console.info('i'); console.debug('d'); console.warn('w'); console.error('e'); console.trace('t');
  process.stdout.write('plain\\n');
};
"""
    run = run_node(source)
    run.result()
    lines = run.output().splitlines()
    expected = ["undefined\tINFO\tloading"] + [
        "%s\t%s" % (FIRST_ID, rest)
        for rest in ("INFO\ta 1 { b: [ 2 ] }", "INFO\ti", "DEBUG\td", "WARN\tw", "ERROR\te", "TRACE\tt")] + ["plain"]
    assert [re.sub("^" + STAMP + "\t", "", line) for line in lines] == expected
    assert all(re.match(STAMP + "\t", line) for line in lines[:-1])


def test_the_console_as_json_has_one_object_a_line(run_node):
    source = """
exports.handler = async () => {
  console.debug('dropped');
  console.log({ order: 7 });
  console.log('a', 1);
  throw new TypeError('bad');
};
"""
    run = run_node(source, env={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
    run.error()
    lines = [json.loads(line) for line in run.output().splitlines()]
    assert all(re.fullmatch(STAMP, line.pop("timestamp")) for line in lines)
    assert lines[:2] == [{"level": "INFO", "requestId": FIRST_ID, "message": {"order": 7}},
                         {"level": "INFO", "requestId": FIRST_ID, "message": "a 1"}]
    assert (lines[2]["level"], lines[2]["message"]["errorType"]) == ("ERROR", "TypeError")
    assert len(lines) == 3


def test_log_lines_go_as_frames_to_the_descriptor_that_is_offered(run_node):
    read_end, write_end = os.pipe()
    run = run_node("exports.handler = async () => console.error('two\\nlines');",
                   env={"_LAMBDA_TELEMETRY_LOG_FD": str(write_end)})
    os.close(write_end)
    run.result()
    data = os.read(read_end, 4096)
    os.close(read_end)
    assert data[:4].hex() == "a55a0017"
    assert int.from_bytes(data[4:8], "big") == len(data) - 16
    assert data[16:].decode().endswith("\tERROR\ttwo\nlines\n")


def test_much_output_arrives_whole_although_the_process_ends(run_node):
    run = run_node("exports.handler = async () => { for (let n = 0; n < 20000; n++) console.log(n); process.exit(0); };")
    run.send(None)
    assert run.exit_code() == 0
    assert run.output().splitlines()[-1].endswith("\tINFO\t19999")


STREAM = "exports.handler = awslambda.streamifyResponse(async (event, stream, context) => { %s });"


def test_a_stream_is_sent_in_parts(run_node):
    run = run_node(STREAM % "stream.setContentType('text/plain'); stream.write('one '); stream.write(Buffer.from('two'));"
                            "stream.write({ three: 3 }); stream.end();")
    for _ in range(2):
        posted = run.invoke({})
        assert (posted.kind, posted.parts, posted.failed) == ("response", [b"one ", b"two", b'{"three":3}'], None)
        assert posted.type == "text/plain"


def test_a_stream_has_a_default_content_type_and_may_be_empty(run_node):
    posted = run_node(STREAM % "stream.end();").invoke({})
    assert (posted.body, posted.type) == (b"", "application/octet-stream")


def test_a_stream_may_be_the_end_of_a_pipeline(run_node):
    source = "const { pipeline } = require('stream/promises'); const { Readable } = require('stream');\n" + STREAM % (
        "await pipeline(Readable.from(['x'.repeat(100000), 'y'.repeat(100000)]), stream);")
    assert run_node(source).invoke({}).body == b"x" * 100000 + b"y" * 100000


def test_http_metadata_goes_before_the_body(run_node):
    run = run_node(STREAM % "stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { a: 'b' } });"
                            "stream.write('body'); stream.end();")
    posted = run.invoke({})
    assert posted.type == "application/vnd.awslambda.http-integration-response"
    assert posted.body == b'{"statusCode":201,"headers":{"a":"b"}}' + b"\0" * 8 + b"body"


def test_a_failure_in_the_middle_of_a_stream_is_told_at_its_end(run_node):
    run = run_node(STREAM % "stream.write('part'); stream.write(' two'); throw new RangeError('mid');")
    for _ in range(2):
        posted = run.invoke({})
        assert posted.body == b"part two"
        error_type, report = posted.failed
        assert (error_type, report["errorType"], report["errorMessage"]) == ("RangeError", "RangeError", "mid")
        assert "index.js" in report["trace"][1]


@pytest.mark.parametrize("body, error_type, message", [
    ("throw new RangeError('first');", "RangeError", "first"),
    ("await null;", "string", "Response stream is not finished."),
])
def test_a_failure_before_the_stream_began_is_an_ordinary_error(run_node, body, error_type, message):
    run = run_node(STREAM % body)
    for _ in range(2):
        report = run.error()
        assert (report["errorType"], report["errorMessage"]) == (error_type, message)


def test_a_stream_that_is_never_ended_fails_once_the_event_loop_is_empty(run_node):
    posted = run_node(STREAM % "stream.write('part');").invoke({})
    assert (posted.body, posted.failed[0]) == (b"part", "string")


def test_a_streaming_handler_must_be_async(run_node):
    source = "exports.handler = awslambda.streamifyResponse(() => {});"
    assert run_node(source).error()["errorMessage"] == "Streaming does not support non-async handlers."


def test_a_stream_keeps_its_order_under_back_pressure(run_node):
    run = run_node(STREAM % """
      for (let n = 0; n < 2000; n++) {
        if (!stream.write(String(n).padStart(1000, '.'))) await new Promise((r) => stream.once('drain', r));
      }
      stream.end();""")
    assert run.invoke({}).body == b"".join(str(n).rjust(1000, ".").encode() for n in range(2000))


def test_a_lost_platform_ends_the_instance(run_node):
    run = run_node(ECHO)
    run.result(1)
    run.server.close()
    assert run.exit_code() == 1
