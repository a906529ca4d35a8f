"""An internet of the test's own: two network namespaces that know only each other. The server's host has a private
address and a public one; the other side has a web server on public, private and special addresses, and a name server.
No packet leaves the machine."""

import contextlib
import ctypes
import os
import pathlib
import subprocess

CLONE_NEWNET = 0x40000000
HOST = "192.168.77.2"           # the host's own, private
HOST_PUBLIC = "93.184.216.99"   # the host's own, public
WEB = "93.184.216.34"
WEB6 = "2600:9::34"
NAMES = "93.184.216.53"
# What stands for the host's surroundings: each has the web server, so that only a policy keeps it out of reach.
INNER = ["10.9.9.9", "172.16.5.5", "192.168.77.1", "169.254.169.254", "100.64.0.9", "198.18.0.9", "192.0.0.9",
         "203.0.113.9", "240.0.0.9"]
INNER6 = ["fd00:9::9", "fd00:ec2::254", "64:ff9b::a09:909", "2002:a09:909::9", "2001:0:a09:909::9", "2001:db8::9",
          "::ffff:0:a09:909"]
PORT = 8080

libc = ctypes.CDLL(None, use_errno=True)


class Network:
    def __init__(self):
        self.processes = []
        self.host = self._namespace()
        self.outside = self._namespace()

    def _namespace(self):
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
                                  stdout=subprocess.PIPE, text=True)
        self.processes.append(holder)
        assert holder.stdout.readline() == "up\n"
        return holder.pid

    def _ip(self, pid, *commands):
        text = "".join(command + "\n" for command in commands)
        subprocess.run(["nsenter", "--target", str(pid), "--net", "ip", "-batch", "-"], input=text, text=True, check=True)

    def start(self):
        self._ip(self.host, f"link add wan type veth peer name lan netns {self.outside}")
        self._ip(self.host, "link set wan up", f"addr add {HOST}/24 dev wan", "addr add fd77::2/64 dev wan nodad",
                 f"addr add {HOST_PUBLIC}/32 dev lo")
        self._ip(self.outside, "link set lan up", "addr add 192.168.77.1/24 dev lan", "addr add fd77::1/64 dev lan nodad",
                 *[f"addr add {address}/32 dev lo" for address in [WEB, NAMES, *INNER] if address != "192.168.77.1"],
                 *[f"addr add {address}/128 dev lo nodad" for address in [WEB6, *INNER6]],
                 f"route add {HOST_PUBLIC}/32 via {HOST}")
        self._ip(self.host, "route add default via 192.168.77.1", "route add ::/0 via fd77::1",
                 "route add 169.254.0.0/16 via 192.168.77.1", "route add 240.0.0.0/4 via 192.168.77.1")
        peer = subprocess.Popen(["nsenter", "--target", str(self.outside), "--net", "python3",
                                 str(pathlib.Path(__file__).with_name("peer.py")), NAMES, str(PORT)],
                                stdout=subprocess.PIPE, text=True)
        self.processes.append(peer)
        assert peer.stdout.readline() == "ready\n"
        return self

    @contextlib.contextmanager
    def inside_host(self):
        """This thread's sockets, and the processes that it starts, are of the host's namespace."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.host}/ns/net", os.O_RDONLY)
        assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(here, CLONE_NEWNET) == 0
            os.close(here)
            os.close(there)

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()
