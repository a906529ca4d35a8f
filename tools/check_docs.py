#!/usr/bin/env python3
"""What the documents say is so: the settings in docs/configuration.md, links and paths in every document, and the
commands of the README's "By hand", which are run against a server of their own.

    tools/check_docs.py                 checks all of it with build/lambent
    tools/check_docs.py --write         writes the table of settings into docs/configuration.md
    tools/check_docs.py --without-run   does not run the README
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAMBENT = ROOT / "build/lambent"
CONFIGURATION = ROOT / "docs/configuration.md"
BEGIN, END = "<!-- settings: tools/check_docs.py --write -->", "<!-- end of settings -->"
START_SECONDS = 60
PATH = re.compile(r"^(?:src|tools|tests|fuzz|docs|policies|prices|runtimes|examples|cmake)/[\w./-]*$")


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("LAMBENT_", "AWS_"))}


def ask(*arguments):
    """Output of a command of lambent, in a folder without settings of anybody's."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([LAMBENT, *arguments], cwd=folder, env=clean_environment(), capture_output=True, text=True,
                              check=True).stdout


def printed_keys():
    """Setting keys of --print-config, in its order."""
    keys, prefix = [], ""
    for line in ask("serve", "--print-config").splitlines():
        if section := re.match(r"\[(\w+)\]$", line):
            prefix = section[1] + "."
            if section[1] == "runtimes":
                keys.append("runtimes")
        elif pair := re.match(r"(\w+) = ", line):
            keys.append(prefix + pair[1])
    return keys


def described_flags():
    """{flag: (group, value, help, default)} of serve --help."""
    flags, group = {}, ""
    for line in ask("serve", "--help").splitlines():
        if heading := re.match(r"(\S[^:]*):$", line):
            group = heading[1]
        elif found := re.match(r"  (--[\w-]+)(?: (\S+))?\s{2,}(.*?)(?: \(default: (.*)\))?$", line):
            flags[found[1]] = (group, found[2] or "", found[3], found[4] or "")
    return flags


def flag_of(key):
    return "--runtime" if key == "runtimes" else "--" + re.sub(r"[_.]", "-", key)


def settings_table():
    flags = described_flags()
    lines, group = [], ""
    keys = printed_keys()
    if unknown := [key for key in keys if flag_of(key) not in flags]:
        sys.exit(f"--print-config has settings that serve --help has no flag for: {unknown}")
    groups = list(dict.fromkeys(flags[flag_of(key)][0] for key in keys))
    for key in sorted(keys, key=lambda each: groups.index(flags[flag_of(each)][0])):
        flag = flag_of(key)
        of, value, meaning, default = flags[flag]
        if of != group:
            group = of
            lines += ["", f"### {group}", "", "| key in the file | flag | value | default | meaning |", "| --- | --- | --- | --- | --- |"]
        shown = value.replace("|", "&#124;")
        lines.append(f"| `{key}` | `{flag}` | {shown} | {f'`{default}`' if default else ''} | {meaning} |".replace("|  |", "| |"))
    extra = set(flags) - {flag_of(key) for key in keys} - {"--config", "--print-config"}
    if extra:
        sys.exit(f"serve --help has flags that --print-config does not know: {sorted(extra)}")
    return "\n".join(lines[1:]) + "\n"


def configuration_page():
    text = CONFIGURATION.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{settings_table()}\n{END}{after}"


def documents():
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in names if "/texts/" not in name]


def dead_references():
    for document in documents():
        text = document.read_text()
        name = document.relative_to(ROOT)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (document.parent / target).exists():
                yield f"{name}: the link {target} leads nowhere"
        for code in re.findall(r"`([^`\n]+)`", text):
            if PATH.match(code) and not (ROOT / code).exists() and not (document.parent / code).exists():
                yield f"{name}: there is no {code}"


def by_hand():
    """The commands of the README's part, but those that start the server."""
    text = (ROOT / "README.md").read_text()
    part = text[text.index("## By hand"):text.index("## What works")]
    lines = [line[4:] for line in part.splitlines() if line.startswith("    ")]
    version = subprocess.run(["/usr/bin/python3", "-c", "import sys; print('python3.%d' % sys.version_info[1])"],
                             capture_output=True, text=True, check=True).stdout.strip()
    return "\n".join(line for line in lines if " serve " not in line).replace("python3.11", version) + "\n"


def run_readme():
    """Runs them in a folder that looks like the clone. Gives what went wrong, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ROOT / "build", pathlib.Path(folder) / "build")
        said = pathlib.Path(folder) / "said"
        environment = {**clean_environment(), "LAMBENT_PORT": "0", "AWS_PAGER": ""}
        with said.open("w") as out:
            server = subprocess.Popen(["build/lambent", "serve", "--data", "./data"], cwd=folder, env=environment, stdout=out,
                                      stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + START_SECONDS
            while "is ready" not in said.read_text():
                if server.poll() is not None or time.monotonic() > end:
                    return "the server did not start:\n" + said.read_text()
                time.sleep(0.05)
            del environment["LAMBENT_PORT"]
            ran = subprocess.run(["bash", "-eu", "-o", "pipefail"], input=by_hand(), cwd=folder, env=environment,
                                 capture_output=True, text=True)
        finally:
            server.send_signal(signal.SIGINT)
            code = server.wait()
        wanted = ['{"hello": "Ada"}', '{"hello": "world"}', "REPORT RequestId:", "to pay"]
        missing = [text for text in wanted if text not in ran.stdout]
        if ran.returncode != 0 or missing or code != 0:
            return (f"the README's commands ended with {ran.returncode}, the server with {code}; missing in the output: "
                    f"{missing}\n{ran.stdout}{ran.stderr}{said.read_text()}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--without-run", action="store_true")
    arguments = parser.parse_args()
    if arguments.write:
        CONFIGURATION.write_text(configuration_page())
        return 0
    wrong = list(dead_references())
    if CONFIGURATION.read_text() != configuration_page():
        wrong.append("docs/configuration.md does not have today's settings: run tools/check_docs.py --write")
    if not arguments.without_run and (failure := run_readme()):
        wrong.append(failure)
    for each in wrong:
        print(each, file=sys.stderr)
    print(f"documents: {len(wrong)} things that are not so")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
