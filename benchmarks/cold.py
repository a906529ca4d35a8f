"""Cold starts: the wall time of one HTTP call that finds no instance, for each kind of function at each level.

Between two cold calls the function's configuration is changed (or, for snapshots, a version is published), which
retires its instances; then there is a pause in which the old instance ends and the server prepares what it keeps ready.
Kinds, levels and the bare interpreters are alternated, so that a noisy neighbour disturbs all alike.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

import groups
import loopback
import ours
from contender import BODY, NotAvailable
from machine import Busy, load_average
from statistic import figures

ROOT = pathlib.Path(__file__).resolve().parents[1]
BOTO3 = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"]
BOTO3_DATA = {"dynamodb", "sts", "s3"}  # services; the files beside them are all taken
BOTO3_HANDLER = (
    "import os\nimport boto3\n"
    "client = boto3.client('dynamodb', region_name='us-east-1', endpoint_url=os.environ.get('AWS_ENDPOINT_URL'))\n")
SDK_HANDLER = 'const {DynamoDBClient} = require("@aws-sdk/client-dynamodb");\nconst client = new DynamoDBClient({});\n'
PAUSE = 0.08  # seconds


def folder_files(folder, below):
    """{name in the archive: content} of all files of a folder."""
    return {str(pathlib.Path(below, path.relative_to(folder))): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def boto3_folder():
    """boto3 as a function brings it, with compiled modules that hold whatever the files' times are."""
    made = ROOT / "build/bench/boto3"
    if not (made / ".done").exists():
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        packages = next((ROOT / "build/venv/lib").glob("python3*")) / "site-packages"
        for name in BOTO3:
            source = packages / name
            if source.is_dir():
                shutil.copytree(source, made / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, made)
        for service in (made / "botocore/data").iterdir():
            if service.is_dir() and service.name not in BOTO3_DATA:
                shutil.rmtree(service)
        subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", made],
                       check=True)
        (made / ".done").touch()
    return made


def sdk_folder():
    """The AWS SDK for JavaScript, as the system tests install it."""
    done = subprocess.run([ROOT / "tests/system/node/install.sh", ROOT / "build/node"], capture_output=True, text=True)
    if done.returncode != 0:
        raise NotAvailable(f"npm could not install the SDK: {done.stderr[-200:]}")
    return ROOT / "build/node/node_modules"


def kinds():
    """title -> a function that gives (files, options)."""
    def node(files):
        return files, {"runtime": ours.node_runtime(), "handler": "index.handler"}

    return {
        "C bootstrap": lambda: (ours.c_bootstrap(), {"runtime": "provided.al2023"}),
        "Python": lambda: (ours.PYTHON_ECHO, {}),
        "Python, boto3 client": lambda: (
            {"app.py": BOTO3_HANDLER + ours.PYTHON_ECHO["app.py"], **folder_files(boto3_folder(), "")}, {}),
        "Node.js": lambda: node(ours.NODE_ECHO),
        "Node.js, DynamoDB client": lambda: node(
            {"index.js": SDK_HANDLER + ours.NODE_ECHO["index.js"], **folder_files(sdk_folder(), "node_modules")}),
    }


class ColdFunction:
    """One function whose next call finds no instance, after retire()."""

    def __init__(self, server, files, options):
        self.server, self.client = server, server.client("lambda")
        self.name = server.create_function(files, MemorySize=1769, Timeout=60, **options)
        self.phases, self.by_level = {}, {}  # seconds in each phase; starts at each level, as the server says
        self.connection = loopback.Connection(ours.port_of(server))
        self.path = self.make_path()

    def make_path(self):
        return ours.make_url(self.server, self.name)

    def retire(self, number):
        self.client.update_function_configuration(FunctionName=self.name, Description=f"round {number}")

    def cold_call(self, number):
        """Milliseconds of one call without an instance: the server must have counted one start for it."""
        self.retire(number)
        time.sleep(PAUSE)
        before = ours.starts_by_level(self.server)
        port = ours.port_of(self.server)
        self.connection.call(loopback.request_bytes("GET", "/healthz", port))
        request = loopback.request_bytes("POST", self.path, port, ours.JSON, BODY)
        begin = time.perf_counter()
        status, body = self.connection.call(request)
        passed = (time.perf_counter() - begin) * 1000
        if status != 200:
            raise NotAvailable(f"a call gives {status}: {body[:200]!r}")
        self._note_start(before, ours.starts_by_level(self.server))
        return passed

    def _note_start(self, before, after):
        made = {level: phases["total"][0] - before.get(level, {}).get("total", (0, 0))[0]
                for level, phases in after.items()}
        if sum(made.values()) != 1:
            raise NotAvailable(f"the call was no cold start: the server counted {made}")
        level = max(made, key=made.get)
        self.by_level[level] = self.by_level.get(level, 0) + 1
        for phase, (_, seconds) in after[level].items():
            self.phases[phase] = self.phases.get(phase, 0.0) + seconds - before.get(level, {}).get(phase, (0, 0.0))[1]


class SnapshotFunction(ColdFunction):
    """Each round publishes a version, waits until its snapshot is there, and calls it by an alias."""

    def __init__(self, server, files, options):
        try:
            super().__init__(server, files, {**options, "SnapStart": {"ApplyOn": "PublishedVersions"}})
        except Exception as error:
            raise NotAvailable(f"this build makes no snapshots: {str(error)[:200]}") from error

    def make_path(self):
        self._publish("round 0")
        self.client.create_alias(FunctionName=self.name, Name="live", FunctionVersion=self.version)
        made = self.client.create_function_url_config(FunctionName=self.name, Qualifier="live", AuthType="NONE")
        return made["FunctionUrl"].removeprefix(self.server.endpoint)

    def _publish(self, description):
        """A version is made only of what has changed, in which a description does not count."""
        self.client.update_function_configuration(FunctionName=self.name,
                                                  Environment={"Variables": {"MADE_FOR": description}})
        self.server.wait_until_active(self.name)
        self.version = self.client.publish_version(FunctionName=self.name)["Version"]
        self.server.wait_until_active(f"{self.name}:{self.version}")
        found = self.client.get_function_configuration(FunctionName=self.name, Qualifier=self.version)
        state = found.get("SnapStart", {})
        if state.get("OptimizationStatus") != "On":
            raise NotAvailable(f"this build makes no snapshot of a version: SnapStart is {state}")

    def _note_start(self, before, after):
        super()._note_start(before, after)
        if "snapshot" not in self.by_level:
            raise NotAvailable("this build starts the version without a snapshot")

    def retire(self, number):
        self._publish(f"round {number}")
        self.client.update_alias(FunctionName=self.name, Name="live", FunctionVersion=self.version)


def start_to_exit(command, environment):
    """Milliseconds from the start of a process to its end."""
    actions = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    passed = (time.perf_counter() - begin) * 1000
    if status != 0:
        raise NotAvailable(f"ended with status {status}")
    return passed


def bare_commands():
    """title -> (command, environment)."""
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return {
        "python3 -I -S -c pass": (["/usr/bin/python3", "-I", "-S", "-c", "pass"], environment),
        "python3 -c 'import boto3'": (["/usr/bin/python3", "-c", "import boto3"],
                                      {**environment, "PYTHONPATH": str(boto3_folder())}),
        "node -e 0": ([shutil.which("node"), "-e", "0"], environment),
    }


class ColdRun:
    """LEVELS in the order of how much is ready beforehand. samples[(kind, level)] are milliseconds."""

    LEVELS = {"spawn": (["--ready-sandboxes", "0"], ColdFunction), "blank": ([], ColdFunction),
              # Every version keeps its instance, and so its template, until the end.
              "snapshot": (["--limits-snapshot-templates", "5000"], SnapshotFunction)}

    def __init__(self, folder):
        self.folder = folder
        self.groups, self.functions, self.missing = [], {}, {}
        self.samples, self.bare = {}, {}

    def start(self):
        for level, (flags, made_as) in self.LEVELS.items():
            own = self.folder / f"cold-{level}"
            own.mkdir()
            group = groups.Group(f"cold-{level}")
            self.groups.append(group)
            server = ours.start_server(group, own, *flags)
            for kind, make in kinds().items():
                print(f"preparing {kind}, {level}", file=sys.stderr)
                self._or_leave_out((kind, level), lambda: self._prepare((kind, level), server, make, made_as))

    def _prepare(self, key, server, make, made_as):
        if key == ("C bootstrap", "snapshot"):
            raise NotAvailable("custom runtimes are not forked from snapshots")
        files, options = make()
        self.functions[key] = made_as(server, files, options)
        self.functions[key].cold_call(0)  # the first one reads files that are in memory later
        self.functions[key].phases.clear()
        self.functions[key].by_level.clear()
        self.samples[key] = []

    def _or_leave_out(self, key, action):
        try:
            action()
        except (NotAvailable, OSError, AssertionError) as error:
            print(f"without {', '.join(key)}: {error}", file=sys.stderr)
            self.missing[key] = str(error)
            self.functions.pop(key, None)
            self.samples.pop(key, None)

    def measure(self, starts):
        commands = bare_commands()
        self.bare = {title: [] for title in commands}
        busy, self.loads = Busy(), []
        for number in range(1, starts + 1):
            for key, function in list(self.functions.items()):
                self._or_leave_out(key, lambda: self.samples[key].append(function.cold_call(number)))
            for title, (command, environment) in commands.items():
                self.bare[title].append(start_to_exit(command, environment))
            if number % 10 == 0 or number == starts:
                self.loads.append(load_average())
                print(f"cold: {number} of {starts}", file=sys.stderr)
        self.busy = busy.shares()

    def end(self):
        for group in self.groups:
            group.end()

    def result(self):
        return {"machine_while": self.busy, "load_average": self.loads,
                "missing": {", ".join(key): why for key, why in self.missing.items()},
                "starts": {kind: {level: figures(self.samples[kind, level]) for level in self.LEVELS
                                  if self.samples.get((kind, level))} for kind in kinds()},
                "levels_used": {f"{kind}, {level}": each.by_level for (kind, level), each in self.functions.items()},
                "mean_phases_ms": {f"{kind}, {level}": {phase: seconds * 1000 / sum(each.by_level.values())
                                                        for phase, seconds in each.phases.items()}
                                   for (kind, level), each in self.functions.items() if each.by_level},
                "bare": {title: figures(times) for title, times in self.bare.items()},
                "samples": {f"{kind}, {level}": times for (kind, level), times in self.samples.items()}}
