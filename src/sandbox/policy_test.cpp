#include "sandbox/policy.h"

#include <gtest/gtest.h>

#include "sandbox/paths.h"

namespace lambent::sandbox {
namespace {

Policy good_policy() {
  Policy policy;
  policy.argv = {"/bin/true"};
  policy.environment = {"A=1"};
  policy.working_folder = "/";
  return policy;
}

std::string member_refused(const Policy& policy) {
  const auto checked = validate(policy);
  return checked ? "" : checked.error().target;
}

TEST(PlainAbsolutePath, AcceptsOnlyPathsWithOneReading) {
  for (const char* good : {"/", "/a", "/var/task", "/a.b/..c/...", "/root/.pyenv"})
    EXPECT_TRUE(is_plain_absolute_path(good)) << good;
  for (const char* bad : {"", "a", "/a/", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "./a"}) {
    EXPECT_FALSE(is_plain_absolute_path(bad)) << bad;
  }
  EXPECT_FALSE(is_plain_absolute_path(std::string_view("/a\0b", 4)));
  EXPECT_FALSE(is_plain_absolute_path("/" + std::string(256, 'a')));
  EXPECT_TRUE(is_plain_absolute_path("/" + std::string(255, 'a')));
}

TEST(Policy, AGoodOneIsAccepted) {
  EXPECT_EQ(member_refused(good_policy()), "");
}

TEST(Policy, EachRuleNamesTheMemberThatBreaksIt) {
  const auto refused = [](auto change) {
    Policy policy = good_policy();
    change(policy);
    return member_refused(policy);
  };
  EXPECT_EQ(refused([](Policy& p) { p.argv.clear(); }), "argv");
  EXPECT_EQ(refused([](Policy& p) { p.argv[0] = "sh"; }), "argv");
  EXPECT_EQ(refused([](Policy& p) { p.argv.resize(65, "x"); }), "argv");
  EXPECT_EQ(refused([](Policy& p) { p.argv.emplace_back("a\0b", 3); }), "argv");
  EXPECT_EQ(refused([](Policy& p) { p.environment.emplace_back("NOVALUE"); }), "environment");
  EXPECT_EQ(refused([](Policy& p) { p.environment.emplace_back("=x"); }), "environment");
  EXPECT_EQ(refused([](Policy& p) { p.environment.emplace_back("A=" + std::string(40'000, 'x')); }), "environment");
  EXPECT_EQ(refused([](Policy& p) { p.environment.resize(1025, "A=1"); }), "environment");
  EXPECT_EQ(refused([](Policy& p) { p.mounts.push_back({"/a/../b", "/x"}); }), "mounts");
  EXPECT_EQ(refused([](Policy& p) { p.mounts.push_back({"/a", "/"}); }), "mounts");
  EXPECT_EQ(refused([](Policy& p) { p.mounts.resize(25, {"/a", "/b"}); }), "mounts");
  EXPECT_EQ(refused([](Policy& p) { p.writable_folders.push_back({"a", "/b"}); }), "mounts");
  EXPECT_EQ(refused([](Policy& p) { p.working_folder = "tmp"; }), "working_folder");
  EXPECT_EQ(refused([](Policy& p) { p.hostname = "a b"; }), "hostname");
  EXPECT_EQ(refused([](Policy& p) { p.hostname = std::string(64, 'a'); }), "hostname");
  EXPECT_EQ(refused([](Policy& p) { p.uid = 0; }), "uid");
  EXPECT_EQ(refused([](Policy& p) { p.memory_bytes = 1; }), "memory_bytes");
  EXPECT_EQ(refused([](Policy& p) { p.cpu_millicores = 0; }), "cpu_millicores");
  EXPECT_EQ(refused([](Policy& p) { p.processes = 0; }), "processes");
  EXPECT_EQ(refused([](Policy& p) { p.open_files = 0; }), "open_files");
  EXPECT_EQ(refused([](Policy& p) { p.tmp_bytes = 0; }), "tmp_bytes");
  EXPECT_EQ(refused([](Policy& p) { p.runtime_port = p.platform_port; }), "runtime_port");
}

TEST(Policy, MemorySizeBuysAProportionalShareOfACore) {
  EXPECT_EQ(millicores_for(1769 * kMiB, 1769), 1000U);
  EXPECT_EQ(millicores_for(128 * kMiB, 1769), 73U);
  EXPECT_EQ(millicores_for(10'240 * kMiB, 1769), 5789U);
  EXPECT_EQ(millicores_for(1, 1769), 10U);
}

}  // namespace
}  // namespace lambent::sandbox
