"""System calls that functions are refused: recorded where the setting says so, listed by `lambent doctor`."""

import json
import subprocess
import time

import lambent
import pytest
from lambent import Server, wait_for

from test_rights import only_root

PROBE = """
import ctypes, errno, os, time
libc = ctypes.CDLL(None, use_errno=True)

def handler(event, context):
    for number in event.get('calls', []):
        ctypes.set_errno(0)
        libc.syscall(number, 0, 0, 0, 0, 0)
    begin = time.monotonic()
    for _ in range(event.get('flood', 0)):
        libc.syscall(163, 0)
    return [errno.errorcode.get(ctypes.get_errno()), time.monotonic() - begin]
"""
FLOOD = r"""
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char **arguments) {
  for (long i = atol(arguments[1]); i > 0; --i) syscall(SYS_acct, 0);
  return 0;
}
"""
FLOODER = """
import subprocess
def handler(event, context):
    subprocess.run(['/var/task/flood', str(event)], check=True)
    return 'done'
"""
ACCT, MOUNT, NO_CALL = 163, 165, 999


def doctor(server, *flags):
    done = subprocess.run([str(lambent.BINARY), "doctor", "--json", "--data", str(server.data), *flags],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)["deniedCalls"]


def listed(server, function):
    """{call: line of the table}"""
    return {line["call"]: line for line in doctor(server)["calls"] if line["function"] == function}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("recording") / "data", ["--record-denied-calls", "yes", "--drain-timeout", "2s"])
    server.start()
    if "NOT recorded" in server.log():
        server.stop()
        pytest.skip("this host does not tell: " + server.log().splitlines()[0])
    yield server
    server.stop()


@only_root
def test_what_a_function_is_refused_is_listed_with_its_name(recording):
    name = recording.create_function({"app.py": PROBE})
    assert recording.invoke(name, {"calls": [MOUNT, MOUNT, NO_CALL]})[0][0] == "ENOSYS"
    found = wait_for(lambda: "call 999" in (calls := listed(recording, name)) and calls, "the table has them")
    assert (found["mount"]["count"], found["mount"]["answer"], found["mount"]["policy"]) == (2, "EPERM", "python")
    assert (found["call 999"]["count"], found["call 999"]["answer"]) == (1, "ENOSYS")
    assert found["mount"]["reason"] and found["mount"]["last"].startswith("20")
    assert f"function {name}: the system call mount was refused (EPERM)" in recording.log()


@only_root
def test_each_function_has_its_own_lines(recording):
    one, other = (recording.create_function({"app.py": PROBE}) for _ in range(2))
    recording.invoke(one, {"calls": [MOUNT]})
    recording.invoke(other, {"calls": [ACCT]})
    wait_for(lambda: "mount" in listed(recording, one) and "acct" in listed(recording, other), "both are there")
    assert "acct" not in listed(recording, one) and "mount" not in listed(recording, other)


@only_root
def test_the_table_for_people_says_the_same(recording):
    name = recording.create_function({"app.py": PROBE})
    recording.invoke(name, {"calls": [MOUNT]})
    wait_for(lambda: "mount" in listed(recording, name), "it is there")
    out = subprocess.run([str(lambent.BINARY), "doctor", "--data", str(recording.data), "--record-denied-calls", "yes"],
                         capture_output=True, text=True).stdout
    row = next(line for line in out.splitlines() if line.startswith(name))
    assert row.split()[1:5] == ["python", "mount", "EPERM", "1"]
    assert "REFUSED SYSTEM CALLS (as of now recorded)" in out


@only_root
def test_a_template_and_an_executed_interpreter_are_recorded_alike(recording):
    forked = recording.create_function({"app.py": PROBE})
    executed = recording.create_function({"app.py": PROBE}, Environment={"Variables": lambent.NOT_FORKED})
    for name in (forked, executed):
        recording.invoke(name, {"calls": [MOUNT]})
        wait_for(lambda: "mount" in listed(recording, name), f"{name} is there")


@only_root
def test_a_million_refused_calls_leave_a_neighbour_working(recording, tmp_path):
    """They are counted as far as is cheap, and the table says that there were more."""
    source = tmp_path / "flood.c"
    source.write_text(FLOOD)
    subprocess.run(["cc", "-O1", "-static", "-o", tmp_path / "flood", source], check=True)
    flooder = recording.create_function({"app.py": FLOODER, "flood!": (tmp_path / "flood").read_bytes()}, Timeout=300,
                                        MemorySize=1769)
    neighbour = recording.create_function({"app.py": "def handler(event, context):\n    return 1\n"}, MemorySize=1769)
    assert recording.invoke(neighbour)[0] == 1

    started = time.monotonic()
    recording.client("lambda").invoke(FunctionName=flooder, InvocationType="Event", Payload=b"1000000")
    answered = 0
    while answered < 200 or time.monotonic() - started < 3:
        assert recording.invoke(neighbour)[0] == 1
        answered += 1
    found = wait_for(lambda: listed(recording, flooder).get("acct"), "the flood is listed", 120)
    assert 0 < found["count"] <= 1_000_000
    wait_for(lambda: doctor(recording)["lastLost"], "the table says that there were more")
    assert recording.invoke(neighbour)[0] == 1
    log = ["logs", flooder, "--data", str(recording.data)]
    wait_for(lambda: "REPORT" in recording.run(*log).stdout, "the flood ends", 300)


@only_root
def test_the_table_outlives_the_server_and_goes_on(tmp_path):
    server = Server(tmp_path / "data", ["--record-denied-calls", "yes", "--drain-timeout", "2s"])
    server.start()
    name = server.create_function({"app.py": PROBE})

    def count_after_a_stop(before):
        """The kernel tells of a refused call a little later, or, where others make a flood of them, not of each."""

        def is_counted():
            server.invoke(name, {"calls": [MOUNT]})
            return listed(server, name).get("mount", {}).get("count", 0) > before

        wait_for(is_counted, f"more than {before} are listed")
        server.stop()
        return listed(server, name)["mount"]["count"]

    first = count_after_a_stop(0)
    server.start()
    assert listed(server, name)["mount"]["count"] == first
    assert count_after_a_stop(first) > first


@only_root
def test_without_the_setting_nothing_is_recorded_and_doctor_says_so(server):
    name = server.create_function({"app.py": PROBE})
    assert server.invoke(name, {"calls": [MOUNT]})[0][0] == "EPERM"
    found = doctor(server)
    assert not found["recorded"] and "record_denied_calls is no" in found["whyNot"]
    assert found["calls"] == []
    assert doctor(server, "--record-denied-calls", "yes")["recorded"]


@only_root
def test_a_server_without_the_right_to_listen_says_so_and_serves(tmp_path):
    server = Server(tmp_path / "data", ["--record-denied-calls", "yes", "--drain-timeout", "2s"])
    server.prefix = ["setpriv", "--bounding-set=-audit_read"]
    server.start()
    assert "refused system calls are NOT recorded" in server.log() and "CAP_AUDIT_READ" in server.log()
    name = server.create_function({"app.py": PROBE})
    assert server.invoke(name, {"calls": [MOUNT]})[0][0] == "EPERM"
    server.stop()
    assert listed(server, name) == {}


@only_root
def test_a_file_that_is_not_the_servers_is_not_shown(tmp_path):
    server = Server(tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/denied_calls").symlink_to("/etc/passwd")
    assert doctor(server)["calls"] == []
    (tmp_path / "data/denied_calls").unlink()
    (tmp_path / "data/denied_calls").write_text("lambent denied calls 1\t0\nf\tpython\t\x1b[2J\tEPERM\t1\t1\n")
    assert doctor(server)["calls"] == []
