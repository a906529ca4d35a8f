"""System call filters as the binary compiles them: read from `lambent seccomp <policy>`, evaluated here."""

import ctypes
import errno
import functools
import re
import struct
import subprocess

from lambent import BINARY

X86_64 = 0xC000003E
I386 = 0x40000003
X32_BIT = 0x40000000
FAMILIES = ["python", "nodejs", "java", "ruby", "provided"]
POLICIES = [*FAMILIES, "unpacker"]

# What libseccomp 2.5.4 does not know yet.
NEWER_CALLS = {335: "uretprobe", 336: "uprobe", 457: "statmount", 458: "listmount", 459: "lsm_get_self_attr",
               460: "lsm_set_self_attr", 461: "lsm_list_modules", 462: "mseal", 463: "setxattrat", 464: "getxattrat", 465: "listxattrat", 466: "removexattrat",
               467: "open_tree_attr", 468: "file_getattr", 469: "file_setattr"}
# Newer kernels let these past every filter; from anywhere but the kernel's own trampoline they end so.
UNFILTERED = {"uretprobe": "killed 4", "uprobe": "ENXIO"}
LAST_CALL = 475  # a few above the newest kernel's

RETURN, LOAD, AND = 0x06, 0x20, 0x54
JUMPS = {0x05: lambda a, k: True, 0x15: lambda a, k: a == k, 0x25: lambda a, k: a > k, 0x35: lambda a, k: a >= k,
         0x45: lambda a, k: (a & k) != 0}


class Rule:
    def __init__(self, line):
        words, self.reason = line.split(" : ", 1)
        _, self.policy, number, error, self.call, *conditions = words.split()
        self.number, self.error = int(number), int(error)
        self.conditions = [(int(n), int(mask, 16), int(value, 16))
                           for n, mask, value in (re.match(r"arg(\d)&(\w+)==(\w+)", c).groups() for c in conditions)]

    def holds(self, number, arguments):
        return number == self.number and all(arguments[n] & mask == value for n, mask, value in self.conditions)

    def __str__(self):
        conditions = " and ".join(f"arg{n} & {mask:#x} == {value:#x}" for n, mask, value in self.conditions)
        return f"{self.policy}.policy: allow {self.call}{' if ' if conditions else ''}{conditions} : {self.reason}"


@functools.cache
def read(policy):
    """(rules, program) of a policy."""
    out = subprocess.run([BINARY, "seccomp", policy], capture_output=True, text=True, check=True).stdout.splitlines()
    rules = [Rule(line) for line in out if line.startswith("rule ")]
    return rules, [tuple(map(int, line.split()[1:])) for line in out if line.startswith("bpf ")]


def action(program, number, arguments=(0,) * 6, architecture=X86_64):
    """"allow", the name of the error, or "kill": what the kernel would do, by running the program."""
    data = struct.pack("<iIQ6Q", number - (1 << 32) if number >= 1 << 31 else number, architecture, 0,
                       *[a & (1 << 64) - 1 for a in arguments])
    at = value = 0
    while True:
        code, if_true, if_false, k = program[at]
        at += 1
        if code == RETURN:
            kind, detail = k & 0xFFFF0000, k & 0xFFFF
            return {0x7FFF0000: "allow", 0x80000000: "kill"}.get(kind) or (
                errno.errorcode[detail] if kind == 0x00050000 else f"action {k:#x}")
        if code == LOAD:
            value = struct.unpack_from("<I", data, k)[0]
        elif code == AND:
            value &= k
        elif code == 0x05:
            at += k
        else:
            at += if_true if JUMPS[code](value, k) else if_false


@functools.cache
def call_names():
    """{number: name} of every call from 0 to LAST_CALL."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p
    names = {}
    for number in range(LAST_CALL + 1):
        known = library.seccomp_syscall_resolve_num_arch(X86_64, number)
        names[number] = NEWER_CALLS.get(number) or (known.decode() if known else "-")
    return names
