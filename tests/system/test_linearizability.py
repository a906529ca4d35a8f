"""Conditional races of a hundred clients, across a kill -9, judged by Porcupine (tests/linearizability, a Go program); and
kills during mixed writes, judged by an independent model: items, index and stream must all tell the same story."""

import concurrent.futures
import json
import os
import random
import signal
import subprocess
import threading
import time

import botocore.exceptions
import pytest
from lambent import build_go, wait_for
from tables_api import create_table

CLIENTS = 100
ITEMS = 10
KILLS = int(os.environ.get("KILLS", "300"))
FAILED = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)


@pytest.fixture(scope="module")
def checker():
    return build_go("linearizability")


def one_operation(db, table, rng, number, seen):
    """(kind, item, expected, value, outcome); `seen` is what this client last saw of each item."""
    item = str(rng.randrange(ITEMS))
    kind = rng.choices(("swap", "get", "put", "delete"), (6, 3, 1, 1))[0]
    expected = seen.get(item, -1) if kind == "swap" else -1
    key = {"id": {"S": item}}
    if kind == "get":
        found = db.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        seen[item] = int(found["v"]["N"]) if found else -1
        return kind, item, expected, seen[item], "ok"
    if kind == "delete":
        db.delete_item(TableName=table, Key=key)
        return kind, item, expected, -1, "ok"
    members = {}
    if kind == "swap" and expected == -1:
        members = {"ConditionExpression": "attribute_not_exists(id)"}
    elif kind == "swap":
        members = {"ConditionExpression": "v = :e", "ExpressionAttributeValues": {":e": {"N": str(expected)}}}
    try:
        db.put_item(TableName=table, Item={**key, "v": {"N": str(number)}}, **members,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD")
        seen[item] = number
        return kind, item, expected, number, "ok"
    except db.exceptions.ConditionalCheckFailedException as error:
        seen[item] = int(error.response["Item"]["v"]["N"]) if "Item" in error.response else -1
        return kind, item, expected, number, "refused"


def race(db, table, client, seed, until, history):
    rng = random.Random(seed)
    seen = {}
    for n in range(until if isinstance(until, int) else 1_000_000):
        state = rng.getstate()
        called = time.monotonic_ns()
        try:
            kind, item, expected, value, outcome = one_operation(db, table, rng, seed * 1_000_000 + n, seen)
        except FAILED:
            rng.setstate(state)
            item = str(rng.randrange(ITEMS))
            kind = rng.choices(("swap", "get", "put", "delete"), (6, 3, 1, 1))[0]
            history.append({"item": item, "client": client, "kind": kind, "call": called, "outcome": "unknown",
                            "expected": seen.get(item, -1) if kind == "swap" else -1, "value": seed * 1_000_000 + n})
            return
        history.append({"item": item, "client": client, "kind": kind, "expected": expected, "value": value, "call": called,
                        "return": time.monotonic_ns(), "outcome": outcome})


def test_a_hundred_clients_races_are_linearizable_across_a_kill(new_server, checker):
    server = new_server().start()
    table = create_table(server.client("dynamodb"))
    seed = random.randrange(1, 1000)
    history = []
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        db = server.client("dynamodb")
        running = [pool.submit(race, db, table, n, seed * 1000 + n, None, history) for n in range(CLIENTS)]
        wait_for(lambda: len(history) > 6 * CLIENTS, "some races", 120)
        server.process.send_signal(signal.SIGKILL)
        for one in running:
            one.result()
    server.kill()
    dead = time.monotonic_ns()
    server.start()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        db = server.client("dynamodb")
        running = [pool.submit(race, db, table, CLIENTS + n, (seed + 1000) * 1000 + n, 5, history) for n in range(CLIENTS)]
        for one in running:
            one.result()
    # What was not answered happened before the server died, or never.
    lines = [json.dumps({"return": dead, **one}) for one in history]
    assert sum(one["outcome"] == "refused" for one in history) > 10, "no races"
    done = subprocess.run([checker], input="\n".join(lines), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}{done.stderr}"


# ---- kills during mixed writes


class Writer:
    """Changes items that nobody else does, and knows what they must be: `sure`, or `sure` with `maybe` on top."""

    def __init__(self, number, seed):
        self.number = number
        self.rng = random.Random(seed)
        self.sure = {}
        self.maybe = {}

    def run(self, db, table):
        self.maybe = {}
        while True:
            keys = [f"{self.number}-{self.rng.randrange(8)}" for _ in range(2)]
            value = str(self.rng.randrange(1000))
            kind = self.rng.choice(("put", "update", "delete", "transaction"))
            one = {"TableName": table, "Key": {"id": {"S": keys[0]}}}
            self.maybe = {keys[0]: None if kind == "delete" else value}
            if kind == "transaction":
                self.maybe = dict.fromkeys(keys, value)
            try:
                if kind == "put":
                    db.put_item(TableName=table, Item={"id": {"S": keys[0]}, "v": {"S": value}})
                elif kind == "update":
                    db.update_item(**one, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": value}})
                elif kind == "delete":
                    db.delete_item(**one)
                else:
                    db.transact_write_items(TransactItems=[
                        {"Put": {"TableName": table, "Item": {"id": {"S": k}, "v": {"S": value}}}} for k in set(keys)])
            except FAILED:
                return
            self.sure.update(self.maybe)
            self.maybe = {}

    def settle(self, items, where):
        """What is there now is what must be there."""
        now = {k: items.get(k) for k in {**self.sure, **self.maybe}}
        before = {k: self.sure.get(k) for k in now}
        assert now in (before, {**before, **self.maybe}), f"{where}: {now}, not {before} with or without {self.maybe}"
        self.sure = now


def all_items(db, table, **members):
    pages = db.get_paginator("scan").paginate(TableName=table, **members)
    return {item["id"]["S"]: item["v"]["S"] for page in pages for item in page["Items"]}


def replay(streams, arn, state, after):
    """Applies the stream's records behind sequence number `after` to the state; the last number."""
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after} if after else {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **place)["ShardIterator"]
    while True:
        page = streams.get_records(ShardIterator=iterator)
        if not page["Records"]:
            return after
        for record in page["Records"]:
            change = record["dynamodb"]
            assert not after or change["SequenceNumber"] > after
            after = change["SequenceNumber"]
            key = change["Keys"]["id"]["S"]
            assert change.get("OldImage", {}).get("v", {}).get("S") == state.get(key), "the stream skips a change"
            state[key] = change.get("NewImage", {}).get("v", {}).get("S")
        iterator = page["NextShardIterator"]


def kill_again_and_again(server, rounds):
    table = create_table(
        server.client("dynamodb"), StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("id", "v")],
        GlobalSecondaryIndexes=[{"IndexName": "by_v", "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
                                 "Projection": {"ProjectionType": "ALL"}}])
    arn = server.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    writers = [Writer(n, rng.random()) for n in range(6)]
    replayed, last = {}, None
    for number in range(rounds):
        threads = [threading.Thread(target=w.run, args=(server.client("dynamodb"), table)) for w in writers]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.02, 0.5))
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        where = f"round {number}, seed {seed}"
        db = server.client("dynamodb")
        items = all_items(db, table)
        for writer in writers:
            writer.settle(items, where)
        assert all_items(db, table, IndexName="by_v") == items, where
        last = replay(server.client("dynamodbstreams"), arn, replayed, last)
        assert {k: v for k, v in replayed.items() if v is not None} == items, where
        assert db.describe_table(TableName=table)["Table"]["ItemCount"] == len(items), where


def test_items_index_and_stream_agree_after_kills(new_server):
    kill_again_and_again(new_server().start(), 5)


@pytest.mark.soak
def test_items_index_and_stream_agree_after_many_kills(new_server):
    kill_again_and_again(new_server().start(), KILLS)
