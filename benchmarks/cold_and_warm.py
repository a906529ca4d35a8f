#!/usr/bin/env python3
"""Cold starts and warm calls through a function URL, for Python, Node.js and a C bootstrap.

Cold: the wall time of one HTTP call that finds no instance. Between two cold calls the function's configuration is
changed, which retires its instances. Warm: further calls on one keep-alive connection. Beside them, in the same run,
the start of the bare interpreters. Everything is alternated, so that a noisy neighbour disturbs all alike.

Prints a table and writes build/bench/cold_and_warm.json.
"""

import argparse
import http.client
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import lambent  # noqa: E402

PYTHON = {"app.py": "def handler(event, context):\n    return {'n': 1}\n"}
NODE = {"index.js": "exports.handler = async () => ({n: 1});\n"}


def timed(call):
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Subject:
    """One function with a URL."""

    def __init__(self, server, title, files, **options):
        self.server, self.title = server, title
        self.client = server.client("lambda")
        self.name = server.create_function(files, MemorySize=512, **options)
        url = self.client.create_function_url_config(FunctionName=self.name, AuthType="NONE")["FunctionUrl"]
        self.path = url.removeprefix(server.endpoint)
        self.connection = http.client.HTTPConnection(server.host)
        self.cold, self.warm = [], []

    def call(self):
        self.connection.request("POST", self.path, body=b'{"message":"forty bytes of JSON to echo"}',
                                headers={"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{self.title}: {answer.status} {body[:300]}")

    def one_round(self, number, warm_calls):
        self.client.update_function_configuration(FunctionName=self.name, Description=f"round {number}")
        self.call_once_to_connect()
        self.cold.append(timed(self.call))
        self.warm += [timed(self.call) for _ in range(warm_calls)]

    def call_once_to_connect(self):
        self.connection.request("GET", "/healthz")
        self.connection.getresponse().read()


def bare(command):
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=50, help="cold starts of each kind")
    arguments.add_argument("--warm", type=int, default=40, help="warm calls after each cold start")
    options = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="lambent-bench-")
    server = lambent.Server(f"{folder}/data").start()
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    c_code = (ROOT / "build/clients/c-bootstrap/bootstrap").read_bytes()
    subjects = [
        Subject(server, "Python 3.11", PYTHON),
        Subject(server, f"Node.js {node}", NODE, runtime=f"nodejs{node[1:].split('.')[0]}.x", handler="index.handler"),
        Subject(server, "C bootstrap", {"bootstrap!": c_code}, runtime="provided.al2023"),
    ]
    bares = {"python3 -I -S -c pass": (bare(["/usr/bin/python3", "-I", "-S", "-c", "pass"]), []),
             "node -e 0": (bare(["node", "-e", "0"]), [])}
    for number in range(options.rounds):
        for subject in subjects:
            subject.one_round(number, options.warm)
        for command, times in bares.values():
            times.append(timed(command))
        print(f"\rround {number + 1} of {options.rounds}", end="", file=sys.stderr)
    print(file=sys.stderr)

    rows = []
    for subject in subjects:
        rows.append((f"cold, {subject.title}", subject.cold))
        rows.append((f"warm, {subject.title}", subject.warm))
    rows += [(title, times) for title, (_, times) in bares.items()]
    print(f"{'milliseconds':<28}{'n':>7}{'min':>9}{'p50':>9}{'p99':>9}")
    result = {}
    for title, times in rows:
        figures = {"n": len(times), "min": min(times), "p50": statistics.median(times), "p99": percentile(times, 0.99)}
        result[title] = figures
        print(f"{title:<28}{figures['n']:>7}{figures['min']:>9.3f}{figures['p50']:>9.3f}{figures['p99']:>9.3f}")
    out = ROOT / "build/bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "cold_and_warm.json").write_text(json.dumps(result, indent=1))
    server.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
