// System call filters: a policy text (policies/seccomp/*.policy, embedded in the binary) compiled once to BPF by
// libseccomp, and installed raw in the child, where nothing may be allocated or fail late.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "sandbox/policy.h"

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
  std::string policy;  // the included policy that it stands in; empty: the text itself
};

// The rules of one text, and of the policies that it includes, each once. The grammar is in
// policies/seccomp/common.policy. Error::target is "line N" of the text, or "<name> line N" of an included one.
Result<std::vector<SeccompRule>> parse_seccomp_policy(std::string_view text);

// The text embedded from policies/seccomp/<name>.policy.
std::optional<std::string_view> seccomp_policy_text(std::string_view name);

using SeccompProgram = std::vector<sock_filter>;

// BPF for the running architecture. Calls that no rule names get ENOSYS; a call of another architecture ends the
// process. A rule for a call that this architecture does not have is left out; an unknown name is an error.
Result<SeccompProgram> compile_seccomp(std::span<const SeccompRule> rules);

// Sets the filter for this process and all it starts. Needs no_new_privs. Does not allocate. With `is_recorded` the
// kernel makes an audit record of each call that this program refuses (audit_listener.h); what it answers is the same.
Result<> install_seccomp(std::span<const sock_filter> program, bool is_recorded = false);

// The filter of a template that runs user code: `program`, but that setns waits for the answer of whoever holds the
// descriptor which install_seccomp_with_notifications() gives, and that the calls by which a fork gives up what it got
// by it are allowed: they can take rights only.
SeccompProgram gate_setns(std::span<const sock_filter> program);
Result<UniqueFd> install_seccomp_with_notifications(std::span<const sock_filter> program);

// A sealed file of the instructions, for a process that sets the filter itself.
Result<UniqueFd> file_of_filter(std::span<const sock_filter> program);

// An embedded policy as a program.
Result<SeccompProgram> compile_seccomp_policy(std::string_view name);

// An embedded policy for reviewers and tests, one line for each rule and each instruction of the program:
//   rule <policy> <call number> <errno, 0: allowed> <call> [argN&MASK==VALUE ...] : <reason>
//   bpf <code> <jump if true> <jump if false> <k>
Result<std::string> list_seccomp_policy(std::string_view name);

// The name of the policy that a profile stands for.
std::string_view seccomp_policy_name(SeccompProfile profile);

// A program for each profile, in the order of the enumerators.
using SeccompPrograms = std::array<SeccompProgram, kSeccompProfiles>;
Result<SeccompPrograms> compile_seccomp_profiles();

}  // namespace lambent::sandbox
