"""What is particular to instances forked from a Python template; test_python.py runs against them as well."""

import os

import pytest

from runtime_paths import PYTHON_FLAGS, RUNTIMES
from template_process import Template

STATE = """
import gc, locale, logging, os, signal, sys, threading, time, warnings
def handler(event, context):
    with open("/proc/self/status") as status:
        masks = [line for line in status if line.startswith(("Sig", "Threads", "Umask")) and not line.startswith("SigQ")]
    fds = []
    for fd in sorted(os.listdir("/proc/self/fd"), key=int):
        if os.path.exists("/proc/self/fd/" + fd):
            fds.append(fd + " " + os.readlink("/proc/self/fd/" + fd).split(":")[0].split("/output")[-1])
    return {
        "fds": fds, "environ": dict(os.environ), "printenv": os.popen("env -0").read().split("\\0"),
        "argv": sys.argv, "orig_argv": getattr(sys, "orig_argv", None), "path": sys.path, "flags": str(sys.flags),
        "meta_path": [str(type(f)) + getattr(f, "__name__", "") for f in sys.meta_path], "cwd": os.getcwd(),
        "main": [sys.modules["__main__"].__file__, sys.modules["__main__"].__name__],
        "masks": masks, "gc": [gc.isenabled(), gc.get_threshold()],
        "signals": [str(signal.getsignal(n)) for n in range(1, 30)], "tz": time.tzname, "zone": time.timezone,
        "locale": [locale.getlocale(), sys.getfilesystemencoding(), sys.stdout.encoding, sys.stdout.errors],
        "streams": [sys.stdin.fileno(), sys.stdout.line_buffering, sys.stderr.line_buffering], "switch": sys.getswitchinterval(),
        "recursion": sys.getrecursionlimit(), "prefix": [sys.prefix, sys.executable], "filters": str(warnings.filters),
        "threads": [t.name for t in threading.enumerate()],
    }
"""


def _pid_and_modules(run):
    return run("import os, sys\ndef handler(e, c): return [os.getppid(), 'asyncio' in sys.modules]")


def test_an_instance_is_a_fork_with_common_modules_loaded(run_forked_python, python_template):
    run = _pid_and_modules(run_forked_python)
    assert run.result() == [python_template.process.pid, True]


@pytest.mark.parametrize("env", [
    {}, {"TZ": "Asia/Tokyo", "PYTHONPATH": "/var/extra:/opt/more", "HOME": "/nowhere", "WITH_EQUALS": "a=b=", "EMPTY": ""},
])
def test_a_fork_looks_like_a_new_interpreter(run_new_python, run_forked_python, env):
    states = []
    for run in (run_new_python, run_forked_python):
        state = run(STATE, env=env).result()
        assert "_LAMBENT_RUNTIME_LINE" not in state["environ"]
        state["printenv"].sort()
        state["fds"] = [fd.partition(" ")[2] if fd.endswith(" socket") else fd for fd in state["fds"]]
        states.append(state)
    assert states[0] == states[1]


def test_the_template_stays_one_thread_without_connection(python_template):
    pid = python_template.process.pid
    assert len(os.listdir("/proc/%d/task" % pid)) == 1
    assert sorted(os.listdir("/proc/%d/fd" % pid), key=int) == ["0", "1", "2", str(python_template.control_fd)]


RANDOM = """
import os, random, secrets, ssl, tempfile, uuid
FIRST = [random.random(), str(random.Random().random())]
def handler(event, context):
    return FIRST + [random.getrandbits(64), str(uuid.uuid4()), uuid.uuid1().hex, secrets.token_hex(8), ssl.RAND_bytes(8).hex(),
                    next(tempfile._get_candidate_names()), os.urandom(8).hex()]
"""


def test_no_two_forks_have_the_same_random_numbers(run_forked_python):
    values = [value for _ in range(20) for value in run_forked_python(RANDOM).result()]
    assert len(set(values)) == len(values)


def test_what_one_fork_changes_is_not_seen_by_the_next(run_forked_python):
    source = """
import json, os, sys
before = [hasattr(json, "mark"), "MARK" in os.environ, "/mark" in sys.path, getattr(sys, "mark", 0)]
def handler(event, context):
    json.mark = sys.mark = 1
    os.environ["MARK"] = "1"
    sys.path.append("/mark")
    return before
"""
    assert [run_forked_python(source).result() for _ in range(2)] == [[False, False, False, 0]] * 2


@pytest.mark.parametrize("env, expression, value", [
    ({"PYTHONHASHSEED": "0"}, "hash('lambent') == int(__import__('os').popen("
                              "'PYTHONHASHSEED=0 %s -c \"print(hash(chr(108)+chr(97)+chr(109)+chr(98)+chr(101)+chr(110)+chr(116)))\"' % "
                              "__import__('sys').executable).read())", True),
    ({"PYTHONOPTIMIZE": "1"}, "__debug__", False),
    ({"LD_LIBRARY_PATH": "/var/task/lib"}, "'asyncio' in __import__('sys').modules", False),
    ({"LANG": "C"}, "'asyncio' in __import__('sys').modules", False),
    ({"PYTHONPATH": "relative"}, "'asyncio' in __import__('sys').modules", False),
])
def test_variables_that_count_at_the_start_only_make_a_new_interpreter(run_forked_python, env, expression, value):
    assert run_forked_python("def handler(e, c): return %s" % expression, env=env).result() is value


def test_a_module_of_the_function_goes_before_a_loaded_one_of_the_same_name(run_forked_python):
    run = run_forked_python({"app.py": "import csv, json\ndef handler(e, c): return [json.mine, csv.other]",
                             "json/__init__.py": "mine = 5", "csv.py": "from json import mine as other"})
    assert run.result() == [5, 5]


@pytest.fixture
def template_with_extra(python, template_library, tmp_path):
    extra = tmp_path / "extra" / "bigsdk"
    extra.mkdir(parents=True)
    (extra / "__init__.py").write_text("import bigsdk.part\nkind = 'preloaded'\n")
    (extra / "part.py").write_text("")
    template = Template([python] + PYTHON_FLAGS + [os.path.join(RUNTIMES, "python", "template.py")], template_library,
                        {"LAMBENT_TEMPLATE_PRELOAD": "bigsdk nowhere", "PYTHONPATH": str(tmp_path / "extra")})
    yield template
    assert template.stop() == 0


@pytest.mark.parametrize("files, kind", [
    ({"app.py": "import bigsdk\ndef handler(e, c): return bigsdk.kind"}, "preloaded"),
    ({"app.py": "import bigsdk\ndef handler(e, c): return bigsdk.kind", "bigsdk/__init__.py": "kind = 'own'"}, "own"),
])
def test_a_preloaded_package_is_there_unless_the_function_brings_its_own(template_with_extra, starter, files, kind):
    starter.write(files)
    run = starter.start(template_with_extra, "app.handler", os.path.join(RUNTIMES, "python"))
    assert run.result() == kind


def test_a_fork_may_use_threads_subprocesses_and_asyncio(run_forked_python):
    run = run_forked_python("""
import asyncio, concurrent.futures, subprocess, threading
def handler(event, context):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        squares = list(pool.map(lambda n: n * n, range(4)))
    text = subprocess.run(["echo", "out"], capture_output=True, text=True).stdout
    return [squares, text, asyncio.run(asyncio.sleep(0.001, "slept")), threading.main_thread().native_id == threading.get_native_id()]
""")
    assert run.result() == [[0, 1, 4, 9], "out\n", "slept", True]


def test_exit_handlers_of_the_function_run(run_forked_python):
    run = run_forked_python("import atexit, sys\natexit.register(print, 'left')\ndef handler(e, c): sys.exit(3)")
    run.send(None)
    assert run.exit_code() == 3
    assert run.output() == "left\n"
