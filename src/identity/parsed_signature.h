// The parts of a request's signature, read from the Authorization header or from the query; not yet believed.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "identity/auth_error.h"
#include "identity/request_view.h"

namespace lambent::identity {

// No SDK signs more than a dozen; each costs a look through all headers.
inline constexpr std::size_t kSignedHeadersMax = 128;

struct ParsedSignature {
  std::string access_key_id;
  std::string scope_date;  // "20261123"
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;  // lower case, in the order signed
  std::string signature;
  std::string amz_date;  // "20261123T053400Z"
  Wall time;             // the same
  std::string session_token;
  // Presigned URLs only: how long they may be used after `time`.
  std::optional<std::chrono::seconds> lifetime;

  [[nodiscard]] bool presigned() const { return lifetime.has_value(); }
};

// The error is already in AWS's words and in the style asked for.
std::expected<ParsedSignature, AuthError> parse_signature(const RequestView& request, ErrorStyle style);

// The one value of a header; nothing where it is missing. `count` receives how many there were.
std::string_view header_value(const RequestView& request, std::string_view lower_name, std::size_t* count = nullptr);

}  // namespace lambent::identity
