#include "sandbox/cgroup_paths.h"

#include <gtest/gtest.h>

#include "sandbox/cgroup.h"

namespace lambent::sandbox {
namespace {

const CgroupHierarchy* carrying(const std::vector<CgroupHierarchy>& all, std::string_view controller) {
  for (const auto& one : all) {
    for (const auto& name : one.controllers) {
      if (name == controller) return &one;
    }
  }
  return nullptr;
}

// Recorded on a host with one version 1 hierarchy a controller and an empty version 2 beside them.
constexpr const char* kHybridCgroup =
    "9:name=systemd:/\n8:pids:/\n4:memory:/process_api/e64c9143\n2:cpuacct:/\n1:cpu:/\n0::/\n";
constexpr const char* kHybridMounts =
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(CgroupPaths, FindEachHierarchyOfAHybridHost) {
  const auto found = find_cgroup_hierarchies(kHybridCgroup, kHybridMounts);
  ASSERT_EQ(found.size(), 6U);
  ASSERT_NE(carrying(found, "memory"), nullptr);
  EXPECT_EQ(carrying(found, "memory")->folder, "/sys/fs/cgroup/memory/process_api/e64c9143");
  EXPECT_EQ(carrying(found, "cpu")->folder, "/sys/fs/cgroup/cpu");
  EXPECT_EQ(found.back().version, 2);
  EXPECT_EQ(found.back().folder, "/sys/fs/cgroup/unified");
}

TEST(CgroupPaths, FindVersionTwoInASystemdScope) {
  const auto found = find_cgroup_hierarchies(
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-u5.scope\n",
      "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].version, 2);
  EXPECT_EQ(found[0].folder, "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-u5.scope");
}

TEST(CgroupPaths, FollowMountsThatShowOnlyPartOfAHierarchy) {
  // In a container without a cgroup namespace the container's own cgroup is mounted as the root.
  const auto found =
      find_cgroup_hierarchies("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc/inner\n",
                              "50 49 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
                              "51 49 0:30 /docker/abc /sys/fs/cgroup/me\\040mory ro - cgroup cgroup rw,memory\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(carrying(found, "cpu")->folder, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(carrying(found, "cpuacct"), carrying(found, "cpu"));
  EXPECT_EQ(carrying(found, "memory")->folder, "/sys/fs/cgroup/me mory/inner");
}

TEST(CgroupPaths, LeaveOutWhatCannotBeSeenOrMakesNoSense) {
  EXPECT_TRUE(find_cgroup_hierarchies("4:memory:/../other\n",
                                      "51 49 0:30 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n")
                  .empty());
  EXPECT_TRUE(find_cgroup_hierarchies("4:memory:/docker/abcdef\n",
                                      "51 49 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n")
                  .empty());
  EXPECT_TRUE(find_cgroup_hierarchies("", "").empty());
  EXPECT_TRUE(find_cgroup_hierarchies("x\n4:memory\n::::\n", "a b - c\n - cgroup x y\n1 2 3 4\n").empty());
}

TEST(KernelFiles, NumberAfterAKeyIsOfThatWholeKey) {
  constexpr const char* kControl = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
  EXPECT_EQ(number_after(kControl, "oom_kill"), 3U);
  EXPECT_EQ(number_after(kControl, "oom"), 0U);
  EXPECT_EQ(number_after("", "oom_kill"), 0U);
}

}  // namespace
}  // namespace lambent::sandbox
