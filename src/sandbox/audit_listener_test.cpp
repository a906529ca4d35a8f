#include "sandbox/audit_listener.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "sandbox/seccomp.h"
#include "sandbox/spawner_rights.h"

namespace lambent::sandbox {
namespace {

constexpr uid_t kUser = 1'879'100'000;  // above what servers give out

// In a child, as a user of its own, behind the filter of the family.
void behind_filter(bool is_recorded, const std::function<void()>& work) {
  const auto outer = spawner_seccomp_rules();
  ASSERT_TRUE(outer);
  const auto spawner = compile_seccomp(*outer);
  const auto filter = compile_seccomp_policy("python");
  ASSERT_TRUE(spawner && filter);
  int status = -1;
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(kUser, kUser, kUser) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
    // As in a sandbox: the spawner's filter refuses most of it too, and is not recorded.
    if (!install_seccomp(*spawner) || !install_seccomp(*filter, is_recorded)) _exit(1);
    work();
    _exit(0);
  }
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
}

std::vector<DeniedCall> take_own(AuditListener& listener, bool& lost) {
  usleep(200'000);
  auto calls = listener.take(100'000, lost);
  std::erase_if(calls, [](const DeniedCall& call) { return call.host_uid != kUser; });
  return calls;
}

class AuditListening : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = AuditListener::open();
    if (!opened) GTEST_SKIP() << opened.error().message();
    listener_ = *std::move(opened);
  }
  AuditListener listener_;
};

TEST_F(AuditListening, HearsOfRefusedCallsAndNotOfOthers) {
  behind_filter(true, [] {
    getpid();
    syscall(SYS_mount, nullptr, nullptr, nullptr, 0, nullptr);
    syscall(SYS_acct, nullptr);
  });
  bool lost = true;
  const auto calls = take_own(listener_, lost);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].number, SYS_mount);
  EXPECT_EQ(calls[1].number, SYS_acct);
  EXPECT_FALSE(lost);
}

TEST_F(AuditListening, AFilterThatIsNotRecordedSaysNothing) {
  behind_filter(false, [] { syscall(SYS_mount, nullptr, nullptr, nullptr, 0, nullptr); });
  bool lost = false;
  EXPECT_EQ(take_own(listener_, lost).size(), 0U);
}

TEST_F(AuditListening, WhatNobodyTakesIsLostAndSaidToBe) {
  behind_filter(true, [] {
    for (int i = 0; i < 20'000; ++i) syscall(SYS_acct, nullptr);
  });
  bool lost = false;
  const auto calls = take_own(listener_, lost);
  EXPECT_TRUE(lost);
  EXPECT_GT(calls.size(), 10U);
  EXPECT_LT(calls.size(), 20'000U);
  std::ignore = listener_.take(1, lost);
  EXPECT_FALSE(lost);
}

TEST(AuditListener, IsNotForAUserWithoutRights) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(kUser, kUser, kUser) != 0) _exit(3);
    _exit(AuditListener::open() ? 1 : 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 3) GTEST_SKIP() << "not root";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace lambent::sandbox
