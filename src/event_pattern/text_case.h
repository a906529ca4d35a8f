// Case, as far as ASCII knows it: what tests that ignore case compare.
#pragma once

#include <string>
#include <string_view>

namespace lambent::event_pattern {

inline char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

}  // namespace lambent::event_pattern
