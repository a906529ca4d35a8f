"""Layers: published, listed, mounted at /opt in the order that the function names, kept for the functions that have them."""

import base64
import hashlib
import json
import urllib.request

import pytest

from functions_api import arn_of, client, create, refused  # noqa: F401
from lambent import make_zip, new_name

SHOW = """
import os, subprocess, sys
def handler(event, context):
    import shared
    try:
        os.mkdir('/opt/new')
        writable = True
    except OSError:
        writable = False
    found = sorted(os.path.join(folder, name)[5:] for folder, _, names in os.walk('/opt') for name in names)
    return {'shared': shared.WHO, 'files': found, 'writable': writable, 'code': 'code' in open('/var/task/app.py').read()}
"""


def arn(name, version=None):
    return f"arn:aws:lambda:us-east-1:000000000000:layer:{name}" + (f":{version}" if version else "")


@pytest.fixture
def publish(client):
    def make(files, name=None, **members):
        return client.publish_layer_version(LayerName=name or new_name("l"), Content={"ZipFile": make_zip(files)}, **members)

    return make


def test_layers_lie_over_each_other_at_opt(client, create, publish):
    one = publish({"python/shared.py": "WHO = 'one'\n", "one.txt": "1", "both.txt": "1"})
    two = publish({"python/shared.py": "WHO = 'two'\n", "two.txt": "2", "both.txt": "2"})
    layers = [one["LayerVersionArn"], two["LayerVersionArn"]]
    created = create({"app.py": SHOW}, Layers=layers, Publish=True)
    name = created["FunctionName"]
    assert [layer["Arn"] for layer in created["Layers"]] == layers
    assert created["Layers"][0]["CodeSize"] == one["Content"]["CodeSize"]
    expected = {"shared": "two", "files": ["both.txt", "one.txt", "python/shared.py", "two.txt"], "writable": False,
                "code": True}
    assert json.load(client.invoke(FunctionName=name)["Payload"]) == expected
    client.update_function_configuration(FunctionName=name, Layers=layers[::-1])
    assert json.load(client.invoke(FunctionName=name)["Payload"]) == {**expected, "shared": "one"}
    assert json.load(client.invoke(FunctionName=name, Qualifier="1")["Payload"]) == expected, "a version keeps its own"
    client.update_function_configuration(FunctionName=name, Layers=layers[:1])
    assert json.load(client.invoke(FunctionName=name)["Payload"])["files"] == ["both.txt", "one.txt", "python/shared.py"]
    shown = client.update_function_configuration(FunctionName=name, Layers=[])
    assert "Layers" not in shown
    assert json.load(client.invoke(FunctionName=name)["Payload"])["errorType"] == "ModuleNotFoundError"


def test_a_node_function_finds_its_modules_in_a_layer(client, create, publish, node_runtime):
    layer = publish({"nodejs/node_modules/shared/index.js": "exports.who = 'layer';"})
    name = create({"index.js": "exports.handler = async () => require('shared').who;"}, Runtime=node_runtime,
                  Handler="index.handler", Layers=[layer["LayerVersionArn"]])["FunctionName"]
    assert json.load(client.invoke(FunctionName=name)["Payload"]) == "layer"


def test_layers_are_published_shown_listed_and_deleted(client, publish):
    files = {"python/a.py": "1"}
    name = new_name("l")
    first = publish(files, name, Description="d", LicenseInfo="MIT", CompatibleRuntimes=["python3.11"],
                    CompatibleArchitectures=["x86_64"])
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (first["LayerArn"], first["LayerVersionArn"], first["Version"]) == (arn(name), arn(name, 1), 1)
    content = make_zip(files)
    assert first["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert urllib.request.urlopen(first["Content"]["Location"]).read() == content
    second = publish({"python/a.py": "2"}, name)
    shown = client.get_layer_version(LayerName=name, VersionNumber=1)
    assert (shown["Description"], shown["LicenseInfo"], shown["CompatibleRuntimes"]) == ("d", "MIT", ["python3.11"])
    assert client.get_layer_version_by_arn(Arn=second["LayerVersionArn"])["Version"] == 2
    assert client.get_layer_version(LayerName=arn(name), VersionNumber=2)["Version"] == 2
    pages = client.get_paginator("list_layer_versions").paginate(LayerName=name, PaginationConfig={"PageSize": 1})
    assert [v["Version"] for page in pages for v in page["LayerVersions"]] == [2, 1]
    layers = [layer for page in client.get_paginator("list_layers").paginate() for layer in page["Layers"]]
    assert [l["LatestMatchingVersion"]["Version"] for l in layers if l["LayerName"] == name] == [2]
    layers = [layer for page in client.get_paginator("list_layers").paginate(CompatibleRuntime="python3.11")
              for layer in page["Layers"]]
    assert [l["LatestMatchingVersion"]["Version"] for l in layers if l["LayerName"] == name] == [1]
    for _ in range(2):
        assert client.delete_layer_version(LayerName=name, VersionNumber=2)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_layer_version, LayerName=name, VersionNumber=2)[:2] == (404, "ResourceNotFoundException")
    assert publish(files, name)["Version"] == 3, "numbers are not given again"


def test_a_layer_that_is_deleted_stays_with_its_functions_over_a_restart(new_server):
    server = new_server().start()
    client = server.client("lambda")
    for name in ("a", "b"):
        client.publish_layer_version(LayerName=name, Content={"ZipFile": make_zip({f"python/{name}_layer.py": "1"})})
    code = "import a_layer, b_layer\ndef handler(event, context):\n    return 'fine'\n"
    name = server.create_function({"app.py": code}, Layers=[arn("a", 1), arn("b", 1)])
    for layer in ("a", "b"):
        client.delete_layer_version(LayerName=layer, VersionNumber=1)
    server.kill()
    server.start()
    assert server.invoke(name)[0] == "fine"
    server.client("lambda").delete_function(FunctionName=name)


def test_layers_of_a_function_are_checked(create, publish):
    one = publish({"a": "1"})["LayerVersionArn"]
    name = one.split(":")[-2]
    publish({"a": "2"}, name)

    def refusal(*layers):
        status, code, message = refused(create, Layers=list(layers))
        assert (status, code) == (400, "InvalidParameterValueException")
        return message

    assert refusal(arn("none", 1)) == f"Layer version {arn('none', 1)} does not exist."
    assert "Two different versions of the same layer" in refusal(one, arn(name, 2))
    others = [publish({"a": str(n)})["LayerVersionArn"] for n in range(6)]
    assert refusal(*others) == "Cannot reference more than 5 layers."


def test_code_and_layers_are_bounded_together(new_server):
    server = new_server("--limits-unzipped-bytes", "100KiB").start()
    client = server.client("lambda")
    layer = client.publish_layer_version(LayerName="big", Content={"ZipFile": make_zip({"big": "x" * 90_000})})
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        server.create_function({"app.py": "#" * 20_000}, Layers=[layer["LayerVersionArn"]])
    assert "Function code combined with layers exceeds the maximum allowed size of 102400 bytes" in str(caught.value)
    server.create_function({"app.py": "#"}, Layers=[layer["LayerVersionArn"]])


def test_policies_of_layers_and_functions(client, create, publish):
    name = publish({"a": "1"})["LayerArn"].split(":")[-1]
    added = client.add_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="s", Principal="*",
                                                Action="lambda:GetLayerVersion")
    policy = client.get_layer_version_policy(LayerName=name, VersionNumber=1)
    assert json.loads(policy["Policy"])["Statement"] == [json.loads(added["Statement"])]
    client.remove_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="s", RevisionId=policy["RevisionId"])
    assert refused(client.get_layer_version_policy, LayerName=name, VersionNumber=1)[:2] == (404, "ResourceNotFoundException")

    name = create(Publish=True)["FunctionName"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in (None, "live"):
        members = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
        added = client.add_permission(StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                                      SourceArn="arn:aws:s3:::bucket", SourceAccount="000000000000", **members)
        resource = arn_of(name) + (f":{qualifier}" if qualifier else "")
        assert json.loads(added["Statement"]) == {
            "Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction",
            "Resource": resource, "Condition": {"StringEquals": {"AWS:SourceAccount": "000000000000"},
                                                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}}}
        policy = client.get_policy(**members)
        assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default",
                                                "Statement": [json.loads(added["Statement"])]}
        assert refused(client.add_permission, StatementId="s3", Action="lambda:InvokeFunction", Principal="x", **members)[:2] == (
            409, "ResourceConflictException")
        client.remove_permission(StatementId="s3", RevisionId=policy["RevisionId"], **members)
        assert refused(client.get_policy, **members) == (
            404, "ResourceNotFoundException", "The resource you requested does not exist.")


def test_the_cli_publishes_layers_and_adds_permissions(server, tmp_path):
    path = tmp_path / "layer.zip"
    path.write_bytes(make_zip({"python/x.py": "1"}))
    name = new_name("l")
    published = server.cli("lambda", "publish-layer-version", "--layer-name", name, "--zip-file", f"fileb://{path}",
                           "--compatible-runtimes", "python3.11").json
    assert published["Version"] == 1
    listed = server.cli("lambda", "list-layer-versions", "--layer-name", name, "--query", "LayerVersions[].Version").json
    assert listed == [1]
    function = server.create_function({"app.py": "import x\ndef handler(e, c):\n    return x.__file__\n"},
                                      Layers=[published["LayerVersionArn"]])
    assert server.invoke(function)[0] == "/opt/python/x.py"
    server.cli("lambda", "add-permission", "--function-name", function, "--statement-id", "s", "--action",
               "lambda:InvokeFunction", "--principal", "events.amazonaws.com")
    policy = server.cli("lambda", "get-policy", "--function-name", function).json
    assert json.loads(policy["Policy"])["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
    server.cli("lambda", "remove-permission", "--function-name", function, "--statement-id", "s")
    server.cli("lambda", "delete-layer-version", "--layer-name", name, "--version-number", "1")


def test_groups_that_are_only_kept(client, create):
    name = create(Publish=True)["FunctionName"]
    profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abc"
    config = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [profile]})["CodeSigningConfig"]
    config_arn = config["CodeSigningConfigArn"]
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    changed = client.update_code_signing_config(CodeSigningConfigArn=config_arn, Description="changed", CodeSigningPolicies={
        "UntrustedArtifactOnDeployment": "Enforce"})["CodeSigningConfig"]
    assert (changed["Description"], changed["CodeSigningPolicies"]) == ("changed", {"UntrustedArtifactOnDeployment": "Enforce"})
    assert client.get_code_signing_config(CodeSigningConfigArn=config_arn)["CodeSigningConfig"] == changed
    assert config_arn in [each["CodeSigningConfigArn"] for each in client.list_code_signing_configs()["CodeSigningConfigs"]]
    client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=config_arn)
    assert client.get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == config_arn
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=config_arn)["FunctionArns"] == [arn_of(name)]
    assert refused(client.delete_code_signing_config, CodeSigningConfigArn=config_arn)[1] == "ResourceConflictException"
    client.delete_function_code_signing_config(FunctionName=name)
    client.delete_code_signing_config(CodeSigningConfigArn=config_arn)
    assert client.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "Auto"
    client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert client.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "FunctionUpdate"
    client.put_function_scaling_config(FunctionName=name, Qualifier="1", FunctionScalingConfig={"MaxExecutionEnvironments": 3})
    shown = client.get_function_scaling_config(FunctionName=name, Qualifier="1")
    assert shown["RequestedFunctionScalingConfig"] == {"MaxExecutionEnvironments": 3}


PROVIDER = {"VpcConfig": {"SubnetIds": ["subnet-0a"], "SecurityGroupIds": ["sg-0a"]},
            "PermissionsConfig": {"CapacityProviderOperatorRoleArn": "arn:aws:iam::000000000000:role/operator"}}


def test_capacity_providers_are_kept_and_shown(client):
    names = [new_name("cp") for _ in range(3)]
    arns = {name: f"arn:aws:lambda:us-east-1:000000000000:capacity-provider:{name}" for name in names}
    given = {**PROVIDER, "InstanceRequirements": {"Architectures": ["arm64"], "AllowedInstanceTypes": ["m7g.*"]},
             "CapacityProviderScalingConfig": {"MaxVCpuCount": 40, "ScalingMode": "Manual", "ScalingPolicies": [
                 {"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 62.5}]},
             "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k", "PropagateTags": {"Mode": "None"},
             "TelemetryConfig": {"LoggingConfig": {"SystemLogLevel": "WARN", "LogGroup": "own"}}}
    made = client.create_capacity_provider(CapacityProviderName=names[0], **given, Tags={"a": "1"})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    shown = made["CapacityProvider"]
    assert shown == {**given, "CapacityProviderArn": arns[names[0]], "State": "Active", "LastModified": shown["LastModified"]}
    assert client.get_capacity_provider(CapacityProviderName=arns[names[0]])["CapacityProvider"] == shown
    for name in names[1:]:
        client.create_capacity_provider(CapacityProviderName=name, **PROVIDER)
    assert refused(client.create_capacity_provider, CapacityProviderName=names[0], **PROVIDER)[:2] == (
        409, "ResourceConflictException")
    changed = client.update_capacity_provider(CapacityProviderName=names[0], CapacityProviderScalingConfig={"MaxVCpuCount": 80})
    assert changed["CapacityProvider"]["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 80}
    assert changed["CapacityProvider"]["KmsKeyArn"] == given["KmsKeyArn"]
    client.tag_resource(Resource=arns[names[0]], Tags={"b": "2"})
    client.untag_resource(Resource=arns[names[0]], TagKeys=["a"])
    assert client.list_tags(Resource=arns[names[0]])["Tags"] == {"b": "2"}
    listed, marker = [], {}
    while True:
        page = client.list_capacity_providers(MaxItems=1, **marker)
        assert len(page["CapacityProviders"]) == 1
        listed += [each["CapacityProviderArn"] for each in page["CapacityProviders"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert sorted(arns.values()) == [arn for arn in sorted(listed) if arn in arns.values()]
    assert client.list_capacity_providers(State="Failed")["CapacityProviders"] == []
    versions = client.list_function_versions_by_capacity_provider(CapacityProviderName=names[0], MaxItems=1)
    assert (versions["CapacityProviderArn"], versions["FunctionVersions"]) == (arns[names[0]], [])
    for name in names:
        assert client.delete_capacity_provider(CapacityProviderName=name)["CapacityProvider"]["State"] == "Deleting"
    for call in (client.get_capacity_provider, client.update_capacity_provider, client.delete_capacity_provider,
                 client.list_function_versions_by_capacity_provider):
        assert refused(call, CapacityProviderName=names[0])[:2] == (404, "ResourceNotFoundException")


def test_a_policy_is_one_document_given_by_statements_or_as_a_whole(client, create):
    name = create(Publish=True)["FunctionName"]
    resource = arn_of(name)
    client.add_permission(FunctionName=name, StatementId="old", Action="lambda:InvokeFunction", Principal="*")
    policy = {"Version": "2012-10-17", "Id": "mine", "Statement": [
        {"Sid": "s", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "lambda:InvokeFunction", "Resource": resource}]}
    put = client.put_resource_policy(ResourceArn=resource, Policy=json.dumps(policy))
    assert json.loads(put["Policy"]) == policy
    shown = client.get_resource_policy(ResourceArn=resource)
    assert (shown["Policy"], shown["RevisionId"]) == (put["Policy"], put["RevisionId"])
    assert json.loads(client.get_policy(FunctionName=name)["Policy"]) == policy
    statement = json.loads(client.add_permission(
        FunctionName=name, StatementId="new", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")["Statement"])
    assert json.loads(client.get_resource_policy(ResourceArn=resource)["Policy"])["Statement"] == [*policy["Statement"], statement]
    version = f"{resource}:1"
    assert refused(client.get_resource_policy, ResourceArn=version)[:2] == (404, "ResourceNotFoundException")
    client.put_resource_policy(ResourceArn=version, Policy=json.dumps(policy))
    assert refused(client.put_resource_policy, ResourceArn=resource, Policy=json.dumps(policy), RevisionId=put["RevisionId"])[:2] == (
        412, "PreconditionFailedException")
    assert refused(client.put_resource_policy, ResourceArn=resource, Policy="{")[:2] == (400, "InvalidParameterValueException")
    assert refused(client.put_resource_policy, ResourceArn=arn_of("no-such-function"), Policy=json.dumps(policy))[:2] == (
        404, "ResourceNotFoundException")
    client.delete_resource_policy(ResourceArn=version)
    client.delete_resource_policy(ResourceArn=resource)
    for call in (client.get_resource_policy, client.delete_resource_policy):
        assert refused(call, ResourceArn=resource)[:2] == (404, "ResourceNotFoundException")
    assert refused(client.get_policy, FunctionName=name)[:2] == (404, "ResourceNotFoundException")


def test_what_is_only_kept_is_there_after_a_restart(new_server):
    server = new_server().start()
    client = server.client("lambda")
    resource = arn_of(server.create_function({"app.py": "def handler(event, context): pass\n"}))
    client.create_capacity_provider(CapacityProviderName="one", **PROVIDER, Tags={"a": "1"})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "lambda:*"}]})
    client.put_resource_policy(ResourceArn=resource, Policy=policy)

    def shown(client):
        provider = client.get_capacity_provider(CapacityProviderName="one")["CapacityProvider"]
        kept = client.get_resource_policy(ResourceArn=resource)
        return provider, client.list_tags(Resource=provider["CapacityProviderArn"])["Tags"], kept["Policy"], kept["RevisionId"]

    before = shown(client)
    assert before[1] == {"a": "1"} and json.loads(before[2]) == json.loads(policy)
    server.restart()
    assert shown(server.client("lambda")) == before


def test_durable_executions_are_refused_in_words(client, create):
    name = create()["FunctionName"]
    status, code, message = refused(client.list_durable_executions_by_function, FunctionName=name)
    assert (status, code) == (501, "NotImplementedException") and "ListDurableExecutionsByFunction" in message
