"""Instances that one template forked: nothing of one is another's, or the template's. What they draw at random is tested on
100,000 forks by runtimes/tests/test_fork_hygiene.py; here are real instances, all alive at a time."""

import concurrent.futures
import ctypes
import itertools
import os
import stat

import pytest
from lambent import wait_for

INSTANCES = 6
KCMP = 312  # of x86-64
KCMP_FILE = 0
LONE = (stat.S_IFSOCK, stat.S_IFIFO)  # one end says that the other one is near

PYTHON = {"app.py": """
import os, tempfile, time, uuid, ssl
def handler(event, context):
    time.sleep(1)
    return {
        "namespace": os.readlink("/proc/self/ns/pid"), "process": os.getpid(), "temporary": tempfile.mkdtemp(), "tmp": os.listdir("/tmp"),
        "environment": dict(os.environ), "random": [str(uuid.uuid1()), str(uuid.uuid4()), ssl.RAND_bytes(16).hex()],
    }
"""}

NODE = {"index.js": """
const crypto = require('crypto'), fs = require('fs');
exports.handler = async () => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return {
    namespace: fs.readlinkSync('/proc/self/ns/pid'), process: process.pid, temporary: fs.mkdtempSync('/tmp/'), tmp: fs.readdirSync('/tmp'),
    environment: process.env, random: [Math.random(), crypto.randomUUID(), crypto.randomBytes(16).toString('hex')],
  };
};
"""}

RUBY = {"function.rb": """
require 'openssl'
require 'securerandom'
require 'tmpdir'
def handler(event:, context:)
  sleep 1
  { namespace: File.readlink('/proc/self/ns/pid'), process: Process.pid, temporary: Dir.mktmpdir, tmp: Dir.children('/tmp'),
    environment: ENV.to_h, random: [rand, SecureRandom.uuid, OpenSSL::Random.random_bytes(16).unpack1('H*')] }
end
"""}


class Process:
    """A process of the host and its open files."""

    def __init__(self, pid):
        self.pid = pid
        self.parent = int(status_of(pid)["PPid"])

    def descriptors(self):
        return [int(fd) for fd in os.listdir(f"/proc/{self.pid}/fd")]

    def lone_inodes(self):
        """Pipes and sockets."""
        found = [os.stat(f"/proc/{self.pid}/fd/{fd}") for fd in self.descriptors()]
        return {each.st_ino for each in found if stat.S_IFMT(each.st_mode) in LONE}


def status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines)


def process_of(answer):
    """The one that the host has for what an instance says of itself."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if (os.readlink(f"/proc/{pid}/ns/pid") == answer["namespace"]
                    and status_of(pid)["NSpid"].split()[-1] == str(answer["process"])):
                return Process(int(pid))
        except OSError:
            pass  # it has ended
    raise AssertionError("the instance has ended")


def is_same_file(one, fd, other, other_fd):
    order = ctypes.CDLL(None, use_errno=True).syscall(KCMP, one.pid, other.pid, KCMP_FILE, fd, other_fd)
    assert order >= 0, os.strerror(ctypes.get_errno())
    return order == 0


def shared_files(one, other):
    """Descriptors of both that are one open file, or ends of the same pipe or socket pair."""
    pairs = itertools.product(one.descriptors(), other.descriptors())
    return [pair for pair in pairs if is_same_file(one, pair[0], other, pair[1])] + list(one.lone_inodes() & other.lone_inodes())


def instances_alive_at_a_time(server, **function):
    """({namespace: what an instance says}, {namespace: its Process}) of as many of a new function."""
    name = server.create_function(**function, Timeout=60, MemorySize=512)
    with concurrent.futures.ThreadPoolExecutor(INSTANCES) as pool:
        answers = list(pool.map(lambda _: server.invoke(name)[0], range(INSTANCES)))
    found = {answer["namespace"]: answer for answer in answers}
    return found, {namespace: process_of(answer) for namespace, answer in found.items()}


def siblings(processes):
    """Those of the parent that has most."""
    parents = [process.parent for process in processes]
    return [process for process in processes if process.parent == max(parents, key=parents.count)]


@pytest.mark.case("template-forks")
@pytest.mark.parametrize("language", ["python", "node", "ruby"])
def test_forks_of_one_template_share_nothing(server, node_runtime, language):
    files, runtime, handler = {"python": (PYTHON, "python3.11", "app.handler"), "node": (NODE, node_runtime, "index.handler"),
                               "ruby": (RUBY, "ruby3.1", "function.handler")}[language]

    def forks_and_others():
        answers, processes = instances_alive_at_a_time(server, files=files, runtime=runtime, handler=handler)
        return (answers, processes) if len(siblings(processes.values())) >= 2 else None

    answers, processes = wait_for(forks_and_others, "forks of one template alive at a time", 120)
    processes["template"] = Process(siblings(processes.values())[0].parent)
    shared = {pair: shared_files(processes[pair[0]], processes[pair[1]]) for pair in itertools.combinations(processes, 2)}
    assert {pair: files for pair, files in shared.items() if files} == {}

    drawn = [value for answer in answers.values() for value in answer["random"] + [answer["temporary"]]]
    assert len(set(drawn)) == len(drawn)
    for answer in answers.values():
        others = [other["temporary"] for other in answers.values() if other is not answer]
        assert not {os.path.basename(path) for path in others} & set(answer["tmp"])
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME"):
        assert len({answer["environment"][variable] for answer in answers.values()}) == len(answers), variable
