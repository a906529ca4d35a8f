"""Hosts that lack something, and what hosts share with whatever runs on them: said, or refused, never silently weaker. A
program in front of the server refuses it the kernel's help (programs/without.c)."""

import json
import subprocess

import pytest
from lambent import BINARY, ROLE, make_zip

from functions_api import refused

ECHO = {"app.py": "def handler(event, context):\n    return event\n"}


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    from conftest import PROGRAMS

    folder = tmp_path_factory.mktemp("without")
    subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o", folder / "without", PROGRAMS / "without.c"],
                   check=True)
    return str(folder / "without")


def doctor(*prefix):
    return subprocess.run([*prefix, str(BINARY), "doctor"], capture_output=True, text=True)


def protection(text, name):
    """ENFORCED, of its line in the table."""
    return next(line for line in text.splitlines() if line.startswith(name + " ")).removeprefix(name).split()[0]


@pytest.mark.case("weaker-hosts")
def test_without_landlock_it_runs_says_so_and_is_refused_where_all_is_asked_for(new_server, without):
    assert protection(doctor(without, "landlock").stdout, "second wall around files") == "NO"
    server = new_server()
    server.prefix = [without, "landlock"]
    server.start()
    assert "second wall around files is NOT enforced" in server.log()
    assert server.invoke(server.create_function(ECHO), 1)[0] == 1
    server.stop()
    server.flags = ["--require-isolation", "full"]
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert "this host does not give isolation level full" in server.log()


@pytest.mark.case("weaker-hosts")
def test_without_system_call_filters_nothing_runs(new_server, without):
    server = new_server()
    server.prefix = [without, "seccomp"]
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert "seccomp" in server.log()


@pytest.mark.case("weaker-hosts")
def test_without_namespaces_no_function_runs(new_server, without):
    assert protection(doctor(without, "user-namespaces").stdout, "user namespace") == "NO"
    server = new_server()
    server.prefix = [without, "user-namespaces"]
    server.start()
    assert "functions cannot run on this host" in server.log()
    status, error, _ = refused(server.client("lambda").create_function, FunctionName="f", Runtime="python3.11",
                               Handler="app.handler", Role=ROLE, Code={"ZipFile": make_zip(ECHO)})
    assert (status, error) == (500, "ServiceException"), "not even a package is unpacked"
    server.stop()
    server.flags = ["--require-isolation", "standard"]
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert "user namespace is NOT enforced" in server.log()


@pytest.mark.case("side-channels")
def test_what_instances_share_is_told():
    text = doctor().stdout
    for name, path in {"SMT": "/sys/devices/system/cpu/smt/active", "KSM": "/sys/kernel/mm/ksm/run",
                       "swap": "/proc/swaps"}.items():
        line = next(line for line in text.splitlines() if line.startswith(name + " "))
        assert line.removeprefix(name).strip(), f"{name}, which the kernel tells in {path}"
    found = json.loads(subprocess.run([str(BINARY), "doctor", "--json"], capture_output=True, text=True, check=True).stdout)
    assert {"SMT", "KSM", "swap", "processor faults"} <= {each["name"] for each in found["advice"]}
