"""Idle instances stand still: what a handler leaves behind does not run between calls, and goes with its instance."""

import os
import signal
import subprocess
import time

import lambent
import pytest
from lambent import new_name, process_ids_of, wait_for

from test_rights import spawner_of

COUNTING = """
import os, threading, time
count = 0
def work():
    global count
    while True:
        count += 1
        time.sleep(0.001)
def handler(event, context):
    if event == "start":
        threading.Thread(target=work, daemon=True).start()
    return [count, context.log_stream_name, time.monotonic()]
"""

# Answers with the number that its daemon has counted to in /tmp/count. The daemon is forked twice, has a session of its
# own and ignores every signal that can be ignored.
DAEMON = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <sys/socket.h>
static int api(const char *request, const char *body, char *answer, int size) {
  int s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9001), .sin_addr = {htonl(0x7f000001)}};
  if (connect(s, (struct sockaddr *)&to, sizeof to)) return -1;
  char head[512];
  int n = snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", request, strlen(body), body);
  if (write(s, head, n) != n) return -1;
  int have = 0, got;
  while (have < size - 1 && (got = read(s, answer + have, size - 1 - have)) > 0) have += got;
  answer[have] = 0;
  close(s);
  return have;
}
static void daemonize(void) {
  if (fork()) return;
  setsid();
  if (fork()) _exit(0);
  for (int i = 1; i < 65; i++) signal(i, SIG_IGN);
  for (long n = 1;; n++) {
    int f = open("/tmp/count", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    dprintf(f, "%ld", n);
    close(f);
    usleep(1000);
  }
}
int main(void) {
  static char event[65536], done[65536], path[256], body[64];
  daemonize();
  for (;;) {
    if (api("GET /2018-06-01/runtime/invocation/next", "", event, sizeof event) < 0) return 1;
    char *id = strcasestr(event, "lambda-runtime-aws-request-id: ");
    if (!id) return 2;
    id += strlen("lambda-runtime-aws-request-id: ");
    snprintf(path, sizeof path, "POST /2018-06-01/runtime/invocation/%.36s/response", id);
    usleep(20000); /* the daemon is at work during a call */
    int f = open("/tmp/count", O_RDONLY);
    int n = f < 0 ? 0 : (int)read(f, body, sizeof body - 1);
    body[n < 0 ? 0 : n] = 0;
    if (f >= 0) close(f);
    api(path, body[0] ? body : "0", done, sizeof done);
  }
}
"""

IDLE = 1.5  # seconds of idleness; a thousandth of a second is one step of what must not run


def frozen_at_all(server):
    return "frozen between calls is NOT enforced" not in server.log()


# Starts the server where no cgroup of version 2 is to be seen: its own mounts, nobody else's.
WITHOUT_VERSION_2 = ["unshare", "--mount", "sh", "-c",
                     """for at in $(awk '$3 == "cgroup2" { print $2 }' /proc/self/mounts); do umount "$at"; done; exec "$@" """, "sh"]


@pytest.fixture(scope="module", params=["any", "v1"])
def freezing(request, tmp_path_factory):
    """A server that freezes: with what the host has, and with cgroup version 1 alone."""
    server = lambent.Server(tmp_path_factory.mktemp("freezing") / "data", ["--log-level", "debug"])
    if request.param == "v1":
        if os.geteuid() != 0:
            pytest.skip("hiding cgroup version 2 takes root")
        server.prefix = WITHOUT_VERSION_2
    server.start()
    if not frozen_at_all(server):
        server.stop()
        pytest.skip("no freezer that the server may use; its report says so")
    assert request.param == "any" or "frozen between calls: enforced by cgroup v1" in server.log()
    yield server
    assert server.stop() == 0


def test_what_freezes_is_reported(new_server):
    server = new_server("--log-level", "debug").start()
    assert "frozen between calls: enforced by cgroup v" in server.log() or not frozen_at_all(server)


def test_a_thread_that_a_handler_leaves_stands_still_between_calls(freezing):
    server = freezing
    name = server.create_function({"app.py": COUNTING}, MemorySize=512, Timeout=30)
    (_, instance, _), _ = server.invoke(name, "start")

    def idle_and_again():
        (before, one, started), _ = server.invoke(name)
        time.sleep(IDLE)
        (after, other, ended), _ = server.invoke(name)
        return (before, after, ended - started) if one == other == instance and before > 20 else None

    # On a busy machine there may be a second instance, which takes some of the calls.
    before, after, passed = wait_for(idle_and_again, "two calls of the one that counts", 60)
    assert passed > IDLE * 0.9, "its clock went on"
    # 100 ms until it is frozen are 100 steps at the most, and some at the thaw.
    assert after - before < 300, (before, after)


def test_a_daemon_stands_still_between_calls_and_ends_with_its_instance(freezing, tmp_path):
    server = freezing
    (tmp_path / "d.c").write_text("#define _GNU_SOURCE\n" + DAEMON)
    subprocess.run(["cc", "-O1", "-static", "-o", tmp_path / "bootstrap", tmp_path / "d.c"], check=True)
    marker = new_name("daemon")
    name = server.create_function({"bootstrap!": (tmp_path / "bootstrap").read_bytes()}, runtime="provided.al2023",
                                  MemorySize=512, Timeout=30, Environment={"Variables": {"MARKER": marker}})
    wait_for(lambda: server.invoke(name)[0] > 20, "the daemon counts while calls follow one another")

    def idle_and_again():
        before, _ = server.invoke(name)
        time.sleep(IDLE)
        after, _ = server.invoke(name)
        return (before, after) if before < after else None  # otherwise of two instances

    before, after = wait_for(idle_and_again, "two calls of one instance", 60)
    assert after < before + 300
    assert len(process_ids_of(marker)) >= 2, "the runtime and its daemon"
    time.sleep(0.5)  # frozen by now: it must end all the same
    server.client("lambda").delete_function(FunctionName=name)
    wait_for(lambda: process_ids_of(marker) == [], "the daemon is gone with the function's instance")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_frozen_instances_end_with_the_server(new_server, end):
    server = new_server().start()
    marker = new_name("end")
    name = server.create_function({"app.py": COUNTING}, Environment={"Variables": {"MARKER": marker}})
    server.invoke(name, "start")
    time.sleep(0.5)
    assert process_ids_of(marker)
    assert getattr(server, end)() is not None
    wait_for(lambda: process_ids_of(marker) == [], "no process of it is left")


@pytest.mark.parametrize("runtime", ["python3.11", "nodejs"])
def test_every_runtime_takes_calls_after_being_frozen(freezing, runtime, node_runtime):
    server = freezing
    if runtime == "nodejs":
        # A timer that is due while it is frozen fires after the thaw.
        name = server.create_function({"index.mjs": """
let fired = 0;
export const handler = async (event) => { setTimeout(() => { fired += 1; }, 200); return fired; };
"""}, runtime=node_runtime, handler="index.handler", Timeout=30)
        assert server.invoke(name)[0] == 0
        time.sleep(IDLE)
        fired = [server.invoke(name)[0] for _ in range(20)]
        assert max(fired) >= 1, "of the instance that was frozen; there may be another one by now"
    else:
        name = server.create_function({"app.py": "def handler(event, context):\n    return event\n"}, Timeout=30)
    for n in range(4):
        answer = server.invoke(name, n)[0]
        assert runtime == "nodejs" or answer == n
        time.sleep(0.3)


def test_a_connection_to_the_platform_outlives_a_freeze(freezing):
    """A kept-alive connection of an SDK client is as good after the thaw as before."""
    server = freezing
    name = server.create_function({"app.py": """
import http.client, os
connection = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"))
def handler(event, context):
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    return [answer.status, os.getpid()]
"""}, Timeout=30)
    first, _ = server.invoke(name)
    time.sleep(0.5)
    assert server.invoke(name)[0] == first


def test_setting_it_longer_lets_work_go_on(new_server):
    server = new_server("--limits-freeze-after", "10m").start()
    name = server.create_function({"app.py": COUNTING}, MemorySize=512, Timeout=30)
    (before, _, _), _ = server.invoke(name, "start")
    time.sleep(IDLE)
    assert server.invoke(name)[0][0] > before + 300


@pytest.mark.parametrize("prefix", [[], WITHOUT_VERSION_2], ids=["any", "v1"])
def test_a_frozen_instance_ends_with_a_killed_spawner(new_server, prefix):
    """The kernel's own kill waits for a thaw with version 1: the server gives it."""
    if prefix and os.geteuid() != 0:
        pytest.skip("hiding cgroup version 2 takes root")
    server = new_server()
    server.prefix = prefix
    server.start()
    marker = new_name("lost")
    name = server.create_function({"app.py": COUNTING}, Environment={"Variables": {"MARKER": marker}})
    server.invoke(name, "start")
    time.sleep(0.5)
    assert process_ids_of(marker)
    os.kill(spawner_of(server), signal.SIGKILL)
    assert server.process.wait(60) == 1
    wait_for(lambda: process_ids_of(marker) == [], "no process of it is left")
