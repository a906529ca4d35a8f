"""Versions and aliases by boto3, the aws CLI and function URLs; an alias that moves under load; kills between changes."""

import collections
import concurrent.futures
import json
import os
import random
import signal
import threading
import time

import botocore.exceptions
import pytest

from functions_api import arn_of, client, create, fetch, not_found, refused  # noqa: F401
from lambent import make_zip, wait_for

CODE = ("import os\ndef handler(event, context):\n"
        "    return ['{0}', os.environ['AWS_LAMBDA_FUNCTION_VERSION'], context.function_version,"
        " context.invoked_function_arn]\n")
PRECONDITION = (412, "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                "retrieve the latest Revision Id")


def answer_of(response):
    assert "FunctionError" not in response, response["Payload"].read()
    return json.load(response["Payload"])


@pytest.fixture
def two_versions(client, create):
    """A function with versions 1 ("one") and 2 ("two"), and "three" as $LATEST; its name."""
    name = create({"app.py": CODE.format("one")}, Publish=True)["FunctionName"]
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1",
                                                       WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": CODE.format("two")}), Publish=True)
    client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": CODE.format("three")}))
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return name


def test_a_version_keeps_its_code_and_configuration(client, create):
    name = create({"app.py": CODE.format("one")}, Description="first", Timeout=5)["FunctionName"]
    published = client.publish_version(FunctionName=name, Description="kept")
    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (published["Version"], published["FunctionArn"]) == ("1", arn_of(name) + ":1")
    assert (published["State"], published["LastUpdateStatus"]) == ("Active", "Successful")
    client.update_function_configuration(FunctionName=name, Timeout=9, Environment={"Variables": {"AB": "1"}})
    shown = client.get_function(FunctionName=name, Qualifier="1")["Configuration"]
    assert (shown["Timeout"], shown["Description"], shown["Version"]) == (5, "kept", "1")
    assert "Environment" not in shown
    assert shown["RevisionId"] == published["RevisionId"]
    assert client.get_function_configuration(FunctionName=f"{arn_of(name)}:1")["FunctionArn"] == arn_of(name) + ":1"
    assert refused(client.update_function_configuration, FunctionName=f"{name}:1", Timeout=3)[:2] == (
        400, "InvalidParameterValueException")


def test_calls_by_every_form_of_qualifier(client, two_versions):
    name = two_versions
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="2")
    arn = arn_of(name)
    cases = [
        ({"FunctionName": name}, "three", "$LATEST", arn),
        ({"FunctionName": name, "Qualifier": "$LATEST"}, "three", "$LATEST", arn + ":$LATEST"),
        ({"FunctionName": name, "Qualifier": "1"}, "one", "1", arn + ":1"),
        ({"FunctionName": f"{name}:1"}, "one", "1", arn + ":1"),
        ({"FunctionName": f"{name}:live"}, "two", "2", arn + ":live"),
        ({"FunctionName": f"000000000000:function:{name}:live"}, "two", "2", arn + ":live"),
        ({"FunctionName": arn, "Qualifier": "live"}, "two", "2", arn + ":live"),
        ({"FunctionName": f"{arn}:live", "Qualifier": "live"}, "two", "2", arn + ":live"),
    ]
    for members, text, version, invoked in cases:
        response = client.invoke(Payload=b"{}", **members)
        assert response["ExecutedVersion"] == version, members
        assert answer_of(response) == [text, version, version, invoked], members


def test_qualifiers_that_fit_nothing(client, two_versions):
    name = two_versions
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="2")
    invoke = client.invoke
    assert refused(invoke, FunctionName=name, Qualifier="9") == not_found(f"{name}:9")
    assert refused(invoke, FunctionName=name, Qualifier="dead") == not_found(f"{name}:dead")
    assert refused(invoke, FunctionName=f"{name}:live", Qualifier="1") == (
        400, "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.")
    assert refused(client.get_function, FunctionName=name, Qualifier="01") == not_found(f"{name}:01")
    assert refused(client.get_alias, FunctionName=name, Name="dead") == (
        404, "ResourceNotFoundException", f"Cannot find alias arn: {arn_of(name)}:dead")
    assert refused(client.create_alias, FunctionName=name, Name="123", FunctionVersion="1")[:2] == (
        400, "ValidationException")
    assert refused(client.create_alias, FunctionName=name, Name="live", FunctionVersion="1") == (
        409, "ResourceConflictException", f"Alias already exists: {arn_of(name)}:live")
    assert refused(client.create_alias, FunctionName=name, Name="x", FunctionVersion="9") == not_found(f"{name}:9")


def test_publishing_is_conditional_and_idempotent(client, create):
    created = create()
    name = created["FunctionName"]
    assert refused(client.publish_version, FunctionName=name, CodeSha256="x")[1] == "InvalidParameterValueException"
    assert refused(client.publish_version, FunctionName=name, RevisionId="x") == PRECONDITION
    first = client.publish_version(FunctionName=name, CodeSha256=created["CodeSha256"], RevisionId=created["RevisionId"])
    again = client.publish_version(FunctionName=name)
    assert (first["Version"], again["Version"], again["RevisionId"]) == ("1", "1", first["RevisionId"])
    revision = client.get_function_configuration(FunctionName=name)["RevisionId"]
    assert revision != created["RevisionId"], "publishing is a new revision of $LATEST"
    assert refused(client.update_function_configuration, FunctionName=name, RevisionId=created["RevisionId"],
                   Timeout=4) == PRECONDITION
    client.update_function_configuration(FunctionName=name, RevisionId=revision, Timeout=4)
    assert client.publish_version(FunctionName=name)["Version"] == "2"


def test_lists_go_page_by_page(client, create):
    name = create()["FunctionName"]
    for n in range(1, 8):
        client.update_function_configuration(FunctionName=name, Timeout=n)
        client.publish_version(FunctionName=name)
        client.create_alias(FunctionName=name, Name=f"a{n}", FunctionVersion=str(n))
    pages = list(client.get_paginator("list_versions_by_function").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 3}))
    assert [len(page["Versions"]) for page in pages] == [3, 3, 2]
    assert [v["Version"] for page in pages for v in page["Versions"]] == ["$LATEST", *map(str, range(1, 8))]
    assert pages[0]["Versions"][0]["FunctionArn"] == arn_of(name) + ":$LATEST"
    aliases = client.get_paginator("list_aliases").paginate(FunctionName=name, PaginationConfig={"PageSize": 2})
    assert [a["Name"] for page in aliases for a in page["Aliases"]] == [f"a{n}" for n in range(1, 8)]
    assert [a["Name"] for a in client.list_aliases(FunctionName=name, FunctionVersion="3")["Aliases"]] == ["a3"]
    for call in (client.list_versions_by_function, client.list_aliases):
        for marker in ("x", pages[0]["NextMarker"][:-2] + "xx"):
            assert refused(call, FunctionName=name, Marker=marker) == (
                400, "InvalidParameterValueException", "Invalid Marker")
    assert refused(client.list_aliases, FunctionName=name, Marker=pages[0]["NextMarker"])[2] == "Invalid Marker"
    every = client.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 5})
    mine = [f["Version"] for page in every for f in page["Functions"] if f["FunctionName"] == name]
    assert mine == ["$LATEST", *map(str, range(1, 8))]


def test_versions_are_deleted_alone_and_numbers_not_given_again(client, two_versions):
    name = two_versions
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert refused(client.delete_function, FunctionName=name, Qualifier="1") == (
        409, "ResourceConflictException", "Unable to delete version because the following aliases reference it: [live]")
    assert refused(client.delete_function, FunctionName=name, Qualifier="live")[1] == "InvalidParameterValueException"
    assert client.delete_function(FunctionName=name, Qualifier="2")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.delete_function(FunctionName=name, Qualifier="99")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.invoke, FunctionName=name, Qualifier="2") == not_found(f"{name}:2")
    assert answer_of(client.invoke(FunctionName=name, Qualifier="1"))[0] == "one"
    assert client.publish_version(FunctionName=name)["Version"] == "3"
    client.delete_alias(FunctionName=name, Name="live")
    client.delete_function(FunctionName=name)
    for qualifier in ("$LATEST", "1", "3"):
        assert refused(client.get_function, FunctionName=name, Qualifier=qualifier) == not_found(f"{name}:{qualifier}")


def test_weights_are_kept_within_statistics(client, two_versions):
    name = two_versions
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1",
                        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(lambda: client.invoke(FunctionName=f"{name}:live")["ExecutedVersion"]) for _ in range(1000)]
        counts = collections.Counter(call.result() for call in calls)
    assert set(counts) == {"1", "2"}
    assert 55 <= counts["2"] <= 150, "100 expected; five standard deviations"
    updated = client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in updated
    assert refused(client.update_alias, FunctionName=name, Name="live",
                   RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})[2] == (
        "Invalid function version 1. Function version 1 is already included in routing configuration.")
    assert refused(client.update_alias, FunctionName=name, Name="live",
                   RoutingConfig={"AdditionalVersionWeights": {"2": 1.5}})[:2] == (400, "ValidationException")


def test_function_urls_of_aliases(client, two_versions):
    name = two_versions
    for alias, version in (("live", "1"), ("next", "2")):
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
    live = client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    latest = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert live["FunctionArn"] == arn_of(name) + ":live"
    assert json.loads(fetch(live["FunctionUrl"])[2])[0] == "one"
    assert json.loads(fetch(latest["FunctionUrl"])[2])[0] == "three"
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    text, version, _, arn = json.loads(fetch(live["FunctionUrl"])[2])
    assert (text, version, arn) == ("two", "2", arn_of(name) + ":live")
    listed = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert [each["FunctionArn"] for each in listed] == [arn_of(name), arn_of(name) + ":live"]
    client.delete_alias(FunctionName=name, Name="live")
    assert fetch(live["FunctionUrl"])[0] == 404


def test_an_alias_moves_under_load_and_no_call_fails(server, client, two_versions):
    name = two_versions
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for version in ("1", "2"):
        answer_of(client.invoke(FunctionName=name, Qualifier=version))
    stop = threading.Event()
    texts = {"1": "one", "2": "two"}

    def call_until_stopped():
        counts = collections.Counter()
        while not stop.is_set():
            response = client.invoke(FunctionName=f"{name}:live")
            version = response["ExecutedVersion"]
            assert answer_of(response)[:3] == [texts[version], version, version]
            counts[version] += 1
        return counts

    moves = 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(call_until_stopped) for _ in range(8)]
        try:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                moves += 1
                version = "2" if moves % 2 else "1"
                client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
                assert client.invoke(FunctionName=f"{name}:live")["ExecutedVersion"] == version, "the next call sees it"
        finally:
            stop.set()
        counts = sum((caller.result() for caller in callers), collections.Counter())
    assert moves >= 20 and min(counts["1"], counts["2"]) >= 20, (moves, counts)


def test_two_clients_publish_and_move_at_once(server, create):
    name = create()["FunctionName"]
    client = server.client("lambda")
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    def publish(n):
        while True:
            try:
                return client.publish_version(FunctionName=name)["Version"]
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "ResourceConflictException"

    def move(n):
        client.update_alias(FunctionName=name, Name="live", FunctionVersion="1", Description=str(n))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        moves = [pool.submit(move, n) for n in range(40)]
        published = [pool.submit(publish, n) for n in range(20)]
        assert [call.result() for call in moves] == [None] * 40, "changes of aliases wait for each other"
        assert {call.result() for call in published} == {"1"}


def test_the_cli_publishes_moves_and_calls(server, two_versions, tmp_path):
    name = two_versions
    published = server.cli("lambda", "publish-version", "--function-name", name).json
    assert published["Version"] == "3"
    server.cli("lambda", "create-alias", "--function-name", name, "--name", "live", "--function-version", "3",
               "--routing-config", "AdditionalVersionWeights={2=0}")
    shown = server.cli("lambda", "get-alias", "--function-name", name, "--name", "live").json
    assert shown["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.0}}
    out = tmp_path / "out"
    called = server.cli("lambda", "invoke", "--function-name", f"{name}:live", out).json
    assert called["ExecutedVersion"] == "3"
    assert json.loads(out.read_text())[0] == "three"
    server.cli("lambda", "wait", "published-version-active", "--function-name", name, "--qualifier", "3")
    server.cli("lambda", "update-alias", "--function-name", name, "--name", "live", "--function-version", "1",
               "--routing-config", "AdditionalVersionWeights={}")
    assert server.cli("lambda", "invoke", "--function-name", name, "--qualifier", "live", out).json["ExecutedVersion"] == "1"
    listed = server.cli("lambda", "list-versions-by-function", "--function-name", name, "--query", "Versions[].Version")
    assert listed.json == ["$LATEST", "1", "2", "3"]
    failed = server.cli("lambda", "invoke", "--function-name", name, "--qualifier", "7", out, check=False)
    assert failed.returncode != 0 and "ResourceNotFoundException" in failed.stderr


def test_asynchronous_calls_of_an_alias_run_its_version(server, two_versions):
    name = two_versions
    client = server.client("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    code = "def handler(event, context):\n    print('ran', context.invoked_function_arn)\n"
    client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": code}))
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    client.invoke(FunctionName=f"{name}:live", InvocationType="Event")
    line = f"ran {arn_of(name)}:live"
    wait_for(lambda: line in server.run("logs", name, "--lines", "100000", "--data", str(server.data), check=False).stdout, "the call's log", 30)


def test_kills_lose_no_acknowledged_version_or_alias(new_server):
    sweep(new_server().start(), rounds=3)


def change_until_killed(client, name, state):
    """Publishes version after version and moves the alias to each; state["version"], state["alias"]: acknowledged."""
    number = state["version"]
    while True:
        number += 1
        try:
            client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": CODE.format(number)}))
            state["version"] = int(client.publish_version(FunctionName=name)["Version"])
            client.update_alias(FunctionName=name, Name="live", FunctionVersion=str(state["version"]))
            state["alias"] = state["version"]
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return


def sweep(server, rounds, seed=None):
    seed = seed if seed is not None else random.randrange(1 << 32)
    rng = random.Random(seed)
    name = server.create_function({"app.py": CODE.format(0)}, Publish=True)
    server.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    state = {"version": 1, "alias": 1}
    for number in range(rounds):
        where = f"round {number}, seed {seed}"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(change_until_killed, server.client("lambda"), name, state)
            time.sleep(rng.uniform(0.05, 0.8))
            server.process.send_signal(signal.SIGKILL)
        server.kill()
        server.start()
        client = server.client("lambda")
        versions = [v["Version"] for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
                    for v in page["Versions"]]
        last = len(versions) - 1
        assert versions == ["$LATEST", *map(str, range(1, last + 1))], where
        assert state["version"] <= last <= state["version"] + 1, where
        alias = int(client.get_alias(FunctionName=name, Name="live")["FunctionVersion"])
        assert state["alias"] <= alias <= last, where
        response = client.invoke(FunctionName=f"{name}:live")
        assert response["ExecutedVersion"] == str(alias), where
        assert answer_of(response)[1] == str(alias), where
        for version in {1, last}:
            assert answer_of(client.invoke(FunctionName=name, Qualifier=str(version)))[1] == str(version), where
        state["version"], state["alias"] = last, alias
    return state


@pytest.mark.soak
def test_many_kills_lose_no_acknowledged_version_or_alias(new_server):
    server = new_server().start()
    state = sweep(server, rounds=int(os.environ.get("KILLS", "200")))
    print(state)
