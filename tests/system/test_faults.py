"""What goes wrong around the server: a full disk, damaged files, a killed spawner, peers that speak no HTTP. The server says
what is wrong, keeps what it acknowledged, and takes nothing down with it."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import select
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request

import botocore.exceptions
import pytest
from lambent import BINARY, new_name, process_ids_of, wait_for
from tables_api import create_table

from functions_api import refused
from test_rights import spawner_of
from test_server import cgroups, get, leftovers, starts

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}



def put(server, table, ids, size=100):
    db = server.client("dynamodb")
    for each in ids:
        db.put_item(TableName=table, Item={"id": {"S": each}, "x": {"S": each + "x" * size}})


def read(server, table):
    """{id: x} of the whole table."""
    pages = server.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return {i["id"]["S"]: i["x"]["S"] for page in pages for i in page["Items"]}


def start_refused(server):
    """What the server says when it does not start."""
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert server.process.wait(30) == 1
    return server.log()


# ---- a full disk


@pytest.fixture
def small_disk(new_server, tmp_path):
    """A server whose data directory is a file system of 64 MB, in a mount namespace of its own: (server, its folder)."""
    server = new_server()
    server.data.mkdir()
    keeper = subprocess.Popen(
        ["unshare", "-m", "--propagation", "private", "sh", "-c",
         'mount -t tmpfs -o size=64m,mode=0700 tmpfs "$0" && echo mounted && exec sleep 3600', str(server.data)],
        stdout=subprocess.PIPE, text=True)
    try:
        assert keeper.stdout.readline() == "mounted\n"
        server.prefix = ["nsenter", f"--mount=/proc/{keeper.pid}/ns/mnt"]
        yield server, pathlib.Path(f"/proc/{keeper.pid}/root") / server.data.relative_to("/")
    finally:
        server.stop()
        keeper.kill()
        keeper.wait()
        keeper.stdout.close()


def fill(folder):
    with open(folder / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)


def files(folder):
    """What there is of blobs and code, without the folders that spread blobs: one may be made and stay empty."""
    return sorted(str(path) for part in ("blobs", "code") for path in (folder / part).rglob("*")
                  if path.parent.name != "sha256")


def test_a_full_disk_refuses_writes_and_loses_nothing(small_disk):
    server, folder = small_disk
    server.start()
    function, table = server.create_function(ECHO), create_table(server.client("dynamodb"))
    server.invoke(function, 1)
    put(server, table, [f"early-{n}" for n in range(20)])
    acknowledged = read(server, table)
    fill(folder)

    db = server.client("dynamodb")
    refusal = None
    for n in range(300):
        try:
            put(server, table, [f"late-{n}"], size=300_000)
        except botocore.exceptions.ClientError as error:
            refusal = error.response
            break
        acknowledged[f"late-{n}"] = f"late-{n}" + "x" * 300_000
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 500 and refusal["Error"]["Code"] == "InternalServerError"
    assert refusal["Error"]["Message"] == "Internal server error", "no path of the host is told"
    assert "No space left on device" in server.log()
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(server.endpoint + "/readyz", timeout=10)
    assert refused(db.put_item, TableName=table, Item={"id": {"S": "later"}})[:2] == (500, "InternalServerError")
    assert read(server, table) == acknowledged, "what was there is still readable, what was refused is not"

    for n in range(60):
        assert server.invoke(function, n)[0] == n, "calls go on without the disk"
    lost = server.log().count("is lost: ")
    bill = json.loads(server.run("bill", "--json", "--data", str(server.data)).stdout)
    assert bill["total"]["requests"] + lost == 61 and bill["damagedRecords"] == 0 and lost > 0
    before = files(folder)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.create_function({"app.py": ECHO["app.py"], "data.bin": os.urandom(2_000_000)})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert caught.value.response["Error"]["Code"] == "ServiceException"
    functions = server.client("lambda")
    assert [f["FunctionName"] for f in functions.list_functions()["Functions"]] == [function]
    assert files(folder) == before, "nothing half-written stays"
    assert get(server.endpoint + "/healthz")[0] == 200

    (folder / "filler").unlink()
    server.restart()
    assert read(server, table) == acknowledged
    put(server, table, ["after"])
    assert "after" in read(server, table)
    another = server.create_function({**ECHO, "data.bin": os.urandom(2_000_000)})
    assert [server.invoke(each, 7)[0] for each in (function, another)] == [7, 7]


def test_kill_9_on_a_full_disk_keeps_what_was_acknowledged(small_disk):
    server, folder = small_disk
    server.start()
    table = create_table(server.client("dynamodb"))
    put(server, table, ["early"])
    fill(folder)
    acknowledged = {"early"}
    with contextlib.suppress(botocore.exceptions.ClientError):
        for n in range(300):
            put(server, table, [f"late-{n}"], size=300_000)
            acknowledged.add(f"late-{n}")
    server.kill()
    (folder / "filler").unlink()
    server.start()
    assert set(read(server, table)) >= acknowledged
    put(server, table, ["after"])


def test_a_disk_that_is_full_from_the_start_is_a_clear_error(small_disk):
    server, folder = small_disk
    fill(folder)
    said = start_refused(server)
    assert "lambent serve: " in said and "No space left on device" in said
    (folder / "filler").unlink()
    server.start()
    assert get(server.endpoint + "/readyz")[0] == 200


# ---- damaged files


def wal(server):
    """The newest log file of the store that has something in it."""
    logs = [f for f in (server.data / "store").glob("*.log") if f.stat().st_size > 0]
    return max(logs, key=lambda f: int(f.stem))


def damage(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def test_a_torn_log_tail_loses_at_most_the_torn_write(new_server):
    server = new_server().start()
    function, table = server.create_function(ECHO), create_table(server.client("dynamodb"))
    put(server, table, [f"k{n}" for n in range(50)])
    server.kill()
    log = wal(server)
    end = len(log.read_bytes().rstrip(b"\0"))
    os.truncate(log, end - 20)
    server.start()
    assert set(read(server, table)) in ({f"k{n}" for n in range(49)}, {f"k{n}" for n in range(50)})
    assert server.invoke(function, 5)[0] == 5
    put(server, table, ["k49", "k50"])
    server.restart()
    assert len(read(server, table)) == 51


def test_a_log_damaged_in_the_middle_is_refused_rather_than_cut(new_server):
    server = new_server().start()
    table = create_table(server.client("dynamodb"))
    put(server, table, [f"k{n}" for n in range(50)])
    server.kill()
    log = wal(server)
    whole = log.read_bytes()
    damage(log, whole.index(b"k10x"))
    said = start_refused(server)
    assert re.search(r"lambent serve: open store .*/store: Corruption: .*", said), said
    assert "store.accept_damaged_log" in said
    log.write_bytes(whole)
    server.start()
    assert len(read(server, table)) == 50


def test_a_damaged_log_is_opened_up_to_the_damage_where_the_operator_says_so(new_server):
    server = new_server().start()
    table = create_table(server.client("dynamodb"))
    put(server, table, [f"k{n}" for n in range(50)])
    server.kill()
    damage(wal(server), wal(server).read_bytes().index(b"k10x"))
    start_refused(server)
    server.flags += ["--store-accept-damaged-log", "yes"]
    server.start()
    assert len(read(server, table)) == 10


@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST-*"])
def test_a_damaged_catalogue_of_the_store_is_refused(new_server, name):
    server = new_server().start()
    put(server, create_table(server.client("dynamodb")), ["a"])
    server.stop()
    path, = (server.data / "store").glob(name)
    whole = path.read_bytes()
    path.write_bytes(b"garbage " * 20)
    said = start_refused(server)
    assert re.search(r"lambent serve: open store .*/store: .+", said), said
    path.write_bytes(whole)
    server.start()


def test_damage_in_a_table_file_is_an_error_never_other_data(new_server):
    server = new_server().start()
    other, table = create_table(server.client("dynamodb")), create_table(server.client("dynamodb"))
    put(server, other, ["safe"])
    db = server.client("dynamodb")
    noise = {f"k{n}": os.urandom(3000).hex() for n in range(100)}
    for key, value in noise.items():
        db.put_item(TableName=table, Item={"id": {"S": key}, "x": {"S": value}})
    server.stop()
    server.start()  # a recovered log is written out as a sorted file
    server.stop()
    largest = max((server.data / "store").glob("*.sst"), key=lambda f: f.stat().st_size)
    assert largest.stat().st_size > 300_000
    damage(largest, largest.stat().st_size // 2)
    server.start()
    db = server.client("dynamodb")
    failures = 0
    for key, value in noise.items():
        try:
            assert db.get_item(TableName=table, Key={"id": {"S": key}})["Item"]["x"]["S"] == value
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
            failures += 1
    assert 1 <= failures < 20
    assert refused(lambda: read(server, table))[:2] == (500, "InternalServerError")
    assert get(server.endpoint + "/healthz")[0] == 200


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_data_of_a_newer_program_is_refused(new_server):
    """The mark of the format is rewritten in the store's log: records of [masked CRC-32C, length, type, data]."""
    server = new_server().start()
    server.kill()
    log = next(f for f in (server.data / "store").glob("*.log") if b"lambent.format\x011" in f.read_bytes())
    content = bytearray(log.read_bytes())
    at = content.index(b"lambent.format\x011")
    content[at + len(b"lambent.format\x01")] = ord("2")
    start = 0
    while start + 7 + struct.unpack_from("<H", content, start + 4)[0] <= at:
        start += 7 + struct.unpack_from("<H", content, start + 4)[0]
    crc = crc32c(content[start + 6:start + 7 + struct.unpack_from("<H", content, start + 4)[0]])
    struct.pack_into("<I", content, start, (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)
    log.write_bytes(content)
    assert re.search(r"open store .*/store: its format is 2, this program knows 1", start_refused(server))


def test_a_file_in_place_of_the_data_directory_is_a_clear_error(new_server):
    server = new_server()
    server.data.write_text("not a folder")
    assert str(server.data) in start_refused(server)


# ---- processes


def test_what_a_killed_server_and_spawner_leave_frozen_is_ended_by_the_next_start(new_server):
    """Both are gone at once, and the instance stands still: on cgroup v1 the kernel's own kill has to wait for a thaw."""
    server = new_server().start()
    marker = new_name("frozen")
    name = server.create_function({"app.py": "def handler(event, context):\n    return event\n"},
                                  Environment={"Variables": {"MARKER": marker}})
    server.invoke(name, 1)
    time.sleep(0.5)
    spawner = spawner_of(server)
    for pid in (spawner, server.pid):
        os.kill(pid, signal.SIGSTOP)
    assert process_ids_of(marker), "an instance lives"
    for pid in (server.pid, spawner):
        os.kill(pid, signal.SIGKILL)
    server.kill()
    left = {os.stat(folder).st_ino for folder in cgroups(server)}
    server.start()
    assert process_ids_of(marker) == []
    assert not left & {os.stat(folder).st_ino for folder in cgroups(server)}
    assert server.invoke(name, 2)[0] == 2


def test_a_killed_spawner_ends_the_server_with_an_error_and_leaves_nothing(new_server):
    server = new_server().start()
    sleeper = server.create_function({"app.py": "import time\ndef handler(event, context):\n    time.sleep(event)\n"},
                                     Timeout=600)
    table = create_table(server.client("dynamodb"))
    put(server, table, ["a"])
    server.invoke(sleeper, 0)
    spawner = spawner_of(server)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(server.invoke, sleeper, 500)
        wait_for(lambda: starts(server, sleeper) == 2, "the call has begun")
        os.kill(spawner, signal.SIGKILL)
        assert server.process.wait(60) == 1, "an init system starts it again"
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            call.result()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, "no fault of the function's"
    assert "the spawner is gone" in server.log()
    wait_for(lambda: processes_and_mounts_of(server) == [], "no process and no mount is left")
    left = {os.stat(folder).st_ino for folder in cgroups(server)}
    server.start()
    assert not left & {os.stat(folder).st_ino for folder in cgroups(server)}, "the next start removes them: nobody else can"
    assert server.invoke(sleeper, 0)[1]["StatusCode"] == 200
    assert set(read(server, table)) == {"a"}


def processes_and_mounts_of(server):
    return [what for what in leftovers(server) if not what.startswith("cgroup ")]


def test_two_servers_live_beside_each_other(new_server):
    one, other = new_server(name="one").start(), new_server(name="other").start()
    function = one.create_function(ECHO)
    other.create_function({"app.py": "def handler(event, context):\n    return 'other'\n"}, name=function)
    assert [s.invoke(function, "mine")[0] for s in (one, other)] == ["mine", "other"]
    one.kill()
    assert other.invoke(function, 1)[0] == "other"
    wait_for(lambda: processes_and_mounts_of(one) == [], "nothing of the killed one is left")
    assert other.invoke(function, 1)[0] == "other"
    one.start()
    assert one.invoke(function, "mine")[0] == "mine"


def test_another_path_to_the_same_data_directory_is_refused_too(new_server, tmp_path):
    first = new_server().start()
    link = tmp_path / "link"
    link.symlink_to(first.data)
    second = subprocess.run([str(BINARY), "serve", "--data", str(link), "--port", "0"], capture_output=True, text=True,
                            timeout=60)
    assert second.returncode == 1 and "another lambent server" in second.stderr


# ---- peers


def exchange(server, data, half_close=True):
    """What comes back for these bytes, until the server closes or says nothing more for a while."""
    host, port = server.host.rsplit(":", 1)
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as peer, contextlib.suppress(OSError):
        peer.sendall(data)
        if half_close:
            peer.shutdown(socket.SHUT_WR)
        while len(answer) < 1_000_000:
            got = peer.recv(65536)
            if not got:
                break
            answer += got
    return answer


GARBAGE = {
    "nothing": (b"", None),
    "newlines": (b"\r\n" * 1000, None),
    "no words": (b"\x00" * 5000, 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n", 400),
    "http2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "no version": (b"GET /healthz\r\n\r\n", 400),
    "version 3": (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", (400, 505)),
    "space in target": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "folded header": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    "space before colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "nul in header": (b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400),
    "bare cr": (b"GET / HTTP/1.1\r\nHost: x\r\nA: a\rb\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "length and chunks": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                          400),
    "negative length": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    "huge length": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", (400, 413)),
    "unknown coding": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", (400, 501)),
    "wrong chunk": (b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "huge chunk": (b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", (400, 413)),
    "long line": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414, 431)),
    "long header": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n", 431),
    "half a request": (b"GET /healthz HTTP/1.1\r\nHost:", None),
    "half a body": (b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Length: 10\r\n\r\n{",
                    None),
    "escapes": (b"GET /%zz%00%2e%2e/..//?%&=%0 HTTP/1.1\r\nHost: x\r\n\r\n", (400, 403, 404)),
    "absurd method": (b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", (200, 400, 403, 404, 405, 501)),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_refused(server, what):
    data, expected = GARBAGE[what]
    answer = exchange(server, data)
    statuses = [int(s) for s in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.MULTILINE)]
    if expected is not None:
        wanted = expected if isinstance(expected, tuple) else (expected,)
        assert statuses and statuses[0] in wanted, answer[:200]
    assert len(statuses) <= 1 and all(s < 500 or s in (501, 505) for s in statuses)
    assert get(server.endpoint + "/healthz")[0] == 200


def test_random_bytes_never_take_the_server_down(server):
    rng = random.Random(20261123)
    seed = (b"POST /2015-03-31/functions/f/invocations?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
            b"Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, "
            b"Signature=00\r\nX-Amz-Date: 20260101T000000Z\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n\r\n{\"\"}")
    for n in range(300):
        data = bytearray(rng.randbytes(rng.randrange(2000)) if n % 3 == 0 else seed)
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(data) + 1)
            data[at:at + rng.randrange(4)] = rng.randbytes(rng.randrange(4))
        exchange(server, bytes(data))
    assert server.process.poll() is None and get(server.endpoint + "/readyz")[0] == 200


def test_peers_that_hang_up_in_the_middle_harm_nobody(server):
    code = "import time\ndef handler(event, context):\n    time.sleep(0.1)\n    return 'x' * 3000000\n"
    name = server.create_function({"app.py": code}, Timeout=60)
    url = server.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    path = "/" + url.split("/", 3)[3]
    host = url.split("/")[2]
    address, port = server.host.rsplit(":", 1)
    for n in range(20):
        peer = socket.create_connection((address, int(port)), timeout=30)
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        if n % 2:
            select.select([peer], [], [], 30)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a polite end
        peer.close()
    assert len(server.invoke(name)[0]) == 3_000_000
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert len(answer.read()) == 3_000_002, "a text as JSON"


def test_idle_and_half_open_connections_keep_nobody_out(server):
    name = server.create_function(ECHO)
    address, port = server.host.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(socket.create_connection((address, int(port)), timeout=60)) for _ in range(200)]
        for n, peer in enumerate(peers):
            if n % 2:
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ")
        assert server.invoke(name, 1)[0] == 1
        for n, peer in enumerate(peers):
            peer.sendall(b"b\r\n\r\n" if n % 2 else b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        for peer in peers:
            assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(server):
    address, port = server.host.rsplit(":", 1)
    with socket.create_connection((address, int(port)), timeout=60) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /no/such/path HTTP/1.1\r\nHost: x\r\n\r\n"
                     b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while got := peer.recv(65536):
            answer += got
    assert re.findall(rb"HTTP/1\.1 (\d{3}) ", answer) == [b"200", b"403", b"200"]


def test_a_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection(server.host, timeout=60)
    for _ in range(50):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()
