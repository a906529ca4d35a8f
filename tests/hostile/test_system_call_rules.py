"""A system call is allowed because something needs it. The programs of workloads/ do what functions of each family do, each
behind the filter of its family and under strace; an allowed rule that none of them uses fails.

    build/venv/bin/python tests/hostile/test_system_call_rules.py      lists the rules and what uses them
"""

import concurrent.futures
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

if __name__ == "__main__":  # as a script it is not conftest.py that finds the harness
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import pytest  # noqa: E402
from lambent import ROOT  # noqa: E402

from filters import FAMILIES, read  # noqa: E402

FOLDER = ROOT / "tests/hostile/workloads"
CALL = re.compile(r"^(?:\[pid +)?\d+\]? +(\w+)\((.*)$")

# Used by the kernel or the C library in moments that a test cannot bring about.
UNSEEN = {
    "restart_syscall": "the kernel has a program make it, after a stop signal in a sleep",
    "pkey_free": "V8 makes it on processors with protection keys only",
    "pkey_mprotect": "as pkey_free",
}


class Workload:
    def __init__(self, name, family, command):
        self.name, self.family, self.command = name, family, command


def compiled(folder, compiler, source, *flags):
    out = folder / f"{pathlib.Path(source).stem}-{pathlib.Path(compiler).name}"
    subprocess.run([compiler, "-O1", "-pthread", *flags, "-o", out, FOLDER.parent / source], check=True)
    return str(out)


def workloads(folder):
    java = folder / "java"
    subprocess.run(["javac", "-nowarn", "-XDignore.symbol.file", "-d", java, FOLDER / "Work.java"], check=True)
    yield Workload("python", "python", ["/usr/bin/python3", str(FOLDER / "python.py")])
    yield Workload("node", "nodejs", [os.path.realpath(shutil.which("node")), str(FOLDER / "nodejs.js")])
    yield Workload("java", "java", [shutil.which("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", str(java), "Work"])
    yield Workload("ruby", "ruby", [shutil.which("ruby"), str(FOLDER / "ruby.rb")])
    yield Workload("shell", "provided", ["/bin/bash", str(FOLDER / "shell.sh")])
    yield Workload("glibc", "provided", [compiled(folder, "cc", "workloads/libc.c")])
    yield Workload("musl", "provided", [compiled(folder, "musl-gcc", "workloads/libc.c", "-static")])
    yield Workload("older", "provided", [compiled(folder, "cc", "workloads/older.c")])


def run(folder, wrapper, workload):
    """The calls that it made, as a set of (name, arguments); it must have done its work."""
    program = folder / f"{workload.family}.filter"
    program.write_text("".join("%d %d %d %d\n" % each for each in read(workload.family)[1]))
    trace = folder / f"{workload.name}.trace"
    own = folder / f"{workload.name}.folder"
    own.mkdir()
    done = subprocess.run(["strace", "-f", "-q", "-e", "raw=all", "-e", "signal=none", "-o", trace, wrapper, program,
                           *workload.command], cwd=own, capture_output=True, text=True, timeout=120,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(own), "TMPDIR": str(own)})
    assert done.returncode == 0 and done.stdout.endswith("done\n"), f"{workload.name}: {done.stdout}{done.stderr}"
    return calls_of(trace)


def calls_of(trace):
    calls, is_filtered = set(), False
    for line in trace.read_text(errors="replace").splitlines():
        found = CALL.match(line)
        if not found:
            continue
        name, arguments = found.groups()
        if is_filtered:
            words = re.split(r"\)|<", arguments)[0].split(",")
            # Pointers and sizes would make every call another one.
            calls.add((name, tuple(int(w, 0) for w in words[:3] if re.fullmatch(r" *(0x[0-9a-f]+|\d+) *", w))
                       if name in conditional() else ()))
        is_filtered = is_filtered or name == "seccomp"
    assert is_filtered and calls
    return calls


@functools.cache
def conditional():
    return {rule.call for family in FAMILIES for rule in read(family)[0] if rule.conditions}


@functools.cache
def used():
    """{workload: calls}, {workload: family}"""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wrapper = compiled(folder, "cc", "workloads/under_filter.c")
        all_of_them = list(workloads(folder))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            calls = list(pool.map(lambda each: run(folder, wrapper, each), all_of_them))
    return {each.name: c for each, c in zip(all_of_them, calls)}, {each.name: each.family for each in all_of_them}


def users(rule, family):
    """The workloads that use a rule. What is a family's own rule its own workload must use."""
    calls, families = used()
    own = [name for name, of in families.items() if rule.policy not in FAMILIES or of == rule.policy]
    return [name for name in own if any(
        call == rule.call and rule.holds(rule.number, [*arguments, *[0] * 6]) for call, arguments in calls[name])]


def rules():
    seen = {}
    for family in FAMILIES:
        for rule in read(family)[0]:
            if rule.error == 0:
                seen.setdefault(str(rule), (rule, family))
    return seen.values()


@pytest.mark.case("needed-rules")
def test_every_allowed_call_is_needed_by_some_program():
    unused = [str(rule) for rule, family in rules() if rule.call not in UNSEEN and not users(rule, family)]
    assert unused == [], "no workload uses: take the rule away, or show in workloads/ what needs it"


@pytest.mark.case("needed-rules")
def test_no_workload_makes_a_call_that_is_forbidden_by_name():
    """What is forbidden is no part of ordinary work. Known exceptions: tools that take a refusal in their stride."""
    calls, families = used()
    tried = {name: sorted({call for call, arguments in calls[name] for rule in read(families[name])[0]
                           if rule.error not in (0, 38) and call == rule.call and rule.holds(rule.number, [*arguments, *[0] * 6])})
             for name in calls}
    known = {"setxattr", "fsetxattr"}  # cp -a
    assert {name: set(of) - known for name, of in tried.items() if set(of) - known} == {}


if __name__ == "__main__":
    for one, of_family in rules():
        print(f"{' '.join(users(one, of_family)) or 'NOTHING':40} {one}")
