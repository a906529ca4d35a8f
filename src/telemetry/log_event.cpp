#include "telemetry/log_event.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>

namespace lambent::telemetry {
namespace {

// Where Wall ends (year 2262), less a little.
constexpr std::int64_t kLatestMs = 9'200'000'000'000;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Length of the well-formed UTF-8 character at the start of `text`; 0 where there is none (RFC 3629's table).
std::size_t character_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  const unsigned second = at(1);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool fits = (lead != 0xE0 || second >= 0xA0) && (lead != 0xED || second < 0xA0);
    return fits && continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool fits = (lead != 0xF0 || second >= 0x90) && (lead != 0xF4 || second < 0x90);
    return fits && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

bool is_plain(char c) {
  return c >= ' ' && c < '\x7f' && c != '"' && c != '\\';
}

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const std::size_t length = character_length(text);
    const char c = text.front();
    if (length == 0) {
      out += kReplacement;
    } else if (length > 1) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\t') {
      out += "\\t";
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

void append_event_line(std::string& out, std::int64_t time_ms, std::string_view stream, std::string_view text,
                       bool platform) {
  fmt::format_to(std::back_inserter(out), "{{\"t\":{},\"s\":\"", time_ms);
  append_escaped(out, stream);
  out += platform ? R"(","k":"platform","m":")" : R"(","m":")";
  append_escaped(out, text);
  out += "\"}\n";
}

std::optional<LogEvent> parse_event_line(std::string_view line) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  LogEvent event;
  std::string_view stream, text, kind;
  if (root["t"].get(event.time_ms) != simdjson::SUCCESS || root["s"].get(stream) != simdjson::SUCCESS ||
      root["m"].get(text) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  if (event.time_ms < 0 || event.time_ms > kLatestMs) return std::nullopt;
  event.platform = root["k"].get(kind) == simdjson::SUCCESS && kind == "platform";
  event.stream = stream;
  event.text = text;
  return event;
}

}  // namespace lambent::telemetry
