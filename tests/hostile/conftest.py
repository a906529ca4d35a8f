"""The hostile suite: attacks from inside real sandboxes. cases.toml is the table of what is attacked and what must come
of it; every test names its case by `@pytest.mark.case("name")`. The end of a run prints each case with its outcome."""

import shutil
import subprocess

import pytest
from lambent import ROOT, make_zip

import table
from probe import Attacker, Probe

PROGRAMS = ROOT / "tests/hostile/programs"


def pytest_configure(config):
    config.addinivalue_line("markers", "case(name): the case of cases.toml that the test is of")
    config.hostile_outcomes = table.Outcomes(table.read())


def pytest_runtest_logreport(report):
    for name in [value for key, value in report.user_properties if key == "case"]:
        CONFIG.hostile_outcomes.add(name, report)


CONFIG = None


def pytest_collection_modifyitems(config, items):
    global CONFIG
    CONFIG = config
    for item in items:
        for mark in item.iter_markers("case"):
            item.user_properties += [("case", name) for name in mark.args]


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("hostile cases")
    terminalreporter.write_line(config.hostile_outcomes.text())


@pytest.fixture(scope="session")
def probe(server):
    return Probe(server)


@pytest.fixture(scope="session")
def other(server):
    """The same in another function: the neighbour, whom nothing that `probe` does may reach."""
    return Probe(server)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """compiled("fork_bomb") -> the path of programs/fork_bomb.c as a program."""
    folder = tmp_path_factory.mktemp("programs")
    assert shutil.which("cc"), "tools/packages.sh installs a C compiler"

    def build(name):
        out = folder / name
        if not out.exists():
            subprocess.run(["cc", "-std=gnu17", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", out,
                            PROGRAMS / f"{name}.c"], check=True)
        return out

    return build


@pytest.fixture(scope="session")
def attacker(server, compiled):
    """attacker("fork_bomb", Timeout=3) -> an Attacker: the program deployed as a function of its own."""
    made = {}

    def deploy(name, on=None, **options):
        key = (name, id(on), repr(options))
        if key not in made:
            made[key] = Attacker(on or server, compiled(name).read_bytes(), **options)
        return made[key]

    return deploy
