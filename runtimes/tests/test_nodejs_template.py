"""What is particular to instances forked from a Node.js template; test_nodejs.py runs against them as well."""

import os
import socket
import subprocess
import time

import pytest

from template_process import build_node_addon

STATE = """
const fs = require('fs');
exports.handler = async () => ({
  env: process.env, argv: process.argv, execArgv: process.execArgv, cwd: process.cwd(), main: require.main.filename,
  paths: module.paths, globalPaths: require('module').globalPaths, zone: new Date(0).toString(), umask: process.umask(),
  signals: fs.readFileSync('/proc/self/status', 'utf8').split('\\n').filter((line) => /^Sig(Blk|Ign)/.test(line)),
  printenv: require('child_process').execSync('env -0').toString().split('\\0').sort(),
  listeners: process.eventNames().map(String).sort(), globals: Object.getOwnPropertyNames(globalThis).sort(),
  console: Object.keys(console).sort(), exitCode: process.exitCode ?? null, locale: Intl.DateTimeFormat().resolvedOptions(),
  random: String(Math.random), stdin: process.stdin.constructor.name, cache: Object.keys(require.cache).filter((n) => !n.includes('/lambent/')),
  timeouts: process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
});
"""


def _comparable(state):
    assert "_LAMBENT_RUNTIME_LINE" not in state["env"]
    state["printenv"] = [v for v in state["printenv"] if not v.startswith("_=")]
    state["cache"] = [name for name in state["cache"] if not name.endswith(("bootstrap.cjs", "template.cjs", ".node"))]
    return state


@pytest.mark.parametrize("env", [
    {}, {"TZ": "Asia/Tokyo", "NODE_PATH": "/opt/nodejs/node_modules:/var/extra", "HOME": "/nowhere", "WITH_EQUALS": "a=b=", "EMPTY": ""},
])
def test_a_fork_looks_like_a_new_process(run_new_node, run_forked_node, env):
    new, forked = [_comparable(run(STATE, env=env).result()) for run in (run_new_node, run_forked_node)]
    assert forked == new


def test_an_instance_is_a_fork_of_the_template(run_forked_node, node_template):
    run = run_forked_node("exports.handler = async () => [process.ppid, process.pid];")
    assert run.result() == [node_template.process.pid, run.process.pid]


def test_a_fork_shares_no_descriptor_with_the_template_but_dev_null(run_forked_node, node_template):
    run = run_forked_node("exports.handler = async () => 1;")
    run.result()

    def pipes(pid):
        folder = "/proc/%d/fd" % pid
        targets = [os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder) if int(fd) > 2]
        return {target for target in targets if target.startswith(("pipe", "socket"))}, targets

    own, all_targets = pipes(run.process.pid)
    assert not own & pipes(node_template.process.pid)[0]
    # Of the nameless kinds it has those of its own event loop only.
    assert all_targets.count("anon_inode:[eventpoll]") == 1
    assert all_targets.count("anon_inode:[eventfd]") <= 2


def _state_and_faults(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return fields[0], int(fields[7])


def test_the_memory_that_a_start_touches_is_a_forks_own_before_it_is_assigned(run_forked_node, node_template):
    waiting = []

    def wait_until_it_waits(process):
        seen = _state_and_faults(process.pid)
        while True:
            time.sleep(0.1)
            seen, before = _state_and_faults(process.pid), seen
            if seen == before and seen[0] == "S":
                return waiting.append(seen[1])

    node_template.on_fork = wait_until_it_waits
    try:
        run = run_forked_node("exports.handler = async (event) => ({ event });")
    finally:
        node_template.on_fork = lambda process: None
    assert run.result(1) == {"event": 1}
    ahead, later = waiting[0], _state_and_faults(run.process.pid)[1] - waiting[0]
    print(ahead, later)
    assert later < ahead / 3


ECHO_ON_A_LINE = """
const { lineRead, lineWrite } = require(process.argv[1]);
const line = Number(process.argv[2]);
const bytes = Buffer.alloc(4096, 'a');
lineWrite(line, bytes, 0, bytes.length);
lineWrite(line, bytes, 0, lineRead(line, bytes, 0, bytes.length));
process.exit(lineRead(line, bytes, 0, bytes.length)); // 0: the end
"""


def _sleeps_and_switches(pid):
    """Whether it sleeps, and how often it has gone to sleep."""
    with open("/proc/%d/status" % pid) as status:
        fields = dict(line.split(":", 1) for line in status)
    return fields["State"].split()[0] == "S", int(fields["voluntary_ctxt_switches"])


def test_taking_what_an_instance_wrote_does_not_wake_it(node, tmp_path):
    addon = build_node_addon(tmp_path)
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([node, "--single-threaded", "-e", ECHO_ON_A_LINE, addon, str(theirs.fileno())],
                               pass_fds=[theirs.fileno()])
    theirs.close()
    with ours:
        assert ours.recv(1, socket.MSG_PEEK) == b"a"
        seen = _sleeps_and_switches(process.pid)
        while True:
            time.sleep(0.05)
            seen, before = _sleeps_and_switches(process.pid), seen
            if seen[0] and seen == before:
                break
        assert len(ours.recv(1 << 16)) == 4096
        time.sleep(0.1)
        assert _sleeps_and_switches(process.pid) == seen
        ours.sendall(b"hello")
        assert ours.recv(1 << 16) == b"hello"
    assert process.wait(10) == 0


RANDOM = """
const crypto = require('crypto');
const first = Math.random();
exports.handler = async () => [
  first, ...Array.from({ length: 200 }, Math.random), crypto.randomUUID(), crypto.randomBytes(8).toString('hex'),
  crypto.randomInt(2 ** 47), await crypto.webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign'])
    .then((key) => crypto.webcrypto.subtle.exportKey('raw', key)).then((raw) => Buffer.from(raw).toString('hex')),
  require('fs').mkdtempSync(require('os').tmpdir() + '/lambent-test-'),
];
"""


def test_no_two_forks_have_the_same_random_numbers(run_forked_node):
    values = []
    for _ in range(20):
        result = run_forked_node(RANDOM).result()
        os.rmdir(result[-1])
        assert all(0 <= number < 1 for number in result[:201])
        assert 0.3 < sum(result[:201]) / 201 < 0.7
        values += result
    assert len(set(values)) == len(values)


def test_what_one_fork_changes_is_not_seen_by_the_next(run_forked_node):
    source = """
const before = [globalThis.mark, Array.prototype.mark, process.env.MARK, require('http').mark].map(String);
exports.handler = async () => {
  globalThis.mark = Array.prototype.mark = process.env.MARK = require('http').mark = 'x';
  return before;
};
"""
    assert [run_forked_node(source).result() for _ in range(2)] == [["undefined"] * 4] * 2


@pytest.mark.parametrize("env, expression, value", [
    ({"NODE_OPTIONS": "--stack-trace-limit=3"}, "Error.stackTraceLimit", 3),
    ({"NODE_OPTIONS": "--no-warnings"}, "process.env.NODE_OPTIONS", "--no-warnings"),
    ({"LD_LIBRARY_PATH": "/var/task/lib"}, "process.argv.length", 2),
])
def test_variables_that_count_at_the_start_only_make_a_new_process(run_forked_node, node_template, env, expression, value):
    run = run_forked_node("exports.handler = async () => [%s, "
                          "require('fs').readFileSync('/proc/self/cmdline', 'utf8').includes('template')];" % expression, env=env)
    assert run.result() == [value, False]


WORK = """
const zlib = require('zlib'), crypto = require('crypto'), fs = require('fs'), http = require('http'), dns = require('dns');
const { promisify } = require('util');
const { execFile, spawnSync } = require('child_process');
function collect() { // several full garbage collections
  let kept = [];
  for (let n = 0; n < 300; n++) { kept.push(new Array(20000).fill({ n })); if (kept.length > 40) kept = kept.slice(20); }
  const buffers = [];
  for (let n = 0; n < 300; n++) { buffers.push(new ArrayBuffer(500000)); if (buffers.length > 30) buffers.shift(); }
}
function hot(limit) { let sum = 0; for (let n = 0; n < limit; n++) sum = (sum + n * 7) % 1000003; return sum; }
const wasm = Uint8Array.from([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]);
exports.handler = async (event) => {
  collect();
  for (let n = 0; n < 200; n++) hot(20000);
  const { instance } = await WebAssembly.instantiate(wasm);
  const compiled = await WebAssembly.compile(wasm);
  const zipped = await promisify(zlib.gzip)(Buffer.alloc(300000, 'abc'));
  const derived = await promisify(crypto.pbkdf2)('p', 's', 1000, 8, 'sha256');
  const pair = await promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' });
  const server = http.createServer((request, response) => response.end('from http'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fetched = await fetch(`http://127.0.0.1:${server.address().port}/`).then((response) => response.text());
  server.closeAllConnections();
  server.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  return {
    sum: instance.exports.add(2, 3), compiled: String(compiled), inflated: (await promisify(zlib.gunzip)(zipped)).length,
    derived: derived.toString('hex'), key: pair.publicKey.type, fetched, own: (await fs.promises.readFile(__filename)).length > 10,
    child: (await promisify(execFile)('echo', ['out'])).stdout, sync: spawnSync('echo', ['sync']).stdout.toString(),
    found: (await dns.promises.lookup('localhost')).address.length > 2, hot: hot(1000),
    intl: new Intl.NumberFormat('en').format(1234.5), text: new TextDecoder('latin1').decode(Buffer.from([233])),
  };
};
"""


def test_everything_works_in_many_forks(run_new_node, run_forked_node):
    expected = run_new_node(WORK).result()
    assert expected["sum"] == 5
    for _ in range(10):
        run = run_forked_node(WORK)
        assert [run.result(), run.result()] == [expected, expected]


# Where Node.js finds its event loop empty, it would wait for tasks of V8 that a fork has nobody to do; a collection makes some.
COLLECT = "{ let kept = []; for (let n = 0; n < 400; n++) { kept.push(new Array(20000).fill(n)); if (kept.length > 40) kept = []; } }\n"


@pytest.mark.parametrize("source, result", [
    ("exports.handler = (event, context, callback) => { %s callback(null, 1); };", 1),
    ("exports.handler = () => { %s };", None),
    ("exports.handler = (event, context, callback) => { %s setTimeout(() => callback(null, 2), 10); };", 2),
    ("exports.handler = async () => { %s return await WebAssembly.compile(new Uint8Array([0,97,115,109,1,0,0,0])).then(() => 3); };", 3),
])
def test_an_empty_event_loop_is_noticed_after_a_collection(run_node, source, result):
    run = run_node(source % COLLECT)
    assert [run.result() for _ in range(3)] == [result] * 3


def test_nothing_runs_while_an_instance_waits(run_node):
    run = run_node("exports.handler = async () => 1;")
    run.result()
    time.sleep(0.2)

    def ticks():
        with open("/proc/%d/stat" % run.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(0.5)
    assert ticks() - before <= 2


@pytest.mark.parametrize("source, code, output", [
    ("process.on('exit', (code) => console.log('left', code)); exports.handler = async () => { %s process.exit(3); };", 3, "left 3"),
    ("exports.handler = async () => { %s process.exitCode = 4; process.exit(); };", 4, ""),
    ("exports.handler = async () => { %s process.abort(); };", -6, ""),
    ("process.on('beforeExit', () => { throw new Error('x'); }); exports.handler = () => { %s };", 129, "Uncaught"),
])
def test_the_ways_to_end(run_node, source, code, output):
    run = run_node(source % COLLECT)
    run.send(None)
    assert run.exit_code() == code
    assert output in run.output()


def test_a_module_that_waits_forever_ends_the_process(run_node):
    run = run_node({"index.mjs": "await new Promise(() => {}); export const handler = 1;"})
    assert run.exit_code() == 0
    assert run.server.posted.get(timeout=5) is None


WORKER = """
module.exports = () => new Promise((resolve) => {
  const { Worker } = require('worker_' + 'threads');
  const worker = new Worker("let k = []; for (let n = 0; n < 400; n++) { k.push(new Array(20000).fill(n)); if (k.length > 40) k = []; }",
                            { eval: true });
  worker.once('exit', resolve);
});
"""


@pytest.mark.parametrize("source", [
    "/* uses worker_threads */ exports.handler = async () => require('./work.js')();",
    "const done = require('./work.js')(); exports.handler = async () => done;",
])
def test_worker_threads_are_there_for_those_who_announce_them(run_node, source):
    assert run_node({"index.js": source, "work.js": WORKER}).result() == 0


def test_a_worker_thread_out_of_the_blue_is_an_error_in_a_fork(run_forked_node):
    run = run_forked_node({"index.js": "exports.handler = async () => require('./work.js')();", "work.js": WORKER})
    assert "has no worker threads" in run.error()["errorMessage"]
