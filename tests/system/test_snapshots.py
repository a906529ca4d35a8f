"""Snapshot starts: INIT runs once in a template of the version, instances are its forks; what INIT code can do with what a
template has; and what cannot be forked."""

import base64
import concurrent.futures
import json
import pathlib
import re
from functools import partial

import boto3
import pytest
from botocore.exceptions import WaiterError

from functions_api import client, create, create_with, refused  # noqa: F401
from lambent import make_zip, new_name, wait_for

SNAP = {"ApplyOn": "PublishedVersions"}

PYTHON = """
import os, random, socket, ssl, sys, tempfile, time, uuid
from snapshot_restore_py import register_before_snapshot, register_after_restore

INIT = uuid.uuid4().hex
TYPE_IN_INIT = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
KEY_IN_INIT = os.environ["AWS_ACCESS_KEY_ID"]
HOOKS = []
register_before_snapshot(HOOKS.append, "before")
register_after_restore(HOOKS.append, "after")
open("/tmp/from-init", "w").close()
open("/dev/shm/from-init", "w").close()
random.random(), ssl.RAND_bytes(4)


def handler(event, context):
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    found = {
        "init": INIT, "hooks": HOOKS, "types": [TYPE_IN_INIT, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]],
        "same key": KEY_IN_INIT == os.environ["AWS_ACCESS_KEY_ID"],
        "stream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "random": [random.random(), ssl.RAND_bytes(8).hex(), os.urandom(8).hex(), str(uuid.uuid4())],
        "tmp": os.listdir("/tmp") + os.listdir("/dev/shm"),
        "processes": sorted(int(n) for n in os.listdir("/proc") if n.isdigit()),
        "caps": [status[n] for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
        "locked": [status["NoNewPrivs"], status["Seccomp"]], "uid": os.getuid(),
        "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)),
        "version": context.function_version,
    }
    open("/tmp/mine", "w").close()
    open("/dev/shm/mine", "w").close()
    time.sleep((event or {}).get("sleep", 0))
    return found
"""


def publish(client, create, code, runtime="python3.11", wait=True, **members):
    name = create(code, Runtime=runtime, SnapStart=SNAP, Timeout=20, **members)["FunctionName"]
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    version = client.publish_version(FunctionName=name)["Version"]
    if wait:
        client.get_waiter("published_version_active").wait(
            FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return name, version


def state_of(client, name, version):
    return client.get_function_configuration(FunctionName=name, Qualifier=version)


def call(client, name, version="$LATEST", event=None):
    answer = client.invoke(FunctionName=name, Qualifier=version, Payload=json.dumps(event or {}), LogType="Tail")
    body = json.load(answer["Payload"])
    assert "FunctionError" not in answer, body
    return body, base64.b64decode(answer["LogResult"]).decode()


def at_once(client, name, version, count, event):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: call(client, name, version, event), range(count)))


def test_init_runs_once_and_instances_go_on_from_there(client, create):
    name, version = publish(client, create, {"app.py": PYTHON})
    answers = at_once(client, name, version, 4, {"sleep": 1})
    bodies = [body for body, _ in answers]
    assert len({body["stream"] for body in bodies}) == 4, "four instances"
    assert len({body["init"] for body in bodies}) == 1
    for generator in range(4):
        assert len({body["random"][generator] for body in bodies}) == 4
    for body, log in answers:
        assert body["hooks"] == ["before", "after"]
        assert body["types"] == ["snap-start", "snap-start"]
        assert not body["same key"]
        assert body["tmp"] == []
        assert body["processes"][0] == 1 and len(body["processes"]) == 2
        assert set(body["caps"]) == {"0000000000000000"}
        assert (body["locked"], body["uid"], body["version"]) == (["1", "2"], 993, version)
        report = re.search(r"Duration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t.*"
                           r"Restore Duration: ([\d.]+) ms\tBilled Restore Duration: (\d+) ms\t", log)
        assert report, log
        assert "Init Duration" not in log
        assert int(report[2]) == -(-float(report[1]) // 1) + int(report[4])
    again, log = call(client, name, version)
    assert "Restore" not in log and again["tmp"].count("mine") == 2


def test_latest_starts_as_ever(client, create):
    name, version = publish(client, create, {"app.py": PYTHON})
    body, log = call(client, name)
    assert body["types"] == ["on-demand"] * 2 and "Init Duration" in log and body["hooks"] == []


def slow(seconds):
    return f"import time\ntime.sleep({seconds})\n" + PYTHON


def test_a_version_is_pending_until_its_snapshot_is_made(client, create):
    name, version = publish(client, create, {"app.py": slow(3)}, wait=False)
    pending = state_of(client, name, version)
    assert (pending["State"], pending["StateReasonCode"], pending["LastUpdateStatus"]) == ("Pending", "Creating", "InProgress")
    assert pending["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    status, code, message = refused(client.invoke, FunctionName=name, Qualifier=version)
    assert (status, code) == (409, "SnapStartNotReadyException") and "It will be ready to invoke once" in message
    assert call(client, name)[0]["types"] == ["on-demand"] * 2, "$LATEST does not wait"
    client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    active = state_of(client, name, version)
    assert (active["LastUpdateStatus"], active["SnapStart"]["OptimizationStatus"]) == ("Successful", "On")
    body, log = call(client, name, version)
    restored = float(re.search(r"\tRestore Duration: ([\d.]+) ms", log)[1])
    assert body["types"] == ["snap-start"] * 2 and restored < 3000, "the call did not wait for INIT"


@pytest.mark.parametrize("code", ["raise ValueError('not today')", "import sys\nsys.exit(1)"])
def test_a_version_whose_init_fails_is_failed_as_on_aws(client, create, code):
    name, version = publish(client, create, {"app.py": code}, wait=False)
    with pytest.raises(WaiterError, match="Failed"):
        client.get_waiter("published_version_active").wait(
            FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    failed = state_of(client, name, version)
    assert (failed["State"], failed["StateReasonCode"], failed["LastUpdateStatus"]) == ("Failed", "FunctionError", "Failed")
    assert failed["StateReason"] == "An error occurred during function initialization."
    assert refused(client.invoke, FunctionName=name, Qualifier=version) == (
        409, "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the following state: Failed")


@pytest.mark.parametrize("init, state", [("", "Active"), ("raise ValueError", "Failed")])
def test_a_kill_while_a_version_is_pending(new_server, init, state):
    server = new_server().start()
    functions = server.client("lambda")
    name = server.create_function({"app.py": "import time\ntime.sleep(2)\n" + init + "\n" + PYTHON}, SnapStart=SNAP)
    version = functions.publish_version(FunctionName=name)["Version"]
    assert state_of(functions, name, version)["State"] == "Pending"
    server.kill()
    server.start()
    functions = server.client("lambda")
    assert state_of(functions, name, version)["State"] == "Pending", "its INIT was cut off"
    wait_for(lambda: state_of(functions, name, version)["State"] != "Pending", "the version is settled", 60)
    assert state_of(functions, name, version)["State"] == state
    if state == "Active":
        assert call(functions, name, version)[0]["types"] == ["snap-start"] * 2
    server.kill()
    server.start()
    assert state_of(server.client("lambda"), name, version)["State"] == state, "and stays so"


def test_a_version_that_is_deleted_while_it_is_pending_is_gone(client, create):
    name, version = publish(client, create, {"app.py": slow(2)}, wait=False)
    client.delete_function(FunctionName=name, Qualifier=version)
    assert refused(state_of, client, name, version)[0] == 404
    again = client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": PYTHON}), Publish=True)
    assert (again["Version"], again["State"]) == ("2", "Pending")
    wait_for(lambda: state_of(client, name, "2")["State"] == "Active", "the next version is ready")
    assert refused(state_of, client, name, version)[0] == 404


# Everything that a template's own code could try with what a template has, in INIT; and what came of it.
HOSTILE = """
import array, ctypes, os, socket, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
CLONE = {"user": 0x10000000, "mnt": 0x20000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000,
         "cgroup": 0x02000000}
FOUND = {}


def attempt(name, result):
    FOUND[name] = os.strerror(ctypes.get_errno()) if result < 0 else "DONE"


def status():
    return dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)


for kind, flag in CLONE.items():
    attempt("unshare " + kind, libc.unshare(flag))
    for process in ("self", "1"):
        try:
            fd = os.open("/proc/%s/ns/%s" % (process, kind), os.O_RDONLY)
        except OSError as error:
            FOUND["open %s %s" % (process, kind)] = error.strerror
            continue
        attempt("setns %s %s" % (process, kind), libc.setns(fd, 0))
        os.close(fd)
attempt("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
attempt("chroot", libc.chroot(b"/tmp"))
for number in range(41):
    header, data = struct.pack("Ii", 0x20080522, 0), struct.pack("IIIIII", *(1 << number % 32 if number // 32 == half
        else 0 for half in (0, 1) for _ in (0, 1, 2)))
    attempt("capset %d" % number, libc.capset(header, data))
FOUND["caps"] = [status()[n] for n in ("CapPrm", "CapEff", "CapAmb")]
try:
    FOUND["mem of 1"] = open("/proc/1/mem", "rb").read(1) and "DONE"
except OSError as error:
    FOUND["mem of 1"] = error.strerror
try:
    os.kill(1, 9)
    FOUND["still"] = "here"
except OSError as error:
    FOUND["kill 1"] = error.strerror
# The template's descriptors: orders come on 3. Reports of forks that nobody asked for.
FOUND["descriptors"] = sorted(int(n) for n in os.listdir("/proc/self/fd"))
orders = socket.socket(fileno=os.dup(3))
for event in (2, 3, 4, 5):
    for key in (0, 1, 2, 3, 1 << 40):
        orders.send(struct.pack("IiQiI64s", event, 0, key, 1, 0, b""))
orders.close()
FOUND["pids"] = sorted(int(n) for n in os.listdir("/proc") if n.isdigit())


def handler(event, context):
    if event.get("try"):
        for kind, flag in CLONE.items():
            attempt("in a fork: unshare " + kind, libc.unshare(flag))
            fd = os.open("/proc/self/ns/" + kind, os.O_RDONLY)
            attempt("in a fork: setns " + kind, libc.setns(fd, 0))
    return {"found": FOUND, "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "caps": [status()[n] for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
            "processes": len([n for n in os.listdir("/proc") if n.isdigit()])}
"""


def test_init_code_gains_nothing_by_what_a_template_has(server, client, create):
    name, version = publish(client, create, {"app.py": HOSTILE}, wait=False)
    wait_for(lambda: state_of(client, name, version)["State"] != "Pending", "the version is ready")
    body, _ = call(client, name, version, {"try": True})
    found = body["found"]
    assert body["type"] == "snap-start"
    allowed = {key for key, value in found.items() if value == "DONE" and not re.fullmatch(r"capset \d+", key)}
    assert allowed == set(), allowed
    assert found["caps"] == ["0000000000000000"] * 3
    assert set(body["caps"]) == {"0000000000000000"}
    assert body["processes"] == 2


# INIT puts its own fork in the place of the template's: it joins the sandbox as the real one does, and keeps what it gets.
ROGUE = """
import ctypes, os, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
real = os.fork
STAY = %d


def rogue():
    pid = real()
    if pid:
        return pid
    found = {{}}
    for n in os.listdir("/proc/self/fd"):
        try:
            found[os.readlink("/proc/self/fd/" + n).split(":")[0]] = int(n)
        except OSError:
            pass
    if libc.setns(found["user"], 0x10000000) or libc.setns(found["pid"], 0):
        os._exit(1)
    def report(event, process):
        orders = socket.socket(fileno=os.dup(3))
        for key in range(1, 2000):
            orders.send(struct.pack("IiQiI64s", event, 0, key, process, 0, b""))

    child = real()
    if child == 0:
        time.sleep(0.3)
        for kind in ("cgroup", "ipc", "uts", "net", "mnt"):
            libc.setns(found[kind], 0)
        if STAY == 2 and real() == 0:
            time.sleep(60)
        report(3, 0)
        time.sleep(60)
    if STAY < 3:
        report(2, child)
    time.sleep(60)


os.fork = rogue
def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
""".replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize("stay, why", [(1, "look who is in the sandbox capabilities"),
                                       (2, "look who is in the sandbox 2 processes"),
                                       (3, "out of order")])
def test_a_fork_that_keeps_rights_is_told_nothing(new_server, stay, why):
    server = new_server().start()  # whose sandboxes have the small numbers that the code tries
    functions = server.client("lambda")
    name, version = publish(functions, partial(create_with, functions), {"app.py": ROGUE % stay})
    assert call(functions, name, version)[0] == "on-demand"
    assert why in server.log()


def test_noise_from_a_template_ends_it_only(client, create):
    code = "import os, socket\ntry:\n    socket.socket(fileno=os.dup(3)).send(b'noise')\nexcept OSError:\n    pass\n" + \
        "def handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    name, version = publish(client, create, {"app.py": code})
    assert call(client, name, version)[0] == "on-demand"


BEHAVIOUR = """
import os, threading, time, socket, subprocess
{}
def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""


@pytest.mark.parametrize("left", [
    "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    "S = socket.socket()",
    "P = subprocess.Popen(['sleep', '1000'])",
    "PID = os.fork()\nif PID == 0:\n    time.sleep(1000)",
])
def test_what_cannot_be_forked_starts_without_a_snapshot_and_says_so(server, client, create, left):
    name, version = publish(client, create, {"app.py": BEHAVIOUR.format(left)})
    assert call(client, name, version)[0] == "on-demand"
    says_so(server, client, name, version)


def says_so(server, client, name, version):
    """Active, without a snapshot: in the API, in the server's log, and in the function's."""
    active = state_of(client, name, version)
    assert (active["State"], active["SnapStart"]["OptimizationStatus"]) == ("Active", "Off")
    assert server.log().count(f"function {name}: no snapshot of version {version}: INIT left threads, processes, connections") == 1
    assert "No snapshot is made: INIT left " in server.run("logs", "--data", str(server.data), name).stdout


def boto3_files():
    """boto3 as a function brings it, with the data of one service."""
    packages = pathlib.Path(boto3.__file__).parent.parent
    files = {}
    for package in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        found = packages / package
        for path in [found] if found.is_file() else sorted(found.rglob("*")):
            name = path.relative_to(packages)
            is_other = name.parts[:2] == ("botocore", "data") and len(name.parts) > 3 and name.parts[2] != "dynamodb"
            if path.is_file() and not is_other and path.suffix != ".pyc":
                files[str(name)] = path.read_bytes()
    return files


CONNECTED = {
    "python": {"app.py": """
import http.client, os
from urllib.parse import urlsplit
API = urlsplit(os.environ["AWS_ENDPOINT_URL"])
CONNECTION = http.client.HTTPConnection(API.hostname, API.port)
CONNECTION.request("GET", "/2015-03-31/functions/")
assert CONNECTION.getresponse().read()
%s
def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""},
    "boto3": {"app.py": """
import os
import boto3
CLIENT = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
CLIENT.list_tables()
%s
def handler(event, context):
    CLIENT.list_tables()
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""},
    "node": {"app.mjs": """
import http from 'node:http';
const agent = new http.Agent({ keepAlive: true });
await new Promise((done, failed) => http.get(process.env.AWS_ENDPOINT_URL + '/2015-03-31/functions/', { agent },
  (answer) => answer.on('end', () => setImmediate(done)).resume()).on('error', failed));
%s
export const handler = async () => process.env.AWS_LAMBDA_INITIALIZATION_TYPE;
"""},
}


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("kind, close", [("python", "CONNECTION.close()"), ("boto3", "CLIENT.close()"),
                                         ("node", "agent.destroy(); await new Promise((done) => setTimeout(done, 100));")])
def test_a_connection_that_init_leaves_open_is_not_forked(server, client, create, node_runtime, kind, close, is_closed):
    files = {name: text % (close if is_closed else "") for name, text in CONNECTED[kind].items()}
    if kind == "boto3":
        files.update(boto3_files())
    name, version = publish(client, create, files, runtime=node_runtime if kind == "node" else "python3.11", MemorySize=1024)
    if is_closed:
        assert call(client, name, version)[0] == "snap-start"
        assert state_of(client, name, version)["SnapStart"]["OptimizationStatus"] == "On"
    else:
        assert call(client, name, version)[0] == "on-demand"
        says_so(server, client, name, version)


def test_a_burst_at_zero_runs_init_once(client, create):
    code = PYTHON.replace("\nINIT = ", "\ntime.sleep(0.5)\nINIT = ")
    name, version = publish(client, create, {"app.py": code}, MemorySize=256)
    answers = at_once(client, name, version, 60, {"sleep": 0.1})
    assert len({body["init"] for body, _ in answers}) == 1


NODE = """
const INIT = require('crypto').randomUUID();
exports.handler = async () => ({ init: INIT, random: [Math.random(), require('crypto').randomUUID()],
  type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE, stream: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  tmp: require('fs').readdirSync('/tmp'), wait: await new Promise((done) => setTimeout(done, 500)) });
"""
RUBY = """
require "securerandom"
require "json"
INIT = SecureRandom.uuid
def handler(event:, context:)
  sleep 0.5
  { init: INIT, random: [rand, SecureRandom.uuid, Random.rand], type: ENV["AWS_LAMBDA_INITIALIZATION_TYPE"],
    stream: ENV["AWS_LAMBDA_LOG_STREAM_NAME"], tmp: Dir.children("/tmp") }
end
"""


@pytest.mark.parametrize("files, handler, family", [({"app.js": NODE}, "app.handler", "nodejs"),
                                                    ({"app.rb": RUBY}, "app.handler", "ruby")])
def test_node_and_ruby(client, create, node_runtime, files, handler, family):
    runtime = node_runtime if family == "nodejs" else "ruby3.1"
    name, version = publish(client, create, files, runtime=runtime, Handler=handler, MemorySize=256)
    bodies = [body for body, _ in at_once(client, name, version, 3, {})]
    assert {body["type"] for body in bodies} == {"snap-start"}
    assert len({body["stream"] for body in bodies}) == 3
    assert len({body["init"] for body in bodies}) == 1
    for generator in range(len(bodies[0]["random"])):
        assert len({body["random"][generator] for body in bodies}) == 3
    assert bodies[0]["tmp"] == []


def test_templates_end_when_idle_and_are_made_again(new_server):
    server = new_server("--idle-timeout", "1s", "--snapshots", "all").start()
    functions = server.client("lambda")
    name = new_name()
    server.create_function({"app.py": PYTHON}, name=name)
    server.wait_until_active(name)
    first = call(functions, name)[0]
    assert first["types"] == ["snap-start", "snap-start"]

    def second():
        return call(functions, name)[0]["init"] != first["init"]

    import time
    time.sleep(4)
    assert second(), "a new template"


def test_an_instance_per_request_from_a_snapshot(client, create):
    name, version = publish(client, create, {"app.py": PYTHON}, Tags={"lambent:isolation": "request"})
    bodies = [call(client, name, version)[0] for _ in range(20)]
    assert len({body["stream"] for body in bodies}) == 20
    assert {body["types"][1] for body in bodies} == {"snap-start"}
    assert len({body["init"] for body in bodies}) == 1
    assert [body for body in bodies if body["tmp"] or len(body["processes"]) != 2] == []
