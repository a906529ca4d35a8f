// The refusal of a request, in AWS's words.
#pragma once

#include <string>

namespace lambent::identity {

// AWS's services differ in the codes and statuses of the same refusal.
enum class ErrorStyle {
  rest_json,  // Lambda: "InvalidSignatureException", 403
  aws_json,   // DynamoDB: the same codes, 400
  query,      // STS: "SignatureDoesNotMatch", 403
};

// Kinds, before a style gives them a code and a status.
enum class Refusal {
  missing_token,         // not signed at all
  incomplete_signature,  // the signature's parts cannot be read
  unknown_client,        // no such access key, or its session token is wrong
  bad_signature,         // all readable, but not what the key's owner would have sent, or not at this time
};

struct AuthError {
  Refusal refusal;
  int status;           // HTTP
  std::string code;     // "InvalidSignatureException"
  std::string message;  // AWS's text

  // An empty message takes AWS's text for the kind.
  static AuthError of(Refusal refusal, ErrorStyle style, std::string message = {});
};

}  // namespace lambent::identity
