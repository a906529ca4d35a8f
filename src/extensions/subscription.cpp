#include "extensions/subscription.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <optional>
#include <vector>

namespace lambent::extensions {
namespace {

namespace json = boost::json;

constexpr std::string_view kTelemetryPath = "/2022-07-01/telemetry";
constexpr std::string_view kLogsPath = "/2020-08-15/logs";
constexpr std::size_t kPathBytes = 1024;

bool is_at(std::string_view path, std::string_view of) {
  return path == of || (path.starts_with(of) && path.substr(of.size()) == "/");
}

// Collects what is wrong with a request.
struct Faults {
  std::vector<std::string> found;
  void add(std::string_view fault) { found.emplace_back(fault); }
};

std::string_view text_at(const json::object& of, std::string_view name) {
  const json::value* value = of.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

void read_schema(const json::object& root, TelemetryApi api, Faults& faults) {
  const json::value* value = root.if_contains("schemaVersion");
  if (value == nullptr && api == TelemetryApi::logs) return;
  static constexpr std::array<std::string_view, 3> kTelemetry{"2022-07-01", "2022-12-13", "2025-01-29"};
  static constexpr std::array<std::string_view, 3> kLogs{"2020-08-15", "2021-03-18", ""};
  const auto& known = api == TelemetryApi::telemetry ? kTelemetry : kLogs;
  const std::string_view version = text_at(root, "schemaVersion");
  if (version.empty() || std::ranges::find(known, version) == known.end()) faults.add("schemaVersion is not known");
}

void read_types(const json::object& root, Subscription& into, Faults& faults) {
  const json::value* types = root.if_contains("types");
  if (types == nullptr || !types->is_array() || types->get_array().empty())
    return faults.add("types should not be empty");
  for (const auto& each : types->get_array()) {
    const std::string_view name = each.is_string() ? std::string_view(each.get_string()) : std::string_view();
    if (name == "platform") {
      into.platform = true;
    } else if (name == "function") {
      into.function = true;
    } else if (name == "extension") {
      into.extension = true;
    } else {
      return faults.add("types holds something other than platform, function and extension");
    }
  }
}

template <class T>
void read_bound(const json::object& buffering, std::string_view name, std::uint64_t least, std::uint64_t most, T& into,
                Faults& faults) {
  const json::value* value = buffering.if_contains(name);
  if (value == nullptr) return;
  json::error_code error;
  const auto number = value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  if (!value->is_number() || error || number < least || number > most) {
    return faults.add(fmt::format("{} should be between {} and {}", name, least, most));
  }
  into = T(number);
}

void read_buffering(const json::object& root, Subscription& into, Faults& faults) {
  const json::value* buffering = root.if_contains("buffering");
  if (buffering == nullptr || buffering->is_null()) return;
  if (!buffering->is_object()) return faults.add("buffering is not an object");
  read_bound(buffering->get_object(), "maxItems", 1'000, 10'000, into.max_items, faults);
  read_bound(buffering->get_object(), "maxBytes", 262'144, 1'048'576, into.max_bytes, faults);
  read_bound(buffering->get_object(), "timeoutMs", 25, 30'000, into.timeout, faults);
}

bool is_path_byte(char c) {
  return c > ' ' && c <= '~';
}

void read_uri(std::string_view uri, Subscription& into, Faults& faults) {
  constexpr std::string_view kScheme = "http://";
  if (!uri.starts_with(kScheme)) return faults.add("URI should begin with http://");
  uri.remove_prefix(kScheme.size());
  const auto slash = std::min(uri.find('/'), uri.size());
  const std::string_view authority = uri.substr(0, slash);
  const std::string_view path = uri.substr(slash);
  const auto colon = authority.find(':');
  const std::string_view host = authority.substr(0, colon);
  if (host != "sandbox.localdomain" && host != "sandbox") faults.add("URI host should be sandbox.localdomain");
  if (colon == std::string_view::npos) return faults.add("URI port is not provided");
  const std::string_view digits = authority.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into.port);
  if (error != std::errc() || end != digits.data() + digits.size()) return faults.add("URI port is not a port");
  if (path.size() > kPathBytes || !std::ranges::all_of(path, is_path_byte) || path.contains('#')) {
    return faults.add("URI path is not valid");
  }
  into.authority = authority;
  if (!path.empty()) into.path = path;
}

void read_destination(const json::object& root, std::uint16_t reserved_port, Subscription& into, Faults& faults) {
  const json::value* value = root.if_contains("destination");
  if (value == nullptr || !value->is_object()) return faults.add("destination is not provided");
  const json::object& destination = value->get_object();
  const std::string_view protocol = text_at(destination, "protocol");
  if (protocol == "HTTP") {
    read_uri(text_at(destination, "URI"), into, faults);
  } else if (protocol == "TCP") {
    into.is_http = false;
    const json::value* port = destination.if_contains("port");
    json::error_code error;
    if (port != nullptr && port->is_number()) into.port = port->to_number<std::uint16_t>(error);
    if (port == nullptr || !port->is_number() || error) return faults.add("port is not provided");
  } else {
    return faults.add("protocol should be HTTP or TCP");
  }
  if (into.port == 0 || into.port == reserved_port) faults.add("the port is reserved");
}

}  // namespace

std::string Subscription::types_text() const {
  std::string text;
  for (const auto& [is_asked, name] :
       {std::pair(platform, "Platform"), std::pair(function, "Function"), std::pair(extension, "Extension")}) {
    if (is_asked) text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

bool is_telemetry_path(std::string_view path) {
  return is_at(path, kTelemetryPath) || is_at(path, kLogsPath);
}

TelemetryApi telemetry_api_of(std::string_view path) {
  return is_at(path, kLogsPath) ? TelemetryApi::logs : TelemetryApi::telemetry;
}

std::expected<Subscription, ApiRefusal> parse_subscription(TelemetryApi api, std::string_view body,
                                                           std::uint16_t reserved_port) {
  boost::system::error_code error;
  const json::value root = json::parse(body, error);
  if (error || !root.is_object()) {
    return std::unexpected(ApiRefusal{400, "ValidationError", "The subscription is not a JSON object"});
  }
  Subscription read;
  read.api = api;
  if (api == TelemetryApi::logs) read.max_items = 10'000;
  Faults faults;
  read_schema(root.get_object(), api, faults);
  read_destination(root.get_object(), reserved_port, read, faults);
  read_types(root.get_object(), read, faults);
  read_buffering(root.get_object(), read, faults);
  if (faults.found.empty()) return read;
  return std::unexpected(ApiRefusal{400, "ValidationError", fmt::format("{}", fmt::join(faults.found, "; "))});
}

}  // namespace lambent::extensions
