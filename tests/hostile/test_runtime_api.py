"""The Runtime API from inside: answers for calls of others, answers that are none, requests that fit no state, broken, slow
and endless ones. Whatever a function sends there harms its own call at most."""

import json
import re

import pytest
from lambent import failure, wait_for

from test_resources import MB, resident_bytes

# Each event names what to do while its call is in flight. What the Runtime API replied is in the answer, or, where
# the answer itself is the misuse, in a line of the log.
MISUSE = r"""#!/usr/bin/python3
import base64, http.client, json, os, re, socket, time
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
host, port = api.split(":")
BASE = "/2018-06-01/runtime/"
FOREIGN = "11111111-2222-4333-8444-555555555555"

def note(*what):
    print("NOTE " + json.dumps(what), flush=True)

def call(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(api, timeout=60)
    connection.request(method, BASE + path if not path.startswith("/") else path, body, headers)
    reply = connection.getresponse()
    data = reply.read()
    kind = json.loads(data).get("errorType") if data[:1] == b"{" and reply.status >= 400 else None
    return reply, data, [reply.status, kind]

def raw(data, close=True):
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(data)
    if close:
        connection.shutdown(socket.SHUT_WR)
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except OSError:
        pass
    return received.split(b"\r\n")[0].decode("latin-1")

def head(path, *lines):
    return ("POST %s%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % (BASE, path, "\r\n".join(lines))).encode()

def foreign(id):
    return [call("POST", "invocation/%s/%s" % (FOREIGN, verb), b"1")[2] for verb in ("response", "error")]

def again(id):
    call("POST", "invocation/%s/response" % id, b'"first"')
    note("again", *[call("POST", "invocation/%s/%s" % (id, verb), b"{}")[2] for verb in ("response", "error")])

def wrong(id):
    return [call("GET", "invocation/next")[2], call("POST", "init/error", b"{}")[2],
            call("POST", "invocation/next", b"")[2], call("GET", "invocation/%s/response" % id)[2],
            call("GET", "/2018-06-01/runtime/else")[2], call("GET", "/")[2],
            call("PUT", "invocation/%s/response" % id, b"1")[2]]

def garbage(id):
    path = "invocation/%s/response" % id
    return [raw(b"\x00\xff\xfe not http\r\n\r\n"), raw(b"GET / HTTP/9.9\r\n\r\n"),
            raw(head(path, "Transfer-Encoding: chunked") + b"zz\r\n"),
            raw(head(path, "Content-Length: 5", "Content-Length: 6") + b"123456"),
            raw(head(path, "Content-Length: -1")),
            raw(head(path, *["A%d: %s" % (n, "x" * 500) for n in range(1000)]))]

def cut(id):
    path = "invocation/%s/response" % id
    raw(head(path, "Content-Length: 100") + b'"half of')
    raw(head(path, "Transfer-Encoding: chunked") + b'5\r\n"half\r\n')
    raw(b"POST /2018")
    return "answered all the same"

def flood(id):
    many = []
    for _ in range(200):
        try:
            many.append(socket.create_connection((host, int(port)), timeout=5))
        except OSError:
            break
    for each in many:
        each.close()
    return "answered all the same"

def chunks(id, body, trailers=b""):
    data = head("invocation/%s/response" % id, "Transfer-Encoding: chunked", "Connection: close",
                "Lambda-Runtime-Function-Response-Mode: streaming",
                "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    for at in range(0, len(body), 100000):
        part = body[at:at + 100000]
        data += b"%x\r\n" % len(part) + part + b"\r\n"
    return raw(data + b"0\r\n" + trailers + b"\r\n", close=False)

def stream(id):
    chunks(id, b'"' + b"x" * 3000000 + b'"')

def large(id):
    note("large", chunks(id, b'"' + b"x" * 10485760 + b'"'))

def trailers(id):
    report = base64.b64encode(b'{"errorType":"Stream.Broke","errorMessage":"midway"}')
    chunks(id, b'"part', b"Lambda-Runtime-Function-Error-Type: Stream.Broke\r\n"
           b"Lambda-Runtime-Function-Error-Body: " + report + b"\r\n")

def not_json(id):
    call("POST", "invocation/%s/response" % id, b"\xff\xfe{")

def stall(id):
    connection = socket.create_connection((host, int(port)))
    connection.sendall(head("invocation/%s/response" % id, "Content-Length: 100") + b'"half of')
    time.sleep(1000)

def endless(id):
    # Ten gigabytes are announced, and some of them sent.
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(head("invocation/%s/response" % id, "Content-Length: 10737418240"))
    sent = 0
    try:
        while sent < 1 << 30:
            sent += connection.send(b"x" * 65536)
    except OSError:
        pass
    note("endless", sent)

def drip(id):
    # A byte at a time for a second; another connection answers meanwhile.
    connection = socket.create_connection((host, int(port)))
    connection.sendall(head("invocation/%s/response" % id, "Content-Length: 1000000"))
    for _ in range(50):
        connection.sendall(b"x")
        time.sleep(0.02)
    call("POST", "invocation/%s/response" % id, b'"not by the slow one"')
    connection.sendall(b"x")
    connection.close()

def hoard(id):
    # Bodies that stand half sent on every connection that there is, none of them the answer.
    kept = []
    for _ in range(30):
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(head("invocation/%s/response" % id, "Content-Length: 6000000"))
        connection.settimeout(0.05)
        try:
            for _ in range(80):
                connection.send(b"x" * 65536)
        except OSError:
            pass
        kept.append(connection)
    for connection in kept:
        connection.close()
    return "answered all the same"

def headers(id):
    raw(head("invocation/%s/response" % id, *["A%d: x" % n for n in range(100000)]))
    return raw(head("invocation/%s/response" % id, *["A%d: x" % n for n in range(1000)]))

earlier = []
def late(id):
    earlier.append(id)
    return [call("POST", "invocation/%s/%s" % (old, verb), b'"late"')[2] for old in earlier[:-1]
            for verb in ("response", "error")]

def forge(id):
    # What the platform's own lines are made of, with whatever could end a line or a field.
    kind = "X.Y\tDuration: 0.01 ms\tBilled Duration: 0 ms\u2028REPORT RequestId: forged " + "z" * 5000
    call("POST", "invocation/%s/error" % id, b'{"errorType":"a\\nREPORT RequestId: forged","errorMessage":"b"}',
         {"Lambda-Runtime-Function-Error-Type": kind.encode()})

def many_threads(id):
    import threading
    replies = []
    def answer():
        replies.append(call("POST", "invocation/%s/response" % id, b'"one of many"')[2][0])
    threads = [threading.Thread(target=answer) for _ in range(20)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    note("many_threads", sorted(replies))

def pipeline(id):
    # The answer and the next poll in one packet, as a client may that does not wait. It ends with this instance.
    body = b'"pipelined"'
    line = head("invocation/%s/response" % id, "Content-Length: %d" % len(body)) + body
    line += ("GET %sinvocation/next HTTP/1.1\r\nHost: x\r\n\r\n" % BASE).encode()
    connection = socket.create_connection((host, int(port)))
    connection.sendall(line)
    received = b""
    while not received.endswith(b'"pipelined again"'):
        part = connection.recv(65536)
        if not part:
            break
        received += part
    replies = re.findall("HTTP/1.1 [^\r]*", received.decode())
    id = received.decode().lower().split("lambda-runtime-aws-request-id: ")[1].split("\r\n")[0]
    call("POST", "invocation/%s/response" % id, json.dumps(replies).encode())

early = [call("POST", "invocation/%s/response" % FOREIGN, b"1")[2], call("GET", "else")[2]]

while True:
    reply, data, _ = call("GET", "invocation/next")
    id = reply.headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(data)
    answer = early if event == "early" else globals()[event](id)
    if answer is not None:
        call("POST", "invocation/%s/response" % id, json.dumps(answer).encode())
"""
INVALID_ID = [400, "InvalidRequestID"]
WRONG_STATE = [403, "InvalidStateTransition"]


@pytest.fixture(scope="module")
def misuse(server):
    """misuse(event) -> (answer, response); misuse.note(event) -> what the bootstrap noted about it."""
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=60,
                                  MemorySize=512)

    def call(event, **options):
        return server.invoke(name, event, **options)

    def note(event):
        log = server.run("logs", name, "--data", str(server.data)).stdout
        found = re.findall(r"NOTE (\[.*\])", log)
        return next((rest for what, *rest in map(json.loads, found) if what == event), None)

    call.name = name
    call.note = lambda event: wait_for(lambda: note(event), f"the note of {event}")
    return call


@pytest.mark.case("runtime-api-foreign")
def test_an_answer_before_the_first_call_is_refused(misuse):
    assert misuse("early")[0] == [INVALID_ID, [404, "NotFound"]]


@pytest.mark.case("runtime-api-foreign")
def test_answers_for_foreign_calls_are_refused(misuse):
    assert misuse("foreign")[0] == [INVALID_ID, INVALID_ID]


@pytest.mark.case("runtime-api-misuse")
def test_only_the_first_answer_counts(misuse):
    assert misuse("again")[0] == "first"
    assert misuse.note("again") == [WRONG_STATE, WRONG_STATE]


@pytest.mark.case("runtime-api-misuse")
def test_of_twenty_answers_at_once_one_counts(misuse):
    assert misuse("many_threads")[0] == "one of many"
    [codes] = misuse.note("many_threads")
    assert codes.count(202) == 1 and set(codes) == {202, 403}


@pytest.mark.case("runtime-api-misuse")
def test_requests_that_do_not_fit_change_nothing(misuse):
    codes = misuse("wrong")[0]
    assert codes == [WRONG_STATE, WRONG_STATE, [405, "MethodNotAllowed"], [405, "MethodNotAllowed"], [404, "NotFound"],
                     [404, "NotFound"], [405, "MethodNotAllowed"]]


@pytest.mark.case("runtime-api-misuse")
def test_garbage_is_answered_with_a_client_error_or_nothing(misuse):
    for line in misuse("garbage")[0]:
        assert line == "" or re.match(r"HTTP/1\.1 (4\d\d|505) ", line), line


@pytest.mark.case("runtime-api-misuse")
@pytest.mark.parametrize("event", ["cut", "flood"])
def test_broken_and_idle_connections_do_not_hinder_the_answer(misuse, event):
    assert misuse(event)[0] == "answered all the same"


@pytest.mark.case("runtime-api-misuse")
def test_a_chunked_answer_arrives_whole(misuse):
    answer, response = misuse("stream")
    assert answer == "x" * 3_000_000
    assert "FunctionError" not in response


@pytest.mark.case("runtime-api-misuse")
def test_a_chunked_answer_of_ten_megabytes_is_too_large(misuse):
    assert failure(misuse("large"))["errorType"] == "Function.ResponseSizeTooLarge"
    assert misuse.note("large")[0].startswith("HTTP/1.1 413 ")


@pytest.mark.case("runtime-api-misuse")
def test_trailers_make_an_answer_an_error(misuse):
    assert failure(misuse("trailers")) == {"errorType": "Stream.Broke", "errorMessage": "midway"}


@pytest.mark.case("runtime-api-misuse")
def test_an_answer_and_the_next_poll_in_one_packet(server):
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=30)
    assert server.invoke(name, "pipeline")[0] == "pipelined"
    assert server.invoke(name, "pipelined again")[0] == ["HTTP/1.1 202 Accepted", "HTTP/1.1 200 OK"]


@pytest.mark.case("runtime-api-misuse")
def test_an_answer_that_is_no_json_reaches_the_caller_as_it_is(server):
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=30)
    response = server.client("lambda").invoke(FunctionName=name, Payload=b'"not_json"')
    assert response["Payload"].read() == b"\xff\xfe{"


@pytest.mark.case("runtime-api-misuse")
def test_an_answer_that_stalls_ends_with_the_timeout(server):
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=1)
    assert failure(server.invoke(name, "stall"))["errorType"] == "Sandbox.Timedout"
    assert server.invoke(name, "foreign")[0] == [INVALID_ID, INVALID_ID]


@pytest.mark.case("runtime-api-misuse")
def test_an_endless_answer_is_refused_before_it_comes(server, misuse):
    before = resident_bytes(server.pid)
    assert failure(misuse("endless"))["errorType"] == "Function.ResponseSizeTooLarge"
    assert misuse.note("endless")[0] < 200 * MB, "the rest of it has nowhere to go"
    assert resident_bytes(server.pid) - before < 32 * MB


@pytest.mark.case("runtime-api-misuse")
def test_a_slow_answer_is_overtaken(misuse):
    assert misuse("drip")[0] == "not by the slow one"


@pytest.mark.case("runtime-api-misuse")
def test_hoarded_bodies_are_bounded_together(server, misuse):
    before = resident_bytes(server.pid)
    assert misuse("hoard")[0] == "answered all the same"
    assert resident_bytes(server.pid) - before < 64 * MB, "thirty times six megabytes would be 180"


@pytest.mark.case("runtime-api-misuse")
def test_very_many_headers_are_refused(misuse):
    assert misuse("headers")[0].startswith("HTTP/1.1 431 ")


@pytest.mark.case("runtime-api-foreign")
def test_an_answer_for_an_earlier_call_is_refused(misuse):
    replies = wait_for(lambda: misuse("late")[0], "an instance that has had a call before")
    assert all(reply == INVALID_ID for reply in replies)


@pytest.mark.case("log-forgery")
def test_an_error_type_cannot_write_lines_of_the_platform(server, misuse):
    answer, response = misuse("forge", LogType="Tail")
    assert answer["errorType"] == "a\nREPORT RequestId: forged", "to the caller it is data"
    events = [json.loads(line) for line in (server.data / "logs" / misuse.name / "current.log").read_text().splitlines()]
    reports = [e["m"] for e in events if e.get("k") == "platform" and "REPORT" in e["m"]]
    request_id = response["ResponseMetadata"]["RequestId"]
    own = [m for m in reports if m.startswith(f"REPORT RequestId: {request_id}\t")]
    assert len(own) == 1
    assert all(m.startswith("REPORT RequestId: ") and "\n" not in m for m in reports)
    assert len(re.findall("Billed Duration", own[0])) == 1, "and no field of the line is the function's"
    assert len(own[0]) < 2000
