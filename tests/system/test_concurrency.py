"""Many calls at a time: bursts from zero, reuse, scale to zero, limits, recursion, and memory that stays bounded."""

import concurrent.futures
import json
import subprocess
import threading
import time

import botocore.exceptions
import pytest
from function_sources import SIGNED
from lambent import NOT_FORKED, ROOT, new_name, process_ids_of, wait_for

STREAM = "def handler(event, context):\n    return [event, context.log_stream_name]\n"


def at_once(calls, workers):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [f.result() for f in [pool.submit(*call) for call in calls]]


def test_200_calls_at_once_from_zero_are_all_answered(server):
    name = server.create_function({"app.py": STREAM}, Timeout=60)
    answers = at_once([(server.invoke, name, n) for n in range(200)], 200)
    assert [answer[0] for answer, _ in answers] == list(range(200))
    assert not [response["FunctionError"] for _, response in answers if "FunctionError" in response]


def test_200_calls_that_take_their_time_get_instances_of_their_own(server):
    subprocess.run([ROOT / "tests/clients/build.sh", "c-bootstrap"], check=True, stdout=subprocess.DEVNULL)
    marker = new_name("many")
    name = server.create_function({"bootstrap!": (ROOT / "build/clients/c-bootstrap/bootstrap").read_bytes()},
                                  runtime="provided.al2023", handler="x", Timeout=120,
                                  Environment={"Variables": {"MARKER": marker}})
    most, done = 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.2):
            most = max(most, len(process_ids_of(marker)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        answers = at_once([(server.invoke, name, "sleep 4000")] * 200, 200)
    finally:
        done.set()
        watcher.join()
    assert [answer for answer, _ in answers] == ["sleep 4000"] * 200
    assert 20 < most <= 400, "process 1 and the program of each instance"


def test_80_instances_of_node_live_at_once(server, node_runtime):
    # What a template has open for each of its forks, up to the number of the runtime line, is none of the next one's.
    source = "exports.handler = async (event) => { await new Promise((done) => setTimeout(done, 5000)); return event; };"
    name = server.create_function({"index.js": source}, runtime=node_runtime, handler="index.handler", Timeout=60)
    assert [answer for answer, _ in at_once([(server.invoke, name, n) for n in range(80)], 80)] == list(range(80))


def test_a_burst_of_one_function_does_not_keep_others_waiting(server):
    # However fast the machine is, this burst takes seconds: starts of INIT that sleeps have half of the places at most.
    slow = "import time\ntime.sleep(0.2)\ndef handler(event, context):\n    time.sleep(0.3)\n    return event\n"
    crowded = server.create_function({"app.py": slow}, Timeout=60)
    others = [server.create_function({"app.py": STREAM}, Timeout=60) for _ in range(2)]
    answered = []
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        burst = [pool.submit(server.invoke, crowded, n) for n in range(200)]
        for each in burst:
            each.add_done_callback(lambda _: answered.append(1))
        wait_for(lambda: answered, "the burst is under way")
        cold = [(server.invoke(name, 1)[0][0], len(answered)) for name in others]
        warm = [(server.invoke(others[n % 2], n)[0][0], len(answered)) for n in range(20)]
    assert [each.result()[0] for each in burst] == list(range(200))
    assert [answer for answer, _ in cold + warm] == [1, 1, *range(20)]
    assert cold[-1][1] < 100, "both were started while most of the burst waited"
    assert warm[-1][1] < 200, "and answered before it ended"


def test_a_burst_over_several_functions_mixes_nothing(server, node_runtime):
    python = "import os\ndef handler(event, context):\n    return [event, os.environ['AWS_LAMBDA_FUNCTION_NAME']]\n"
    node = "exports.handler = async (event) => [event, process.env.AWS_LAMBDA_FUNCTION_NAME];"
    names = [server.create_function({"app.py": python}, Timeout=60) for _ in range(3)]
    names.append(server.create_function({"index.js": node}, runtime=node_runtime, handler="index.handler", Timeout=60))
    answers = at_once([(server.invoke, names[n % 4], n) for n in range(100)], 40)
    assert [answer for answer, _ in answers] == [[n, names[n % 4]] for n in range(100)]


def test_the_most_recently_used_instance_is_taken(server):
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return context.log_stream_name\n"
    name = server.create_function({"app.py": code}, Timeout=60, MemorySize=1769)

    def several():
        streams = at_once([(server.invoke, name, 1.0)] * 3, 3)
        return len({stream for stream, _ in streams}) == 3

    wait_for(several, "three instances at a time", 60)
    # One after the other, with time to ask for the next: nearly all calls go to one instance, although three are idle.
    # Taken in turn, each would get seven.
    streams = []
    for _ in range(20):
        streams.append(server.invoke(name, 0)[0])
        time.sleep(0.1)
    assert max(map(streams.count, streams)) >= 12, streams


def test_to_zero_and_back_again(new_server):
    server = new_server("--idle-timeout", "500ms").start()
    marker = new_name("zero")
    name = server.create_function({"app.py": STREAM}, Environment={"Variables": {"MARKER": marker, **NOT_FORKED}})
    seen = set()
    for turn in range(3):
        answers = at_once([(server.invoke, name, n) for n in range(5)], 5)
        assert sorted(answer[0] for answer, _ in answers) == list(range(5))
        streams = {answer[1] for answer, _ in answers}
        assert streams.isdisjoint(seen), "an instance that has ended is not used again"
        seen |= streams
        wait_for(lambda: process_ids_of(marker) == [], "no instance is left", 60)


def test_the_limit_holds_over_all_functions_and_frees_again(new_server):
    server = new_server("--limits-account-concurrency", "4").start()
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
    names = [server.create_function({"app.py": code}, Timeout=60) for _ in range(2)]
    client = server.client("lambda")
    held = threading.Event()

    def call(name, seconds):
        try:
            return server.invoke(name, seconds)[0]
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            assert error.response["Error"]["Code"] == "TooManyRequestsException"
            assert int(error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) > 0
            held.set()
            return 429

    answers = at_once([(call, names[n % 2], 3) for n in range(12)], 12)
    assert held.is_set()
    assert answers.count("done") == 4 and answers.count(429) == 8
    # An asynchronous call is never throttled at the door: it waits.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(call, names[0], 2) for _ in range(4)]
        assert client.invoke(FunctionName=names[1], InvocationType="Event", Payload=b"0")["StatusCode"] == 202
        [each.result() for each in busy]
    assert call(names[0], 0) == call(names[1], 0) == "done"


def test_a_throttled_event_runs_when_there_is_room(new_server):
    server = new_server("--limits-account-concurrency", "1").start()
    code = "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    print('ran', event['n'])\n"
    name = server.create_function({"app.py": code}, Timeout=60)
    client = server.client("lambda")
    for n in range(4):
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"s": 0.2, "n": n}).encode())

    def all_ran():
        log = server.run("logs", name, "--data", str(server.data), check=False).stdout
        return all(f"ran {n}" in log for n in range(4))

    wait_for(all_ran, "every event ran", 90)


RECURSION = SIGNED + """
import json
def handler(n, context):
    if n == 0:
        return [context.function_name]
    path = '/2015-03-31/functions/' + context.function_name + '/invocations'
    status, answer = api('POST', path, json.dumps(n - 1).encode())
    return [context.function_name] + json.loads(answer)
"""


def test_a_function_calls_itself_through_the_platform(server):
    name = server.create_function({"app.py": RECURSION}, Timeout=60, MemorySize=512)
    assert server.invoke(name, 5)[0] == [name] * 6
    assert server.invoke(name, 5)[0] == [name] * 6


def resident_kilobytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def test_the_servers_memory_stays_bounded(new_server):
    """2,000 calls that carry 100 KB each way: what the first quarter needed is about what all of them need."""
    server = new_server().start()
    name = server.create_function({"app.py": "def handler(event, context):\n    return event\n"}, Timeout=60,
                                  MemorySize=512)
    body = json.dumps("x" * 100_000).encode()
    client = server.client("lambda")

    def call():
        answer = client.invoke(FunctionName=name, Payload=body)
        assert answer["Payload"].read() == body

    at_once([(call,)] * 500, 4)
    first = resident_kilobytes(server.pid)
    at_once([(call,)] * 1500, 4)
    last = resident_kilobytes(server.pid)
    assert last - first < 50_000, f"{first} KB after 500 calls, {last} KB after 2,000: 150 MB went through"


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_an_instance_that_dies_while_idle_is_replaced(server, how):
    code = f"""
import os, threading, time
def die():
    time.sleep(0.02)  # before it is frozen
    {how}
def handler(event, context):
    if event == "die":
        threading.Thread(target=die, daemon=True).start()
    return context.log_stream_name
"""
    marker = new_name("idle")
    name = server.create_function({"app.py": code}, Environment={"Variables": {"MARKER": marker, **NOT_FORKED}})
    doomed, _ = server.invoke(name, "die")
    wait_for(lambda: process_ids_of(marker) == [], "the instance has ended", 60)
    time.sleep(0.05)  # its memory is gone before its connections are
    answer, response = server.invoke(name, "live")
    assert "FunctionError" not in response, answer
    assert answer != doomed


def test_calls_race_with_an_instance_that_dies(server):
    """A call that the dying instance never got is given to another; one that it got ends as an exit error."""
    code = """
import os, threading, time
def handler(event, context):
    threading.Thread(target=lambda: (time.sleep(0.005), os._exit(0)), daemon=True).start()
    return 'answered'
"""
    name = server.create_function({"app.py": code})
    for _ in range(15):
        answer, response = server.invoke(name)
        assert answer == "answered" or answer["errorType"] == "Runtime.ExitError", answer
