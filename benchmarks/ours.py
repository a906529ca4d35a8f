"""Lambent as a contender: one server for each, so that processor time and memory are this function's alone."""

import datetime
import json
import pathlib
import re
import sys

import botocore.auth
import botocore.awsrequest

import loopback
from contender import BODY, Contender, NotAvailable, Request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import lambent  # noqa: E402

JSON = {"Content-Type": "application/json"}
PYTHON_ECHO = {"app.py": 'ANSWER = {"statusCode": 200, "headers": {"content-type": "application/json"}}\n'
                         'def handler(event, context):\n    return {**ANSWER, "body": event["body"]}\n'}
PYTHON_EVENT = {"app.py": "def handler(event, context):\n    return event\n"}
NODE_ECHO = {"index.js": 'const answer = {statusCode: 200, headers: {"content-type": "application/json"}};\n'
                         "exports.handler = async (event) => ({...answer, body: event.body});\n"}


def node_runtime():
    from machine import first_line

    return f"nodejs{first_line('node', '--version').lstrip('v').split('.')[0]}.x"


def c_bootstrap():
    return {"bootstrap!": (ROOT / "build/clients/c-bootstrap/bootstrap").read_bytes()}


def start_server(group, folder, *flags):
    """A server of the build under test within the group. Instances stay for the whole run."""
    server = lambent.Server(folder / "data", ["--function-url-style", "path", "--idle-timeout", "2h", *flags])
    server.prefix = ["setsid", *group.prefix()]  # Ctrl-C reaches the benchmark only
    server.start()
    group.roots.append(server.process)
    return server


def starts_by_level(server):
    """{level: {phase: (starts, seconds)}} since the server started, as it counts them itself."""
    request = botocore.awsrequest.AWSRequest("GET", server.endpoint + "/metrics")
    botocore.auth.SigV4Auth(server.session().get_credentials(), "lambent", "us-east-1").add_auth(request)
    connection = loopback.Connection(port_of(server))
    status, text = connection.call(loopback.request_bytes("GET", "/metrics", port_of(server), {
        name: value for name, value in request.headers.items() if name.lower() != "host"}))
    connection.close()
    assert status == 200, text
    found = {}
    pattern = r'^lambent_cold_start_seconds_(sum|count){level="(\w+)",phase="(\w+)"} ([\d.]+)$'
    for what, level, phase, value in re.findall(pattern, text.decode(), re.M):
        found.setdefault(level, {}).setdefault(phase, {})[what] = float(value)
    return {level: {phase: (values["count"], values["sum"]) for phase, values in phases.items()}
            for level, phases in found.items()}


def port_of(server):
    return int(server.host.rsplit(":", 1)[1])


def make_url(server, name):
    """The path of a function URL without signature."""
    made = server.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")
    return made["FunctionUrl"].removeprefix(server.endpoint)


class Lambent(Contender):
    files, options, flags = {}, {}, ()

    def start(self, folder):
        self.server = start_server(self.group, folder, *self.flags)
        self.port = port_of(self.server)
        self.name = self.server.create_function(self.files, MemorySize=1769, **self.options)
        self.requests = self.make_requests()

    def make_requests(self):
        return [Request("POST", make_url(self.server, self.name), JSON)]

    def server_pid(self):
        return self.server.pid


class PythonUrl(Lambent):
    title = "lambent Python, URL"
    files = PYTHON_ECHO


class NodeUrl(Lambent):
    title = "lambent Node.js, URL"
    files = NODE_ECHO

    def start(self, folder):
        self.options = {"runtime": node_runtime(), "handler": "index.handler"}
        super().start(folder)


class CUrl(Lambent):
    """The bootstrap answers the whole event, some 900 bytes."""

    title = "lambent C bootstrap, URL"
    answers = None

    def start(self, folder):
        self.files, self.options = c_bootstrap(), {"runtime": "provided.al2023"}
        super().start(folder)


class SignedInvoke(Lambent):
    """Invoke with SigV4. Requests are signed beforehand, each with a time of its own: no signature repeats itself."""

    title = "lambent Python, signed Invoke"
    files = PYTHON_EVENT
    DIFFERENT = 240  # seconds behind and ahead of now; the server allows 15 minutes

    def make_requests(self):
        self.signed_at = datetime.datetime.now(datetime.timezone.utc)
        path = f"/2015-03-31/functions/{self.name}/invocations"
        now = self.signed_at
        return [Request("POST", path, self._signed(path, now + datetime.timedelta(seconds=shift)))
                for shift in range(-self.DIFFERENT, self.DIFFERENT, 4)]

    def _signed(self, path, moment):
        session = self.server.session()
        request = botocore.awsrequest.AWSRequest("POST", self.server.endpoint + path, data=BODY,
                                                 headers={"Content-Type": "application/json"})
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        signer = botocore.auth.SigV4Auth(session.get_credentials(), "lambda", session.region_name)
        signer._modify_request_before_signing(request)
        canonical = signer.canonical_request(request)
        signature = signer.signature(signer.string_to_sign(request, canonical), request)
        signer._inject_signature_to_request(request, signature)
        return dict(request.headers.items())

    def refresh(self):
        """Signatures grow old: new ones after five minutes."""
        if datetime.datetime.now(datetime.timezone.utc) - self.signed_at > datetime.timedelta(minutes=5):
            self.requests = self.make_requests()


class InstancePerRequest(Lambent):
    """The tag lambent:isolation=request; the handler says whether its instance has been used before."""

    title = "lambent Python, instance per request"
    files = {"app.py": PYTHON_ECHO["app.py"].replace("ANSWER =", "USED = []\nANSWER =").replace(
        "    return", '    USED.append(1)\n    if event["rawPath"] == "/used":\n'
        '        return {**ANSWER, "body": str(len(USED))}\n    return')}
    options = {"Tags": {"lambent:isolation": "request"}, "SnapStart": {"ApplyOn": "PublishedVersions"}}

    def start(self, folder):
        try:
            super().start(folder)
        except Exception as error:
            raise NotAvailable(f"this build refuses the function: {error}") from error
        if self._uses_of_instance() != 1 or self._uses_of_instance() != 1:
            raise NotAvailable("this build reuses the instance: the tag lambent:isolation has no effect")

    def make_requests(self):
        client = self.server.client("lambda")
        version = client.publish_version(FunctionName=self.name)["Version"]
        self.server.wait_until_active(f"{self.name}:{version}")
        client.create_alias(FunctionName=self.name, Name="live", FunctionVersion=version)
        made = client.create_function_url_config(FunctionName=self.name, Qualifier="live", AuthType="NONE")
        return [Request("POST", made["FunctionUrl"].removeprefix(self.server.endpoint), JSON)]

    def _uses_of_instance(self):
        connection = loopback.Connection(self.port)
        status, body = connection.call(loopback.request_bytes("GET", self.requests[0].path + "used", self.port))
        connection.close()
        if status != 200:
            raise NotAvailable(f"a call gives {status}: {body[:200]!r}")
        return json.loads(body)
