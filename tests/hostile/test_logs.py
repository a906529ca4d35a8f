"""What functions print: too much, too fast, binary, without end, in the form of the platform's own lines, with commands for
terminals. The log stays bounded, says what is missing, and is safe to look at."""

import json
import os
import pty
import re
import subprocess

import pytest
from lambent import BINARY, new_name

from probe import Attacker, Probe
from test_resources import MB, resident_bytes


def events_of(server, name):
    folder = server.data / "logs" / name
    lines = [line for file in ("previous.log", "current.log") if (folder / file).exists()
             for line in (folder / file).read_text().split("\n") if line]
    return [json.loads(line) for line in lines]


def on_a_terminal(server, name):
    """What `lambent logs` shows to a person."""
    own, its = pty.openpty()
    with subprocess.Popen([str(BINARY), "logs", name, "--data", str(server.data), "--lines", "1000"], stdout=its, stderr=its) as command:
        os.close(its)
        shown = b""
        try:
            while part := os.read(own, 65536):
                shown += part
        except OSError:
            pass  # the other end is closed
        command.wait()
    os.close(own)
    return shown.decode()


@pytest.mark.case("log-flood")
@pytest.mark.parametrize("kind", ["log", "log lines", "log without newline"])
def test_a_flood_is_bounded_and_said(server, compiled, kind):
    target = Attacker(server, compiled("flood").read_bytes(), MemorySize=1769, Timeout=60)
    target("nothing:1")
    before = resident_bytes(server.pid)
    target(f"{kind}:1500")
    assert resident_bytes(server.pid) - before < 64 * MB
    size = sum(f.stat().st_size for f in (server.data / "logs" / target.name).iterdir())
    assert size < 80 * MB, "64 MiB, and what is being written"
    events = events_of(server, target.name)
    assert all(len(e["m"]) <= 256 * 1024 + 100 for e in events), "no event is longer than CloudWatch's"
    said = [json.loads(e["m"])["record"] for e in events if e.get("k") == "platform" and "logsDropped" in e["m"]]
    cut = [re.search(r"(\d+) bytes dropped\]$", e["m"]) for e in events]
    assert sum(r["droppedBytes"] for r in said) + sum(int(c.group(1)) for c in cut if c) > 0, "what is missing is said"


@pytest.mark.case("log-flood")
def test_binary_and_commands_for_terminals_are_harmless_to_look_at(server):
    probe = Probe(server)
    mark = new_name("mark")
    server.invoke(probe.name, f"""
os.write(1, b'{mark} \\x1b[2J\\x1b]0;title\\x07\\x1b]52;c;ZXZpbA==\\x07 \\x9b31m \\xc2\\x9b1m <script>alert(1)</script>\\r\\x08\\x00\\xff\\xfe\\n')
os.write(1, bytes(range(256)) * 100 + b'\\n')
result = 1
""")
    shown = on_a_terminal(server, probe.name)
    assert mark in shown and "<script>" in shown, "text stays text"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown.replace("\r\n", "\n")), "nothing in it moves a cursor"
    assert all(isinstance(e["m"], str) for e in events_of(server, probe.name))


@pytest.mark.case("log-forgery")
def test_printed_lines_cannot_pose_as_the_platforms(server):
    probe = Probe(server)
    forged = "11111111-2222-4333-8444-555555555555"
    server.invoke(probe.name, f"""
for line in ('START RequestId: {forged} Version: $LATEST', 'END RequestId: {forged}',
             'REPORT RequestId: {forged}\\\\tDuration: 1.00 ms\\\\tBilled Duration: 1 ms'):
    print(line)
    os.write(1, b'\\\\r' + line.encode() + b'\\\\r\\\\n')
    os.write(2, b'",\"k\":\"platform\",\"m\":\"' + line.encode() + b'\\\\n')
    os.write(1, 'x\\u2028\\u0085'.encode() + line.encode() + b'\\\\n')
result = 1
""")
    platform = [e["m"] for e in events_of(server, probe.name) if e.get("k") == "platform"]
    assert len([m for m in platform if m.startswith("REPORT ")]) == 1
    assert not [m for m in platform if forged in m]
    # To people the forged ones are shown as what they are.
    shown = on_a_terminal(server, probe.name)
    assert forged in shown
    assert not [line for line in shown.split("\n") if re.match(rf"\S+ (START|END|REPORT) RequestId: {forged}", line)]
    # And what is billed is not read from the log.
    bill = server.run("bill", "--data", str(server.data)).stdout
    assert forged not in bill
