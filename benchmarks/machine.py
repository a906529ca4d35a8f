"""What the figures were measured on, and how busy it was beside."""

import datetime
import os
import pathlib
import platform
import subprocess


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout + done.stderr).strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "missing"


def value_of(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.split(":")[0].strip() == name:
            return line.split(":", 1)[1].strip()
    return "unknown"


def describe(binary):
    root = pathlib.Path(__file__).resolve().parents[1]
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "commit": first_line("git", "-C", str(root), "describe", "--always", "--dirty"),
        "binary": str(binary.resolve().relative_to(root)) if binary.resolve().is_relative_to(root) else str(binary),
        "processor": value_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(value_of("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "python": first_line("/usr/bin/python3", "--version"),
        "node": first_line("node", "--version"),
    }


def load_average():
    return os.getloadavg()[0]


class Busy:
    """Share of all cores that was busy between begin and end, ours included, and the part that the hypervisor took."""

    def __init__(self):
        self.begin = self._read()

    @staticmethod
    def _read():
        return [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]

    def shares(self):
        passed = [now - then for now, then in zip(self._read(), self.begin)]
        total = sum(passed) or 1
        return {"busy": round(1 - (passed[3] + passed[4]) / total, 3), "stolen": round(passed[7] / total, 3)}
