"""Deployment tools of npm and PyPI, unmodified: each deploys a function, updates it, and rolls it back."""

import json
import os
import pathlib
import subprocess

import pytest
from lambent import ROLE, ROOT, new_name

HERE = pathlib.Path(__file__).parent / "deployment_tools"
TOOLS = ROOT / "build/deployment_tools"


@pytest.fixture(scope="module")
def tools():
    subprocess.run([HERE / "install.sh"], check=True)


class Tool:
    """A tool in a folder of its own, with the environment of a user's shell after `eval "$(lambent env)"`."""

    def __init__(self, server, folder, command, **environment):
        self.folder = folder
        self.command = [str(part) for part in command]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "npm_config_update_notifier": "false",
                            **server.settings(), **{name: str(value) for name, value in environment.items()}}
        for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_USERCONFIG"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def run(self, *arguments):
        done = subprocess.run([*self.command, *map(str, arguments)], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{arguments}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout


def javascript(version):
    return f"exports.handler = async (event) => ({{version: {version}, event, colour: process.env.COLOUR}});\n"


def answer(server, name, **options):
    server.wait_until_active(name)
    found, _ = server.invoke(name, {"n": 1}, **options)
    return found


def test_claudia_deploys_updates_and_rolls_back(server, tools, tmp_path, node_runtime):
    name = new_name("claudia")
    tool = Tool(server, tmp_path, ["node", "--require", HERE / "preload.js", TOOLS / "npm/node_modules/.bin/claudia"],
                LAMBENT_SDK2=TOOLS / "npm/node_modules/aws-sdk")
    tool.write("package.json", json.dumps({"name": name, "version": "1.0.0", "files": ["*.js"]}))
    tool.write("index.js", javascript(1))
    tool.run("create", "--region", "us-east-1", "--handler", "index.handler", "--runtime", node_runtime, "--version", "production")
    assert json.loads((tmp_path / "claudia.json").read_text())["lambda"]["name"] == name
    assert server.client("iam").get_role(RoleName=f"{name}-executor")["Role"]["RoleName"] == f"{name}-executor"
    assert answer(server, name, Qualifier="production") == {"version": 1, "event": {"n": 1}}
    assert json.loads(json.loads(tool.run("test-lambda", "--version", "production"))["Payload"])["version"] == 1

    tool.write("index.js", javascript(2))
    tool.run("update", "--version", "production", "--set-env", "COLOUR=red")
    assert answer(server, name, Qualifier="production") == {"version": 2, "event": {"n": 1}, "colour": "red"}
    # What was released before is still there, as its own version: rolled back to by the alias.
    client = server.client("lambda")
    assert client.get_alias(FunctionName=name, Name="production")["FunctionVersion"] == "2"
    client.update_alias(FunctionName=name, Name="production", FunctionVersion="1")
    assert answer(server, name, Qualifier="production") == {"version": 1, "event": {"n": 1}}
    # The tool's own way: the older source, deployed again.
    tool.write("index.js", javascript(1))
    tool.run("update", "--version", "production", "--set-env", "COLOUR=blue")
    assert client.get_alias(FunctionName=name, Name="production")["FunctionVersion"] == "3"
    assert answer(server, name, Qualifier="production") == {"version": 1, "event": {"n": 1}, "colour": "blue"}

    tool.run("destroy")
    assert name not in [each["FunctionName"] for page in client.get_paginator("list_functions").paginate() for each in page["Functions"]]


def test_node_lambda_deploys_updates_and_rolls_back(server, tools, tmp_path, node_runtime):
    name = new_name("node-lambda")
    settings = server.settings()
    tool = Tool(server, tmp_path, ["node", TOOLS / "npm/node_modules/.bin/node-lambda"])
    tool.write("package.json", json.dumps({"name": name, "version": "1.0.0"}))

    def deploy(version):
        tool.write("index.js", javascript(version))
        tool.write("deploy.env", f"COLOUR={version}\n")
        tool.run("deploy", "--endpoint", server.endpoint, "--accessKey", settings["AWS_ACCESS_KEY_ID"], "--secretKey",
                 settings["AWS_SECRET_ACCESS_KEY"], "--region", "us-east-1", "--functionName", name, "--role", ROLE,
                 "--runtime", node_runtime, "--configFile", "deploy.env", "--tags", "team=a", "--publish", "true")

    for version in (1, 2, 1):
        deploy(version)
        assert answer(server, name) == {"version": version, "event": {"n": 1}, "colour": str(version)}
    client = server.client("lambda")
    assert client.list_tags(Resource=client.get_function(FunctionName=name)["Configuration"]["FunctionArn"])["Tags"] == {"team": "a"}


def test_chalice_deploys_updates_and_rolls_back(server, tools, tmp_path):
    name = new_name("chalice")
    tool = Tool(server, tmp_path, [ROOT / "build/venv/bin/python", TOOLS / "python/bin/chalice"], PYTHONPATH=TOOLS / "python")
    tool.write("requirements.txt", "")
    tool.write(".chalice/config.json", json.dumps({"version": "2.0", "app_name": name, "stages": {"dev": {}}}))

    def source(version):
        return (f"from chalice import Chalice\napp = Chalice(app_name='{name}')\n\n"
                f"@app.lambda_function()\ndef greet(event, context):\n    return {{'version': {version}, 'event': event}}\n")

    for version in (1, 2, 1):
        tool.write("app.py", source(version))
        tool.run("deploy")
        assert answer(server, f"{name}-dev-greet") == {"version": version, "event": {"n": 1}}
    assert server.client("iam").get_role(RoleName=f"{name}-dev")
    tool.run("delete")
    left = [each["RoleName"] for page in server.client("iam").get_paginator("list_roles").paginate() for each in page["Roles"]]
    assert f"{name}-dev" not in left
