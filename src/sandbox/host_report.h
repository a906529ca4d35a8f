// What this host lets the sandbox enforce. Nothing is ever silently weaker: the server prints the report when it
// starts, `lambent doctor` at any time, and both refuse what is below the level that the operator requires.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lambent::sandbox {

enum class Enforcement { full, partial, none };

// How much must be enforced in full.
enum class IsolationLevel : std::uint8_t {
  any,       // nothing
  standard,  // what keeps a function from the host and from other functions, and its limits: kStandard in
             // host_report.cpp
  full,      // every protection that there is
};
std::string_view name_of(IsolationLevel level);
std::optional<IsolationLevel> isolation_level_named(std::string_view name);

// One protection or limit.
struct Capability {
  std::string name;  // "memory limit", "user namespace", "system call filter", ...
  Enforcement level = Enforcement::none;
  std::string means;   // what carries it: "cgroup v1 at /sys/fs/cgroup/memory/x", "rlimit", "pid namespace"
  std::string remedy;  // why it is not full and how to get it; empty where full
};

// Whether instances can be given more network than the platform (Policy::network). Without it they are not started.
inline constexpr const char* kEgressCapability = "egress";

// The lowest level that asks for a protection; any: none does, since what lacks it does not start.
IsolationLevel required_from(std::string_view capability);

struct HostReport {
  std::vector<Capability> capabilities;
  bool can_launch = false;  // false: sandboxes cannot be made here at all; `remedy` of the missing parts says why

  [[nodiscard]] const Capability* find(std::string_view name) const;
  // One line a capability, for the start of the server: "memory limit: enforced (cgroup v1 ...)".
  [[nodiscard]] std::string text() const;
  // What the level asks for and the host does not enforce in full.
  [[nodiscard]] std::vector<Capability> missing(IsolationLevel level) const;
  // The highest level of which nothing is missing.
  [[nodiscard]] IsolationLevel level() const;
  // Why the level is refused: one line for each missing protection, with its remedy.
  [[nodiscard]] std::string refusal(IsolationLevel level) const;
};

// Looks at the running process's rights, cgroups and kernel; tries the namespaces in a short-lived child. Takes a few
// milliseconds, changes nothing on the host. Call before threads exist (it forks).
HostReport probe_host();

}  // namespace lambent::sandbox
