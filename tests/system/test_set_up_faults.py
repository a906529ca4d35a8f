"""The set-up of a sandbox with one system call after the other failing, in the spawner of a real server: each time the call
of the function succeeds or fails with an error that is one, server and spawner live on, and nothing is left behind.

strace makes the Nth call of one name fail, in each process by its own count: the spawner's, the sandbox's, and those of the
program that starts in it. `make test` fails each name at its first and at its last occurrence, `make soak` at each one."""

import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import botocore.exceptions
import pytest
from lambent import ROOT, wait_for

from test_provided import folder_files
from test_rights import only_root, spawner_of

# Calls that never fail, or whose made-up failure leaves the kernel in a state that no real failure leaves.
LEFT_OUT = {
    "close": "closes whatever it answers; made to fail, it does not, and leaks by the test's own doing",
    "close_range": "the same",
    "munmap": "the same", "brk": "memory: nothing can go on without", "mmap": "the same", "mprotect": "the same",
    "mremap": "the same", "madvise": "the same",
    "exit": "does not come back", "exit_group": "does not come back",
    "execve": "the program's start; tests of runtimes fail it by programs that are none",
    "epoll_wait": "the spawner's loop: without it nothing is ever done", "wait4": "the dead stay undead",
    "waitid": "the same", "rt_sigreturn": "does not come back", "restart_syscall": "the kernel's own",
    "rmdir": "never fails for good where nothing is left in the cgroup; the spawner tries again",
}
# Over these the spawner speaks to the server. Where that line fails it ends, and the server with it, by design.
LINE = {"recvmsg", "sendmsg"}
PATIENCE = 30  # seconds; a bound for a machine under load


class Traced:
    """strace on the spawner and on what it starts; ends with the block."""

    def __init__(self, spawner, folder, *arguments):
        self.spawner, self.record, self.arguments = spawner, folder / "strace.txt", arguments

    def __enter__(self):
        self.record.unlink(missing_ok=True)
        self.process = subprocess.Popen(["strace", "-f", "-o", str(self.record), "-p", str(self.spawner), *self.arguments],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        assert "attached" in line, line
        return self

    def __exit__(self, *failure):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            # It waits for the first process of a sandbox that ends, which waits for a child that only strace can reap.
            # The kernel takes over what a killed tracer held.
            self.process.kill()
            self.process.wait(PATIENCE)
        self.process.stderr.close()

    def calls(self):
        """{name: most calls in one process}, without what programs do after their exec."""
        counts, programs = collections.defaultdict(collections.Counter), set()
        for line in self.record.read_text(errors="replace").splitlines():
            found = re.match(r"(\d+) +(\w+)\(", line)
            if not found or found[1] in programs:
                continue
            counts[found[1]][found[2]] += 1
            if found[2] == "execve":
                programs.add(found[1])
        return {name: max(each[name] for each in counts.values()) for name in set().union(*counts.values())}

    def has_hit(self):
        return "(INJECTED)" in self.record.read_text(errors="replace")


class Watch:
    """What the spawner holds: its processes, cgroups, descriptors, mounts."""

    def __init__(self, spawner):
        self.spawner = spawner
        self.roots = set()

    def children(self):
        return [int(p) for p in pathlib.Path(f"/proc/{self.spawner}/task/{self.spawner}/children").read_text().split()]

    def zombies(self):
        def state(pid):
            with contextlib.suppress(OSError):
                return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return [pid for pid in self.children() if state(pid) == "Z"]

    def cgroups(self):
        """{folder of one hierarchy: names of sandboxes' cgroups in it}"""
        for pid in self.children():
            with contextlib.suppress(OSError):
                for line in open(f"/proc/{pid}/cgroup"):
                    _, controllers, path = line.strip().split(":", 2)
                    if "/lambent-" in path:
                        parent = path.rpartition("/")[0]
                        for root in (f"/sys/fs/cgroup/{controllers}", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
                            if os.path.isdir(root + parent):
                                self.roots.add(root + parent)
                                break
        return {root: {e.name for e in os.scandir(root) if e.is_dir()} for root in self.roots}

    def descriptors(self):
        held = collections.Counter()
        for fd in os.listdir(f"/proc/{self.spawner}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{self.spawner}/fd/{fd}")
                held[re.sub(r"\d+", "N", target) if target.startswith(("socket", "pipe", "anon_inode")) else target] += 1
        return held

    def mounts(self):
        return pathlib.Path(f"/proc/{self.spawner}/mountinfo").read_text().count("\n")

    def users(self):
        """{uid of the range of instances: processes}, without those of other servers on this machine."""
        found = collections.Counter()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                uid = os.stat(f"/proc/{pid}/task").st_uid
                if 1_879_048_192 <= uid < 1_879_048_192 + 65_536 and not self.is_of_another(pid):
                    found[uid] += 1
        return found

    def is_of_another(self, pid):
        spawners = set()
        while (pid := int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])) > 1:
            if b"lambent\0spawner" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                spawners.add(pid)  # the processes it made, too, until they execute a program
        return bool(spawners) and self.spawner not in spawners

    def is_tidy(self):
        """Each process of the spawner's has its cgroups and its pidfd, and there are no others."""
        children = self.children()
        cgroups = self.cgroups()
        pidfds = self.descriptors()["anon_inode:[pidfd]"]
        return (not self.zombies() and pidfds == len(children)
                and all(len(names) == len(children) for names in cgroups.values()))

    def told(self):
        return f"children {self.children()}, cgroups {self.cgroups()}, descriptors {dict(self.descriptors())}"


class Function:
    """Each call is a start: the configuration changed since the last one."""

    def __init__(self, server):
        subprocess.run([ROOT / "tests/clients/build.sh", "c-bootstrap"], check=True, stdout=subprocess.DEVNULL)
        self.server, self.count, self.client_of = server, 0, None
        self.name = server.create_function(folder_files(ROOT / "build/clients/c-bootstrap"), runtime="provided.al2023",
                                           handler="any", Timeout=10)

    def change(self):
        self.count += 1
        self.client.update_function_configuration(FunctionName=self.name, Environment={"Variables": {"COUNT": str(self.count)}})

    def call(self):
        """Nothing where it answered; the error otherwise."""
        try:
            response = self.client.invoke(FunctionName=self.name, Payload=b'"hello"')
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
            assert error.response["Error"]["Code"] and error.response["Error"]["Message"]
            return error.response["Error"]["Message"]
        except (botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError) as error:
            return str(error)  # the server ended; the caller of this asserts whether it may
        answer = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            assert answer["errorType"] and answer["errorMessage"], answer
            return answer["errorMessage"]
        assert answer == "hello"
        return None

    @property
    def client(self):
        if self.client_of != self.server.endpoint:
            self.client_of = self.server.endpoint
            self.kept = self.server.client("lambda", config={"read_timeout": PATIENCE})
        return self.kept


@pytest.fixture
def set_up(new_server, tmp_path):
    # None is ready: the whole set-up follows the call.
    server = new_server("--idle-timeout", "10m", "--ready-sandboxes", "0").start()
    function = Function(server)
    assert function.call() is None
    return server, function, Watch(spawner_of(server)), tmp_path


def recorded(function, watch, folder):
    function.change()
    with Traced(watch.spawner, folder) as traced:
        assert function.call() is None
        time.sleep(0.1)  # what is made ahead for the next start, too
    return {name: count for name, count in traced.calls().items() if name not in LEFT_OUT}


def fail_at(function, watch, folder, name, number):
    """The error that the caller got, if any; everything else is asserted."""
    function.change()
    with Traced(watch.spawner, folder, "-e", f"trace={name}", "-e", f"inject={name}:error=EIO:when={number}") as traced:
        outcome = function.call()
        hit = traced.has_hit()
    what = f"{name}, call {number}, {outcome or 'answered'}"
    if name in LINE and ended_by_design(function.server, watch):
        return hit, outcome
    assert function.server.process.poll() is None, f"{what}: the server ended\n{function.server.log()[-3000:]}"
    assert spawner_of(function.server) == watch.spawner, what
    if outcome is not None:
        # One more failure may be due to a shell that was made ahead while calls failed.
        wait_for(lambda: function.call() is None, f"the next call is answered after {what}", PATIENCE)
    try:
        wait_for(watch.is_tidy, f"nothing is left after {what}", PATIENCE)
    except AssertionError as left:
        raise AssertionError(f"{left}\n{watch.told()}") from None
    return hit, outcome


def ended_by_design(server, watch):
    """Whether the line between the two was lost: then both are gone, with everything, and another server starts."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(2)
    if server.process.poll() is None:
        return False
    assert server.process.returncode == 1 and "the spawner is gone" in server.log()
    wait_for(lambda: not os.path.exists(f"/proc/{watch.spawner}"), "the spawner is gone too", PATIENCE)
    server.stop()
    server.start()
    watch.spawner = spawner_of(server)
    return True


def run_loop(set_up, numbers_of):
    server, function, watch, folder = set_up
    calls = recorded(function, watch, folder)
    assert {"clone3", "unshare", "open_tree", "move_mount", "pivot_root", "seccomp", "setresuid", "capset"} <= set(calls)
    wait_for(watch.is_tidy, "tidy before the first failure")
    mounts, outcomes, hits = watch.mounts(), {}, 0
    for name in sorted(calls):
        for number in numbers_of(calls[name]):
            hit, outcomes[name, number] = fail_at(function, watch, folder, name, number)
            hits += hit
    assert watch.mounts() == mounts
    failed = {which: why for which, why in outcomes.items() if why is not None}
    print(f"{len(outcomes)} failures made, {hits} of them met, {len(failed)} calls failed with an error")
    assert hits > len(outcomes) // 2 and failed, "the failures reach the set-up"
    server.client("lambda").delete_function(FunctionName=function.name)
    wait_for(lambda: watch.is_tidy() and len(watch.users()) <= len(watch.children()), "tidy at the end")
    assert server.stop() == 0
    assert not any(os.path.exists(root) for root in watch.roots), "no cgroup outlives the server"


@only_root
def test_a_failing_call_of_the_set_up_fails_one_start_and_leaves_nothing(set_up):
    run_loop(set_up, lambda count: sorted({1, count}))


@only_root
@pytest.mark.soak
def test_every_failing_call_of_the_set_up_fails_one_start_and_leaves_nothing(set_up):
    run_loop(set_up, lambda count: range(1, count + 1))
