"""Warm calls: every contender in turn under wrk, at each number of connections, round after round."""

import json
import pathlib
import statistics
import subprocess
import sys

import groups
import loopback
from contender import NotAvailable
from machine import Busy, load_average

SCRIPT = pathlib.Path(__file__).with_name("wrk_requests.lua")


def check_answer(contender):
    """One call by hand: a contender that answers something else would be compared for nothing."""
    request = contender.requests[0]
    connection = loopback.Connection(contender.port)
    status, body = connection.call(
        loopback.request_bytes(request.method, request.path, contender.port, request.headers, request.body))
    connection.close()
    if status != 200 or (contender.answers is not None and json.loads(body) != json.loads(contender.answers)):
        raise NotAvailable(f"answers {status} {body[:200]!r}")


def write_requests(contender, file):
    lines = []
    for request in contender.requests:
        lines += [request.method, request.path, request.body.decode()]
        lines += [f"{name}: {value}" for name, value in request.headers.items()] + [""]
    file.write_text("\n".join(lines) + "\n")


def drive(contender, connections, seconds, folder):
    """One run of wrk, longer where nothing was answered in it: see run_wrk()."""
    for longer in (1, 3, 10):
        result = run_wrk(contender, connections, seconds * longer, folder)
        if result["failed"] > 0:
            raise NotAvailable(f"{result['failed']} requests failed at {connections} connections")
        if result["requests"] > 0:
            return result
    raise NotAvailable(f"no answer in {seconds * longer} s at {connections} connections")


def run_wrk(contender, connections, seconds, folder):
    """{requests, requests_per_second, microseconds, p50, p99, min, failed, cpu_us, server_us}; times in us."""
    if hasattr(contender, "refresh"):
        contender.refresh()
    file = folder / "requests"
    write_requests(contender, file)
    pid = contender.server_pid()
    used, own = contender.group.processor_seconds(), groups.scheduled_seconds(pid) if pid else 0
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT),
                           f"http://127.0.0.1:{contender.port}", "--", str(file)], capture_output=True, text=True)
    used = contender.group.processor_seconds() - used
    own = groups.scheduled_seconds(pid) - own if pid else 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise NotAvailable(f"wrk failed: {(done.stderr or done.stdout)[-200:]}")
    result = json.loads(lines[0].removeprefix("RESULT "))
    answered = result["requests"] or 1
    result["cpu_us"] = used * 1e6 / answered
    result["server_us"] = own * 1e6 / answered if pid else None
    result["requests_per_second"] = result["requests"] / (result["microseconds"] / 1e6)
    return result


class WarmRun:
    """`contenders` are started here and stay until end(); results[title][connections] is a list of runs."""

    def __init__(self, contenders, levels, seconds, folder):
        self.contenders, self.levels, self.seconds, self.folder = contenders, levels, seconds, folder
        self.missing, self.results, self.memory, self.busy, self.loads = {}, {}, {}, None, []

    def start(self):
        for contender in list(self.contenders):
            own = self.folder / contender.group.name
            own.mkdir(exist_ok=True)  # two contenders may share a server
            print(f"starting {contender.title}", file=sys.stderr)
            self._or_leave_out(contender, lambda: self._start(contender, own))

    def _start(self, contender, own):
        contender.start(own)
        check_answer(contender)
        self.memory[contender.title] = {"rest_mib": groups.pss_of(contender.group.pids())}
        drive(contender, self.levels[-1], 1, self.folder)  # starts what the highest level needs
        self.results[contender.title] = {level: [] for level in self.levels}

    def _or_leave_out(self, contender, action):
        try:
            action()
        except (NotAvailable, OSError, AssertionError) as error:
            print(f"without {contender.title}: {error}", file=sys.stderr)
            self.missing[contender.title] = str(error)
            self.results.pop(contender.title, None)
            self.contenders.remove(contender)
            contender.end()

    def measure(self, rounds):
        """The first round is not counted: just-in-time compilers are still at work in it."""
        self._one_round(lambda title, level, run: None)
        busy = Busy()
        for number in range(rounds):
            self._one_round(lambda title, level, run: self.results[title][level].append(run))
            self.loads.append(load_average())
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
        self.busy = busy.shares()
        for contender in self.contenders:
            self.memory[contender.title]["after_load_mib"] = groups.pss_of(contender.group.pids())

    def _one_round(self, keep):
        for level in self.levels:
            for each in list(self.contenders):
                self._or_leave_out(each, lambda: keep(each.title, level, drive(each, level, self.seconds, self.folder)))

    def end(self):
        for contender in self.contenders:
            contender.end()

    def result(self):
        """As JSON: medians over the rounds, processor time over all of them, and every run."""
        return {"missing": self.missing, "machine_while": self.busy, "load_average": self.loads,
                "contenders": {title: {"memory": self.memory[title],
                                       "connections": {str(level): summary(runs) for level, runs in levels.items()}}
                               for title, levels in self.results.items()}}


def summary(runs):
    def median(name):
        return statistics.median(run[name] for run in runs)

    def per_request(name):
        if runs[0][name] is None:
            return None
        return sum(run[name] * run["requests"] for run in runs) / sum(run["requests"] for run in runs)

    return {"p50_us": median("p50"), "p99_us": median("p99"), "requests_per_second": median("requests_per_second"),
            "cpu_us": per_request("cpu_us"), "server_cpu_us": per_request("server_us"), "runs": runs}
