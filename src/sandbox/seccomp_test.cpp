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

TEST(SeccompPolicy, TakesIncludedPoliciesInOnce) {
  const auto once = parse_seccomp_policy("include interfaces : a\n");
  ASSERT_TRUE(once) << once.error().message();
  ASSERT_FALSE(once->empty());
  const auto twice = parse_seccomp_policy("include interfaces : a\nallow read : b\ninclude interfaces : c\n");
  ASSERT_TRUE(twice) << twice.error().message();
  EXPECT_EQ(twice->size(), once->size() + 1);
  for (const char* bad :
       {"include : x", "include nothing : x", "include interfaces", "include interfaces common : x"}) {
    const auto rules = parse_seccomp_policy(bad);
    ASSERT_FALSE(rules) << bad;
    EXPECT_EQ(rules.error().target, "line 1") << bad;
  }
}

TEST(SeccompPolicy, EveryProfileHasAPolicyOfItsName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kSeccompProfiles; ++i) {
    const auto name = seccomp_policy_name(static_cast<SeccompProfile>(i));
    EXPECT_TRUE(seccomp_policy_text(name)) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_FALSE(compile_seccomp_policy("nothing"));
}

TEST(SeccompPolicy, UnknownSystemCallsAreAnError) {
  const SeccompRule typo{0, "raed", {}, "x"};
  EXPECT_FALSE(compile_seccomp(std::span(&typo, 1)));
}

class EmbeddedPolicy : public testing::TestWithParam<std::string_view> {};

TEST_P(EmbeddedPolicy, CompilesAndNamesEachCallOnce) {
  const auto rules = parse_seccomp_policy(seccomp_policy_text(GetParam()).value());
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

INSTANTIATE_TEST_SUITE_P(All, EmbeddedPolicy,
                         testing::Values("provided", "python", "nodejs", "java", "ruby", "unpacker"));

}  // namespace
}  // namespace lambent::sandbox
