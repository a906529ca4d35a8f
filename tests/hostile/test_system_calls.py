"""Every system call of the running kernel, asked of every policy: the compiled filters are evaluated, the result is
compared with golden/system_calls.txt, and the calls are then made from inside real functions, which must agree.

    build/venv/bin/python tests/hostile/test_system_calls.py --write      accepts what the policies say now
"""

import difflib
import errno
import pathlib
import signal
import sys

if __name__ == "__main__":  # as a script it is not conftest.py that finds the harness
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import pytest  # noqa: E402
from lambent import ROOT, Server  # noqa: E402

from call_rows import CLASSES, rows  # noqa: E402
from filters import FAMILIES, I386, POLICIES, UNFILTERED, X32_BIT, action, read  # noqa: E402

GOLDEN = ROOT / "tests/hostile/golden/system_calls.txt"
HEAD = """# What each policy of policies/seccomp/ answers to each system call; the last column is the call and its class of arguments.
# Written by tests/hostile/test_system_calls.py --write. "-" names a number without a call.
"""
ASKED = 1024  # numbers of the other two ways into the kernel: x32 and 32-bit


def expected(policy, row):
    return action(read(policy)[1], row.number, row.arguments)


def table():
    lines = [HEAD + "".join(f"{policy:>16}" for policy in POLICIES) + "  call"]
    for row in rows():
        lines.append("".join(f"{expected(policy, row):>16}" for policy in POLICIES) + f"  {row.number} {row.label}")
    for way, outcomes in other_ways().items():
        lines.append("".join(f"{outcomes[policy]:>16}" for policy in POLICIES) + f"  {way}")
    return "\n".join(lines) + "\n"


def other_ways():
    def of(policy, actions):
        found = {action(read(policy)[1], *arguments) for arguments in actions}
        return "/".join(sorted(found))

    x32 = [(X32_BIT + number,) for number in range(ASKED)]
    i386 = [(number, (0,) * 6, I386) for number in range(ASKED)]
    return {"every x32 call": {policy: of(policy, x32) for policy in POLICIES},
            "every 32-bit call": {policy: of(policy, i386) for policy in POLICIES}}


@pytest.mark.case("system-calls")
def test_the_table_of_all_system_calls_is_the_golden_one():
    now, golden = table(), GOLDEN.read_text()
    diff = "\n".join(difflib.unified_diff(golden.splitlines(), now.splitlines(), "golden", "now", n=0, lineterm=""))
    assert now == golden, f"policies changed; {__file__} --write accepts this:\n{diff}"


@pytest.mark.case("system-calls")
def test_a_call_whose_arguments_decide_has_rows_for_its_classes():
    conditional = {rule.call for policy in POLICIES for rule in read(policy)[0] if rule.conditions}
    assert conditional - set(CLASSES) == set()


@pytest.mark.case("system-calls")
def test_what_leads_out_is_refused_by_every_family():
    refused = ("mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr unshare "
               "setns ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp bpf perf_event_open userfaultfd io_uring_setup "
               "io_uring_enter io_uring_register add_key request_key keyctl open_by_handle_at name_to_handle_at init_module "
               "finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff modify_ldt seccomp iopl ioperm "
               "syslog acct quotactl fanotify_init vmsplice move_pages process_madvise memfd_secret").split()
    of_all = {row.label: {expected(policy, row) for policy in FAMILIES} for row in rows()}
    assert {call: of_all[call] for call in refused if of_all[call] != {"EPERM"}} == {}
    never = [label for label in of_all if any(word in label for word in (
        "CLONE_NEWNS", "CLONE_NEWUSER", "CLONE_NEWPID", "CLONE_NEWNET", "TIOCSTI", "TIOCLINUX", "S_IFCHR", "S_IFBLK",
        "AF_INET RAW", "AF_INET6 RAW", "AF_PACKET", "AF_ALG", "AF_VSOCK", "AF_XDP", "F_NOTIFY", "F_SETLEASE", "PR_SET_SECCOMP", "ADDR_NO_RANDOMIZE"))]
    assert len(never) > 20
    assert {label: of_all[label] for label in never if "allow" in of_all[label]} == {}


# ---- the same from inside -----------------------------------------------------------------------------------------

PYTHON = """
import subprocess
def handler(event, context):
    return subprocess.run(["/var/task/system_calls"], input=event, capture_output=True, text=True, check=True).stdout
"""
NODE = """
exports.handler = async (event) => require('child_process').execFileSync('/var/task/system_calls', {input: event}).toString();
"""
RUBY = """
require 'open3'
def handler(event:, context:)
  Open3.capture2('/var/task/system_calls', stdin_data: event)[0]
end
"""
BOOTSTRAP = """#!/usr/bin/python3 -S
import http.client, json, os, subprocess
while True:
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    call = api.getresponse()
    event = json.loads(call.read())
    out = subprocess.run(["/var/task/system_calls"], input=event, capture_output=True, text=True).stdout
    api.request("POST", "/2018-06-01/runtime/invocation/%s/response" % call.headers["Lambda-Runtime-Aws-Request-Id"],
                json.dumps(out))
    api.getresponse().read()
"""


@pytest.fixture(scope="session")
def recording_server(tmp_path_factory):
    """One that records refused calls, where the host lets it."""
    running = Server(tmp_path_factory.mktemp("recording") / "data", ["--record-denied-calls", "yes"]).start()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["server", "recording_server"])
def make_calls(request, compiled, node_runtime, ruby_runtime):
    """make_calls(family, lines) -> a word for each line, from inside a function of that family."""
    server = request.getfixturevalue(request.param)
    code = {"python": ("python3.11", {"app.py": PYTHON}), "nodejs": (node_runtime, {"app.js": NODE}),
            "ruby": (ruby_runtime, {"app.rb": RUBY}), "provided": ("provided.al2023", {"bootstrap!": BOOTSTRAP})}
    functions = {}

    def make(family, lines):
        if family not in functions:
            runtime, files = code[family]
            files = {**files, "system_calls!": compiled("system_calls").read_bytes()}
            functions[family] = server.create_function(files, runtime=runtime, Timeout=60, MemorySize=512)
        answer, response = server.invoke(functions[family], "\n".join(lines) + "\n")
        assert "FunctionError" not in response, answer
        return answer.splitlines()

    return make


@pytest.mark.case("system-calls")
@pytest.mark.parametrize("family", ["python", "nodejs", "ruby", "provided"])
def test_calls_made_inside_end_as_the_filter_says(make_calls, family):
    made = [row for row in rows() if row.is_made]
    outcomes = make_calls(family, [f"n {row.number} {' '.join(map(str, row.arguments))}" for row in made])
    assert len(outcomes) == len(made)
    wrong = []
    for row, outcome in zip(made, outcomes):
        found = errno.errorcode.get(int(outcome)) if outcome.isdigit() else outcome
        wanted = expected(family, row)
        if found == UNFILTERED.get(row.name):
            continue
        # An allowed call ends as the kernel likes, with these arguments mostly in an error, but there is such a call.
        if found != wanted if wanted != "allow" else found == "ENOSYS" or found.startswith("killed"):
            wrong.append(f"{row.number} {row.label}: {found}, not {wanted}")
    assert wrong == []


@pytest.mark.case("system-calls")
@pytest.mark.parametrize("family", ["python", "nodejs", "ruby", "provided"])
def test_the_other_two_ways_into_the_kernel_end_the_process(make_calls, family):
    zeros = " 0" * 6
    killed = f"killed {int(signal.SIGSYS)}"
    # getpid, as x32 and as a 32-bit call; and execve, where the two numberings differ from the usual one.
    assert make_calls(family, [f"n {X32_BIT + 39}{zeros}", f"n {X32_BIT + 520}{zeros}", f"i 20{zeros}", f"i 11{zeros}"]) == [
        killed] * 4


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        GOLDEN.write_text(table())
        print(f"wrote {GOLDEN}")
    else:
        sys.exit(f"usage: {sys.argv[0]} --write")
