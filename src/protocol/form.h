// Query strings and application/x-www-form-urlencoded bodies.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambent::protocol {

// Decoded pairs in the order sent, duplicates kept.
using Form = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::size_t kMaxFormPairs = 10'000;

// Nothing for a malformed percent-encoding, invalid UTF-8, or more than kMaxFormPairs pairs. In a query of REST '+' is
// itself.
std::optional<Form> parse_form(std::string_view text, bool plus_is_space);

// The first value of that key.
const std::string* find_in(const Form& form, std::string_view key);

}  // namespace lambent::protocol
