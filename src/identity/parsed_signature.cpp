#include "identity/parsed_signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "base/time_format.h"
#include "identity/crypto.h"
#include "identity/sigv4.h"

namespace lambent::identity {
namespace {

constexpr std::chrono::seconds kLongestLifetime{7 * 24 * 3600};
constexpr std::chrono::seconds kDefaultLifetime{15 * 60};

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

struct Parameter {
  std::string value;
  std::size_t count = 0;
};

// The decoded value of a query parameter (the last of several), and how often it stands there.
Parameter query_parameter(std::string_view query, std::string_view name) {
  Parameter found;
  if (query.empty()) return found;
  for (const std::string_view part : split(query, '&')) {
    const auto equals = part.find('=');
    if (part.substr(0, equals) != name) continue;
    ++found.count;
    found.value.clear();
    if (equals == std::string_view::npos) continue;
    if (auto decoded = percent_decode(part.substr(equals + 1))) found.value = *std::move(decoded);
  }
  return found;
}

// AWS no longer repeats the header to the sender: it may hold a secret sent by mistake.
std::string hashed(std::string_view authorization) {
  const Digest digest = Crypto().sha256(authorization);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

struct Parts {
  std::string_view credential, signed_headers, signature;
};

// "Credential=…, SignedHeaders=…, Signature=…" in any order; which are missing is told by the caller.
std::expected<Parts, std::string> split_authorization(std::string_view authorization) {
  Parts parts;
  std::string_view rest = trim(authorization.substr(std::min(authorization.find(' '), authorization.size())));
  if (rest.empty()) return parts;
  for (const std::string_view piece : split(rest, ',')) {
    const std::string_view pair = trim(piece);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) {
      return std::unexpected(
          fmt::format("Invalid key=value pair (missing equal-sign) in Authorization header (hashed "
                      "with SHA-256 and encoded with Base64): '{}'.",
                      hashed(authorization)));
    }
    const std::string_view key = pair.substr(0, equals);
    std::string_view* slot = key == "Credential"      ? &parts.credential
                             : key == "SignedHeaders" ? &parts.signed_headers
                             : key == "Signature"     ? &parts.signature
                                                      : nullptr;
    if (slot == nullptr) continue;
    if (!slot->empty()) return std::unexpected(fmt::format("Authorization header has more than one '{}'.", key));
    *slot = pair.substr(equals + 1);
  }
  return parts;
}

std::string missing_parts(const Parts& parts, bool dated, std::string_view authorization) {
  std::string text;
  const auto require = [&](std::string_view part, std::string_view name) {
    if (part.empty()) text += fmt::format("Authorization header requires '{}' parameter. ", name);
  };
  require(parts.credential, "Credential");
  require(parts.signature, "Signature");
  require(parts.signed_headers, "SignedHeaders");
  if (!dated) text += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (text.empty()) return text;
  return fmt::format("{}(Hashed with SHA-256 and encoded with Base64) Authorization={}", text, hashed(authorization));
}

// "Mon, 23 Nov 2026 05:34:00 GMT" as X-Amz-Date would say it; nothing for any other form.
std::optional<std::string> amz_date_of_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  return fmt::format("{}{:02}{}T{}{}{}Z", text.substr(12, 4), month - kMonths.begin() + 1, text.substr(5, 2),
                     text.substr(17, 2), text.substr(20, 2), text.substr(23, 2));
}

std::expected<void, AuthError> read_date(ParsedSignature& parsed, std::string text, ErrorStyle style) {
  if (auto converted = amz_date_of_http_date(text)) text = *std::move(converted);
  const auto time = parse_amz_date(text);
  if (!time) {
    return std::unexpected(AuthError::of(
        Refusal::incomplete_signature, style,
        fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
                    text)));
  }
  parsed.time = *time;
  parsed.amz_date = std::move(text);
  return {};
}

std::expected<void, AuthError> read_credential(ParsedSignature& parsed, std::string_view credential, ErrorStyle style) {
  const auto elements = split(credential, '/');
  if (elements.size() != 5) {
    return std::unexpected(AuthError::of(
        Refusal::incomplete_signature, style,
        fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                    "got '{}'",
                    credential)));
  }
  if (elements[4] != "aws4_request") {
    return std::unexpected(AuthError::of(
        Refusal::bad_signature, style,
        fmt::format("Credential should be scoped with a valid terminator: 'aws4_request', not '{}'.", elements[4])));
  }
  parsed.access_key_id = elements[0];
  parsed.scope_date = elements[1];
  parsed.region = elements[2];
  parsed.service = elements[3];
  return {};
}

std::expected<void, AuthError> read_signed_headers(ParsedSignature& parsed, std::string_view list, ErrorStyle style) {
  const auto names = split(list, ';');
  if (names.size() > kSignedHeadersMax) {
    return std::unexpected(AuthError::of(Refusal::incomplete_signature, style, "Too many SignedHeaders."));
  }
  parsed.signed_headers.reserve(names.size());
  for (const std::string_view name : names) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), to_lower);
    parsed.signed_headers.push_back(std::move(lower));
  }
  return {};
}

// What both forms have in common, once their parts are at hand.
std::expected<ParsedSignature, AuthError> assemble(ParsedSignature parsed, const Parts& parts, std::string date,
                                                   ErrorStyle style) {
  LAMBENT_TRY_VOID(read_credential(parsed, parts.credential, style));
  LAMBENT_TRY_VOID(read_signed_headers(parsed, parts.signed_headers, style));
  LAMBENT_TRY_VOID(read_date(parsed, std::move(date), style));
  parsed.signature = parts.signature;
  return parsed;
}

std::expected<ParsedSignature, AuthError> parse_header_form(const RequestView& request, std::string_view authorization,
                                                            ErrorStyle style) {
  const auto incomplete = [&](std::string text) {
    return std::unexpected(AuthError::of(Refusal::incomplete_signature, style, std::move(text)));
  };
  const std::string_view algorithm = authorization.substr(0, authorization.find(' '));
  if (algorithm != kAlgorithm && algorithm.starts_with("AWS4-")) {
    return incomplete(fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm));
  }
  const auto parts = split_authorization(authorization);
  if (!parts) return incomplete(parts.error());
  std::size_t dates = 0;
  std::size_t tokens = 0;
  std::string_view date = header_value(request, "x-amz-date", &dates);
  if (dates == 0) date = header_value(request, "date", &dates);
  if (auto missing = missing_parts(*parts, !date.empty(), authorization); !missing.empty()) return incomplete(missing);
  if (algorithm != kAlgorithm) return incomplete(fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm));
  ParsedSignature parsed;
  parsed.session_token = header_value(request, "x-amz-security-token", &tokens);
  if (dates > 1 || tokens > 1) return incomplete("X-Amz-Date and X-Amz-Security-Token must stand in a request once.");
  return assemble(std::move(parsed), *parts, std::string(date), style);
}

std::expected<std::chrono::seconds, std::string> read_lifetime(const Parameter& expires) {
  if (expires.count == 0) return kDefaultLifetime;
  long long seconds = -1;
  const char* end = expires.value.data() + expires.value.size();
  const auto [stop, failure] = std::from_chars(expires.value.data(), end, seconds);
  if (failure != std::errc() || stop != end) return std::unexpected("X-Amz-Expires should be a number");
  if (seconds < 0) return std::unexpected("X-Amz-Expires must be non-negative");
  if (seconds > kLongestLifetime.count()) {
    return std::unexpected(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
        "604800 seconds");
  }
  return std::chrono::seconds(seconds);
}

std::expected<ParsedSignature, AuthError> parse_query_form(const RequestView& request, ErrorStyle style) {
  const auto incomplete = [&](std::string text) {
    return std::unexpected(AuthError::of(Refusal::incomplete_signature, style, std::move(text)));
  };
  const Parameter algorithm = query_parameter(request.query, "X-Amz-Algorithm");
  const Parameter credential = query_parameter(request.query, "X-Amz-Credential");
  const Parameter signature = query_parameter(request.query, "X-Amz-Signature");
  const Parameter headers = query_parameter(request.query, "X-Amz-SignedHeaders");
  const Parameter date = query_parameter(request.query, "X-Amz-Date");
  for (const Parameter* parameter : {&algorithm, &credential, &signature, &headers, &date}) {
    if (parameter->count == 1 && !parameter->value.empty()) continue;
    return incomplete(
        "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', "
        "'X-Amz-SignedHeaders', 'X-Amz-Date', each once. Re-examine the query-string parameters.");
  }
  if (algorithm.value != kAlgorithm) {
    return incomplete(fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm.value));
  }
  const auto lifetime = read_lifetime(query_parameter(request.query, "X-Amz-Expires"));
  if (!lifetime) return incomplete(lifetime.error());
  ParsedSignature parsed;
  parsed.lifetime = *lifetime;
  parsed.session_token = query_parameter(request.query, "X-Amz-Security-Token").value;
  const Parts parts{credential.value, headers.value, signature.value};
  return assemble(std::move(parsed), parts, date.value, style);
}

bool has_query_form(const RequestView& request) {
  return query_parameter(request.query, "X-Amz-Algorithm").count > 0 ||
         query_parameter(request.query, "X-Amz-Signature").count > 0;
}

}  // namespace

std::string_view header_value(const RequestView& request, std::string_view lower_name, std::size_t* count) {
  std::string_view value;
  std::size_t found = 0;
  for (const HeaderView& header : request.headers) {
    if (header.name.size() != lower_name.size() || !std::ranges::equal(header.name, lower_name, {}, to_lower)) continue;
    if (found++ == 0) value = trim(header.value);
  }
  if (count != nullptr) *count = found;
  return value;
}

std::expected<ParsedSignature, AuthError> parse_signature(const RequestView& request, ErrorStyle style) {
  std::size_t count = 0;
  const std::string_view authorization = header_value(request, "authorization", &count);
  if (count > 1) {
    return std::unexpected(
        AuthError::of(Refusal::incomplete_signature, style, "Authorization must stand in a request once."));
  }
  if (!authorization.empty()) return parse_header_form(request, authorization, style);
  if (has_query_form(request)) return parse_query_form(request, style);
  return std::unexpected(AuthError::of(Refusal::missing_token, style));
}

bool is_signed(const RequestView& request) {
  return header_value(request, "authorization").starts_with("AWS4-") || has_query_form(request);
}

std::optional<std::string> scope_service(const RequestView& request) {
  std::string credential;
  const std::string_view authorization = header_value(request, "authorization");
  if (!authorization.empty()) {
    const auto parts = split_authorization(authorization);
    if (!parts) return std::nullopt;
    credential = parts->credential;
  } else {
    credential = query_parameter(request.query, "X-Amz-Credential").value;
  }
  const auto elements = split(credential, '/');
  if (elements.size() != 5 || elements[3].empty()) return std::nullopt;
  return std::string(elements[3]);
}

}  // namespace lambent::identity
