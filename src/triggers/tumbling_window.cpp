#include "triggers/tumbling_window.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <boost/json.hpp>

#include "base/json_text.h"
#include "base/time_format.h"

namespace lambent::triggers {
namespace {

constexpr std::size_t kDeepest = 1000;

// "2026-11-23T05:34:00Z"
std::string second_text(std::int64_t at_ms) {
  return format_iso_millis(Wall(std::chrono::milliseconds(at_ms))).substr(0, 19) + "Z";
}

bool is_json(std::string_view text) {
  boost::system::error_code failed;
  boost::json::parse_options options;
  options.max_depth = kDeepest;
  std::ignore = boost::json::parse(boost::json::string_view(text.data(), text.size()), failed, {}, options);
  return !failed;
}

}  // namespace

TumblingWindow window_of(std::int64_t arrived_ms, std::int64_t seconds) {
  const std::int64_t length = seconds * 1000;
  const std::int64_t start = arrived_ms - arrived_ms % length;
  return {.start_ms = start, .end_ms = start + length};
}

std::string window_members(const TumblingWindow& window, WindowCall call, std::string_view shard,
                           std::string_view stream_arn) {
  std::string json = fmt::format(R"(,"window":{{"start":"{}","end":"{}"}},"state":{},"shardId":)",
                                 second_text(window.start_ms), second_text(window.end_ms), window.state);
  append_json_string(json, shard);
  json += R"(,"eventSourceARN":)";
  append_json_string(json, stream_arn);
  json += fmt::format(R"(,"isFinalInvokeForWindow":{},"isWindowTerminatedEarly":{})", call != WindowCall::aggregate,
                      call == WindowCall::early_final);
  return json;
}

// The text as it stands, so that numbers of any size stay what they are.
std::optional<std::string> returned_state(std::string_view answer) {
  if (!is_json(answer)) return std::nullopt;
  const simdjson::padded_string text(answer);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  simdjson::ondemand::value value;
  std::string_view state;
  if (parser.iterate(text).get(document) || document.get_object().get(object) ||
      object.find_field("state").get(value) || simdjson::to_json_string(value).get(state)) {
    return std::nullopt;
  }
  return std::string(state);
}

}  // namespace lambent::triggers
