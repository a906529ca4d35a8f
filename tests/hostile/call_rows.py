"""The rows of the table of system calls: every number of the kernel, and for calls whose arguments decide, one row for each
class of arguments. Which classes there are is said here, not taken from the policies under test."""

from filters import LAST_CALL, call_names

ALL_ONES = -1
HIGH = 1 << 32  # the kernel drops the upper half of a 32-bit argument: a filter must too

NAMESPACES = {"CLONE_NEWTIME": 0x80, "CLONE_NEWNS": 0x20000, "CLONE_NEWCGROUP": 0x2000000, "CLONE_NEWUTS": 0x4000000,
              "CLONE_NEWIPC": 0x8000000, "CLONE_NEWUSER": 0x10000000, "CLONE_NEWPID": 0x20000000,
              "CLONE_NEWNET": 0x40000000}
FAMILIES = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET", 21: "AF_RDS", 29: "AF_CAN",
            30: "AF_TIPC", 31: "AF_BLUETOOTH", 38: "AF_ALG", 39: "AF_NFC", 40: "AF_VSOCK", 41: "AF_KCM", 42: "AF_QIPCRTR",
            43: "AF_SMC", 44: "AF_XDP"}
TYPES = {1: "STREAM", 2: "DGRAM", 3: "RAW", 5: "SEQPACKET", 10: "PACKET", 1 | 0o2004000: "STREAM|flags", 3 | 0o2000000: "RAW|flags"}
IP_PROTOCOLS = {0: "0", 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPV6", 115: "L2TP", 132: "SCTP", 136: "UDPLITE", 255: "RAW",
                262: "MPTCP"}
REQUESTS = {"TCGETS": 0x5401, "TCSETS": 0x5402, "TIOCSCTTY": 0x540E, "TIOCGPGRP": 0x540F, "TIOCSPGRP": 0x5410, "TIOCSTI": 0x5412,
            "TIOCGWINSZ": 0x5413, "TIOCLINUX": 0x541C, "TIOCSTI|high": 0x5412 + HIGH, "FIONREAD": 0x541B, "FIONBIO": 0x5421,
            "TIOCSETD": 0x5423, "FIONCLEX": 0x5450, "FIOCLEX": 0x5451, "SIOCGIFNAME": 0x8910, "SIOCGIFCONF": 0x8912,
            "SIOCGIFFLAGS": 0x8913, "SIOCSIFFLAGS": 0x8914, "SIOCGIFADDR": 0x8915, "SIOCSIFADDR": 0x8916,
            "SIOCGIFBRDADDR": 0x8919, "SIOCGIFNETMASK": 0x891B, "SIOCGIFMTU": 0x8921, "SIOCSIFHWADDR": 0x8924,
            "SIOCGIFHWADDR": 0x8927, "SIOCGIFINDEX": 0x8933, "SIOCETHTOOL": 0x8946, "TUNSETIFF": 0x400454CA,
            "FICLONE": 0x40049409, "FS_IOC_SETFLAGS": 0x40086602, "NS_GET_USERNS": 0xB701, "KVM_CREATE_VM": 0xAE01,
            "VHOST_SET_OWNER": 0xAF01, "SECCOMP_IOCTL_NOTIF_RECV": 0xC0502100, "BLKRRPART": 0x125F}
OPTIONS = {1: "PR_SET_PDEATHSIG", 2: "PR_GET_PDEATHSIG", 3: "PR_GET_DUMPABLE", 4: "PR_SET_DUMPABLE", 8: "PR_SET_KEEPCAPS",
           15: "PR_SET_NAME", 16: "PR_GET_NAME", 21: "PR_GET_SECCOMP", 22: "PR_SET_SECCOMP", 23: "PR_CAPBSET_READ",
           24: "PR_CAPBSET_DROP", 26: "PR_SET_TSC", 28: "PR_SET_SECUREBITS", 29: "PR_SET_TIMERSLACK", 35: "PR_SET_MM",
           36: "PR_SET_CHILD_SUBREAPER", 38: "PR_SET_NO_NEW_PRIVS", 39: "PR_GET_NO_NEW_PRIVS", 41: "PR_SET_THP_DISABLE",
           47: "PR_CAP_AMBIENT", 53: "PR_SET_SPECULATION_CTRL", 59: "PR_SET_SYSCALL_USER_DISPATCH", 62: "PR_SCHED_CORE",
           0x53564D41: "PR_SET_VMA", 0x59616D61: "PR_SET_PTRACER", HIGH + 22: "PR_SET_SECCOMP|high"}
ARCH_CODES = {0x1001: "ARCH_SET_GS", 0x1002: "ARCH_SET_FS", 0x1003: "ARCH_GET_FS", 0x1012: "ARCH_SET_CPUID",
              0x1021: "ARCH_GET_XCOMP_SUPP", 0x1023: "ARCH_REQ_XCOMP_PERM", 0x2002: "ARCH_MAP_VDSO_32",
              0x3001: "ARCH_CET_STATUS", 0x5001: "ARCH_SHSTK_ENABLE"}
PERSONALITIES = {0: "0", 0xFFFFFFFF: "0xffffffff", 0x8: "PER_LINUX32", 0x20000: "UNAME26", 0x40000: "ADDR_NO_RANDOMIZE",
                 0x100000: "MMAP_PAGE_ZERO", 0x400000: "READ_IMPLIES_EXEC", 0x440000: "no randomization, exec",
                 HIGH + 0x40000: "ADDR_NO_RANDOMIZE|high"}
COMMANDS = {0: "F_DUPFD", 1: "F_GETFD", 2: "F_SETFD", 3: "F_GETFL", 4: "F_SETFL", 5: "F_GETLK", 6: "F_SETLK", 7: "F_SETLKW",
            8: "F_SETOWN", 9: "F_GETOWN", 10: "F_SETSIG", 11: "F_GETSIG", 15: "F_SETOWN_EX", 16: "F_GETOWN_EX",
            36: "F_OFD_GETLK", 37: "F_OFD_SETLK", 38: "F_OFD_SETLKW", 1024: "F_SETLEASE", 1025: "F_GETLEASE",
            1026: "F_NOTIFY", HIGH + 1026: "F_NOTIFY|high", 1027: "F_DUPFD_QUERY", 1029: "F_CANCELLK",
            1030: "F_DUPFD_CLOEXEC", 1031: "F_SETPIPE_SZ", 1032: "F_GETPIPE_SZ", 1033: "F_ADD_SEALS", 1034: "F_GET_SEALS",
            1036: "F_SET_RW_HINT"}
MODES = {0: "0", 0o100644: "S_IFREG", 0o010644: "S_IFIFO", 0o020666: "S_IFCHR", 0o060666: "S_IFBLK", 0o140644: "S_IFSOCK"}


def sockets():
    for family in range(47):
        yield FAMILIES.get(family, f"family {family}"), [family, 1, 0]
    for family in (1, 2, 10):
        for kind, name in TYPES.items():
            yield f"{FAMILIES[family]} {name}", [family, kind, 0]
        yield f"{FAMILIES[family]}|high RAW", [family + HIGH, 3, 0]
    for family in (2, 10):
        for kind in (1, 2):
            for protocol, name in IP_PROTOCOLS.items():
                yield f"{FAMILIES[family]} {TYPES[kind]} {name}", [family, kind, protocol]
    for protocol in range(23):
        yield f"AF_NETLINK RAW protocol {protocol}", [16, 3, protocol]


# {call: {class: first arguments}}
CLASSES = {
    "clone": {"a child": [0x11], "a thread": [0x3D0F00], "vfork": [0x4111], "CLONE_PTRACE": [0x2011],
              **{name: [flag | 0x11] for name, flag in NAMESPACES.items()},
              "CLONE_NEWUSER|high": [HIGH + 0x10000011], "all flags": [0xFFFFFFFF]},
    "socket": dict(sockets()),
    "socketpair": {name: [family, 1, 0] for family, name in FAMILIES.items()},
    "ioctl": {name: [ALL_ONES, request] for name, request in REQUESTS.items()},
    "fcntl": {name: [ALL_ONES, command, ALL_ONES] for command, name in COMMANDS.items()},
    "prctl": {name: [option, ALL_ONES, ALL_ONES, ALL_ONES, ALL_ONES] for option, name in OPTIONS.items()},
    "arch_prctl": {name: [code, ALL_ONES] for code, name in ARCH_CODES.items()},
    "personality": {name: [value] for value, name in PERSONALITIES.items()},
    "mknod": {name: [0, mode, 0x103] for mode, name in MODES.items()},
    "mknodat": {name: [ALL_ONES, 0, mode, 0x103] for mode, name in MODES.items()},
}
# Where arguments of -1 would not do: the kernel answers an unknown operation with ENOSYS, as the filter would.
ARGUMENTS = {"futex": [0, 0, 0, 0, 0, 0]}

# Not made: they end the process, wait for ever, need a stack of their own or take the C library's memory away.
NOT_MADE = {"exit", "exit_group", "rt_sigreturn", "pause", "vfork", "clone a thread", "clone vfork",
            "arch_prctl ARCH_SET_FS"}


class Row:
    def __init__(self, number, name, kind, arguments):
        self.number, self.name, self.kind = number, name, kind
        self.arguments = [*arguments, *[0] * (6 - len(arguments))]
        self.label = f"{name} {kind}" if kind else name
        self.is_made = self.label not in NOT_MADE


def rows():
    for number, name in call_names().items():
        if name in CLASSES:
            for kind, arguments in CLASSES[name].items():
                yield Row(number, name, kind, arguments)
        else:
            yield Row(number, name, "", ARGUMENTS.get(name, [ALL_ONES] * 6))
