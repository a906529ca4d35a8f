// A regular expression of a service model as a deterministic automaton: built by the generator (which fails the build
// where it cannot), matched in one pass over the text, so no input can make it slow.
//
// Matching is of the whole text, as Java's Matcher.matches(), over code points.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lambent::protocol {

// Code points from `first` up to the next range's first belong to the group.
struct PatternRange {
  std::uint32_t first;
  std::uint8_t group;
};

struct Pattern {
  std::string_view text;  // as the model writes it, for messages
  std::uint16_t start;
  std::uint16_t groups;
  const std::uint8_t* ascii;             // 128 groups
  std::span<const PatternRange> ranges;  // from U+0080 on
  const std::uint8_t* small = nullptr;   // [state * groups + group] = next state; state 0 never matches
  const std::uint16_t* large = nullptr;  // the same, where there are more than 256 states
  const bool* accepting;
};

// The text must be valid UTF-8 (the readers see to it).
bool matches(const Pattern& pattern, std::string_view text);

}  // namespace lambent::protocol
