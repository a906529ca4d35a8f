"""Node.js and Python functions on the real server: handler forms, errors, context, logs. What the runtime clients do by
themselves is tested beside them (runtimes/tests); here it is their end to end behaviour that counts."""

import base64
import json
import re

import pytest
from lambent import failure, make_zip, tail

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

# ---- Node.js ------------------------------------------------------------------------------------------------------

NODE_KIT = """
const answers = {
  async: async (event) => ({ got: event }),
  callback: (event, context, callback) => { setTimeout(() => callback(null, { got: event }), 5); },
  promise: (event) => Promise.resolve({ got: event }),
  succeed: (event, context) => { context.succeed({ got: event }); },
  nothing: async () => {},
  throw: () => { throw new TypeError('thrown'); },
  reject: async () => { throw Object.assign(new RangeError('far'), { code: 'E_FAR' }); },
  failed: (event, context, callback) => { callback(new Error('called back')); },
  text: async () => { throw 'only text'; },
  circular: async () => { const a = {}; a.a = a; return a; },
  context: async (event, context) => ({
    id: context.awsRequestId, name: context.functionName, version: context.functionVersion,
    arn: context.invokedFunctionArn, memory: context.memoryLimitInMB, group: context.logGroupName,
    stream: context.logStreamName, remaining: context.getRemainingTimeInMillis(), client: context.clientContext,
  }),
  environment: async () => ({
    node: process.version, argv: process.argv.length, execution: process.env.AWS_EXECUTION_ENV, cwd: process.cwd(),
    root: process.env.LAMBDA_TASK_ROOT, timeZone: new Date(0).getTimezoneOffset(), paths: process.env.NODE_PATH,
  }),
  console: async () => {
    console.log('a %d', 1, { b: [2] });
    console.error('two\\nlines');
    process.stdout.write('plain\\n');
  },
  exit: () => { process.exit(7); },
  uncaught: () => new Promise(() => setTimeout(() => { throw new Error('late'); }, 5)),
  unhandled: () => new Promise(() => { Promise.reject(new Error('nobody')); }),
  hang: () => new Promise(() => setInterval(() => {}, 1000)),
  spin: () => { for (;;) { /* never yields */ } },
};
let calls = 0;
exports.handler = (event, context, callback) => {
  console.log(`call ${++calls} of ${context.logStreamName}`);
  return answers[event.how](event, context, callback);
};
exports.streaming = awslambda.streamifyResponse(async (event, stream) => {
  if (event.how === 'early') throw new RangeError('before the first byte');
  stream.setContentType('application/json');
  stream.write('{"parts":[');
  for (let n = 0; n < event.parts; n++) stream.write((n ? ',' : '') + JSON.stringify('x'.repeat(event.size)));
  if (event.how === 'late') throw new RangeError('in the middle');
  stream.end(']}');
});
"""


@pytest.fixture(scope="module")
def node(server, node_runtime):
    """call(how, **event) on one function that has every way to answer."""
    name = server.create_function({"index.js": NODE_KIT}, runtime=node_runtime, handler="index.handler", Timeout=30)

    def call(how, event=None, **options):
        return server.invoke(name, {"how": how, **(event or {})}, **options)

    call.function = name
    return call


@pytest.fixture(scope="module")
def node_streaming(server, node_runtime):
    return server.create_function({"index.js": NODE_KIT}, runtime=node_runtime, handler="index.streaming", Timeout=30,
                                  MemorySize=512)


@pytest.mark.parametrize("how", ["async", "callback", "promise", "succeed"])
def test_node_answers_in_every_form(node, how):
    event = {"text": "grüße 漢字 😀", "deep": [[{"a": None}]], "n": 1.5}
    answer, response = node(how, event)
    assert answer == {"got": {"how": how, **event}}
    assert "FunctionError" not in response


def test_node_without_a_value_answers_null(node):
    answer, response = node("nothing")
    assert answer is None
    assert "FunctionError" not in response


@pytest.mark.parametrize("how, error_type, message", [
    ("throw", "TypeError", "thrown"),
    ("reject", "RangeError", "far"),
    ("failed", "Error", "called back"),
    ("text", "string", "only text"),
    ("circular", "Error", "Unable to stringify response body"),
    ("no such way", "TypeError", "answers[event.how] is not a function"),
])
def test_node_errors_have_type_message_and_trace(node, how, error_type, message):
    error = failure(node(how))
    assert (error["errorType"], error["errorMessage"]) == (error_type, message)
    assert isinstance(error["trace"], list)
    if error_type != "string":
        assert error["trace"][0] == f"{error_type}: {message}"
    if how == "throw":
        assert re.search(r"/var/task/index\.js:\d+:\d+", error["trace"][1])


def test_a_node_instance_that_reported_an_error_is_used_again(node):
    calls = [int(re.search(r"call (\d+) of", tail(node("throw", LogType="Tail")[1])).group(1)) for _ in range(4)]
    assert max(calls) >= 3, "an instance is replaced only where it is not back in time"


@pytest.mark.parametrize("how, error_type, message", [
    ("exit", "Runtime.ExitError", r"RequestId: {id} Error: Runtime exited with error: exit status 7"),
    ("uncaught", "Error", r"late"),
    ("unhandled", "Runtime.UnhandledPromiseRejection", r"Error: nobody"),
])
def test_node_errors_that_end_the_process(node, how, error_type, message):
    answer, response = node(how, LogType="Tail")
    error = failure((answer, response))
    assert error["errorType"] == error_type
    assert error["errorMessage"] == message.replace("{id}", response["ResponseMetadata"]["RequestId"])
    stream = re.search(r"call \d+ of (\S+)", tail(response)).group(1)
    assert node("context")[0]["stream"] != stream, "the instance is not used again"


@pytest.mark.parametrize("how", ["hang", "spin"])
def test_node_is_ended_at_its_timeout(server, node_runtime, how):
    name = server.create_function({"index.js": NODE_KIT}, runtime=node_runtime, handler="index.handler", Timeout=1)
    answer, response = server.invoke(name, {"how": how}, LogType="Tail")
    assert failure((answer, response))["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith(" Task timed out after 1.00 seconds")
    assert "Status: timeout" in tail(response)


def test_nodes_context_has_what_aws_gives(node):
    client_context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer, response = node("context", ClientContext=client_context)
    name = node.function
    assert answer.pop("id") == response["ResponseMetadata"]["RequestId"]
    assert 0 < answer.pop("remaining") <= 30_000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", answer.pop("stream"))
    assert answer == {"name": name, "version": "$LATEST", "memory": "128", "group": f"/aws/lambda/{name}",
                      "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
                      "client": {"custom": {"k": "v"}}}


def test_nodes_environment(node, node_runtime):
    answer, _ = node("environment")
    assert answer["node"].startswith("v" + node_runtime.removeprefix("nodejs").split(".")[0] + ".")
    assert (answer["cwd"], answer["root"], answer["timeZone"]) == ("/var/task", "/var/task", 0)
    assert answer["execution"] == "AWS_Lambda_" + node_runtime
    assert "/opt/nodejs/node_modules" in answer["paths"].split(":")


def test_nodes_console_has_awss_format(node):
    answer, response = node("console", LogType="Tail")
    request_id = response["ResponseMetadata"]["RequestId"]
    lines = tail(response).splitlines()
    start = lines.index(f"START RequestId: {request_id} Version: $LATEST")
    assert re.fullmatch(rf"{STAMP}\t{request_id}\tINFO\tcall \d+ of \S+", lines[start + 1])
    assert re.fullmatch(rf"{STAMP}\t{request_id}\tINFO\ta 1 {{ b: \[ 2 \] }}", lines[start + 2])
    assert re.fullmatch(rf"{STAMP}\t{request_id}\tERROR\ttwo", lines[start + 3])
    assert lines[start + 4:start + 7] == ["lines", "plain", f"END RequestId: {request_id}"]


@pytest.mark.parametrize("files, handler", [
    ({"index.mjs": "export const handler = async () => 'ok';"}, "index.handler"),
    ({"index.js": "await null; export const handler = async () => 'ok';", "package.json": '{"type": "module"}'},
     "index.handler"),
    ({"src/app.cjs": "exports.api = { get: async () => require('pkg').word };",
      "node_modules/pkg/package.json": '{"main": "lib/main.js"}', "node_modules/pkg/lib/main.js": "exports.word = 'ok';"},
     "src/app.api.get"),
], ids=["mjs", "type module", "commonjs with a package"])
def test_nodes_module_forms(server, node_runtime, files, handler):
    assert server.invoke(server.create_function(files, runtime=node_runtime, handler=handler))[0] == "ok"


@pytest.mark.parametrize("files, handler, error_type, message", [
    ({"index.js": "require('nowhere');"}, "index.handler", "Runtime.ImportModuleError",
     "Error: Cannot find module 'nowhere'"),
    ({"index.js": "exports.handler = ("}, "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
    ({"index.js": "exports.handler = 1"}, "index.other", "Runtime.HandlerNotFound",
     "index.other is undefined or not exported"),
    ({"index.js": "throw new RangeError('top')"}, "index.handler", "RangeError", "top"),
    ({"index.js": "process.exit(4)"}, "index.handler", "Runtime.ExitError",
     "RequestId: {id} Error: Runtime exited with error: exit status 4"),
], ids=["import", "syntax", "no handler", "throws", "exits"])
def test_node_code_that_cannot_be_loaded(server, node_runtime, files, handler, error_type, message):
    name = server.create_function(files, runtime=node_runtime, handler=handler)
    for _ in range(2):  # each call tries anew, none hangs
        answer, response = server.invoke(name)
        error = failure((answer, response))
        assert error["errorType"] == error_type
        assert error["errorMessage"].startswith(message.replace("{id}", response["ResponseMetadata"]["RequestId"]))


def test_a_streamed_answer_reaches_the_caller_whole(server, node_streaming):
    for parts, size in ((0, 0), (3, 5), (500, 10_000)):
        answer, response = server.invoke(node_streaming, {"parts": parts, "size": size})
        assert answer == {"parts": ["x" * size] * parts}
        assert "FunctionError" not in response


@pytest.mark.parametrize("how, message", [("early", "before the first byte"), ("late", "in the middle")])
def test_a_stream_that_fails_is_an_error_to_the_caller(server, node_streaming, how, message):
    error = failure(server.invoke(node_streaming, {"how": how, "parts": 2, "size": 3}))
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", message)
    assert server.invoke(node_streaming, {"parts": 1, "size": 1})[0] == {"parts": ["x"]}


# ---- Python -------------------------------------------------------------------------------------------------------

PYTHON_KIT = """
import json, logging, os, sys
logging.getLogger().setLevel(logging.INFO)
logging.info("while loading")

def log(event, context):
    logging.getLogger("shop").warning("order %d", 7)
    logging.debug("dropped")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("broken")
    sys.stderr.write("to stderr\\n")

def paths(event, context):
    import deep.inside.module
    import single
    return {"path": sys.path, "cwd": os.getcwd(), "word": deep.inside.module.word, "single": single.word,
            "data": open("deep/data.txt").read(), "main": sys.modules["app"].__file__, "version": sys.version_info[:2]}

def client(event, context):
    c = context.client_context
    return {"custom": c.custom, "env": c.env, "title": c.client.app_title, "identity":
            [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]}

def handler(event, context):
    return globals()[event](event, context)
"""


@pytest.fixture(scope="module")
def python(server):
    files = {"app.py": PYTHON_KIT, "deep/__init__.py": "", "deep/inside/__init__.py": "",
             "deep/inside/module.py": "word = 'found'", "single.py": "word = 'alone'", "deep/data.txt": "data"}
    name = server.create_function(files)
    server.invoke(name, "paths")
    return lambda event, **options: server.invoke(name, event, **options)


def test_pythons_logging_has_awss_format(python):
    answer, response = python("log", LogType="Tail")
    assert answer is None
    request_id = response["ResponseMetadata"]["RequestId"]
    lines = tail(response).splitlines()
    assert re.fullmatch(rf"\[WARNING\]\t{STAMP}\t{request_id}\torder 7", lines[1])
    assert re.fullmatch(rf"\[ERROR\]\t{STAMP}\t{request_id}\tbroken", lines[2])
    assert lines[3] == "Traceback (most recent call last):"
    assert "ZeroDivisionError: division by zero" in lines
    assert "to stderr" in lines
    assert not [line for line in lines if "dropped" in line]


def test_python_finds_packages_and_files_of_the_zip(python):
    answer, _ = python("paths")
    assert (answer["word"], answer["single"], answer["data"]) == ("found", "alone", "data")
    assert answer["path"][0] == answer["cwd"] == "/var/task"
    assert answer["main"] == "/var/task/app.py"
    assert answer["version"] == [3, 11]
    assert not [p for p in answer["path"] if p.startswith(("/root", "/home", "/work"))]


def test_pythons_client_context_has_all_its_parts(python):
    given = {"custom": {"k": "v"}, "env": {"locale": "de"}, "client": {"app_title": "shop"}}
    answer, _ = python("client", ClientContext=base64.b64encode(json.dumps(given).encode()).decode())
    assert answer == {"custom": {"k": "v"}, "env": {"locale": "de"}, "title": "shop", "identity": [None, None]}


def test_a_handler_in_a_folder_of_the_zip(server):
    name = server.create_function({"src/shop/app.py": "def handler(event, context):\n    return __name__\n"},
                                  handler="src/shop/app.handler")
    assert "FunctionError" not in server.invoke(name)[1]


def test_a_runtime_can_change_by_an_update(server, node_runtime):
    name = server.create_function({"app.py": "def handler(event, context):\n    return 'python'\n"})
    assert server.invoke(name)[0] == "python"
    client = server.client("lambda")
    client.update_function_code(FunctionName=name, ZipFile=make_zip(
        {"index.js": "exports.handler = async () => 'node';"}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    client.update_function_configuration(FunctionName=name, Runtime=node_runtime, Handler="index.handler")
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert server.invoke(name)[0] == "node"
