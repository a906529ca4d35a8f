#include "protocol/json_writer.h"

#include <fmt/format.h>

#include <cmath>

#include "base/encoding.h"

namespace lambent::protocol {
namespace {

bool plain(unsigned char c) {
  return c >= 0x20 && c != '"' && c != '\\' && c < 0x80;
}

void append_escape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
  }
}

// The bytes of the well-formed character that begins at `at`; 0 where there is none.
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return first >= 0xC2 && at + size <= text.size() && is_utf8(text.substr(at, size)) ? size : 0;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && plain(static_cast<unsigned char>(text[end]))) ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x80) {
      append_escape(out, c);
      ++at;
    } else if (const auto size = character_size(text, at)) {
      out.append(text, at, size);
      at += size;
    } else {
      out += "\xEF\xBF\xBD";
      ++at;
    }
  }
  out += '"';
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  comma_ = false;
}

void JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
}

void JsonWriter::base64(std::string_view bytes) {
  separate();
  out_ += '"';
  out_ += base64_encode(bytes);
  out_ += '"';
}

void JsonWriter::boolean(bool value) {
  raw(value ? "true" : "false");
}

void JsonWriter::integer(std::int64_t value) {
  raw(fmt::format_int(value).c_str());
}

void JsonWriter::floating(double value) {
  if (std::isnan(value)) return string("NaN");
  if (std::isinf(value)) return string(value < 0 ? "-Infinity" : "Infinity");
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  raw(text);
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

}  // namespace lambent::protocol
