// Decides who sent a request: checks its SigV4 signature, in the Authorization header or in the query (presigned URL).
//
// Invariants: no answer depends on how much of a signature was right (constant-time comparison); a signature is bound
// to method, path, query, host, every x-amz-* header, body and 15 minutes of time; nothing is learnt of a key that is
// unknown. Signing keys are kept (signing_keys.h) only after a signature was right, so a stranger cannot push any out.
//
// The body's hash is always computed (or taken from RequestView::body_sha256) and must be what was signed:
// UNSIGNED-PAYLOAD and the chunked STREAMING-… forms belong to S3 and are refused, except in presigned URLs for
// the service "s3", whose body is never signed.
//
// Cost: about 3 us plus the hash of the body. Thread safety: none; one event loop's thread.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "identity/auth_error.h"
#include "identity/credentials.h"
#include "identity/crypto.h"
#include "identity/principal.h"
#include "identity/request_view.h"

namespace lambent::identity {

// What the router decided about the request.
struct Expectation {
  std::string_view service;  // the credential scope must name it
  ErrorStyle style = ErrorStyle::rest_json;
};

struct ParsedSignature;  // identity/parsed_signature.h

class Verifier {
 public:
  // `credentials` and `clock` must outlive the verifier.
  Verifier(const CredentialStore& credentials, const Clock& clock,
           std::chrono::minutes skew = std::chrono::minutes(15));

  // Any region is accepted.
  [[nodiscard]] std::expected<Principal, AuthError> verify(const RequestView& request, const Expectation& expected);

 private:
  std::expected<void, AuthError> check_time(const ParsedSignature& parsed, ErrorStyle style) const;
  std::expected<const Credential*, AuthError> find_credential(const ParsedSignature& parsed, ErrorStyle style) const;
  std::expected<void, AuthError> check_signature(const RequestView& request, const ParsedSignature& parsed,
                                                 const Credential& credential, const Expectation& expected);

  const CredentialStore* credentials_;
  const Clock* clock_;
  std::chrono::minutes skew_;
  Crypto crypto_;
};

}  // namespace lambent::identity
