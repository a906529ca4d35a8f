"""IAM's roles and policies and STS as deployment tools use them before a function is made."""

import json

import boto3
import pytest
from functions_api import refused
from lambent import new_name

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
MAY_LOG = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:*"], "Resource": "*"}]}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
def iam(server):
    return server.client("iam", config={"retries": {"max_attempts": 0}})


@pytest.fixture
def role(iam):
    name = new_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return name


def test_a_role_is_made_shown_listed_changed_and_deleted(iam):
    name = new_name("role")
    made = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=json.dumps(TRUST),
                           Description="of a test", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "1"}])["Role"]
    assert made["Arn"] == f"arn:aws:iam::000000000000:role/team/{name}"
    assert made["RoleId"].startswith("AROA") and made["AssumeRolePolicyDocument"] == TRUST
    iam.get_waiter("role_exists").wait(RoleName=name)
    shown = iam.get_role(RoleName=name)["Role"]
    assert shown == made
    assert refused(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)) == (
        409, "EntityAlreadyExists", f"Role with name {name} already exists.")
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/team/", PaginationConfig={"PageSize": 1})
    assert name in [each["RoleName"] for page in pages for each in page["Roles"]]
    iam.update_role(RoleName=name, Description="changed")
    iam.tag_role(RoleName=name, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName=name, TagKeys=["a"])
    other = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Sid": "One"}]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(other))
    shown = iam.get_role(RoleName=name)["Role"]
    assert (shown["Description"], shown["AssumeRolePolicyDocument"]) == ("changed", other)
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_role(RoleName=name)
    assert refused(iam.get_role, RoleName=name) == (
        404, "NoSuchEntity", f"The role with name {name} cannot be found.")


def test_policies_in_a_role_and_attached_to_it(iam, role):
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=json.dumps(MAY_LOG))
    assert iam.get_role_policy(RoleName=role, PolicyName="inline")["PolicyDocument"] == MAY_LOG
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["inline"]
    iam.attach_role_policy(RoleName=role, PolicyArn=BASIC)
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == [
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]
    assert refused(iam.delete_role, RoleName=role) == (
        409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
    iam.detach_role_policy(RoleName=role, PolicyArn=BASIC)
    iam.delete_role_policy(RoleName=role, PolicyName="inline")
    assert iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"] == []
    iam.delete_role(RoleName=role)


def test_a_managed_policy_and_its_versions(iam, role):
    name = new_name("policy")
    policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(MAY_LOG), Description="d")["Policy"]
    assert (policy["Arn"], policy["DefaultVersionId"]) == (f"arn:aws:iam::000000000000:policy/{name}", "v1")
    assert iam.get_policy_version(PolicyArn=policy["Arn"], VersionId="v1")["PolicyVersion"]["Document"] == MAY_LOG
    iam.attach_role_policy(RoleName=role, PolicyArn=policy["Arn"])
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["AttachmentCount"] == 1
    assert [p["PolicyName"] for p in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]].count(name) == 1
    assert iam.list_entities_for_policy(PolicyArn=policy["Arn"])["PolicyRoles"][0]["RoleName"] == role
    iam.create_policy_version(PolicyArn=policy["Arn"], PolicyDocument=json.dumps(MAY_LOG), SetAsDefault=True)
    versions = iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [("v2", True), ("v1", False)]
    assert refused(iam.delete_policy, PolicyArn=policy["Arn"])[:2] == (409, "DeleteConflict")
    first = iam.list_policy_versions(PolicyArn=policy["Arn"], MaxItems=1)
    assert first["IsTruncated"] and [v["VersionId"] for v in first["Versions"]] == ["v2"]
    rest = iam.list_policy_versions(PolicyArn=policy["Arn"], Marker=first["Marker"])
    assert not rest["IsTruncated"] and [v["VersionId"] for v in rest["Versions"]] == ["v1"]
    iam.set_default_policy_version(PolicyArn=policy["Arn"], VersionId="v1")
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["DefaultVersionId"] == "v1"
    iam.set_default_policy_version(PolicyArn=policy["Arn"], VersionId="v2")
    iam.detach_role_policy(RoleName=role, PolicyArn=policy["Arn"])
    iam.delete_policy_version(PolicyArn=policy["Arn"], VersionId="v1")
    iam.delete_policy(PolicyArn=policy["Arn"])
    assert refused(iam.get_policy, PolicyArn=policy["Arn"])[:2] == (404, "NoSuchEntity")


def test_tags_of_policies_and_roles_come_in_pages(iam, role):
    arn = iam.create_policy(PolicyName=new_name("policy"), PolicyDocument=json.dumps(MAY_LOG))["Policy"]["Arn"]
    tags = [{"Key": f"k{n}", "Value": str(n)} for n in range(5)]
    iam.tag_policy(PolicyArn=arn, Tags=tags)
    iam.tag_role(RoleName=role, Tags=tags)
    for operation, target in (("list_policy_tags", {"PolicyArn": arn}), ("list_role_tags", {"RoleName": role})):
        pages = list(iam.get_paginator(operation).paginate(**target, PaginationConfig={"PageSize": 2}))
        assert len(pages) == 3 and [tag for page in pages for tag in page["Tags"]] == tags
    iam.untag_policy(PolicyArn=arn, TagKeys=["k0", "k1", "k2", "k3"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == tags[4:]
    iam.delete_policy(PolicyArn=arn)


def test_a_role_is_described_anew(iam, role):
    assert iam.update_role_description(RoleName=role, Description="fresh")["Role"]["Description"] == "fresh"
    assert iam.get_role(RoleName=role)["Role"]["Description"] == "fresh"


@pytest.mark.parametrize("document, message", [
    ("{", "This policy contains invalid Json"),
    (json.dumps(MAY_LOG), "Has prohibited field Resource"),
    (json.dumps({"Version": "2020-10-10", "Statement": []}),
     "Policy document must be version 2012-10-17 or greater."),
])
def test_a_trust_policy_that_is_none_is_refused(iam, document, message):
    assert refused(iam.create_role, RoleName=new_name("role"), AssumeRolePolicyDocument=document) == (
        400, "MalformedPolicyDocument", message)


def test_names_that_the_model_forbids_are_refused(server):
    iam = server.client("iam", config={"parameter_validation": False, "retries": {"max_attempts": 0}})
    for name in ("with space", "x" * 65, ""):
        status, code, _ = refused(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        assert (status, code) == (400, "ValidationError"), name


def test_roles_outlive_kill_9(new_server):
    server = new_server().start()
    iam = server.client("iam")
    for n in range(20):
        iam.create_role(RoleName=f"role{n}", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="role0", PolicyName="p", PolicyDocument=json.dumps(MAY_LOG))
    server.kill()
    iam = server.start().client("iam")
    assert len(iam.list_roles()["Roles"]) == 20
    assert iam.get_role_policy(RoleName="role0", PolicyName="p")["PolicyDocument"] == MAY_LOG


def test_a_role_is_assumed(server, role):
    sts = server.client("sts", config={"retries": {"max_attempts": 0}})
    arn = f"arn:aws:iam::000000000000:role/{role}"
    assumed = sts.assume_role(RoleArn=arn, RoleSessionName="me", DurationSeconds=900)
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::000000000000:assumed-role/{role}/me"
    keys = assumed["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    who = session.client("sts", endpoint_url=server.endpoint).get_caller_identity()
    assert who["Arn"] == assumed["AssumedRoleUser"]["Arn"]
    assert who["UserId"] == assumed["AssumedRoleUser"]["AssumedRoleId"]
    assert who["UserId"] == server.client("iam").get_role(RoleName=role)["Role"]["RoleId"] + ":me"
    assert refused(sts.assume_role, RoleArn=arn + "x", RoleSessionName="me")[:2] == (403, "AccessDenied")
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="me", DurationSeconds=7200) == (
        400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def test_session_tokens_are_keys_of_the_same_caller(server):
    sts = server.client("sts", config={"retries": {"max_attempts": 0}})
    keys = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    who = session.client("sts", endpoint_url=server.endpoint).get_caller_identity()
    assert who["Arn"] == sts.get_caller_identity()["Arn"]
    assert sts.get_access_key_info(AccessKeyId=keys["AccessKeyId"])["Account"] == who["Account"]
    broken = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"] + "x", "us-east-1")
    assert refused(broken.client("sts", endpoint_url=server.endpoint).get_caller_identity)[0] == 403
