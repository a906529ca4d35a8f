#include "catalog/entry.h"

#include <charconv>

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

FunctionPtr Entry::route(std::string_view qualifier, Random& random) const {
  if (auto found = version(qualifier)) return found;
  const auto named = alias(qualifier);
  if (!named) return nullptr;
  if (named->additional && draw(named->additional->weight, random)) return version(named->additional->version);
  return version(named->version);
}

}  // namespace lambent::catalog
