"""Whatever an instance takes of the machine runs out inside, and inside only: processes, memory, processor, disk,
descriptors. Each is attacked by a program that takes all it gets; meanwhile a neighbour is called."""

import concurrent.futures
import os
import pathlib

import pytest
from lambent import Server, new_name, process_ids_of, tail, wait_for

from probe import Attacker, Probe, errors, refusals

MB = 1 << 20


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory")


# ---- processes ----------------------------------------------------------------------------------------------------


@pytest.mark.case("fork-bomb")
@pytest.mark.parametrize("how", ["fork", "clone with memory", "daemon"])
def test_processes_run_out_inside_only(attacker, other, how):
    found = attacker("fork_bomb", MemorySize=1769)(f"count {how}")
    assert found["error"] == "EAGAIN"
    assert 900 < found["made"] <= (2048 if how == "daemon" else 1024), "a daemon's parent is gone by then"
    assert other("result = subprocess.call(['/bin/true'])") == 0


@pytest.mark.case("fork-bomb")
def test_a_fork_bomb_ends_with_its_instance(server, compiled, other):
    marker = new_name("bomb")
    bomb = Attacker(server, compiled("fork_bomb").read_bytes(), Timeout=2, MemorySize=256,
                    Environment={"Variables": {"MARKER": marker}})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(bomb.raw, "bomb", LogType="Tail")
        while not call.done():
            assert other("result = 'alive'") == "alive"
        answer, response = call.result()
    assert answer["errorType"] in ("Sandbox.Timedout", "Runtime.OutOfMemory", "Runtime.ExitError")
    assert "REPORT RequestId: " in tail(response)
    wait_for(lambda: process_ids_of(marker) == [], "every process of the bomb is gone", 60)


# ---- memory -------------------------------------------------------------------------------------------------------

LIMIT_MB = 128
KINDS = ["heap", "anonymous map", "shared map", "SysV memory", "memfd", "/tmp", "/dev/shm", "page tables", "pipes",
         "unix sockets", "tcp sockets", "udp sockets", "message queues", "stacks", "empty files"]


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory):
    """One on which the limit of memory buys a whole core: with less the bombs wait for their share most of the time."""
    running = Server(tmp_path_factory.mktemp("quick") / "data", ["--limits-megabytes-per-core", str(LIMIT_MB)]).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def bombs(quick_server, compiled):
    """{kind: (answer, response)}: all at once, each in an instance of its own; and how the server and a neighbour did."""
    server = quick_server
    bomb = Attacker(server, compiled("memory_bomb").read_bytes(), MemorySize=LIMIT_MB, Timeout=60)
    other = Probe(server)
    other("result = 1")
    before = resident_bytes(server.pid)
    most, neighbour = before, 0
    with concurrent.futures.ThreadPoolExecutor(len(KINDS)) as pool:
        calls = {kind: pool.submit(bomb.raw, kind, LogType="Tail") for kind in KINDS}
        while not all(call.done() for call in calls.values()):
            assert other("result = 'alive'") == "alive"
            neighbour += 1
            most = max(most, resident_bytes(server.pid))
    found = {kind: call.result() for kind, call in calls.items()}
    found["server grew by"] = most - before
    found["neighbour's calls"] = neighbour
    return found


@pytest.mark.case("memory-bomb")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_memory_counts(bombs, kind):
    """It is killed for it, or has got no more than it may have."""
    answer, response = bombs[kind]
    if "errorType" in answer:
        assert answer["errorType"] == "Runtime.OutOfMemory", answer
        assert "Status: error\tError Type: Runtime.OutOfMemory" in tail(response)
    else:
        assert answer["held"] <= LIMIT_MB * MB, "what it holds of this kind is more than it may have of any"


@pytest.mark.case("memory-bomb")
def test_the_server_and_a_neighbour_feel_nothing_of_it(bombs):
    assert bombs["server grew by"] < 64 * MB
    assert bombs["neighbour's calls"] >= 3


@pytest.mark.case("cgroup-versions")
@pytest.mark.parametrize("version", [1, 2])
def test_memory_is_limited_by_control_groups_of_either_version(bombs, version):
    here = 1 if os.path.isdir("/sys/fs/cgroup/memory") else 2
    if version != here:
        pytest.skip(f"not testable here: the memory controller of this host is version {here}'s")
    answer, _ = bombs["heap"]
    assert answer["errorType"] == "Runtime.OutOfMemory"


# ---- processor ----------------------------------------------------------------------------------------------------

SPIN = """
def spin():
    begin = time.monotonic()
    while time.monotonic() < begin + 1.5: pass
begin = time.monotonic()
pids = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        spin()
        os._exit(0)
    pids.append(pid)
for pid in pids: os.waitpid(pid, 0)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
result = (used.ru_utime + used.ru_stime) / (time.monotonic() - begin)
"""


@pytest.mark.case("cpu-spin")
def test_processor_time_grows_with_memory(server):
    """Three processes that spin, by the share of a core that they get. A loaded host gives less, never more."""
    small, large = Probe(server, MemorySize=128), Probe(server, MemorySize=1769)
    share = small(SPIN)
    assert share < 0.15, "128 MB buy 0.072 of a core"
    wait_for(lambda: large(SPIN) > 2 * share, "1,769 MB get far more than 128 MB", 120)


# ---- disk ---------------------------------------------------------------------------------------------------------


@pytest.mark.case("disk-fill")
def test_tmp_has_the_bytes_that_were_asked_for(attacker, probe):
    filler = attacker("disk_fill", MemorySize=2048, EphemeralStorage={"Size": 600})
    assert filler("bytes") == {"error": "ENOSPC", "megabytes": 600}
    assert filler("bytes") == {"error": "ENOSPC", "megabytes": 600}, "and again once they are free"
    assert filler("bytes of /dev/shm")["error"] == "ENOSPC"
    assert probe("open('/tmp/of-its-own', 'w').write('x' * 100000); result = 'room'") == "room"


@pytest.mark.case("disk-fill")
@pytest.mark.parametrize("kind", ["files", "hard links"])
def test_tmp_has_a_bounded_number_of_entries(attacker, kind):
    found = attacker("disk_fill", MemorySize=2048, EphemeralStorage={"Size": 600})(kind)
    assert found["error"] == "ENOSPC"
    assert 10_000 < found["made"] <= 131_072 * 600 / 512


@pytest.mark.case("disk-fill")
def test_a_sparse_file_holds_no_more_than_it_holds(attacker):
    found = attacker("disk_fill", MemorySize=2048, EphemeralStorage={"Size": 600})("sparse")
    assert found["megabytes left"] <= 600


@pytest.mark.case("disk-fill")
def test_attributes_of_files_hold_nothing(attacker):
    refusals(attacker("disk_fill", MemorySize=2048, EphemeralStorage={"Size": 600})("attributes"), "EPERM", "EROFS", "EOPNOTSUPP")


# ---- descriptors --------------------------------------------------------------------------------------------------


@pytest.mark.case("descriptor-exhaustion")
@pytest.mark.parametrize("kind", ["files", "folders", "paths", "tcp", "udp6", "unix", "netlink", "pipes", "epoll", "eventfd",
                                  "timerfd", "signalfd", "inotify", "memfd", "pidfd"])
def test_descriptors_of_every_kind_run_out(attacker, kind):
    found = attacker("descriptors")(kind)
    assert found["error"] == "EMFILE"
    assert 100 < found["opened"] <= 1024


@pytest.mark.case("descriptor-exhaustion")
def test_descriptors_in_flight_run_out_too(attacker):
    found = attacker("descriptors")("in flight")
    assert found["error"] in errors("ETOOMANYREFS", "EMFILE")
    assert found["opened"] <= 2 * 1024


@pytest.mark.case("descriptor-exhaustion")
def test_the_limit_cannot_be_raised_and_others_have_theirs(server, attacker, other):
    attacker("descriptors")("eventfd")
    before = len(os.listdir(f"/proc/{server.pid}/fd"))
    refusals(attacker("descriptors")("raise"), "EPERM")
    assert attacker("descriptors")("io_uring") == {"error": "EPERM", "opened": 0}
    assert other("result = len(os.listdir('/proc/self/fd')) < 20")
    assert len(os.listdir(f"/proc/{server.pid}/fd")) < before + 100, "none of a thousand is the server's"
