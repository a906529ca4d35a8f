"""`lambent doctor` and `--require-isolation`: what is enforced is said, and what is required is not started without."""

import errno
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import lambent
import pytest
from lambent import BINARY, Server

from test_rights import only_root, status

ORDINARY = 12345
AS_ORDINARY = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
STANDARD = {"user namespace", "pid namespace", "mount namespace", "network namespace", "ipc namespace", "uts namespace",
            "cgroup namespace", "no capabilities", "system call filter", "memory limit", "process limit",
            "processor share", "open file limit", "size of /tmp", "server's rights", "spawner's rights"}


def doctor(*flags, prefix=()):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LAMBENT_")}
    done = subprocess.run([*prefix, str(lambent.BINARY), "doctor", *flags], capture_output=True, text=True, timeout=60,
                          env=environment, cwd="/")
    return done.returncode, done.stdout, done.stderr


def examined(*flags, prefix=()):
    code, out, said = doctor("--json", *flags, prefix=prefix)
    assert code in (0, 1) and out, said
    found = json.loads(out)
    return code, found, {each["name"]: each for each in found["protections"]}


@pytest.fixture(scope="module")
def ordinary():
    """A folder of an ordinary user's, from which that user can run the program."""
    folder = tempfile.mkdtemp(prefix="lambent-ordinary-")
    reachable = subprocess.run([*AS_ORDINARY, "test", "-x", str(BINARY)]).returncode == 0
    before = lambent.BINARY
    if not reachable:
        lambent.BINARY = shutil.copy(BINARY, folder)
        os.chmod(folder, 0o755)
    os.chown(folder, ORDINARY, ORDINARY)
    yield folder
    lambent.BINARY = before
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ordinary_server(ordinary):
    made = []

    def make(*flags, prefix=()):
        server = Server(os.path.join(ordinary, f"data{len(os.listdir(ordinary))}"), flags)
        server.prefix = [*prefix, *AS_ORDINARY]
        made.append(server)
        return server

    yield make
    for each in made:
        each.stop()


def test_every_protection_is_told_with_how_to_get_it():
    code, found, protections = examined()
    assert code == 0 and found["canLaunch"] and found["enough"]
    assert {name for name, each in protections.items() if each["requiredFrom"] == "standard"} == STANDARD
    assert STANDARD | {"user of its own", "seen from inside"} <= set(protections)
    for each in protections.values():
        assert each["state"] in ("full", "partial", "none")
        assert each["means"] if each["state"] == "full" else each["remedy"]
    assert {"SMT", "KSM", "swap", "kernel", "core_pattern", "unprivileged user namespaces"} <= {a["name"] for a in found["advice"]}


def test_the_table_says_the_same():
    code, out, _ = doctor()
    _, found, protections = examined()
    assert code == 0
    words = {"full": "enforced", "partial": "PARTLY", "none": "NO"}
    for name, each in protections.items():
        row = next(line for line in out.splitlines() if line.startswith(name + " "))
        assert row.removeprefix(name).split()[0] == words[each["state"]]
    assert f"isolation level: {found['level']}" in out


@only_root
def test_an_ordinary_user_is_told_what_is_weaker_and_how_to_get_it(ordinary):
    code, found, protections = examined(prefix=AS_ORDINARY)
    assert code == 0 and found["canLaunch"]
    own = protections["user of its own"]
    assert own["state"] == "partial" and "as root" in own["remedy"]
    for limit in ("memory limit", "processor share", "process limit"):
        assert protections[limit]["state"] != "full" and "Delegate=yes" in protections[limit]["remedy"], limit
    for name in STANDARD - {"memory limit", "processor share", "process limit"}:
        assert protections[name]["state"] == "full", name
    assert found["level"] == "any"
    code, out, _ = doctor("--require-isolation", "standard", prefix=AS_ORDINARY)
    assert code == 1
    missing = out[out.index("does not give isolation level standard"):]
    assert "memory limit" in missing and "processor share" in missing and "user of its own" not in missing
    assert "user of its own" in doctor("--require-isolation", "full", prefix=AS_ORDINARY)[1]


def test_a_level_that_is_none_is_refused():
    code, _, said = doctor("--require-isolation", "perfect")
    assert code != 0 and "any, standard, full" in said


@only_root
def test_a_server_does_not_start_below_the_level_that_it_must_have(ordinary_server):
    server = ordinary_server("--require-isolation", "standard")
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert server.process.wait(30) == 1
    assert "does not give isolation level standard" in server.log() and "processor share" in server.log()
    server.flags = ["--require-isolation", "any"]
    server.start()
    assert "isolation level: any" in server.log()


def test_a_server_starts_at_the_level_that_the_host_has(new_server):
    _, found, _ = examined()
    server = new_server("--require-isolation", found["level"]).start()
    assert f"isolation level: {found['level']}" in server.log()


# ---- started by an ordinary user


@pytest.fixture
def delegated():
    """A command that runs another in a cgroup of the ordinary user's own, in each hierarchy, as systemd delegates one."""
    made, lines, carried = [], [], set()
    for line in open("/proc/self/cgroup"):
        _, controllers, path = line.strip().split(":", 2)
        if controllers and not {"cpu", "memory", "pids", "freezer"} & set(controllers.split(",")):
            continue
        for root in ([f"/sys/fs/cgroup/{controllers}"] if controllers else ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]):
            own = pathlib.Path(root + path)
            if not (own / "cgroup.procs").exists():
                continue
            folder = own / f"lambent-delegated-{os.getpid()}"
            folder.mkdir()
            made.append(folder)
            carried |= set(controllers.split(",") if controllers else (folder / "cgroup.controllers").read_text().split())
            for each in [folder, *folder.iterdir()]:
                os.chown(each, ORDINARY, ORDINARY)
            lines.append(f"echo $$ > {folder}/cgroup.procs")
            break
    if not {"cpu", "memory", "pids"} <= carried:
        for folder in made:
            folder.rmdir()
        pytest.skip(f"cgroup version 2 hands only {sorted(carried)} on to a cgroup beside the test's processes")
    yield ["sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh"]
    for folder in made:
        for inner in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
            inner.rmdir()  # version 2 leaves the one that the server moved to
        folder.rmdir()


@only_root
def test_with_a_delegated_cgroup_an_ordinary_user_has_every_limit(ordinary_server, delegated):
    code, found, protections = examined("--require-isolation", "standard", prefix=[*delegated, *AS_ORDINARY])
    assert code == 0 and found["level"] == "standard", protections
    for limit in ("memory limit", "processor share", "process limit"):
        assert protections[limit]["state"] == "full", protections[limit]
    assert protections["user of its own"]["state"] == "partial"
    server = ordinary_server("--require-isolation", "standard", prefix=delegated).start()
    name = server.create_function({"app.py": """
import os, signal
def handler(event, context):
    children = []
    try:
        while len(children) < 5000:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    except OSError as error:
        return [len(children), error.errno]
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
"""}, Timeout=60, MemorySize=1024)
    count, error = server.invoke(name)[0]
    assert error == errno.EAGAIN and 900 < count < 1024, "the limit of processes is the cgroup's"
    assert server.stop() == 0


@only_root
def test_an_ordinary_user_serves_functions_and_reads_what_is_weaker(ordinary_server):
    server = ordinary_server().start()
    name = server.create_function({"app.py": """
import os
def handler(event, context):
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file.read().splitlines())
    return {key: lines[key].split() for key in ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")} | {
        "pids": sorted(int(p) for p in os.listdir("/proc") if p.isdigit()), "event": event}
"""})
    answer, response = server.invoke(name, "x")
    assert "FunctionError" not in response, answer
    assert answer["event"] == "x"
    assert answer["CapEff"] == answer["CapBnd"] == ["0" * 16]
    assert (answer["NoNewPrivs"], answer["Seccomp"][0]) == (["1"], "2")
    assert max(answer["pids"]) < 20, "its own processes only"
    assert set(status(server.pid)["Uid"]) == {str(ORDINARY)}
    for weaker in ("user of its own", "memory limit", "processor share", "process limit"):
        assert f"{weaker} is " in server.log()
    owners = {os.lstat(os.path.join(folder, each)).st_uid
              for folder, folders, files in os.walk(server.data) for each in [*folders, *files]}
    assert owners == {ORDINARY}
    assert server.stop() == 0
