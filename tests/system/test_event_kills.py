"""Kills while asynchronous calls are accepted and run: each that was acknowledged runs, and its outcome is heard of."""

import concurrent.futures
import os
import random
import signal
import time

import botocore.exceptions
import pytest
from functions_api import arn_of
from lambent import new_name, wait_for

SAY = "def handler(event, context):\n    print('ran', event)\n    return event\n"
HEAR = "def handler(event, context):\n    print('heard', event['requestPayload'])\n"


def send_until_killed(client, name, part, acknowledged):
    for number in range(100_000):
        event = f"{part}-{number}"
        try:
            client.invoke(FunctionName=name, InvocationType="Event", Payload=f'"{event}"'.encode())
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return
        acknowledged.add(event)


def lines_of(server, name, word):
    """What follows the word in the function's log, over all runs of the server."""
    log = server.run("logs", name, "--lines", "1000000", "--data", str(server.data)).stdout
    return {line.split(word + " ", 1)[1].strip() for line in log.splitlines() if word + " " in line}


def sweep(server, rounds):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    listener = server.create_function({"app.py": HEAR}, name=new_name("hear"), Timeout=300)
    name = server.create_function({"app.py": SAY}, name=new_name("say"), Timeout=300)
    server.client("lambda").put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn_of(listener)}})
    acknowledged = set()
    for number in range(rounds):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for part in range(2):
                pool.submit(send_until_killed, server.client("lambda"), name, f"{number}-{part}", acknowledged)
            time.sleep(rng.uniform(0.05, 0.8))
            server.process.send_signal(signal.SIGKILL)
        server.kill()
        server.start()
    assert acknowledged

    def lost(which, word):
        return acknowledged - lines_of(server, which, word)

    wait_for(lambda: not lost(name, "ran"), f"all {len(acknowledged)} events run, seed {seed}", 120)
    wait_for(lambda: not lost(listener, "heard"), f"and are heard of, seed {seed}", 120)
    return len(acknowledged)


def test_kills_lose_no_accepted_event(new_server):
    sweep(new_server("--limits-log-bytes-per-function", "256MiB").start(), rounds=3)


@pytest.mark.soak
def test_many_kills_lose_no_accepted_event(new_server):
    server = new_server("--limits-log-bytes-per-function", "1GiB").start()
    print(sweep(server, rounds=int(os.environ.get("KILLS", "200"))), "events")
