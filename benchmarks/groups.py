"""All processes of one contender as a group: started together, counted together, ended together.

Processor time is read from a cgroup that is made for the group (cpuacct of version 1, or cpu.stat of version 2), which
counts whatever the group starts, also processes that have ended since. Where no cgroup can be made (an ordinary user),
it is summed over /proc/<pid>/stat of the process tree, in steps of 10 ms.
"""

import os
import pathlib
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def hierarchy():
    """(folder of this process's cgroup, file with the time used) where processor time is counted; None without one."""
    lines = [line.split(":", 2) for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()]
    for number, controllers, path in lines:
        if "cpuacct" in controllers.split(","):
            return pathlib.Path(f"/sys/fs/cgroup/{controllers}{path}"), "cpuacct.usage"
    for number, controllers, path in lines:
        for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            folder = pathlib.Path(mount + path)
            if number == "0" and (folder / "cgroup.procs").exists():
                return folder, "cpu.stat"
    return None


def make_cgroup(name):
    found = hierarchy()
    if not found:
        return None, None
    folder = found[0] / f"bench-{os.getpid()}-{name}"
    try:
        folder.mkdir()
        return folder, found[1]
    except OSError:
        return None, None


class Group:
    """The processes of one contender. end() leaves none of them."""

    def __init__(self, name):
        self.name = name
        self.folder, self.usage_file = make_cgroup(name)
        self.roots = []  # Popen of what start() started, and of servers that were given prefix()

    def prefix(self):
        """A command that runs its arguments within the group."""
        if not self.folder:
            return []
        return ["/bin/sh", "-c", f'echo $$ >"{self.folder}/cgroup.procs" && exec "$@"', "sh"]

    def start(self, command, **options):
        """In a session of its own, so that Ctrl-C reaches this program only, which then ends the group in order."""
        child = subprocess.Popen([*self.prefix(), *map(str, command)], stdin=subprocess.DEVNULL, start_new_session=True,
                                 **options)
        self.roots.append(child)
        return child

    def pids(self):
        if self.folder:
            found = []
            for folder, _, _ in os.walk(self.folder):
                found += map(int, pathlib.Path(folder, "cgroup.procs").read_text().split())
            return found
        return descendants([root.pid for root in self.roots if root.poll() is None])

    def processor_seconds(self):
        if not self.folder:
            return sum(seconds_of(pid) for pid in self.pids())
        text = (self.folder / self.usage_file).read_text()
        if self.usage_file == "cpuacct.usage":
            return int(text) / 1e9
        return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6

    def end(self):
        for root in self.roots:
            if root.poll() is None:
                root.send_signal(signal.SIGTERM)
        for root in self.roots:
            try:
                root.wait(20)
            except subprocess.TimeoutExpired:
                root.kill()
                root.wait()
        self._end_rest()

    def _end_rest(self):
        """What outlived its root, by process id; then the cgroups."""
        if not self.folder:
            return
        end = time.monotonic() + 20
        while self.pids() and time.monotonic() < end:
            time.sleep(0.2)
            if time.monotonic() > end - 15:
                for pid in self.pids():
                    signal_if_there(pid, signal.SIGKILL)
        for folder, _, _ in os.walk(self.folder, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
        self.folder = None


def signal_if_there(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def fields_of_stat(pid):
    """/proc/<pid>/stat from the state on; the name before it may contain anything."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def seconds_of(pid):
    """Processor time of the process and of the children that it has waited for."""
    try:
        return sum(map(int, fields_of_stat(pid)[11:15])) / TICKS
    except OSError:
        return 0.0


def descendants(roots):
    children = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            children.setdefault(int(fields_of_stat(pid)[1]), []).append(pid)
        except OSError:
            pass
    found, left = [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        left += children.get(pid, [])
    return found


def memory_of(pid):
    """{Rss, Pss} of one process in MiB; zeros where it has ended or is not this user's."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return {"Rss": 0.0, "Pss": 0.0}
    values = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return {name: int(values.get(name, 0)) / 1024 for name in ("Rss", "Pss")}


def pss_of(pids):
    return sum(memory_of(pid)["Pss"] for pid in pids)


def scheduled_seconds(pid):
    """Processor time of one process, all its threads, in nanoseconds' steps."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            pass
    return total / 1e9
