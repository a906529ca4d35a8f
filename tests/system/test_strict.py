"""`--strict`: what AWS would refuse is refused."""

import subprocess

import pytest
from functions_api import refused
from lambent import BINARY, ROLE, make_zip, new_name

CODE = {"ZipFile": make_zip({"app.py": "def handler(event, context):\n    return event\n"})}


@pytest.mark.parametrize("flags, said", [
    (["--limits-timeout-seconds", "3600"], "limits.timeout_seconds is 3600, AWS has at most 900"),
    (["--limits-sync-payload-bytes", "7MiB", "--limits-layers", "6"], "limits.layers is 6, AWS has at most 5"),
    (["--limits-unreserved-concurrency", "0"], "limits.unreserved_concurrency is 0, AWS has at least 100"),
    (["--snapshots", "all"], "snapshots is all"),
])
def test_a_setting_beyond_aws_s_limit_is_refused_at_the_start(tmp_path, flags, said):
    done = subprocess.run([BINARY, "serve", "--data", tmp_path / "data", "--port", "0", "--strict", *flags],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and said in done.stderr, done.stderr


def test_functions_are_as_aws_takes_them(new_server, node_runtime):
    server = new_server("--strict", "--limits-timeout-seconds", "60").start()
    client = server.client("lambda")

    def create(**members):
        return client.create_function(**{"FunctionName": new_name(), "Runtime": "python3.11", "Handler": "app.handler",
                                         "Role": ROLE, "Code": CODE, **members})

    for members, words in [
        ({"Tags": {"lambent:isolation": "request"}}, "lambent:isolation"),
        ({"VpcConfig": {"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]}}, "VpcConfig"),
        ({"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"}, "KMSKeyArn"),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, "LoggingConfig"),
        ({"TracingConfig": {"Mode": "Active"}}, "TracingConfig"),
        ({"Runtime": node_runtime, "SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
    ]:
        status, code, message = refused(create, **members)
        assert (status, code) == (400, "InvalidParameterValueException") and words in message, message
    made = create(Tags={"mine": "1"}, LoggingConfig={"LogFormat": "Text"}, SnapStart={"ApplyOn": "PublishedVersions"})
    name, arn = made["FunctionName"], made["FunctionArn"]
    server.wait_until_active(name)
    assert server.invoke(name, {"n": 1})[0] == {"n": 1}
    assert "lambent:network" in refused(client.tag_resource, Resource=arn, Tags={"lambent:network": "none"})[2]
    assert "KMSKeyArn" in refused(client.update_function_configuration, FunctionName=name,
                                  KMSKeyArn="arn:aws:kms:us-east-1:000000000000:key/1")[2]
