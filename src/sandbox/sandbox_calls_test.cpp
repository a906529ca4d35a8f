// System calls that a program inside cannot make, and real language runtimes that need the others.
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>

#include "sandbox/sandbox_fixture.h"

namespace lambent::sandbox {
namespace {

constexpr int kEnded = -1;  // the call ends the process: it is of another architecture

class SystemCalls : public SandboxFixture {
 protected:
  // errno of one call made by the program, 0 where it went through.
  int result_of(const std::string& arguments) {
    const std::string output =
        output_of(python("import ctypes; c = ctypes.CDLL(None, use_errno=True)\nc.syscall.restype = ctypes.c_long\n"
                         "L = ctypes.c_long\nr = c.syscall(*[L(a) for a in (" +
                         arguments + ",)])\nprint(ctypes.get_errno() if r < 0 else 0)"));
    return output.empty() ? kEnded : std::stoi(output);
  }
};

TEST_F(SystemCalls, ThatLeadOutAreRefused) {
  struct Case {
    const char* name;
    long number;
    const char* arguments;
    int expected;
  };
  const Case cases[] = {{"mount", SYS_mount, "0, 0, 0, 0, 0", EPERM},
                        {"umount2", SYS_umount2, "0, 0", EPERM},
                        {"pivot_root", SYS_pivot_root, "0, 0", EPERM},
                        {"chroot", SYS_chroot, "0", EPERM},
                        {"unshare user", SYS_unshare, "0x10000000", EPERM},
                        {"setns", SYS_setns, "0, 0", EPERM},
                        {"clone new user", SYS_clone, "0x10000011, 0", EPERM},
                        {"clone new pid", SYS_clone, "0x20000011, 0", EPERM},
                        {"clone new mount and net", SYS_clone, "0x40020011, 0", EPERM},
                        {"clone new cgroup", SYS_clone, "0x02000011, 0", EPERM},
                        {"clone3", SYS_clone3, "0, 0", ENOSYS},
                        {"ptrace", SYS_ptrace, "0, 0, 0, 0", EPERM},
                        {"process_vm_readv", SYS_process_vm_readv, "1, 0, 0, 0, 0, 0", EPERM},
                        {"pidfd_getfd", SYS_pidfd_getfd, "0, 0, 0", EPERM},
                        {"bpf", SYS_bpf, "0, 0, 0", EPERM},
                        {"perf_event_open", SYS_perf_event_open, "0, 0, 0, 0, 0", EPERM},
                        {"userfaultfd", SYS_userfaultfd, "0", EPERM},
                        {"keyctl", SYS_keyctl, "0, 0", EPERM},
                        {"add_key", SYS_add_key, "0, 0, 0, 0, 0", EPERM},
                        {"io_uring_setup", SYS_io_uring_setup, "1, 0", EPERM},
                        {"init_module", SYS_init_module, "0, 0, 0", EPERM},
                        {"kexec_load", SYS_kexec_load, "0, 0, 0, 0", EPERM},
                        {"reboot", SYS_reboot, "0, 0, 0", EPERM},
                        {"open_by_handle_at", SYS_open_by_handle_at, "0, 0, 0", EPERM},
                        {"mknod of a device", SYS_mknodat, "-100, 0, 0x2180, 0x103", EPERM},
                        {"socket AF_PACKET", SYS_socket, "17, 3, 0", EAFNOSUPPORT},
                        {"socket AF_ALG", SYS_socket, "38, 5, 0", EAFNOSUPPORT},
                        {"socket AF_VSOCK", SYS_socket, "40, 1, 0", EAFNOSUPPORT},
                        {"socket netlink other than route", SYS_socket, "16, 3, 12", EPERM},
                        {"socket raw", SYS_socket, "2, 3, 1", EPERM},
                        {"ioctl TIOCSTI", SYS_ioctl, "0, 0x5412, 0", EPERM},
                        {"ioctl TIOCSTI with high bits", SYS_ioctl, "0, 0x100005412, 0", EPERM},
                        {"a number that is no call", 1'000, "0", ENOSYS},
                        {"the x32 form of getpid", 0x40000000 + SYS_getpid, "0", kEnded},
                        {"getpid", SYS_getpid, "0", 0},
                        {"socket AF_UNIX", SYS_socket, "1, 1, 0", 0}};
  for (const auto& one : cases) {
    EXPECT_EQ(result_of(std::to_string(one.number) + ", " + one.arguments), one.expected) << one.name;
  }
}

class Runtimes : public SandboxFixture {
 protected:
  // Absent interpreters are not this test's matter: it says so in its output.
  Policy program(const std::string& path, const std::vector<std::string>& arguments) {
    Policy policy = shell("");
    policy.argv = {path};
    policy.argv.insert(policy.argv.end(), arguments.begin(), arguments.end());
    policy.memory_bytes = 1024 * kMiB;
    return policy;
  }
};

TEST_F(Runtimes, PythonWithThreadsProcessesAndSockets) {
  EXPECT_EQ(
      output_of(python("import concurrent.futures as f, subprocess, multiprocessing as m, socket, tempfile, ssl, uuid\n"
                       "print(sum(f.ThreadPoolExecutor(8).map(abs, range(10))))\n"
                       "print(subprocess.run(['echo', 'child'], capture_output=True).stdout)\n"
                       "with m.Pool(2) as p: print(p.map(abs, [-1]))\n"
                       "print(socket.getaddrinfo('localhost', 80)[0][4][0], socket.gethostname())\n"
                       "with tempfile.TemporaryFile() as t: t.write(b'x')\n"
                       "uuid.uuid1(); print(len(ssl.create_default_context().get_ca_certs()) > 10)")),
      "45\nb'child\\n'\n[1]\n127.0.0.1 lambent\nTrue\n");
}

TEST_F(Runtimes, AnUnknownHostNameFailsAtOnce) {
  EXPECT_EQ(output_of(python("import socket, time; t = time.monotonic()\ntry: socket.getaddrinfo('example.com', 80)\n"
                             "except OSError: print(time.monotonic() - t < 3)")),
            "True\n");
}

TEST_F(Runtimes, NodeWithWorkersChildrenAndInterfaces) {
  // One of the packages of tools/packages.sh; some machines have it from elsewhere.
  const std::string node = std::filesystem::exists("/usr/bin/node") ? "/usr/bin/node" : "/usr/local/bin/node";
  ASSERT_TRUE(std::filesystem::exists(node));
  EXPECT_EQ(
      output_of(program(
          node, {"-e",
                 "const os = require('os'), cp = require('child_process'), { Worker } = require('worker_threads');"
                 "console.log(Object.keys(os.networkInterfaces()), os.cpus().length > 0, os.userInfo().username);"
                 "console.log(cp.execSync('echo child').toString().trim());"
                 "new Worker('require(\"worker_threads\").parentPort.postMessage(1)', { eval: true })"
                 ".on('message', (m) => { console.log('worker', m); require('dns').lookup('localhost',"
                 " (e, a) => console.log(a)); });"})),
      "[ 'lo' ] true sbx_user\nchild\nworker 1\n127.0.0.1\n");
}

TEST_F(Runtimes, BashWithJobsAndProcessSubstitution) {
  EXPECT_EQ(output_of(program("/bin/bash", {"-c", "sleep 0 & wait; cat <(echo sub); echo $BASH_SUBSHELL; ulimit -c"})),
            "sub\n0\n0\n");
}

TEST_F(Runtimes, Go) {
  const std::string go = "/usr/local/go/bin/go";  // a Go program itself, with its threads and timers
  if (!std::filesystem::exists(go)) GTEST_SKIP() << "no " << go << " on this host";
  const std::string output = output_of(program(go, {"version"}));
  EXPECT_EQ(output.substr(0, 13), "go version go") << output;
}

TEST_F(Runtimes, Java) {
  if (!std::filesystem::exists("/usr/bin/java")) GTEST_SKIP() << "no /usr/bin/java on this host";
  const std::string output = output_of(program("/usr/bin/java", {"-version"}));
  EXPECT_NE(output.find("Runtime Environment"), std::string::npos) << output;
}

}  // namespace
}  // namespace lambent::sandbox
