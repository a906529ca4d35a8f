"""A Ruby template in which a function's INIT has run."""

import os

import pytest

from runtime_paths import RUNTIMES

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
    """start(source, env) -> (template, instance())"""

    def run(source, env=None):
        template = snapshot(["ruby", os.path.join(DIR, "template.rb")], {"function.rb": source}, "function.handler", DIR, env)

        def instance(env=None):
            given = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "AWS_LAMBDA_LOG_STREAM_NAME": "own", **(env or {})}
            return starter.start(template, "function.handler", DIR, given)

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
    assert template.output() == "init init-stream\n"
    numbers = [number for result in results for number in result["random"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("source, error_type", [
    ("require 'nowhere'", "Init<LoadError>"),
    ("require 'snapshot_restore'\nSnapshotRestore.register_before_snapshot { raise 'x' }\ndef handler(event:, context:) = 1",
     "Init<Runtime.BeforeSnapshotError>"),
])
def test_an_init_that_fails_is_reported_by_the_template(start, source, error_type):
    template, _ = start(source)
    posted = template.server.posted.get(timeout=20)
    assert (posted.kind, posted.json()["errorType"]) == ("init/error", error_type)
    assert template.process.wait(20) == 1


def test_a_hook_that_fails_after_the_restore_is_reported_by_the_instance(start):
    _, instance = start("require 'snapshot_restore'\nSnapshotRestore.register_after_restore { raise 'x' }\n"
                        "def handler(event:, context:) = 1")
    for _ in range(2):
        run = instance()
        posted = run.receive()
        assert (posted.kind, posted.json()["errorType"]) == ("restore/error", "Init<Runtime.AfterRestoreError>")
        assert run.exit_code() == 1


@pytest.mark.parametrize("source, left", [
    ("Thread.new { sleep }", "1 threads and 0 open"),
    ("KEPT = File.open('/dev/null')", "0 threads and 1 open"),
])
def test_what_cannot_be_forked_ends_the_template_with_a_message(start, source, left):
    template, _ = start(source + "\ndef handler(event:, context:) = 1")
    assert template.process.wait(20) == 3
    assert "No snapshot is made of this version: INIT left %s" % left in template.output()
