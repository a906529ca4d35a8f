"""What functions printed and what their calls cost: `lambent logs`, `lambent bill`, and the files behind them."""

import base64
import decimal
import json
import os
import pty
import re
import signal
import subprocess
import threading

import pytest
from lambent import BINARY, new_name, wait_for

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
REPORT = re.compile(r"REPORT RequestId: (?P<id>[0-9a-f-]{36})\tDuration: (?P<duration>\d+\.\d\d) ms\t"
                    r"Billed Duration: (?P<billed>\d+) ms\tMemory Size: (?P<memory>\d+) MB\t"
                    r"Max Memory Used: (?P<used>\d+) MB\t(?:Init Duration: (?P<init>\d+\.\d\d) ms\t)?"
                    r"(?:Status: (?P<status>\w+)\t)?(?:Error Type: (?P<error>[\w.]+)\t)?(?:Cold Start: (?P<start>[^\t]+)\t)?")
SPEAK = "def handler(event, context):\n    print(event)\n"
ECHO = "def handler(event, context):\n    return event\n"
RECORD_BYTES = 176


def logs(server, name, *flags):
    """The lines' texts, without their times."""
    lines = server.run("logs", name, "--data", str(server.data), *flags).stdout.splitlines()
    for line in lines:
        assert re.match(STAMP, line), line
    return [re.sub("^" + STAMP, "", line) for line in lines]


def reports(server, name):
    return [REPORT.fullmatch(line).groupdict() for line in logs(server, name, "--lines", "100000")
            if line.startswith("REPORT ")]


def events(server, name):
    """The stored events of a function, oldest first."""
    folder = server.data / "logs" / name
    files = [f for f in (folder / "previous.log", folder / "current.log") if f.exists()]
    return [json.loads(line) for f in files for line in f.read_text().splitlines()]


def bill(server, *flags):
    return json.loads(server.run("bill", "--json", "--data", str(server.data), *flags).stdout)


def bill_of(server, name, *flags):
    return next((f for f in bill(server, *flags)["functions"] if f["function"] == name), None)


# ---- logs


def test_logs_show_start_output_end_and_report(server):
    name = server.create_function({"app.py": SPEAK}, MemorySize=256)
    _, response = server.invoke(name, "hello, wörld")
    request_id = response["ResponseMetadata"]["RequestId"]
    lines = logs(server, name)
    assert lines[0].startswith("INIT_START Runtime Version: python3.11")
    assert lines[1:4] == [f"START RequestId: {request_id} Version: $LATEST", "hello, wörld", f"END RequestId: {request_id}"]
    report = REPORT.fullmatch(lines[4]).groupdict()
    assert report["id"] == request_id and report["memory"] == "256" and 0 < int(report["used"]) <= 256
    assert len(lines) == 5
    total = float(report["duration"]) + float(report["init"])
    assert int(report["billed"]) - 1.02 <= total <= int(report["billed"]) + 0.02, "rounded up to whole milliseconds"


def test_the_number_of_lines_is_as_asked(server):
    name = server.create_function({"app.py": "def handler(event, context):\n    for n in range(event):\n        print(n)\n"})
    server.invoke(name, 300)
    assert len(logs(server, name)) == 100
    last = logs(server, name, "-n", "4")
    assert last[:2] == ["298", "299"] and last[3].startswith("REPORT ")
    assert logs(server, name, "--lines", "0") == []
    assert len(logs(server, name, "--lines", "1000000")) == 304
    for wrong in ("-1", "many", "1000001"):
        assert server.run("logs", name, "--lines", wrong, "--data", str(server.data), check=False).returncode == 2


@pytest.mark.parametrize("name", ["../usage", "..", "", "a/b", "nobody"])
def test_names_that_are_no_functions_are_errors(server, name):
    done = server.run("logs", "--data", str(server.data), "--", name, check=False)
    assert done.returncode == 1 and "lambent logs: " in done.stderr and done.stdout == ""


class Follower:
    """`lambent logs NAME --follow` as a process; .lines grows."""

    def __init__(self, server, name):
        self.lines = []
        self.process = subprocess.Popen([str(BINARY), "logs", name, "--follow", "--data", str(server.data)],
                                        stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=lambda: self.lines.extend(self.read()), daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            yield re.sub("^" + STAMP, "", line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.thread.join(30)
        self.process.stdout.close()


def test_follow_shows_new_lines_as_they_come(server):
    name = server.create_function({"app.py": "import time\ndef handler(event, context):\n    print(event['say'], flush=True)\n"
                                             "    time.sleep(event['then'])\n"}, Timeout=60)
    server.invoke(name, {"say": "before", "then": 0})
    with Follower(server, name) as follower:
        wait_for(lambda: "before" in follower.lines, "the last lines are shown first")
        server.invoke(name, {"say": "one", "then": 0})
        wait_for(lambda: "one" in follower.lines, "a new line comes")
        slow = threading.Thread(target=server.invoke, args=(name, {"say": "while it runs", "then": 10}))
        slow.start()
        wait_for(lambda: "while it runs" in follower.lines, "a line comes before its call is over")
        assert not follower.lines[-1].startswith("REPORT ")
        slow.join()
        wait_for(lambda: sum(line.startswith("REPORT ") for line in follower.lines) == 3, "every report comes once")
    shown = [line for line in follower.lines if not line.startswith(("INIT_START", "START", "END", "REPORT"))]
    assert shown == ["before", "one", "while it runs"]


def test_follow_waits_for_a_function_to_come(server):
    name = new_name()
    with Follower(server, name) as follower:
        server.create_function({"app.py": SPEAK}, name=name)
        server.invoke(name, "first words")
        wait_for(lambda: "first words" in follower.lines, "the first line comes")


FORGER = """
def handler(event, context):
    print("START RequestId: 00000000-0000-0000-0000-000000000000 Version: $LATEST")
    print(f"REPORT RequestId: {context.aws_request_id}\\tDuration: 0.00 ms\\tBilled Duration: 0 ms\\tMemory Size: 1 MB\\t"
          "Max Memory Used: 1 MB\\t")
    print('{"t":1,"s":"x","k":"platform","m":"END RequestId: forged"}')
    print('","k":"platform","m":"broken out"}')
    print(f"END RequestId: {context.aws_request_id}")
"""


def test_what_a_function_prints_cannot_pose_as_the_platform(server):
    name = server.create_function({"app.py": FORGER})
    _, response = server.invoke(name)
    request_id = response["ResponseMetadata"]["RequestId"]
    stored = events(server, name)
    platform = [e["m"] for e in stored if e.get("k") == "platform"]
    assert [m.split()[0] for m in platform] == ["INIT_START", "START", "END", "REPORT"]
    assert platform[1] == f"START RequestId: {request_id} Version: $LATEST" and request_id in platform[3]
    printed = [e["m"] for e in stored if e.get("k") != "platform"]
    assert len(printed) == 5 and all(set(e) == {"t", "s", "m"} for e in stored if e.get("k") != "platform")
    assert printed[2] == '{"t":1,"s":"x","k":"platform","m":"END RequestId: forged"}'
    real = REPORT.fullmatch(platform[3])
    line = bill_of(server, name)
    assert (line["requests"], line["billedMs"]) == (1, int(real["billed"]))


ODD = """
import os
def handler(event, context):
    os.write(1, b"\\x1b[31mred\\x1b[0m \\x07 bell \\x00 nul\\n")
    os.write(1, b"no text: \\xff\\xfe\\n")
    os.write(1, "c1: \\u009b2J\\n".encode())
    os.write(2, b"on stderr\\n")
    os.write(1, b"\\ttabbed\\n\\n")
    os.write(1, b"L" * 300_000 + b"\\n")
    os.write(1, b"without an end")
"""


def test_odd_output_is_kept_whole_and_shown_safely(server):
    name = server.create_function({"app.py": ODD})
    server.invoke(name)
    stored = [e["m"] for e in events(server, name) if e.get("k") != "platform"]
    assert stored[:2] == ["\x1b[31mred\x1b[0m \x07 bell \x00 nul", "no text: \ufffd\ufffd"]
    assert "on stderr" in stored and "\ttabbed" in stored
    long = next(m for m in stored if m.startswith("LLL"))
    assert long.startswith("L" * 262_144 + " ") and "bytes dropped]" in long and len(long) < 262_300
    wait_for(lambda: any(e["m"] == "without an end" for e in events(server, name)), "the unended line comes", 30)

    master, slave = pty.openpty()
    shown = bytearray()

    def read():
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                return
            if not data:
                return
            shown.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    subprocess.run([str(BINARY), "logs", name, "--data", str(server.data)], stdout=slave, check=True, timeout=60)
    os.close(slave)
    reader.join(30)
    os.close(master)
    text = shown.decode()
    assert r"\x1b[31mred\x1b[0m \x07 bell \x00 nul" in text and r"c1: \u009b2J" in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]", text), "nothing steers the terminal"


PRINTER = """
import os
def handler(event, context):
    for n in range(event):
        os.write(1, b"%09d " % n + b"f" * 1013 + b"\\n")
    os.write(1, b"the end\\n")
"""


def test_a_flood_is_cut_and_said_so(new_server):
    """Each function may print so many bytes a second; what is over is dropped and counted in the log."""
    server = new_server("--limits-log-bytes-per-second", "16KiB", "--limits-log-burst-bytes", "16KiB").start()
    name = server.create_function({"app.py": PRINTER}, Timeout=60, MemorySize=1769)
    _, response = server.invoke(name, 4096)
    assert response["StatusCode"] == 200 and "FunctionError" not in response
    stored = events(server, name)
    kept = [e["m"] for e in stored if e.get("k") != "platform"]
    drops = [json.loads(e["m"]) for e in stored if e.get("k") == "platform" and "platform.logsDropped" in e["m"]]
    assert 15 <= len(kept) < 4096
    assert len(kept) + sum(d["record"]["droppedRecords"] for d in drops) == 4097
    assert stored[-1]["m"].startswith("REPORT "), "platform lines are never dropped"


def test_old_lines_make_place_for_new_ones(new_server):
    bound = 512 * 1024
    server = new_server("--limits-log-bytes-per-function", "512KiB", "--limits-log-bytes-per-second", "1GiB").start()
    name = server.create_function({"app.py": PRINTER}, Timeout=60)
    for _ in range(5):
        server.invoke(name, 300)
        size = sum(f.stat().st_size for f in (server.data / "logs" / name).iterdir())
        assert size <= bound + 300 * 1024, "a buffer may be over it"
    shown = logs(server, name, "--lines", "100000")
    assert shown[-1].startswith("REPORT ") and shown[-3] == "the end" and shown[-4].startswith("000000299 ")
    assert 100 < len(shown) < 600


def test_logs_survive_kill_9_whole(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": SPEAK})
    for n in range(5):
        server.invoke(name, f"line {n}")
    server.kill()
    assert [line for line in logs(server, name) if line.startswith("line")] == [f"line {n}" for n in range(5)]
    with open(server.data / "logs" / name / "current.log", "ab") as file:
        file.write(b'{"t":12,"s":"torn')
    server.start()
    server.invoke(name, "line 5")
    assert [line for line in logs(server, name) if line.startswith("line")] == [f"line {n}" for n in range(6)]


# ---- the bill


def dollars(amount):
    """As the bill says amounts: twelve decimals, rounded half up."""
    return amount.quantize(decimal.Decimal("1e-12"), rounding=decimal.ROUND_HALF_UP)


@pytest.fixture(scope="module")
def billed(tmp_path_factory):
    """A stopped server whose functions were called: (server, {function: expected line})."""
    import lambent

    server = lambent.Server(tmp_path_factory.mktemp("bill") / "data").start()
    expected = {}

    def note(name, errors):
        seen = reports(server, name)
        expected[name] = {"requests": len(seen), "errors": errors, "billedMs": sum(int(r["billed"]) for r in seen),
                          "memory": int(seen[0]["memory"])}

    try:
        plain = server.create_function({"app.py": ECHO}, MemorySize=128)
        for n in range(30):
            server.invoke(plain, n)
        server.client("lambda").invoke(FunctionName=plain, InvocationType="DryRun")
        note(plain, 0)
        large = server.create_function({"app.py": "import time\ndef handler(e, c):\n    time.sleep(e)\n"}, MemorySize=1769,
                                       EphemeralStorage={"Size": 1024}, Timeout=30)
        for seconds in (0.05, 0.1, 0.25):
            server.invoke(large, seconds)
        note(large, 0)
        failing = server.create_function({"app.py": "import os, time\ndef handler(e, c):\n    if e == 'raise':\n"
                                                    "        raise ValueError(e)\n    if e == 'exit':\n        os._exit(3)\n"
                                                    "    if e == 'sleep':\n        time.sleep(60)\n"}, Timeout=1)
        for event in ("fine", "raise", "exit", "sleep"):
            server.invoke(failing, event)
        note(failing, 3)
        later = server.create_function({"app.py": ECHO})
        server.client("lambda").invoke(FunctionName=later, InvocationType="Event", Payload=b"1")
        wait_for(lambda: bill_of(server, later), "the asynchronous call is billed")
        note(later, 0)
    finally:
        server.stop()
    return server, expected


def test_every_function_is_billed_as_its_reports_say(billed):
    server, expected = billed
    shown = {f["function"]: f for f in bill(server)["functions"]}
    assert set(shown) == set(expected)
    for name, wanted in expected.items():
        line = shown[name]
        assert (line["requests"], line["errors"], line["billedMs"]) == (
            wanted["requests"], wanted["errors"], wanted["billedMs"]), name
        assert sum(line["mbMs"].values()) == wanted["billedMs"] * wanted["memory"]
    assert sorted(line["tmpMbMs"] for line in shown.values())[:3] == [0, 0, 0]
    tmp = next(line for line in shown.values() if line["tmpMbMs"])
    assert tmp["tmpMbMs"] == (1024 - 512) * tmp["billedMs"]


def test_the_timeout_is_billed_whole(billed):
    server, expected = billed
    name = next(n for n, e in expected.items() if e["errors"] == 3)
    timed_out = next(r for r in reports(server, name) if r["status"] == "timeout")
    assert int(timed_out["billed"]) >= 1000 and float(timed_out["duration"]) >= 1000
    assert [r["status"] for r in reports(server, name)].count("error") == 1, "the exit; an exception is no platform error"


def test_sums_and_amounts_are_exact(billed):
    server, _ = billed
    shown = bill(server)
    total, lines = shown["total"], shown["functions"]
    for member in ("requests", "errors", "billedMs", "tmpMbMs"):
        assert total[member] == sum(line[member] for line in lines), member
    price = {"x86_64": decimal.Decimal("0.0000166667"), "arm64": decimal.Decimal("0.0000133334")}
    for line in [total, *lines]:
        cost = {k: decimal.Decimal(v) for k, v in line["costUsd"].items()}
        assert cost["requests"] == line["requests"] * decimal.Decimal("0.0000002")
        assert cost["duration"] == sum(dollars(n * price[a] / (1024 * 1000)) for a, n in line["mbMs"].items())
        assert cost["tmp"] == dollars(line["tmpMbMs"] * decimal.Decimal("0.0000000309") / (1024 * 1000))
        assert cost["total"] == cost["requests"] + cost["duration"] + cost["tmp"]
    gross, free = decimal.Decimal(total["costUsd"]["total"]), decimal.Decimal(shown["freeTierUsd"]["total"])
    assert free == gross - decimal.Decimal(total["costUsd"]["tmp"]), "so few calls are free, /tmp over 512 MB is not"
    assert decimal.Decimal(shown["toPayUsd"]) == gross - free


def test_other_prices_and_free_tiers_apply(billed, tmp_path):
    server, _ = billed
    prices = tmp_path / "prices.toml"
    text = ('name = "Mine"\nsource = "here"\ndate = "2026-01-01"\n[requests]\nper_million = "1000000"\nfree_each_month = {}\n'
            '[duration]\nx86_64_per_gb_second = "0"\narm64_per_gb_second = "0"\nfree_gb_seconds_each_month = 0\n'
            '[tmp]\nper_gb_second = "0"\nfree_mb = 512\n')
    calls = bill(server)["total"]["requests"]
    for free, to_pay in ((0, calls), (10, calls - 10), (calls + 1, 0)):
        prices.write_text(text.format(free))
        shown = bill(server, "--prices", str(prices))
        assert shown["prices"]["name"] == "Mine" and decimal.Decimal(shown["toPayUsd"]) == to_pay
        assert decimal.Decimal(shown["total"]["costUsd"]["total"]) == calls
    prices.write_text(text.format('"many"'))
    done = server.run("bill", "--data", str(server.data), "--prices", str(prices), check=False)
    assert done.returncode == 1 and "requests.free_each_month must be a whole number" in done.stderr


def test_the_bill_in_words_says_the_same(billed):
    server, expected = billed
    text = server.run("bill", "--data", str(server.data)).stdout
    for name, wanted in expected.items():
        row = next(line.split() for line in text.splitlines() if line.startswith(name))
        assert [int(n) for n in row[1:4]] == [wanted["requests"], wanted["errors"], wanted["billedMs"]]
    total = next(line.split() for line in text.splitlines() if line.startswith("total"))
    assert [int(n) for n in total[1:4]] == [sum(e[k] for e in expected.values()) for k in ("requests", "errors", "billedMs")]


def test_months_are_apart(billed):
    server, _ = billed
    this = bill(server)
    for month in ("2019-12", "2031-01"):
        empty = bill(server, "--month", month)
        assert empty["month"] == month and empty["functions"] == [] and empty["total"]["requests"] == 0
        assert decimal.Decimal(empty["toPayUsd"]) == 0 and empty["damagedRecords"] == 0
    assert "total" in server.run("bill", "--month", "2019-12", "--data", str(server.data)).stdout
    ledger = server.data / "usage" / f"{this['month']}.ledger"
    (server.data / "usage" / "2020-02.ledger").write_bytes(ledger.read_bytes())
    assert {**bill(server, "--month", "2020-02"), "month": this["month"]} == this
    for wrong in ("2026", "2026-13", "2026-00", "../2026-11", "now"):
        done = server.run("bill", "--month", wrong, "--data", str(server.data), check=False)
        assert done.returncode == 2 and "--month" in done.stderr


def test_a_torn_or_damaged_ledger_loses_only_what_is_damaged(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": ECHO})
    for n in range(10):
        server.invoke(name, n)
    billed_ms = [int(r["billed"]) for r in reports(server, name)]
    server.kill()
    ledger, = (server.data / "usage").glob("*.ledger")
    whole = ledger.read_bytes()
    assert len(whole) == 10 * RECORD_BYTES

    def sums():
        shown = bill(server)
        return shown["total"]["requests"], shown["total"]["billedMs"], shown["damagedRecords"]

    assert sums() == (10, sum(billed_ms), 0)
    damaged = bytearray(whole)
    damaged[3 * RECORD_BYTES + 50] ^= 1
    ledger.write_bytes(damaged[:-100])
    assert sums() == (8, sum(billed_ms) - billed_ms[3] - billed_ms[9], 2)
    assert "2 damaged records" in server.run("bill", "--data", str(server.data)).stdout
    server.start()
    server.invoke(name, 1)
    requests, _, bad = sums()
    assert (requests, bad) == (9, 1), "the torn end is cut, a damaged record in the middle stays and is said"
    assert len(ledger.read_bytes()) == 10 * RECORD_BYTES
    ledger.write_bytes(b"")
    assert sums() == (0, 0, 0)


def test_the_command_line_shows_the_tail(server):
    name = server.create_function({"app.py": SPEAK})
    out = server.data / f"{name}.json"
    done = server.cli("lambda", "invoke", "--function-name", name, "--payload", '"told"', "--log-type", "Tail",
                      "--query", "LogResult", "--output", "text", out)
    text = base64.b64decode(done.stdout).decode()
    assert "\ntold\n" in text and "START RequestId: " in text
    assert REPORT.search(text)
