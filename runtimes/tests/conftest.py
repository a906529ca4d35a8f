"""Which interpreters the tests run with, and how an instance of each is started.

/usr/bin/python3 and node must be there; a missing one fails the tests. Further ones are taken where they are found.
"""

import glob
import os
import subprocess

import pytest

from instance import Instance
from line_server import LineServer
from runtime_paths import NODE_TEMPLATE_FLAGS, PYTHON_FLAGS, RUNTIMES
from template_process import SnapshotTemplate, Template, build_library, build_node_addon


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

    def start(self, program, handler, runtime_dir, env=None, server=None):
        instance = Instance(program, self.task_root, handler, runtime_dir, env, server or LineServer())
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


@pytest.fixture
def snapshot(starter, template_library):
    """snapshot(argv, files, handler, runtime_dir, env) -> SnapshotTemplate; its instances by starter.start(template, ...)"""
    templates = []

    def start(argv, files, handler, runtime_dir, env=None):
        starter.write(files)
        templates.append(SnapshotTemplate(argv, template_library, starter, handler, runtime_dir, env))
        return templates[-1]

    yield start
    for template in templates:
        template.stop()


@pytest.fixture(scope="session")
def template_library(tmp_path_factory):
    return build_library("template_double.c", tmp_path_factory.mktemp("template"))


PYTHON_DIR = os.path.join(RUNTIMES, "python")


@pytest.fixture(scope="session")
def python_template(python, template_library):
    """One for the whole session: what one instance does must not show in the next."""
    template = Template([python] + PYTHON_FLAGS + [os.path.join(PYTHON_DIR, "template.py")], template_library)
    yield template
    assert template.stop() == 0


def _runner(starter, program, runtime_dir, file, default_handler):
    def start(files, handler=default_handler, env=None):
        starter.write(files if isinstance(files, dict) else {file: files})
        return starter.start(program, handler, runtime_dir, env)

    return start


@pytest.fixture
def run_new_python(python, starter):
    """run_new_python(source or {file: text}, handler="app.handler", env) -> Instance, in an interpreter of its own"""
    return _runner(starter, [python] + PYTHON_FLAGS + [os.path.join(PYTHON_DIR, "bootstrap.py")], PYTHON_DIR, "app.py", "app.handler")


@pytest.fixture
def run_forked_python(python_template, starter):
    """The same, in a fork of a template."""
    return _runner(starter, python_template, PYTHON_DIR, "app.py", "app.handler")


@pytest.fixture(params=["new", "forked"])
def run_python(request, run_new_python, run_forked_python):
    """The same in both ways: no test can tell which."""
    return run_new_python if request.param == "new" else run_forked_python


NODE_DIR = os.path.join(RUNTIMES, "nodejs")


@pytest.fixture(scope="session")
def node_template(node, template_library, tmp_path_factory):
    addon = build_node_addon(tmp_path_factory.mktemp("addon"))
    template = Template([node] + NODE_TEMPLATE_FLAGS + [os.path.join(NODE_DIR, "template.cjs")], template_library,
                        {"LAMBENT_TEMPLATE_ADDON": addon})
    yield template
    assert template.stop() == 0


@pytest.fixture
def run_new_node(node, starter):
    """run_new_node(source or {file: text}, handler="index.handler", env) -> Instance, in a process of its own"""
    return _runner(starter, [node, os.path.join(NODE_DIR, "bootstrap.cjs")], NODE_DIR, "index.js", "index.handler")


@pytest.fixture
def run_forked_node(node_template, starter):
    """The same, in a fork of a template."""
    return _runner(starter, node_template, NODE_DIR, "index.js", "index.handler")


@pytest.fixture(params=["new", "forked"])
def run_node(request, run_new_node, run_forked_node):
    """The same in both ways: no test can tell which."""
    return run_new_node if request.param == "new" else run_forked_node


RUBY_DIR = os.path.join(RUNTIMES, "ruby")


@pytest.fixture(scope="session")
def ruby_template(template_library):
    template = Template(["ruby", os.path.join(RUBY_DIR, "template.rb")], template_library)
    yield template
    assert template.stop() == 0


@pytest.fixture
def run_new_ruby(starter):
    """run_new_ruby(source or {file: text}, handler="function.handler", env) -> Instance, in a process of its own"""
    return _runner(starter, ["ruby", os.path.join(RUBY_DIR, "bootstrap.rb")], RUBY_DIR, "function.rb", "function.handler")


@pytest.fixture
def run_forked_ruby(ruby_template, starter):
    """The same, in a fork of a template."""
    return _runner(starter, ruby_template, RUBY_DIR, "function.rb", "function.handler")


@pytest.fixture(params=["new", "forked"])
def run_ruby(request, run_new_ruby, run_forked_ruby):
    """The same in both ways: no test can tell which."""
    return run_new_ruby if request.param == "new" else run_forked_ruby
