"""Many idle instances: one of each of N functions; then the server alone with N functions known."""

import os
import sys
import time

import groups
import loopback
import ours
from contender import NotAvailable
from statistic import figures

REST = 2.0  # seconds after the last call: every instance is frozen by then


def instances_of(group, server):
    """Processes of the group in another pid namespace than the server: those of sandboxes."""
    home = os.readlink(f"/proc/{server.pid}/ns/pid")
    found = []
    for pid in group.pids():
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") != home:
                found.append(pid)
        except OSError:
            pass
    return found


def make_functions(server, count):
    names = []
    for number in range(count):
        names.append(server.create_function(ours.PYTHON_EVENT, name=f"density-{number}"))
        if (number + 1) % 100 == 0:
            print(f"density: {number + 1} of {count} functions", file=sys.stderr)
    return names


def measure_idle(group, server, names):
    """Every function is called once; then memory is counted."""
    failed = 0
    for name in names:
        try:
            failed += server.invoke(name, {"n": 1})[0] != {"n": 1}
        except Exception as error:  # the first reason is enough
            if not failed:
                print(f"density: {name}: {error}", file=sys.stderr)
            failed += 1
    time.sleep(REST)
    inside = instances_of(group, server)
    everything = group.pids()
    others = set(everything) - set(inside) - {server.pid}
    instances = pss(inside)
    return {"functions": len(names), "failed_calls": failed, "processes_in_sandboxes": len(inside),
            "instances_pss_mib": instances, "per_instance_pss_mib": instances / len(names),
            "spawner_templates_egress_pss_mib": pss(others), "server_rss_mib": groups.memory_of(server.pid)["Rss"]}


def pss(pids):
    if os.getuid() != 0:
        raise NotAvailable("only root may read the memory of instances")
    return groups.pss_of(pids)


def start_times(group, folder, times):
    """Milliseconds from exec to the first good answer of a server that knows the functions; then its memory."""
    port = loopback.free_port()
    request = loopback.request_bytes("GET", "/readyz", port)
    answered, rest = [], {}
    for _ in range(times):
        child = group.start([ours.lambent.BINARY, "serve", "--data", folder / "data", "--port", port],
                            stdout=open(os.devnull, "wb"), stderr=open(folder / "start.log", "ab"),
                            env=ours.lambent.clean_environment())
        answered.append(loopback.wait_for_answer(port, request) * 1000)
        time.sleep(0.3)
        rest = {"server": groups.memory_of(child.pid), "all_pss_mib": groups.pss_of(group.pids())}
        child.terminate()
        child.wait()
        group.roots.remove(child)
    return {"start_to_first_answer_ms": figures(answered), "server_rss_mib": rest["server"]["Rss"],
            "all_pss_mib": rest["all_pss_mib"]}


def run(folder, count, starts):
    """The results of both, or why not."""
    group = groups.Group("density")
    own = folder / "density"
    own.mkdir()
    result = {}
    try:
        server = ours.start_server(group, own)
        names = make_functions(server, count)
        result["idle"] = measure_idle(group, server, names)
        server.stop(seconds=120)
        result["known"] = start_times(group, own, starts)
    except (NotAvailable, OSError, AssertionError, TimeoutError) as error:
        result["missing"] = str(error)
    finally:
        group.end()
    return result
