"""Limits of one instance that hold whatever it does, and what they cost the server: floods of log, socket buffers, core
dumps, an INIT that never succeeds."""

import concurrent.futures
import json
import os
import pathlib
import time

import pytest
from lambent import wait_for

from test_runtimes import tail

MIB = 2**20
FLOOD = """
import os, time
def handler(event, context):
    piece = (b"x" * 1023 + b"\\n") * 64 if event["lines"] else b"x" * 65536
    end, written = time.monotonic() + event["seconds"], 0
    while time.monotonic() < end:
        written += os.write(1, piece)
    return written
"""


def memory_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def processor_seconds_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def log_events(server, name):
    path = server.data / "logs" / name / "current.log"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("lines", [True, False], ids=["lines", "no newline"])
def test_a_log_flood_is_dropped_said_and_costs_the_server_little(new_server, lines):
    server = new_server("--limits-log-bytes-per-second", "256KiB", "--limits-log-burst-bytes", "256KiB").start()
    name = server.create_function({"app.py": FLOOD}, MemorySize=1769, Timeout=60)
    server.invoke(name, {"lines": lines, "seconds": 0.1})
    memory, cost = memory_of(server.pid), processor_seconds_of(server.pid)
    written, _ = server.invoke(name, {"lines": lines, "seconds": 4})
    cost = processor_seconds_of(server.pid) - cost
    assert memory_of(server.pid) - memory < 16 * MIB
    assert cost < 0.1 * 4, f"{cost} s of processor time in 4 s"
    events = log_events(server, name)
    said = [json.loads(e["m"])["record"] for e in events if e.get("k") == "platform" and "logsDropped" in e["m"]]
    assert said and all("per second" in one["reason"] for one in said)
    kept = sum(len(e["m"]) + 1 for e in events if "k" not in e)
    dropped = sum(one["droppedBytes"] for one in said)
    if lines:
        assert kept + dropped >= written, "every byte is accounted for"
        assert sum(one["droppedRecords"] for one in said) >= dropped // 1100
    # A reader knows the lines of the platform by their mark, which output cannot have.
    assert [e["m"].split()[0] for e in events if e.get("k") == "platform" and "logsDropped" not in e["m"]] == [
        "INIT_START", "START", "END", "REPORT", "START", "END", "REPORT"]


def test_lines_that_a_function_forges_are_told_apart(server):
    name = server.create_function({"app.py": """
def handler(event, context):
    print("REPORT RequestId: 00000000-0000-0000-0000-000000000000\\tDuration: 1.00 ms")
    print("\\x1b[2J\\x1b]0;title\\x07 red")
    print("one\\rtwo")
"""})
    server.invoke(name)
    shown = server.run("logs", name, "--data", str(server.data)).stdout
    lines = [line.split(" ", 1)[1] for line in shown.splitlines() if " " in line]
    assert sum(line.startswith("REPORT RequestId:") for line in lines) == 1
    assert sum(line.startswith("[function] REPORT RequestId:") for line in lines) == 1


SOCKETS = """
import socket
def handler(event, context):
    listener = socket.create_server(("127.0.0.1", 0), backlog=500)
    keep, sent = [listener], 0
    for _ in range(400):
        try:
            one = socket.create_connection(listener.getsockname(), timeout=2)
            other, _ = listener.accept()
        except OSError:
            break
        one.setblocking(False)
        keep += [one, other]
        try:
            while True:
                sent += one.send(b"x" * 65536)
        except OSError:
            pass
    return sent
"""


def test_socket_buffers_are_bounded_by_the_memory_of_the_function(server):
    """400 pairs of sockets would take more than a gigabyte."""
    name = server.create_function({"app.py": SOCKETS}, MemorySize=128, Timeout=60)
    sent, response = server.invoke(name)
    assert "FunctionError" in response or sent < 128 * MIB, (sent, response)


def test_a_crash_leaves_no_core_dump_and_starts_no_handler_of_the_host(server):
    name = server.create_function({"app.py": """
import os, resource, signal
def handler(event, context):
    if event == "limits":
        return resource.getrlimit(resource.RLIMIT_CORE)
    os.chdir("/tmp")
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSEGV)
    _, status = os.wait()
    return [os.WCOREDUMP(status), os.listdir("/tmp")]
"""}, MemorySize=256)
    # 1 is what fs/coredump.c takes for "no handler either".
    assert server.invoke(name, "limits")[0] == [1, 1]
    assert server.invoke(name, "crash")[0] == [False, []]


@pytest.mark.parametrize("code, kind", [
    ("raise ImportError('no such thing')", "ImportError"),
    ("import os; os._exit(3)", "Runtime.ExitError"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "Runtime.ExitError"),
], ids=["error", "exit", "signal"])
def test_an_init_that_never_succeeds_is_started_ever_more_rarely(new_server, code, kind):
    server = new_server("--limits-init-backoff", "2s").start()
    name = server.create_function({"app.py": code}, Timeout=30)
    end = time.monotonic() + 4
    types = []

    def call():
        while time.monotonic() < end:
            answer, response = server.invoke(name)
            assert response["FunctionError"] == "Unhandled"
            types.append(answer["errorType"])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        [one.result() for one in [pool.submit(call) for _ in range(16)]]
    assert set(types) == {kind} or (kind == "ImportError" and set(types) == {"Runtime.ImportModuleError"}), set(types)
    starts = sum(e["m"].startswith("INIT_START") for e in log_events(server, name))
    # Pauses of 0.1, 0.2, 0.4 ... seconds: fewer than 8 in 4 s, and those that were on their way already.
    assert starts <= 24, starts
    assert len(types) >= starts
    # It is as fast as ever once it is mended.
    from lambent import make_zip
    server.client("lambda").update_function_code(FunctionName=name, ZipFile=make_zip(
        {"app.py": "def handler(event, context):\n    return event\n"}))
    wait_for(lambda: server.invoke(name, 7)[0] == 7, "the mended function answers")
