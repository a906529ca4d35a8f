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


# Each takes memory of its kind until it has 1 GiB, or is refused more: then it gives the error's name and what it has.
MEMORY = """
import ctypes, errno, fcntl, mmap, os, socket
libc = ctypes.CDLL(None, use_errno=True)
PIECE = b"x" * (1 << 20)
def of_heap():
    return bytearray(PIECE), len(PIECE)
def of_shared_mapping():
    area = mmap.mmap(-1, len(PIECE))
    area.write(PIECE)
    return area, len(PIECE)
def of_memory_file():
    file = os.memfd_create("x")
    os.write(file, PIECE)
    return os.fdopen(file, "rb"), len(PIECE)
def of_dev_shm():
    with open("/dev/shm/x", "ab") as file:
        file.write(PIECE)
    return None, len(PIECE)
def of_tmp():
    with open("/tmp/x", "ab") as file:
        file.write(PIECE)
    return None, len(PIECE)
def of_extended_attributes(count=[0]):
    count[0] += 1
    path = "/tmp/%d" % (count[0] // 8)
    open(path, "a").close()
    os.setxattr(path, "user.%d" % count[0], b"x" * 60000)
    return None, 60000
def of_system_v_memory():
    id = libc.shmget(0, 1 << 20, 0o1600)
    if id < 0: raise OSError(ctypes.get_errno(), "shmget")
    libc.shmat.restype = ctypes.c_void_p
    at = libc.shmat(id, None, 0)
    if at in (None, ctypes.c_void_p(-1).value): raise OSError(ctypes.get_errno(), "shmat")
    ctypes.memmove(at, PIECE, 1 << 20)
    return None, 1 << 20
def of_page_tables():
    # One byte in each 2 MiB: a page and a page table for it.
    area = mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
    for at in range(0, 1 << 30, 2 << 20):
        area[at] = 1
    return area, 512 * 8192
def of_pipes():
    a, b = os.pipe()
    os.set_blocking(b, False)
    try: fcntl.fcntl(b, 1031, 1 << 20)
    except OSError: pass
    done = 0
    try:
        while True: done += os.write(b, PIECE)
    except BlockingIOError: pass
    return None, done
def of_unix_sockets():
    a, b = socket.socketpair()
    a.setblocking(False)
    done = 0
    try:
        while True: done += a.send(PIECE[:65536])
    except BlockingIOError: pass
    return (a, b), done
def handler(event, context):
    keep, total = [], 0
    try:
        while total < 1 << 30:
            kept, size = globals()["of_" + event]()
            keep.append(kept)
            total += size
    except OSError as error:
        return [errno.errorcode[error.errno], total]
    except MemoryError:
        return ["MemoryError", total]
    return ["took it", total]
"""


@pytest.mark.parametrize("kind", ["heap", "shared_mapping", "memory_file", "dev_shm", "tmp", "extended_attributes",
                                  "system_v_memory", "page_tables", "pipes", "unix_sockets"])
def test_every_kind_of_memory_is_bounded(server, kind):
    name = server.create_function({"app.py": MEMORY}, MemorySize=192, Timeout=120, EphemeralStorage={"Size": 2048})
    before = memory_of(server.pid)
    answer, response = server.invoke(name, kind, LogType="Tail")
    if "FunctionError" in response:
        assert answer["errorType"] == "Runtime.OutOfMemory", answer
        assert "Status: error\tError Type: Runtime.OutOfMemory" in tail(response)
    else:
        assert answer[0] != "took it" and answer[1] < 192 * MIB, answer
    assert memory_of(server.pid) - before < 16 * MIB
    assert server.invoke(name, "heap")[0]["errorType"] == "Runtime.OutOfMemory", "the next instance has its own"


SPIN = """
import time
def handler(event, context):
    while time.time() < event:
        pass
    spent = time.process_time()
    while time.time() < event + 3:
        pass
    return time.process_time() - spent
"""


def test_where_all_want_more_than_the_host_has_it_is_shared_by_memory_size(server):
    """Twice as many instances as cores, of half a core, against as many of one core: together three times the host."""
    count = 2 * os.cpu_count()
    half, whole = (server.create_function({"app.py": SPIN}, MemorySize=size, Timeout=120) for size in (885, 1769))

    def spin(begin):
        with concurrent.futures.ThreadPoolExecutor(2 * count) as pool:
            calls = [(name, pool.submit(server.invoke, name, begin)) for name in [half] * count + [whole] * count]
            return {name: sum(call.result()[0] for of, call in calls if of == name) for name in (half, whole)}

    spin(time.time())  # all of them are started
    spent = spin(time.time() + 1)
    assert 1.4 < spent[whole] / spent[half] < 2.8, spent


def test_an_init_that_hangs_keeps_no_other_function_from_starting(new_server):
    server = new_server().start()
    hanging = server.create_function({"app.py": "import time\ntime.sleep(600)\n"}, Timeout=1)
    other = server.create_function({"app.py": "def handler(event, context):\n    return event\n"})
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        calls = [pool.submit(server.invoke, hanging) for _ in range(32)]
        wait_for(lambda: sum(e["m"].startswith("INIT_START") for e in log_events(server, hanging)) >= 2
                 if (server.data / "logs" / hanging / "current.log").exists() else False, "INITs hang")
        begin = time.monotonic()
        assert server.invoke(other, 5)[0] == 5
        assert time.monotonic() - begin < 8, "INIT may take 10 s; nobody else waits for that"
        server.kill()
        for call in calls:
            call.exception()


WATCHES = """
import ctypes, errno
libc, kept = ctypes.CDLL(None, use_errno=True), []
def handler(event, context):
    while (one := libc.inotify_init1(0)) >= 0:
        kept.append(one)
    return [len(kept), errno.errorcode[ctypes.get_errno()]]
"""


def test_what_the_kernel_counts_for_each_user_is_each_instances_own(server):
    """inotify instances stand for all of them (fs.inotify.max_user_instances)."""
    if os.geteuid() != 0:
        pytest.skip("without root all instances are one user of the host's; SECURITY.md says so")
    first, second = (server.create_function({"app.py": WATCHES}, MemorySize=256) for _ in range(2))
    took, refused = server.invoke(first)[0]
    assert took > 0 and refused == "EMFILE"
    assert server.invoke(second)[0] == [took, "EMFILE"], "the first one, which keeps its own, takes nothing away"
