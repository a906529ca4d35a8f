#include "catalog/entry.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "catalog/function_name.h"

namespace lambent::catalog {
namespace {

constexpr std::uint64_t kOdds = 1'000'000'000;  // steps in which weights are drawn

bool draw(double weight, Random& random) {
  return static_cast<double>(random.below(kOdds)) < weight * static_cast<double>(kOdds);
}

}  // namespace

std::optional<std::uint64_t> version_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('0')) return std::nullopt;
  return number;
}

FunctionPtr Entry::version(std::string_view version) const {
  if (version.empty() || version == kLatest) return latest;
  const auto number = version_number(version);
  if (!number) return nullptr;
  const auto found = versions.find(*number);
  return found == versions.end() ? nullptr : found->second;
}

AliasPtr Entry::alias(std::string_view name) const {
  const auto found = aliases.find(name);
  return found == aliases.end() ? nullptr : found->second;
}

FunctionPtr Entry::show(std::string_view qualifier) const {
  if (const auto found = version(qualifier)) return found;
  const auto named = alias(qualifier);
  return named ? version(named->version) : nullptr;
}

bool Entry::leads(const Alias& alias, std::string_view version) {
  return alias.version == version || (alias.additional && alias.additional->version == version);
}

std::map<std::uint64_t, std::uint32_t> Entry::provisioned() const {
  std::map<std::uint64_t, std::uint32_t> counts;
  const auto add = [&](std::string_view version, std::uint32_t count) {
    const auto number = version_number(version);
    if (number && versions.contains(*number) && count > 0) counts[*number] += count;
  };
  for (const auto& [qualifier, config] : settings->provisioned) {
    const auto named = alias(qualifier);
    if (!named) {
      add(qualifier, config.requested);
      continue;
    }
    std::uint32_t second = 0;
    if (named->additional) {
      second = static_cast<std::uint32_t>(std::lround(config.requested * named->additional->weight));
      add(named->additional->version, second);
    }
    add(named->version, config.requested - std::min(second, config.requested));
  }
  return counts;
}

FunctionPtr Entry::route(std::string_view qualifier, Random& random) const {
  if (auto found = version(qualifier)) return found;
  const auto named = alias(qualifier);
  if (!named) return nullptr;
  if (named->additional && draw(named->additional->weight, random)) return version(named->additional->version);
  return version(named->version);
}

}  // namespace lambent::catalog
