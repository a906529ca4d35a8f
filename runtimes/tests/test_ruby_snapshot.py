"""A Ruby template in which a function's INIT has run."""

import os

import pytest

from runtime_paths import RUNTIMES
from snapshot_checks import init_ran_once, instances_report, no_snapshot_is_made, snapshot_starter, template_reports

DIR = os.path.join(RUNTIMES, "ruby")

APP = """
require 'snapshot_restore'
require 'securerandom'
require 'openssl'
CALLS = ['init']
puts "init #{ENV['AWS_LAMBDA_LOG_STREAM_NAME']}"
rand; OpenSSL::Random.random_bytes(4)
ENV['BY_INIT'] = 'kept'
SnapshotRestore.register_before_snapshot { CALLS << 'before 1' }
SnapshotRestore.register_before_snapshot { CALLS << 'before 2' }
SnapshotRestore.register_after_restore { CALLS << 'after 1' }
SnapshotRestore.register_after_restore { CALLS << 'after 2' }
def handler(event:, context:)
  { calls: CALLS, env: ENV.to_h, stream: context.log_stream_name, ppid: Process.ppid,
    random: [rand, SecureRandom.uuid, OpenSSL::Random.random_bytes(8).unpack1('H*'), [*1..50].shuffle.join(',')] }
end
"""


@pytest.fixture
def start(snapshot, starter):
    return snapshot_starter(snapshot, starter, ["ruby", os.path.join(DIR, "template.rb")], "function.rb", "function.handler", DIR)


def test_init_runs_once_and_hooks_in_their_order(start):
    assert init_ran_once(start, APP) == "init init-stream\n"


@pytest.mark.parametrize("source, error_type", [
    ("require 'nowhere'", "Init<LoadError>"),
    ("require 'snapshot_restore'\nSnapshotRestore.register_before_snapshot { raise 'x' }\ndef handler(event:, context:) = 1",
     "Init<Runtime.BeforeSnapshotError>"),
])
def test_an_init_that_fails_is_reported_by_the_template(start, source, error_type):
    template_reports(start, source, error_type, 1)


def test_a_hook_that_fails_after_the_restore_is_reported_by_the_instance(start):
    source = "require 'snapshot_restore'\nSnapshotRestore.register_after_restore { raise 'x' }\ndef handler(event:, context:) = 1"
    instances_report(start, source, "Init<Runtime.AfterRestoreError>", 1)


@pytest.mark.parametrize("source, left", [
    ("Thread.new { sleep }", "1 threads and 0 open"),
    ("KEPT = File.open('/dev/null')", "0 threads and 1 open"),
])
def test_what_cannot_be_forked_ends_the_template_with_a_message(start, source, left):
    no_snapshot_is_made(start, source + "\ndef handler(event:, context:) = 1", left)
