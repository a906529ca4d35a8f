"""Which system test calls which operation, read from the tests' own syntax trees.

A test calls what it, or a function of its module that it names (fixtures too), calls as a method of a boto3 client, hands to
functions_api.refused, or gives to the aws command.
"""

import ast
import functools
import pathlib

import names

ROOT = pathlib.Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests/system"
SERVICES = ("lambda", "dynamodb", "dynamodbstreams", "iam", "sts")
# What clients are called in the tests, where the call itself does not say.
# Files about something else, which call operations on the way: named only where no other file calls one.
ON_THE_WAY = {"test_bad_input.py", "test_wrong_targets.py", "test_boto3_and_cli.py", "test_deployment_tools.py", "test_faults.py",
              "test_set_up_faults.py", "test_soak.py", "test_limits.py", "test_doctor.py", "test_benchmark_report.py",
              "test_linearizability.py", "test_event_kills.py", "test_freezing.py", "test_snapshots.py", "test_metrics.py"}
RECEIVERS = {"db": "dynamodb", "tables": "dynamodb", "iam": "iam", "roles": "iam", "sts": "sts", "streams": "dynamodbstreams",
             "functions": "lambda"}


def _service_of(receiver, default):
    """Of `server.client("iam")`, of a variable's name, or of the file."""
    if isinstance(receiver, ast.Call) and receiver.args and isinstance(receiver.args[0], ast.Constant):
        return receiver.args[0].value
    return RECEIVERS.get(getattr(receiver, "id", None), default)


def _called(function, default, by_method):
    """{(service, operation)} that stand in this function, and the names that it mentions."""
    found, mentioned = set(), {argument.arg for argument in function.args.args}
    clients = {}  # variables that are made of a client here
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "client" and (
                node.value.args and isinstance(node.value.args[0], ast.Constant)):
            clients.update({getattr(target, "id", None): node.value.args[0].value for target in node.targets})
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            mentioned.add(node.id)
        elif isinstance(node, ast.Attribute):
            service = clients.get(getattr(node.value, "id", None)) or _service_of(node.value, default)
            if node.attr in by_method.get(service, {}):
                found.add((service, by_method[service][node.attr]))
            elif node.attr in ("client", "invoke", "create_function", "wait_until_active"):
                mentioned.add(node.attr)
        elif isinstance(node, ast.Call):
            texts = [each.value for each in node.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if getattr(node.func, "attr", "") == "get_paginator" and texts:
                service = clients.get(getattr(node.func.value, "id", None)) or _service_of(node.func.value, default)
                found |= {(service, by_method[service][text]) for text in texts if text in by_method[service]}
            if len(texts) == 2 and texts[0] in by_method and texts[1].replace("-", "_") in by_method[texts[0]]:
                found.add((texts[0], by_method[texts[0]][texts[1].replace("-", "_")]))
    return found, mentioned


def _of_file(path, by_method):
    text = path.read_text()
    counts = {service: text.count(f'client("{service}"') for service in SERVICES}
    default = max(counts, key=counts.get) if any(counts.values()) else "lambda"
    functions = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    direct = {name: _called(node, default, by_method) for name, node in functions.items()}

    @functools.cache
    def all_of(name, seen=()):
        found, mentioned = direct[name]
        for other in sorted(mentioned & set(direct) - {name, *seen}):
            if not other.startswith("test_"):
                found = found | all_of(other, (*seen, name))
        return found

    return {name: all_of(name) for name in functions if name.startswith("test_")}


def tested(models):
    """{(service, operation): "test_file.py::test_name"}: of the tests that call it the one that calls the fewest others, where it can
    be of a file that is about the operations."""
    by_method = {service: {names.snake(operation): operation for operation in model["operations"]} for service, model in models.items()}
    best = {}
    for path in sorted(TESTS.glob("test_*.py")):
        for test, operations in _of_file(path, by_method).items():
            for operation in operations:
                rank = (path.name in ON_THE_WAY, len(operations), path.name, test)
                if operation not in best or rank < best[operation]:
                    best[operation] = rank
    return {operation: f"{file}::{test}" for operation, (_, _, file, test) in best.items()}
