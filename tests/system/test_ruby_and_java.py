"""Ruby and Java functions on the real server. What the runtime clients do by themselves is tested beside them
(runtimes/tests); here it is that they are found, confined and fed."""

import os
import pathlib
import subprocess

import pytest
from lambent import failure, tail

JAVA_SOURCES = pathlib.Path(__file__).parents[2] / "runtimes" / "tests" / "java"

RUBY_KIT = """
require 'helper'
require 'net/http'
require 'openssl'
def handler(event:, context:)
  case event['how']
  when 'echo' then { got: event, helper: HELP }
  when 'raise' then raise ArgumentError, 'thrown'
  when 'exit' then exit 7
  when 'environment'
    { execution: ENV['AWS_EXECUTION_ENV'], cwd: Dir.pwd, zone: Time.now.utc_offset, gems: Gem.path, name: context.function_name,
      written: (File.write('/var/task/x', '1') rescue $!.class.to_s), tmp: File.write('/tmp/x', '1'), uid: Process.uid,
      threads: 3.times.map { |n| Thread.new { n } }.sum(&:value), digest: OpenSSL::Digest::SHA256.hexdigest('a')[0, 4] }
  when 'print' then puts 'printed'
  end
end
"""


@pytest.fixture(scope="module")
def ruby(server, ruby_runtime):
    name = server.create_function({"function.rb": RUBY_KIT, "helper.rb": "HELP = 'help'"}, runtime=ruby_runtime,
                                  handler="function.handler", Timeout=30, MemorySize=256)
    return lambda how, **options: server.invoke(name, {"how": how}, **options)


def test_a_ruby_function_answers(ruby):
    answer, response = ruby("echo")
    assert answer == {"got": {"how": "echo"}, "helper": "help"}
    assert "FunctionError" not in response


def test_a_ruby_function_fails_as_on_aws(ruby):
    error = failure(ruby("raise"))
    assert (error["errorType"], error["errorMessage"]) == ("Function<ArgumentError>", "thrown")
    assert error["stackTrace"] == ["/var/task/function.rb:8:in `handler'"]


def test_a_ruby_function_that_exits_is_replaced(ruby):
    assert failure(ruby("exit"))["errorType"] == "Runtime.ExitError"
    assert ruby("echo")[0]["helper"] == "help"


def test_a_ruby_function_has_awss_surroundings(ruby, ruby_runtime):
    found, _ = ruby("environment")
    assert found.pop("name").startswith("f-")
    assert found.pop("gems")[:2] == [f"/var/task/vendor/bundle/ruby/{ruby_runtime[4:]}.0", f"/opt/ruby/gems/{ruby_runtime[4:]}.0"]
    assert found.pop("uid") != 0
    assert found == {"execution": f"AWS_Lambda_{ruby_runtime}", "cwd": "/var/task", "zone": 0, "written": "Errno::EROFS", "tmp": 1,
                     "threads": 3, "digest": "ca97"}


def test_what_a_ruby_function_prints_is_in_its_log(ruby):
    assert "printed\n" in tail(ruby("print", LogType="Tail")[1])


@pytest.fixture(scope="module")
def java_runtime():
    version = subprocess.run(["java", "--version"], capture_output=True, text=True, check=True).stdout
    return "java" + version.split()[1].split(".")[0]


@pytest.fixture(scope="module")
def java(server, java_runtime, tmp_path_factory):
    """call(handler, event) of the handlers that runtimes/tests has for Java."""
    root = tmp_path_factory.mktemp("java")
    for part, flags in (("interfaces", []), ("handlers", ["-cp", str(root / "interfaces")])):
        sources = sorted(str(path) for path in (JAVA_SOURCES / part).rglob("*.java"))
        subprocess.run(["javac", "-encoding", "UTF-8", "-d", str(root / part), *flags, *sources], check=True)
    subprocess.run(["jar", "cf", str(root / "interfaces.jar"), "-C", str(root / "interfaces"), "."], check=True)
    files = {str(path.relative_to(root / "handlers")): path.read_bytes() for path in (root / "handlers").rglob("*.class")}
    files["lib/interfaces.jar"] = (root / "interfaces.jar").read_bytes()
    names = {}

    def call(handler, event=None, **options):
        if handler not in names:
            names[handler] = server.create_function(files, runtime=java_runtime, handler="example." + handler, Timeout=60, MemorySize=512)
        return server.invoke(names[handler], event, **options)

    return call


@pytest.mark.parametrize("handler, event, result", [
    ("Handlers::echo", {"a": ["\u00fc", 1.5, None]}, {"a": ["\u00fc", 1.5, None]}),
    ("Handlers$Doubler", 21, 42),
    ("Handlers$Typed", {"name": "x", "weight": 1}, {"type": "Part"}),
])
def test_a_java_function_answers(java, handler, event, result):
    for _ in range(2):
        answer, response = java(handler, event)
        assert answer == result
        assert "FunctionError" not in response


def test_a_java_function_fails_as_on_aws(java):
    error = failure(java("Handlers::fail", 1))
    assert (error["errorType"], error["errorMessage"]) == ("java.lang.IllegalStateException", "b\u00e4d")
    assert error["stackTrace"][0].startswith("example.Handlers.deep(Handlers.java:")
    assert error["cause"]["errorType"] == "java.io.IOException"


def test_a_java_function_logs(java):
    assert "logged\nagain\n[INFO] level\n" in tail(java("Handlers::members", 1, LogType="Tail")[1])


def test_a_java_handler_that_is_not_there_is_an_init_error(java):
    error = failure(java("Missing::run"))
    assert (error["errorType"], error["errorMessage"]) == ("java.lang.ClassNotFoundException", "Class not found: example.Missing")
