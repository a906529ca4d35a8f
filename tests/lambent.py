"""A Lambent server under test: the real binary on a free port and a data directory of its own, driven by real clients."""

import base64
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import uuid
import zipfile

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = pathlib.Path(os.environ.get("LAMBENT_BINARY", ROOT / "build/lambent"))
AWS = ROOT / "build/venv/bin/aws"
ROLE = "arn:aws:iam::000000000000:role/any"
START_SECONDS = 60  # a bound for a machine under load, not an expectation


# For Environment: an instance that a template forked does not show its environment in /proc; one that must set this
# executes its interpreter.
NOT_FORKED = {"PYTHONHASHSEED": "0"}


def make_zip(files, compression=zipfile.ZIP_DEFLATED):
    """A zip of {name: text or bytes}; a name ending in '!' is executable and loses the mark."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            mode = 0o755 if name.endswith("!") else 0o644
            info = zipfile.ZipInfo(name.rstrip("!"), date_time=(2026, 1, 1, 0, 0, 0))
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = compression
            archive.writestr(info, content)
    return out.getvalue()


def new_name(prefix="f"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def wait_for(condition, what, seconds=30):
    """Polls until the condition gives something true, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def tail(response):
    """The end of the log that an invocation with LogType Tail brings."""
    return base64.b64decode(response["LogResult"]).decode()


def failure(answer_and_response):
    """The error object of a call that must have failed in the function."""
    answer, response = answer_and_response
    assert (response["StatusCode"], response.get("FunctionError")) == (200, "Unhandled"), answer
    return answer


def process_ids_of(marker):
    """Processes of this host whose environment names the marker."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if marker.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def go(folder, *arguments):
    """Runs the go command in a folder of tests/; what it fetches and builds is kept in build/go."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(ROOT / "build"), "GOPATH": str(ROOT / "build/go"),
                   "GOCACHE": str(ROOT / "build/go/cache"), "GOFLAGS": "-mod=mod",
                   **{k: v for k, v in os.environ.items() if k in ("GOPROXY", "GOSUMDB", "HTTPS_PROXY", "https_proxy")}}
    subprocess.run([shutil.which("go") or "/usr/local/go/bin/go", *arguments], cwd=ROOT / "tests" / folder, env=environment,
                   check=True)


def build_go(folder):
    """The Go program of tests/FOLDER."""
    program = ROOT / "build" / folder
    go(folder, "build", "-o", program, ".")
    return program


def clean_environment():
    """This process's, without what the server or a client would take for its own."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LAMBENT_"))}


class Server:
    """`lambent serve` as a child process. start() returns once it says that it is ready."""

    def __init__(self, data, flags=(), environment=None):
        self.data = pathlib.Path(data)
        self.flags = list(flags)
        self.environment = environment or {}
        self.prefix = []  # a command that runs the binary, such as nsenter with its flags
        self.process = None
        self.endpoint = None
        self.log_path = pathlib.Path(str(self.data) + ".log")
        self._settings = None
        self._clients = {}

    def start(self):
        environment = {**clean_environment(), **self.environment}
        flags = self.flags if any(f.startswith("--port") for f in self.flags) else ["--port", "0", *self.flags]
        self._log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.prefix, str(BINARY), "serve", "--data", str(self.data), *flags],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self._read_until_ready()
        return self

    def _read_until_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            line = self.process.stdout.readline()
            if not line:
                break
            if line.startswith("Lambent is ready at "):
                self.endpoint = line.split()[-1]
                self._settings = None
                self._clients = {}
                return
        raise AssertionError(f"the server did not start (exit {self.process.poll()}):\n{self.log()}")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def pid(self):
        return self.process.pid

    @property
    def host(self):
        return self.endpoint.removeprefix("http://")

    def settings(self):
        """What `lambent env` prints, as a dictionary."""
        if self._settings is None:
            text = self.run("env", "--data", str(self.data)).stdout
            script = text + "\nenv -0"
            out = subprocess.run(["bash", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True)
            variables = dict(v.split("=", 1) for v in out.stdout.decode().split("\0") if "=" in v)
            self._settings = {k: v for k, v in variables.items() if k.startswith("AWS_")}
        return self._settings

    def run(self, *arguments, check=True, **options):
        """Any other command of the binary."""
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("LAMBENT_")}, **self.environment}
        return subprocess.run([*self.prefix, str(BINARY), *arguments], env=environment, capture_output=True, text=True, check=check,
                              **options)

    def session(self):
        s = self.settings()
        return boto3.session.Session(aws_access_key_id=s["AWS_ACCESS_KEY_ID"],
                                     aws_secret_access_key=s["AWS_SECRET_ACCESS_KEY"],
                                     region_name=s["AWS_REGION"])

    def client(self, service, **options):
        """A boto3 client without retries. Plain ones are shared: making one costs more than many calls."""
        if not options:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]
        return self._make_client(service, **options)

    def _make_client(self, service, **options):
        config = botocore.config.Config(**{"retries": {"total_max_attempts": 1}, "read_timeout": 120,
                                           "max_pool_connections": 256, **options.pop("config", {})})
        return self.session().client(service, endpoint_url=self.endpoint, config=config, **options)

    def resource(self, service):
        return self.session().resource(service, endpoint_url=self.endpoint)

    def cli(self, *arguments, check=True, **options):
        """The current aws CLI, as a user runs it after `eval "$(lambent env)"`. The result has .json where it printed JSON."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.data), "AWS_PAGER": "", **self.settings(),
                       **options.pop("environment", {})}
        done = subprocess.run([str(AWS), *[str(a) for a in arguments]], env=environment, capture_output=True, text=True,
                              **options)
        if check and done.returncode != 0:
            raise AssertionError(f"aws {' '.join(map(str, arguments))} failed ({done.returncode}):\n{done.stderr}")
        try:
            done.json = json.loads(done.stdout) if done.stdout.strip() else None
        except json.JSONDecodeError:
            done.json = None
        return done

    def create_function(self, files, name=None, runtime="python3.11", handler="app.handler", **options):
        """Creates a function from {file: text}, waits until it is active, returns its name."""
        name = name or new_name()
        client = self.client("lambda")
        client.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role=ROLE,
                               Code={"ZipFile": make_zip(files)}, **options)
        self.wait_until_active(name)
        return name

    def wait_until_active(self, name):
        """boto3's waiter asks once a second; creating takes a few hundredths of that."""

        def state():
            found = self.client("lambda").get_function_configuration(FunctionName=name)
            assert found["State"] != "Failed", found
            return found["State"] == "Active" and found["LastUpdateStatus"] != "InProgress"

        wait_for(state, f"{name} is active", 120)

    def invoke(self, name, event=None, **options):
        """(answer as JSON, whole response)."""
        response = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
        text = response["Payload"].read().decode()
        return (json.loads(text) if text else None), response

    def stop(self, how=signal.SIGTERM, seconds=60):
        """Ends the server and returns its exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server did not stop within {seconds} s:\n{self.log()[-4000:]}")
        finally:
            self.process.stdout.close()
            self._log.close()

    def kill(self):
        return self.stop(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()
