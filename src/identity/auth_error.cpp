#include "identity/auth_error.h"

#include <string_view>
#include <utility>

namespace lambent::identity {
namespace {

struct Wording {
  std::string_view json_code;
  std::string_view query_code;
  int query_status;
  std::string_view message;
};

const Wording& wording(Refusal refusal) {
  static constexpr Wording kMissing = {"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403,
                                       "Missing Authentication Token"};
  static constexpr Wording kIncomplete = {"IncompleteSignatureException", "IncompleteSignature", 400,
                                          "The request signature does not conform to AWS standards."};
  static constexpr Wording kUnknown = {"UnrecognizedClientException", "InvalidClientTokenId", 403,
                                       "The security token included in the request is invalid."};
  static constexpr Wording kBad = {
      "InvalidSignatureException", "SignatureDoesNotMatch", 403,
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
      "and signing method. Consult the service documentation for details."};
  switch (refusal) {
    case Refusal::missing_token:
      return kMissing;
    case Refusal::incomplete_signature:
      return kIncomplete;
    case Refusal::unknown_client:
      return kUnknown;
    case Refusal::bad_signature:
      return kBad;
  }
  std::unreachable();
}

}  // namespace

AuthError AuthError::of(Refusal refusal, ErrorStyle style, std::string message) {
  const Wording& words = wording(refusal);
  if (message.empty()) {
    // DynamoDB words this one refusal in its own way; STS and other query services follow it.
    message = refusal == Refusal::missing_token && style != ErrorStyle::rest_json
                  ? "Request is missing Authentication Token"
                  : std::string(words.message);
  }
  switch (style) {
    case ErrorStyle::rest_json:
      return {refusal, 403, std::string(words.json_code), std::move(message)};
    case ErrorStyle::aws_json:
      return {refusal, 400, std::string(words.json_code), std::move(message)};
    case ErrorStyle::query:
      return {refusal, words.query_status, std::string(words.query_code), std::move(message)};
  }
  std::unreachable();
}

}  // namespace lambent::identity
