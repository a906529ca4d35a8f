#include "sandbox/spawner_rights.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "sandbox/capabilities.h"

namespace lambent::sandbox {
namespace {

constexpr int kKept[] = {
    CAP_SYS_ADMIN,  // namespaces, mounts
    CAP_SETUID,     // the sandbox's user id on the host
    CAP_SETGID,     // the same of the group
    CAP_SETFCAP,    // mapping root: the unpacking helper is the owner of the data folder, where the server stays root
    CAP_SETPCAP,    // emptying the bounding set of a sandbox
    CAP_NET_ADMIN,  // the loopback of a sandbox, rules in its network
    CAP_NET_BIND_SERVICE,  // the gate of a sandbox's network listens on port 53
    CAP_CHOWN,             // the log pipe becomes the sandbox's user's
    CAP_DAC_OVERRIDE,  // code in the data folder and interpreters in closed folders; empties a package's folder after a
                       // failure
    CAP_KILL,          // processes of the sandboxes' users
    CAP_SYS_CHROOT,    // joining the mount namespace of a sandbox that was made ready before
};

bool is_unconditional(const SeccompRule& rule) {
  return rule.conditions.empty();
}

bool same_conditions(const SeccompRule& a, const SeccompRule& b) {
  const auto same = [](const SeccompCondition& x, const SeccompCondition& y) {
    return x.argument == y.argument && x.mask == y.mask && x.value == y.value;
  };
  return std::ranges::equal(a.conditions, b.conditions, same);
}

// Adds what is allowed already only once: libseccomp refuses two rules for one case.
void add_allowed(std::vector<SeccompRule>& rules, SeccompRule rule) {
  std::vector<SeccompRule*> of_call;
  for (auto& each : rules) {
    if (each.call == rule.call && each.error == 0) of_call.push_back(&each);
  }
  for (const auto* known : of_call) {
    if (is_unconditional(*known) || same_conditions(*known, rule)) return;
  }
  if (is_unconditional(rule)) std::erase_if(rules, [&](const auto& each) { return each.call == rule.call; });
  rules.push_back(std::move(rule));
}

Result<> own_mount_namespace() {
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare", "mount namespace");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return fail_errno("mount", "slave");
  return {};
}

}  // namespace

Result<std::vector<SeccompRule>> spawner_seccomp_rules() {
  const auto rules_of = [](std::string_view name) -> Result<std::vector<SeccompRule>> {
    const auto text = seccomp_policy_text(name);
    if (!text) return fail(Error::of("compile seccomp policy", name, "no such policy"));
    return parse_seccomp_policy(*text);
  };
  std::set<std::string_view> names{"unpacker"};
  for (std::size_t i = 0; i < kSeccompProfiles; ++i) {
    names.insert(seccomp_policy_name(static_cast<SeccompProfile>(i)));
  }
  std::vector<SeccompRule> rules;
  LAMBENT_TRY(auto own, rules_of("spawner"));
  for (auto& rule : own) {
    if (rule.error == 0) add_allowed(rules, rule);
  }
  for (const auto name : names) {
    LAMBENT_TRY(const auto allowed, rules_of(name));
    for (const auto& rule : allowed) {
      if (rule.error == 0) add_allowed(rules, rule);
    }
  }
  for (auto& rule : own) {
    if (rule.error != 0) rules.push_back(std::move(rule));
  }
  return rules;
}

Result<> limit_spawner() {
  LAMBENT_TRY(const auto rules, spawner_seccomp_rules());
  LAMBENT_TRY(const auto filter, compile_seccomp(rules));
  if (has_capability(CAP_SYS_ADMIN)) {
    if (const auto own = own_mount_namespace(); !own) log::warning("spawner: {}", own.error().message());
  }
  LAMBENT_TRY_VOID(keep_capabilities(kKept));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl", "PR_SET_NO_NEW_PRIVS");
#if !__has_feature(address_sanitizer)  // LeakSanitizer traces its own process
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("prctl", "PR_SET_DUMPABLE");
#endif
  return install_seccomp(filter);
}

bool has_only_spawner_capabilities() {
  return holds_only(kKept);
}

bool has_seccomp_filter() {
  return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER;
}

}  // namespace lambent::sandbox
