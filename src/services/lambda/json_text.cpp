#include "services/lambda/json_text.h"

#include <simdjson.h>

namespace lambent::services::lambda {
namespace {

// A parser that has seen a large payload keeps its memory; beyond this size it is not kept.
constexpr std::size_t kKeptCapacity = 256 * 1024;

simdjson::simdjson_result<simdjson::dom::element> parse(simdjson::dom::parser& parser, const std::string& text) {
  // Copied where the text has no room behind its end for the parser's wide reads.
  const bool needs_copy = text.capacity() - text.size() < simdjson::SIMDJSON_PADDING;
  return parser.parse(text.data(), text.size(), needs_copy);
}

}  // namespace

std::optional<std::string> json_problem(const std::string& text) {
  thread_local simdjson::dom::parser parser;
  const auto error = parse(parser, text).error();
  if (parser.capacity() > kKeptCapacity) parser = simdjson::dom::parser();
  if (!error) return std::nullopt;
  return std::string(simdjson::error_message(error));
}

bool is_json_object(const std::string& text) {
  simdjson::dom::parser parser;
  const auto element = parse(parser, text);
  return !element.error() && element.value_unsafe().is_object();
}

}  // namespace lambent::services::lambda
