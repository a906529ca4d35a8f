#include "triggers/url_response.h"

#include <simdjson.h>

#include <cmath>
#include <cstdint>

#include "base/encoding.h"

namespace lambent::triggers {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kPreludeLimit = 64 * 1024;  // no header set of an HTTP client is larger
constexpr std::string_view kPreludeEnd("\0\0\0\0\0\0\0\0", 8);

// Numbers and booleans in headers are written out, as AWS does.
std::optional<std::string> scalar_text(dom::element value) {
  if (std::string_view text; !value.get_string().get(text)) return std::string(text);
  if (value.is_number() || value.is_bool()) return simdjson::minify(value);
  return std::nullopt;
}

// A whole number of three digits; a text that holds one will do, as on AWS.
std::optional<int> read_status(dom::element value) {
  std::int64_t status = 0;
  std::string_view text;
  if (!value.get_string().get(text)) {
    if (text.size() != 3) return std::nullopt;
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      status = status * 10 + (c - '0');
    }
  } else if (double number = 0; value.get_int64().get(status)) {
    if (value.get_double().get(number) || number != std::floor(number) || number < 0 || number > 999) {
      return std::nullopt;
    }
    status = static_cast<std::int64_t>(number);
  }
  if (status < 200 || status > 599) return std::nullopt;  // 1xx would leave the client waiting for another
  return static_cast<int>(status);
}

bool read_headers(dom::element value, UrlResponse& out) {
  if (value.is_null()) return true;
  dom::object headers;
  if (value.get_object().get(headers)) return false;
  for (const auto& [name, content] : headers) {
    if (content.is_null()) continue;
    auto text = scalar_text(content);
    if (!text) return false;
    out.headers.emplace_back(std::string(name), std::move(*text));
  }
  return true;
}

bool read_cookies(dom::element value, UrlResponse& out) {
  if (value.is_null()) return true;
  dom::array cookies;
  if (value.get_array().get(cookies)) return false;
  for (const auto cookie : cookies) {
    std::string_view text;
    if (cookie.get_string().get(text)) return false;
    out.cookies.emplace_back(text);
  }
  return true;
}

// statusCode, headers and cookies, which both forms have. `status_required`: without one it is no response object.
bool read_head(dom::object object, UrlResponse& out) {
  if (dom::element status; !object["statusCode"].get(status)) {
    const auto code = read_status(status);
    if (!code) return false;
    out.status = *code;
  }
  if (dom::element headers; !object["headers"].get(headers) && !read_headers(headers, out)) return false;
  if (dom::element cookies; !object["cookies"].get(cookies) && !read_cookies(cookies, out)) return false;
  return true;
}

bool read_body(dom::object object, UrlResponse& out) {
  dom::element body;
  if (object["body"].get(body) || body.is_null()) return true;
  bool encoded = false;
  if (dom::element flag; !object["isBase64Encoded"].get(flag) && !flag.is_null() && flag.get_bool().get(encoded)) {
    return false;
  }
  std::string_view text;
  if (body.get_string().get(text)) {
    if (encoded) return false;
    out.body = simdjson::minify(body);
    return true;
  }
  if (!encoded) {
    out.body = text;
    return true;
  }
  auto bytes = base64_decode(text);
  if (!bytes) return false;
  out.body = std::move(*bytes);
  return true;
}

bool has_header(const UrlResponse& response, std::string_view lower_name) {
  for (const auto& [name, value] : response.headers) {
    if (name.size() != lower_name.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size(); ++i) same = same && (name[i] | 0x20) == lower_name[i];
    if (same) return true;
  }
  return false;
}

}  // namespace

std::optional<UrlResponse> decode_url_answer(const std::string& payload) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(payload).get(root)) return std::nullopt;
  UrlResponse out;
  dom::object object;
  const bool is_response = !root.get_object().get(object) && !object["statusCode"].error();
  if (!is_response) {
    // The text itself, quotes of a string included.
    out.body = payload;
    out.headers.emplace_back("Content-Type", "application/json");
    return out;
  }
  if (!read_head(object, out) || !read_body(object, out)) return std::nullopt;
  if (!has_header(out, "content-type")) out.headers.emplace_back("Content-Type", "application/json");
  return out;
}

bool is_within_prelude(std::string_view payload) {
  return payload.size() < kPreludeLimit && payload.find(kPreludeEnd) == std::string_view::npos;
}

std::optional<UrlResponse> decode_http_integration(std::string_view payload) {
  const auto end = payload.substr(0, kPreludeLimit + kPreludeEnd.size()).find(kPreludeEnd);
  if (end == std::string_view::npos) return std::nullopt;
  dom::parser parser;
  dom::element root;
  dom::object object;
  if (parser.parse(payload.data(), end, true).get(root) || root.get_object().get(object)) return std::nullopt;
  UrlResponse out;
  if (!read_head(object, out)) return std::nullopt;
  out.body = payload.substr(end + kPreludeEnd.size());
  if (!has_header(out, "content-type")) out.headers.emplace_back("Content-Type", "application/octet-stream");
  return out;
}

}  // namespace lambent::triggers
