// What this host lets the sandbox enforce. Nothing is ever silently weaker: the server prints the report when it
// starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lambent::sandbox {

// Whether instances can be given more network than the platform (Policy::network). Without it they are not started.
inline constexpr const char* kEgressCapability = "egress";

enum class Enforcement { full, partial, none };

// One protection or limit.
struct Capability {
  std::string name;  // "memory limit", "user namespace", "system call filter", ...
  Enforcement level = Enforcement::none;
  std::string means;   // what carries it: "cgroup v1 at /sys/fs/cgroup/memory/x", "rlimit", "pid namespace"
  std::string remedy;  // why it is not full and how to get it; empty where full
};

struct HostReport {
  std::vector<Capability> capabilities;
  bool can_launch = false;  // false: sandboxes cannot be made here at all; `remedy` of the missing parts says why

  [[nodiscard]] const Capability* find(std::string_view name) const;
  // One line a capability, for the start of the server: "memory limit: enforced (cgroup v1 ...)".
  [[nodiscard]] std::string text() const;
};

// Looks at the running process's rights, cgroups and kernel; tries the namespaces in a short-lived child. Takes a few
// milliseconds, changes nothing on the host. Call before threads exist (it forks).
HostReport probe_host();

}  // namespace lambent::sandbox
