// Bytes as text: hexadecimal, base64 (RFC 4648, with padding) and percent-encoding (RFC 3986).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lambent {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Lower-case digits.
std::string hex_encode(std::span<const std::byte> bytes);
// Nothing for an odd length or a character that is no digit; takes both cases.
std::optional<std::string> hex_decode(std::string_view text);

std::string base64_encode(std::string_view bytes);
// Strict: nothing for wrong padding, white space or foreign characters.
std::optional<std::string> base64_decode(std::string_view text);

// Encodes every octet but A-Z a-z 0-9 - . _ ~ (and '/' where keep_slash), upper-case digits, as SigV4 wants it.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// Nothing for a '%' without two digits. '+' stays '+', unless plus_is_space.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// Length of the well-formed UTF-8 character at the front (1 to 4; no surrogates, no overlong forms: RFC 3629's table);
// 0 where there is none.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace lambent
