"""A Python template in which a function's INIT has run."""

import os

import pytest

from runtime_paths import PYTHON_FLAGS, RUNTIMES
from snapshot_checks import (counts_go_on, init_ran_once, instances_report, no_snapshot_is_made, snapshot_starter,
                             template_reports)

DIR = os.path.join(RUNTIMES, "python")

APP = """
import os, random, secrets, ssl, sys, time, uuid
from snapshot_restore_py import register_after_restore, register_before_snapshot
calls = ["init"]
print("init", os.environ["AWS_LAMBDA_LOG_STREAM_NAME"])
random.random(), ssl.RAND_bytes(4)
os.environ["BY_INIT"] = "kept"
register_before_snapshot(calls.append, "before 1")
@register_before_snapshot
def second():
    calls.append("before 2")
register_after_restore(calls.append, "after 1")
register_after_restore(lambda n: calls.append("after %d" % n), n=2)
def handler(event, context):
    return {"calls": calls, "random": [random.random(), secrets.token_hex(8), ssl.RAND_bytes(8).hex(), str(uuid.uuid4())],
            "env": dict(os.environ), "stream": context.log_stream_name, "pid": os.getpid(), "ppid": os.getppid()}
"""


@pytest.fixture
def start(python, snapshot, starter):
    command = [python] + PYTHON_FLAGS + [os.path.join(DIR, "template.py")]
    return snapshot_starter(snapshot, starter, command, "app.py", "app.handler", DIR)


def test_init_runs_once_and_hooks_in_their_order(start):
    assert init_ran_once(start, APP) == "init init-stream\n"


def test_an_instance_serves_on_from_the_state_of_init(start):
    counts_go_on(start, "count = 0\ndef handler(e, c):\n    global count\n    count += 1\n    return count")


@pytest.mark.parametrize("source, error_type", [
    ("import nowhere", "Runtime.ImportModuleError"),
    ("raise KeyError('k')", "KeyError"),
    ("from snapshot_restore_py import *\n@register_before_snapshot\ndef hook(): raise KeyError('k')\ndef handler(e, c): 1",
     "Runtime.BeforeSnapshotError"),
])
def test_an_init_that_fails_is_reported_by_the_template(start, source, error_type):
    template_reports(start, source, error_type, 1)


def test_a_hook_that_fails_after_the_restore_is_reported_by_the_instance(start):
    source = "from snapshot_restore_py import *\n@register_after_restore\ndef hook(): raise KeyError('k')\ndef handler(e, c): 1"
    assert instances_report(start, source, "Runtime.AfterRestoreError", 1) == ["KeyError: 'k'"] * 2


@pytest.mark.parametrize("source, left", [
    ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "1 threads and 0 open"),
    ("import socket\nkept = socket.create_server(('127.0.0.1', 0))", "0 threads and 1 open"),
    ("kept = open('/dev/null')", "0 threads and 1 open"),
])
def test_what_cannot_be_forked_ends_the_template_with_a_message(start, source, left):
    no_snapshot_is_made(start, source + "\ndef handler(e, c): 1", left)


def test_the_functions_own_package_of_hooks_goes_first(start, starter):
    starter.write({"snapshot_restore_py/__init__.py":
                   "hooks = []\ndef get_before_snapshot(): return []\ndef get_after_restore(): return hooks\n"})
    _, instance = start("import snapshot_restore_py as s\ns.hooks.append((s.__dict__.__setitem__, ('x', 5), {}))\n"
                        "def handler(e, c): return s.x")
    assert instance().result() == 5
