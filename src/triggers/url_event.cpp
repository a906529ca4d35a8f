#include "triggers/url_event.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <optional>
#include <vector>

#include "base/encoding.h"
#include "base/json_text.h"

namespace lambent::triggers {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view header(const UrlRequest& request, std::string_view name) {
  for (const auto& field : request.headers) {
    if (same_name(field.name, name)) return field.value;
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  append_json_string(out, value);
}

// Every cookie of every Cookie header, each as "name=value".
void append_cookies(std::string& out, const UrlRequest& request) {
  bool any = false;
  for (const auto& field : request.headers) {
    if (!same_name(field.name, "cookie")) continue;
    auto rest = field.value;
    while (!rest.empty()) {
      const auto semicolon = rest.find(';');
      const auto cookie = trimmed(rest.substr(0, semicolon));
      rest = semicolon == std::string_view::npos ? std::string_view() : rest.substr(semicolon + 1);
      if (cookie.empty()) continue;
      out += any ? "," : "\"cookies\":[";
      append_json_string(out, cookie);
      any = true;
    }
  }
  if (any) out += "],";
}

// Lower-case names; the values of one name joined by commas; Cookie is apart.
void append_headers(std::string& out, const UrlRequest& request) {
  out += "\"headers\":{";
  const auto fields = request.headers;
  bool any = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto same = [&](const HeaderField& other) { return same_name(other.name, fields[i].name); };
    if (same_name(fields[i].name, "cookie")) continue;
    if (std::any_of(fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(i), same)) continue;
    if (any) out += ',';
    any = true;
    out += '"';
    for (const char c : fields[i].name) out += lower(c);  // a token: nothing to escape
    out += "\":\"";
    append_json_escaped(out, fields[i].value);
    for (std::size_t j = i + 1; j < fields.size(); ++j) {
      if (!same(fields[j])) continue;
      out += ',';
      append_json_escaped(out, fields[j].value);
    }
    out += '"';
  }
  out += "},";
}

struct Parameter {
  std::string name;
  std::string value;
};

std::string decoded(std::string_view text) {
  auto plain = percent_decode(text, true);
  return plain ? std::move(*plain) : std::string(text);
}

// Decoded; the values of one name joined by commas. Left out where there is no query, as AWS does.
void append_query(std::string& out, const UrlRequest& request) {
  std::vector<Parameter> parameters;
  auto rest = request.raw_query;
  while (!rest.empty()) {
    const auto ampersand = rest.find('&');
    const auto pair = rest.substr(0, ampersand);
    rest = ampersand == std::string_view::npos ? std::string_view() : rest.substr(ampersand + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decoded(pair.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1));
    const auto known = std::ranges::find(parameters, name, &Parameter::name);
    if (known == parameters.end()) {
      parameters.push_back({std::move(name), std::move(value)});
    } else {
      known->value += ',';
      known->value += value;
    }
  }
  if (parameters.empty()) return;
  out += "\"queryStringParameters\":{";
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, parameters[i].name);
    out += ':';
    append_json_string(out, parameters[i].value);
  }
  out += "},";
}

// "23/Nov/2026:05:34:00 +0000"
void append_clf_time(std::string& out, Wall time) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000"),
                 static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                 static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count());
}

void append_authorizer(std::string& out, const IamCaller& caller) {
  out += "\"authorizer\":{\"iam\":{";
  append_member(out, "accessKey", caller.access_key);
  out += ',';
  append_member(out, "accountId", caller.account_id);
  out += ',';
  append_member(out, "callerId", caller.caller_id);
  out += ",\"cognitoIdentity\":null,\"principalOrgId\":null,";
  append_member(out, "userArn", caller.user_arn);
  out += ',';
  append_member(out, "userId", caller.user_id);
  out += "}},";
}

void append_context(std::string& out, const UrlRequest& request) {
  out += "\"requestContext\":{";
  append_member(out, "accountId", request.iam ? request.account_id : "anonymous");
  out += ',';
  append_member(out, "apiId", request.url_id);
  out += ',';
  if (request.iam) append_authorizer(out, *request.iam);
  append_member(out, "domainName", request.domain_name);
  out += ',';
  append_member(out, "domainPrefix", request.url_id);
  out += ",\"http\":{";
  append_member(out, "method", request.method);
  out += ',';
  append_member(out, "path", request.raw_path);
  out += ',';
  append_member(out, "protocol", request.protocol);
  out += ',';
  append_member(out, "sourceIp", request.source_ip);
  out += ',';
  append_member(out, "userAgent", header(request, "user-agent"));
  out += "},";
  append_member(out, "requestId", request.request_id);
  out += R"(,"routeKey":"$default","stage":"$default","time":")";
  append_clf_time(out, request.time);
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(request.time.time_since_epoch());
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\",\"timeEpoch\":{}}},"), since_epoch.count());
}

void append_body(std::string& out, const UrlRequest& request) {
  if (request.body.empty()) {
    out += "\"isBase64Encoded\":false}";
  } else if (is_text_content(header(request, "content-type")) && is_utf8(request.body)) {
    append_member(out, "body", request.body);
    out += ",\"isBase64Encoded\":false}";
  } else {
    out += "\"body\":\"";
    out += base64_encode(request.body);
    out += "\",\"isBase64Encoded\":true}";
  }
}

}  // namespace

bool is_text_content(std::string_view content_type) {
  static constexpr std::array kTextTypes = std::to_array<std::string_view>(
      {"application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded"});
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  std::array<char, 64> buffer;
  if (type.size() > buffer.size()) return false;
  std::ranges::transform(type, buffer.begin(), lower);
  const std::string_view name(buffer.data(), type.size());
  return name.starts_with("text/") || name.ends_with("+json") || name.ends_with("+xml") ||
         std::ranges::find(kTextTypes, name) != kTextTypes.end();
}

std::string make_url_event(const UrlRequest& request) {
  std::string out;
  std::size_t header_bytes = 0;
  for (const auto& field : request.headers) header_bytes += field.name.size() + field.value.size() + 6;
  out.reserve(1024 + header_bytes + 2 * request.raw_path.size() + 3 * request.raw_query.size() +
              request.body.size() * 4 / 3);
  out += R"({"version":"2.0","routeKey":"$default",)";
  append_member(out, "rawPath", request.raw_path);
  out += ',';
  append_member(out, "rawQueryString", request.raw_query);
  out += ',';
  append_cookies(out, request);
  append_headers(out, request);
  append_query(out, request);
  append_context(out, request);
  append_body(out, request);
  return out;
}

}  // namespace lambent::triggers
