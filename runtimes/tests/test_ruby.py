"""The Ruby client, in a process of its own and in a fork of a template."""

import json
import os
import re
import signal

import pytest

ECHO = "def handler(event:, context:) = event\n"
FIRST_ID = "00000000-0000-4000-8000-000000000001"


def test_an_event_reaches_the_handler_and_its_result_comes_back(run_ruby):
    run = run_ruby(ECHO)
    for event in ({"a": [1, 2.5, None, True, "\u00fc\U0001f600"]}, [], "text", 0, None, {"deep": [[[{}]]]}):
        assert run.result(event) == event


def test_a_call_that_comes_in_pieces_is_read(run_ruby):
    run = run_ruby(ECHO)
    run.server.in_pieces = True
    assert [run.result({"text": "\u00e9" * n}) for n in (0, 1000)] == [{"text": ""}, {"text": "\u00e9" * 1000}]


def test_a_payload_of_six_megabytes_goes_both_ways(run_ruby):
    event = {"data": "abcdef\u00e9" * 800000}
    assert run_ruby(ECHO).result(event) == event


@pytest.mark.parametrize("files, handler", [
    ({"function.rb": "def handler(event:, context:) = 'ok'"}, "function.handler"),
    ({"app.rb": "class Tool\n  def self.run(event:, context:) = 'ok'\nend"}, "app.Tool.run"),
    ({"app.rb": "module Big\n  class Tool\n    def self.run(event:, context:) = 'ok'\n  end\nend"}, "app.Big::Tool.run"),
    ({"app.rb": "module Tool\n  module_function\n  def run(event:, context:) = 'ok'\nend"}, "app.Tool.run"),
    ({"lib/app.rb": "def run(event:, context:) = 'ok'"}, "lib/app.run"),
    ({"app.rb": "require 'helper'\ndef run(event:, context:) = HELP", "helper.rb": "HELP = 'ok'"}, "app.run"),
    ({"app.rb": "require_relative 'lib/helper'\ndef run(event:, context:) = HELP", "lib/helper.rb": "HELP = 'ok'"}, "app.run"),
])
def test_forms_of_handler_names(run_ruby, files, handler):
    assert run_ruby(files, handler).result() == "ok"


def test_an_io_is_sent_as_it_is(run_ruby):
    posted = run_ruby("require 'stringio'\ndef handler(event:, context:) = StringIO.new(\"\\x00\\xffraw\".b)").invoke(None)
    assert (posted.body, posted.type) == (b"\x00\xffraw", "application/unknown")


def test_the_context_has_all_of_awss_members(run_ruby):
    source = """
def handler(event:, context:)
  names = %i[aws_request_id invoked_function_arn function_name function_version memory_limit_in_mb log_group_name
             log_stream_name identity client_context]
  names.to_h { |name| [name, context.public_send(name)] }
       .merge(remaining: context.get_remaining_time_in_millis, deadline: context.deadline_ms)
end
"""
    found = run_ruby(source).result(None, {
        "identity": json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}),
        "client_context": json.dumps({"custom": {"k": "v\u00e9"}}),
    })
    assert 0 < found.pop("remaining") <= 60000
    assert found.pop("deadline") > 1700000000000
    assert found == {
        "aws_request_id": FIRST_ID, "function_name": "hello", "function_version": "$LATEST", "memory_limit_in_mb": "128",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:123456789012:function:hello", "log_group_name": "/aws/lambda/hello",
        "log_stream_name": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
        "identity": {"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}, "client_context": {"custom": {"k": "v\u00e9"}},
    }


def test_the_trace_id_is_in_the_environment_of_its_invocation_only(run_ruby):
    run = run_ruby("def handler(event:, context:) = ENV['_X_AMZN_TRACE_ID']")
    assert run.result(None, {"trace_id": "Root=1-2-3"}) == "Root=1-2-3"
    assert run.result(None, {"trace_id": ""}) is None


def test_an_exception_is_reported_as_aws_does(run_ruby, starter):
    run = run_ruby("class OddError < StandardError; end\ndef deep = raise(OddError, 'b\u00e4d')\n"
                   "def handler(event:, context:)\n  deep\nend\n")
    report = run.error()
    assert list(report) == ["errorMessage", "errorType", "stackTrace"]
    assert (report["errorMessage"], report["errorType"]) == ("b\u00e4d", "Function<OddError>")
    file = str(starter.task_root / "function.rb")
    assert [frame.split(":in")[0] for frame in report["stackTrace"]] == [file + ":2", file + ":4"]
    assert run.output() == "Error raised from handler method\n%s\n" % json.dumps(
        report, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("body, error_type, message", [
    ("raise 'x'", "Function<RuntimeError>", "x"),
    ("raise NotImplementedError, 'later'", "Function<NotImplementedError>", "later"),
    ("def down = down\n  down", "Function<SystemStackError>", "stack level too deep"),
    ("Float::NAN", "Function<JSON::GeneratorError>", "NaN not allowed in JSON"),
    ("raise \"\\xff\".b", "Function<RuntimeError>", "\ufffd"),
    ("nothing_here", "Function<NameError>", "undefined local variable or method `nothing_here'"),
])
def test_every_way_to_fail_and_the_instance_serves_on(run_ruby, body, error_type, message):
    run = run_ruby("def handler(event:, context:)\n  %s\nend" % body)
    for _ in range(2):
        report = run.error()
        assert report["errorType"] == error_type
        assert message in report["errorMessage"]


def test_an_event_that_is_not_json_fails_the_invocation_only(run_ruby):
    run = run_ruby(ECHO)
    assert run.error(b"{", raw=True)["errorType"] == "Function<JSON::ParserError>"
    assert run.result(1) == 1


@pytest.mark.parametrize("files, handler, error_type, message", [
    ({}, "function.handler", "Init<LoadError>", "cannot load such file -- "),
    ({"function.rb": "require 'nowhere'"}, "function.handler", "Init<LoadError>", "cannot load such file -- nowhere"),
    ({"function.rb": "def handler("}, "function.handler", "Init<SyntaxError>", "function.rb:1: syntax error"),
    ({"function.rb": "raise KeyError, 'top'"}, "function.handler", "Init<KeyError>", "top"),
    ({"function.rb": ECHO}, "handler", "Init<ArgumentError>", "Bad handler 'handler'"),
    ({"function.rb": ECHO}, "a.b.c.d", "Init<ArgumentError>", "Bad handler 'a.b.c.d'"),
    ({"function.rb": ECHO}, "function.Missing.run", "Init<NameError>", "uninitialized constant Missing"),
])
def test_a_handler_that_cannot_be_loaded_is_an_init_error(run_ruby, files, handler, error_type, message):
    run = run_ruby(files, handler)
    report = run.init_error()
    assert report["errorType"] == error_type
    assert message in report["errorMessage"]
    assert run.exit_code() == 1
    assert run.output().startswith("Init error when loading handler\n{")


def test_a_missing_method_is_an_error_of_the_invocation(run_ruby):
    report = run_ruby(ECHO, "function.other").error()
    assert report["errorType"] == "Function<NoMethodError>"


def test_exit_in_a_handler_ends_the_process_without_an_answer(run_ruby):
    run = run_ruby("at_exit { puts 'left' }\ndef handler(event:, context:)\n  puts 'bye'\n  exit 7\nend")
    run.send(None)
    assert run.exit_code() == 7
    assert run.server.posted.get(timeout=5) is None
    assert run.output() == "bye\nleft\n"


def test_the_terminate_signal_ends_a_waiting_instance(run_ruby):
    run = run_ruby(ECHO)
    run.result(1)
    run.process.terminate()
    assert run.exit_code() == -signal.SIGTERM


def test_a_signal_handler_of_the_function_runs_while_the_instance_waits(run_ruby):
    run = run_ruby("trap('TERM') { puts 'leaving'; exit!(0) }\n" + ECHO)
    run.result()
    run.process.terminate()
    assert run.exit_code() == 0
    assert run.output() == "leaving\n"


def test_printed_lines_appear_at_once(run_ruby):
    run = run_ruby("def handler(event:, context:)\n  puts 'line'\n  print 'no end'\n  exit!(1) if event\nend")
    run.result()
    assert run.output() == "line\nno end"
    run.send("die")
    run.exit_code()
    assert run.output() == "line\nno endline\nno end"


def test_logger_lines_have_the_request_id(run_ruby):
    run = run_ruby("require 'logger'\nLOG = Logger.new($stdout)\ndef handler(event:, context:) = LOG.warn('shown') && nil")
    run.result()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"
    assert re.fullmatch(r"W, \[%s #%d\]  WARN %s -- : shown\n" % (stamp, run.process.pid, FIRST_ID), run.output())


def test_a_lost_platform_ends_the_instance(run_ruby):
    run = run_ruby(ECHO)
    run.result(1)
    run.server.close()
    assert run.exit_code() == 1


def test_hooks_may_be_registered_where_there_are_no_snapshots(run_ruby):
    run = run_ruby("require 'snapshot_restore'\nSnapshotRestore.register_after_restore { raise 'x' }\n" + ECHO)
    assert run.result(1) == 1


STATE = """
def handler(event:, context:)
  {
    env: ENV.to_h, printenv: `env -0`.split("\\0").sort, argv: ARGV, program: $0, path: $LOAD_PATH, cwd: Dir.pwd,
    fds: Dir.children('/proc/self/fd').map(&:to_i).sort.map { |n| (File.readlink("/proc/self/fd/#{n}")[/\\A[^\\d]*/] rescue 0) },
    sig: File.readlines('/proc/self/status').grep(/^(Sig(Blk|Ign)|Umask|Threads)/), encodings: [Encoding.default_external,
    Encoding.default_internal, $stdout.external_encoding].map(&:to_s), zone: Time.at(0).to_s, verbose: [$VERBOSE, $DEBUG],
    gems: Gem.path, sync: [$stdout.sync, $stderr.sync], threads: Thread.list.size, gc: GC.disable, thread: Thread.new { 5 }.value,
    constants: %w[TABLE Sample].select { |name| Object.const_defined?(name) }, methods: Object.new.respond_to?(:rehearsed_handler, true),
  }
end
"""


@pytest.mark.parametrize("env", [
    {}, {"TZ": "Asia/Tokyo", "RUBYLIB": "/opt/ruby/lib:/var/extra", "GEM_PATH": "/opt/ruby/gems/3.1.0", "HOME": "/nowhere", "EMPTY": ""},
])
def test_a_fork_looks_like_a_new_process(run_new_ruby, run_forked_ruby, env):
    states = []
    for run in (run_new_ruby, run_forked_ruby):
        state = run(STATE, env=env).result()
        assert "_LAMBENT_RUNTIME_LINE" not in state["env"]
        state["fds"].sort(key=str)
        states.append(state)
    assert states[0] == states[1]


def test_an_instance_is_a_fork_of_the_template(run_forked_ruby, ruby_template):
    run = run_forked_ruby("def handler(event:, context:) = [Process.ppid, Process.pid, $$, defined?(Fiddle)]")
    assert run.result() == [ruby_template.process.pid, run.process.pid, run.process.pid, "constant"]


@pytest.mark.parametrize("env", [{"RUBYOPT": "-W0"}, {"LD_LIBRARY_PATH": "/var/task/lib"}, {"LANG": "C"}])
def test_variables_that_count_at_the_start_only_make_a_new_process(run_forked_ruby, env):
    # Only a template loads Fiddle.
    assert run_forked_ruby("def handler(event:, context:) = defined?(Fiddle)", env=env).result() is None


def test_no_two_forks_have_the_same_random_numbers(run_forked_ruby):
    source = """
require 'securerandom'
require 'openssl'
FIRST = rand
def handler(event:, context:)
  [FIRST, rand, Random.new.rand, SecureRandom.uuid, OpenSSL::Random.random_bytes(8).unpack1('H*'), [*1..50].shuffle.join(',')]
end
"""
    values = [value for _ in range(20) for value in run_forked_ruby(source).result()]
    assert len(set(values)) == len(values)


def test_a_fork_may_use_threads_subprocesses_and_timers(run_forked_ruby):
    run = run_forked_ruby("""
require 'open3'
require 'timeout'
def handler(event:, context:)
  squares = (0..3).map { |n| Thread.new { sleep 0.01; n * n } }.map(&:value)
  late = begin
    Timeout.timeout(0.05) { sleep 5 }
  rescue Timeout::Error
    'late'
  end
  [squares, Open3.capture2('echo out').first, late, Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) < 5]
end
""")
    assert run.result() == [[0, 1, 4, 9], "out\n", "late", True]
