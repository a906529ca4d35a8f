"""The long form of the kill test: `make soak`, KILLS times (200 by default). Everything acknowledged is there after each."""

import concurrent.futures
import os
import random
import signal
import threading
import time

import botocore.exceptions
import pytest
from lambent import make_zip, wait_for
from tables_api import create_table

KILLS = int(os.environ.get("KILLS", "200"))
CODE = "def handler(event, context):\n    return {}\n"


def write_until_killed(client, table, round_number, part, acknowledged):
    for n in range(100_000):
        key = f"{round_number}-{part}-{n}"
        try:
            client.put_item(TableName=table, Item={"id": {"S": key}})
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return
        acknowledged.append(key)


def update_until_killed(client, name, state):
    """Updates the function's code to ever higher numbers; state["acknowledged"] is the last that was acknowledged."""
    while True:
        number = state["tried"] = state["tried"] + 1
        try:
            client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": CODE.format(number)}))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return
        state["acknowledged"] = number


@pytest.mark.soak
def test_kills_at_any_moment_lose_nothing_acknowledged(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": CODE.format(0)})
    table = create_table(server.client("dynamodb"))
    state = {"tried": 0, "acknowledged": 0}
    acknowledged = []
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for round_number in range(KILLS):
        new = []
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            for part in range(4):
                pool.submit(write_until_killed, server.client("dynamodb"), table, round_number, part, new)
            pool.submit(update_until_killed, server.client("lambda"), name, state)
            time.sleep(rng.uniform(0.05, 0.8))
            server.process.send_signal(signal.SIGKILL)
        server.kill()
        acknowledged += new
        server.start()
        check_items(server, table, new, f"round {round_number}, seed {seed}")
        answer, response = server.invoke(name)
        assert "FunctionError" not in response, f"round {round_number}, seed {seed}: {answer}"
        assert state["acknowledged"] <= answer <= state["tried"], f"round {round_number}, seed {seed}: half a deploy"
        state["tried"] = state["acknowledged"] = answer
    check_items(server, table, acknowledged, "at the end")
    assert threading.active_count() < 20
    wait_for(lambda: server.stop() == 0, "an orderly end")


def check_items(server, table, keys, where):
    client = server.client("dynamodb")
    found = set()
    for page in client.get_paginator("scan").paginate(TableName=table, ProjectionExpression="id"):
        found |= {item["id"]["S"] for item in page["Items"]}
    missing = [key for key in keys if key not in found]
    assert not missing, f"{where}: {len(missing)} of {len(keys)} acknowledged writes are gone, first {missing[:3]}"
