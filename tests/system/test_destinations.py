"""What becomes of asynchronous calls: retries, age, destinations, dead letters, loops."""

import json

import pytest

from functions_api import arn_of, client, create, refused  # noqa: F401
from function_sources import SIGNED
from lambent import new_name, wait_for

FAIL = "def handler(event, context):\n    raise ValueError('no')\n"
PRINT = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n"
# Calls itself with the header that AWS's SDKs hand on, and counts down.
LOOP = SIGNED + """
import json
def handler(event, context):
    print('TURN')
    if event['left'] == 0:
        return 'through'
    path = '/2015-03-31/functions/' + context.function_name + '/invocations'
    status, answer = api('POST', path, json.dumps({**event, 'left': event['left'] - 1}).encode(),
                         headers={'x-amz-invocation-type': event['type'], 'x-amzn-trace-id': os.environ['_X_AMZN_TRACE_ID']})
    return json.loads(answer or 'null') if status < 300 else [status, answer]
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A server whose retries come soon."""
    import lambent
    server = lambent.Server(tmp_path_factory.mktemp("quick") / "data",
                            ["--limits-first-retry", "100ms", "--limits-second-retry", "100ms"]).start()
    yield server
    assert server.stop() == 0


def received(server, name):
    out = server.run("logs", name, "--lines", "100000", "--data", str(server.data), check=False).stdout
    return [json.loads(line.split("GOT ", 1)[1]) for line in out.splitlines() if "GOT " in line]


def lines(server, name, text):
    return server.run("logs", name, "--lines", "100000", "--data", str(server.data), check=False).stdout.count(text)


def test_success_and_failure_go_to_their_functions(quick):
    client = quick.client("lambda")
    good, bad = (quick.create_function({"app.py": PRINT}) for _ in range(2))
    fails = quick.create_function({"app.py": FAIL})
    works = quick.create_function({"app.py": "def handler(event, context):\n    return [event]\n"})
    destinations = {"OnSuccess": {"Destination": arn_of(good)}, "OnFailure": {"Destination": arn_of(bad)}}
    for name in (fails, works):
        put = client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destinations)
        assert put["DestinationConfig"] == destinations
        client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')
    record = wait_for(lambda: received(quick, bad), "the record of the failure")[0]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestContext"]["functionArn"] == arn_of(fails) + ":$LATEST"
    assert record["requestPayload"] == {"n": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorType"] == "ValueError"
    record = wait_for(lambda: received(quick, good), "the record of the success")[0]
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == [{"n": 1}]


def test_a_function_says_how_often_it_is_tried(quick):
    client = quick.client("lambda")
    bad = quick.create_function({"app.py": PRINT})
    name = quick.create_function({"app.py": FAIL}, Publish=True)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=0,
                                            DestinationConfig={"OnFailure": {"Destination": arn_of(bad)}})
    client.invoke(FunctionName=name, Qualifier="live", InvocationType="Event")
    record = wait_for(lambda: received(quick, bad), "the record")[0]
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["functionArn"] == arn_of(name) + ":live"
    assert lines(quick, name, "REPORT RequestId") == 1
    client.invoke(FunctionName=name, InvocationType="Event")
    wait_for(lambda: lines(quick, name, "REPORT RequestId") == 4, "three attempts of $LATEST")


def test_configs_are_listed_merged_and_checked(client, create):
    name = create(Publish=True)["FunctionName"]
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    merged = client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert (merged["MaximumRetryAttempts"], merged["MaximumEventAgeInSeconds"]) == (0, 60)
    assert merged["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="1", MaximumRetryAttempts=2)
    listed = client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    assert [c["FunctionArn"] for c in listed] == [arn_of(name) + ":$LATEST", arn_of(name) + ":1"]
    client.delete_function_event_invoke_config(FunctionName=name)
    assert refused(client.get_function_event_invoke_config, FunctionName=name) == (
        404, "ResourceNotFoundException", f"The function {arn_of(name)}:$LATEST doesn't have an EventInvokeConfig")
    assert refused(client.put_function_event_invoke_config, FunctionName=name, MaximumRetryAttempts=3)[:2] == (
        400, "ValidationException")
    assert refused(client.put_function_event_invoke_config, FunctionName=name)[1] == "InvalidParameterValueException"
    assert refused(client.put_function_event_invoke_config, FunctionName=name,
                   DestinationConfig={"OnFailure": {"Destination": arn_of(name)}})[2] == (
        "You can't specify the function as a destination for itself.")


def test_a_loop_is_stopped_after_sixteen_turns(quick):
    client = quick.client("lambda")
    name = quick.create_function({"app.py": LOOP}, Timeout=60)
    answer, _ = quick.invoke(name, {"left": 30, "type": "RequestResponse"})
    assert answer[0] == 400 and answer[1].startswith("RecursiveInvocationException"), answer
    assert lines(quick, name, "TURN") == 16

    sink = quick.create_function({"app.py": PRINT})
    client.put_function_event_invoke_config(FunctionName=name,
                                            DestinationConfig={"OnFailure": {"Destination": arn_of(sink)}})
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"left": 30, "type": "Event"}')
    record = wait_for(lambda: received(quick, sink), "the event that was stopped")[0]
    assert record["requestPayload"]["left"] == 14
    assert lines(quick, name, "TURN") == 32

    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert quick.invoke(name, {"left": 20, "type": "RequestResponse"})[0] == "through"


def test_a_kill_between_outcome_and_destination_loses_no_record(new_server):
    server = new_server("--limits-first-retry", "10ms", "--limits-second-retry", "10ms").start()
    client = server.client("lambda")
    sink = server.create_function({"app.py": PRINT})
    name = server.create_function({"app.py": FAIL})
    client.put_function_event_invoke_config(FunctionName=name,
                                            DestinationConfig={"OnFailure": {"Destination": arn_of(sink)}})
    for n in range(40):
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(n).encode())
        if n % 10 == 5:
            server.kill()
            server.start()
            client = server.client("lambda")
    wait_for(lambda: {r["requestPayload"] for r in received(server, sink)} == set(range(40)), "every record", 60)
