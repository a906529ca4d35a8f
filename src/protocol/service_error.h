// What an operation answers where it cannot do what was asked: an AWS error, before a protocol has given it a form.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambent::protocol {

enum class Fault { user, service };

// Where the error stands in AWS's own name spaces; AWS JSON shows it in "__type".
enum class ErrorOrigin {
  service,     // the service's model: com.amazonaws.dynamodb.v20120810#
  framework,   // routing, parsing, authentication: com.amazon.coral.service#
  validation,  // the model's constraints: com.amazon.coral.validate#
};

struct ServiceError {
  std::string code;     // the shape's name or its error code: "ResourceNotFoundException"
  std::string message;  // for people
  int status = 400;     // HTTP
  Fault fault = Fault::user;
  ErrorOrigin origin = ErrorOrigin::service;
  std::string message_member = "message";  // as the model writes it: "message" or "Message"
  std::string members;                     // more JSON members, joined: "\"Reason\":\"x\",\"Type\":\"User\""
  std::vector<std::pair<std::string, std::string>> headers{};  // e.g. Retry-After

  // Adds one more member to the body, for errors that the model does not know.
  void add_member(std::string_view name, std::string_view value);
};

// Leaves an operation with an error:
//   co_return failure(lambda::ResourceNotFoundException{.message = "Function not found: …"});
[[nodiscard]] inline std::unexpected<ServiceError> failure(ServiceError error) {
  return std::unexpected<ServiceError>(std::move(error));
}

// Errors that every AWS service has, though no model lists them.
ServiceError validation_error(std::string message);     // 400 ValidationException
ServiceError serialization_error(std::string message);  // 400 SerializationException
// What authentication and routing refuse: UnrecognizedClientException, InvalidSignatureException …
ServiceError framework_error(std::string code, std::string message, int status);
ServiceError internal_error(std::string message);  // 500 InternalFailure
ServiceError access_denied(std::string message);   // 403 AccessDeniedException

}  // namespace lambent::protocol
