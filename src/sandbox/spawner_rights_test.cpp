#include "sandbox/spawner_rights.h"

#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <tuple>

#include "base/files.h"
#include "sandbox/capabilities.h"

namespace lambent::sandbox {
namespace {

bool is_covered(const std::vector<SeccompRule>& rules, const SeccompRule& wanted) {
  return std::ranges::any_of(rules, [&](const SeccompRule& rule) {
    if (rule.call != wanted.call || rule.error != 0) return false;
    if (rule.conditions.empty()) return true;
    return std::ranges::equal(rule.conditions, wanted.conditions, [](const auto& a, const auto& b) {
      return a.argument == b.argument && a.mask == b.mask && a.value == b.value;
    });
  });
}

TEST(SpawnerFilter, AllowsEveryCallThatSomethingItStartsIsAllowed) {
  const auto rules = spawner_seccomp_rules();
  ASSERT_TRUE(rules) << rules.error().message();
  for (const char* name : {"provided", "python", "nodejs", "java", "ruby", "unpacker"}) {
    const auto allowed = parse_seccomp_policy(seccomp_policy_text(name).value());
    ASSERT_TRUE(allowed);
    for (const auto& rule : *allowed) {
      if (rule.error == 0) EXPECT_TRUE(is_covered(*rules, rule)) << name << ": " << rule.call;
    }
  }
  EXPECT_TRUE(compile_seccomp(*rules));
}

// Runs in a process of its own that is limited as a spawner is; its exit status is what `inside` gives.
int limited(const std::function<int()>& inside) {
  const pid_t child = fork();
  if (child == 0) _exit(limit_spawner() ? inside() : 99);
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int error_of(long result) {
  return result < 0 ? errno : 0;
}

TEST(SpawnerRights, CallsThatItHasNoUseForAreRefused) {
  for (const char* name :
       {"bpf", "perf_event_open", "init_module", "kexec_load", "reboot", "swapon", "settimeofday", "ptrace",
        "process_vm_readv", "open_by_handle_at", "keyctl", "io_uring_setup", "userfaultfd", "syslog"}) {
    const int number = seccomp_syscall_resolve_name(name);
    EXPECT_EQ(limited([&] { return error_of(syscall(number, 0, 0, 0, 0, 0)); }), EPERM) << name;
  }
  EXPECT_EQ(limited([] { return error_of(socket(AF_PACKET, SOCK_RAW, 0)); }), ENOSYS);
  EXPECT_EQ(limited([] { return error_of(socket(AF_UNIX, SOCK_STREAM, 0)); }), 0);
}

TEST(SpawnerRights, NoOtherCapabilityStays) {
  EXPECT_EQ(limited([] { return has_only_spawner_capabilities() && has_seccomp_filter() ? 0 : 1; }), 0);
  EXPECT_EQ(has_seccomp_filter(), false);
  if (geteuid() != 0) return;  // an ordinary user has none to lose
  EXPECT_EQ(limited([] { return has_host_privileges() ? 0 : 1; }), 0);
  EXPECT_FALSE(has_only_spawner_capabilities());
  EXPECT_NE(limited([] { return error_of(setuid(12345)) == 0 && error_of(setuid(0)) == 0 ? 0 : 1; }), 0);
}

TEST(SpawnerRights, ItsMountsAreItsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "an ordinary user's spawner makes no mount namespace of its own here";
  const auto name_of = [] {
    char name[64] = {};
    std::ignore = readlink("/proc/self/ns/mnt", name, sizeof name - 1);
    return std::string(name);
  };
  const std::string before = name_of();
  EXPECT_EQ(limited([&] {
              const auto mounts = read_file("/proc/self/mountinfo").value_or("shared:");
              return name_of() != before && mounts.find(" shared:") == std::string::npos ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace lambent::sandbox
