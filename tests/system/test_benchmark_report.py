"""What `make bench` says of a run: verdicts on targets, and what was not measured is said."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))

import report  # noqa: E402
import targets  # noqa: E402


def contender(**values):
    of_level = {"p50_us": 0, "p99_us": 0, "requests_per_second": 0, "cpu_us": 0, "server_cpu_us": None, **values}
    return {"memory": {"rest_mib": 1, "after_load_mib": 2}, "connections": {"1": of_level, "16": of_level}}


def verdicts(python, workerd):
    results = {"warm": {"contenders": {"lambent Python, URL": python, "workerd echo": workerd}, "missing": {}}}
    return {what: verdict for what, _, _, _, _, verdict in targets.judged(results)}


def test_less_is_better_for_times_and_more_for_rates():
    found = verdicts(contender(p50_us=80, cpu_us=29, requests_per_second=1499),
                     contender(p50_us=200, cpu_us=100, requests_per_second=1000))
    assert found["warm Python, 1 connection, p50"] == "reached"
    assert found["warm Python, 1 connection, p50, to workerd"] == "reached"
    assert found["warm Python, 16 connections, CPU per call"] == "reached, and beyond"
    assert found["warm Python, 16 connections, requests/s, to workerd"] == "MISSED"
    found = verdicts(contender(p50_us=81, cpu_us=61, requests_per_second=3000),
                     contender(p50_us=100, cpu_us=100, requests_per_second=1000))
    assert found["warm Python, 1 connection, p50"] == "MISSED"
    assert found["warm Python, 16 connections, CPU, to workerd"] == "MISSED"
    assert found["warm Python, 16 connections, requests/s, to workerd"] == "reached, and beyond"


def test_what_was_not_measured_counts_as_neither():
    assert set(verdicts(contender(), contender()).values()) >= {"not measured"}
    assert verdicts(contender(), contender())["warm Node.js, 1 connection, p50"] == "not measured"


def test_a_report_says_why_something_is_missing():
    warm = {"contenders": {"workerd echo": contender()}, "missing": {"nginx return 200": "no such\nprogram"}}
    text = report.of_warm(warm)
    assert "| workerd echo " in text and text.endswith("\nnot measured: nginx return 200: no such program")
