// A policy as text, for people and tests.
#include <fmt/format.h>
#include <seccomp.h>

#include "sandbox/seccomp.h"

namespace lambent::sandbox {

Result<std::string> list_seccomp_policy(std::string_view name) {
  const auto text = seccomp_policy_text(name);
  if (!text) return fail(Error::of("list seccomp policy", name, "no such policy"));
  LAMBENT_TRY(const auto rules, parse_seccomp_policy(*text));
  LAMBENT_TRY(const auto program, compile_seccomp(rules));
  std::string out;
  for (const auto& rule : rules) {
    out += fmt::format("rule {} {} {} {}", rule.policy.empty() ? name : rule.policy,
                       seccomp_syscall_resolve_name(rule.call.c_str()), rule.error, rule.call);
    for (const auto& one : rule.conditions)
      out += fmt::format(" arg{}&{:#x}=={:#x}", one.argument, one.mask, one.value);
    out += fmt::format(" : {}\n", rule.reason);
  }
  for (const auto& one : program) out += fmt::format("bpf {} {} {} {}\n", one.code, one.jt, one.jf, one.k);
  return out;
}

}  // namespace lambent::sandbox
