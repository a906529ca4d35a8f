#include "sandbox/host_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambent::sandbox {

const Capability* HostReport::find(std::string_view name) const {
  const auto found = std::ranges::find(capabilities, name, &Capability::name);
  return found == capabilities.end() ? nullptr : &*found;
}

std::string HostReport::text() const {
  std::string lines;
  for (const auto& one : capabilities) {
    const char* level = one.level == Enforcement::full      ? "enforced"
                        : one.level == Enforcement::partial ? "PARTLY enforced"
                                                            : "NOT enforced";
    lines += fmt::format("{}: {}", one.name, level);
    if (!one.means.empty()) lines += fmt::format(" ({})", one.means);
    if (!one.remedy.empty()) lines += fmt::format("; {}", one.remedy);
    lines += '\n';
  }
  return lines;
}

}  // namespace lambent::sandbox
