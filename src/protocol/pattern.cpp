#include "protocol/pattern.h"

#include <algorithm>

#include "protocol/utf8.h"

namespace lambent::protocol {
namespace {

std::uint8_t group_of(const Pattern& pattern, std::uint32_t point) {
  if (point < 128) return pattern.ascii[point];
  const auto after = std::upper_bound(pattern.ranges.begin(), pattern.ranges.end(), point,
                                      [](std::uint32_t p, const PatternRange& range) { return p < range.first; });
  return std::prev(after)->group;  // the first range begins at 128
}

}  // namespace

bool matches(const Pattern& pattern, std::string_view text) {
  std::size_t state = pattern.start;
  for (std::size_t at = 0; at < text.size() && state != 0;) {
    const auto next = state * pattern.groups + group_of(pattern, next_code_point(text, at));
    state = pattern.small ? pattern.small[next] : pattern.large[next];
  }
  return pattern.accepting[state];
}

}  // namespace lambent::protocol
