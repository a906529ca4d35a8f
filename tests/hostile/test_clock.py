"""The host's wall clock jumps by a day, forward and back, while calls run: preloaded into the server is a clock that is off
by what a file says. The kernel's clock, and everybody else's, stays as it is."""

import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest
from lambent import new_name, wait_for

DAY = 86_400
CODE = """
import os, time
def handler(event, context):
    time.sleep(float(event["queryStringParameters"]["seconds"]))
    return {"instance": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]}
"""


class Clock:
    """The server's wall clock, set for it alone."""

    def __init__(self, server, file):
        self.server, self.file = server, file

    def jump(self, seconds):
        replacement = self.file.with_suffix(".new")
        replacement.write_text(str(seconds))
        replacement.chmod(0o644)
        replacement.rename(self.file)


@pytest.fixture
def clock(new_server):
    from conftest import PROGRAMS

    folder = pathlib.Path(tempfile.mkdtemp(prefix="lambent-clock-"))
    folder.chmod(0o755)  # the server is another user when it serves
    library = folder / "clock_shift.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o", library,
                    PROGRAMS / "clock_shift.c"], check=True)
    server = new_server(environment={"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(folder / "shift")})
    found = Clock(server, folder / "shift")
    found.jump(0)
    server.start()
    yield found
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def url(clock):
    """Called without a signature: those have a time of their own, and are refused when the clock is off by a day."""
    server = clock.server
    name = server.create_function({"app.py": CODE}, name=new_name("clock"), Timeout=2)
    found = server.client("lambda").create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]

    def call(seconds):
        try:
            with urllib.request.urlopen(f"{found}?seconds={seconds}", timeout=90) as answer:
                return answer.status, json.load(answer).get("instance")
        except urllib.error.HTTPError as error:
            return error.code, None

    call.name = name
    return call


@pytest.mark.case("clock")
def test_calls_and_timeouts_live_through_jumps_of_the_wall_clock(clock, url):
    status, instance = url(0)
    assert status == 200
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for shift in (DAY, -DAY):
            short, long = pool.submit(url, 0.5), pool.submit(url, 1000)
            time.sleep(0.2)
            clock.jump(shift)
            assert short.result()[0] == 200, "a jump ends no call"
            begin = time.monotonic()
            assert long.result()[0] in (500, 502, 504), "and keeps no timeout from ending one"
            assert time.monotonic() - begin < 60, "a day would be the wrong clock"
    wait_for(lambda: url(0)[0] == 200, "it goes on")


@pytest.mark.case("clock")
def test_a_jump_ends_no_idle_instance_and_bills_no_day(clock, url):
    status, instance = url(0)
    for shift in (DAY, -DAY, 0):
        clock.jump(shift)
        assert url(0) == (200, instance), "idle time is not what a jump makes of it"
    reports = [line for line in clock.server.run("logs", url.name, "--data", str(clock.server.data)).stdout.splitlines()
               if " REPORT RequestId: " in line]
    assert len(reports) == 4
    for line in reports:
        duration = float(line.split("\tDuration: ")[1].split(" ms")[0])
        assert 0 <= duration < 60_000, "neither negative nor a day"


@pytest.mark.case("clock")
def test_the_clock_of_the_test_moves_the_servers(clock):
    """The other tests can fail: a signature of now is a day old to a server that is a day ahead."""
    client = clock.server.client("lambda")
    client.list_functions()
    clock.jump(DAY)
    with pytest.raises(client.exceptions.ClientError, match="Signature expired|InvalidSignature|not yet current|expired"):
        client.list_functions()
