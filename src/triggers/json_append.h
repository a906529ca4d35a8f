// JSON text by appending; the caller writes punctuation.
#pragma once

#include <string>
#include <string_view>

namespace lambent::triggers {

// The text in quotes. Bytes that are not UTF-8 become U+FFFD, so that the result always parses.
void append_json_string(std::string& out, std::string_view text);

// The same without quotes, for texts that are put together.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace lambent::triggers
