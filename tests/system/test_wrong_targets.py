"""Well-formed requests that do not fit what is there: deleted targets, wrong qualifiers, forged tokens, clients that contradict
each other at the same moment, and many versions. The operations come from the service models, so that none is left out."""

import base64
import concurrent.futures
import json
import os

import aws_model
import pytest
import raw_aws
from botocore.exceptions import ClientError
from functions_api import ECHO, client, create, refused  # noqa: F401
from lambent import ROLE, make_zip, new_name, wait_for
from tables_api import create_table

VERSIONS = int(os.environ.get("VERSIONS", "10000"))
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


@pytest.fixture(scope="module")
def sender(server):
    return raw_aws.Sender(server)


def implemented(sender, model, operation, samples):
    """The operation's least valid request and its answer; nothing where the server does not have the operation."""
    tree = model.valid(model.input_name(operation), samples)
    answer = sender.send(model, raw_aws.build(model, operation, tree))
    return None if answer.error in ("NotImplementedException",) else answer


def operations_with(model, *members):
    """The operations that take one of these members."""
    for operation in sorted(model.operations):
        name = model.input_name(operation)
        if name and set(model.shape(name).get("members", {})) & set(members):
            yield operation


# ---- deleted targets ----------------------------------------------------------------------------------------------

# These do not fail where the function is not there: they list, or make it, or take sources and functions in another order.
NOT_BY_NAME = {"CreateFunction", "ListEventSourceMappings", "CreateEventSourceMapping", "UpdateEventSourceMapping",
               "ListDurableExecutionsByFunction"}


@pytest.fixture(scope="module")
def deleted_function(server):
    """The name of a function that had everything a function can have."""
    client = server.client("lambda")
    name = server.create_function(ECHO)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    client.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="*")
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    client.delete_function(FunctionName=name)
    return name


def test_every_operation_on_a_deleted_function_says_that_it_is_not_there(sender, deleted_function):
    model, wrong, checked = aws_model.Model("lambda"), [], 0
    samples = {"FunctionName": deleted_function, "Qualifier": "live", "Name": "live", "FunctionVersion": "1",
               "StatementId": "s", "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0",
               "Payload": b"{}", "InvokeArgs": b"{}", "Code": {"ZipFile": make_zip(ECHO)}}
    for operation in operations_with(model, "FunctionName"):
        if operation in NOT_BY_NAME:
            continue
        by_number = "FunctionScalingConfig" in operation
        answer = implemented(sender, model, operation, {**samples, "Qualifier": "1"} if by_number else samples)
        if answer is None:
            continue
        checked += 1
        if (answer.status, answer.error) != (404, "ResourceNotFoundException") or (
                deleted_function not in answer.message and "CodeSigning" not in operation):
            wrong.append((operation, answer.status, answer.error, answer.message))
    assert not wrong
    assert checked > 35, checked


def test_a_function_of_an_old_name_has_nothing_of_the_old_one(server, deleted_function):
    client = server.client("lambda")
    server.create_function(ECHO, name=deleted_function)
    assert [v["Version"] for v in client.list_versions_by_function(FunctionName=deleted_function)["Versions"]] == ["$LATEST"]
    assert client.list_aliases(FunctionName=deleted_function)["Aliases"] == []
    assert client.list_function_url_configs(FunctionName=deleted_function)["FunctionUrlConfigs"] == []
    assert client.list_function_event_invoke_configs(FunctionName=deleted_function)["FunctionEventInvokeConfigs"] == []
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=deleted_function)
    assert client.get_function_recursion_config(FunctionName=deleted_function)["RecursiveLoop"] == "Terminate"
    for call in (client.get_policy, client.get_function_url_config, client.get_function_event_invoke_config):
        assert refused(call, FunctionName=deleted_function)[:2] == (404, "ResourceNotFoundException")
    client.delete_function(FunctionName=deleted_function)


def test_every_operation_on_a_deleted_table_says_that_it_is_not_there(server, sender):
    model, wrong, checked = aws_model.Model("dynamodb"), [], 0
    db = server.client("dynamodb")
    name = create_table(db)
    db.delete_table(TableName=name)
    db.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    key = {"id": {"S": "a"}}
    samples = {"TableName": name, "ResourceArn": arn, "Key": key, "Item": key, "KeyConditionExpression": "id = :i",
               "RequestItems": {name: {"Keys": [key]}}, "TransactItems": [{"Get": {"TableName": name, "Key": key}}],
               "Statement": f"SELECT * FROM \"{name}\" WHERE id = 'a'", "BillingMode": "PAY_PER_REQUEST",
               "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "x"}}
    not_there = {"ResourceNotFoundException", "TableNotFoundException"}
    for operation in operations_with(model, "TableName", "ResourceArn", "Statement"):
        if operation in ("CreateTable", "ListBackups"):
            continue
        own = {**samples, "Key": "k"} if operation == "TagResource" else samples
        tree = model.valid(model.input_name(operation), own)
        tree.update({"Query": {"KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "a"}}},
                     "UpdateTable": {"DeletionProtectionEnabled": True}}.get(operation, {}))
        answer = sender.send(model, raw_aws.build(model, operation, tree))
        if answer.error == "NotImplementedException":
            continue
        checked += 1
        if answer.status != 400 or answer.error not in not_there:
            wrong.append((operation, answer.status, answer.error, answer.message))
    for operation, request in (("BatchGetItem", {name: {"Keys": [key]}}), ("BatchWriteItem", {name: [{"PutRequest": {"Item": key}}]})):
        answer = sender.send(model, raw_aws.build(model, operation, {"RequestItems": request}))
        assert (answer.status, answer.error) == (400, "ResourceNotFoundException"), operation
    assert not wrong
    assert checked > 15, checked


def test_every_operation_on_a_deleted_role_or_policy_says_that_it_is_not_there(server, sender):
    model, wrong, checked = aws_model.Model("iam"), [], 0
    iam = server.client("iam")
    name = new_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}))["Policy"]["Arn"]
    iam.delete_role(RoleName=name)
    iam.delete_policy(PolicyArn=arn)
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    samples = {"RoleName": name, "PolicyArn": arn, "PolicyName": "p", "PolicyDocument": document, "VersionId": "v1"}
    for operation in operations_with(model, "RoleName", "PolicyArn"):
        if operation == "CreateRole":
            continue
        own = {**samples, "PolicyDocument": json.dumps(TRUST)} if operation == "UpdateAssumeRolePolicy" else samples
        answer = implemented(sender, model, operation, own)
        if answer is None:
            continue
        checked += 1
        if (answer.status, answer.error) != (404, "NoSuchEntity"):
            wrong.append((operation, answer.status, answer.error, answer.message))
    assert not wrong
    assert checked > 20, checked


# ---- wrong qualifiers ---------------------------------------------------------------------------------------------


def test_every_operation_with_a_qualifier_refuses_one_that_is_not_there(server, sender, create):
    model, wrong, checked = aws_model.Model("lambda"), [], 0
    name = create(Publish=True)["FunctionName"]
    server.wait_until_active(name)
    samples = {"FunctionName": name, "FunctionVersion": "1", "StatementId": "s", "Payload": b"{}", "AuthType": "NONE",
               "Action": "lambda:InvokeFunction", "Principal": "*"}
    for operation in operations_with(model, "Qualifier"):
        if operation == "DeleteFunction":
            continue  # a version that is not there is deleted already; aliases are no versions
        for qualifier in ("99", "nope"):
            members = model.shape(model.input_name(operation))["members"]
            tree = {**model.valid(model.input_name(operation), samples), "Qualifier": qualifier}
            if model.constraints(members["Qualifier"]["shape"], qualifier):
                continue  # an alias only: the model says so
            answer = sender.send(model, raw_aws.build(model, operation, tree))
            if answer.error == "NotImplementedException":
                continue
            checked += 1
            if answer.status != 404 or answer.error not in ("ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException"):
                wrong.append((operation, qualifier, answer.status, answer.error, answer.message))
    assert not wrong
    assert checked > 30, checked


# ---- forged tokens ------------------------------------------------------------------------------------------------

FORGED = ("x", "AAAA", base64.b64encode(b"\0" * 40).decode(), base64.b64encode(os.urandom(48)).decode(), "%00", "null", "{}",
          "9" * 200)


def test_forged_markers_of_every_list_of_functions_are_refused(server, sender, create):
    model, checked = aws_model.Model("lambda"), 0
    name = create(Publish=True)["FunctionName"]
    client = server.client("lambda")
    create()
    others = client.list_functions(MaxItems=1)["NextMarker"]
    signing = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [
        "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/v"]})["CodeSigningConfig"]["CodeSigningConfigArn"]
    provider = new_name("cp")
    client.create_capacity_provider(
        CapacityProviderName=provider, VpcConfig={"SubnetIds": ["subnet-0a"], "SecurityGroupIds": []},
        PermissionsConfig={"CapacityProviderOperatorRoleArn": ROLE})
    samples = {"FunctionName": name, "LayerName": "any", "CodeSigningConfigArn": signing, "CapacityProviderName": provider}
    for operation in operations_with(model, "Marker"):
        answer = implemented(sender, model, operation, samples)
        if answer is None:
            continue
        assert answer.status == 200, (operation, answer.body)
        for marker in (*FORGED, *([others] if operation != "ListFunctions" else []), others[:-2], others + "A"):
            tree = {**model.valid(model.input_name(operation), samples), "Marker": marker}
            answer = sender.send(model, raw_aws.build(model, operation, tree))
            checked += 1
            assert (answer.status, answer.error, answer.message) == (
                400, "InvalidParameterValueException", "Invalid Marker"), (operation, marker)
    client.delete_code_signing_config(CodeSigningConfigArn=signing)
    client.delete_capacity_provider(CapacityProviderName=provider)
    assert checked > 100, checked


def test_forged_markers_of_every_list_of_iam_are_refused(server, sender):
    model, checked = aws_model.Model("iam"), 0
    iam = server.client("iam")
    name = new_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}))["Policy"]["Arn"]
    samples = {"RoleName": name, "PolicyArn": arn}
    for operation in operations_with(model, "Marker"):
        answer = implemented(sender, model, operation, samples)
        if answer is None:
            continue
        assert answer.status == 200, (operation, answer.body)
        for marker in FORGED:
            tree = {**model.valid(model.input_name(operation), samples), "Marker": marker}
            answer = sender.send(model, raw_aws.build(model, operation, tree))
            checked += 1
            assert answer.status == 400 and answer.fault == "Sender", (operation, marker, answer.body)
    iam.delete_role(RoleName=name)
    iam.delete_policy(PolicyArn=arn)
    assert checked > 40, checked


def test_forged_iterators_and_tokens_of_tables_are_refused(server, sender):
    db, streams = aws_model.Model("dynamodb"), aws_model.Model("dynamodbstreams")
    name = new_name("t")
    server.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    wait_for(lambda: server.client("dynamodb").describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", "the table")
    for token in FORGED:
        answer = sender.send(streams, raw_aws.build(streams, "GetRecords", {"ShardIterator": token}))
        assert (answer.status, answer.error) == (400, "ValidationException"), (token, answer.body)
        answer = sender.send(db, raw_aws.build(db, "ExecuteStatement", {"Statement": f'SELECT * FROM "{name}"', "NextToken": token}))
        assert (answer.status, answer.error) == (400, "ValidationException"), (token, answer.body)
        answer = sender.send(db, raw_aws.build(db, "Scan", {"TableName": name, "ExclusiveStartKey": {"no": {"S": token}}}))
        assert (answer.status, answer.error) == (400, "ValidationException"), (token, answer.body)


# ---- two clients at once ------------------------------------------------------------------------------------------


def outcome(call, **members):
    try:
        call(**members)
        return 200, ""
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def test_clients_that_contradict_each_other_leave_nothing_half_done(server):
    """Everything that one can do with a function, while others create and delete it."""
    client, name = server.client("lambda"), new_name()
    code = {"ZipFile": make_zip(ECHO)}
    calls = {
        "create": (client.create_function, dict(Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code)),
        "delete": (client.delete_function, {}),
        "code": (client.update_function_code, dict(ZipFile=make_zip({"app.py": "def handler(e, c):\n    return 2\n"}))),
        "configuration": (client.update_function_configuration, dict(Timeout=7)),
        "publish": (client.publish_version, {}),
        "alias": (client.create_alias, dict(Name="live", FunctionVersion="1")),
        "move": (client.update_alias, dict(Name="live", FunctionVersion="$LATEST")),
        "concurrency": (client.put_function_concurrency, dict(ReservedConcurrentExecutions=1)),
        "url": (client.create_function_url_config, dict(AuthType="NONE")),
        "permission": (client.add_permission, dict(StatementId="s", Action="lambda:InvokeFunction", Principal="*")),
        "config": (client.put_function_event_invoke_config, dict(MaximumRetryAttempts=1)),
        "invoke": (client.invoke, dict(Payload=b"1")),
    }
    allowed = {(200, ""), (404, "ResourceNotFoundException"), (409, "ResourceConflictException"),
               (429, "TooManyRequestsException"), (412, "PreconditionFailedException")}
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for _ in range(12):
            jobs = [(kind, pool.submit(outcome, call, FunctionName=name, **members)) for kind, (call, members) in calls.items()]
            seen |= {(kind, job.result()) for kind, job in jobs}
    assert {result for _, result in seen} <= allowed, sorted(seen)
    assert ("create", (200, "")) in seen and ("delete", (200, "")) in seen
    outcome(client.delete_function, FunctionName=name)
    server.create_function(ECHO, name=name)
    assert server.invoke(name, 5)[0] == 5
    assert client.list_aliases(FunctionName=name)["Aliases"] == []
    assert len(client.list_versions_by_function(FunctionName=name)["Versions"]) == 1
    assert refused(client.get_policy, FunctionName=name)[0] == 404
    assert refused(client.get_function_url_config, FunctionName=name)[0] == 404


def test_of_two_clients_one_makes_a_role_and_one_a_table(server):
    iam, db = server.client("iam"), server.client("dynamodb")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            name = new_name("both")
            roles = [pool.submit(outcome, iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)) for _ in range(4)]
            tables = [pool.submit(outcome, db.create_table, TableName=name, BillingMode="PAY_PER_REQUEST",
                                  KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                  AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}]) for _ in range(4)]
            assert sorted(job.result() for job in roles) == [(200, "")] + [(409, "EntityAlreadyExists")] * 3
            assert sorted(job.result() for job in tables) == [(200, "")] + [(400, "ResourceInUseException")] * 3
            deleted = [pool.submit(outcome, iam.delete_role, RoleName=name) for _ in range(4)]
            assert sorted(job.result() for job in deleted) == [(200, "")] + [(404, "NoSuchEntity")] * 3


# ---- many versions ------------------------------------------------------------------------------------------------


def publish_many(server, number):
    client = server.client("lambda")
    name = server.create_function({"app.py": "import os\ndef handler(event, context):\n    return [context.function_version, os.environ['NN']]\n"},
                                  Environment={"Variables": {"NN": "0"}})
    for index in range(1, number + 1):
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {"NN": str(index)}})
        assert client.publish_version(FunctionName=name)["Version"] == str(index)
    listed = [each["Version"] for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
              for each in page["Versions"]]
    assert listed == ["$LATEST", *map(str, range(1, number + 1))]
    for version in (1, number // 2, number):
        assert server.invoke(name, Qualifier=str(version))[0] == [str(version), str(version)]
    client.create_alias(FunctionName=name, Name="last", FunctionVersion=str(number))
    assert server.invoke(name, Qualifier="last")[0] == [str(number), str(number)]
    client.delete_function(FunctionName=name)
    assert refused(client.get_function, FunctionName=name, Qualifier="1")[0] == 404


def test_300_versions_of_a_function_are_listed_called_and_deleted(server):
    publish_many(server, 300)


@pytest.mark.soak
def test_10000_versions_of_a_function(new_server):
    publish_many(new_server().start(), VERSIONS)
