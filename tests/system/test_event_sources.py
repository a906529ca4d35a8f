"""Event source mappings: a table's stream calls a function, in order, filtered, retried, and across kills of the server."""

import json
import time

import boto3.dynamodb.types
import pytest

import lambent
from function_sources import SIGNED
from functions_api import refused
from lambent import new_name, wait_for

PRINT = """
import json
def handler(event, context):
    for record in event['Records']:
        print('GOT ' + json.dumps(record))
"""
# Fails on the key 'bad'; where it may, it says so of that record only.
FUSSY = """
import json
def handler(event, context):
    keys = [record['dynamodb']['Keys']['id']['S'] for record in event['Records']]
    print('TRY ' + json.dumps(keys))
    if 'bad' in keys:
        raise ValueError('bad')
"""
REPORTS = """
import json
seen = []
def handler(event, context):
    keys = [record['dynamodb']['Keys']['id']['S'] for record in event['Records']]
    print('TRY ' + json.dumps(keys))
    failed = [r['dynamodb']['SequenceNumber'] for r in event['Records'] if r['dynamodb']['Keys']['id']['S'] == 'b']
    if failed and not seen:
        seen.append(1)
        return {'batchItemFailures': [{'itemIdentifier': failed[0]}]}
"""

# Notes in a table when each record first came; signs for itself, since the host's Python has no boto3.
NOTES = SIGNED + """
import json, time
def put(item):
    body = json.dumps({'TableName': os.environ['NOTES'], 'Item': item, 'ConditionExpression': 'attribute_not_exists(id)'}).encode()
    status, answer = api('POST', '/', body, service='dynamodb', headers={
        'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.PutItem'})
    if status != 200 and 'ConditionalCheckFailed' not in answer:
        raise RuntimeError(answer)
def handler(event, context):
    for record in event['Records']:
        put({'id': {'S': record['dynamodb']['NewImage']['n']['N']}, 'at': {'N': str(time.time_ns())}})
"""


@pytest.fixture(scope="module")
def db(server):
    return server.client("dynamodb")


@pytest.fixture(scope="module")
def functions(server):
    return server.client("lambda")


def table_with_stream(db, view="NEW_AND_OLD_IMAGES"):
    name = new_name("t")
    answer = db.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    return name, answer["TableDescription"]["LatestStreamArn"]


def put(db, table, *keys):
    for key in keys:
        db.put_item(TableName=table, Item={"id": {"S": key}, "n": {"N": "1"}})


def mapped(functions, function, stream, **members):
    """The id of a mapping that works."""
    made = functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function, **{"StartingPosition": "TRIM_HORIZON", **members})
    assert made["State"] == "Creating"
    wait_for(lambda: functions.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled", "the mapping is enabled")
    return made["UUID"]


def printed(server, function, mark="GOT "):
    out = server.run("logs", function, "--lines", "100000", "--data", str(server.data), check=False).stdout
    return [json.loads(line.split(mark, 1)[1]) for line in out.splitlines() if mark in line]


def keys_of(records):
    return [record["dynamodb"]["Keys"]["id"]["S"] for record in records]


def test_a_change_of_an_item_calls_the_function_with_the_record_that_aws_sends(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": PRINT})
    mapped(functions, function, stream)
    put(db, table, "a")
    db.update_item(TableName=table, Key={"id": {"S": "a"}}, UpdateExpression="SET n = :n",
                   ExpressionAttributeValues={":n": {"N": "2"}})
    db.delete_item(TableName=table, Key={"id": {"S": "a"}})
    records = wait_for(lambda: len(found := printed(server, function)) == 3 and found, "three records came")
    assert [r["eventName"] for r in records] == ["INSERT", "MODIFY", "REMOVE"]
    modified = records[1]
    assert modified["eventSource"] == "aws:dynamodb" and modified["eventSourceARN"] == stream
    assert modified["awsRegion"] == "us-east-1" and modified["eventVersion"] == "1.1" and modified["eventID"]
    change = modified["dynamodb"]
    assert change["NewImage"]["n"] == {"N": "2"} and change["OldImage"]["n"] == {"N": "1"}
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES" and change["SizeBytes"] > 0
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 3600
    read = boto3.dynamodb.types.TypeDeserializer()
    assert read.deserialize({"M": change["NewImage"]}) == {"id": "a", "n": 2}
    shown = functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    assert len(shown) == 1 and shown[0]["LastProcessingResult"] == "OK"


def test_records_come_in_batches_in_order_and_filtered(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": PRINT})
    put(db, table, *[f"k{n:02}" for n in range(20)])
    mapped(functions, function, stream, BatchSize=7, FilterCriteria={"Filters": [
        {"Pattern": json.dumps({"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "k1"}]}}}})}]})
    wait_for(lambda: len(printed(server, function)) >= 10, "the records that pass came")
    assert keys_of(printed(server, function)) == [f"k{n}" for n in range(10, 20)]


def test_halves_and_used_up_retries_leave_only_the_bad_record_out(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": FUSSY})
    told = server.create_function({"app.py": "import json\ndef handler(event, context):\n    print('TOLD ' + json.dumps(event))\n"})
    put(db, table, "a", "bad", "c", "d")
    arn = functions.get_function_configuration(FunctionName=told)["FunctionArn"]
    mapped(functions, function, stream, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True,
           DestinationConfig={"OnFailure": {"Destination": arn}})
    failures = wait_for(lambda: printed(server, told, "TOLD "), "the destination is told")
    wait_for(lambda: ["c", "d"] in printed(server, function, "TRY "), "what comes after it is handed over")
    info = failures[0]["DDBStreamBatchInfo"]
    assert info["batchSize"] == 1 and info["startSequenceNumber"] == info["endSequenceNumber"] and info["streamArn"] == stream
    assert failures[0]["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert printed(server, function, "TRY ") == [["a", "bad", "c", "d"], ["a", "bad"], ["a"], ["bad"], ["c", "d"]]


def test_a_reported_item_failure_begins_again_there(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": REPORTS})
    put(db, table, "a", "b", "c")
    mapped(functions, function, stream, FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_for(lambda: len(printed(server, function, "TRY ")) == 2, "two calls")
    assert printed(server, function, "TRY ") == [["a", "b", "c"], ["b", "c"]]


def test_a_disabled_mapping_waits_and_goes_on_where_it_was(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": PRINT})
    mapping = mapped(functions, function, stream)
    put(db, table, "a")
    wait_for(lambda: keys_of(printed(server, function)) == ["a"], "the first record came")
    assert functions.update_event_source_mapping(UUID=mapping, Enabled=False)["State"] == "Disabling"
    put(db, table, "b")
    time.sleep(1)
    assert keys_of(printed(server, function)) == ["a"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    wait_for(lambda: keys_of(printed(server, function)) == ["a", "b"], "the second record came")
    assert functions.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"
    assert refused(functions.get_event_source_mapping, UUID=mapping)[:2] == (404, "ResourceNotFoundException")


SLOW = """
import json, os, time
def handler(event, context):
    keys = [record['dynamodb']['Keys']['id']['S'] for record in event['Records']]
    numbers = [int(record['dynamodb']['NewImage']['n']['N']) for record in event['Records']]
    begin = time.time()
    time.sleep(3 if 'slow' in keys else 0.05)
    print('TRY ' + json.dumps([keys, numbers, begin, time.time()]))
"""


def test_batches_of_one_shard_run_at_the_same_time_and_each_item_keeps_its_order(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": SLOW}, Timeout=30)
    for n in range(5):
        for key in ["slow", *(f"k{i}" for i in range(12))]:
            if key != "slow" or n == 0:
                db.put_item(TableName=table, Item={"id": {"S": key}, "n": {"N": str(n)}})
    mapping = mapped(functions, function, stream, BatchSize=1, ParallelizationFactor=4)
    assert functions.get_event_source_mapping(UUID=mapping)["ParallelizationFactor"] == 4
    calls = wait_for(lambda: len(found := printed(server, function, "TRY ")) >= 61 and found, "all came", 60)
    assert sum(len(keys) for keys, *_ in calls) == 61
    for key in {key for keys, *_ in calls for key in keys}:
        of_key = [call for call in calls if key in call[0]]
        assert [n for call in of_key for n in call[1]] == sorted(n for call in of_key for n in call[1])
        assert all(a[3] <= b[2] for a, b in zip(of_key, of_key[1:])), "one batch of a key at a time"
    slow = next(call for call in calls if "slow" in call[0])
    beside = [call for call in calls if slow[2] < call[2] and call[3] < slow[3]]
    assert len(beside) >= 12, "other lanes went on meanwhile"


COUNT = """
import json
def handler(event, context):
    state = event['state']
    for record in event['Records']:
        key = record['dynamodb']['Keys']['id']['S']
        state[key] = state.get(key, 0) + 1
    kind = 'FINAL ' if event['isFinalInvokeForWindow'] else 'TRY '
    size = len(json.dumps(state))
    print(kind + json.dumps({**event, 'Records': len(event['Records']), 'state': state if size < 10000 else size}))
    if 'big' in state and not event['isFinalInvokeForWindow']:
        state['filler'] = 'x' * 1100000
    return {'state': state}
"""


def test_a_tumbling_window_hands_its_state_on_and_ends(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": COUNT}, Timeout=30)
    mapping = mapped(functions, function, stream, BatchSize=3, TumblingWindowInSeconds=3)
    assert functions.get_event_source_mapping(UUID=mapping)["TumblingWindowInSeconds"] == 3
    for _ in range(4):
        put(db, table, "a", "b", "c")
        db.delete_item(TableName=table, Key={"id": {"S": "a"}})
        time.sleep(0.5)

    def ended():
        ends = printed(server, function, "FINAL ")
        return ends if sum(sum(end["state"].values()) for end in ends) >= 10 else None

    ends = wait_for(ended, "the windows ended", 40)
    counts = {}
    for end in ends:
        assert end["Records"] == 0 and end["eventSourceARN"] == stream and end["shardId"].startswith("shardId-")
        assert not end["isWindowTerminatedEarly"]
        start, stop = (time.strptime(end["window"][edge], "%Y-%m-%dT%H:%M:%SZ") for edge in ("start", "end"))
        assert time.mktime(stop) - time.mktime(start) == 3 and start.tm_sec % 3 == 0
        for key, number in end["state"].items():
            counts[key] = counts.get(key, 0) + number
    assert counts == {"a": 8, "b": 1, "c": 1}, "of an item that is put as it is, the stream says nothing"
    assert len({end["window"]["start"] for end in ends}) == len(ends)


def test_a_state_over_a_megabyte_ends_its_window_early(server, db, functions):
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": COUNT}, Timeout=30)
    mapped(functions, function, stream, TumblingWindowInSeconds=900)
    put(db, table, "big")
    end = wait_for(lambda: printed(server, function, "FINAL "), "the window ended")[0]
    assert end["isWindowTerminatedEarly"] and end["state"] > 1_100_000
    put(db, table, "small")
    again = wait_for(lambda: [t for t in printed(server, function, "TRY ") if "small" in str(t["state"])], "it goes on")[0]
    assert again["state"] == {"small": 1} and again["window"] == end["window"]


def test_what_cannot_be_mapped_is_refused(server, db, functions):
    function = server.create_function({"app.py": PRINT})
    _, stream = table_with_stream(db)

    def no(message, **members):
        status, code, text = refused(functions.create_event_source_mapping, **{
            "EventSourceArn": stream, "FunctionName": function, "StartingPosition": "LATEST", **members})
        assert (status, code) == (400, "InvalidParameterValueException") and message in text

    no("Stream not found", EventSourceArn=stream + "x")
    no("sqs sources are not supported", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:q")
    no("Invalid filter pattern definition", FilterCriteria={"Filters": [{"Pattern": "{"}]})
    no("Tumbling windows are not supported with a ParallelizationFactor greater than 1.",
       ParallelizationFactor=2, TumblingWindowInSeconds=60)
    no("AT_TIMESTAMP", StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1)
    mapped(functions, function, stream)
    assert refused(functions.create_event_source_mapping, EventSourceArn=stream, FunctionName=function,
                   StartingPosition="LATEST")[:2] == (409, "ResourceConflictException")


def noted(db, table):
    """Numbers in the order in which they first came."""
    items = [item for page in db.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    return [int(item["id"]["S"]) for item in sorted(items, key=lambda item: int(item["at"]["N"]))]


def kill_while_records_flow(server, kills):
    """Every record of every acknowledged write comes, and in order, whatever is killed when."""
    db, functions = server.client("dynamodb"), server.client("lambda")
    table, stream = table_with_stream(db)
    notes, _ = table_with_stream(db)
    function = server.create_function({"app.py": NOTES}, Environment={"Variables": {"NOTES": notes}}, Timeout=30)
    mapped(functions, function, stream, BatchSize=5)
    written = []
    for number in range(kills):
        for n in range(number * 10, number * 10 + 10):
            db.put_item(TableName=table, Item={"id": {"S": f"k{n % 3}"}, "n": {"N": str(n)}})
            written.append(n)
        time.sleep(0.05 * (number % 7))
        server.kill()
        server.start()
        db = server.client("dynamodb")
    wait_for(lambda: len(noted(db, notes)) >= len(written), "every record came", 120)
    assert noted(db, notes) == written


# As NOTES, with a list for each item of what came of it.
LISTS = SIGNED + """
import json
def handler(event, context):
    for record in event['Records']:
        item = record['dynamodb']['NewImage']
        body = json.dumps({'TableName': os.environ['NOTES'], 'Key': {'id': item['id']},
                           'UpdateExpression': 'SET seen = list_append(if_not_exists(seen, :none), :n)',
                           'ExpressionAttributeValues': {':none': {'L': []}, ':n': {'L': [item['n']]}}}).encode()
        status, answer = api('POST', '/', body, service='dynamodb', headers={
            'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.UpdateItem'})
        if status != 200:
            raise RuntimeError(answer)
"""


def kill_parallel_batches(server, kills):
    """Every record of every acknowledged write comes, and those of one item first come in order, whatever is killed when."""
    db, functions = server.client("dynamodb"), server.client("lambda")
    table, stream = table_with_stream(db)
    notes, _ = table_with_stream(db)
    function = server.create_function({"app.py": LISTS}, Environment={"Variables": {"NOTES": notes}}, Timeout=30)
    mapped(functions, function, stream, BatchSize=2, ParallelizationFactor=4)
    items = 8
    for number in range(kills):
        for n in range(number * 10, number * 10 + 10):
            for item in range(items):
                db.put_item(TableName=table, Item={"id": {"S": f"k{item}"}, "n": {"N": str(n)}})
        time.sleep(0.05 * (number % 7))
        server.kill()
        server.start()
        db = server.client("dynamodb")

    def seen():
        found = {item["id"]["S"]: [int(n["N"]) for n in item["seen"]["L"]] for item in db.scan(TableName=notes)["Items"]}
        return found if len(found) == items and all(len(set(each)) == kills * 10 for each in found.values()) else None

    for numbers in wait_for(seen, "every record came", 120 + 3 * kills).values():
        assert list(dict.fromkeys(numbers)) == list(range(kills * 10))


@pytest.mark.parametrize("flow", [kill_while_records_flow, kill_parallel_batches])
@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.soak)])
def test_no_record_is_lost_across_kills(tmp_path, flow, kills):
    server = lambent.Server(tmp_path / "data", ["--limits-log-bytes-per-function", "256MiB"]).start()
    flow(server, kills)
    assert server.stop() == 0


def test_a_window_s_state_counts_each_record_once_across_kills(tmp_path):
    server = lambent.Server(tmp_path / "data").start()
    db, functions = server.client("dynamodb"), server.client("lambda")
    table, stream = table_with_stream(db)
    function = server.create_function({"app.py": COUNT}, Timeout=30)
    mapped(functions, function, stream, BatchSize=2, TumblingWindowInSeconds=5)
    for number in range(4):
        for n in range(10):
            put(db, table, f"k{number}-{n}")
        time.sleep(0.1 * number)
        server.kill()
        server.start()
        db = server.client("dynamodb")

    def ended():
        ends = {end["window"]["start"]: end["state"] for end in printed(server, function, "FINAL ")}
        return ends if sum(len(state) for state in ends.values()) == 40 else None

    ends = wait_for(ended, "all windows ended", 60)
    assert all(count == 1 for state in ends.values() for count in state.values()), ends
    assert server.stop() == 0
