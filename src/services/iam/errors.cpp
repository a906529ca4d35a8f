#include "services/iam/errors.h"

#include <fmt/format.h>

#include "base/log.h"
#include "protocol/iam/service.h"

namespace lambent::services::iam {

namespace api = protocol::iam;

protocol::ServiceError no_role(std::string_view name) {
  return no_such(fmt::format("The role with name {} cannot be found.", name));
}

protocol::ServiceError no_policy(std::string_view arn) {
  return no_such(fmt::format("Policy {} was not found.", arn));
}

protocol::ServiceError no_such(std::string message) {
  return api::NoSuchEntityException{.message = std::move(message)};
}

protocol::ServiceError already_there(std::string message) {
  return api::EntityAlreadyExistsException{.message = std::move(message)};
}

protocol::ServiceError in_use(std::string message) {
  return api::DeleteConflictException{.message = std::move(message)};
}

protocol::ServiceError malformed(std::string message) {
  return api::MalformedPolicyDocumentException{.message = std::move(message)};
}

protocol::ServiceError over_quota(std::string message) {
  return api::LimitExceededException{.message = std::move(message)};
}

protocol::ServiceError invalid_input(std::string message) {
  return api::InvalidInputException{.message = std::move(message)};
}

protocol::ServiceError storage_failed(std::string message) {
  log::error("IAM: {}", message);
  return api::ServiceFailureException{.message = "The request processing has failed because of an unknown error."};
}

}  // namespace lambent::services::iam
