// Text as a JSON string (RFC 8259).
#pragma once

#include <string>
#include <string_view>

namespace lambent {

// Appends the text in quotes. Escapes what JSON demands, so that the result is one line, and DEL, so that it is a basic
// string of TOML too; each byte that is no UTF-8 becomes U+FFFD, so that the result always parses.
void append_json_string(std::string& out, std::string_view text);
// The same without quotes, for a string that is put together of several texts.
void append_json_escaped(std::string& out, std::string_view text);

std::string json_string(std::string_view text);

}  // namespace lambent
