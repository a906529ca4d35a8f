"""Streamed answers: InvokeWithResponseStream, function URLs that stream, slow readers, errors in the middle."""

import http.client
import json
import pathlib
import time
import urllib.parse

import pytest
from functions_api import refused
from lambent import wait_for

STREAM = """
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  %s
});
"""
WHOLE = {"app.py": "def handler(event, context):\n    return {'event': event}\n"}


@pytest.fixture
def streaming(server, node_runtime):
    """streaming(body of the handler, **members) -> the function's name."""

    def make(body, of=server, **members):
        return of.create_function({"index.js": STREAM % body}, runtime=node_runtime, handler="index.handler", **members)

    return make


def events_of(client, name, **members):
    return client.invoke_with_response_stream(FunctionName=name, **members)["EventStream"]


def invoke(server, name, **members):
    """(all of the payload, the completing event)."""
    payload, complete = b"", None
    for event in events_of(server.client("lambda"), name, **members):
        assert complete is None, "nothing follows InvokeComplete"
        if "PayloadChunk" in event:
            payload += event["PayloadChunk"]["Payload"]
        else:
            complete = event["InvokeComplete"]
    return payload, complete


def peak_memory(server):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_pieces_come_while_the_function_still_makes_the_answer(server, streaming):
    name = streaming("stream.write('one'); await pause(1000); stream.write(String(Date.now() / 1000)); stream.end();")
    answer = server.client("lambda").invoke_with_response_stream(FunctionName=name)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    events = iter(answer["EventStream"])
    assert next(events) == {"PayloadChunk": {"Payload": b"one"}}
    first_came = time.time()
    assert float(next(events)["PayloadChunk"]["Payload"]) > first_came
    assert next(events) == {"InvokeComplete": {}}
    assert list(events) == []


def test_an_answer_that_is_not_streamed_is_one_piece(server):
    name = server.create_function(WHOLE)
    payload, complete = invoke(server, name, Payload=b'{"a": 1}', LogType="Tail")
    assert json.loads(payload) == {"event": {"a": 1}}
    assert list(complete) == ["LogResult"] and complete["LogResult"]


def test_invoke_gathers_a_streamed_answer(server, streaming):
    name = streaming("stream.write('{\"a\":'); stream.write('1}'); stream.end();")
    assert server.invoke(name)[0] == {"a": 1}


@pytest.mark.parametrize("body, payload, error", [
    ("throw new RangeError('at once');", b"", ("RangeError", "at once")),
    ("stream.write('begun'); await pause(200); throw new RangeError('midway');", b"begun", ("RangeError", "midway")),
    ("stream.write('begun'); await pause(200); process.exit(3);", b"begun", ("Runtime.ExitError", "exit status 3")),
    ("stream.write('begun'); await pause(60000);", b"begun", ("Sandbox.Timedout", "timed out after 2.00 seconds")),
])
def test_an_error_ends_the_stream_after_what_was_sent(server, streaming, body, payload, error):
    got, complete = invoke(server, streaming(body, Timeout=2))
    assert got == payload
    assert complete["ErrorCode"] == "Unhandled"
    details = json.loads(complete["ErrorDetails"])
    assert details["errorType"] == error[0] and error[1] in details["errorMessage"]


def test_what_cannot_be_called_is_an_ordinary_error(server, client_of_lambda):
    client = client_of_lambda
    assert refused(client.invoke_with_response_stream, FunctionName="nobody")[:2] == (404, "ResourceNotFoundException")
    name = server.create_function(WHOLE)
    assert client.invoke_with_response_stream(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert refused(client.invoke_with_response_stream, FunctionName=name, Payload=b"{")[:2] == (
        400, "InvalidRequestContentException")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refused(client.invoke_with_response_stream, FunctionName=name)[:2] == (429, "TooManyRequestsException")


@pytest.fixture
def client_of_lambda(server):
    return server.client("lambda", config={"retries": {"max_attempts": 0}})


def test_an_answer_over_the_limit_is_an_error(new_server, streaming):
    server = new_server("--limits-streamed-bytes", "1MiB").start()
    name = streaming("for (let i = 0; i < 64; i++) stream.write(Buffer.alloc(65536)); stream.end();", of=server)
    payload, complete = invoke(server, name)
    assert len(payload) <= 1 << 20
    assert json.loads(complete["ErrorDetails"])["errorType"] == "Function.ResponseSizeTooLarge"
    assert server.invoke(server.create_function(WHOLE), 1)[0] == {"event": 1}


def test_100_mb_pass_at_the_reader_s_pace_through_little_memory(new_server, streaming):
    server = new_server().start()
    name = streaming("""
      const piece = Buffer.alloc(1 << 20, 'x');
      for (let i = 0; i < 100; i++) {
        if (!stream.write(piece)) await new Promise((done) => stream.once('drain', done));
      }
      stream.write(String(Date.now() / 1000));
      stream.end();""", of=server, Timeout=120)
    server.invoke(server.create_function(WHOLE), 1)
    before = peak_memory(server)
    events = iter(events_of(server.client("lambda", config={"read_timeout": 120}), name))
    size = len(next(events)["PayloadChunk"]["Payload"])
    time.sleep(1)  # far longer than the function takes where nobody makes it wait
    resumed, last = time.time(), b""
    for event in events:
        if "PayloadChunk" in event:
            last = event["PayloadChunk"]["Payload"]
            size += len(last)
    assert size > 100 << 20
    assert float(last.lstrip(b"x")) > resumed, "the function waited for its reader"
    assert peak_memory(server) - before < 16 << 20


def test_a_function_whose_reader_goes_away_runs_to_its_end(server, streaming):
    name = streaming("stream.write('one'); await pause(500); stream.write('two'); await pause(300);"
                     " console.log('came to its end'); stream.end();")
    connection = open_url(server, name)
    assert connection.getresponse().read(3) == b"one"
    connection.close()
    wait_for(lambda: "came to its end" in server.run("logs", name, "--data", str(server.data), check=False).stdout, "the function runs on")
    wait_for(lambda: "REPORT" in server.run("logs", name, "--data", str(server.data), check=False).stdout, "and is metered")


def open_url(server, name, **members):
    """A connection that has asked for the function's URL, made for this."""
    url = server.client("lambda").create_function_url_config(
        FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM", **members)["FunctionUrl"]
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
    connection.request("GET", parts.path, headers={"Host": parts.netloc, "Origin": "https://a.example"})
    return connection


def test_a_url_streams_with_status_headers_and_cookies(server, streaming):
    name = streaming("""
      stream = awslambda.HttpResponseStream.from(stream, {
        statusCode: 201, headers: { 'Content-Type': 'text/x-new', 'X-Own': 'yes' }, cookies: ['a=1', 'b=2'] });
      stream.write('one'); await pause(1000); stream.write(String(Date.now() / 1000)); stream.end();""")
    response = open_url(server, name, Cors={"AllowOrigins": ["https://a.example"]}).getresponse()
    assert (response.status, response.headers["Content-Type"], response.headers["X-Own"]) == (201, "text/x-new", "yes")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["Transfer-Encoding"] == "chunked" and response.headers["x-amzn-RequestId"]
    assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert response.read(3) == b"one"
    first_came = time.time()
    assert float(response.read()) > first_came


def test_a_url_without_a_prelude_is_200_octets(server, streaming):
    response = open_url(server, streaming("stream.write('octets'); stream.end();")).getresponse()
    assert (response.status, response.headers["Content-Type"]) == (200, "application/octet-stream")
    assert response.read() == b"octets"


def test_a_url_gives_an_answer_that_is_not_streamed_as_it_is(server):
    response = open_url(server, server.create_function({"app.py": "def handler(event, context):\n    return {'statusCode': 201}\n"}))
    response = response.getresponse()
    assert (response.status, json.loads(response.read())) == (200, {"statusCode": 201})


def test_a_url_cuts_a_response_that_fails_midway(server, streaming):
    response = open_url(server, streaming("stream.write('begun'); await pause(200); throw new Error('midway');")).getresponse()
    assert response.status == 200
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.read()
    assert cut.value.partial == b"begun"


def test_a_url_answers_502_where_nothing_was_sent(server, streaming):
    response = open_url(server, streaming("throw new Error('at once');")).getresponse()
    assert (response.status, response.read()) == (502, b"Internal Server Error")


def test_a_url_answers_502_where_the_prelude_is_none(server, streaming):
    body = ("stream.setContentType('application/vnd.awslambda.http-integration-response');"
            " stream.write('{\"statusCode\":'); await pause(200); stream.write('no\\0\\0\\0\\0\\0\\0\\0\\0body'); stream.end();")
    response = open_url(server, streaming(body)).getresponse()
    assert (response.status, response.read()) == (502, b"Internal Server Error")
