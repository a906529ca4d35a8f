"""A Node.js template in which a function's INIT has run."""

import os

import pytest

from runtime_paths import NODE_TEMPLATE_FLAGS, RUNTIMES
from snapshot_checks import (counts_go_on, init_ran_once, instances_report, no_snapshot_is_made, snapshot_starter,
                             template_reports)
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
    command = [node] + NODE_TEMPLATE_FLAGS + [os.path.join(DIR, "template.cjs")]
    return snapshot_starter(snapshot, starter, command, "index.js", "index.handler", DIR, {"NODE_PATH": DIR},
                            {"LAMBENT_TEMPLATE_ADDON": addon})


def test_init_runs_once_and_hooks_in_their_order(start):
    assert init_ran_once(start, APP).endswith("\tINFO\tinit init-stream\n")


@pytest.mark.parametrize("source", [
    "let count = 0; exports.handler = async () => ++count;",
    "let count = 0; setInterval(() => {}, 1000); exports.handler = async () => ++count;",
    {"index.mjs": "let count = 0; await null; export const handler = async () => ++count;"},
])
def test_an_instance_serves_on_from_the_state_of_init(start, source):
    counts_go_on(start, source)


@pytest.mark.parametrize("source, error_type", [
    ("require('nowhere');", "Runtime.ImportModuleError"),
    ("throw new RangeError('far');", "RangeError"),
    ("require('snapshot_restore').registerBeforeSnapshot(() => { throw new Error('x'); }); exports.handler = async () => 1;",
     "Runtime.BeforeSnapshotError"),
])
def test_an_init_that_fails_is_reported_by_the_template(start, source, error_type):
    template_reports(start, source, error_type, 129)


def test_a_hook_that_fails_after_the_restore_is_reported_by_the_instance(start):
    source = """require('snapshot_restore').registerAfterRestore(async () => { throw new Error('x'); });
exports.handler = async () => 1;"""
    instances_report(start, source, "Runtime.AfterRestoreError", 129)


@pytest.mark.parametrize("source, left", [
    ("new (require('worker_threads').Worker)('', { eval: true });", "a worker thread"),
    ("require('fs').openSync('/dev/null');", "1 open descriptors"),
])
def test_what_cannot_be_forked_ends_the_template_with_a_message(start, source, left):
    no_snapshot_is_made(start, source + "exports.handler = async () => 1;", left)
