// Code points of text that is known to be valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lambent::protocol {

// The code point at `at`, which is moved past it. Never reads past the end, even of invalid text.
inline std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t index) -> std::uint32_t {
    return index < text.size() ? static_cast<unsigned char>(text[index]) & 0x3FU : 0;
  };
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t i = at;
  if (first < 0x80) return at += 1, first;
  if (first < 0xE0) return at += 2, (first & 0x1FU) << 6U | byte(i + 1);
  if (first < 0xF0) return at += 3, (first & 0x0FU) << 12U | byte(i + 1) << 6U | byte(i + 2);
  return at += 4, (first & 0x07U) << 18U | byte(i + 1) << 12U | byte(i + 2) << 6U | byte(i + 3);
}

// The length that Java's String.length() gives, which AWS's length constraints count: UTF-16 units.
inline std::size_t utf16_length(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U) length += byte >= 0xF0 ? 2 : 1;
  }
  return length;
}

}  // namespace lambent::protocol
