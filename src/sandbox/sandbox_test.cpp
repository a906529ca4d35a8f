// Real sandboxes: what a program inside finds, and what it cannot do.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "sandbox/sandbox_fixture.h"

namespace lambent::sandbox {
namespace {

class Sandbox : public SandboxFixture {};

TEST_F(Sandbox, RunsAProgramAndReportsItsOutputAndExitStatus) {
  const auto finished = run(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(finished.output, "out\nerr\n");
  EXPECT_EQ(finished.report.kind, ExitKind::exited);
  EXPECT_EQ(finished.report.code, 7);
  EXPECT_FALSE(finished.report.out_of_memory);
}

TEST_F(Sandbox, ReportsTheSignalThatEndedTheProgram) {
  const auto killed = run(shell("kill -9 $$"));
  EXPECT_EQ(killed.report.kind, ExitKind::signalled);
  EXPECT_EQ(killed.report.code, SIGKILL);
  EXPECT_FALSE(killed.report.out_of_memory);
  const auto aborted = run(python("import os; os.abort()"));
  EXPECT_EQ(aborted.report.kind, ExitKind::signalled);
  EXPECT_EQ(aborted.report.code, SIGABRT);
  const auto self = run(python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"));
  EXPECT_EQ(self.report.code, SIGTERM);
}

TEST_F(Sandbox, GivesTheProgramExactlyItsArgumentsAndEnvironment) {
  Policy policy = python("import os, sys; print(sys.argv[1:], sorted(os.environ.items()), os.getcwd())");
  policy.argv.insert(policy.argv.end(), {"a b", ""});
  policy.environment = {"B=2=3", "A=", "LC_ALL=C.UTF-8"};
  policy.working_folder = "/tmp";
  EXPECT_EQ(output_of(policy), "['a b', ''] [('A', ''), ('B', '2=3'), ('LC_ALL', 'C.UTF-8')] /tmp\n");
}

TEST_F(Sandbox, GivesTheProgramExactlyThreeDescriptors) {
  // Listing opens the folder itself, which then is descriptor 3.
  EXPECT_EQ(output_of(shell("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0")), "0 1 2 3 /dev/null\n");
}

TEST_F(Sandbox, HasNoCapabilityInAnySetAndNoWayToNewOnes) {
  const std::string status = output_of(shell("cat /proc/self/status"));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(status.find(std::string(set) + ":\t0000000000000000\n"), std::string::npos) << set << " in\n" << status;
  }
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), std::string::npos);
  EXPECT_NE(status.find("Seccomp:\t2\n"), std::string::npos);
  EXPECT_NE(status.find("Groups:\t \n"), std::string::npos) << status;
}

TEST_F(Sandbox, RunsAsTheUserOfItsPolicy) {
  EXPECT_EQ(output_of(shell("id -u; id -g; id -un; hostname")), "993\n990\nsbx_user\nlambent\n");
}

TEST_F(Sandbox, HasNamespacesOfItsOwn) {
  const std::string list =
      "readlink /proc/self/ns/user /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/net "
      "/proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/cgroup";
  const std::string inside = output_of(shell(list));
  for (const char* name : {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"}) {
    char outside[64] = {};
    ASSERT_GT(readlink((std::string("/proc/self/ns/") + name).c_str(), outside, sizeof outside - 1), 0);
    EXPECT_NE(inside.find(std::string(name) + ":["), std::string::npos) << inside;
    EXPECT_EQ(inside.find(outside), std::string::npos) << name << " is shared with the host";
  }
}

TEST_F(Sandbox, SeesOnlyItsOwnProcesses) {
  // The first process, the shell (which becomes ls by exec in dash only where it can).
  const std::string listed = output_of(python("import os; print([p for p in os.listdir('/proc') if p.isdigit()])"));
  EXPECT_EQ(listed, "['1', '2']\n");
  EXPECT_EQ(output_of(shell("cat /proc/1/environ /proc/1/maps 2>&1 | grep -c 'Permission denied'")), "2\n");
  EXPECT_EQ(output_of(shell("ls /proc/1/fd >/dev/null 2>&1 || echo hidden")), "hidden\n");
}

TEST_F(Sandbox, SeesNothingOfTheHostsFiles) {
  ASSERT_TRUE(write_file_durably(folder_ + "/secret", "x"));
  EXPECT_EQ(output_of(shell("ls /; ls /root /home /work /etc/shadow " + folder_ + " 2>/dev/null")),
            "bin\ndev\netc\nlib\n" + std::string(std::filesystem::exists("/lib32") ? "lib32\n" : "") +
                std::string(std::filesystem::exists("/lib64") ? "lib64\n" : "") +
                std::string(std::filesystem::exists("/libx32") ? "libx32\n" : "") + "opt\nproc\nsbin\ntmp\nusr\nvar\n");
  EXPECT_EQ(output_of(shell("ls /dev")), "fd\nfull\nnull\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n");
}

TEST_F(Sandbox, CanWriteOnlyToTmpAndSharedMemory) {
  EXPECT_EQ(output_of(shell("for f in / /etc /usr /var/task /opt /dev /proc /proc/sys/kernel /lib /root; do "
                            "touch $f/x 2>/dev/null && echo wrote $f; done; echo x > /dev/stdout; "
                            "echo 1 > /proc/sys/kernel/hostname && echo wrote; echo done")),
            "x\n/bin/sh: 1: cannot create /proc/sys/kernel/hostname: Read-only file system\ndone\n");
  EXPECT_EQ(output_of(shell("echo a > /tmp/a && echo b > /dev/shm/b && cat /tmp/a /dev/shm/b; stat -c %u:%g:%a /tmp")),
            "a\nb\n993:990:1777\n");
}

TEST_F(Sandbox, ShowsTheMountsOfItsPolicyReadOnlyWhereverTheyLie) {
  // A source that the sandbox's user could not reach by itself, as an interpreter under /root.
  const std::string closed = folder_ + "/closed";
  ASSERT_TRUE(make_folders(closed + "/code", 0755));
  ASSERT_TRUE(write_file_durably(closed + "/code/app", "code\n"));
  ASSERT_EQ(chmod(closed.c_str(), 0700), 0);
  Policy policy = shell("cat /var/task/app /opt/deep/er/app; touch /var/task/x || rm /var/task/app || echo kept");
  policy.mounts = {{closed + "/code", "/var/task"}, {closed + "/code/app", "/opt/deep/er/app"}};
  EXPECT_EQ(output_of(policy),
            "code\ncode\ntouch: cannot touch '/var/task/x': Read-only file system\n"
            "rm: cannot remove '/var/task/app': Read-only file system\nkept\n");
}

TEST_F(Sandbox, WritesToAHostFolderOnlyWhereThatIsGranted) {
  ASSERT_TRUE(make_folders(folder_ + "/shared"));
  ASSERT_EQ(chmod((folder_ + "/shared").c_str(), 0777), 0);
  Policy policy = shell("echo granted > /mnt/shared/file");
  policy.writable_folders = {{folder_ + "/shared", "/mnt/shared"}};
  EXPECT_EQ(run(policy).report.code, 0);
  EXPECT_EQ(read_file(folder_ + "/shared/file").value_or(""), "granted\n");
}

TEST_F(Sandbox, BoundsTheBytesAndFilesOfTmp) {
  Policy policy = shell(
      "head -c 3000000 /dev/zero > /tmp/big; ls -l /tmp/big | cut -d' ' -f5; rm /tmp/big; "
      "for i in $(seq 100); do touch /tmp/$i || break; done; ls /tmp | wc -l");
  policy.tmp_bytes = kMiB;
  policy.tmp_inodes = 50;
  const std::string output = output_of(policy);
  EXPECT_NE(output.find("No space left on device"), std::string::npos) << output;
  EXPECT_NE(output.find("\n1048576\n"), std::string::npos) << output;
  EXPECT_NE(output.find("\n49\n"), std::string::npos) << output;
}

TEST_F(Sandbox, BoundsOpenFiles) {
  Policy policy =
      python("import os\nn = 0\ntry:\n  while True: os.dup(0); n += 1\nexcept OSError as e: print(n, e.errno)");
  policy.open_files = 64;
  EXPECT_EQ(output_of(policy), "61 24\n");
}

TEST_F(Sandbox, BoundsProcesses) {
  Policy policy = python(
      "import os, time\nn = 0\ntry:\n  while n < 200:\n    if os.fork() == 0: time.sleep(60)\n    n += 1\n"
      "except OSError as e: print(n, e.errno)");
  policy.processes = 20;
  EXPECT_EQ(output_of(policy), "18 11\n");  // 20 without process 1 and the program itself
}

TEST_F(Sandbox, EndsAsAWholeWhenMemoryRunsOutAndSaysSo) {
  ASSERT_EQ(report_.find("memory limit")->level, Enforcement::full) << report_.text();
  Policy policy = python("print('start', flush=True)\nb = []\nwhile True: b.append(bytearray(1 << 20))");
  policy.memory_bytes = 64 * kMiB;
  const auto direct = run(policy);
  EXPECT_EQ(direct.output, "start\n");
  EXPECT_TRUE(direct.report.out_of_memory);
  ASSERT_TRUE(direct.report.memory_peak_bytes);
  EXPECT_LE(*direct.report.memory_peak_bytes, 64 * kMiB);
  EXPECT_GE(*direct.report.memory_peak_bytes, 60 * kMiB);
  // The hog is a grandchild; the program itself would wait on.
  Policy child = shell("/usr/bin/python3 -c 'b = []\nwhile True: b.append(bytearray(1 << 20))' & wait; sleep 1000");
  child.memory_bytes = 64 * kMiB;
  EXPECT_TRUE(run(child).report.out_of_memory);
}

TEST_F(Sandbox, CountsTmpAsMemory) {
  Policy policy = shell("head -c 200000000 /dev/zero > /tmp/big; echo survived");
  policy.memory_bytes = 64 * kMiB;
  EXPECT_TRUE(run(policy).report.out_of_memory);
}

TEST_F(Sandbox, TellsTheMemoryPeakWhileItRuns) {
  const Child child = launch(shell("sleep 1000"));
  const auto peak = child.memory_peak.read();
  ASSERT_TRUE(peak);
  EXPECT_GT(*peak, 100U * kKiB);
  EXPECT_LT(*peak, 64U * kMiB);
  client_->kill(child.id);
  wait_for(child.id);
  EXPECT_FALSE(child.memory_peak.read());
}

TEST_F(Sandbox, GetsItsShareOfTheProcessor) {
  Policy policy = python(
      "import time\nt = time.process_time; w = time.monotonic\nend = w() + 1\nwhile w() < end: pass\n"
      "print(int(t() * 1000))");
  policy.cpu_millicores = 100;
  const int used_ms = std::stoi(output_of(policy));
  EXPECT_LT(used_ms, 250);  // of a second, and of the interpreter's start
}

TEST_F(Sandbox, KillEndsDaemonsToo) {
  const Child child = launch(shell(
      "setsid sh -c 'setsid sleep 4321 & sleep 4321' & trap '' TERM INT; echo started; while true; do sleep 1; done"));
  char started[8] = {};
  while (read(child.log.get(), started, sizeof started) < 0) usleep(1000);
  client_->kill(child.id);
  const auto report = wait_for(child.id);
  EXPECT_EQ(report.kind, ExitKind::killed);
  EXPECT_EQ(read_log(child), "");  // every holder of the pipe is gone
}

TEST_F(Sandbox, TheProgramsEndEndsItsDaemonsToo) {
  const auto finished = run(shell("(setsid sleep 4322 &) ; (setsid sleep 4322 &) ; exit 3"));
  EXPECT_EQ(finished.report.kind, ExitKind::exited);
  EXPECT_EQ(finished.report.code, 3);
}

TEST_F(Sandbox, CannotKillOrStopItsFirstProcess) {
  EXPECT_EQ(output_of(shell("kill -9 1; kill -STOP 1; kill -SEGV 1; sleep 0.1; echo alive")), "alive\n");
}

TEST_F(Sandbox, ItsListenersAreReachableFromInsideOnly) {
  const Child child =
      launch(python("import socket\nfor port in (9001, 4566):\n  s = socket.create_connection(('127.0.0.1', port))\n"
                    "  s.sendall(b'x'); print(s.recv(9).decode(), flush=True)"));
  for (const UniqueFd* listener : {&child.runtime_listener, &child.platform_listener}) {
    ASSERT_TRUE(listener->valid());
    UniqueFd connection;
    while (!connection) {
      connection.reset(accept(listener->get(), nullptr, nullptr));
      if (!connection) usleep(1000);
    }
    char byte = 0;
    EXPECT_EQ(recv(connection.get(), &byte, 1, 0), 1);
    EXPECT_EQ(send(connection.get(), "hello", 5, 0), 5);
  }
  EXPECT_EQ(read_log(child), "hello\nhello\n");
  wait_for(child.id);
}

TEST_F(Sandbox, ReachesNothingOnTheHostsLoopbackAndIsNotReachedFromThere) {
  const UniqueFd host(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(host.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(host.get(), 1), 0);
  socklen_t length = sizeof address;
  ASSERT_EQ(getsockname(host.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  EXPECT_EQ(output_of(python("import socket\ndef t(*a):\n  try: socket.create_connection(a, 2); print('reached')\n"
                             "  except OSError as e: print(e.errno)\nt('127.0.0.1', " +
                             port +
                             ")\n"
                             "t('10.0.0.1', 80)\nt('169.254.169.254', 80)\nt('8.8.8.8', 53)")),
            "111\n101\n101\n101\n");
}

TEST_F(Sandbox, TwoSandboxesShareNoUserAndNoAddress) {
  Policy policy = shell("sleep 1000");
  const Child first = launch(policy);
  const Child second = launch(policy);
  EXPECT_EQ(output_of(python("import socket; s = socket.socket(); s.bind(('127.0.0.1', 7777)); print('bound')")),
            "bound\n");
  const auto uid_of = [](const Child& child) {
    std::string pid;
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(child.pidfd.get()));
    for (std::string word; info >> word;) {
      if (word == "Pid:") info >> pid;
    }
    struct stat process{};
    return stat(("/proc/" + pid + "/task").c_str(), &process) == 0 ? read_file("/proc/" + pid + "/status").value_or("")
                                                                   : "";
  };
  const auto line_of = [](const std::string& status) {
    const auto at = status.find("\nUid:");
    return status.substr(at, status.find('\n', at + 1) - at);
  };
  const std::string first_uid = line_of(uid_of(first));
  ASSERT_NE(first_uid, "");
  if (geteuid() == 0) {
    EXPECT_NE(first_uid, line_of(uid_of(second)));
  }
  for (const auto* child : {&first, &second}) {
    client_->kill(child->id);
    wait_for(child->id);
  }
}

TEST_F(Sandbox, AProgramThatIsNotThereIsALaunchErrorOfTheExecStep) {
  Policy policy = shell("");
  policy.argv = {"/var/task/bootstrap"};
  auto error = launch_that_fails(policy);
  EXPECT_EQ(error.step, "exec");
  EXPECT_EQ(error.code, ENOENT);
  policy.argv = {"/etc/passwd"};
  EXPECT_EQ(launch_that_fails(policy).code, EACCES);
  policy = shell("");
  policy.working_folder = "/not/there";
  EXPECT_EQ(launch_that_fails(policy).step, "chdir");
  policy = shell("");
  policy.mounts = {{"/not/there", "/var/task"}};
  error = launch_that_fails(policy);
  EXPECT_EQ(error.step, "open_tree");
  EXPECT_EQ(error.code, ENOENT);
  policy.mounts = {{"/usr", "relative"}};
  EXPECT_EQ(launch_that_fails(policy).step, "validate policy");
  EXPECT_EQ(output_of(shell("echo still works")), "still works\n");
}

TEST_F(Sandbox, AMountTargetThatIsALinkOfTheHostDoesNotLeadOut) {
  ASSERT_TRUE(make_folders(folder_ + "/links"));
  ASSERT_EQ(symlink(folder_.c_str(), (folder_ + "/links/out").c_str()), 0);
  Policy policy = shell("true");
  policy.mounts = {{folder_ + "/links", "/var/task"}, {"/usr/bin", "/var/task/out"}};
  EXPECT_NE(launch_that_fails(policy).code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/sh"));
}

TEST_F(Sandbox, AGateIsHandedOutWhereThePolicyAsksForOne) {
  Policy policy = python(
      "import socket\n"
      "print(open('/etc/resolv.conf').read().strip())\n"
      "c = socket.create_connection(('203.0.113.7', 443), 5)\n"
      "print(c.recv(5).decode())\n");
  policy.network = NetworkMode::open;
  const Child child = launch(policy);
  ASSERT_TRUE(child.gate.tcp.valid() && child.gate.udp.valid());
  pollfd wait{child.gate.tcp.get(), POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 10'000), 1);
  {
    const UniqueFd accepted(accept(child.gate.tcp.get(), nullptr, nullptr));
    ASSERT_EQ(send(accepted.get(), "hello", 5, 0), 5);
  }
  EXPECT_EQ(read_log(child), "nameserver 169.254.78.1\nhello\n");
  wait_for(child.id);
}

TEST_F(Sandbox, AReadySandboxOfAnOpenNetworkFitsOneThatRefuses) {
  Policy like = python("");
  like.network = NetworkMode::open;
  client_->keep_ready(7, like, 1, false);
  for (const NetworkMode mode : {NetworkMode::platform, NetworkMode::none, NetworkMode::open}) {
    Policy policy = python(
        "import socket\n"
        "for where in (('203.0.113.7', 443), ('127.0.0.1', 4566)):\n"
        "  try: socket.create_connection(where, 5); print('connected')\n"
        "  except OSError as error: print(error.strerror)\n");
    policy.network = mode;
    policy.kind = 7;
    const Child child = launch(policy);
    EXPECT_TRUE(child.gate.refusals.valid());
    EXPECT_EQ(child.gate.tcp.valid() && child.gate.udp.valid(), mode == NetworkMode::open);
    EXPECT_EQ(child.platform_listener.valid(), mode != NetworkMode::none);
    const char* other = mode == NetworkMode::open ? "connected\n" : "Connection refused\n";
    const char* platform = mode == NetworkMode::none ? "Connection refused\n" : "connected\n";
    EXPECT_EQ(read_log(child), std::string(other) + platform);
    wait_for(child.id);
  }
}

TEST_F(Sandbox, WithoutAGateThereIsNoWayToAnyAddress) {
  const Policy policy = python(
      "import socket\n"
      "for address in ('203.0.113.7', '2001:db8::1'):\n"
      "  try: socket.create_connection((address, 443), 5)\n"
      "  except OSError as error: print(error.strerror)\n");
  const Child child = launch(policy);
  EXPECT_FALSE(child.gate.tcp.valid());
  EXPECT_EQ(read_log(child), "Network is unreachable\nNetwork is unreachable\n");
  wait_for(child.id);
}

}  // namespace
}  // namespace lambent::sandbox
