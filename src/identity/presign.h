// URLs of our own that carry their permission with them, e.g. GetFunction's Code.Location. Verifier::verify checks
// them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "identity/credentials.h"

namespace lambent::identity {

// AWS's Code.Location is good for ten minutes.
inline constexpr std::chrono::seconds kCodeLocationLifetime{600};

struct PresignRequest {
  std::string_view method = "GET";
  std::string_view host;   // as the client will send it: "127.0.0.1:4566"
  std::string_view path;   // already percent-encoded
  std::string_view query;  // already percent-encoded, may be empty
  std::string_view service;
  std::string_view region;
  std::chrono::seconds lifetime = kCodeLocationLifetime;  // 1 s to 7 days
};

// "<path>?<query>" with X-Amz-Algorithm … X-Amz-Signature added.
std::string presign(const Credential& credential, const PresignRequest& request, Wall now);

}  // namespace lambent::identity
