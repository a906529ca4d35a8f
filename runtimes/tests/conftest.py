"""Which interpreters the tests run with, and how an instance of each is started.

/usr/bin/python3 and node must be there; a missing one fails the tests. Further ones are taken where they are found.
"""

import glob
import os
import subprocess

import pytest

from runtime_api_server import Instance
from runtime_paths import PYTHON_FLAGS, RUNTIMES
from template_process import Template, build_double


def _first_of_each_version(candidates):
    found = {}
    for path in candidates:
        version = subprocess.run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                                 capture_output=True, text=True)
        if version.returncode == 0:
            found.setdefault(version.stdout.strip(), path)
    return found


def _pythons():
    patterns = ["/usr/bin/python3", "/usr/bin/python3.[0-9]*[0-9]", "/usr/local/bin/python3.[0-9]*[0-9]",
                os.path.expanduser("~/.pyenv/versions/3.*/bin/python3")]
    found = _first_of_each_version(path for pattern in patterns for path in sorted(glob.glob(pattern)))
    supported = {v: p for v, p in found.items() if 9 <= int(v.split(".")[1]) <= 14}
    system = supported.pop(next((v for v, p in supported.items() if p == "/usr/bin/python3"), None), "/usr/bin/python3")
    return [system] + [supported[version] for version in sorted(supported)]


def _nodes():
    return [path for path in os.environ.get("LAMBENT_TEST_NODES", "").split(":") if path] or ["node"]


@pytest.fixture(params=_pythons(), scope="session")
def python(request):
    return request.param


@pytest.fixture(params=_nodes(), scope="session")
def node(request):
    return request.param


class Starter:
    """Writes a function's files and starts instances of it, which end with the test."""

    def __init__(self, tmp_path):
        self.task_root = tmp_path / "task"
        self.task_root.mkdir()
        self._running = []

    def write(self, files):
        for name, text in files.items():
            path = self.task_root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def start(self, program, handler, runtime_dir, env=None):
        instance = Instance(program, self.task_root, handler, runtime_dir, env)
        self._running.append(instance)
        return instance

    def stop(self):
        for instance in self._running:
            instance.__exit__()


@pytest.fixture
def starter(tmp_path):
    starter = Starter(tmp_path)
    yield starter
    starter.stop()


@pytest.fixture(scope="session")
def template_library(tmp_path_factory):
    return build_double(tmp_path_factory.mktemp("template"))


PYTHON_DIR = os.path.join(RUNTIMES, "python")


@pytest.fixture(scope="session")
def python_template(python, template_library):
    """One for the whole session: what one instance does must not show in the next."""
    template = Template([python] + PYTHON_FLAGS + [os.path.join(PYTHON_DIR, "template.py")], template_library)
    yield template
    assert template.stop() == 0


def _python_runner(starter, program):
    def start(files, handler="app.handler", env=None):
        starter.write(files if isinstance(files, dict) else {"app.py": files})
        return starter.start(program, handler, PYTHON_DIR, env)

    return start


@pytest.fixture
def run_new_python(python, starter):
    """run_new_python(source or {file: text}, handler="app.handler", env) -> Instance, in an interpreter of its own"""
    return _python_runner(starter, [python] + PYTHON_FLAGS + [os.path.join(PYTHON_DIR, "bootstrap.py")])


@pytest.fixture
def run_forked_python(python_template, starter):
    """The same, in a fork of a template."""
    return _python_runner(starter, python_template)


@pytest.fixture(params=["new", "forked"])
def run_python(request, run_new_python, run_forked_python):
    """The same in both ways: no test can tell which."""
    return run_new_python if request.param == "new" else run_forked_python


@pytest.fixture
def run_node(node, starter):
    """run_node(source or {file: text}, handler="index.handler", env) -> Instance"""

    def start(files, handler="index.handler", env=None):
        starter.write(files if isinstance(files, dict) else {"index.js": files})
        runtime_dir = os.path.join(RUNTIMES, "nodejs")
        argv = [node, os.path.join(runtime_dir, "bootstrap.cjs")]
        return starter.start(argv, handler, runtime_dir, env)

    return start
