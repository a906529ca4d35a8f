#include "sandbox/host_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/files.h"
#include "sandbox/host_advice.h"
#include "sandbox/namespace_report.h"

namespace lambent::sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A host that gives everything.
HostReport perfect() {
  HostReport report;
  report.can_launch = true;
  for (const char* name : {"user namespace", "pid namespace", "mount namespace", "network namespace", "ipc namespace",
                           "uts namespace", "cgroup namespace", "no capabilities", "system call filter", "memory limit",
                           "process limit", "processor share", "open file limit", "size of /tmp", "server's rights",
                           "spawner's rights", "user of its own", kEgressCapability}) {
    report.capabilities.push_back({name, Enforcement::full, "test", ""});
  }
  return report;
}

void weaken(HostReport& report, std::string_view name, Enforcement level) {
  for (auto& one : report.capabilities) {
    if (one.name == name) one = {one.name, level, "", "buy a better host"};
  }
}

TEST(HostReport, EachLevelAsksForWhatItNames) {
  HostReport report = perfect();
  EXPECT_EQ(report.level(), IsolationLevel::full);
  weaken(report, kEgressCapability, Enforcement::none);
  EXPECT_EQ(report.level(), IsolationLevel::full) << "what lacks it does not start";
  weaken(report, "user of its own", Enforcement::partial);
  EXPECT_EQ(report.level(), IsolationLevel::standard);
  EXPECT_THAT(report.missing(IsolationLevel::standard), IsEmpty());
  weaken(report, "memory limit", Enforcement::partial);
  EXPECT_EQ(report.level(), IsolationLevel::any);
  EXPECT_THAT(report.missing(IsolationLevel::any), IsEmpty());
  const auto refusal = report.refusal(IsolationLevel::standard);
  EXPECT_THAT(refusal, HasSubstr("memory limit is PARTLY enforced: buy a better host"));
  EXPECT_THAT(refusal, Not(HasSubstr("user of its own")));
  EXPECT_THAT(report.refusal(IsolationLevel::full), HasSubstr("user of its own"));
}

TEST(HostReport, AProtectionThatIsNotReportedIsMissing) {
  HostReport report = perfect();
  report.capabilities.erase(report.capabilities.begin());
  EXPECT_THAT(report.missing(IsolationLevel::standard),
              ElementsAre(testing::Field(&Capability::name, "user namespace")));
  EXPECT_THAT(report.missing(IsolationLevel::any), IsEmpty());
}

TEST(HostReport, AProtectionThatNoLevelNamesIsOfTheHighest) {
  HostReport report = perfect();
  report.capabilities.push_back({"something new", Enforcement::none, "", "later"});
  EXPECT_EQ(report.level(), IsolationLevel::standard);
  EXPECT_EQ(isolation_level_named("full"), IsolationLevel::full);
  EXPECT_EQ(isolation_level_named("best"), std::nullopt);
}

TEST(HostReport, AFailureOutsideOfTheNamespacesIsTheMountNamespaces) {
  HostReport report;
  report_namespaces(report, fail(Error::of("mount", "proc", "no")), "test");
  EXPECT_EQ(report.capabilities.size(), 7U);
  EXPECT_EQ(report.find("mount namespace")->level, Enforcement::none) << report.text();
  EXPECT_EQ(report.find("pid namespace")->level, Enforcement::full) << report.text();
}

class HostAdvice : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "advice-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void file(const std::string& path, std::string_view content) {
    ASSERT_TRUE(make_folders(std::filesystem::path(root_ + path).parent_path()));
    ASSERT_TRUE(write_file_durably(root_ + path, content));
  }
  Advice advice(std::string_view name) {
    for (const auto& one : advise_host(root_)) {
      if (one.name == name) return one;
    }
    return {"missing", "", ""};
  }
  std::string root_;
};

TEST_F(HostAdvice, AWellKeptHostNeedsNone) {
  file("/proc/sys/kernel/osrelease", "6.12.1-amd64\n");
  file("/sys/devices/system/cpu/smt/active", "0\n");
  file("/sys/kernel/mm/ksm/run", "0\n");
  file("/proc/swaps", "Filename Type Size Used Priority\n");
  file("/proc/sys/kernel/core_pattern", "core\n");
  file("/proc/sys/user/max_user_namespaces", "1000\n");
  file("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
  for (const auto& one : advise_host(root_)) EXPECT_EQ(one.advice, "") << one.name;
  EXPECT_EQ(advice("kernel").found, "6.12.1-amd64");
}

TEST_F(HostAdvice, EachWeaknessIsNamedWithWhatToDo) {
  file("/proc/sys/kernel/osrelease", "5.10.0-32-amd64\n");
  file("/sys/devices/system/cpu/smt/active", "1\n");
  file("/sys/kernel/mm/ksm/run", "1\n");
  file("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n");
  file("/proc/sys/kernel/core_pattern", "|/usr/share/apport/apport %p\n");
  file("/proc/sys/user/max_user_namespaces", "0\n");
  file("/sys/devices/system/cpu/vulnerabilities/mds", "Vulnerable: no microcode\n");
  EXPECT_THAT(advice("kernel").advice, HasSubstr("5.14"));
  EXPECT_THAT(advice("SMT").advice, HasSubstr("nosmt"));
  EXPECT_THAT(advice("KSM").advice, HasSubstr("ksm/run"));
  EXPECT_THAT(advice("swap").advice, HasSubstr("swapoff"));
  EXPECT_THAT(advice("core_pattern").advice, HasSubstr("kernel.core_pattern"));
  EXPECT_THAT(advice("unprivileged user namespaces").advice, HasSubstr("max_user_namespaces"));
  EXPECT_EQ(advice("processor faults").found, "open: mds");
}

TEST_F(HostAdvice, WhatCannotBeReadIsNotKnown) {
  EXPECT_EQ(advice("SMT").found, "not known");
  EXPECT_EQ(advice("kernel").found, "not known");
}

}  // namespace
}  // namespace lambent::sandbox
