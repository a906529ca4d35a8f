"""The tag lambent:isolation=request: each call has an instance of its own, and nothing that a call leaves is seen by another."""

import concurrent.futures
import json
import os

import pytest

from functions_api import client, create, refused  # noqa: F401

CALLS = int(os.environ.get("ISOLATED_CALLS", "300"))
SOAK_CALLS = int(os.environ.get("ISOLATED_SOAK_CALLS", "10000"))
TAG = {"lambent:isolation": "request"}

# Answers with the marks of earlier calls that it sees, then leaves its own wherever a program can.
PYTHON = """
import ctypes, glob, os, socket, subprocess, sys, tempfile, threading, time

MARKS = []
SOCKETS = []
libc = ctypes.CDLL(None, use_errno=True)
KEY = 0x1a3b
me = os.getpid()


def seen():
    found = list(MARKS)
    found += glob.glob("/tmp/*") + glob.glob("/tmp/.*mark*") + glob.glob("/dev/shm/*")
    found += [name for name in os.environ if name.startswith("MARK")]
    found += [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    found += [m for m in sys.modules if m.startswith("mark")] + [a for a in vars(os) if a.startswith("mark")]
    if libc.shmget(KEY, 64, 0) >= 0:
        found.append("System V shared memory")
    if libc.msgget(KEY, 0) >= 0:
        found.append("System V queue")
    if libc.semget(KEY, 1, 0) >= 0:
        found.append("System V semaphores")
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        if pid not in (1, os.getpid()):
            found.append("process %d" % pid)
    for family, address in ((socket.AF_UNIX, "\\0mark"), (socket.AF_INET, ("127.0.0.1", 7777))):
        with socket.socket(family) as s:
            if s.connect_ex(address) == 0:
                found.append("listener %r" % (address,))
    if os.getcwd() != "/var/task" or os.umask(0o22) != 0o22:
        found.append("folder or mask")
    return found


def leave():
    MARKS.append("global")
    os.environ["MARK"] = "1"
    sys.modules["mark"] = sys
    os.mark = True
    open("/tmp/mark", "w").close()
    open("/tmp/.mark", "w").close()
    open("/dev/shm/mark", "w").close()
    for target in ("/var/task/mark", "/var/runtime/mark", "/opt/mark", "/mark"):
        try:
            open(target, "w").close()
        except OSError:
            pass
    threading.Thread(target=time.sleep, args=(60,), name="mark", daemon=True).start()
    subprocess.Popen(["sleep", "60"])
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
    libc.shmget(KEY, 64, 0o1600)
    libc.msgget(KEY, 0o1600)
    libc.semget(KEY, 1, 0o1600)
    for family, address in ((socket.AF_UNIX, "\\0mark"), (socket.AF_INET, ("127.0.0.1", 7777))):
        s = socket.socket(family)
        try:
            s.bind(address)
            s.listen()
        except OSError:  # an earlier call's
            continue
        MARKS.append("listening")
        SOCKETS.append(s)
    os.chdir("/tmp")
    os.umask(0)


def handler(event, context):
    found = [str(mark) for mark in seen()]
    for target in ("/var/task/mark", "/var/runtime/mark", "/opt/mark", "/mark"):
        if os.path.exists(target):
            found.append(target)
    leave()
    return {"seen": found, "left": len(seen())}
"""


def call_many(client, name, calls):
    def one(_):
        answer = client.invoke(FunctionName=name)
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.load(answer["Payload"])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(calls)))


def check(client, create, calls):
    name = create({"app.py": PYTHON}, Timeout=20, Tags=TAG)["FunctionName"]
    answers = call_many(client, name, calls)
    assert [answer["seen"] for answer in answers if answer["seen"]] == []
    assert min(answer["left"] for answer in answers) > 10, "the handler does not leave what it should look for"


def test_no_call_sees_marks_of_another(client, create):
    check(client, create, CALLS)


@pytest.mark.soak
def test_no_call_sees_marks_of_another_in_the_long_form(client, create):
    check(client, create, SOAK_CALLS)


def test_without_the_tag_marks_are_seen(client, create):
    name = create({"app.py": PYTHON}, Timeout=20)["FunctionName"]
    seen = set()
    for _ in range(20):  # a call that comes at once may get a second instance
        seen |= set(json.load(client.invoke(FunctionName=name)["Payload"])["seen"])
    assert {"MARK", "global", "mark", "/tmp/mark", "/dev/shm/mark", "listening"} <= seen


def test_the_tag_can_come_and_go(client, create):
    made = create({"app.py": "N = [0]\ndef handler(event, context):\n    N[0] += 1\n    return N[0]\n"})

    def call():
        return json.load(client.invoke(FunctionName=made["FunctionName"])["Payload"])

    assert [call() for _ in range(3)] == [1, 2, 3]
    client.tag_resource(Resource=made["FunctionArn"], Tags=TAG)
    assert [call() for _ in range(3)] == [1, 1, 1]
    client.untag_resource(Resource=made["FunctionArn"], TagKeys=list(TAG))
    assert [call() for _ in range(3)] == [1, 2, 3]
    assert refused(client.tag_resource, Resource=made["FunctionArn"], Tags={"lambent:isolation": "no"})[:2] == (
        400, "InvalidParameterValueException")
