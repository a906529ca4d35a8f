#include "sandbox/host_advice.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "base/files.h"

namespace lambent::sandbox {
namespace {

constexpr const char* kUnknown = "not known";
constexpr unsigned kOldestMajor = 5;  // 5.14: cgroup.kill, mount_setattr, Landlock
constexpr unsigned kOldestMinor = 14;

std::optional<std::string> first_line(const std::string& path) {
  auto text = read_file(path, 1U << 20U);
  if (!text) return std::nullopt;
  return text->substr(0, text->find('\n'));
}

Advice kernel_version(const std::string& root) {
  const auto release = first_line(root + "/proc/sys/kernel/osrelease");
  Advice advice{"kernel", release.value_or(kUnknown), ""};
  unsigned major = 0;
  unsigned minor = 0;
  const char* end = advice.found.data() + advice.found.size();
  const auto [dot, failure] = std::from_chars(advice.found.data(), end, major);
  if (failure == std::errc() && dot != end) std::from_chars(dot + 1, end, minor);
  if (std::pair(major, minor) < std::pair(kOldestMajor, kOldestMinor)) {
    advice.advice = "older than 5.14: parts of the sandbox are missing; take a kernel that still gets fixes";
  }
  return advice;
}

Advice smt(const std::string& root) {
  const auto active = first_line(root + "/sys/devices/system/cpu/smt/active");
  if (!active)
    return {"SMT", kUnknown, "if processors share cores, turn it off where functions of strangers run (nosmt)"};
  if (*active == "0") return {"SMT", "off", ""};
  return {
      "SMT", "on",
      "two functions may share a core and learn of each other by its caches; where they must not, boot with nosmt or "
      "echo off > /sys/devices/system/cpu/smt/control"};
}

Advice same_page_merging(const std::string& root) {
  const auto run = first_line(root + "/sys/kernel/mm/ksm/run");
  if (!run) return {"KSM", "not in this kernel", ""};
  if (*run != "1") return {"KSM", "off", ""};
  return {"KSM", "on", "the time of a write tells what others have in memory: echo 2 > /sys/kernel/mm/ksm/run"};
}

Advice swap(const std::string& root) {
  const auto swaps = read_file(root + "/proc/swaps", 1U << 20U);
  if (!swaps) return {"swap", kUnknown, ""};
  if (std::ranges::count(*swaps, '\n') < 2) return {"swap", "none", ""};
  return {"swap", "in use",
          "functions' memory may come to lie on a disk, and stays there: swapoff -a, or encrypt the swap"};
}

Advice core_pattern(const std::string& root) {
  const auto pattern = first_line(root + "/proc/sys/kernel/core_pattern");
  if (!pattern) return {"core_pattern", kUnknown, ""};
  if (!pattern->starts_with('|')) return {"core_pattern", *pattern, ""};
  return {"core_pattern", *pattern,
          "a program of the host's reads, as root, what a crashing function wrote: sysctl kernel.core_pattern=core"};
}

Advice user_namespaces(const std::string& root) {
  const auto most = first_line(root + "/proc/sys/user/max_user_namespaces");
  const auto allowed = first_line(root + "/proc/sys/kernel/unprivileged_userns_clone");
  if (most == "0" || allowed == "0") {
    return {"unprivileged user namespaces", "off",
            "sandboxes are made of them: set user.max_user_namespaces above 0 and "
            "kernel.unprivileged_userns_clone = 1, where the host has it"};
  }
  return {"unprivileged user namespaces", most || allowed ? "on; functions are refused them" : kUnknown, ""};
}

Advice processor_faults(const std::string& root) {
  const std::string folder = root + "/sys/devices/system/cpu/vulnerabilities";
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
  if (!listing) return {"processor faults", kUnknown, ""};
  std::vector<std::string> open;
  while (const dirent* entry = readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): a folder stream of its own
    const auto state = first_line(folder + "/" + entry->d_name);
    if (state && state->starts_with("Vulnerable")) open.emplace_back(entry->d_name);
  }
  if (open.empty()) return {"processor faults", "none open", ""};
  std::ranges::sort(open);
  return {
      "processor faults", fmt::format("open: {}", fmt::join(open, ", ")),
      "functions may read memory that is not theirs: update the kernel and the microcode, and keep its mitigations on"};
}

}  // namespace

std::vector<Advice> advise_host(const std::string& root) {
  return {
      kernel_version(root),  smt(root), same_page_merging(root), swap(root), core_pattern(root), user_namespaces(root),
      processor_faults(root)};
}

}  // namespace lambent::sandbox
