// A system call that the filter of a sandbox refused, as the kernel tells of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sandbox/policy.h"

namespace lambent::sandbox {

struct DeniedCall {
  std::uint32_t host_uid = 0;  // of the caller
  std::int64_t number = 0;     // as the caller gave it
  bool is_native = true;   // false: by a way in of another architecture (32-bit), whose calls are numbered otherwise
  bool is_killed = false;  // it ended the process, by SIGSYS
};

// The text of an audit record of type AUDIT_SECCOMP (1326), as audit_seccomp() of the kernel's kernel/auditsc.c writes
// it: "audit(TIME:SERIAL): auid=... uid=N ... comm=... exe=... sig=N arch=HEX syscall=N compat=N ip=... code=HEX".
// Nothing where it is not of that form. What a program chooses in it (comm, exe) is in quotes or in hexadecimal digits,
// never with a blank or a quote inside.
std::optional<DeniedCall> parse_audit_record(std::string_view text);

// For people.
struct DeniedCallText {
  std::string call;    // "mount", "call 999" where no call has that number, "32-bit call 20"
  std::string answer;  // "EPERM", "ENOSYS", "EPERM or ENOSYS" where its arguments decide, "killed"
};

// What the policies of functions answer to calls, and why, as their rules have it. A value; made once.
class Refusals {
 public:
  static Result<Refusals> of_policies();

  [[nodiscard]] DeniedCallText describe(const DeniedCall& call, SeccompProfile profile) const;
  // Why the policy refuses the call of that name, in the words of its rule; empty where it is refused for not being
  // named, or where arguments decide.
  [[nodiscard]] std::string reason(std::string_view policy, std::string_view call) const;

 private:
  struct Refusal {
    std::string answer;
    std::string reason;
  };
  [[nodiscard]] const Refusal* find(std::string_view policy, std::string_view call) const;

  std::map<std::string, std::map<std::string, Refusal, std::less<>>, std::less<>> by_policy_;
};

}  // namespace lambent::sandbox
