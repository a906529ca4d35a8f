#include "sandbox/host_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::sandbox {
namespace {

// An ordinary user can have all of these, given a cgroup of his own.
constexpr std::string_view kStandard[] = {
    "user namespace",     "pid namespace", "mount namespace",  "network namespace",
    "ipc namespace",      "uts namespace", "cgroup namespace", "no capabilities",
    "system call filter", "memory limit",  "process limit",    "processor share",
    "open file limit",    "size of /tmp",  "server's rights",  "spawner's rights"};

const char* text_of(Enforcement level) {
  switch (level) {
    case Enforcement::full:
      return "enforced";
    case Enforcement::partial:
      return "PARTLY enforced";
    case Enforcement::none:
      break;
  }
  return "NOT enforced";
}

}  // namespace

std::string_view name_of(IsolationLevel level) {
  switch (level) {
    case IsolationLevel::any:
      return "any";
    case IsolationLevel::standard:
      return "standard";
    case IsolationLevel::full:
      break;
  }
  return "full";
}

std::optional<IsolationLevel> isolation_level_named(std::string_view name) {
  for (const auto level : {IsolationLevel::any, IsolationLevel::standard, IsolationLevel::full}) {
    if (name_of(level) == name) return level;
  }
  return std::nullopt;
}

IsolationLevel required_from(std::string_view capability) {
  if (capability == kEgressCapability) return IsolationLevel::any;
  return std::ranges::count(kStandard, capability) > 0 ? IsolationLevel::standard : IsolationLevel::full;
}

const Capability* HostReport::find(std::string_view name) const {
  const auto found = std::ranges::find(capabilities, name, &Capability::name);
  return found == capabilities.end() ? nullptr : &*found;
}

std::string HostReport::text() const {
  std::string lines;
  for (const auto& one : capabilities) {
    lines += fmt::format("{}: {}", one.name, text_of(one.level));
    if (!one.means.empty()) lines += fmt::format(" ({})", one.means);
    if (!one.remedy.empty()) lines += fmt::format("; {}", one.remedy);
    lines += '\n';
  }
  return lines;
}

std::vector<Capability> HostReport::missing(IsolationLevel level) const {
  std::vector<Capability> found;
  for (const auto& one : capabilities) {
    const auto required = required_from(one.name);
    const bool is_asked_for = required != IsolationLevel::any && required <= level;
    if (is_asked_for && one.level != Enforcement::full) found.push_back(one);
  }
  if (level == IsolationLevel::any) return found;
  for (const auto name : kStandard) {
    if (find(name) == nullptr) found.push_back({std::string(name), Enforcement::none, "", "nothing is known of it"});
  }
  return found;
}

IsolationLevel HostReport::level() const {
  if (missing(IsolationLevel::full).empty()) return IsolationLevel::full;
  return missing(IsolationLevel::standard).empty() ? IsolationLevel::standard : IsolationLevel::any;
}

std::string HostReport::refusal(IsolationLevel level) const {
  std::string lines = fmt::format("this host does not give isolation level {}:", name_of(level));
  for (const auto& one : missing(level)) {
    lines += fmt::format("\n  {} is {}: {}", one.name, text_of(one.level), one.remedy);
  }
  return lines;
}

}  // namespace lambent::sandbox
