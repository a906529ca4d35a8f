#include "edge/framing.h"

namespace lambent::edge {

namespace {

std::unexpected<HttpError> malformed(std::string_view message) {
  return http_fail(HttpError::Kind::malformed, 400, message);
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

HttpResult<Framing> read_framing(std::span<const Header> fields, bool is_http10) {
  Framing framing;
  for (const auto [name, value] : fields) {
    if (equals_ignoring_case(name, "content-length")) {
      if (framing.content_length) return malformed("Content-Length is given twice.");
      framing.content_length = parse_content_length(value);
      if (!framing.content_length) return malformed("Content-Length is malformed.");
    } else if (equals_ignoring_case(name, "transfer-encoding")) {
      if (framing.is_chunked || !equals_ignoring_case(value, "chunked")) {
        return malformed("The only transfer coding understood is chunked.");
      }
      framing.is_chunked = true;
    } else if (equals_ignoring_case(name, "host")) {
      framing.hosts++;
      framing.host = value;
    } else if (equals_ignoring_case(name, "expect")) {
      framing.expect = value;
    }
  }
  if (framing.is_chunked && framing.content_length) {
    return malformed("Content-Length and Transfer-Encoding exclude each other.");
  }
  if (framing.is_chunked && is_http10) return malformed("HTTP/1.0 has no Transfer-Encoding.");
  return framing;
}

HttpResult<std::string_view> origin_form(std::string_view method, std::string_view target, std::string_view host) {
  if (target.starts_with('/') || (target == "*" && method == "OPTIONS")) return target;
  const auto scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return malformed("The request target is malformed.");
  const auto scheme = target.substr(0, scheme_end);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return malformed("The request target is malformed.");
  }
  const auto rest = target.substr(scheme_end + 3);
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || !equals_ignoring_case(rest.substr(0, slash), host)) {
    return malformed("The request target does not agree with Host.");
  }
  return rest.substr(slash);
}

}  // namespace lambent::edge
