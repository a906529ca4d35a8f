"""What a function can see, use and reach, asked from inside real functions: identity, files, processes, limits, calls."""

import concurrent.futures
import io
import os
import pathlib
import pwd
import stat
import zipfile

import pytest
from lambent import ROLE, new_name, process_ids_of, wait_for

from functions_api import refused
from probe import CODE, Probe, errors, system_call_numbers

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
    probe = Probe(server, Environment={"Variables": {"MARKER": marker}})
    probe("result = 1")
    pids = process_ids_of(marker)
    assert pids
    owners = {int(line.split()[1]) for pid in pids for line in open(f"/proc/{pid}/status") if line.startswith("Uid:")}
    if os.geteuid() == 0:
        users = {user.pw_uid for user in pwd.getpwall()}
        assert owners.isdisjoint(users)
    else:
        assert owners == {os.geteuid()}, "without rights there is no other user to be"


@pytest.mark.case("proc")
def test_it_sees_only_its_own_processes(probe):
    processes = probe("""
result = {}
for pid in filter(str.isdigit, os.listdir('/proc')):
    result[pid] = open(f'/proc/{pid}/cmdline').read().split(chr(0))[0]
""")
    assert len(processes) <= 2, processes
    assert probe("result = os.getpid()") < 10
    hidden = probe("result = [failure(open, '/proc/1/environ'), failure(os.readlink, '/proc/1/root'), "
                   "failure(os.listdir, '/proc/1/fd'), failure(open, '/proc/1/mem'), failure(open, '/proc/kcore', 'rb')]")
    assert set(hidden) <= errors("EACCES", "EPERM", "ENOENT"), hidden


@pytest.mark.case("signals")
def test_a_kill_of_everything_reaches_only_itself(probe, other):
    assert other("result = 'alive'") == "alive"
    answer, response = probe.raw("failure(os.kill, -1, 9)\nresult = 'survived'")
    assert answer == "survived" or answer["errorType"] == "Runtime.ExitError"
    assert other("result = 'alive'") == "alive"
    assert probe("result = 'again'") == "again"


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


@pytest.mark.case("disk-fill")
def test_tmp_has_the_size_that_was_asked_for(server):
    probe = Probe(server, MemorySize=1024, EphemeralStorage={"Size": 600})
    assert probe("s = os.statvfs('/tmp'); result = [s.f_blocks * s.f_frsize, s.f_files]")[0] == 600 * 1024 * 1024
    filled = probe("""
result = []
for n in range(3):
    fd = os.open(f'/tmp/part{n}', os.O_CREAT | os.O_RDWR)
    result.append(failure(os.posix_fallocate, fd, 0, 250 << 20))
    os.close(fd)
for n in range(3):
    os.unlink(f'/tmp/part{n}')
""")
    assert filled == [None, None, "ENOSPC"]
    assert probe("open('/tmp/after', 'w').write('x'); result = 'still there'") == "still there"


@pytest.mark.case("disk-fill")
def test_tmp_has_a_bounded_number_of_files(server):
    probe = Probe(server, MemorySize=1769)
    count, error = probe("""
count, error = 0, None
open('/tmp/one', 'w').close()
while error is None and count < 1 << 20:
    error = failure(os.link, '/tmp/one', f'/tmp/{count}')
    count += 1
result = [count, error]
""")
    assert error == "ENOSPC"
    assert count < 1 << 20


@pytest.mark.case("memory-bomb")
def test_tmp_is_counted_as_memory(server):
    probe = Probe(server, MemorySize=128)
    answer, _ = probe.raw("f = open('/tmp/big', 'wb')\nfor _ in range(300): f.write(bytes(1 << 20))\nresult = 'wrote it'")
    assert answer != "wrote it"
    assert answer["errorType"] == "Runtime.OutOfMemory"


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


def package(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return out.getvalue()


@pytest.mark.case("zip-lies")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_package_with_a_name_twice_is_refused(server):
    code = "def handler(e, c): return 1\n"
    twice = package([("app.py", code, 0o100644), ("app.py", code + "#", 0o100644)])
    status, error, _ = refused(server.client("lambda").create_function, FunctionName=new_name(), Runtime="python3.11",
                               Handler="app.handler", Role=ROLE, Code={"ZipFile": twice})
    assert (status, error) == (400, "InvalidParameterValueException")


@pytest.mark.case("zip-kinds")
def test_set_user_id_bits_of_a_package_are_lost(server):
    name = new_name()
    client = server.client("lambda")
    client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={
        "ZipFile": package([("app.py", CODE, 0o100644), ("tool", "#!/bin/sh\nid -u\n", 0o106777)])})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    mode, output = server.invoke(name, "result = [os.stat('/var/task/tool').st_mode, "
                                       "subprocess.check_output('/var/task/tool').decode()]")[0]
    assert stat.S_IMODE(mode) == 0o755
    assert output.strip() not in ("", "0")
    assert probe_set_user_id(server, name) == []


def probe_set_user_id(server, name):
    """Set-user-id programs of the host that are so inside too."""
    return server.invoke(name, """
result = []
for program in ('/usr/bin/su', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/sudo'):
    if os.path.exists(program) and not os.statvfs(program).f_flag & os.ST_NOSUID:
        result.append(program)
""")[0]


# ---- limits -------------------------------------------------------------------------------------------------------


@pytest.mark.case("descriptor-exhaustion")
def test_descriptors_run_out_inside_only(probe, other):
    count, error = probe("""
held, error = [], None
while error is None and len(held) < 5000:
    try:
        held.append(os.open('/dev/null', os.O_RDONLY))
    except OSError as e:
        error = errno.errorcode[e.errno]
result = [len(held), error]
for fd in held: os.close(fd)
""")
    assert error == "EMFILE"
    assert 900 < count < 1024
    assert probe("result = list(resource.getrlimit(resource.RLIMIT_NOFILE))") == [1024, 1024]
    assert probe("""
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    result = 'raised'
except (ValueError, OSError):
    result = 'refused'
""") == "refused"
    assert other("result = len(os.listdir('/proc/self/fd')) < 20")


@pytest.mark.case("fork-bomb")
def test_processes_run_out_inside_only(probe, other):
    count, error = probe("""
children, error = [], None
while error is None and len(children) < 3000:
    try:
        children.append(os.posix_spawn('/bin/sleep', ['sleep', '100'], {}))
    except OSError as e:
        error = errno.errorcode[e.errno]
result = [len(children), error]
for pid in children: os.kill(pid, 9)
for pid in children: os.waitpid(pid, 0)
""")
    assert error == "EAGAIN"
    assert 900 < count <= 1024
    assert other("result = subprocess.call(['/bin/true'])") == 0


@pytest.mark.case("fork-bomb")
def test_a_fork_bomb_ends_with_its_instance(server, other):
    marker = new_name("bomb")
    bomb = Probe(server, Timeout=3, MemorySize=256, Environment={"Variables": {"MARKER": marker}})
    answer, _ = bomb.raw("while True:\n    failure(os.fork)")
    assert answer["errorType"] in ("Sandbox.Timedout", "Runtime.OutOfMemory", "Runtime.ExitError")
    wait_for(lambda: process_ids_of(marker) == [], "every process of the bomb is gone")
    assert other("result = 'alive'") == "alive"
    assert bomb("result = 'alive'") == "alive"


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


# ---- system calls -------------------------------------------------------------------------------------------------

FORBIDDEN = {
    "mount": "0, 0, 0, 0, 0", "umount2": "0, 0", "pivot_root": "0, 0", "chroot": "0", "unshare": "0x10000000",
    "setns": "0, 0", "ptrace": "16, 1, 0, 0", "process_vm_readv": "1, 0, 0, 0, 0, 0", "pidfd_getfd": "0, 0, 0",
    "kcmp": "1, 1, 0, 0, 0", "bpf": "0, 0, 0", "keyctl": "0, 0", "add_key": "0, 0, 0, 0, 0", "request_key": "0, 0, 0, 0",
    "perf_event_open": "0, 0, -1, -1, 0", "io_uring_setup": "1, 0", "userfaultfd": "0", "kexec_load": "0, 0, 0, 0",
    "kexec_file_load": "0, 0, 0, 0, 0", "init_module": "0, 0, 0", "finit_module": "0, 0, 0", "delete_module": "0, 0",
    "open_by_handle_at": "0, 0, 0", "name_to_handle_at": "0, 0, 0, 0, 0", "open_tree": "0, 0, 0", "move_mount": "0, 0, 0, 0, 0",
    "fsopen": "0, 0", "fsmount": "0, 0, 0", "mount_setattr": "0, 0, 0, 0, 0", "swapon": "0, 0", "reboot": "0, 0, 0, 0",
    "sethostname": "0, 0", "settimeofday": "0, 0", "clock_settime": "0, 0", "acct": "0", "quotactl": "0, 0, 0, 0",
    "syslog": "3, 0, 0", "fanotify_init": "0, 0", "modify_ldt": "0, 0, 0", "personality": "8",
}


@pytest.mark.case("dangerous-calls")
def test_dangerous_system_calls_are_refused(probe):
    numbers = system_call_numbers(FORBIDDEN)
    calls = ", ".join(f"'{name}': syscall({numbers[name]}, {arguments})" for name, arguments in FORBIDDEN.items())
    found = probe(f"result = {{{calls}}}")
    passed = {name: error for name, error in found.items() if error not in errors("EPERM", "ENOSYS")}
    assert passed == {}
    clone = system_call_numbers(["clone"])["clone"]
    flags = (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x08000000, 0x04000000, 0x02000000)
    assert probe(f"result = [syscall({clone}, f | 17, 0, 0, 0, 0) for f in {flags}]") == ["EPERM"] * len(flags)


@pytest.mark.case("devices")
def test_devices_cannot_be_made(probe):
    found = probe("result = [failure(os.mknod, '/tmp/mem', stat.S_IFCHR | 0o666, os.makedev(1, 1)), "
                  "failure(os.mknod, '/tmp/disk', stat.S_IFBLK | 0o666, os.makedev(8, 0))]")
    assert set(found) <= errors("EPERM", "ENOSYS")


# ---- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.case("daemons")
def test_nothing_is_left_after_the_server(new_server):
    server = new_server().start()
    marker = new_name("left")
    probe = Probe(server, Environment={"Variables": {"MARKER": marker}})
    probe("""
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
result = 1
""")
    pids = process_ids_of(marker)
    assert len(pids) >= 2
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
