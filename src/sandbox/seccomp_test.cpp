#include "sandbox/seccomp.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <set>

namespace lambent::sandbox {
namespace {

TEST(SeccompPolicy, ReadsRulesConditionsAndReasons) {
  const auto rules = parse_seccomp_policy(
      "# comment\n\nallow read : files\nEPERM clone if arg0 & 0x10 == 0x10 and arg1 == 7 : why : not\n");
  ASSERT_TRUE(rules) << rules.error().message();
  ASSERT_EQ(rules->size(), 2U);
  EXPECT_EQ((*rules)[0].call, "read");
  EXPECT_EQ((*rules)[0].error, 0);
  EXPECT_EQ((*rules)[1].error, EPERM);
  EXPECT_EQ((*rules)[1].reason, "why : not");
  ASSERT_EQ((*rules)[1].conditions.size(), 2U);
  EXPECT_EQ((*rules)[1].conditions[0].mask, 0x10U);
  EXPECT_EQ((*rules)[1].conditions[1].argument, 1U);
  EXPECT_EQ((*rules)[1].conditions[1].mask, ~0ULL);
}

TEST(SeccompPolicy, RefusesLinesThatItDoesNotUnderstand) {
  for (const char* bad :
       {"allow read", "allow read :", "allow read :  ", "permit read : x", "allow : x", "allow read when arg0 == 1 : x",
        "allow read if : x", "allow read if arg6 == 1 : x", "allow read if arg0 == : x", "allow read if arg0 == 1z : x",
        "allow read if arg0 = 1 : x", "allow read if arg0 & 0x1 == 0x2 : x", "allow read if arg0 == 1 and : x"}) {
    const auto rules = parse_seccomp_policy(std::string("\n") + bad);
    ASSERT_FALSE(rules) << bad;
    EXPECT_EQ(rules.error().target, "line 2") << bad;
  }
}

TEST(SeccompPolicy, UnknownSystemCallsAreAnError) {
  const SeccompRule typo{0, "raed", {}, "x"};
  EXPECT_FALSE(compile_seccomp(std::span(&typo, 1)));
}

class EmbeddedPolicy : public testing::TestWithParam<std::string_view> {};

TEST_P(EmbeddedPolicy, CompilesAndNamesEachCallOnce) {
  const auto rules = parse_seccomp_policy(GetParam() == "function" ? function_policy_text() : unpacker_policy_text());
  ASSERT_TRUE(rules) << rules.error().message();
  std::set<std::string> unconditional;
  std::set<std::string> conditional;
  for (const auto& rule : *rules) {
    if (!rule.conditions.empty()) {
      conditional.insert(rule.call);
    } else {
      EXPECT_TRUE(unconditional.insert(rule.call).second) << rule.call << " has two rules";
    }
    EXPECT_NE(seccomp_syscall_resolve_name(rule.call.c_str()), __NR_SCMP_ERROR) << rule.call;
  }
  for (const auto& call : conditional) EXPECT_FALSE(unconditional.contains(call)) << call;
  const auto program = compile_seccomp(*rules);
  ASSERT_TRUE(program) << program.error().message();
  EXPECT_GT(program->size(), rules->size());
}

INSTANTIATE_TEST_SUITE_P(All, EmbeddedPolicy, testing::Values("function", "unpacker"));

}  // namespace
}  // namespace lambent::sandbox
