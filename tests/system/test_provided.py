"""Custom runtimes (`provided`, `provided.al2`, `provided.al2023`): any executable `bootstrap`, AWS's own unmodified
runtime clients, and bootstraps that misuse the Runtime API."""

import json
import pathlib
import re
import subprocess

import pytest
from lambent import ROOT, failure, make_zip, tail, wait_for

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

HANDLERS = {"awslambdaric": "app.handler", "aws-lambda-ric": "index.handler", "c-bootstrap": "hello"}
ERRORS = {"awslambdaric": "ValueError", "aws-lambda-ric": "TypeError", "c-bootstrap": "Custom.Error"}


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
    assert (error["errorType"], error["errorMessage"]) == (ERRORS[client], "error here")
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


# ---- misuse of the Runtime API ------------------------------------------------------------------------------------

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

    call.note = lambda event: wait_for(lambda: note(event), f"the note of {event}")
    return call


def test_an_answer_before_the_first_call_is_refused(misuse):
    assert misuse("early")[0] == [INVALID_ID, [404, "NotFound"]]


def test_answers_for_foreign_calls_are_refused(misuse):
    assert misuse("foreign")[0] == [INVALID_ID, INVALID_ID]


def test_only_the_first_answer_counts(misuse):
    assert misuse("again")[0] == "first"
    assert misuse.note("again") == [WRONG_STATE, WRONG_STATE]


def test_of_twenty_answers_at_once_one_counts(misuse):
    assert misuse("many_threads")[0] == "one of many"
    [codes] = misuse.note("many_threads")
    assert codes.count(202) == 1 and set(codes) == {202, 403}


def test_requests_that_do_not_fit_change_nothing(misuse):
    codes = misuse("wrong")[0]
    assert codes == [WRONG_STATE, WRONG_STATE, [405, "MethodNotAllowed"], [405, "MethodNotAllowed"], [404, "NotFound"],
                     [404, "NotFound"], [405, "MethodNotAllowed"]]


def test_garbage_is_answered_with_a_client_error_or_nothing(misuse):
    for line in misuse("garbage")[0]:
        assert line == "" or re.match(r"HTTP/1\.1 (4\d\d|505) ", line), line


@pytest.mark.parametrize("event", ["cut", "flood"])
def test_broken_and_idle_connections_do_not_hinder_the_answer(misuse, event):
    assert misuse(event)[0] == "answered all the same"


def test_a_chunked_answer_arrives_whole(misuse):
    answer, response = misuse("stream")
    assert answer == "x" * 3_000_000
    assert "FunctionError" not in response


def test_a_chunked_answer_of_ten_megabytes_is_too_large(misuse):
    assert failure(misuse("large"))["errorType"] == "Function.ResponseSizeTooLarge"
    assert misuse.note("large")[0].startswith("HTTP/1.1 413 ")


def test_trailers_make_an_answer_an_error(misuse):
    assert failure(misuse("trailers")) == {"errorType": "Stream.Broke", "errorMessage": "midway"}


def test_an_answer_and_the_next_poll_in_one_packet(server):
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=30)
    assert server.invoke(name, "pipeline")[0] == "pipelined"
    assert server.invoke(name, "pipelined again")[0] == ["HTTP/1.1 202 Accepted", "HTTP/1.1 200 OK"]


def test_an_answer_that_is_no_json_reaches_the_caller_as_it_is(server):
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=30)
    response = server.client("lambda").invoke(FunctionName=name, Payload=b'"not_json"')
    assert response["Payload"].read() == b"\xff\xfe{"


def test_an_answer_that_stalls_ends_with_the_timeout(server):
    name = server.create_function({"bootstrap!": MISUSE}, runtime="provided.al2023", handler="x", Timeout=1)
    assert failure(server.invoke(name, "stall"))["errorType"] == "Sandbox.Timedout"
    assert server.invoke(name, "foreign")[0] == [INVALID_ID, INVALID_ID]
