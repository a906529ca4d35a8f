"""What a template's forks draw is their own: random numbers, UUIDs, TLS keys, temporary names, request ids of SDKs.

FORKS=100000 for the long form (`make soak`)."""

import json
import os
import socket
import subprocess

import botocore
import pytest

from instance import function_environment
from runtime_paths import NODE_TEMPLATE_FLAGS, PYTHON_FLAGS, RUNTIMES
from template_process import build_library, build_node_addon
import fork_draws

FORKS = int(os.environ.get("FORKS", "200"))
AT_ONCE = os.cpu_count() * 2
SECONDS_EACH = 0.5  # a bound for a machine under load
KEY_SHARE = 51  # RFC 8446, 4.2
LINE, LINE_OF_FORKS = "_LAMBENT_RUNTIME_LINE", "60"  # as template_storm.c has it


@pytest.fixture(scope="session")
def storm_library(tmp_path_factory):
    return build_library("template_storm.c", tmp_path_factory.mktemp("storm"))


def run_storm(argv, library, environment, template_environment, folder):
    """The lines of JSON that FORKS forks of a template wrote. The template is process 1 of a pid namespace, as they are."""
    block, output = folder / "environment", folder / "output"
    block.write_bytes(b"".join(f"{name}={value}".encode() + b"\0" for name, value in environment.items()))
    output.touch()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    own_namespaces = ["unshare", *rights, "--pid", "--fork", "--kill-child", "--mount-proc"]
    line, other_end = socket.socketpair()  # of INIT, in a snapshot
    full = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC", **template_environment,
            "LAMBENT_TEMPLATE_FD": str(theirs.fileno()), "LAMBENT_TEMPLATE_LIBRARY": library}
    if LINE in full:
        full[LINE] = str(line.fileno())
    with ours, theirs, line, other_end, subprocess.Popen([*own_namespaces, *argv], env=full, stdin=subprocess.DEVNULL,
                                        pass_fds=[theirs.fileno(), line.fileno()]) as template:
        theirs.close()
        ours.settimeout(60 + FORKS * SECONDS_EACH)
        ours.send(f"{FORKS} {AT_ONCE} {block} {output}".encode())
        try:
            succeeded = int(ours.recv(64) or b"-1")
        finally:
            template.terminate()
    assert succeeded == FORKS, f"{succeeded} of {FORKS}\n{output.read_text()[:4000]}"
    with output.open() as lines:
        yield from map(json.loads, lines)


def parts_of_hello(hello):
    """What a client draws for a TLS handshake: the fields of its ClientHello (RFC 8446, 4.1.2)."""
    message = bytes.fromhex(hello)[5 + 4 + 2:]
    parts, rest = {"tls_random": message[:32]}, message[32:]
    parts["tls_session"], rest = rest[1:1 + rest[0]], rest[1 + rest[0]:]
    rest = rest[2 + int.from_bytes(rest[:2], "big"):]
    rest = rest[1 + rest[0] + 2:]
    while rest:
        kind, size = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
        if kind == KEY_SHARE:
            parts["tls_key"] = rest[4:4 + size]
        rest = rest[4 + size:]
    return parts


def check_all_differ(draws, least_kinds):
    """No value, of any kind, came twice."""
    seen, repeated, children = set(), {}, 0
    for draw in draws:
        draw.update(parts_of_hello(draw.pop("hello")))
        assert len(draw) >= least_kinds and "tls_key" in draw, draw.keys()
        children += 1
        for kind, value in draw.items():
            if value in seen:
                repeated[kind] = repeated.get(kind, 0) + 1
            seen.add(value)
    print(f"{children} forks, {len(seen)} values")
    assert children == FORKS
    assert not repeated, f"kinds that repeat, and how often: {repeated}"


@pytest.fixture(params=["blank", "snapshot"])
def storm(request, storm_library, tmp_path):
    """storm(argv, {file: text}, handler, runtime folder, environment of the template) -> what the forks drew"""

    def run(argv, files, handler, runtime, template_environment=None):
        task, draws = tmp_path / "task", tmp_path / "draws"
        task.mkdir()
        draws.mkdir()
        for name, text in files.items():
            (task / name).write_text(text)
        environment = {**function_environment(task, handler, runtime), "DRAWS_FOLDER": str(draws), LINE: LINE_OF_FORKS}
        own = template_environment or {}
        if request.param == "snapshot":
            environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
            environment["DRAWS_BOTO"] = "1"
            environment["PYTHONPATH"] = os.path.dirname(os.path.dirname(botocore.__file__))
            environment["NODE_PATH"] = runtime
            own = {**environment, **own, "LAMBENT_TEMPLATE_MODE": "snapshot"}
        return run_storm(argv, storm_library, environment, own, tmp_path)

    return run


def test_forks_of_a_python_template_share_nothing_random(storm):
    folder = os.path.join(RUNTIMES, "python")
    check_all_differ(storm(["/usr/bin/python3", *PYTHON_FLAGS, os.path.join(folder, "template.py")],
                           {"app.py": fork_draws.PYTHON}, "app.handler", folder), 14)


def test_forks_of_a_node_template_share_nothing_random(storm, node, tmp_path_factory):
    folder = os.path.join(RUNTIMES, "nodejs")
    addon = {"LAMBENT_TEMPLATE_ADDON": build_node_addon(tmp_path_factory.mktemp("addon"))}
    check_all_differ(storm([node, *NODE_TEMPLATE_FLAGS, os.path.join(folder, "template.cjs")], {"index.js": fork_draws.NODE},
                           "index.handler", folder, addon), 12)


def test_forks_of_a_ruby_template_share_nothing_random(storm):
    folder = os.path.join(RUNTIMES, "ruby")
    check_all_differ(storm(["ruby", os.path.join(folder, "template.rb")], {"function.rb": fork_draws.RUBY},
                           "function.handler", folder), 15)
