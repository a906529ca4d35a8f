"""The Extensions API: external extensions in layers, beside every kind of runtime, and internal ones."""

import json
import math
import os
import re
import subprocess
import time

import pytest
from lambent import ROLE, ROOT, failure, make_zip, new_name, tail, wait_for

# Says what it is told; the handler reads it in /tmp. Its settings are the function's environment.
PYTHON = r"""#!/usr/bin/python3
import http.client, json, os, sys, time
NAME = os.path.basename(sys.argv[0])
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, headers={}):
    api.request(method, "/2020-01-01/extension/" + path, body=body, headers=headers)
    response = api.getresponse()
    return response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read().decode()

def note(what):
    with open("/tmp/" + NAME, "a") as log:
        log.write(what + "\n")

with open("/tmp/" + NAME + ".environment", "w") as file:
    json.dump(dict(os.environ), file)
if os.environ.get("CRASH") == "start":
    sys.exit(3)
events = os.environ.get("EVENTS", "INVOKE SHUTDOWN").split()
status, headers, body = call("POST", "register", json.dumps({"events": events}),
                             {"Lambda-Extension-Name": NAME, "Lambda-Extension-Accept-Feature": "accountId"})
note("registered " + str(status) + " " + body)
me = {"Lambda-Extension-Identifier": headers["lambda-extension-identifier"]}
if os.environ.get("CRASH") == "init":
    print(call("POST", "init/error", "{}", {**me, "Lambda-Extension-Function-Error-Type": "Extension.NoConfig"}), flush=True)
    sys.exit(0)
print(NAME, "is there", flush=True)
while True:
    status, headers, body = call("GET", "event/next", None, me)
    event = json.loads(body)
    note(body)
    print(NAME, "got", event["eventType"], event.get("requestId", event.get("shutdownReason")), flush=True)
    if event["eventType"] == "SHUTDOWN":
        time.sleep(float(os.environ.get("LAST", "0")))
        print(NAME, "has", event["deadlineMs"] - int(time.time() * 1000) > 0, flush=True)
        sys.exit(0)
    if os.environ.get("CRASH") == "call":
        sys.exit(7)
    if os.environ.get("CRASH") == "signal":
        os.kill(os.getpid(), 9)
    time.sleep(float(os.environ.get("SLOW", "0")))
"""

BASH = r"""#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
curl -sS -D /tmp/bash.head -o /tmp/bash.body -H "Lambda-Extension-Name: $(basename "$0")" -d '{"events":["INVOKE"]}' "$api/register"
id=$(grep -i '^lambda-extension-identifier:' /tmp/bash.head | cut -d' ' -f2 | tr -d '\r')
while curl -sS -H "Lambda-Extension-Identifier: $id" "$api/event/next" >> /tmp/bash; do echo >> /tmp/bash; done
"""

APP = """
import os, time
def handler(event, context):
    event = event or {}
    if event.get("exit"):
        os._exit(5)
    time.sleep(event.get("sleep", 0))
    found = {name: open("/tmp/" + name).read() for name in os.listdir("/tmp") if not name.startswith(".")}
    return {"id": context.aws_request_id, "files": found, "arn": context.invoked_function_arn}
"""


@pytest.fixture
def client(server):
    return server.client("lambda")


@pytest.fixture
def layer(client):
    def make(files):
        made = client.publish_layer_version(LayerName=new_name("x"), Content={"ZipFile": make_zip(files)})
        return made["LayerVersionArn"]

    return make


def reports_of(server, name, field="Duration"):
    """The values of the field in all REPORT lines, in milliseconds."""
    return [float(value) for value in re.findall(rf"REPORT .*?\t{field}: ([0-9.]+) ms", log_of(server, name))]


def wait_until_done(server, name, calls=1):
    """Extensions too: the instance takes the next call, and no other is started for it."""
    wait_for(lambda: len(reports_of(server, name)) == calls, f"{calls} reports")


def log_of(server, name):
    return server.run("logs", name, "--lines", "100000", "--data", str(server.data), check=False).stdout


def create(server, layers, files=None, environment=None, **options):
    return server.create_function(files or {"app.py": APP}, Layers=layers, Timeout=options.pop("Timeout", 20),
                                  Environment={"Variables": environment or {}}, **options)


def test_extensions_hear_of_calls_and_the_instance_waits_for_them(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON}), layer({"extensions/shell.sh!": BASH})])
    first, response = server.invoke(name, {}, LogType="Tail")
    wait_until_done(server, name)
    second, _ = server.invoke(name, {})
    lines = second["files"]["watcher"].splitlines()
    told = json.loads(lines[0].split(" ", 2)[2])
    assert told == {"functionName": name, "functionVersion": "$LATEST", "handler": "app.handler", "accountId": "000000000000"}
    event = json.loads(lines[1])
    assert (event["eventType"], event["requestId"], event["invokedFunctionArn"]) == ("INVOKE", first["id"], first["arn"])
    assert event["tracing"]["type"] == "X-Amzn-Trace-Id" and event["tracing"]["value"].startswith("Root=1-")
    assert 0 < event["deadlineMs"] - time.time() * 1000 <= 20_000
    assert first["id"] in second["files"]["bash"], "two extensions hear of it"
    log = log_of(server, name)
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in log
    assert "EXTENSION\tName: shell.sh\tState: Ready\tEvents: [INVOKE]" in log
    assert "watcher is there" in log and f"watcher got INVOKE {first['id']}" in log


def test_their_environment_is_the_function_s_without_the_handler_s(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"MINE": "1"})
    answer, _ = server.invoke(name, {})
    environment = json.loads(answer["files"]["watcher.environment"])
    for present in ("MINE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_ACCESS_KEY_ID", "AWS_REGION"):
        assert present in environment
    for absent in ("_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME",
                   "_LAMBENT_RUNTIME_LINE"):
        assert absent not in environment


def test_what_extensions_take_after_the_answer_is_billed(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"SLOW": "2"})
    server.invoke(name, {})
    wait_until_done(server, name)
    begin = time.monotonic()
    answer, _ = server.invoke(name, {})
    spent = (time.monotonic() - begin) * 1000
    assert f"REPORT RequestId: {answer['id']}" not in log_of(server, name)
    wait_until_done(server, name, 2)
    duration, billed = reports_of(server, name)[1], reports_of(server, name, "Billed Duration")
    assert spent < duration and 2000 <= duration < 10_000
    assert billed[1] == math.ceil(duration)
    log = log_of(server, name)
    assert log.index(f"END RequestId: {answer['id']}") < log.index(f"REPORT RequestId: {answer['id']}")
    bill = json.loads(server.run("bill", "--json", "--data", str(server.data)).stdout)
    line = next(each for each in bill["functions"] if each["function"] == name)
    assert (line["requests"], line["billedMs"]) == (2, sum(billed))


def test_extensions_have_no_longer_than_the_call(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"SLOW": "60"}, Timeout=3)
    server.invoke(name, {})
    wait_until_done(server, name)
    assert 3000 <= reports_of(server, name)[0] < 10_000
    assert "\tStatus: timeout\t" in log_of(server, name)


def test_an_answer_does_not_wait_for_extensions_but_the_instance_does(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"SLOW": "2"})
    first, _ = server.invoke(name, {})
    begin = time.monotonic()
    second, _ = server.invoke(name, {})
    assert time.monotonic() - begin < 1.8, "the extension of the first instance takes two seconds"
    assert first["id"] not in second["files"]["watcher"], "another instance"
    wait_for(lambda: first["id"] in server.invoke(name, {})[0]["files"]["watcher"], "the first instance again")


NODE = "exports.handler = async () => require('fs').readFileSync('/tmp/watcher', 'utf8');"
RUBY = "def handler(event:, context:)\n  File.read('/tmp/watcher')\nend\n"
PROVIDED = r"""#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  curl -sS -D /tmp/head -o /dev/null "$api/invocation/next"
  id=$(grep -i '^lambda-runtime-aws-request-id:' /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  curl -sS -o /dev/null "$api/invocation/$id/response" -d "$(python3 -c 'import json; print(json.dumps(open("/tmp/watcher").read()))')"
done
"""


@pytest.mark.parametrize("kind", ["node", "ruby", "provided"])
def test_they_run_beside_every_runtime(server, layer, kind, node_runtime, ruby_runtime):
    files, options = {"node": ({"index.js": NODE}, {"runtime": node_runtime, "handler": "index.handler"}),
                      "ruby": ({"app.rb": RUBY}, {"runtime": ruby_runtime, "handler": "app.handler"}),
                      "provided": ({"bootstrap!": PROVIDED}, {"runtime": "provided.al2023"})}[kind]
    name = create(server, [layer({"extensions/watcher!": PYTHON})], files, **options)
    for calls in (1, 2):
        answer, response = server.invoke(name, {})
        assert "FunctionError" not in response, answer
        lines = [line for line in answer.splitlines() if "INVOKE" in line]
        assert calls - 1 <= len(lines) <= calls
        wait_until_done(server, name, calls)


def test_the_end_of_an_instance_is_told_and_waited_for(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"LAST": "0.5"})
    server.invoke(name, {})
    server.client("lambda").update_function_configuration(FunctionName=name, Description="another")
    server.wait_until_active(name)
    server.client("lambda").update_function_configuration(FunctionName=name, MemorySize=256)
    server.wait_until_active(name)
    server.invoke(name, {})
    log = wait_for(lambda: (lambda text: text if "watcher has" in text else None)(log_of(server, name)), "the last word")
    assert "watcher got SHUTDOWN spindown" in log and "watcher has True" in log


def test_a_timeout_is_answered_at_once_and_told_to_extensions(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"LAST": "1"}, Timeout=1)
    begin = time.monotonic()
    answer = failure(server.invoke(name, {"sleep": 30}))
    assert answer["errorType"] == "Sandbox.Timedout"
    wait_for(lambda: "watcher got SHUTDOWN timeout" in log_of(server, name), "the event")
    again, _ = server.invoke(name, {})
    assert len(again["files"]["watcher"].splitlines()) <= 2, "another instance"


def test_the_end_of_the_runtime_is_told_to_extensions(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON})])
    answer = failure(server.invoke(name, {"exit": True}))
    assert answer["errorType"] == "Runtime.ExitError" and "exit status 5" in answer["errorMessage"]
    wait_for(lambda: "watcher got SHUTDOWN failure" in log_of(server, name), "the event")


@pytest.mark.parametrize("when, type, what", [("start", "Extension.Crash", "exit code 3"),
                                              ("init", "Extension.InitError", "exit code 0"),
                                              ("call", "Extension.Crash", "exit code 7"),
                                              ("signal", "Extension.Crash", "signal: killed")])
def test_an_extension_that_ends_takes_the_call_with_it(server, layer, when, type, what):
    name = create(server, [layer({"extensions/watcher!": PYTHON})], environment={"CRASH": when})
    answer, response = server.invoke(name, {"sleep": 3}, LogType="Tail")
    assert response["FunctionError"] == "Unhandled"
    id = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert answer == {"errorType": type, "errorMessage": f"RequestId: {id} Error: {what}"}
    assert type in log_of(server, name)
    if when in ("start", "init"):
        assert f"INIT_REPORT Init Duration: " in log_of(server, name)


def test_a_file_that_cannot_be_executed_is_an_error_of_init(server, layer):
    name = create(server, [layer({"extensions/data": "no program"})])
    answer = failure(server.invoke(name, {}))
    assert answer["errorType"] == "Extension.LaunchError"
    assert answer["errorMessage"].endswith("Error: fork/exec /opt/extensions/data: permission denied")
    assert "EXTENSION\tName: data\tState: LaunchError\tEvents: []\tError Type: PermissionDenied" in log_of(server, name)


def test_there_are_ten_at_most(server, layer):
    name = create(server, [layer({f"extensions/e{i:02}!": PYTHON for i in range(11)})])
    answer = failure(server.invoke(name, {}))
    assert answer["errorType"] == "Extension.Crash"


INTERNAL = """
import http.client, json, os, threading
api = lambda: http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
heard = []
one = api()
one.request("POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE"]}), {"Lambda-Extension-Name": "inside"})
response = one.getresponse()
registered = (response.status, json.loads(response.read())["functionName"])
identifier = response.getheader("Lambda-Extension-Identifier")
def listen():
    while True:
        two = api()
        two.request("GET", "/2020-01-01/extension/event/next", headers={"Lambda-Extension-Identifier": identifier})
        heard.append(json.loads(two.getresponse().read()))
threading.Thread(target=listen, daemon=True).start()
def handler(event, context):
    late = api()
    late.request("POST", "/2020-01-01/extension/register", "{}", {"Lambda-Extension-Name": "late"})
    return {"registered": registered, "heard": heard, "late": json.loads(late.getresponse().read())["errorType"],
            "id": context.aws_request_id}
"""


def test_a_thread_of_the_runtime_is_an_internal_extension(server):
    name = server.create_function({"app.py": INTERNAL}, Timeout=10)
    first, response = server.invoke(name, {}, LogType="Tail")
    wait_until_done(server, name)
    second, _ = server.invoke(name, {})
    assert first["registered"] == [200, name] and first["late"] == "Extension.RegistrationClosed"
    assert [event["requestId"] for event in second["heard"]][0] == first["id"]
    assert "EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]" in log_of(server, name)


def test_the_server_stops_with_extensions_in_the_way(new_server):
    server = new_server().start()
    made = server.client("lambda").publish_layer_version(
        LayerName="x", Content={"ZipFile": make_zip({"extensions/watcher!": PYTHON})})
    name = create(server, [made["LayerVersionArn"]], environment={"LAST": "60"})
    server.invoke(name, {})
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 15
    assert "watcher got SHUTDOWN spindown" in log_of(server, name)


# ---- telemetry ------------------------------------------------------------------------------------------------------

# Subscribes as SUBSCRIBE says, keeps what it is sent in /tmp.
LISTENER = r"""#!/usr/bin/python3
import http.client, http.server, json, os, socketserver, sys, threading, time
NAME = os.path.basename(sys.argv[0])
kind = os.environ.get("LISTEN", "HTTP")

def keep(text):
    with open("/tmp/events", "a") as file:
        file.write(text)

class Http(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        keep("".join(json.dumps(event) + "\n" for event in json.loads(body)))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass

class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            keep(line.decode())

class Silent(socketserver.StreamRequestHandler):
    def handle(self):
        time.sleep(3600)

class Rubbish(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            self.wfile.write(b"\0rubbish" * 1000)

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

handlers = {"HTTP": Http, "TCP": Tcp, "SILENT": Silent, "RUBBISH": Rubbish}
server = Server(("sandbox.localdomain", 4243), handlers[kind])
threading.Thread(target=server.serve_forever, daemon=True).start()

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, headers={}):
    api.request(method, path, body=body, headers=headers)
    response = api.getresponse()
    return response.status, response.getheader("Lambda-Extension-Identifier"), response.read().decode()

status, identifier, body = call("POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE", "SHUTDOWN"]}),
                                {"Lambda-Extension-Name": NAME})
me = {"Lambda-Extension-Identifier": identifier}
destination = {"protocol": "TCP", "port": 4243} if kind == "TCP" else {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243"}
subscription = {"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],
                "buffering": {"timeoutMs": 25}, "destination": destination}
answers = [call("PUT", "/2022-07-01/telemetry", json.dumps({**subscription, "types": []}), me),
           call("PUT", "/2022-07-01/telemetry", json.dumps(subscription), {}),
           call(*json.loads(os.environ["LOGS"]), me) if "LOGS" in os.environ else call("PUT", "/2022-07-01/telemetry", json.dumps(subscription), me)]
with open("/tmp/answers", "w") as file:
    json.dump([[answer[0], answer[2]] for answer in answers], file)
print("the extension speaks", flush=True)
while True:
    event = json.loads(call("GET", "/2020-01-01/extension/event/next", None, me)[2])
    if event["eventType"] == "SHUTDOWN":
        time.sleep(0.2)
        print("LAST:" + open("/tmp/events").read().splitlines()[-1], flush=True)
        break
"""

TALKER = """
import json, os, time
def handler(event, context):
    event = event or {}
    for i in range(event.get("lines", 1)):
        print(event.get("say", "hello"), i)
    time.sleep(event.get("sleep", 0))
    if event.get("fail"):
        raise ValueError("as asked")
    events = open("/tmp/events").read().splitlines() if os.path.exists("/tmp/events") else []
    return {"id": context.aws_request_id, "answers": json.load(open("/tmp/answers")), "events": [json.loads(e) for e in events]}
"""


def telemetry(server, layer, **environment):
    return create(server, [layer({"extensions/listener!": LISTENER})], {"app.py": TALKER}, environment)


def events_of(server, name, wanted):
    """Calls until the listener has heard of all the wanted types."""

    def all_there():
        answer, _ = server.invoke(name, {"sleep": 0.2})
        return answer if wanted <= {event["type"] for event in answer["events"]} else None

    return wait_for(all_there, f"events {wanted}")


@pytest.mark.parametrize("kind", ["HTTP", "TCP"])
def test_telemetry_tells_what_the_platform_the_function_and_extensions_say(server, layer, kind):
    name = telemetry(server, layer, LISTEN=kind)
    first, _ = server.invoke(name, {"say": "\x1b\"quoted\" \u20ac"})
    assert [answer[0] for answer in first["answers"]] == [400, 403, 200]
    assert json.loads(first["answers"][0][1]) == {"errorType": "ValidationError", "errorMessage": "types should not be empty"}
    assert first["answers"][2][1] == '"OK"'
    all_types = {"platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.extension",
                 "platform.telemetrySubscription", "platform.start", "platform.runtimeDone", "platform.report", "function",
                 "extension"}
    answer = events_of(server, name, all_types)
    events = {}
    for event in answer["events"]:
        assert set(event) == {"time", "type", "record"} and event["time"].endswith("Z")
        events.setdefault(event["type"], event["record"])
    assert events["function"] == "\x1b\"quoted\" \u20ac 0"
    assert events["extension"] == "the extension speaks"
    start = events["platform.initStart"]
    assert (start["initializationType"], start["phase"], start["functionName"]) == ("on-demand", "init", name)
    assert events["platform.initRuntimeDone"]["status"] == "success"
    assert events["platform.initReport"]["metrics"]["durationMs"] > 1
    assert events["platform.extension"] == {"name": "listener", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
    assert events["platform.telemetrySubscription"] == {"name": "listener", "state": "Subscribed",
                                                        "types": ["platform", "function", "extension"]}
    assert (events["platform.start"]["requestId"], events["platform.start"]["version"]) == (first["id"], "$LATEST")
    assert events["platform.runtimeDone"]["status"] == "success"
    metrics = events["platform.report"]["metrics"]
    assert metrics["billedDurationMs"] >= 1 and metrics["memorySizeMB"] == 128 and metrics["initDurationMs"] > 1
    order = [event["type"] for event in answer["events"]]
    assert order.index("platform.initStart") < order.index("platform.initReport") < order.index("platform.start")
    assert "TELEMETRY\tName: listener\tState: Subscribed\tTypes: [Platform, Function, Extension]" in log_of(server, name)


def test_a_report_tells_what_extensions_took(server, layer):
    name = create(server, [layer({"extensions/listener!": LISTENER, "extensions/watcher!": PYTHON})], {"app.py": TALKER},
                  {"SLOW": "0.5"})
    first, _ = server.invoke(name, {})
    told = {event["type"]: event["record"] for event in events_of(server, name, {"platform.report"})["events"]
            if event["type"].startswith("platform.") and event["record"].get("requestId") == first["id"]}
    report, done = told["platform.report"], told["platform.runtimeDone"]
    span = report["spans"][0]
    assert span["name"] == "extensionOverhead" and span["durationMs"] > 0 and span["start"].endswith("Z")
    assert abs(report["metrics"]["durationMs"] - done["metrics"]["durationMs"] - span["durationMs"]) < 1
    assert report["metrics"]["durationMs"] >= 500


def test_an_error_of_the_function_is_told(server, layer):
    name = telemetry(server, layer)
    failure(server.invoke(name, {"fail": True}))
    answer = events_of(server, name, {"platform.report"})
    done = next(event["record"] for event in answer["events"] if event["type"] == "platform.runtimeDone")
    assert (done["status"], done["errorType"]) == ("error", "ValueError")


def test_the_logs_api_has_its_own_events(server, layer):
    subscription = {"schemaVersion": "2021-03-18", "types": ["platform", "function"], "buffering": {"timeoutMs": 25},
                    "destination": {"protocol": "HTTP", "URI": "http://sandbox:4243"}}
    name = telemetry(server, layer, LOGS=json.dumps(["PUT", "/2020-08-15/logs", json.dumps(subscription)]))
    answer = events_of(server, name, {"platform.logsSubscription", "platform.start", "platform.end", "platform.report", "function"})
    assert not [event for event in answer["events"] if event["type"].startswith("platform.init")]


@pytest.mark.parametrize("kind", ["SILENT", "RUBBISH"])
def test_a_subscriber_that_takes_nothing_holds_nobody_up(server, layer, kind):
    name = telemetry(server, layer, LISTEN=kind)
    server.invoke(name, {})

    def resident():
        with open(f"/proc/{server.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    server.invoke(name, {"lines": 3000, "say": "x" * 1000})
    before = resident()
    begin = time.monotonic()
    for _ in range(8):
        server.invoke(name, {"lines": 3000, "say": "x" * 1000})
    assert time.monotonic() - begin < 60
    assert resident() - before < 16 * 1024, "kilobytes: 24 MB were said"


def test_what_internal_extensions_subscribe_to_is_accepted_and_not_sent(server):
    code = INTERNAL.replace("threading.Thread", '''
three = api()
three.request("PUT", "/2022-07-01/telemetry", json.dumps({"schemaVersion": "2022-12-13", "types": ["function"],
              "destination": {"protocol": "TCP", "port": 8080}}), {"Lambda-Extension-Identifier": identifier})
status = three.getresponse().status
threading.Thread''').replace('"heard": heard', '"heard": status')
    name = server.create_function({"app.py": code}, Timeout=10)
    assert server.invoke(name, {})[0]["heard"] == 202


def test_internal_extensions_are_sent_telemetry_beside_external_ones(server, layer):
    code = INTERNAL.replace("threading.Thread", """
import socketserver
told = []
class Keep(socketserver.StreamRequestHandler):
    def handle(self):
        told.extend(json.loads(line) for line in self.rfile)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
listener = Server(("127.0.0.1", 8080), Keep)
threading.Thread(target=listener.serve_forever, daemon=True).start()
three = api()
three.request("PUT", "/2022-07-01/telemetry", json.dumps({"schemaVersion": "2022-12-13", "types": ["platform"],
              "buffering": {"timeoutMs": 25}, "destination": {"protocol": "TCP", "port": 8080}}),
              {"Lambda-Extension-Identifier": identifier})
status = three.getresponse().status
threading.Thread""", 1).replace('told.extend(json.loads(line) for line in self.rfile)', """
        for line in self.rfile:
            told.append(json.loads(line))""").replace('"heard": heard', '"heard": status, "told": told')
    name = create(server, [layer({"extensions/watcher!": PYTHON})], {"app.py": code})
    first, _ = server.invoke(name, {})
    assert first["heard"] == 200

    def told():
        events = server.invoke(name, {})[0]["told"]
        return [e for e in events if e["type"] == "platform.report" and e["record"]["requestId"] == first["id"]]

    assert wait_for(told, "the report of the first call")[0]["record"]["metrics"]["durationMs"] > 0


RECEIVER = """
import json, socketserver, threading, time
got = []
class Keep(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            got.append(json.loads(line))
server = socketserver.ThreadingTCPServer(("127.0.0.1", 8126), Keep)
threading.Thread(target=server.serve_forever, daemon=True).start()
def handler(event, context):
    print("hello " + context.aws_request_id)
    time.sleep(0.2)
    return {"id": context.aws_request_id, "got": got}
"""


def test_an_extension_of_aws_s_own_library_forwards_what_it_is_told(server, layer):
    """crates.io's lambda-extension, unmodified: its types take every record apart, and it sends them on."""
    subprocess.run([ROOT / "tests/clients/build.sh", "lambda-extension"], check=True, stdout=subprocess.DEVNULL)
    program = (ROOT / "build/clients/lambda-extension/forwarder").read_bytes()
    name = create(server, [layer({"extensions/forwarder!": program})], {"app.py": RECEIVER},
                  {"FORWARD_TO": "127.0.0.1:8126"})
    first, _ = server.invoke(name, {})

    def of_first():
        got = server.invoke(name, {})[0]["got"]
        mine = {event["type"]: event for event in got if first["id"] in json.dumps(event)}
        return (got, mine) if {"function", "platform.start", "platform.runtimeDone", "platform.report"} <= set(mine) else None

    got, mine = wait_for(of_first, "telemetry of the first call", 30)
    assert mine["function"]["record"] == "hello " + first["id"]
    assert mine["platform.start"]["record"]["tracing"]["value"].startswith("Root=1-")
    assert mine["platform.runtimeDone"]["record"]["status"] == "success"
    metrics = mine["platform.report"]["record"]["metrics"]
    assert metrics["billedDurationMs"] >= metrics["durationMs"] >= 200 and metrics["initDurationMs"] > 0
    assert {"platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.extension",
            "platform.telemetrySubscription"} <= {event["type"] for event in got}
    assert f"forwarder hears of {first['id']}" in log_of(server, name)


# ---- wrapper scripts ------------------------------------------------------------------------------------------------

WRAPPER = r"""#!/bin/bash
export WRAPPED="$1 with ${@: -1}"
echo "the wrapper speaks"
exec "$@"
"""
SHOW = {"python": ("app.py", "import os\ndef handler(event, context):\n    return os.environ['WRAPPED']\n"),
        "node": ("index.js", "exports.handler = async () => process.env.WRAPPED;"),
        "ruby": ("app.rb", "def handler(event:, context:)\n  ENV['WRAPPED']\nend\n")}


@pytest.mark.parametrize("kind", ["python", "node", "ruby"])
@pytest.mark.parametrize("place", ["layer", "code"])
def test_a_wrapper_script_starts_the_runtime(server, layer, kind, place, node_runtime, ruby_runtime):
    runtime = {"python": "python3.11", "node": node_runtime, "ruby": ruby_runtime}[kind]
    file, text = SHOW[kind]
    layers = [layer({"wrap!": WRAPPER})] if place == "layer" else []
    files = {file: text} if place == "layer" else {file: text, "wrap!": WRAPPER}
    folder = "/opt" if place == "layer" else "/var/task"
    name = create(server, layers, files, {"AWS_LAMBDA_EXEC_WRAPPER": folder + "/wrap"}, runtime=runtime,
                  handler=file.split(".")[0] + ".handler")
    answer, _ = server.invoke(name, {})
    program, script = answer.split(" with ")
    assert program.startswith("/") and script.startswith("/var/runtime/bootstrap."), answer
    assert "the wrapper speaks" in log_of(server, name)


def test_a_wrapper_and_extensions_go_together(server, layer):
    name = create(server, [layer({"extensions/watcher!": PYTHON, "wrap!": WRAPPER})],
                  {"app.py": SHOW["python"][1]}, {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
    assert "bootstrap.py" in server.invoke(name, {})[0]
    wait_for(lambda: "watcher got INVOKE" in log_of(server, name), "the extension hears of the call")


def test_python_s_site_customization_runs_in_a_wrapped_function(server, layer):
    custom = "import os\nos.environ['WRAPPED'] = 'by sitecustomize'\n"
    wrap = '#!/bin/bash\nexport PYTHONPATH="/opt/custom:$PYTHONPATH"\nexec "$@"\n'
    name = create(server, [layer({"custom/sitecustomize.py": custom, "wrap!": wrap})], {"app.py": SHOW["python"][1]},
                  {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
    assert server.invoke(name, {})[0] == "by sitecustomize"


@pytest.mark.parametrize("script, status", [(None, 127), ("plain", 126)])
def test_a_wrapper_that_cannot_be_executed_ends_init(server, script, status):
    files = {"app.py": SHOW["python"][1]} | ({"wrap": "no program"} if script else {})
    name = create(server, [], files, {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrap"})
    answer = failure(server.invoke(name, {}))
    assert (answer["errorType"], f"exit status {status}" in answer["errorMessage"]) == ("Runtime.ExitError", True), answer


def test_provided_runtimes_start_their_bootstrap_whatever_is_set(server):
    script = "#!/bin/bash\n" + PROVIDED.split("\n", 1)[1].replace('open("/tmp/watcher").read()', '"own"')
    name = create(server, [], {"bootstrap!": script}, {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/nothing"},
                  runtime="provided.al2023")
    assert server.invoke(name, {})[0] == "own"
