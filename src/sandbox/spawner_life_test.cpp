// What is left after sandboxes, spawner and server end, in whatever way: nothing.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "base/files.h"
#include "sandbox/cgroup_paths.h"
#include "sandbox/sandbox_fixture.h"

namespace lambent::sandbox {
namespace {

// Waits up to ten seconds for what the kernel does in its own time.
bool soon(const std::function<bool()>& holds) {
  for (int i = 0; i < 10'000; ++i) {
    if (holds()) return true;
    usleep(1000);
  }
  return false;
}

int pid_of(const Child& child) {
  const auto info = read_file("/proc/self/fdinfo/" + std::to_string(child.pidfd.get())).value_or("");
  const auto at = info.find("Pid:");
  return at == std::string::npos ? -1 : std::stoi(info.substr(at + 4));
}

// What the kernel does not end, as a process in uninterruptible sleep: a version 1 freezer of the test's own, which the
// spawner knows nothing of. Whoever is frozen there is killed only once it is thawed.
class Unkillable {
 public:
  Unkillable() {
    for (const auto& hierarchy : find_cgroup_hierarchies(read_file("/proc/self/cgroup").value_or(""),
                                                         read_file("/proc/self/mountinfo").value_or(""))) {
      if (hierarchy.version == 1 && std::ranges::count(hierarchy.controllers, "freezer") > 0) {
        folder_ = hierarchy.folder + "/lambent-test-stuck-" + std::to_string(getpid());
      }
    }
    if (!folder_.empty() && mkdir(folder_.c_str(), 0755) != 0) folder_.clear();
  }
  ~Unkillable() {
    if (folder_.empty()) return;
    thaw();
    EXPECT_TRUE(soon([&] { return rmdir(folder_.c_str()) == 0; }));
  }
  Unkillable(const Unkillable&) = delete;
  Unkillable& operator=(const Unkillable&) = delete;

  [[nodiscard]] bool is_possible() const { return !folder_.empty(); }
  void take(int pid) const {
    ASSERT_TRUE(write_to("cgroup.procs", std::to_string(pid)));
    ASSERT_TRUE(write_to("freezer.state", "FROZEN"));
    ASSERT_TRUE(soon([&] { return read_file(folder_ + "/freezer.state").value_or("") == "FROZEN\n"; }));
  }
  void thaw() const { EXPECT_TRUE(write_to("freezer.state", "THAWED")); }

 private:
  [[nodiscard]] bool write_to(const char* file, const std::string& value) const {
    const UniqueFd fd(open((folder_ + "/" + file).c_str(), O_WRONLY | O_CLOEXEC));
    return fd.valid() && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
  }
  std::string folder_;
};

class SpawnerLife : public SandboxFixture {
 protected:
  void SetUp() override {
    mounts_before_ = read_file("/proc/self/mountinfo").value_or("");
    SandboxFixture::SetUp();
  }
  void TearDown() override {
    SandboxFixture::TearDown();
    EXPECT_EQ(read_file("/proc/self/mountinfo").value_or(""), mounts_before_);
  }
  // The folders of this test's spawner; other servers on the same host have theirs beside them.
  [[nodiscard]] std::vector<std::string> own_cgroups() const {
    std::vector<std::string> own;
    const auto name = cgroup_name_for(folder_);
    const auto hierarchies = find_cgroup_hierarchies(read_file("/proc/self/cgroup").value_or(""),
                                                     read_file("/proc/self/mountinfo").value_or(""));
    for (const auto& hierarchy : hierarchies) {
      const std::string folder = hierarchy.folder + "/" + name.value_or("?");
      if (std::filesystem::exists(folder)) own.push_back(folder);
    }
    return own;
  }
  Child launch_daemonizer() {
    Child child = launch(shell("setsid sleep 4323 & setsid sleep 4323 & echo started; sleep 4323"));
    char started[8] = {};
    while (read(child.log.get(), started, sizeof started) < 0) usleep(1000);
    return child;
  }

  std::string mounts_before_;
};

TEST_F(SpawnerLife, ClosingEndsEverySandboxAndReportsEach) {
  std::vector<Child> children;
  for (int i = 0; i < 5; ++i) children.push_back(launch_daemonizer());
  const int first = pid_of(children[0]);
  ASSERT_EQ(::kill(first, 0), 0);
  const auto own = own_cgroups();
  stop_client();
  EXPECT_EQ(exits_.size(), 5U);
  for (const auto& child : children) EXPECT_EQ(read_log(child), "");
  EXPECT_EQ(::kill(first, 0), -1);
  for (const auto& folder : own) EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
  EXPECT_FALSE(broken_);
}

TEST_F(SpawnerLife, EndsEverythingWhenTheServersEndCloses) {
  const Child child = launch_daemonizer();
  const auto own = own_cgroups();
  shutdown(line_.get(), SHUT_RDWR);
  run_until([&] { return broken_.has_value() && exits_.size() == 1; });
  EXPECT_EQ(wait_for(child.id).kind, ExitKind::spawner_lost);
  int status = -1;
  ASSERT_EQ(waitpid(spawner_, &status, 0), spawner_);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_log(child), "");
  for (const auto& folder : own) EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
}

TEST_F(SpawnerLife, AKilledSpawnerTakesEverySandboxDownAndTheNextOneRemovesTheRest) {
  const Child running = launch_daemonizer();
  const Child second = launch(shell("trap '' TERM HUP; sleep 4323"));
  const auto own = own_cgroups();
  EXPECT_EQ(own.empty(), geteuid() != 0);
  ::kill(spawner_, SIGKILL);
  run_until([&] { return broken_.has_value() && exits_.size() == 2; });
  EXPECT_EQ(wait_for(running.id).kind, ExitKind::spawner_lost);
  EXPECT_EQ(read_log(running), "");
  EXPECT_EQ(read_log(second), "");
  EXPECT_EQ(launch_that_fails(shell("true")).code, EPIPE);
  stop_client();
  exits_.clear();
  start_client();
  EXPECT_EQ(output_of(shell("echo again")), "again\n");
  stop_client();
  for (const auto& folder : own) EXPECT_FALSE(std::filesystem::exists(folder)) << folder;
}

TEST_F(SpawnerLife, ProcessesThatAnEarlierRunLeftAreEnded) {
  const auto own = own_cgroups();
  if (own.empty()) GTEST_SKIP() << "no cgroups to leave anything in";
  ::kill(spawner_, SIGKILL);
  run_until([&] { return broken_.has_value(); });
  stop_client();
  // A process that outlived its run, as if the kernel had not ended it.
  const pid_t left = fork();
  if (left == 0) {
    for (;;) pause();
  }
  for (const auto& folder : own) {
    ASSERT_EQ(mkdir((folder + "/i77").c_str(), 0755), 0);
    ASSERT_TRUE(
        write_all(open((folder + "/i77/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC), std::to_string(left), folder));
  }
  // The spawner must not wait for this test to reap it.
  signal(SIGCHLD, SIG_IGN);
  start_client();
  signal(SIGCHLD, SIG_DFL);
  EXPECT_TRUE(soon([&] { return ::kill(left, 0) != 0; }));
  for (const auto& folder : own) EXPECT_FALSE(std::filesystem::exists(folder + "/i77"));
}

TEST_F(SpawnerLife, IgnoresTheTerminalsSignals) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::kill(spawner_, number);
  EXPECT_EQ(output_of(shell("echo here")), "here\n");
  EXPECT_NE(getpgid(spawner_), getpgrp());
}

TEST_F(SpawnerLife, AProgramInheritsNoIgnoredSignal) {
  const std::string status = output_of(shell("cat /proc/self/status"));
  EXPECT_NE(status.find("SigIgn:\t0000000000000000"), std::string::npos) << status;
  EXPECT_NE(status.find("SigBlk:\t0000000000000000"), std::string::npos) << status;
}

// Of a process and the children that it has waited for, theirs included.
double cpu_ms_of(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat").value_or("");
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double ticks = 0;
  for (int i = 0; i < 4; ++i) {
    double part = 0;
    fields >> part;
    ticks += part;
  }
  return ticks * 1000 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

net::Task<> launch_and_count(SpawnerClient& client, Policy policy, int& launched, int& ended, net::Loop& loop) {
  const auto child = co_await client.launch(policy, [&](const ExitReport& report) {
    ended += report.kind == ExitKind::exited && report.code == 5 ? 1 : 0;
    loop.stop();
  });
  launched += child ? 1 : 0;
}

TEST_F(SpawnerLife, ManyLaunchesAtOnceAllSucceedAndLeaveNothing) {
  constexpr int kCount = 60;
  int launched = 0;
  int ended = 0;
  net::Scope scope;
  for (int i = 0; i < kCount; ++i) scope.spawn(launch_and_count(*client_, shell("exit 5"), launched, ended, loop_));
  run_until([&] { return launched == kCount && ended == kCount; });
  EXPECT_EQ(ended, kCount);
  for (const auto& folder : own_cgroups()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      EXPECT_FALSE(entry.is_directory()) << entry.path();
  }
}

TEST_F(SpawnerLife, LaunchTime) {
  ASSERT_TRUE(write_file_durably(folder_ + "/empty.c", "int main(void) { return 0; }\n"));
  const std::string compile = "cc -static -O1 -o " + folder_ + "/empty " + folder_ + "/empty.c";
  ASSERT_EQ(std::system(compile.c_str()), 0) << "a C compiler is among the packages of tools/packages.sh";
  Policy policy = shell("");
  policy.argv = {"/var/task/empty"};
  policy.mounts = {{folder_, "/var/task"}};
  policy.memory_bytes = 1769 * kMiB;
  const double cpu_before = cpu_ms_of(spawner_);
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Child child = launch(policy);
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    wait_for(child.id);
  }
  std::ranges::sort(times);
  std::printf("launch to executed, 200 times: p50 %.2f ms, p99 %.2f ms, most %.2f ms; processor time of each %.2f ms\n",
              times[100], times[198], times[199], (cpu_ms_of(spawner_) - cpu_before) / 200);
  EXPECT_LT(times[100], 1000.0);
}

class Unpacking : public SpawnerLife {
 protected:
  void make_zip(const std::vector<std::pair<std::string, std::string>>& entries) const {
    int code = 0;
    zip_t* zip = zip_open((folder_ + "/a.zip").c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    ASSERT_NE(zip, nullptr);
    for (const auto& [name, content] : entries) {
      zip_file_add(zip, name.c_str(), zip_source_buffer(zip, content.data(), content.size(), 0), 0);
    }
    ASSERT_EQ(zip_close(zip), 0);
    ASSERT_TRUE(make_folders(folder_ + "/out"));
  }
  std::expected<UnpackReport, UnpackError> unpack(const UnpackLimits& limits = {}) {
    return await(client_->unpack(UniqueFd(open((folder_ + "/a.zip").c_str(), O_RDONLY | O_CLOEXEC)),
                                 UniqueFd(open((folder_ + "/out").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                                 limits));
  }
};

TEST_F(Unpacking, WritesFilesThatASandboxCanReadAndTheServerCanRemove) {
  make_zip({{"app.sh", "echo unpacked"}, {"a/b/c", "deep"}});
  const auto outcome = unpack();
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->entries, 2U);
  EXPECT_EQ(outcome->bytes, 17U);
  struct stat file{};
  ASSERT_EQ(stat((folder_ + "/out/a/b/c").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, geteuid());
  Policy policy = shell("sh /var/task/app.sh; cat /var/task/a/b/c");
  policy.mounts = {{folder_ + "/out", "/var/task"}};
  EXPECT_EQ(output_of(policy), "unpacked\ndeep");
}

TEST_F(Unpacking, TellsFailuresApartAndLeavesNothing) {
  make_zip({{"zeros", std::string(5'000'000, '\0')}});
  EXPECT_EQ(unpack({.unzipped_bytes = 1'000'000}).error().failure, UnpackFailure::too_many_bytes);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/out"));
  ASSERT_TRUE(write_file_durably(folder_ + "/a.zip", "no zip"));
  EXPECT_EQ(unpack().error().failure, UnpackFailure::not_a_zip);
  std::filesystem::remove(folder_ + "/out");
  ASSERT_TRUE(write_file_durably(folder_ + "/out", "a file"));
  EXPECT_EQ(await(client_->unpack(UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)),
                                  UniqueFd(open((folder_ + "/out").c_str(), O_RDONLY | O_CLOEXEC)), {}))
                .error()
                .failure,
            UnpackFailure::internal);
}

TEST_F(Unpacking, StopsWhenItTakesTooLong) {
  make_zip({{"zeros", std::string(60'000'000, '\0')}});
  const auto outcome = unpack({.time = std::chrono::milliseconds(5)});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().failure, UnpackFailure::time_limit) << outcome.error().detail;
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/out"));
}

// The same sandbox made by a user without any right: everything but the cgroups, and the report says so.
class WithoutRoot : public SandboxFixture {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "the other tests are this one where they do not run as root";
    before_spawner_ = [] {
      if (setgroups(0, nullptr) != 0 || setresgid(54'321, 54'321, 54'321) != 0 ||
          setresuid(54'321, 54'321, 54'321) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0) {
        _exit(99);
      }
    };
    SandboxFixture::SetUp();
  }
};

TEST_F(WithoutRoot, ASandboxIsMadeAllTheSame) {
  const std::string output =
      output_of(shell("id -u; grep CapEff /proc/self/status; ls /; ls /proc/self/fd | tr '\\n' ' '; "
                      "echo x > /tmp/x; cat /tmp/x; touch /etc/x; echo $?"));
  EXPECT_EQ(output.substr(0, 29), "993\nCapEff:\t0000000000000000\n") << output;
  EXPECT_NE(output.find("0 1 2 3 x\n"), std::string::npos) << output;
  EXPECT_NE(output.find("Read-only file system\n1\n"), std::string::npos) << output;
  const auto finished = run(shell("exit 4"));
  EXPECT_EQ(finished.report.code, 4);
  EXPECT_FALSE(finished.report.memory_peak_bytes);
}

TEST_F(WithoutRoot, WhatIsNotEnforcedIsReported) {
  for (const char* name : {"memory limit", "processor share", "process limit", "user of its own"}) {
    const auto* capability = report_.find(name);
    ASSERT_NE(capability, nullptr);
    EXPECT_NE(capability->level, Enforcement::full) << name;
    EXPECT_NE(capability->remedy, "") << name;
  }
  EXPECT_NE(report_.text().find("NOT enforced"), std::string::npos);
  Policy policy = python(
      "import os, time\nn = 0\ntry:\n  while n < 200:\n    if os.fork() == 0: time.sleep(60)\n    n += 1\n"
      "except OSError as e: print(n < 30, e.errno)");
  policy.processes = 20;
  EXPECT_EQ(output_of(policy), "True 11\n");
}

TEST_F(SpawnerLife, WhatTheKernelDoesNotEndIsToldAsEndedAndTheRestGoesOn) {
  const Unkillable stuck;
  if (!stuck.is_possible()) GTEST_SKIP() << "not testable here: no freezer of cgroup version 1 that a test may use";
  const Child child = launch(shell("sleep 600"));
  const int pid = pid_of(child);
  stuck.take(pid);
  client_->kill(child.id);
  EXPECT_EQ(wait_for(child.id).kind, ExitKind::killed);
  EXPECT_EQ(kill(pid, 0), 0) << "it is there still";
  EXPECT_EQ(output_of(shell("echo others go on")), "others go on\n");
  stuck.thaw();
  EXPECT_TRUE(soon([&] { return kill(pid, 0) != 0 && errno == ESRCH; }));
}

TEST_F(SpawnerLife, AStopDoesNotWaitForWhatTheKernelDoesNotEndAndTheNextStartRemovesIt) {
  const Unkillable stuck;
  if (!stuck.is_possible()) GTEST_SKIP() << "not testable here: no freezer of cgroup version 1 that a test may use";
  const Child child = launch(shell("sleep 600"));
  const int pid = pid_of(child);
  stuck.take(pid);
  stop_client();
  EXPECT_EQ(kill(pid, 0), 0) << "it is there still";
  EXPECT_FALSE(own_cgroups().empty());
  start_client();  // while it is stuck still
  EXPECT_EQ(output_of(shell("echo once more")), "once more\n");
  stop_client();
  stuck.thaw();
  EXPECT_TRUE(soon([&] { return kill(pid, 0) != 0 && errno == ESRCH; }));
  start_client();
  stop_client();
  EXPECT_TRUE(own_cgroups().empty());
}

}  // namespace
}  // namespace lambent::sandbox
