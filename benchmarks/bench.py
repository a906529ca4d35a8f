#!/usr/bin/env python3
"""Speed and memory of this build, beside other programs in the same minutes. `make bench` prepares what it needs.

Prints one report; writes every figure to build/bench/result.json. Progress goes to standard error. Everything is on
loopback, and every process is ended in the end, also after Ctrl-C.
"""

import argparse
import json
import pathlib
import shutil
import signal
import sys
import tempfile

import cold
import density
import load
import machine
import ours
import peers
import report
import tables

SECTIONS = ["warm", "cold", "density", "tables"]
CONTENDERS = [ours.PythonUrl, ours.NodeUrl, ours.CUrl, ours.SignedInvoke, ours.InstancePerRequest,
              peers.Workerd, peers.Nginx, peers.ServerlessOffline]
LEVELS = [1, 16, 64]
TABLES_LEVELS = [1, 16]


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; all of them by default")
    parser.add_argument("--short", action="store_true", help="a few minutes in all; the figures are rough")
    parser.add_argument("--only", default="", help="contenders of the warm and the tables part whose title contains this text")
    parser.add_argument("--rounds", type=int, help="rounds over all contenders")
    parser.add_argument("--seconds", type=int, help="of each run of wrk")
    parser.add_argument("--starts", type=int, help="cold starts of each kind at each level")
    parser.add_argument("--functions", type=int, help="functions with one idle instance each")
    parser.add_argument("--items", type=int, help="of the large table")
    found = parser.parse_args()
    unknown = set(found.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    found.sections = found.sections or SECTIONS
    defaults = {"rounds": 2, "seconds": 1, "starts": 20, "functions": 100, "items": 0} if found.short else {
        "rounds": 7, "seconds": 3, "starts": 200, "functions": 1000, "items": 10_000_000}
    for name, value in defaults.items():
        if getattr(found, name) is None:
            setattr(found, name, value)
    return found


def warm_section(asked, folder):
    chosen = [made() for made in CONTENDERS if asked.only.lower() in made.title.lower()]
    return under_load(load.WarmRun(chosen, LEVELS, asked.seconds, folder), asked.rounds)


def tables_section(asked, folder):
    chosen = [each for each in tables.contenders(asked.items) if asked.only.lower() in each.title.lower()]
    return under_load(load.WarmRun(chosen, TABLES_LEVELS, asked.seconds, folder), asked.rounds)


def under_load(run, rounds):
    try:
        run.start()
        run.measure(rounds)
        return run.result()
    finally:
        run.end()


def cold_section(asked, folder):
    run = cold.ColdRun(folder)
    try:
        run.start()
        run.measure(asked.starts)
        return run.result()
    finally:
        run.end()


def density_section(asked, folder):
    return density.run(folder, asked.functions, 5 if asked.short else 20)


def measure(asked, folder, results):
    sections = {"warm": warm_section, "cold": cold_section, "density": density_section,
                "tables": tables_section}
    for name in SECTIONS:
        if name in asked.sections:
            results[name] = sections[name](asked, folder)
            write(results)


def write(results):
    out = ours.ROOT / "build/bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "result.json").write_text(json.dumps(results, indent=1))


def on_interrupt(_number, _frame):
    """Ends everything in order; what comes a second time meanwhile changes nothing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    asked = options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_interrupt)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lambent-bench-"))
    folder.chmod(0o755)
    results = {"machine": machine.describe(ours.lambent.BINARY), "asked": vars(asked)}
    try:
        measure(asked, folder, results)
        print(report.text(results))
    except KeyboardInterrupt:
        print("benchmark: interrupted", file=sys.stderr)
        sys.exit(130)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
