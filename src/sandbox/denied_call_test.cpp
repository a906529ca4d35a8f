#include "sandbox/denied_call.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace lambent::sandbox {
namespace {

std::string record(std::string_view uid, std::string_view comm, std::string_view rest) {
  return "audit(1795436217.625:291): auid=4294967295 uid=" + std::string(uid) +
         " gid=0 ses=4294967295 subj=unconfined pid=15244 comm=" + std::string(comm) + " exe=\"/tmp/x\" sig=0 " +
         std::string(rest);
}
const std::string kRest = "arch=c000003e syscall=163 compat=0 ip=0x7f79e63ad829 code=0x50000";

TEST(AuditRecord, TellsWhoMadeWhichCall) {
  const auto call = parse_audit_record(record("1879048216", "\"python\"", kRest));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->host_uid, 1'879'048'216U);
  EXPECT_EQ(call->number, 163);
  EXPECT_FALSE(call->is_killed);
}

TEST(AuditRecord, AKilled32BitCallIsOne) {
  const auto call =
      parse_audit_record(record("7", "\"x\"", "arch=40000003 syscall=20 compat=1 ip=0x8048000 code=0x80000000\n"));
  ASSERT_TRUE(call);
  EXPECT_TRUE(call->is_killed);
  EXPECT_FALSE(call->is_native);
}

TEST(AuditRecord, ANumberThatIsNoCallIsSigned) {
  const auto call =
      parse_audit_record(record("7", "\"x\"", "arch=c000003e syscall=-1 compat=0 ip=0x8048000 code=0x50000"));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, -1);
}

TEST(AuditRecord, WhatIsCutOrOfAnotherFormIsNone) {
  const std::string whole = record("7", "\"x\"", kRest);
  for (std::size_t length = 0; length < whole.size() - 6; ++length) {
    EXPECT_FALSE(parse_audit_record(std::string_view(whole).substr(0, length))) << length;
  }
  EXPECT_FALSE(parse_audit_record(record("-7", "\"x\"", kRest)));
  EXPECT_FALSE(parse_audit_record(record("7x", "\"x\"", kRest)));
  EXPECT_FALSE(parse_audit_record(record("99999999999", "\"x\"", kRest)));
  EXPECT_FALSE(parse_audit_record(record("7", "\"x\"", "arch=c000003e syscall=1 code=0x7ffc0000"))) << "only logged";
}

TEST(RefusedCall, IsDescribedAsThePolicyAnswers) {
  const auto refusals = Refusals::of_policies();
  ASSERT_TRUE(refusals);
  const auto text = [&](std::int64_t number, bool is_native = true, bool is_killed = false) {
    const auto found = refusals->describe({7, number, is_native, is_killed}, SeccompProfile::python);
    return found.call + " " + found.answer;
  };
  EXPECT_EQ(text(SYS_mount), "mount EPERM");
  EXPECT_EQ(text(SYS_clone3), "clone3 ENOSYS");
  EXPECT_EQ(text(SYS_clone), "clone EPERM or ENOSYS");
  EXPECT_EQ(text(999), "call 999 ENOSYS");
  EXPECT_EQ(text(-1), "call -1 ENOSYS");
  EXPECT_EQ(text(std::int64_t{1} << 40), "call 1099511627776 ENOSYS");
  EXPECT_EQ(text(20, false, true), "32-bit call 20 killed");
}

TEST(RefusedCall, HasTheReasonOfItsRule) {
  const auto refusals = Refusals::of_policies();
  ASSERT_TRUE(refusals);
  EXPECT_NE(refusals->reason("python", "clone3"), "");
  EXPECT_EQ(refusals->reason("python", "clone"), "") << "its arguments decide";
  EXPECT_EQ(refusals->reason("python", "call 999"), "");
  EXPECT_EQ(refusals->reason("nothing", "mount"), "");
}

}  // namespace
}  // namespace lambent::sandbox
