// Cgroups of this host, made and removed: the freezer of each version by itself, and what a frozen process's end needs.
#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>

#include "base/files.h"
#include "sandbox/freezer.h"

namespace lambent::sandbox {
namespace {

constexpr CgroupLimits kLimits{.memory_bytes = 64 * 1024 * 1024, .cpu_millicores = 100, .processes = 10};

bool soon(const std::function<bool()>& holds) {
  for (int i = 0; i < 10'000; ++i) {
    if (holds()) return true;
    usleep(1000);
  }
  return false;
}

std::vector<CgroupHierarchy> hierarchies_of_host() {
  return find_cgroup_hierarchies(read_kernel_file("/proc/self/cgroup").value_or(""),
                                 read_kernel_file("/proc/self/mountinfo").value_or(""));
}

// A child in `cgroup` that answers each byte with one.
class Echo {
 public:
  explicit Echo(const SandboxCgroup& cgroup) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    EXPECT_EQ(pipe2(to.data(), O_CLOEXEC) | pipe2(from.data(), O_CLOEXEC | O_NONBLOCK), 0);
    to_.reset(to[1]);
    from_.reset(from[0]);
    const UniqueFd its_in(to[0]);
    const UniqueFd its_out(from[1]);
    pid_ = fork();
    if (pid_ != 0) return;
    for (const auto& file : cgroup.join_files()) {
      if (write(file.get(), "0", 1) != 1) _exit(2);
    }
    for (char byte = 0; read(its_in.get(), &byte, 1) == 1;) {
      if (write(its_out.get(), &byte, 1) != 1) break;
    }
    _exit(0);
  }
  ~Echo() {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  void ask() { ASSERT_EQ(write(to_.get(), "x", 1), 1); }
  [[nodiscard]] bool answers() {
    char byte = 0;
    return read(from_.get(), &byte, 1) == 1;
  }
  [[nodiscard]] bool is_gone() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  UniqueFd to_;
  UniqueFd from_;
  pid_t pid_ = -1;
};

class CgroupFreezer : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    auto found = hierarchies_of_host();
    std::erase_if(found, [](const auto& one) {
      const bool has_freezer = one.version == 2 || std::ranges::count(one.controllers, "freezer") > 0;
      return one.version != GetParam() || !has_freezer;
    });
    if (found.empty()) GTEST_SKIP() << "no freezer of version " << GetParam() << " on this host";
    tree_ = CgroupTree::of(found);
    tree_.prepare(name_);
    if (!tree_.has(Controller::freezer)) GTEST_SKIP() << tree_.why_not(Controller::freezer);
    auto made = tree_.make(1);
    ASSERT_TRUE(made) << made.error().message();
    cgroup_ = *std::move(made);
    ASSERT_TRUE(cgroup_.limit(kLimits));
    auto opened = cgroup_.open_freezer();
    ASSERT_EQ(opened.version, GetParam());
    freezer_ = Freezer(std::move(opened.file), opened.version);
    ASSERT_TRUE(freezer_.valid());
  }
  void TearDown() override {
    cgroup_.kill_all();
    EXPECT_TRUE(soon([&] { return cgroup_.remove(); }));
    tree_.remove();
  }

  const std::string name_ = "lambent-test-" + std::to_string(getpid());
  CgroupTree tree_;
  SandboxCgroup cgroup_;
  Freezer freezer_;
};

TEST_P(CgroupFreezer, StopsAndLetsGoOn) {
  Echo echo(cgroup_);
  echo.ask();
  ASSERT_TRUE(soon([&] { return echo.answers(); }));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(freezer_.freeze());
    usleep(50'000);
    echo.ask();
    usleep(50'000);
    EXPECT_FALSE(echo.answers());
    ASSERT_TRUE(freezer_.thaw());
    EXPECT_TRUE(soon([&] { return echo.answers(); }));
  }
}

TEST_P(CgroupFreezer, AFrozenProcessThatIsKilledEndsOnceItsEndIsHastened) {
  Echo echo(cgroup_);
  echo.ask();
  ASSERT_TRUE(soon([&] { return echo.answers(); }));
  ASSERT_TRUE(freezer_.freeze());
  usleep(50'000);
  ::kill(echo.pid(), SIGKILL);
  cgroup_.hasten_end();
  EXPECT_TRUE(soon([&] { return echo.is_gone(); }));
}

TEST_P(CgroupFreezer, WhatAnEarlierRunLeftFrozenIsEnded) {
  Echo echo(cgroup_);
  echo.ask();
  ASSERT_TRUE(soon([&] { return echo.answers(); }));
  ASSERT_TRUE(freezer_.freeze());
  usleep(50'000);
  CgroupTree next = CgroupTree::of([] {
    auto found = hierarchies_of_host();
    std::erase_if(found, [](const auto& one) { return one.version != GetParam(); });
    return found;
  }());
  // It waits for the process to be gone, and a zombie is not in its cgroup any more.
  next.prepare(name_);
  EXPECT_TRUE(echo.is_gone());
  next.remove();
}

// Both name their folder after the data folder; the earlier spawner ends, and cleans up, after this one has begun.
TEST_P(CgroupFreezer, TheFolderThatAnEarlierSpawnerTookAwayIsMadeAgain) {
  ASSERT_TRUE(cgroup_.remove());
  tree_.remove();
  auto made = tree_.make(2);
  ASSERT_TRUE(made) << made.error().message();
  cgroup_ = *std::move(made);
  EXPECT_TRUE(cgroup_.limit(kLimits));
}

INSTANTIATE_TEST_SUITE_P(OfVersion, CgroupFreezer, testing::Values(1, 2),
                         [](const auto& version) { return std::to_string(version.param); });

// In a real cgroup of version 2: a child with a child of its own, as the server has them, and one whose parent ended.
class CgroupFamily : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& one : hierarchies_of_host()) {
      if (one.version == 2) folder_ = one.folder + "/lambent-family-" + std::to_string(getpid());
    }
    if (folder_.empty()) GTEST_SKIP() << "no control groups of version 2 on this host";
    if (mkdir(folder_.c_str(), 0755) != 0) GTEST_SKIP() << "makes no control group: " << strerror(errno);
  }
  void TearDown() override {
    for (const auto& folder : {folder_, folder_ + "/beside"}) kill_listed(folder);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    if (folder_.empty()) return;
    EXPECT_TRUE(soon([&] { return rmdir((folder_ + "/beside").c_str()) == 0 || errno == ENOENT; }));
    EXPECT_TRUE(soon([&] { return rmdir(folder_.c_str()) == 0; }));
  }
  // A process in the cgroup, with a child there.
  pid_t start_pair() const {
    const pid_t pid = fork();
    if (pid > 0) return pid;
    if (!write_kernel_file(folder_ + "/cgroup.procs", "0")) _exit(1);
    static_cast<void>(fork());
    for (;;) pause();
  }
  [[nodiscard]] std::ptrdiff_t processes_in(const std::string& folder) const {
    return std::ranges::count(read_kernel_file(folder + "/cgroup.procs").value_or(""), '\n');
  }

  std::string folder_;
};

TEST_F(CgroupFamily, MovesAsAWhole) {
  start_pair();
  start_pair();
  ASSERT_TRUE(soon([&] { return processes_in(folder_) == 4; }));
  const auto moved = move_family(folder_, folder_ + "/beside", getpid());
  ASSERT_TRUE(moved) << moved.error().message();
  EXPECT_EQ(processes_in(folder_), 0);
  EXPECT_EQ(processes_in(folder_ + "/beside"), 4);
}

TEST_F(CgroupFamily, StaysWhereItIsBesideAStranger) {
  const pid_t first = start_pair();
  start_pair();
  ASSERT_TRUE(soon([&] { return processes_in(folder_) == 4; }));
  const auto moved = move_family(folder_, folder_ + "/beside", first);
  ASSERT_FALSE(moved);
  EXPECT_NE(moved.error().message().find("another process"), std::string::npos) << moved.error().message();
  EXPECT_EQ(processes_in(folder_), 4);
}

// Ordinary files stand in for the kernel's: what is written where, on a host of the other version too.
class CgroupFiles : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/lambent-cgroup-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void make_files(const std::string& folder, std::initializer_list<const char*> names) {
    std::filesystem::create_directories(folder);
    for (const char* name : names) ASSERT_TRUE(write_file_durably(folder + "/" + name, ""));
  }
  [[nodiscard]] std::string content(const std::string& file) const {
    return read_file(root_ + file).value_or("absent");
  }

  std::string root_;
};

TEST_F(CgroupFiles, VersionTwoLimitsMemoryWithoutSwapAndEndsTheWholeGroupAtOnce) {
  ASSERT_TRUE(write_file_durably(root_ + "/cgroup.controllers", "cpuset cpu io memory pids\n"));
  make_files(root_, {"cgroup.subtree_control"});
  make_files(root_ + "/n", {"cgroup.subtree_control", "cpu.weight"});
  const std::string one = root_ + "/n/i1";
  make_files(one,
             {"memory.max", "memory.oom.group", "memory.swap.max", "cpu.max", "cpu.weight", "pids.max", "cgroup.kill"});
  const auto backend = make_cgroup_v2({.version = 2, .controllers = {}, .folder = root_});
  const auto prepared = backend->prepare("n");
  EXPECT_EQ(prepared.usable.size(), std::size(kControllers)) << prepared.why_not;
  EXPECT_EQ(content("/cgroup.subtree_control"), "+memory +cpu +pids");
  EXPECT_EQ(content("/n/cgroup.subtree_control"), "+memory +cpu +pids") << "the freezer is no controller";
  EXPECT_EQ(content("/n/cpu.weight"), "25") << "all sandboxes together; 100 is the kernel's default";
  ASSERT_TRUE(backend->limit(one, kLimits));
  EXPECT_EQ(content("/n/i1/memory.max"), std::to_string(kLimits.memory_bytes));
  EXPECT_EQ(content("/n/i1/memory.oom.group"), "1");
  EXPECT_EQ(content("/n/i1/memory.swap.max"), "0");
  EXPECT_EQ(content("/n/i1/cpu.max"), "2000 20000");
  EXPECT_EQ(content("/n/i1/cpu.weight"), "10");
  EXPECT_EQ(content("/n/i1/pids.max"), "10");
  EXPECT_EQ(backend->freezer_file(one), one + "/cgroup.freeze");
  backend->kill_all(one);
  EXPECT_EQ(content("/n/i1/cgroup.kill"), "1");
}

TEST_F(CgroupFiles, VersionTwoStillFreezesWhereControllersAreNotHandedOn) {
  ASSERT_TRUE(write_file_durably(root_ + "/cgroup.controllers", "memory pids\n"));
  make_files(root_ + "/n", {});
  const auto backend = make_cgroup_v2({.version = 2, .controllers = {}, .folder = root_});
  const auto prepared = backend->prepare("n");
  EXPECT_EQ(prepared.usable, std::vector{Controller::freezer});
  EXPECT_NE(prepared.why_not.find("cgroup.subtree_control"), std::string::npos) << prepared.why_not;
}

TEST_F(CgroupFiles, VersionOneBoundsAndWeighsTheProcessorShare) {
  const std::string one = root_ + "/n/i1";
  make_files(one, {"cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us"});
  make_files(root_ + "/n", {"cpu.shares"});
  const auto backend = make_cgroup_v1({.version = 1, .controllers = {"cpu"}, .folder = root_});
  backend->wanted = {Controller::cpu};
  EXPECT_EQ(backend->prepare("n").usable, backend->wanted);
  EXPECT_EQ(content("/n/cpu.shares"), "256") << "all sandboxes together; 1024 is the kernel's default";
  ASSERT_TRUE(backend->limit(one, kLimits));
  EXPECT_EQ(content("/n/i1/cpu.shares"), "102");
  EXPECT_EQ(content("/n/i1/cpu.cfs_quota_us"), "2000");
  ASSERT_TRUE(backend->set_cpu(one, 5'789));
  EXPECT_EQ(content("/n/i1/cpu.shares"), "5927");
  EXPECT_EQ(content("/n/i1/cpu.cfs_quota_us"), "115780");
}

TEST_F(CgroupFiles, VersionOneLimitsSwapAndSocketBuffersToo) {
  const std::string one = root_ + "/n/i1";
  make_files(one, {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.kmem.tcp.limit_in_bytes"});
  const auto backend = make_cgroup_v1({.version = 1, .controllers = {"memory"}, .folder = root_});
  ASSERT_TRUE(backend->limit(one, kLimits));
  EXPECT_EQ(content("/n/i1/memory.limit_in_bytes"), std::to_string(kLimits.memory_bytes));
  EXPECT_EQ(content("/n/i1/memory.memsw.limit_in_bytes"), std::to_string(kLimits.memory_bytes));
  EXPECT_EQ(content("/n/i1/memory.kmem.tcp.limit_in_bytes"), std::to_string(kLimits.memory_bytes / 8));
  std::filesystem::remove(one + "/memory.memsw.limit_in_bytes");
  std::filesystem::remove(one + "/memory.kmem.tcp.limit_in_bytes");
  EXPECT_TRUE(backend->limit(one, kLimits)) << "a kernel without them";
}

TEST(CgroupTree, TheFreezerOfVersionTwoIsPreferred) {
  const auto found = hierarchies_of_host();
  const bool has_two = std::ranges::any_of(found, [](const auto& one) { return one.version == 2; });
  CgroupTree tree = CgroupTree::of(found);
  tree.prepare("lambent-test-" + std::to_string(getpid()));
  if (!tree.has(Controller::freezer)) GTEST_SKIP() << tree.why_not(Controller::freezer);
  EXPECT_EQ(tree.where(Controller::freezer).starts_with("cgroup v2"), has_two) << tree.where(Controller::freezer);
  auto made = tree.make(1);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->open_freezer().version, has_two ? 2 : 1);
  EXPECT_TRUE(made->remove());
  tree.remove();
  for (const auto& hierarchy : found) {
    EXPECT_FALSE(std::filesystem::exists(hierarchy.folder + "/lambent-test-" + std::to_string(getpid())));
  }
}

}  // namespace
}  // namespace lambent::sandbox
