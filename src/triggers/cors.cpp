#include "triggers/cors.h"

#include <algorithm>
#include <string>
#include <vector>

namespace lambent::triggers {
namespace {

bool contains_any_case(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const std::string& entry) { return edge::equals_ignoring_case(entry, wanted); });
}

bool has_star(const std::vector<std::string>& list) {
  return std::ranges::find(list, "*") != list.end();
}

// "http://*" allows every origin of that scheme, as the API's documentation has it.
bool matches_scheme_wildcard(std::string_view rule, std::string_view origin) {
  return rule.ends_with("://*") && origin.starts_with(rule.substr(0, rule.size() - 1));
}

// The value of Access-Control-Allow-Origin; nothing where the origin is not allowed.
std::optional<std::string_view> allowed_origin(const catalog::Cors& cors, std::string_view origin) {
  if (has_star(cors.allow_origins)) return cors.allow_credentials ? origin : std::string_view("*");
  const auto allows = [&](const std::string& rule) { return rule == origin || matches_scheme_wildcard(rule, origin); };
  if (std::ranges::any_of(cors.allow_origins, allows)) return origin;
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& entry : list) {
    if (!out.empty()) out += ',';
    out += entry;
  }
  return out;
}

bool all_headers_allowed(const catalog::Cors& cors, std::string_view asked) {
  if (has_star(cors.allow_headers)) return true;
  while (!asked.empty()) {
    const auto comma = asked.find(',');
    auto name = asked.substr(0, comma);
    asked = comma == std::string_view::npos ? std::string_view() : asked.substr(comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty() && !contains_any_case(cors.allow_headers, name)) return false;
  }
  return true;
}

void add_origin(const catalog::Cors& cors, std::string_view allowed, edge::Headers& headers) {
  headers.set("Access-Control-Allow-Origin", allowed);
  if (allowed != "*") headers.add("Vary", "Origin");
  if (cors.allow_credentials) headers.set("Access-Control-Allow-Credentials", "true");
}

}  // namespace

bool is_preflight(const edge::RequestHead& request) {
  return request.method == "OPTIONS" && request.headers.has("Origin") &&
         request.headers.has("Access-Control-Request-Method");
}

edge::Response preflight_response(const catalog::Cors& cors, const edge::RequestHead& request) {
  edge::Response response;
  const auto allowed = allowed_origin(cors, request.headers.get_or("Origin", ""));
  const auto method = request.headers.get_or("Access-Control-Request-Method", "");
  const auto asked_headers = request.headers.get_or("Access-Control-Request-Headers", "");
  const bool method_allowed = has_star(cors.allow_methods) || contains_any_case(cors.allow_methods, method);
  if (!allowed || !method_allowed || !all_headers_allowed(cors, asked_headers)) return response;
  add_origin(cors, *allowed, response.headers);
  // "*" does not count for requests with credentials, so what was asked for is named.
  response.headers.set("Access-Control-Allow-Methods",
                       has_star(cors.allow_methods) ? std::string(method) : joined(cors.allow_methods));
  if (!asked_headers.empty()) {
    response.headers.set("Access-Control-Allow-Headers",
                         has_star(cors.allow_headers) ? std::string(asked_headers) : joined(cors.allow_headers));
  }
  if (cors.max_age_seconds) {
    response.headers.set("Access-Control-Max-Age", std::to_string(*cors.max_age_seconds));
  }
  return response;
}

void add_cors_headers(const catalog::Cors& cors, const edge::RequestHead& request, edge::Headers& headers) {
  const auto origin = request.headers.get("Origin");
  if (!origin) return;
  const auto allowed = allowed_origin(cors, *origin);
  if (!allowed) return;
  add_origin(cors, *allowed, headers);
  if (!cors.expose_headers.empty()) headers.set("Access-Control-Expose-Headers", joined(cors.expose_headers));
}

}  // namespace lambent::triggers
