"""AWS's SDK for JavaScript, unmodified from npm, drives the server: functions, waiters, errors by class, tables."""

import json
import os
import re
import subprocess

import pytest
from lambent import ROOT, make_zip, new_name

HANDLER = """
exports.handler = async (event) => {
  console.log('from inside');
  if (event.fail) throw new RangeError('as asked');
  return { event, colour: process.env.COLOUR };
};
"""


@pytest.fixture(scope="module")
def sdk():
    subprocess.run([ROOT / "tests/system/node/install.sh"], check=True)
    return ROOT / "build/node/sdk.mjs"


def run(sdk, server, part, *arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": str(server.data), **server.settings()}
    done = subprocess.run(["node", str(sdk), part, *map(str, arguments)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def functions(sdk, server, node_runtime, tmp_path_factory):
    """(name, what sdk.mjs found out about functions)."""
    path = tmp_path_factory.mktemp("sdk") / "function.zip"
    path.write_bytes(make_zip({"index.js": HANDLER}))
    name = new_name("sdk")
    return name, run(sdk, server, "lambda", path, node_runtime, name)


@pytest.fixture(scope="module")
def tables(sdk, server):
    return run(sdk, server, "dynamodb", "-", "-", new_name("sdk"))


def test_a_function_is_created_and_waited_for(functions):
    name, found = functions
    assert (found["created"]["FunctionName"], found["created"]["State"]) == (name, "Pending")
    assert found["created"]["$metadata"]["httpStatusCode"] == 201
    assert found["waiter"] == "SUCCESS"


def test_it_is_invoked_in_every_way(functions):
    _, found = functions
    invoked = found["invoked"]
    assert (invoked["status"], invoked["version"]) == (200, "$LATEST")
    assert json.loads(invoked["payload"]) == {"event": {"n": 1, "text": "ü😀"}, "colour": "blau"}
    assert re.search(r"START RequestId: .*\n.*from inside\nEND RequestId: .*\nREPORT RequestId: ", invoked["log"])
    assert "error" not in invoked
    thrown = found["thrown"]
    assert (thrown["status"], thrown["error"]) == (200, "Unhandled")
    assert json.loads(thrown["payload"])["errorType"] == "RangeError"
    assert (found["event"]["status"], found["dryRun"]["status"]) == (202, 204)


@pytest.mark.parametrize("step, error, status", [
    ("createdTwice", "ResourceConflictException", 409),
    ("missing", "ResourceNotFoundException", 404),
    ("notJson", "InvalidRequestContentException", 400),
    ("badZip", "InvalidParameterValueException", 400),
    ("urlGone", "ResourceNotFoundException", 404),
    ("deleted", "ResourceNotFoundException", 404),
])
def test_errors_have_the_sdks_own_classes(functions, step, error, status):
    found = functions[1][step]
    assert (found["class"], found["name"], found["status"], found["fault"]) == (error, error, status, "client")
    assert found["isServiceError"]
    assert found["message"] not in ("", "UnknownError", error)


def test_a_constraint_is_a_validation_exception(functions):
    found = functions[1]["badMemory"]
    assert (found["name"], found["status"], found["isServiceError"]) == ("ValidationException", 400, True)
    assert "Value '1' at 'memorySize' failed to satisfy constraint" in found["message"]


def test_updates_are_seen_by_the_next_call(functions):
    name, found = functions
    assert json.loads(found["updated"]["payload"])["colour"] == "rot"
    configuration = found["got"]["Configuration"]
    assert (configuration["FunctionName"], configuration["Timeout"], configuration["LastUpdateStatus"]) == (
        name, 9, "Successful")
    assert found["codeIsTheZip"] is True


def test_a_function_url_is_made_and_removed(functions):
    _, found = functions
    assert found["url"]["FunctionUrl"].startswith("http")
    assert found["url"]["AuthType"] == "NONE"
    assert found["urlGot"]["FunctionUrl"] == found["url"]["FunctionUrl"]
    assert found["urlGot"]["Cors"]["AllowOrigins"] == ["*"]


def test_functions_are_listed_in_pages(functions):
    name, found = functions
    assert all(len(page) <= 2 for page in found["pages"])
    listed = [f for page in found["pages"] for f in page]
    assert len(listed) == len(set(listed))
    assert {name, name + "-a", name + "-b", name + "-c"} <= set(listed)


def test_items_keep_their_types(tables):
    assert tables["waiter"] == "SUCCESS"
    assert tables["got"] == {"p": "ü", "s": 1, "list": [1, "two", None, True], "tree": {"deep": {"x": 1.5}},
                             "set": ["a", "b"], "bytes": [0, 255]}
    assert tables["raw"] == {"tree": {"M": {"deep": {"M": {"x": {"N": "1.5"}}}}}}


def test_queries_filter_and_page(tables):
    assert tables["query"] == {"items": [7, 6, 5, 4, 2], "count": 5, "scanned": 6}
    assert [s for page in tables["pages"] for s in page] == [2, 4, 5, 6, 7]
    assert len(tables["pages"]) >= 3


def test_updates_and_conditions(tables):
    assert tables["updated"] == {"p": "ü", "s": 2, "square": 5, "fresh": ["new"]}
    assert tables["isConditionalCheck"] is True
    assert tables["deleted"] is None


def test_batches_transactions_and_partiql(tables):
    assert tables["batch"] == [10, 12]
    assert tables["reasons"] == ["TransactionCanceledException", "None", "ConditionalCheckFailed"]
    assert tables["scanned"] == 6 + 3, "2 to 7, and the batch's"
    assert tables["partiql"] == [{"s": 11}, {"s": 12}]


@pytest.mark.parametrize("step, error", [
    ("missingTable", "ResourceNotFoundException"), ("tableGone", "ResourceNotFoundException"),
    ("badExpression", "ValidationException")])
def test_table_errors_have_their_names(tables, step, error):
    found = tables[step]
    assert (found["name"], found["status"], found["isServiceError"]) == (error, 400, True)
    assert found["message"] not in ("", "UnknownError")


STREAMS = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  console.log('from inside');
  for (let i = 0; i < (event.megabytes ?? 0); i++) {
    if (!stream.write('x'.repeat(1 << 20))) await new Promise((done) => stream.once('drain', done));
  }
  stream.write('one ');
  await new Promise((done) => setTimeout(done, event.pause ?? 100));
  if (event.fail) throw new RangeError('midway');
  stream.end('two');
});
"""


def test_a_streamed_answer_arrives_piece_by_piece(sdk, server, node_runtime):
    name = server.create_function({"index.js": STREAMS}, runtime=node_runtime, handler="index.handler", MemorySize=256, Timeout=30)
    found = run(sdk, server, "streams", "-", "-", name)
    whole = found["whole"]
    assert (whole["status"], whole["type"], whole["version"]) == (200, "application/vnd.amazon.eventstream", "$LATEST")
    assert "".join(piece["text"] for piece in whole["pieces"]) == "one two"
    assert whole["pieces"][-1]["at"] - whole["pieces"][0]["at"] > 300
    assert "error" not in whole["complete"] and "from inside" in whole["complete"]["log"]
    broken = found["broken"]
    assert [piece["text"] for piece in broken["pieces"]] == ["one "]
    assert broken["complete"]["error"] == "Unhandled" and "midway" in broken["complete"]["details"]
    assert found["large"] == (8 << 20) + len("one two")
    assert found["dryRun"] == 204
    assert (found["missing"]["class"], found["missing"]["status"]) == ("ResourceNotFoundException", 404)
