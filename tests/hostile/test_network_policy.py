"""What functions with a network policy reach, and what not, on a network of the test's own (peers.py)."""

import functools
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import pytest
from functions_api import refused
from lambent import ROLE, Server, make_zip, new_name, wait_for
from peers import HOST, HOST_PUBLIC, INNER, INNER6, NAMES, PORT, WEB, WEB6, Network
from probe import Probe

TAG = "lambent:network"
HELPERS = """
import urllib.request, urllib.error
def get(host, port=%d, path='/'):
    where = '[%%s]' %% host if ':' in host else host
    try:
        with urllib.request.urlopen('http://%%s:%%d%%s' %% (where, port, path), timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.URLError as error:
        reason = error.reason
        return errno.errorcode.get(reason.errno, str(reason)) if reason.errno else type(reason).__name__
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
def names(host, kind=0):
    try:
        return sorted({a[4][0] for a in socket.getaddrinfo(host, 80, kind, socket.SOCK_STREAM)})
    except socket.gaierror as error:
        return errno.errorcode.get(error.errno) or error.strerror
""" % PORT
UNKNOWN = "Name or service not known"
NO_ADDRESS = "No address associated with hostname"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not testable here: only root makes networks")


@pytest.fixture(scope="module")
def network():
    made = Network()
    try:
        made.start()
        with made.inside_host():
            yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def server(network):
    with tempfile.TemporaryDirectory(prefix="lambent-network-") as folder:
        running = Server(os.path.join(folder, "data"), [
            "--network-resolvers", NAMES, "--network-denied", "93.184.218.0/24",
            "--network-grantable", "internet,10.0.0.0/8,db.internal", "--network-connections", "20"]).start()
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def function(server):
    """function("internet") -> a probe with that policy, with the helpers above."""
    made = {}

    def make(policy):
        if policy not in made:
            probe = Probe(server, Tags={TAG: policy} if policy else {})
            made[policy] = lambda code: probe(HELPERS + code)
            made[policy].name = probe.name
        return made[policy]

    return make


def log_has(server, name, text, again):
    """Once the line is there in the function's log and in the server's. Only so many lines a second are written, and the tests
    before this one had theirs: `again` does once more what must be logged."""

    def is_there():
        if text in server.run("logs", "--data", str(server.data), name).stdout and f"function {name}: {text}" in server.log():
            return True
        again()
        return False

    wait_for(is_there, f"{name}: {text}")


@pytest.mark.case("egress-internet")
def test_the_internet_answers(function):
    internet = function("internet")
    assert internet(f"result = [get('{WEB}'), get('{WEB6}')]") == [f"reached {WEB}", f"reached {WEB6}"]
    assert internet("result = get('four.example.com')") == f"reached {WEB}"
    assert internet("result = names('api.example.com')") == sorted([WEB6, WEB])
    # And what every function has.
    assert internet("result = connect(('127.0.0.1', 4566))") is None


@pytest.mark.case("egress-internet")
def test_bytes_pass_whole_in_both_directions(function):
    assert function("internet")(f"result = len(get('{WEB}', path='/size/20000000'))") == 20_000_000
    assert function("internet")(f"""
request = urllib.request.Request('http://{WEB}:{PORT}/', data=b'x' * 20_000_000, method='POST')
result = urllib.request.urlopen(request).read().decode()
""") == "20000000"


@pytest.mark.case("egress-internet")
def test_an_end_of_stream_passes_and_the_other_direction_goes_on(function):
    assert function("internet")(f"""
s = socket.create_connection(('{WEB}', {PORT}))
s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
s.shutdown(socket.SHUT_WR)
data = b''
while piece := s.recv(4096):
    data += piece
result = data.decode().endswith('reached {WEB}')
""") is True


@pytest.mark.case("egress-inner")
@pytest.mark.parametrize("address", [*INNER, *INNER6, HOST, HOST_PUBLIC, "::ffff:10.9.9.9", "::ffff:169.254.169.254"])
def test_internet_is_no_address_inside(server, function, address):
    internet = function("internet")
    def attempt():
        return internet(f"result = get('{address}')")

    error = attempt()
    assert error in ("ECONNRESET", "RemoteDisconnected", "ENETUNREACH"), error
    if error != "ENETUNREACH":
        plain = address.removeprefix("::ffff:") if "." in address else address
        log_has(server, internet.name, f"network: {plain if '.' in plain else f'[{plain}]'}:{PORT} refused: ", attempt)


@pytest.mark.case("egress-inner")
@pytest.mark.parametrize("spelling", ["0x0a.9.9.9", "012.9.9.9", "168364297", "10.591113", "0xa090909"])
def test_no_spelling_of_an_inner_address_helps(function, spelling):
    assert function("internet")(f"result = get('{spelling}')") in ("ECONNRESET", "RemoteDisconnected", UNKNOWN)


@pytest.mark.case("egress-inner")
def test_the_servers_own_port_is_no_part_of_the_internet(server, function):
    port = int(server.endpoint.rsplit(":", 1)[1])
    internet = function("internet")
    for address in (HOST, HOST_PUBLIC):
        assert internet(f"result = get('{address}', {port})") in ("ECONNRESET", "RemoteDisconnected")
    assert internet(f"result = connect(('127.0.0.1', {port}))") == "ECONNREFUSED"


@pytest.mark.case("egress-inner")
def test_what_the_operator_denies_wins(server, function):
    internet = function("internet")
    def attempt():
        return internet("result = get('93.184.218.7')")

    assert attempt() in ("ECONNRESET", "RemoteDisconnected")
    log_has(server, internet.name,
            f"network: 93.184.218.7:{PORT} refused: an address that this server's operator denies", attempt)


@pytest.mark.case("egress-rebinding")
@pytest.mark.parametrize("name, inside, kept", [
    ("rebind.example.com", "10.9.9.9", NO_ADDRESS), ("own.example.com", HOST_PUBLIC, NO_ADDRESS),
    ("metadata.example.com", "169.254.169.254", NO_ADDRESS), ("mapped.example.com", "10.9.9.9", NO_ADDRESS),
    ("nat64.example.com", "64:ff9b::a09:909", NO_ADDRESS), ("mixed.example.com", "10.9.9.9", [WEB])])
def test_names_do_not_lead_inside(server, function, name, inside, kept):
    internet = function("internet")
    def attempt():
        return internet(f"result = names('{name}')")

    assert attempt() == kept
    log_has(server, internet.name, f"network: {inside} of the name {name} refused: ", attempt)


@pytest.mark.case("egress-rebinding")
def test_names_of_the_inside_are_not_asked_for(function):
    internet = function("internet")
    assert internet("result = [names('db.internal'), names('printer.local'), names('9.9.9.10.in-addr.arpa')]") == [UNKNOWN] * 3


@pytest.mark.case("egress-list")
def test_a_list_is_what_it_names(server, function):
    listed = function("four.example.com .internal.example.com")
    assert listed("result = get('four.example.com')") == f"reached {WEB}"

    def attempt():
        return listed("result = [names('api.example.com'), names('example.com'), names('x.four.example.com')]")

    assert attempt() == [UNKNOWN] * 3
    log_has(server, listed.name, "network: the name api.example.com refused: not in its network policy", attempt)
    assert listed(f"result = get('{WEB6}')") in ("ECONNRESET", "RemoteDisconnected")


@pytest.mark.case("egress-list")
def test_an_address_is_allowed_only_once_its_name_was_asked(server, function):
    fresh = function("four.example.com nobody.example.com")

    def attempt():
        return fresh(f"result = get('{WEB}')")

    assert attempt() in ("ECONNRESET", "RemoteDisconnected")
    log_has(server, fresh.name, f"network: {WEB}:{PORT} refused: not in its network policy", attempt)
    assert fresh("result = names('four.example.com')") == [WEB]
    assert attempt() == f"reached {WEB}"


@pytest.mark.case("egress-list")
def test_a_range_reaches_inside_where_the_operator_grants_it(function):
    ranged = function("10.9.0.0/16 db.internal")
    assert ranged("result = [get('10.9.9.9'), get('db.internal')]") == ["reached 10.9.9.9"] * 2
    for address in ("192.168.77.1", WEB):
        assert ranged(f"result = get('{address}')") in ("ECONNRESET", "RemoteDisconnected")
    assert ranged("result = names('four.example.com')") == UNKNOWN


@pytest.mark.case("egress-udp")
def test_no_datagram_leaves_but_questions_of_names(server, function):
    internet = function("internet")

    def attempt():
        return internet(f"""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.5)
s.sendto(b'x', ('{NAMES}', 53))
try:
    result = s.recv(10).decode()
except TimeoutError:
    result = 'nothing'
""")

    assert attempt() == "nothing"
    log_has(server, internet.name, f"network: {NAMES}:53 refused: UDP; only TCP leaves", attempt)
    # Its own loopback answers for every address, where the host lets it make such a socket at all.
    assert internet(f"""
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    s.settimeout(0.5)
    s.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 0]), ('{WEB}', 0))
    result = s.recvfrom(100)[1][0]
except OSError as error:
    result = type(error).__name__
""") in ("OSError", "PermissionError", "TimeoutError", WEB)


@pytest.mark.case("egress-udp")
def test_long_answers_come_by_tcp(function):
    assert len(function("internet")("result = names('big.example.com')")) > 50


@pytest.mark.case("listening-port")
def test_a_port_of_a_function_with_network_is_its_own(function, server):
    internet = function("internet")
    assert internet("""
import builtins
builtins.kept = socket.create_server(('0.0.0.0', 7777))
result = connect(('127.0.0.1', 7777))
""") is None
    second = Probe(server, Tags={TAG: "internet"})
    assert second("result = [connect(('127.0.0.1', 7777))]") == ["ECONNREFUSED"]
    for address in ("169.254.76.1", HOST, HOST_PUBLIC):
        assert second(f"result = failure(lambda: socket.create_connection(('{address}', 7777), 3).recv(1))") == "ECONNRESET"


@pytest.mark.case("egress-flood")
def test_a_flood_of_connections_is_bounded_and_harms_nobody(server, function):
    flooder = Probe(server, Tags={TAG: "internet"}, Timeout=60)
    found = flooder(f"""
held, lost = [], 0
for i in range(60):
    try:
        s = socket.create_connection(('{WEB}', {PORT}))
        s.sendall(b'GET /wait HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
        held.append(s)
    except ConnectionResetError:
        lost += 1
time.sleep(1)
for s in held:
    s.setblocking(False)
    try:
        s.recv(1)
        lost += 1
    except BlockingIOError:
        pass
    except OSError:
        lost += 1
import builtins
builtins.held = held
result = lost
""")
    assert found == 40
    log_has(server, flooder.name, f"network: {WEB}:{PORT} refused: 20 connections are open already",
            lambda: flooder.raw(f"{HELPERS}\nresult = get('{WEB}')"))
    assert function("internet")(f"result = get('{WEB}')") == f"reached {WEB}"


@pytest.mark.case("egress-internet")
def test_a_connection_that_fails_is_in_the_log(server, function):
    internet = function("internet")
    assert internet(f"result = get('{WEB}', 1)") in ("ECONNRESET", "RemoteDisconnected")
    wait_for(lambda: f"network: {WEB}:1 failed: Connection refused"
             in server.run("logs", "--data", str(server.data), internet.name).stdout, "the failure")


@pytest.mark.case("egress-none")
def test_none_is_no_address_but_that_of_the_runtime_api(function):
    none = function("none")
    assert none(f"result = [connect(('127.0.0.1', 4566)), connect(('{WEB}', 80)), connect(('127.0.0.1', 9001))]") == [
        "ECONNREFUSED", "ECONNREFUSED", None]
    assert none("""
import urllib.request, urllib.error
try:
    result = urllib.request.urlopen('http://127.0.0.1:9001/2018-06-01/runtime/invocation/next').status
except urllib.error.HTTPError as error:
    result = error.code
""") == 404, "extensions alone are answered there: this runtime's line to the platform is no address"


@pytest.mark.case("egress-none")
def test_the_default_is_the_platform_alone(function):
    default = function(None)
    assert default(f"result = [connect(('127.0.0.1', 4566)), connect(('{WEB}', 80)), names('four.example.com')]")[:2] == [
        None, "ECONNREFUSED"]


@pytest.mark.case("egress-none")
def test_a_changed_tag_holds_for_the_next_call_and_versions_keep_theirs(server):
    probe = Probe(server)
    client = server.client("lambda")
    arn = client.get_function(FunctionName=probe.name)["Configuration"]["FunctionArn"]
    code = f"{HELPERS}\nresult = get('{WEB}')"
    assert probe(code) == "ECONNREFUSED"
    client.tag_resource(Resource=arn, Tags={TAG: "internet"})
    assert probe(code) == f"reached {WEB}"
    version = client.publish_version(FunctionName=probe.name)["Version"]
    client.untag_resource(Resource=arn, TagKeys=[TAG])
    assert probe(code) == "ECONNREFUSED"
    assert server.invoke(probe.name, code, Qualifier=version)[0] == f"reached {WEB}"


@pytest.mark.case("egress-grant")
@pytest.mark.parametrize("policy, words", [
    ("192.168.0.0/16", "the range '192.168.0.0/16' is not granted"), ("0.0.0.0/0", "is not granted"),
    ("169.254.169.254", "is not granted"), ("::ffff:127.0.0.1", "is not granted"), ("internet none", "must stand alone"),
    ("http://a.com", "is none of platform, none, internet"), ("", "is empty"), (".com", "is none of")])
def test_a_tag_beyond_what_is_granted_is_refused(server, policy, words):
    client = server.client("lambda")
    name = new_name()
    status, code, message = refused(client.create_function, FunctionName=name, Runtime="python3.11", Handler="app.handler",
                                    Role=ROLE, Code={"ZipFile": make_zip({"app.py": ""})}, Tags={TAG: policy})
    assert (status, code) == (400, "InvalidParameterValueException")
    assert words in message
    probe = Probe(server)
    arn = client.get_function(FunctionName=probe.name)["Configuration"]["FunctionArn"]
    assert refused(client.tag_resource, Resource=arn, Tags={TAG: policy})[:2] == (400, "InvalidParameterValueException")


@pytest.mark.case("egress-grant")
def test_a_grant_that_was_taken_back_holds_no_longer(network, new_server):
    server = new_server("--network-grantable", "internet").start()
    probe = Probe(server, Tags={TAG: "internet"})
    assert probe("result = 1") == 1
    server.stop()
    server.flags = ["--network-grantable", "platform"]
    server.start()
    with pytest.raises(Exception, match="ServiceException|internal"):
        probe("result = 1")
    assert f"function {probe.name}: no instance: network policy" in server.log()


@pytest.mark.case("egress-denials")
@pytest.mark.parametrize("policy", [None, "none"])
def test_each_denial_is_a_line_with_function_and_target(server, function, policy):
    closed = function(policy)

    def attempt():
        return closed(f"""
def datagram(address, family, port, data=b'x'):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((address, port))
        s.settimeout(5)
        s.send(data)
        return failure(s.recv, 9)
result = [connect(('{WEB}', 80)), connect(('{WEB6}', 81), socket.AF_INET6),
          datagram('{WEB}', socket.AF_INET, 82), datagram('{WEB6}', socket.AF_INET6, 83),
          connect(('{HOST}', 84)), connect(('169.254.169.254', 80)), connect(('{NAMES}', 53))]
""")

    def ask():
        return closed("result = names('one.example.com')")

    assert attempt() == ["ECONNREFUSED"] * 7
    assert ask() != []
    for target in [f"{WEB}:80", f"[{WEB6}]:81", f"{WEB}:82", f"[{WEB6}]:83", f"{HOST}:84", "169.254.169.254:80", f"{NAMES}:53",
                   "the name one.example.com"]:
        log_has(server, closed.name, f"network: {target} refused: not in its network policy", lambda: (ask(), attempt()))


@pytest.mark.case("egress-denials")
def test_under_none_the_platforms_port_is_a_target_too(server, function):
    none = function("none")

    def attempt():
        return none("result = connect(('127.0.0.1', 4566))")

    assert attempt() == "ECONNREFUSED"
    log_has(server, none.name, "network: 127.0.0.1:4566 refused: not in its network policy", attempt)


@pytest.mark.case("egress-denials")
def test_what_was_denied_right_before_the_end_is_logged(server):
    probe = Probe(server)
    assert probe("result = 1") == 1

    def attempt():
        probe.raw(f"connect(('{WEB}', 99)); os._exit(1)")

    attempt()
    log_has(server, probe.name, f"network: {WEB}:99 refused: not in its network policy", attempt)


@pytest.mark.case("egress-denials")
def test_a_flood_of_denials_is_few_lines_and_a_number(server):
    probe, neighbour = Probe(server), Probe(server)
    seconds = 3
    tried = probe(f"""
import time
end, tried = time.monotonic() + {seconds}, 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    while time.monotonic() < end:
        for _ in range(100):
            s.sendto(b'x', ('{WEB}', 9))
            tried += 1
        connect(('{WEB}', 9))
        tried += 1
result = tried
""")

    def attempt():
        return neighbour(f"result = connect(('{WEB}', 7))")

    assert attempt() == "ECONNREFUSED"
    log_has(server, neighbour.name, f"network: {WEB}:7 refused", attempt)
    probe(f"result = connect(('{WEB}', 8))")

    def lines():
        found = server.run("logs", "--data", str(server.data), probe.name).stdout.splitlines()
        return [line for line in found if " network: " in line or "network: " in line[:60]]

    def counted():
        more = [re.search(r"network: (\d+) more refused", line) for line in lines()]
        return sum(int(found[1]) for found in more if found) + sum(" refused: " in line for line in lines())

    wait_for(lambda: counted() >= 0.9 * tried, f"the number of {tried} refusals")
    assert counted() <= tried + 1
    assert len(lines()) < 20 + 8 * (seconds + 10)


@pytest.mark.case("egress-denials")
def test_denials_are_not_logged_where_the_operator_does_not_want_it(network, new_server):
    server = new_server("--network-log-attempts", "no").start()
    probe = Probe(server)
    assert probe(f"result = [connect(('127.0.0.1', 4566)), connect(('{WEB}', 80))]") == [None, "ECONNREFUSED"]
    server.stop()
    assert "network: " not in server.run("logs", "--data", str(server.data), probe.name).stdout


def egress_processes(server):
    """The keeper and what it keeps."""
    def children(pid):
        text = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid=,args="], capture_output=True, text=True).stdout
        return [int(line.split()[0]) for line in text.splitlines() if " egress " in line]

    keepers = children(server.pid)
    assert len(keepers) == 1
    return keepers[0], children(keepers[0])


@pytest.mark.case("egress-process")
def test_the_egress_process_and_its_keeper_have_no_rights(server):
    keeper, serving = egress_processes(server)
    assert len(serving) == 1
    for pid in (keeper, *serving):
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        assert status["Uid"].split()[0] not in ("0", str(os.geteuid()))
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b"", "the root keys may be in the server's"
        assert status["Seccomp"] == ("2" if pid != keeper else "0")


@pytest.mark.case("egress-process")
def test_the_egress_process_is_started_again_and_instances_go_on(network, new_server):
    server = new_server().start()
    open_one, closed = Probe(server, Tags={TAG: "internet"}), Probe(server)
    assert open_one(f"{HELPERS}\nimport builtins\nbuiltins.mark = 'same'\nresult = get('{WEB}')") == f"reached {WEB}"
    assert closed("import builtins\nbuiltins.mark = 'same'\nresult = 1") == 1
    for times in range(1, 4):
        _, serving = egress_processes(server)
        os.kill(serving[0], signal.SIGKILL)
        wait_for(lambda: server.log().count("the egress process was started again") == times, "another one")
        assert open_one(f"{HELPERS}\nresult = [mark, get('{WEB}')]") == ["same", f"reached {WEB}"]
        attempt = functools.partial(closed, f"result = [mark, connect(('{WEB}', {100 + times}))]")
        assert attempt() == ["same", "ECONNREFUSED"]
        log_has(server, closed.name, f"network: {WEB}:{100 + times} refused: not in its network policy", attempt)
    assert server.log().count("the egress process ended unexpectedly (signal 9)") == 3
    assert server.stop() == 0


@pytest.mark.case("egress-process")
def test_without_the_egress_process_nothing_is_open_and_the_rest_goes_on(network, new_server):
    server = new_server().start()
    probe, plain = Probe(server, Tags={TAG: "internet"}), Probe(server)
    assert probe(f"{HELPERS}\nresult = get('{WEB}')") == f"reached {WEB}"
    keeper, serving = egress_processes(server)
    for pid in (keeper, *serving):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: "the egress process ended for good" in server.log(), "the server's log")
    probe.raw("os._exit(1)")
    with pytest.raises(Exception, match="ServiceException"):
        probe("result = 1")
    assert f"function {probe.name}: no instance: network policy: the egress process has ended" in server.log()
    assert plain(f"result = connect(('{WEB}', 80))") == "ECONNREFUSED"
    assert server.stop() == 0
