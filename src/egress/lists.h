// Comma-separated addresses and ranges, as settings hold them; a word where there are none.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "egress/ip_address.h"

namespace lambent::egress {

namespace detail {
template <class T>
std::optional<std::vector<T>> parse_list(std::string_view text, std::string_view word_for_none) {
  std::vector<T> out;
  if (text == word_for_none) return out;
  for (;;) {
    const auto comma = text.find(',');
    const auto one = T::parse(text.substr(0, comma));
    if (!one) return std::nullopt;
    out.push_back(*one);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}
}  // namespace detail

// Nothing where an entry is none.
inline std::optional<std::vector<IpAddress>> parse_addresses(std::string_view text) {
  return detail::parse_list<IpAddress>(text, "host");
}
inline std::optional<std::vector<Cidr>> parse_ranges(std::string_view text) {
  return detail::parse_list<Cidr>(text, "none");
}

}  // namespace lambent::egress
