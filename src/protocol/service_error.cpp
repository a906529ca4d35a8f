#include "protocol/service_error.h"

#include "base/json_text.h"

namespace lambent::protocol {

void ServiceError::add_member(std::string_view name, std::string_view value) {
  if (!members.empty()) members += ',';
  append_json_string(members, name);
  members += ':';
  append_json_string(members, value);
}

ServiceError validation_error(std::string message) {
  return {.code = "ValidationException", .message = std::move(message), .origin = ErrorOrigin::validation};
}

ServiceError serialization_error(std::string message) {
  return {.code = "SerializationException",
          .message = std::move(message),
          .origin = ErrorOrigin::framework,
          .message_member = "Message"};
}

ServiceError framework_error(std::string code, std::string message, int status) {
  return {.code = std::move(code), .message = std::move(message), .status = status, .origin = ErrorOrigin::framework};
}

ServiceError internal_error(std::string message) {
  return {.code = "InternalFailure",
          .message = std::move(message),
          .status = 500,
          .fault = Fault::service,
          .origin = ErrorOrigin::framework};
}

ServiceError access_denied(std::string message) {
  return {.code = "AccessDeniedException",
          .message = std::move(message),
          .status = 403,
          .origin = ErrorOrigin::framework,
          .message_member = "Message"};
}

}  // namespace lambent::protocol
