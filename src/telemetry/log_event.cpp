#include "telemetry/log_event.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>

#include "base/json_text.h"

namespace lambent::telemetry {
namespace {

// Where Wall ends (year 2262), less a little.
constexpr std::int64_t kLatestMs = 9'200'000'000'000;

}  // namespace

void append_event_line(std::string& out, std::int64_t time_ms, std::string_view stream, std::string_view text,
                       bool platform) {
  fmt::format_to(std::back_inserter(out), "{{\"t\":{},\"s\":\"", time_ms);
  append_json_escaped(out, stream);
  out += platform ? R"(","k":"platform","m":")" : R"(","m":")";
  append_json_escaped(out, text);
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
