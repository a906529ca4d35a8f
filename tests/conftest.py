"""Fixtures of the tests on the real binary. `server` is one real server for a whole test session; tests use functions and tables of
their own names on it. Tests that stop, kill or configure a server make their own with `new_server`."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import lambent  # noqa: E402


@pytest.fixture(scope="session")
def server():
    folder = tempfile.mkdtemp(prefix="lambent-system-")
    running = lambent.Server(os.path.join(folder, "data")).start()
    yield running
    code = running.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert code == 0, f"the server ended with {code}"


@pytest.fixture
def new_server(tmp_path):
    """A factory: new_server(*flags, environment={…}, name="data") gives a server that is not started yet."""
    made = []

    def make(*flags, environment=None, name="data"):
        made.append(lambent.Server(tmp_path / name, flags, environment))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def make_zip():
    return lambent.make_zip


@pytest.fixture
def new_name():
    return lambent.new_name


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The server's own log beside a failure."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for name in ("server",):
            if name in item.funcargs:
                report.sections.append(("server log (end)", item.funcargs[name].log()[-6000:]))


@pytest.fixture(scope="session")
def ruby_runtime():
    """The runtime identifier of the Ruby on this machine, which tools/packages.sh installs."""
    import subprocess

    version = subprocess.run(["ruby", "-e", "print RUBY_VERSION"], capture_output=True, text=True, check=True).stdout
    return "ruby" + ".".join(version.split(".")[:2])


@pytest.fixture(scope="session")
def node_runtime():
    """The runtime identifier of the Node.js on this machine, which tools/packages.sh installs."""
    import subprocess

    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return f"nodejs{version.strip().lstrip('v').split('.')[0]}.x"
