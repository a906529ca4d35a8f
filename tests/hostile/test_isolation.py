"""What a function can see and reach on its host and of others, asked from inside: identity, files, processes, names of the
kernel."""

import concurrent.futures
import os
import pathlib
import pwd

import pytest
from lambent import NOT_FORKED, new_name, process_ids_of, wait_for

from probe import Probe, errors, refusals

NAMESPACES = ["user", "pid", "mnt", "net", "ipc", "uts", "cgroup"]


# ---- identity -----------------------------------------------------------------------------------------------------


@pytest.mark.case("namespaces")
def test_every_namespace_is_the_functions_own(probe, other):
    ask = f"result = {{n: os.readlink('/proc/self/ns/' + n) for n in {NAMESPACES}}}"
    mine, its = probe(ask), other(ask)
    for name in NAMESPACES:
        host = os.readlink(f"/proc/self/ns/{name}")
        assert len({mine[name], its[name], host}) == 3, f"{name}: {mine[name]}, {its[name]}, host {host}"


@pytest.mark.case("no-rights")
def test_it_has_no_privilege_and_cannot_gain_any(probe):
    status = probe("result = dict(l.split(':\\t', 1) for l in open('/proc/self/status').read().splitlines() if ':\\t' in l)")
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "0" not in status["Uid"].split() + status["Gid"].split()
    assert [g for g in status["Groups"].split() if g == "0"] == []
    # 0 is no user of its namespace: EINVAL.
    assert probe("result = [failure(os.setuid, 0), failure(os.setgid, 0), failure(os.setgroups, [0])]") == [
        "EINVAL", "EINVAL", "EPERM"]


@pytest.mark.case("no-rights")
def test_the_host_knows_it_by_no_user_of_its_own(server):
    marker = new_name("uid")
    probe = Probe(server, Environment={"Variables": {"MARKER": marker, **NOT_FORKED}})
    probe("result = 1")
    pids = process_ids_of(marker)
    assert pids
    owners = {int(line.split()[1]) for pid in pids for line in open(f"/proc/{pid}/status") if line.startswith("Uid:")}
    if os.geteuid() == 0:
        users = {user.pw_uid for user in pwd.getpwall()}
        assert owners.isdisjoint(users)
    else:
        assert owners == {os.geteuid()}, "without rights there is no other user to be"


@pytest.mark.case("descriptors")
def test_a_program_starts_with_three_descriptors(server):
    bootstrap = """#!/usr/bin/python3
import http.client, json, os
found = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        found[fd] = os.readlink("/proc/self/fd/" + fd)
    except OSError:
        pass  # the listing's own
while True:
    c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    c.request("GET", "/2018-06-01/runtime/invocation/next")
    r = c.getresponse()
    r.read()
    c.request("POST", "/2018-06-01/runtime/invocation/%s/response" % r.headers["Lambda-Runtime-Aws-Request-Id"],
              json.dumps(found))
    c.getresponse().read()
"""
    name = server.create_function({"bootstrap!": bootstrap}, runtime="provided.al2023", handler="x")
    found = server.invoke(name)[0]
    assert sorted(found) == ["0", "1", "2"]
    assert found["0"] == "/dev/null"
    assert found["1"] == found["2"] and found["1"].startswith("pipe:")


# ---- files --------------------------------------------------------------------------------------------------------


@pytest.mark.case("read-only")
def test_nothing_but_tmp_can_be_written(probe):
    paths = ["/", "/var/task", "/var/runtime", "/usr", "/usr/bin", "/etc", "/bin", "/opt", "/var", "/proc", "/dev",
             "/proc/sys/kernel"]
    found = probe(f"result = {{p: failure(open, p + '/new', 'w') for p in {paths}}}")
    assert set(found.values()) <= errors("EROFS", "EACCES", "ENOENT", "EPERM"), found
    changed = probe("result = [failure(os.chmod, '/var/task/app.py', 0o777), failure(os.unlink, '/var/task/app.py'), "
                    "failure(open, '/proc/sys/kernel/hostname', 'w'), failure(open, '/proc/sysrq-trigger', 'w'), "
                    "failure(open, '/proc/self/exe', 'r+b')]")
    assert None not in changed, changed
    assert probe("open('/tmp/x', 'w').write('mine'); result = open('/tmp/x').read()") == "mine"


@pytest.mark.case("host-files")
def test_nothing_of_the_host_is_visible(server, probe):
    hidden = ["/root", "/home", "/etc/shadow", "/etc/ssh", "/boot", "/sys", "/run", "/srv", "/mnt", "/media", "/var/lib",
              "/var/log", "/var/run", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm",
              "/proc/1/cwd/root", str(server.data), str(server.data / "credentials"), str(pathlib.Path(__file__).parent)]
    assert probe(f"result = [p for p in {hidden} if os.path.exists(p)]") == []
    assert set(probe("result = os.listdir('/')")) <= {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc",
                                                       "sbin", "tmp", "usr", "var"}
    assert "root:" in probe("result = open('/etc/passwd').read()")
    assert probe("result = open('/etc/passwd').read()") != pathlib.Path("/etc/passwd").read_text()
    mounts = probe("result = open('/proc/self/mountinfo').read()")
    writable = [line.split()[4] for line in mounts.splitlines() if line.split()[5].startswith("rw")]
    assert set(writable) <= {"/tmp", "/dev/shm"}, writable


@pytest.mark.case("tmp-leak")
def test_tmp_is_the_instances_own(probe, other):
    probe("open('/tmp/secret', 'w').write('mine'); result = 1")
    assert "secret" not in other("result = os.listdir('/tmp')")
    ask = """
name = os.urandom(8).hex()
open('/tmp/own-' + name, 'w').close()
time.sleep(1)
result = [context.log_stream_name, name, [f for f in os.listdir('/tmp') if f.startswith('own-')]]
for f in result[2]: os.unlink('/tmp/' + f)
"""

    def two_instances():
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: probe(ask), range(2)))
        return answers if answers[0][0] != answers[1][0] else None

    for _, name, found in wait_for(two_instances, "two instances at a time", 60):
        assert found == ["own-" + name]


@pytest.mark.case("read-only")
@pytest.mark.parametrize("where, least", [("/proc/sys", 300), ("/proc", 500), ("elsewhere", 10)])
def test_no_file_can_be_opened_for_writing(attacker, where, least):
    found = attacker("proc")(f"write {where}")
    assert found["seen"] >= least, "there was something to try"
    assert found["writable"] == 0, found["first"]


@pytest.mark.case("set-up-races")
def test_nothing_that_a_sandbox_is_made_of_can_be_exchanged(attacker):
    """The files and folders that masking and mounting rest on: another thing in their place would be mounted over, or
    written, by whoever makes or enters the sandbox."""
    refusals(attacker("proc")("masked"), "EROFS", "EXDEV", "EPERM")


# ---- /proc and /dev ------------------------------------------------------------------------------------------------


@pytest.mark.case("proc")
def test_it_sees_its_own_processes_and_process_1_from_outside(attacker):
    assert attacker("proc")("other processes") == {"visible": 1, "readable": 0}
    refusals(attacker("proc")("process 1"), "EACCES", "EPERM", "ENOENT")


@pytest.mark.case("proc")
def test_no_detour_leads_to_the_host(attacker):
    found = attacker("proc")("detours")
    assert len(found) > 50
    refusals(found, "ENOENT", "EACCES", "EPERM", "ENXIO")


@pytest.mark.case("proc")
def test_it_cannot_change_what_it_runs(attacker):
    found = attacker("proc")("itself")
    assert found.pop("log read back") in ("ok", "EACCES"), "its own output: no more than it knows already"
    refusals(found, "EROFS", "EACCES", "EPERM", "ETXTBSY", "EXDEV", "ENOENT")


# ---- ways out -----------------------------------------------------------------------------------------------------


@pytest.mark.case("foreign-memory")
def test_no_process_can_read_another(attacker):
    refusals(attacker("escape")("foreign memory"), "EPERM", "ENOSYS", "EACCES", "EROFS", "ENOENT")


@pytest.mark.case("new-namespaces")
def test_no_namespace_and_no_mount_can_be_made(attacker):
    refusals(attacker("escape")("namespaces"), "EPERM", "ENOSYS")


@pytest.mark.case("keyrings")
def test_keyrings_are_out_of_reach(attacker):
    found = attacker("escape")("keys")
    assert found.pop("keys seen") == 0
    refusals(found, "EPERM", "ENOSYS")


@pytest.mark.case("cgroups")
def test_no_control_group_can_be_seen_or_changed(attacker):
    found = attacker("escape")("cgroups")
    assert (found.pop("control files"), found.pop("paths other than /")) == (0, 0)
    refusals(found, "EROFS", "EACCES", "EPERM", "ENOENT")


@pytest.mark.case("signals")
def test_nobody_else_can_be_signalled_or_limited(attacker, other):
    target = attacker("signals")
    found = target()
    assert found.pop("others reached") == 0
    # Process 1 of a pid namespace takes no signal from inside that it has no handler for: sending is not an error.
    for name in [n for n in found if "process 1" in n and "for process 1" not in n] + ["by descriptor"]:
        assert found.pop(name) in ("ok", "EPERM", "ESRCH"), name
    for name in ("no memory for process 1", "no descriptors for process 1", "no time for process 1"):
        found.pop(name)  # the same user's: the sandbox's own first process, and it ends with no one else
    refusals(found, "EPERM", "EACCES", "ENOSYS", "EINVAL")
    assert other("result = 'alive'") == "alive"


@pytest.mark.case("signals")
def test_a_kill_of_everybody_ends_only_itself(attacker, other):
    target = attacker("signals")
    answer, _ = target.raw("everybody")
    assert answer["errorType"] == "Runtime.ExitError"
    assert other("result = 'alive'") == "alive"
    assert target()["others reached"] == 0, "and the next call has a new instance"


# ---- names of the kernel ------------------------------------------------------------------------------------------


@pytest.mark.case("ipc")
def test_names_of_the_kernel_are_an_instances_own(attacker):
    one, two = attacker("ipc"), attacker("ipc", Description="another")
    left = one("leave")
    assert left.pop("POSIX messages") in ("ok", "EACCES"), "where there is Landlock they cannot be made at all"
    assert {v for k, v in left.items() if k != "SysV memory listed"} == {"ok"}, left
    assert one("look")["SysV memory"] == "ok", "the test can fail: it finds its own"
    found = two("look")
    assert found.pop("SysV memory listed") == 0
    refusals(found, "ENOENT", "ECONNREFUSED", "EACCES")


@pytest.mark.case("watching")
def test_what_others_open_and_run_cannot_be_watched(probe):
    """Files of the host have one inode for all, whatever namespace they are seen in."""
    found = probe("""
fd = libc.inotify_init1(0)
folders = ('/usr/bin', '/usr/lib', '/var/task', '/var/runtime', '/proc', '/etc', '/dev/null')
result = {folder: errno.errorcode[ctypes.get_errno()] if libc.inotify_add_watch(fd, folder.encode(), 0x21) < 0 else 'ok'
          for folder in folders}
os.close(fd)
for folder in ('/usr/bin', '/usr/lib', '/var/task', '/tmp'):  # dnotify, which is older
    fd = os.open(folder, os.O_RDONLY)
    result['dnotify ' + folder] = errno.errorcode[ctypes.get_errno()] if libc.fcntl(fd, 1026, 0x80000003) < 0 else 'ok'
    os.close(fd)
fd = os.open('/tmp/leased', os.O_CREAT | os.O_RDONLY)
result['lease'] = errno.errorcode[ctypes.get_errno()] if libc.fcntl(fd, 1024, 0) < 0 else 'ok'
os.close(fd)
""")
    refusals(found, "EPERM", "ENOSYS")
