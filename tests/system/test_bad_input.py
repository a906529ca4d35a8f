"""Every operation of every service model, with requests that break one rule each: the answers are AWS's, and nothing changes.

What is sent and what AWS answers to it comes from tests/bad_input_cases.py; here it is sent and compared.
"""

import concurrent.futures
import time

import aws_model
import bad_input_cases
import pytest
import raw_aws

THREADS = 4
SLOWEST = 10  # seconds for one answer: a bound for "does not hang", not an expectation

# So that base requests change nothing: they name what is not there.
SAMPLES = {
    "lambda": {"FunctionName": "no-such-function", "LayerName": "no-such-layer",
               "UUID": "00000000-0000-0000-0000-000000000000",
               "CapacityProviderName": "arn:aws:lambda:us-east-1:999999999999:capacity-provider:of-another-account",
               "ResourceArn": "arn:aws:lambda:us-east-1:000000000000:function:no-such-function",
               "EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000"},
    "dynamodb": {"TableName": "no-such-table"},
    "dynamodbstreams": {"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-01-01T00:00:00.000"},
    "iam": {"RoleName": "no-such-role", "PolicyArn": "arn:aws:iam::000000000000:policy/no-such-policy"},
    "sts": {"RoleArn": "arn:aws:iam::000000000000:role/no-such-role"},
}
# So that a generator that finds nothing does not pass.
LEAST = {"lambda": 4000, "dynamodb": 6000, "dynamodbstreams": 200, "iam": 2000, "sts": 250}


@pytest.fixture(scope="module")
def sender(server):
    return raw_aws.Sender(server)


def listed(server):
    """All that can be listed, by kind."""
    functions, tables, roles = server.client("lambda"), server.client("dynamodb"), server.client("iam")
    found = {}
    for client, operation, key, options in (
            (functions, "list_functions", "Functions", {}), (functions, "list_layers", "Layers", {}),
            (functions, "list_event_source_mappings", "EventSourceMappings", {}),
            (functions, "list_code_signing_configs", "CodeSigningConfigs", {}),
            (functions, "list_capacity_providers", "CapacityProviders", {}),
            (roles, "list_roles", "Roles", {}), (roles, "list_policies", "Policies", {}),
            (tables, "list_tables", "TableNames", {}), (tables, "list_backups", "BackupSummaries", {})):
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**options)
            found[key] = [each for page in pages for each in page.get(key, [])]
        else:
            found[key] = getattr(client, operation)(**options)[key]
    return found


def differs(case, answer, base):
    """Why the answer is not the expected one, or nothing."""
    if answer.status >= 500 and answer.status != 501:
        return f"status {answer.status}"
    expected = case.expected
    if expected is None:
        if (answer.status, answer.error) == (base.status, base.error):
            return None
        return f"{answer.status} {answer.error} {answer.message!r} instead of {base.status} {base.error} as without it"
    got = (answer.status, answer.error)
    if got != (expected.status, expected.code):
        return f"{got} {answer.message!r} instead of {(expected.status, expected.code)}"
    if answer.protocol == "query" and answer.fault != "Sender":
        return f"fault {answer.fault}"
    if expected.message is not None and not expected.message.fullmatch(answer.message):
        return f"{answer.message!r} instead of {expected.message.pattern!r}"
    return None


def check_operation(server, sender, model, generator, operation):
    """(number of cases, what is wrong, slowest seconds) of one operation."""
    wrong, slowest, count = [], 0, 0
    base = sender.send(model, generator.base(operation))
    if base.error in (generator.rules.validation, generator.rules.serialization) and "detected" in base.message or (
            base.status >= 500 and base.status != 501):
        wrong.append(f"{operation}: base request: {base.status} {base.error} {base.message!r}")
    for case in generator.cases(operation):
        count += 1
        begin = time.monotonic()
        try:
            answer = sender.send(model, case.raw)
        except OSError as error:
            wrong.append(f"{operation}: {case.what}: {error!r}")
            sender.close()
            continue
        slowest = max(slowest, time.monotonic() - begin)
        why = differs(case, answer, base)
        if why:
            wrong.append(f"{operation}: {case.what}: {why}")
    return count, wrong, slowest


@pytest.mark.parametrize("service", aws_model.SERVICES)
def test_requests_that_break_one_rule_are_answered_as_aws_answers_them(server, sender, service):
    model = aws_model.Model(service)
    before = listed(server)
    total, wrong, slowest = 0, [], 0
    generator = [bad_input_cases.Generator(model, SAMPLES[service]) for _ in range(THREADS)]
    operations = sorted(model.operations)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(lambda mine, chosen: [check_operation(server, sender, model, mine, each) for each in chosen],
                            generator[i], operations[i::THREADS]) for i in range(THREADS)]
        for job in jobs:
            for count, bad, seconds in job.result():
                total, slowest = total + count, max(slowest, seconds)
                wrong += bad
    if service == "lambda":  # the least valid CreateCodeSigningConfig makes one
        for made in listed(server)["CodeSigningConfigs"]:
            if made not in before["CodeSigningConfigs"]:
                server.client("lambda").delete_code_signing_config(CodeSigningConfigArn=made["CodeSigningConfigArn"])
    print(f"{service}: {total} cases, slowest {slowest:.3f} s, {sum(each.left_out for each in generator)} constraints left out")
    assert total > LEAST[service], "the generator found less than there is"
    assert not wrong, f"{len(wrong)} of {total}:\n" + "\n".join(each[:500] for each in wrong[:30])
    assert slowest < SLOWEST
    assert listed(server) == before

