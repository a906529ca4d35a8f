"""The life and death of instances whose function does not play along: it hides processes, never returns, ends, crashes,
outlives its function. And what one leaves behind for the next: nothing."""

import concurrent.futures
import os
import pathlib
import re
import time

import pytest
from lambent import NOT_FORKED, failure, make_zip, new_name, process_ids_of, tail, wait_for

from functions_api import refused
from probe import Attacker, Probe
from test_resources import MB

# ---- never the end ------------------------------------------------------------------------------------------------


@pytest.mark.case("never-returns")
@pytest.mark.parametrize("how", ["sleep", "spin", "stop", "a signal handler"])
def test_a_handler_that_never_returns_is_ended_at_its_timeout(server, attacker, how):
    name = new_name("stubborn")
    target = attacker("stubborn", Timeout=1, Environment={"Variables": {"MARKER": name}})
    first = target("who")["instance"]
    answer, response = target.raw(how, LogType="Tail")
    assert failure((answer, response))["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith(" Task timed out after 1.00 seconds")
    assert "Status: timeout" in tail(response)
    assert target("who")["instance"] != first, "an instance that timed out is never used again"
    wait_for(lambda: len(process_ids_of(name)) <= 1, "nothing but the new one runs")


@pytest.mark.case("daemons")
@pytest.mark.parametrize("then", ["exit", "time out"])
def test_daemons_end_with_their_instance(server, compiled, then):
    marker = new_name("daemon")
    target = Attacker(server, compiled("stubborn").read_bytes(), Timeout=2, Environment={"Variables": {"MARKER": marker}})
    assert target("daemons")["started"] == 3
    assert len(process_ids_of(marker)) >= 4, "they ignore SIGTERM, have sessions and process groups of their own"
    target.raw("exit" if then == "exit" else "sleep")
    wait_for(lambda: process_ids_of(marker) == [], "every daemon is gone")


@pytest.mark.case("daemons")
def test_nothing_is_left_after_the_server(new_server, compiled):
    server = new_server().start()
    marker = new_name("left")
    target = Attacker(server, compiled("stubborn").read_bytes(), Environment={"Variables": {"MARKER": marker}})
    target("daemons")
    pids = process_ids_of(marker)
    assert len(pids) >= 4
    groups = cgroup_folders(pids[0])
    assert groups and all(group.is_dir() for group in groups)
    assert server.stop() == 0
    assert process_ids_of(marker) == []
    assert [group for group in groups if group.exists()] == []
    assert [line for line in open("/proc/self/mounts") if str(server.data) in line] == []


def cgroup_folders(pid):
    """The folders of the cgroups of ours that the process is in."""
    found = []
    for line in open(f"/proc/{pid}/cgroup"):
        _, controllers, path = line.strip().split(":", 2)
        if "lambent-" in path:
            root = "/sys/fs/cgroup"
            candidates = [f"{root}/{controllers}{path}", f"{root}/unified{path}", f"{root}{path}"]
            found += [pathlib.Path(c) for c in candidates if os.path.isdir(c)]
    return found


# ---- the end too early --------------------------------------------------------------------------------------------


@pytest.mark.case("early-exit")
@pytest.mark.parametrize("how, reason", [
    ("exit", "Runtime exited without providing a reason"), ("exit 7", "Runtime exited with error: exit status 7"),
    ("abort", "Runtime exited with error: signal: aborted"), ("segv", "Runtime exited with error: signal: segmentation fault")])
def test_an_exit_without_an_answer_is_an_exit_error(attacker, how, reason):
    target = attacker("stubborn")
    answer, response = target.raw(how, LogType="Tail")
    request_id = response["ResponseMetadata"]["RequestId"]
    assert failure((answer, response)) == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {reason}"}
    assert f"REPORT RequestId: {request_id}" in tail(response)
    assert target("who")["instance"]


@pytest.mark.case("early-exit")
@pytest.mark.parametrize("files, error", [
    ({"app.py": "import os\nos._exit(0)\n"}, "Runtime.ExitError"), ({"app.py": "import os\nos._exit(3)\n"}, "Runtime.ExitError"),
    ({"app.py": "import no_such_module\n"}, "Runtime.ImportModuleError"), ({"other.py": ""}, "Runtime.ImportModuleError"),
    ({"app.py": "raise ValueError('in INIT')\n"}, "ValueError"), ({"app.py": "def handler(:\n"}, "Runtime.UserCodeSyntaxError"),
    ({"app.py": "x = 1\n"}, "Runtime.HandlerNotFound")])
def test_an_end_in_init_has_awss_error_type(server, files, error):
    name = server.create_function(files)
    for _ in range(2):
        assert failure(server.invoke(name))["errorType"] == error


@pytest.mark.case("crash-loop")
def test_a_crash_loop_keeps_nobody_else_waiting(server, compiled, other):
    """Eight callers of a function whose every instance dies in INIT; its starts are bounded, so others have theirs."""
    name = server.create_function({"app.py": "import os\nos._exit(1)\n"}, MemorySize=1769)
    stop_at = time.monotonic() + 3
    fresh = 0

    def call():
        calls = 0
        while time.monotonic() < stop_at:
            assert failure(server.invoke(name))["errorType"] == "Runtime.ExitError"
            calls += 1
        return calls

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(call) for _ in range(8)]
        while time.monotonic() < stop_at:
            assert other("result = 'alive'") == "alive"
            new = server.create_function({"app.py": "def handler(e, c): return 'fresh'\n"})
            assert server.invoke(new)[0] == "fresh", "a cold start goes through meanwhile"
            fresh += 1
        assert sum(c.result() for c in callers) > 0
    assert fresh >= 1


# ---- deleted, made again ------------------------------------------------------------------------------------------


@pytest.mark.case("delete-recreate")
def test_a_name_that_is_used_again_has_nothing_of_the_old(server):
    client = server.client("lambda")
    name = new_name("again")
    for n in range(3):
        code = f"""
import os, time
def handler(event, context):
    if event == 'slow': time.sleep(1)
    print('output of {n}')
    return [{n}, os.environ.get('ONLY_{n}'), sorted(k for k in os.environ if k.startswith('ONLY_')), os.listdir('/tmp'),
            open('/tmp/left', 'w').write('by {n}')]
"""
        server.create_function({"app.py": code}, name=name, Environment={"Variables": {f"ONLY_{n}": f"secret {n}"}})
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            slow = pool.submit(server.invoke, name, "slow")
            answer, response = server.invoke(name, 1, LogType="Tail")
            assert answer == [n, f"secret {n}", [f"ONLY_{n}"], [], 4]
            assert set(re.findall(r"output of \d", tail(response))) == {f"output of {n}"}
            client.delete_function(FunctionName=name)
            # The call in flight ends as the old code, or with an error: never as the new.
            answer, _ = slow.result()
            assert answer[0] == n if isinstance(answer, list) else answer["errorType"], answer
        assert refused(client.invoke, FunctionName=name)[0] == 404


@pytest.mark.case("delete-recreate")
def test_deletes_during_a_deploy_leave_all_or_nothing(server):
    client = server.client("lambda")
    package = make_zip({"app.py": "def handler(e, c): return 'here'\n", "large.bin": os.urandom(MB)})
    before = sorted(p.name for p in (server.data / "code").iterdir())
    name = new_name("raced")
    for _ in range(5):
        client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role="arn:aws:iam::000000000000:role/x",
                               Code={"ZipFile": package})
        client.delete_function(FunctionName=name)
        assert refused(client.get_function, FunctionName=name)[0] == 404
    wait_for(lambda: sorted(p.name for p in (server.data / "code").iterdir()) == before, "the code of none of them stays")


# ---- what is left for the next ------------------------------------------------------------------------------------


@pytest.mark.case("residue")
def test_a_new_version_finds_nothing_of_the_old(server, compiled, attacker):
    target = Attacker(server, compiled("ipc").read_bytes(), MemorySize=1769)  # a whole core to fill memory with
    assert target("leave memory")["/tmp"] == "ok"
    server.client("lambda").update_function_code(FunctionName=target.name,
                                                 ZipFile=make_zip({"bootstrap!": compiled("ipc").read_bytes(), "new": ""}))
    server.wait_until_active(target.name)
    found = target("look memory")
    assert (found["/tmp"], found["POSIX memory"], found["SysV memory"], found["POSIX messages"]) == ("ENOENT",) * 4
    assert (found["memory with the mark"], found["bytes that are not zero"]) == (0, 0)


@pytest.mark.case("residue")
def test_a_new_instance_finds_nothing_of_one_that_died(compiled, server):
    target = Attacker(server, compiled("ipc").read_bytes(), MemorySize=1769)  # a whole core to fill memory with
    target("leave memory")
    pid, = [p for p in process_ids_of(target.name) if b"bootstrap" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()]
    os.kill(pid, 9)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "it is gone")

    def looked():
        answer, response = target.raw("look memory")
        return answer if "FunctionError" not in response else None

    found = wait_for(looked, "a new instance answers")
    assert (found["/tmp"], found["POSIX memory"], found["SysV memory"], found["memory with the mark"]) == ("ENOENT",) * 3 + (0,)


@pytest.mark.case("uid-reuse")
def test_a_user_id_that_is_lent_again_owns_nothing(new_server, compiled):
    """A restarted server lends its ids from the first one on again."""
    if os.geteuid() != 0:
        pytest.skip("not testable here: without root every sandbox has the server's own id on the host")
    server = new_server().start()

    def id_of_an_instance():
        target = Attacker(server, compiled("ipc").read_bytes())
        target("leave")
        pid, = [p for p in process_ids_of(target.name) if b"bootstrap" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()]
        return target, os.stat(f"/proc/{pid}").st_uid

    _, first = id_of_an_instance()
    server.restart()
    target, second = id_of_an_instance()
    assert second == first, "the same id again: this test tests what it means to"
    other, third = id_of_an_instance()
    assert third != second, "and never one that is lent"
    own = [p for folder in (server.data, pathlib.Path("/dev/shm"), pathlib.Path("/dev/mqueue")) if folder.exists()
           for p in folder.rglob("*") if p.lstat().st_uid == first]
    assert own == [], "no file of the host is the id's, code and logs included"
    assert target("look")["/tmp"] == "ok" and Probe(server)("result = os.listdir('/tmp')") == []


# ---- secrets ------------------------------------------------------------------------------------------------------


@pytest.mark.case("secrets")
def test_a_functions_secrets_are_seen_by_itself_only(server, probe):
    secret = new_name("secret")
    owner = Probe(server, Environment={"Variables": {"SECRET": secret, **NOT_FORKED}})
    keys = owner("result = [os.environ['SECRET'], os.environ['AWS_SECRET_ACCESS_KEY'], os.environ['AWS_SESSION_TOKEN']]")
    looks = """
found = []
for folder, _, files in os.walk('/proc'):
    if folder.count('/') > 5: continue
    for name in files:
        if name in ('environ', 'cmdline', 'status', 'mountinfo', 'keys', 'unix', 'tcp', 'auxv', 'maps'):
            try:
                text = open(folder + '/' + name, 'rb').read()
            except OSError:
                continue
            found += [k for k in KEYS if k.encode() in text]
result = found
"""
    assert probe(looks.replace("KEYS", repr(keys))) == []
    assert owner(looks.replace("KEYS", repr(keys))) != [], "the test can fail: its owner finds it"
    # Neither its errors, its crash, nor the server says it.
    answer, response = server.invoke(owner.name, "raise ValueError('an error')", LogType="Tail")
    assert not [k for k in keys if k in str(answer) + tail(response)]
    answer, response = server.invoke(owner.name, "os.abort()", LogType="Tail")
    assert answer["errorType"] == "Runtime.ExitError"
    assert not [k for k in keys if k in str(answer) + tail(response) + server.log()]
    cores = [p for p in [*server.data.rglob("core*"), *pathlib.Path(".").glob("core*")] if p.is_file()]
    assert cores == [], "and there is no core dump"


@pytest.mark.case("secrets")
def test_a_child_without_the_environment_has_not_got_it_and_the_limit_on_cores_holds(probe):
    out, cores = probe("""
out = subprocess.run(['/usr/bin/env'], env={}, capture_output=True, text=True).stdout
result = [out, list(resource.getrlimit(resource.RLIMIT_CORE))]
""")
    assert out == ""
    assert max(cores) <= 1, "bytes: one is too few for a dump, and none for a handler of the host's"
