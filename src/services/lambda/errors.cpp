#include "services/lambda/errors.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "protocol/lambda/types.h"

namespace lambent::services::lambda {

namespace api = protocol::lambda;
using protocol::ServiceError;

namespace {

// What failed goes to the operator's log, not to the client.
ServiceError service_failure(std::string_view what) {
  log::error("lambda: {}", what);
  return api::ServiceException{.message = "An error occurred and the request cannot be processed."};
}

}  // namespace

ServiceError function_not_found(std::string_view arn) {
  return api::ResourceNotFoundException{.message = fmt::format("Function not found: {}", arn)};
}

ServiceError alias_not_found(std::string_view arn) {
  return api::ResourceNotFoundException{.message = fmt::format("Cannot find alias arn: {}", arn)};
}

ServiceError revision_mismatch() {
  return api::PreconditionFailedException{
      .message =
          "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
          "retrieve the latest Revision Id"};
}

ServiceError storage_failed(std::string_view why) {
  return service_failure(why);
}

ServiceError invalid_parameter(std::string message) {
  return api::InvalidParameterValueException{.message = std::move(message)};
}

ServiceError payload_too_large(std::size_t limit, std::string_view operation) {
  return api::RequestTooLargeException{
      .message = fmt::format("Request must be smaller than {} bytes for the {} operation", limit, operation)};
}

ServiceError package_too_large(std::size_t zip_limit, std::string_view operation) {
  // AWS names the size of the whole request, base64 and JSON included: 70167211 bytes for 50 MB.
  const std::size_t request_limit = (zip_limit + 2) / 3 * 4 + 262'143;
  ServiceError error;
  error.code = "RequestEntityTooLargeException";
  error.message = fmt::format("Request must be smaller than {} bytes for the {} operation", request_limit, operation);
  error.status = 413;
  return error;
}

ServiceError to_api_error(const catalog::NameError& error) {
  using Kind = catalog::NameError::Kind;
  switch (error.kind) {
    case Kind::malformed:
    case Kind::too_long:
      return protocol::validation_error(error.message);
    case Kind::other_region:
      return api::ResourceNotFoundException{.message = error.message};
    case Kind::other_account:
      return protocol::access_denied(error.message);
    case Kind::qualifier_mismatch:
      return invalid_parameter(error.message);
  }
  std::unreachable();
}

ServiceError to_api_error(const catalog::CatalogError& error) {
  using Kind = catalog::CatalogError::Kind;
  switch (error.kind) {
    case Kind::busy:
      return api::ResourceConflictException{.message = error.message};
    case Kind::bad_marker:
      return invalid_parameter(error.message);
    case Kind::storage:
      return service_failure(error.message);
  }
  std::unreachable();
}

ServiceError to_api_error(const catalog::CodeError& error, const Limits& limits) {
  using Kind = catalog::CodeError::Kind;
  switch (error.kind) {
    case Kind::not_a_zip:
      return invalid_parameter("Could not unzip uploaded file. Please check your file, then try to upload again.");
    case Kind::empty:
      return invalid_parameter("Uploaded file must be a non-empty zip");
    case Kind::too_large:
      return invalid_parameter(fmt::format("Unzipped size must be smaller than {} bytes", limits.unzipped_bytes));
    case Kind::storage:
      return service_failure(error.detail);
  }
  std::unreachable();
}

ServiceError to_api_error(const invoke::InvokeError& error, const Limits& limits) {
  using Kind = invoke::InvokeError::Kind;
  switch (error.kind) {
    case Kind::throttled:
      return api::TooManyRequestsException{
          .retry_after_seconds = "1", .message = "Rate Exceeded.", .reason = "ConcurrentInvocationLimitExceeded"};
    case Kind::throttled_by_reserve:
      return api::TooManyRequestsException{.retry_after_seconds = "1",
                                           .message = "Rate Exceeded.",
                                           .reason = "ReservedFunctionConcurrentInvocationLimitExceeded"};
    case Kind::recursive_loop:
      return api::RecursiveInvocationException{.message = error.message};
    case Kind::request_too_large:
      return payload_too_large(limits.sync_payload_bytes, "InvokeFunction");
    case Kind::function_not_active:
      return api::ResourceConflictException{.message = error.message};
    case Kind::snapshot_not_ready:
      return api::SnapStartNotReadyException{.message = error.message};
    case Kind::runtime_unavailable:
      return api::InvalidRuntimeException{.message = error.message};
    case Kind::code_unavailable:
      return api::InvalidZipFileException{.message = error.message};
    case Kind::instance_unavailable:
    case Kind::queue_failed:
      return service_failure(error.message);
    case Kind::stopping: {
      ServiceError stopping = api::ServiceException{.message = "The server is shutting down."};
      stopping.status = 503;
      return stopping;
    }
  }
  std::unreachable();
}

}  // namespace lambent::services::lambda
