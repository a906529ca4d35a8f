"""GET /metrics: the time of cold starts, for whoever has the root key."""

import re

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from functions_api import ECHO, fetch
from lambent import tail, wait_for

PHASES = ["queue", "shell", "fork", "restore", "init", "first_byte"]


def signed(server, keys, service="lambent"):
    """(status, text) of a signed request for the metrics."""
    request = botocore.awsrequest.AWSRequest("GET", server.endpoint + "/metrics")
    botocore.auth.SigV4Auth(keys, service, "us-east-1").add_auth(request)
    status, _, body = fetch(server.endpoint + "/metrics", headers=dict(request.headers.items()))
    return status, body.decode()


def root_keys(server):
    return server.session().get_credentials()


def values(text, level):
    """{phase: (count, sum in seconds)} of one level."""
    found = dict(re.findall(rf'^lambent_cold_start_seconds_count{{level="{level}",phase="(\w+)"}} (\d+)$', text, re.M))
    sums = dict(re.findall(rf'^lambent_cold_start_seconds_sum{{level="{level}",phase="(\w+)"}} ([\d.]+)$', text, re.M))
    return {phase: (int(count), float(sums[phase])) for phase, count in found.items()}


def all_starts(text):
    return sum(values(text, level).get("total", (0, 0))[0] for level in ("spawn", "blank", "snapshot"))


def test_a_cold_call_is_one_start_and_its_phases_add_up(new_server):
    server = new_server("--ready-sandboxes", "0").start()
    name = server.create_function(ECHO)
    assert all_starts(signed(server, root_keys(server))[1]) == 0
    _, cold = server.invoke(name, {}, LogType="Tail")
    found = values(signed(server, root_keys(server))[1], "spawn")
    assert {phase: count for phase, (count, _) in found.items()} == dict.fromkeys([*PHASES, "total"], 1)
    assert sum(found[phase][1] for phase in PHASES) == pytest.approx(found["total"][1], abs=1e-7)
    assert found["init"][1] > 0 and found["fork"][1] > 0 and found["restore"][1] == 0
    report = tail(cold).splitlines()[-1]
    assert "\tCold Start: spawn, queue " in report and f"init {found['init'][1] * 1000:.2f} ms" in report
    _, warm = server.invoke(name, {}, LogType="Tail")
    assert "Cold Start" not in tail(warm)
    assert all_starts(signed(server, root_keys(server))[1]) == 1


def test_only_the_root_key_reads_metrics(server):
    assert fetch(server.endpoint + "/metrics")[0] == 403
    assert signed(server, root_keys(server), service="lambda")[0] == 403
    status, text = signed(server, root_keys(server))
    assert status == 200 and text.startswith("# HELP lambent_cold_start_seconds ")


def test_a_function_does_not_read_metrics_neither_outside_with_its_keys_nor_inside(server):
    name = server.create_function({"app.py": (
        "import os, urllib.request, urllib.error\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        inside = urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/metrics').status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        inside = error.code\n"
        "    return [inside] + [os.environ[n] for n in\n"
        "        ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')]\n")})
    (inside, *keys), _ = server.invoke(name)
    assert inside == 403
    assert signed(server, botocore.credentials.Credentials(*keys)) == (403, "Only the root key may read metrics\n")


def test_a_start_from_a_prepared_sandbox_is_counted_as_blank(new_server):
    server = new_server("--ready-sandboxes", "2").start()
    name = server.create_function(ECHO)
    rounds = iter(range(1000))

    def started_blank():
        """The template may not be up yet: the start is then made without."""
        server.client("lambda").update_function_configuration(FunctionName=name, Description=f"round {next(rounds)}")
        server.invoke(name, {})
        return "total" in values(signed(server, root_keys(server))[1], "blank")

    wait_for(started_blank, "a start from a template", 60)


def test_a_start_from_a_snapshot_is_counted_as_such_and_says_so(new_server):
    server = new_server().start()
    functions = server.client("lambda")
    name = server.create_function(ECHO, SnapStart={"ApplyOn": "PublishedVersions"})
    version = functions.publish_version(FunctionName=name)["Version"]
    wait_for(lambda: functions.get_function_configuration(FunctionName=name, Qualifier=version)["State"] == "Active",
             "the version is ready")
    _, cold = server.invoke(name, {}, LogType="Tail", Qualifier=version)
    found = values(signed(server, root_keys(server))[1], "snapshot")
    assert {phase: count for phase, (count, _) in found.items()} == dict.fromkeys([*PHASES, "total"], 1)
    assert sum(found[phase][1] for phase in PHASES) == pytest.approx(found["total"][1], abs=1e-7)
    assert found["restore"][1] > 0 and found["fork"][1] > 0 and found["first_byte"][1] > 0
    report = tail(cold).splitlines()[-1]
    assert "\tCold Start: snapshot, queue " in report and f"restore {found['restore'][1] * 1000:.2f} ms" in report
