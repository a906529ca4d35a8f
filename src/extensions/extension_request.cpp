#include "extensions/extension_request.h"

#include <boost/json.hpp>

namespace lambent::extensions {
namespace {

constexpr std::string_view kPrefix = "/2020-01-01/extension/";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

bool is_extension_path(std::string_view path) {
  return path.starts_with(kPrefix);
}

ExtensionRoute parse_extension_route(std::string_view method, std::string_view path) {
  using Kind = ExtensionRoute::Kind;
  if (!is_extension_path(path)) return {};
  const auto when = [&](std::string_view wanted, Kind kind) {
    return ExtensionRoute{method == wanted ? kind : Kind::wrong_method};
  };
  path.remove_prefix(kPrefix.size());
  if (path == "register") return when("POST", Kind::registration);
  if (path == "event/next") return when("GET", Kind::next);
  if (path == "init/error") return when("POST", Kind::init_error);
  if (path == "exit/error") return when("POST", Kind::exit_error);
  return {};
}

std::expected<Events, ApiRefusal> parse_events(std::string_view body) {
  boost::system::error_code error;
  const boost::json::value root = boost::json::parse(body, error);
  const auto malformed = [](std::string_view why) {
    return std::unexpected(ApiRefusal{403, "InvalidRequestFormat", std::string(why)});
  };
  if (error || !root.is_object()) return malformed("The registration is not a JSON object");
  Events events;
  const boost::json::value* list = root.get_object().if_contains("events");
  if (list == nullptr || list->is_null()) return events;
  if (!list->is_array()) return malformed("events is not a list");
  for (const auto& each : list->get_array()) {
    if (!each.is_string()) return malformed("events holds something other than text");
    const std::string_view name(each.get_string());
    if (name == "INVOKE") {
      events.invoke = true;
    } else if (name == "SHUTDOWN") {
      events.shutdown = true;
    } else {
      return std::unexpected(ApiRefusal{403, "Extension.InvalidEventType", "An event is neither INVOKE nor SHUTDOWN"});
    }
  }
  return events;
}

bool accepts_feature(const edge::Headers& headers, std::string_view feature) {
  for (std::string_view list : headers.get_all("Lambda-Extension-Accept-Feature")) {
    while (!list.empty()) {
      const auto comma = list.find(',');
      if (trimmed(list.substr(0, comma)) == feature) return true;
      list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
  }
  return false;
}

edge::Response refusal_response(const ApiRefusal& refusal) {
  edge::Response response;
  response.status = refusal.status;
  response.headers.add("Content-Type", "application/json");
  const boost::json::object body{{"errorMessage", refusal.message}, {"errorType", refusal.type}};
  response.body = boost::json::serialize(body);
  return response;
}

}  // namespace lambent::extensions
