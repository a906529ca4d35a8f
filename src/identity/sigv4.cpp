#include "identity/sigv4.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/encoding.h"

namespace lambent::identity {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, to_lower, to_lower);
}

// Trimmed, inner runs of white space made one space.
void append_collapsed(std::string& out, std::string_view value) {
  const std::size_t start = out.size();
  bool gap = false;
  for (const char c : value) {
    if (is_space(c)) {
      gap = out.size() > start;
      continue;
    }
    if (std::exchange(gap, false)) out += ' ';
    out += c;
  }
}

// Without "." and "..", and with single slashes; a slash at the end stays.
std::string normalise(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::string_view rest = path; !rest.empty();) {
    const auto slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string out = "/";
  for (const std::string_view segment : segments) {
    out += segment;
    out += '/';
  }
  if (!segments.empty() && path.back() != '/') out.pop_back();
  return out;
}

// A malformed escape is taken as it stands.
std::string reencode(std::string_view text) {
  const auto decoded = percent_decode(text);
  return percent_encode(decoded ? std::string_view(*decoded) : text);
}

}  // namespace

PathRule path_rule(std::string_view service) {
  return service == "s3" ? PathRule::verbatim : PathRule::normalised;
}

std::string canonical_path(std::string_view raw_path, PathRule rule) {
  if (rule == PathRule::normalised) return percent_encode(normalise(raw_path), true);
  const auto decoded = percent_decode(raw_path);
  std::string out = percent_encode(decoded ? std::string_view(*decoded) : raw_path, true);
  return out.empty() ? "/" : out;
}

std::string canonical_query(std::string_view raw_query, std::string_view leave_out) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const std::string skipped = percent_encode(leave_out);
  while (!raw_query.empty()) {
    const auto ampersand = raw_query.find('&');
    const std::string_view parameter = raw_query.substr(0, ampersand);
    raw_query.remove_prefix(ampersand == std::string_view::npos ? raw_query.size() : ampersand + 1);
    if (parameter.empty()) continue;
    const auto equals = parameter.find('=');
    std::string name = reencode(parameter.substr(0, equals));
    if (!skipped.empty() && name == skipped) continue;
    pairs.emplace_back(std::move(name),
                       equals == std::string_view::npos ? std::string() : reencode(parameter.substr(equals + 1)));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

void append_canonical_value(std::string& out, std::span<const HeaderView> headers, std::string_view lower_name) {
  bool first = true;
  for (const HeaderView& header : headers) {
    if (!equal_ignoring_case(header.name, lower_name)) continue;
    if (!std::exchange(first, false)) out += ',';
    append_collapsed(out, header.value);
  }
}

std::string canonical_request(const RequestView& request, std::span<const std::string_view> signed_headers,
                              std::string_view payload_hash, PathRule rule, std::string_view leave_out_of_query) {
  std::string out;
  out.reserve(1024);
  out += request.method;
  out += '\n';
  out += canonical_path(request.path, rule);
  out += '\n';
  out += canonical_query(request.query, leave_out_of_query);
  out += '\n';
  for (const std::string_view name : signed_headers) {
    out += name;
    out += ':';
    append_canonical_value(out, request.headers, name);
    out += '\n';
  }
  out += '\n';
  for (const std::string_view name : signed_headers) {
    out += name;
    out += ';';
  }
  if (!signed_headers.empty()) out.pop_back();
  out += '\n';
  out += payload_hash;
  return out;
}

std::string string_to_sign(Crypto& crypto, std::string_view amz_date, const Scope& scope,
                           std::string_view canonical_request) {
  std::string out;
  out.reserve(192);
  out += kAlgorithm;
  out += '\n';
  out += amz_date;
  out += '\n';
  out += scope.date;
  out += '/';
  out += scope.region;
  out += '/';
  out += scope.service;
  out += "/aws4_request\n";
  out += crypto.sha256_hex(canonical_request);
  return out;
}

Digest signing_key(Crypto& crypto, std::string_view secret, const Scope& scope) {
  std::string start = "AWS4" + std::string(secret);
  Digest key = crypto.hmac(bytes_of(start), scope.date);
  overwrite(std::as_writable_bytes(std::span(start)));
  for (const std::string_view part : {scope.region, scope.service, std::string_view("aws4_request")}) {
    key = crypto.hmac(key, part);
  }
  return key;
}

std::string signature(Crypto& crypto, const Digest& key, std::string_view text) {
  return hex_encode(crypto.hmac(key, text));
}

}  // namespace lambent::identity
