"""Reserved and provisioned concurrency as callers meet them: throttling with its reason, places of their own, instances
that are ready before the first call."""

import concurrent.futures
import json
import time

import pytest

from functions_api import arn_of, client, create, refused  # noqa: F401
from lambent import make_zip, new_name, wait_for

SLEEP = "import time, os\ndef handler(event, context):\n    time.sleep(event)\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"


def throttle_of(response):
    return response.get("Reason"), response["ResponseMetadata"]["HTTPStatusCode"]


def call(client, name, seconds, **members):
    try:
        response = client.invoke(FunctionName=name, Payload=json.dumps(seconds).encode(), **members)
        return json.load(response["Payload"])
    except client.exceptions.TooManyRequestsException as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]
        return error.response["Reason"]


def test_a_reservation_is_a_bound_and_zero_stops_a_function(client, create):
    name = create({"app.py": SLEEP}, Timeout=30)["FunctionName"]
    put = client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    assert put["ReservedConcurrentExecutions"] == 2
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [f.result() for f in [pool.submit(call, client, name, 3) for _ in range(6)]]
    assert sorted(answers) == ["ReservedFunctionConcurrentInvocationLimitExceeded"] * 4 + ["on-demand"] * 2
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert call(client, name, 0) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    assert call(client, name, 0) == "on-demand"


def test_account_settings_tell_what_is_left(new_server):
    server = new_server("--limits-account-concurrency", "150").start()
    client = server.client("lambda")
    name = server.create_function({"app.py": SLEEP})
    limit = client.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (150, 150)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=50)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    assert refused(client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=51) == (
        400, "InvalidParameterValueException",
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [100].")
    server.restart()
    client = server.client("lambda")
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 50


def test_a_reservation_is_kept_from_other_functions(new_server):
    server = new_server("--limits-account-concurrency", "3", "--limits-unreserved-concurrency", "1").start()
    client = server.client("lambda")
    mine, other = (server.create_function({"app.py": SLEEP}, Timeout=30) for _ in range(2))
    client.put_function_concurrency(FunctionName=mine, ReservedConcurrentExecutions=1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(call, client, other, 3) for _ in range(3)]
        wait_for(lambda: any(f.done() for f in busy), "one of three calls is refused")
        assert call(client, mine, 0) == "on-demand"
    assert sorted(f.result() for f in busy) == ["ConcurrentInvocationLimitExceeded", "on-demand", "on-demand"]


def test_asynchronous_calls_leave_places_for_others(new_server):
    server = new_server("--limits-account-concurrency", "4", "--limits-async-concurrency", "2").start()
    client = server.client("lambda")
    slow, quick = (server.create_function({"app.py": SLEEP}, Timeout=30) for _ in range(2))
    for _ in range(12):
        client.invoke(FunctionName=slow, InvocationType="Event", Payload=b"0.5")
    client.invoke(FunctionName=quick, InvocationType="Event", Payload=b"0")
    answers = [call(client, name, 0) for name in (slow, quick) * 3]
    assert answers == ["on-demand"] * 6

    def done(name):
        return server.run("logs", name, "--lines", "100000", "--data", str(server.data), check=False).stdout.count("REPORT RequestId")

    wait_for(lambda: done(quick) == 4, "the other function's event had its turn")
    assert done(slow) < 15, "before all events of the first one were done"
    wait_for(lambda: done(slow) == 15, "all events run", 60)


def ready(client, name, qualifier):
    state = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
    return state if state["Status"] == "READY" else None


def test_provisioned_instances_are_ready_before_the_first_call(server, client, create):
    name = create({"app.py": SLEEP}, Timeout=30, Publish=True)["FunctionName"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    put = client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="live",
                                                    ProvisionedConcurrentExecutions=2)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (put["Status"], put["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 2)
    state = wait_for(lambda: ready(client, name, "live"), "two instances")
    assert (state["AllocatedProvisionedConcurrentExecutions"], state["AvailableProvisionedConcurrentExecutions"]) == (2, 2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = [f.result() for f in [pool.submit(call, client, f"{name}:live", 0.5) for _ in range(2)]]
    assert answers == ["provisioned-concurrency"] * 2
    assert call(client, name, 0) == "on-demand", "$LATEST has none"

    client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": SLEEP + "#"}), Publish=True)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    wait_for(lambda: ready(client, name, "live"), "two instances of the new version")
    assert call(client, f"{name}:live", 0) == "provisioned-concurrency"
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [item["FunctionArn"] for item in listed] == [arn_of(name) + ":live"]
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    assert refused(client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="live")[:2] == (
        404, "ProvisionedConcurrencyConfigNotFoundException")


def test_provisioned_instances_come_back_with_the_server_and_failures_are_said(new_server):
    server = new_server("--idle-timeout", "1s").start()
    client = server.client("lambda")
    name = server.create_function({"app.py": SLEEP}, Publish=True)
    bad = server.create_function({"app.py": "raise ValueError('no')"}, Publish=True)
    for function in (name, bad):
        client.put_provisioned_concurrency_config(FunctionName=function, Qualifier="1", ProvisionedConcurrentExecutions=1)
    state = wait_for(lambda: [s for s in [client.get_provisioned_concurrency_config(FunctionName=bad, Qualifier="1")]
                              if s["Status"] == "FAILED"], "the failure")[0]
    assert state["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    server.kill()
    server.start()
    client = server.client("lambda")
    wait_for(lambda: ready(client, name, "1"), "an instance after the restart")
    time.sleep(2)
    assert ready(client, name, "1"), "it outlives the idle timeout"
    assert call(client, f"{name}:1", 0) == "provisioned-concurrency"


def test_the_cli_reserves_and_provisions(server):
    name = server.create_function({"app.py": SLEEP}, Publish=True)
    run = server.cli
    assert run("lambda", "put-function-concurrency", "--function-name", name,
               "--reserved-concurrent-executions", "5").json == {"ReservedConcurrentExecutions": 5}
    assert run("lambda", "get-function-concurrency", "--function-name", name).json == {"ReservedConcurrentExecutions": 5}
    put = run("lambda", "put-provisioned-concurrency-config", "--function-name", name, "--qualifier", "1",
              "--provisioned-concurrent-executions", "1").json
    assert put["Status"] == "IN_PROGRESS"
    failed = run("lambda", "put-function-concurrency", "--function-name", name,
                 "--reserved-concurrent-executions", "0", check=False)
    assert "should not be lower than function's total provisioned concurrency [1]" in failed.stderr
    run("lambda", "delete-provisioned-concurrency-config", "--function-name", name, "--qualifier", "1")
    run("lambda", "delete-function-concurrency", "--function-name", name)
