"""A Node.js template in which a function's INIT has run."""

import os

import pytest

from runtime_paths import NODE_TEMPLATE_FLAGS, RUNTIMES
from template_process import build_node_addon

DIR = os.path.join(RUNTIMES, "nodejs")

APP = """
const crypto = require('crypto');
const { registerAfterRestore, registerBeforeSnapshot } = require('snapshot_restore');
const calls = ['init'];
console.log('init', process.env.AWS_LAMBDA_LOG_STREAM_NAME);
Math.random(); crypto.randomUUID(); crypto.randomInt(1000); crypto.randomBytes(4);
process.env.BY_INIT = 'kept';
registerBeforeSnapshot(async (text) => { await null; calls.push(text); }, 'before 1');
registerBeforeSnapshot(() => calls.push('before 2'));
registerAfterRestore(() => calls.push('after 1'));
registerAfterRestore(async () => { await new Promise((resolve) => setTimeout(resolve, 5)); calls.push('after 2'); });
exports.handler = async (event, context) => ({
  calls, env: process.env, stream: context.logStreamName, ppid: process.ppid, pid: process.pid,
  random: [...Array.from({ length: 100 }, Math.random), crypto.randomUUID(), crypto.randomInt(2 ** 47), crypto.randomBytes(8).toString('hex')],
});
"""


@pytest.fixture(scope="module")
def addon(tmp_path_factory):
    return build_node_addon(tmp_path_factory.mktemp("addon"))


@pytest.fixture
def start(node, addon, snapshot, starter):
    """start(source, env) -> (template, instance())"""

    def run(source, env=None):
        argv = [node] + NODE_TEMPLATE_FLAGS + [os.path.join(DIR, "template.cjs")]
        files = source if isinstance(source, dict) else {"index.js": source}
        template = snapshot(argv, files, "index.handler", DIR, {"NODE_PATH": DIR, "LAMBENT_TEMPLATE_ADDON": addon, **(env or {})})

        def instance(env=None):
            given = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "AWS_LAMBDA_LOG_STREAM_NAME": "own", "NODE_PATH": DIR}
            return starter.start(template, "index.handler", DIR, {**given, **(env or {})})

        return template, instance

    return run


def test_init_runs_once_and_hooks_in_their_order(start):
    template, instance = start(APP, {"AWS_LAMBDA_LOG_STREAM_NAME": "init-stream", "OLD": "gone", "SAME": "same"})
    results = [instance({"SAME": "same", "NEW": "new"}).result() for _ in range(5)]
    for result in results:
        assert result["calls"] == ["init", "before 2", "before 1", "after 1", "after 2"]
        assert (result["stream"], result["ppid"]) == ("own", template.process.pid)
        environ = result["env"]
        assert (environ["BY_INIT"], environ["SAME"], environ["NEW"]) == ("kept", "same", "new")
        assert "OLD" not in environ and not [name for name in environ if name.startswith("LAMBENT_")]
    assert template.output().endswith("\tINFO\tinit init-stream\n")
    numbers = [number for result in results for number in result["random"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("source", [
    "let count = 0; exports.handler = async () => ++count;",
    "let count = 0; setInterval(() => {}, 1000); exports.handler = async () => ++count;",
    {"index.mjs": "let count = 0; await null; export const handler = async () => ++count;"},
])
def test_an_instance_serves_on_from_the_state_of_init(start, source):
    _, instance = start(source)
    first, second = instance(), instance()
    assert [first.result(), first.result(), second.result(), first.result()] == [1, 2, 1, 3]


@pytest.mark.parametrize("source, error_type", [
    ("require('nowhere');", "Runtime.ImportModuleError"),
    ("throw new RangeError('far');", "RangeError"),
    ("require('snapshot_restore').registerBeforeSnapshot(() => { throw new Error('x'); }); exports.handler = async () => 1;",
     "Runtime.BeforeSnapshotError"),
])
def test_an_init_that_fails_is_reported_by_the_template(start, source, error_type):
    template, _ = start(source)
    posted = template.server.posted.get(timeout=20)
    assert (posted.kind, posted.json()["errorType"]) == ("init/error", error_type)
    assert template.process.wait(20) == 129


def test_a_hook_that_fails_after_the_restore_is_reported_by_the_instance(start):
    _, instance = start("require('snapshot_restore').registerAfterRestore(async () => { throw new Error('x'); });"
                        "exports.handler = async () => 1;")
    for _ in range(2):
        run = instance()
        posted = run.receive()
        assert (posted.kind, posted.json()["errorType"]) == ("restore/error", "Runtime.AfterRestoreError")
        assert run.exit_code() == 129


@pytest.mark.parametrize("source, left", [
    ("new (require('worker_threads').Worker)('', { eval: true });", "a worker thread"),
    ("require('fs').openSync('/dev/null');", "1 open descriptors"),
])
def test_what_cannot_be_forked_ends_the_template_with_a_message(start, source, left):
    template, _ = start(source + "exports.handler = async () => 1;")
    assert template.process.wait(20) == 3
    assert "No snapshot is made of this version: INIT left %s" % left in template.output()
