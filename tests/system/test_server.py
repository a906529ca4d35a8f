"""`lambent serve` as a process: settings, health, locking, credentials, orderly and violent ends."""

import concurrent.futures
import configparser
import json
import os
import pathlib
import signal
import stat
import subprocess
import threading
import urllib.error
import urllib.request

import boto3
import botocore.exceptions
import pytest
from lambent import BINARY, new_name, wait_for

ECHO = "def handler(event, context):\n    return event\n"


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_and_readiness_answer_without_a_signature(server):
    assert get(server.endpoint + "/healthz")[0] == 200
    assert get(server.endpoint + "/readyz")[0] == 200


def test_the_first_start_makes_a_key_pair_that_only_the_owner_can_read(new_server):
    server = new_server().start()
    path = server.data / "credentials"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file = configparser.ConfigParser()
    file.read(path)
    session = boto3.Session(aws_access_key_id=file["default"]["aws_access_key_id"],
                            aws_secret_access_key=file["default"]["aws_secret_access_key"], region_name="eu-central-1")
    identity = session.client("sts", endpoint_url=server.endpoint).get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"
    before = path.read_text()
    server.restart()
    assert path.read_text() == before


def test_a_credentials_file_that_others_can_read_is_refused(new_server):
    server = new_server().start()
    server.stop()
    os.chmod(server.data / "credentials", 0o644)
    with pytest.raises(AssertionError, match="credentials"):
        server.start()


def test_root_keys_can_be_given_in_the_environment(new_server):
    server = new_server(environment={"LAMBENT_ROOT_ACCESS_KEY": "test", "LAMBENT_ROOT_SECRET_KEY": "secret-of-eight"}).start()
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="secret-of-eight", region_name="us-east-1")
    assert session.client("lambda", endpoint_url=server.endpoint).list_functions()["Functions"] == []
    assert not (server.data / "credentials").exists()


def test_a_second_server_on_the_same_data_directory_is_refused(new_server):
    first = new_server().start()
    second = subprocess.run([str(BINARY), "serve", "--data", str(first.data), "--port", "0"], capture_output=True,
                            text=True, timeout=30)
    assert second.returncode == 1
    assert "another lambent server" in second.stderr and str(first.pid) in second.stderr
    assert get(first.endpoint + "/healthz")[0] == 200


def test_a_port_that_is_taken_is_a_clear_error(new_server, tmp_path):
    first = new_server().start()
    port = first.endpoint.rsplit(":", 1)[1]
    second = subprocess.run([str(BINARY), "serve", "--data", str(tmp_path / "other"), "--port", port],
                            capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "Address already in use" in second.stderr and port in second.stderr


def test_settings_come_from_flag_then_environment_then_file_then_default(new_server, tmp_path):
    config = tmp_path / "lambent.toml"
    config.write_text('region = "eu-west-1"\naccount_id = "111122223333"\nlog_level = "debug"\n')
    environment = {**os.environ, "LAMBENT_ACCOUNT_ID": "444455556666", "LAMBENT_LOG_LEVEL": "warning"}
    shown = subprocess.run([str(BINARY), "serve", "--config", str(config), "--log-level", "error", "--print-config"],
                           env=environment, capture_output=True, text=True, timeout=30)
    assert shown.returncode == 0, shown.stderr
    lines = {line.split("=")[0].strip(): line for line in shown.stdout.splitlines() if "=" in line}
    assert '"eu-west-1"' in lines["region"] and str(config) in lines["region"]
    assert '"444455556666"' in lines["account_id"] and "LAMBENT_ACCOUNT_ID" in lines["account_id"]
    assert '"error"' in lines["log_level"] and "--log-level" in lines["log_level"]
    assert "4566" in lines["port"] and "default" in lines["port"]


@pytest.mark.parametrize("flags, environment, file, named", [
    (["--prot", "1"], {}, "", "--prot"),
    ([], {"LAMBENT_PROT": "1"}, "", "LAMBENT_PROT"),
    ([], {}, "prot = 1\n", "prot"),
    (["--port", "99999"], {}, "", "port"),
    (["--account-id", "12"], {}, "", "account"),
], ids=["flag", "environment", "file", "range", "form"])
def test_unknown_or_wrong_settings_are_errors_that_name_them(tmp_path, flags, environment, file, named):
    config = tmp_path / "lambent.toml"
    config.write_text(file)
    done = subprocess.run([str(BINARY), "serve", "--data", str(tmp_path / "d"), "--config", str(config), *flags],
                          env={**os.environ, **environment}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert named in done.stderr
    assert not (tmp_path / "d").exists(), "nothing is made before the settings are known to be right"


def test_sigterm_lets_calls_in_flight_finish(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"},
                                  Timeout=30)
    server.invoke(name, 0)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(server.invoke, name, 2)
        wait_for(lambda: starts(server, name) == 2, "the call has begun")
        server.process.send_signal(signal.SIGTERM)
        assert call.result()[0] == "done"
    assert server.stop() == 0
    assert leftovers(server) == []


def test_a_call_that_outlasts_the_drain_time_is_ended(new_server):
    server = new_server("--drain-timeout", "1s").start()
    name = server.create_function({"app.py": "import time\ndef handler(event, context):\n    time.sleep(600)\n"}, Timeout=900)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(server.invoke, name, 2)
        wait_for(lambda: starts(server, name) == 1, "the call has begun")
        assert server.stop(seconds=60) == 0
        with pytest.raises((botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)):
            call.result()
    assert leftovers(server) == []


def test_a_second_signal_ends_calls_in_flight_at_once(new_server):
    server = new_server("--drain-timeout", "10m").start()
    name = server.create_function({"app.py": "import time\ndef handler(event, context):\n    time.sleep(600)\n"}, Timeout=900)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(server.invoke, name, 2)
        wait_for(lambda: starts(server, name) == 1, "the call has begun")
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping on signal" in server.log(), "the first signal was seen")
        assert server.process.poll() is None
        assert server.stop(signal.SIGINT) == 0
        with pytest.raises((botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)):
            call.result()


def starts(server, name):
    return server.run("logs", name, "--data", str(server.data), check=False).stdout.count(" START RequestId")


def leftovers(server):
    mounts = [m for m in pathlib.Path("/proc/self/mounts").read_text().splitlines() if str(server.data) in m]
    left = [f"mount {m}" for m in mounts]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            mountinfo = pathlib.Path(f"/proc/{pid}/mountinfo").read_text()
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if not command:
            continue  # it has ended, and the kernel is about to take it away
        if str(server.data) in mountinfo or str(server.data) in command:
            left.append(f"process {pid}: {command}")
    left += [f"cgroup {path}" for path in cgroups(server)]
    return left


def cgroups(server):
    """The cgroups of the server's instances: it names its own after device and inode of its data folder."""
    info, name = server.data.stat(), 14_695_981_039_346_656_037
    for number in (info.st_dev, info.st_ino):
        for byte in number.to_bytes(8, "little"):
            name = (name ^ byte) * 1_099_511_628_211 % 2**64  # FNV-1a
    # os.walk takes it that folders go while it walks; pathlib does not.
    return [os.path.join(at, folder) for at, folders, _ in os.walk("/sys/fs/cgroup")
            if os.path.basename(at) == f"lambent-{name:016x}" for folder in folders]


def test_the_cgroups_of_a_server_are_found_by_its_data_folder(new_server):
    """What leftovers() says of a server that ended is worth something."""
    server = new_server("--log-level", "debug").start()
    if "limit: enforced by cgroup" not in server.log():
        pytest.skip("this host has no cgroups that the server may use; its report says so")
    server.invoke(server.create_function({"app.py": ECHO}), 1)
    assert cgroups(server)


def test_kill_9_under_load_loses_nothing_and_leaves_nothing(new_server):
    """200 concurrent calls and 1,000 writes; the server is killed in the middle and started again."""
    server = new_server().start()
    names = [server.create_function({"app.py": f"import time\ndef handler(event, context):\n    time.sleep(event)\n    return {n}\n"},
                                    Timeout=60) for n in range(4)]
    table = server.resource("dynamodb").create_table(
        TableName=new_name("t"), BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    table.wait_until_exists()
    acknowledged, lock = [], threading.Lock()

    def write(part):
        client = server.client("dynamodb")
        for n in range(100):
            key = f"{part}-{n}"
            try:
                client.put_item(TableName=table.name, Item={"id": {"S": key}, "n": {"N": str(n)}})
            except botocore.exceptions.BotoCoreError:
                return
            with lock:
                acknowledged.append(key)

    def call(n):
        try:
            return server.invoke(names[n % 4], 0.05)[0]
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return None

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        calls = [pool.submit(call, n) for n in range(200)]
        writes = [pool.submit(write, part) for part in range(10)]
        wait_for(lambda: len(acknowledged) > 300, "some hundred writes are acknowledged", 120)
        server.process.send_signal(signal.SIGKILL)
        [f.result() for f in calls + writes]
    server.kill()
    wait_for(lambda: leftovers(server) == [], f"nothing is left behind: {leftovers(server)}")

    server.start()
    client = server.client("dynamodb")
    found = set()
    for page in client.get_paginator("scan").paginate(TableName=table.name):
        found |= {item["id"]["S"] for item in page["Items"]}
    missing = set(acknowledged) - found
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged writes are gone"
    assert [server.invoke(name, 0)[0] for name in names] == [0, 1, 2, 3]


def test_env_prints_what_a_shell_needs(server):
    settings = server.settings()
    assert settings["AWS_ENDPOINT_URL"] == server.endpoint
    assert settings["AWS_REGION"] == settings["AWS_DEFAULT_REGION"] == "us-east-1"
    assert settings["AWS_ACCESS_KEY_ID"] and settings["AWS_SECRET_ACCESS_KEY"]
    identity = server.cli("sts", "get-caller-identity").json
    assert identity["Account"] == "000000000000"


def test_env_without_a_server_says_what_to_do(tmp_path):
    done = subprocess.run([str(BINARY), "env", "--data", str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "lambent serve" in done.stderr


def test_logs_of_an_unknown_function_are_an_error(server):
    done = server.run("logs", "never-created", "--data", str(server.data), check=False)
    assert done.returncode == 1
    assert "never-created" in done.stderr


def test_bill_sums_what_was_called_and_survives_kill_9(new_server):
    server = new_server().start()
    name = server.create_function({"app.py": ECHO}, MemorySize=512)
    for _ in range(20):
        server.invoke(name, 1)
    server.kill()
    bill = json.loads(server.run("bill", "--json", "--data", str(server.data)).stdout)
    text = json.dumps(bill)
    assert name in text
    function = next(f for f in bill["functions"] if f["function"] == name)
    assert function["requests"] == 20


def test_help_explains_every_command():
    text = subprocess.run([str(BINARY), "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("serve", "env", "logs", "bill", "version"):
        assert command in text
