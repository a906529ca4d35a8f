"""What a function can reach: the Runtime API, the platform's API with its own credentials, and nothing else."""

import json
import re
import socket
import subprocess

import boto3
import botocore.exceptions
import pytest
from function_sources import SIGNED
from lambent import new_name, wait_for
from probe import Probe, errors


LIST = "'GET', '/2015-03-31/functions'"
UNREACHABLE = errors("ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EACCES", "EINVAL")

# Sends one and waits for what comes of it.
DATAGRAM = """
def datagram(address, family):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        try:
            s.connect((address, 53))
            s.send(b'x')
            return 'answered' if s.recv(9) else 'empty'
        except TimeoutError:
            return 'silence'
        except OSError as error:
            return errno.errorcode[error.errno]
"""


def host_addresses():
    text = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    return [address for address in re.findall(r"inet6? ([0-9a-f.:]+)/", text) if address not in ("127.0.0.1", "::1")]


@pytest.mark.case("host-network")
def test_the_servers_own_port_is_out_of_reach(server, probe):
    port = int(server.endpoint.rsplit(":", 1)[1])
    assert probe(f"result = [connect(('127.0.0.1', {port})), connect(('0.0.0.0', {port})), connect(('127.1', {port})), "
                 f"connect(('2130706433', {port})), connect(('0177.0.0.1', {port}))]") == ["ECONNREFUSED"] * 5


@pytest.mark.case("host-network")
def test_no_address_of_the_host_answers(probe):
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=dual) as listener:
        port = listener.getsockname()[1]
        for address in ["127.0.0.1", "::1", *host_addresses()]:
            family = "AF_INET6" if ":" in address else "AF_INET"
            error = probe(f"result = connect(('{address}', {port}), socket.{family})")
            assert error in UNREACHABLE, f"{address}: {error}"


@pytest.mark.case("host-network")
@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "192.168.0.1", "172.17.0.1", "8.8.8.8", "100.64.0.1",
                                     "224.0.0.1", "255.255.255.255"])
def test_the_network_outside_is_out_of_reach(probe, address):
    assert probe(f"result = connect(('{address}', 80))") in UNREACHABLE
    assert probe(f"{DATAGRAM}\nresult = datagram('{address}', socket.AF_INET)") in (
        UNREACHABLE if address != "224.0.0.1" else [*UNREACHABLE, "silence"]), "nobody answers to a group"


@pytest.mark.case("host-network")
@pytest.mark.parametrize("address", ["2001:4860:4860::8888", "fd00:ec2::254", "::ffff:169.254.169.254", "::ffff:8.8.8.8"])
def test_ipv6_is_out_of_reach(probe, address):
    assert probe(f"result = connect(('{address}', 80), socket.AF_INET6)") in UNREACHABLE
    assert probe(f"{DATAGRAM}\nresult = datagram('{address}', socket.AF_INET6)") in UNREACHABLE


@pytest.mark.case("dns")
def test_names_do_not_resolve(probe):
    assert probe("""
try:
    result = socket.getaddrinfo('example.com', 80)
except socket.gaierror:
    result = 'unknown'
""") == "unknown"


@pytest.mark.case("raw-sockets")
def test_raw_and_exotic_sockets_are_refused(probe):
    kinds = {"raw": "AF_INET, socket.SOCK_RAW, 1", "raw v6": "AF_INET6, socket.SOCK_RAW, 58",
             "packet": "AF_PACKET, socket.SOCK_RAW, 3", "packet datagram": "AF_PACKET, socket.SOCK_DGRAM, 3",
             "alg": "AF_ALG, socket.SOCK_SEQPACKET, 0", "vsock": "AF_VSOCK, socket.SOCK_STREAM, 0",
             "bluetooth": "AF_BLUETOOTH, socket.SOCK_RAW, 1", "can": "AF_CAN, socket.SOCK_RAW, 1"}
    for kind, arguments in kinds.items():
        assert probe(f"result = failure(socket.socket, socket.{arguments})") in errors(
            "EPERM", "EACCES", "ENOSYS", "EAFNOSUPPORT", "EPROTONOSUPPORT"), kind


@pytest.mark.case("raw-sockets")
def test_nothing_reaches_the_rules_that_refuse(probe):
    """The names of options are those of Linux: IP_TRANSPARENT, SO_MARK, IP_OPTIONS with a source route."""
    assert probe("""
def option(level, name, value):
    with socket.socket() as s:
        return failure(s.setsockopt, level, name, value)
def bound(port, kind):
    with socket.socket(socket.AF_INET, kind) as s:
        return failure(s.bind, ('0.0.0.0', port))
def own(address):
    with socket.create_server((address, 6000)) as s, socket.socket() as client:
        client.settimeout(3)
        return failure(client.connect, (address, 6000))
knob = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
result = [option(0, 19, 1), option(1, 36, 1), option(0, 4, bytes([0x83, 7, 4, 8, 8, 8, 8, 0])),
          bound(53, socket.SOCK_STREAM), bound(53, socket.SOCK_DGRAM), failure(os.open, knob, os.O_WRONLY),
          failure(socket.socket, 16, 3, 12), own('8.8.8.8'), own('127.0.0.5')]
""") == ["EPERM", "EPERM", "EPERM", "EACCES", "EACCES", "EACCES", "EPERM", "ECONNREFUSED", None]


@pytest.mark.case("host-network")
def test_only_loopback_is_there(probe):
    assert probe("result = [n for _, n in socket.if_nameindex()] if hasattr(socket, 'if_nameindex') else ['lo']") == ["lo"]


@pytest.mark.case("ipc")
def test_abstract_sockets_of_the_host_are_out_of_reach(probe):
    name = "\0" + new_name("abstract")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        assert probe(f"result = connect({name!r}, socket.AF_UNIX)") == "ECONNREFUSED"
    assert probe("result = len(open('/proc/net/unix').read().splitlines())") < 10


@pytest.mark.case("listening-port")
def test_another_functions_port_and_shared_memory_are_out_of_reach(probe, other):
    probe("""
import builtins
builtins.kept = socket.create_server(('0.0.0.0', 7777))
open('/dev/shm/shared', 'w').write('mine')
shm = syscall(29, 4242, 4096, 0o1666)
result = connect(('127.0.0.1', 7777))
""")
    assert other("result = connect(('127.0.0.1', 7777))") == "ECONNREFUSED"
    assert other("result = os.listdir('/dev/shm')") == []
    assert "4242" not in other("result = open('/proc/sysvipc/shm').read() if os.path.exists('/proc/sysvipc/shm') else ''")


# ---- the platform's own API ---------------------------------------------------------------------------------------


@pytest.mark.case("platform-credentials")
def test_it_reaches_the_platform_with_its_own_credentials(probe):
    status, body = probe(f"{SIGNED}\nresult = api({LIST})")
    assert status == 200
    assert all(f["FunctionArn"].endswith(f["FunctionName"]) for f in json.loads(body)["Functions"])
    assert json.loads(body)["Functions"], "one page of what the server has, this function among it"
    identity = probe(SIGNED + """
result = api('POST', '/', b'Action=GetCallerIdentity&Version=2011-06-15', service='sts',
             headers={'content-type': 'application/x-www-form-urlencoded'})
""")
    assert identity[0] == 200
    assert f"<Arn>arn:aws:sts::000000000000:assumed-role/any/{probe.name}</Arn>" in identity[1]


@pytest.mark.case("platform-credentials")
@pytest.mark.parametrize("change, status, error", [
    ("signed=False", 403, "MissingAuthenticationToken"),
    ("secret='x' * 40", 403, "InvalidSignature"),
    ("token='FwoGZXIvYXdzEXAMPLE'", 403, "UnrecognizedClient"),
])
def test_it_reaches_nothing_without_them(probe, change, status, error):
    answer = probe(f"{SIGNED}\nresult = api({LIST}, {change})")
    assert answer[0] == status
    assert answer[1].startswith(error)


@pytest.mark.case("platform-credentials")
def test_another_instances_key_with_ones_own_secret_is_refused(probe, other):
    key = other("result = os.environ['AWS_ACCESS_KEY_ID']")
    assert key != probe("result = os.environ['AWS_ACCESS_KEY_ID']")
    assert probe(f"{SIGNED}\nold = os.environ['AWS_ACCESS_KEY_ID']\nos.environ['AWS_ACCESS_KEY_ID'] = '{key}'\n"
                 f"result = api({LIST})[0]\nos.environ['AWS_ACCESS_KEY_ID'] = old") == 403


@pytest.mark.case("platform-credentials")
def test_its_credentials_end_with_it(server):
    probe = Probe(server)
    keys = probe("result = [os.environ[n] for n in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN')]")
    sts = boto3.session.Session(*keys, region_name="us-east-1").client("sts", endpoint_url=server.endpoint)
    assert sts.get_caller_identity()["Arn"].endswith(probe.name)
    probe.raw("os._exit(1)")

    def refused():
        try:
            sts.get_caller_identity()
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]

    assert wait_for(refused, "the credentials are worth nothing") == "InvalidClientTokenId"


@pytest.mark.case("runtime-api-foreign")
def test_the_runtime_api_is_the_instances_own(probe, other):
    """What is said on an instance's line for the call of another one ends the instance that says it, and only that."""
    ids = [each("result = [context.log_stream_name, context.aws_request_id]") for each in (probe, other)]
    steal = """
import struct
id, type, body = ID.encode(), b'application/json', b'"stolen"'
os.write(63, struct.pack('<BBHHHI', 2, 1, len(id), len(type), 0, len(body)) + id + type + body)
time.sleep(20)
"""
    with pytest.raises(AssertionError, match="Runtime.ExitError"):
        probe("import time\n" + steal.replace("ID", repr(ids[1][1])))
    assert other("result = context.log_stream_name") == ids[1][0]
    assert probe("result = context.log_stream_name") != ids[0][0]
