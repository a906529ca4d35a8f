#include "invoke/lineage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace lambent::invoke {
namespace {

constexpr std::string_view kMember = "Lineage=";
constexpr std::size_t kFunctions = 32;  // of one chain; the one that came first is forgotten
constexpr std::uint32_t kHighest = 1'000'000;

// FNV-1a: two functions that share a value share a count, which at worst stops a chain of thousands of functions early.
std::uint32_t hash_of(std::string_view name) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return hash;
}

using Counts = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// "1a2b3c4d:2+00ff00ff:1"; '+' passes the SDKs, which escape other characters in the header.
Counts read_counts(std::string_view text) {
  Counts counts;
  while (!text.empty() && counts.size() < kFunctions) {
    const auto plus = text.find('+');
    const auto part = text.substr(0, plus);
    text.remove_prefix(plus == std::string_view::npos ? text.size() : plus + 1);
    const auto* end = part.data() + part.size();
    std::uint32_t hash = 0;
    std::uint32_t count = 0;
    const auto first = std::from_chars(part.data(), end, hash, 16);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return {};
    const auto second = std::from_chars(first.ptr + 1, end, count);
    if (second.ec != std::errc() || second.ptr != end || count > kHighest) return {};
    counts.emplace_back(hash, count);
  }
  return counts;
}

}  // namespace

Lineage extend_lineage(std::string_view trace_header, std::string_view function_name) {
  std::string header;
  Counts counts;
  while (!trace_header.empty()) {
    const auto semicolon = trace_header.find(';');
    const auto member = trace_header.substr(0, semicolon);
    trace_header.remove_prefix(semicolon == std::string_view::npos ? trace_header.size() : semicolon + 1);
    if (member.starts_with(kMember)) {
      counts = read_counts(member.substr(kMember.size()));
    } else if (!member.empty()) {
      header.append(member).push_back(';');
    }
  }
  const auto hash = hash_of(function_name);
  auto own = std::ranges::find(counts, hash, &Counts::value_type::first);
  if (own == counts.end()) {
    if (counts.size() == kFunctions) counts.erase(counts.begin());
    own = counts.emplace(counts.end(), hash, 0);
  }
  const auto count = ++own->second;
  header += kMember;
  for (const auto& [of, times] : counts) fmt::format_to(std::back_inserter(header), "{:08x}:{}+", of, times);
  header.pop_back();
  return {std::move(header), count};
}

}  // namespace lambent::invoke
