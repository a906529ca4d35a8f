// System call filters: a policy text (policies/seccomp/*.policy, embedded in the binary) compiled once to BPF by
// libseccomp, and installed raw in the child, where nothing may be allocated or fail late.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace lambent::sandbox {

// A comparison of one argument: (argument & mask) == value.
struct SeccompCondition {
  unsigned argument = 0;
  std::uint64_t mask = ~0ULL;
  std::uint64_t value = 0;
};

struct SeccompRule {
  int error = 0;  // errno that the call gets; 0: allowed
  std::string call;
  std::vector<SeccompCondition> conditions;  // all must hold
  std::string reason;
};

// The grammar is in policies/seccomp/function.policy. Error::target is "line N".
Result<std::vector<SeccompRule>> parse_seccomp_policy(std::string_view text);

using SeccompProgram = std::vector<sock_filter>;

// BPF for the running architecture. Calls that no rule names get ENOSYS; a call of another architecture ends the
// process. A rule for a call that this architecture does not have is left out; an unknown name is an error.
Result<SeccompProgram> compile_seccomp(std::span<const SeccompRule> rules);

// Sets the filter for this process and all it starts. Needs no_new_privs. Does not allocate.
Result<> install_seccomp(std::span<const sock_filter> program);

// The embedded texts.
std::string_view function_policy_text();
std::string_view unpacker_policy_text();

}  // namespace lambent::sandbox
