// What a signature is made over: one HTTP request, as it stood on the wire.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lambent::identity {

struct HeaderView {
  std::string_view name;   // any case
  std::string_view value;  // white space around it is allowed
};

// Views only: whatever they point to must outlive the call they are given to.
struct RequestView {
  std::string_view method;              // "GET"
  std::string_view path;                // still percent-encoded, without '?', never normalised by the caller
  std::string_view query;               // still percent-encoded, what follows '?', may be empty
  std::span<const HeaderView> headers;  // in the order received, duplicates kept
  std::string_view body;
  // sha256_hex(body), where the caller already has it: a large body is then hashed on another thread
  // (sha256_hex in identity/crypto.h may be called from any).
  std::string_view body_sha256;
};

// The service in the request's credential scope ("lambda", "dynamodb", ...), for routing before anything is checked;
// from the Authorization header or from X-Amz-Credential in the query. Nothing where the request is unsigned or the
// scope is malformed. The value is the sender's word until Verifier::verify has agreed.
std::optional<std::string> scope_service(const RequestView& request);

// True where the request carries a signature in either form, well-formed or not: tells an API call from a visit to a
// function URL that happens to be on the same host.
bool is_signed(const RequestView& request);

}  // namespace lambent::identity
