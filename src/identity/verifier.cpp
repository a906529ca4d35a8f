#include "identity/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/time_format.h"
#include "identity/parsed_signature.h"
#include "identity/sigv4.h"

namespace lambent::identity {
namespace {

std::unexpected<AuthError> refuse(Refusal refusal, ErrorStyle style, std::string message = {}) {
  return std::unexpected(AuthError::of(refusal, style, std::move(message)));
}

bool names(const std::vector<std::string>& list, std::string_view lower_name) {
  return std::ranges::find(list, lower_name) != list.end();
}

// x-amz-… headers change what a request means, so whoever captured it must not be able to add one. Date, token and
// payload hash are bound by other means; x-amz-cf-id is added on the way by CloudFront.
bool must_be_signed(std::string_view lower_name) {
  constexpr std::array<std::string_view, 4> kExempt = {"x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
                                                       "x-amz-cf-id"};
  return lower_name.starts_with("x-amz-") && std::ranges::find(kExempt, lower_name) == kExempt.end();
}

std::expected<void, AuthError> check_signed_headers(const RequestView& request, const ParsedSignature& parsed,
                                                    ErrorStyle style) {
  if (!names(parsed.signed_headers, "host")) {
    return refuse(Refusal::bad_signature, style,
                  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  std::string lower;
  for (const HeaderView& header : request.headers) {
    if (header.name.size() < 6 || (header.name[0] | 0x20) != 'x') continue;
    lower.assign(header.name);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    if (must_be_signed(lower) && !names(parsed.signed_headers, lower)) {
      return refuse(Refusal::bad_signature, style,
                    fmt::format("There were headers present in the request which were not signed: {}", lower));
    }
  }
  return {};
}

std::expected<void, AuthError> check_scope(const ParsedSignature& parsed, const Expectation& expected) {
  if (parsed.scope_date != std::string_view(parsed.amz_date).substr(0, 8)) {
    return refuse(Refusal::bad_signature, expected.style,
                  fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
                              "HTTP: '{}' != '{}', from '{}'.",
                              parsed.scope_date, parsed.amz_date.substr(0, 8), parsed.amz_date));
  }
  if (parsed.service != expected.service) {
    return refuse(Refusal::bad_signature, expected.style,
                  fmt::format("Credential should be scoped to correct service: '{}'. ", expected.service));
  }
  if (parsed.region.empty()) {
    return refuse(Refusal::bad_signature, expected.style, "Credential should be scoped to a valid region, not ''. ");
  }
  return {};
}

}  // namespace

Verifier::Verifier(const CredentialStore& credentials, const Clock& clock, std::chrono::minutes skew)
    : credentials_(&credentials), clock_(&clock), skew_(skew) {}

std::expected<Principal, AuthError> Verifier::verify(const RequestView& request, const Expectation& expected) {
  LAMBENT_TRY(const ParsedSignature parsed, parse_signature(request, expected.style));
  LAMBENT_TRY_VOID(check_scope(parsed, expected));
  LAMBENT_TRY_VOID(check_signed_headers(request, parsed, expected.style));
  LAMBENT_TRY_VOID(check_time(parsed, expected.style));
  LAMBENT_TRY(const Credential* credential, find_credential(parsed, expected.style));
  LAMBENT_TRY_VOID(check_signature(request, parsed, *credential, expected));
  return credential->principal;
}

std::expected<void, AuthError> Verifier::check_time(const ParsedSignature& parsed, ErrorStyle style) const {
  using std::chrono::duration_cast;
  using std::chrono::minutes;
  const Wall now = clock_->wall();
  const auto allowed = parsed.presigned() ? *parsed.lifetime : duration_cast<std::chrono::seconds>(skew_);
  if (parsed.time < now - allowed) {
    return refuse(
        Refusal::bad_signature, style,
        fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)", parsed.amz_date,
                    format_amz_date(now - allowed), format_amz_date(now), duration_cast<minutes>(allowed).count()));
  }
  if (parsed.time > now + skew_) {
    return refuse(Refusal::bad_signature, style,
                  fmt::format("Signature not yet current: {} is still later than {} ({} + {} min.)", parsed.amz_date,
                              format_amz_date(now + skew_), format_amz_date(now), skew_.count()));
  }
  return {};
}

std::expected<const Credential*, AuthError> Verifier::find_credential(const ParsedSignature& parsed,
                                                                      ErrorStyle style) const {
  const Credential* credential = credentials_->find(parsed.access_key_id);
  // A token beside permanent keys is as wrong as none beside temporary ones.
  if (credential == nullptr || !equal_constant_time(credential->session_token, parsed.session_token)) {
    return refuse(Refusal::unknown_client, style);
  }
  return credential;
}

std::expected<void, AuthError> Verifier::check_signature(const RequestView& request, const ParsedSignature& parsed,
                                                         const Credential& credential, const Expectation& expected) {
  std::string computed;
  std::string_view payload_hash = request.body_sha256;
  if (parsed.presigned() && parsed.service == "s3") {
    payload_hash = kUnsignedPayload;
  } else if (payload_hash.empty()) {
    computed = crypto_.sha256_hex(request.body);
    payload_hash = computed;
  }
  std::size_t stated_count = 0;
  const std::string_view stated = header_value(request, "x-amz-content-sha256", &stated_count);
  const bool payload_right = stated_count == 0 || (stated_count == 1 && stated == payload_hash);

  const std::vector<std::string_view> signed_headers(parsed.signed_headers.begin(), parsed.signed_headers.end());
  const std::string canonical =
      canonical_request(request, signed_headers, payload_hash, path_rule(parsed.service),
                        parsed.presigned() ? std::string_view("X-Amz-Signature") : std::string_view());
  const Scope scope{parsed.scope_date, parsed.region, parsed.service};
  const std::string text = string_to_sign(crypto_, parsed.amz_date, scope, canonical);

  Digest derived{};
  const Digest* key = credential.signing_keys.find(scope);
  if (key == nullptr) derived = signing_key(crypto_, credential.keys.secret_access_key, scope);
  const bool right = equal_constant_time(signature(crypto_, key ? *key : derived, text), parsed.signature);
  const bool is_accepted = right && payload_right;
  if (is_accepted && key == nullptr) credential.signing_keys.keep(scope, derived);
  overwrite(derived);
  if (!is_accepted) return refuse(Refusal::bad_signature, expected.style);
  return {};
}

}  // namespace lambent::identity
