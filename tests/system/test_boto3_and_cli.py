"""Every waiter of boto3 for what this server has, and the aws command used as users of its version 2 use it."""

import json
import os
import subprocess

import botocore.exceptions
import pytest
from functions_api import ECHO
from lambent import AWS, ROLE, make_zip, new_name

SOON = {"Delay": 1, "MaxAttempts": 20}
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
KEYS = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}
# For operations that this server does not have.
NOT_HERE = {"dynamodb": {"bulk_operation_completed", "contributor_insights_enabled", "export_completed", "import_completed",
                         "kinesis_streaming_destination_active"},
            "iam": {"instance_profile_exists", "user_exists"}}


def waiting(server, service):
    """(wait(name, **members), names of the waiters that were used)."""
    client, used = server.client(service), set()

    def wait(name, config=None, **members):
        used.add(name)
        client.get_waiter(name).wait(WaiterConfig=config or SOON, **members)

    return client, wait, used


def test_every_waiter_of_functions(server):
    client, wait, used = waiting(server, "lambda")
    name = new_name()
    with pytest.raises(botocore.exceptions.WaiterError, match="Max attempts exceeded"):
        wait("function_exists", {"Delay": 1, "MaxAttempts": 2}, FunctionName=name)
    client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": make_zip(ECHO)})
    for waiter in ("function_exists", "function_active", "function_active_v2"):
        wait(waiter, FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=make_zip({"app.py": "def handler(event, context):\n    return 2\n"}))
    wait("function_updated", FunctionName=name)
    client.update_function_configuration(FunctionName=name, Timeout=5)
    wait("function_updated_v2", FunctionName=name)
    client.publish_version(FunctionName=name)
    wait("published_version_active", FunctionName=name, Qualifier="1")
    assert used == set(client.waiter_names)


def test_every_waiter_of_tables(server):
    client, wait, used = waiting(server, "dynamodb")
    name = new_name("t")
    client.create_table(TableName=name, **KEYS)
    wait("table_exists", TableName=name)
    client.delete_table(TableName=name)
    wait("table_not_exists", TableName=name)
    assert used == set(client.waiter_names) - NOT_HERE["dynamodb"]


def test_every_waiter_of_roles_and_policies(server):
    client, wait, used = waiting(server, "iam")
    name = new_name("role")
    client.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    wait("role_exists", RoleName=name)
    arn = client.create_policy(PolicyName=name, PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    wait("policy_exists", PolicyArn=arn)
    client.delete_policy(PolicyArn=arn)
    client.delete_role(RoleName=name)
    assert used == set(client.waiter_names) - NOT_HERE["iam"]


# ---- the command of version 2: not on PyPI; its ways that version 1 has too -----------------------------------------


@pytest.fixture
def profile(server, tmp_path):
    """What `aws configure` of version 2 writes, with the endpoint in it instead of in the environment."""
    settings = server.settings()
    config = tmp_path / "config"
    config.write_text(f"[profile lambent]\nregion = {settings['AWS_REGION']}\ncli_binary_format = raw-in-base64-out\ncli_pager =\n"
                      f"services = local\n\n[services local]\nlambda =\n  endpoint_url = {server.endpoint}\n"
                      f"dynamodb =\n  endpoint_url = {server.endpoint}\nsts =\n  endpoint_url = {server.endpoint}\n")
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[lambent]\naws_access_key_id = {settings['AWS_ACCESS_KEY_ID']}\n"
                           f"aws_secret_access_key = {settings['AWS_SECRET_ACCESS_KEY']}\n")
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_PROFILE": "lambent"}


def test_a_profile_with_endpoints_leads_here(server, profile, tmp_path):
    def aws(*arguments):
        done = subprocess.run([AWS, *map(str, arguments)], env=profile, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}:\n{done.stderr}"
        return done.stdout

    name, package = new_name(), tmp_path / "f.zip"
    package.write_bytes(make_zip(ECHO))
    skeleton = json.loads(aws("lambda", "create-function", "--generate-cli-skeleton"))
    assert {"FunctionName", "Code", "Role"} <= set(skeleton)
    request = tmp_path / "create.json"
    request.write_text(json.dumps({"FunctionName": name, "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}))
    aws("lambda", "create-function", "--cli-input-json", f"file://{request}", "--zip-file", f"fileb://{package}")
    aws("lambda", "wait", "function-active-v2", "--function-name", name)
    event, out = tmp_path / "event.json", tmp_path / "out.json"
    event.write_text('{"n": "ü"}')
    status = aws("lambda", "invoke", "--function-name", name, "--payload", f"fileb://{event}", "--query", "StatusCode",
                 "--output", "text", out)
    assert status.strip() == "200" and json.loads(out.read_text()) == {"n": "ü"}
    client = server.client("lambda")
    for number in (1, 2, 3):
        client.update_function_configuration(FunctionName=name, Timeout=number)
        server.wait_until_active(name)
        client.publish_version(FunctionName=name)
    page = json.loads(aws("lambda", "list-versions-by-function", "--function-name", name, "--max-items", "2", "--page-size", "1"))
    rest = json.loads(aws("lambda", "list-versions-by-function", "--function-name", name, "--starting-token", page["NextToken"]))
    assert [v["Version"] for v in page["Versions"] + rest["Versions"]] == ["$LATEST", "1", "2", "3"]
    assert aws("sts", "get-caller-identity", "--query", "Account", "--output", "text").strip() == "000000000000"

    table = new_name("t")
    request.write_text(json.dumps({"TableName": table, **KEYS}))
    aws("dynamodb", "create-table", "--cli-input-json", f"file://{request}")
    aws("dynamodb", "wait", "table-exists", "--table-name", table)
    aws("dynamodb", "put-item", "--table-name", table, "--item", '{"id": {"S": "a"}, "n": {"N": "1"}}')
    assert aws("dynamodb", "scan", "--table-name", table, "--query", "Items[].n.N", "--output", "text").strip() == "1"
