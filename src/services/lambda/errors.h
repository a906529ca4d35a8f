// What goes wrong below the API, in AWS's error types and texts.
#pragma once

#include <string>
#include <string_view>

#include "base/limits.h"
#include "catalog/catalog.h"
#include "catalog/code_store.h"
#include "catalog/function_name.h"
#include "invoke/invoker.h"
#include "protocol/service_error.h"

namespace lambent::services::lambda {

protocol::ServiceError to_api_error(const catalog::NameError& error);
protocol::ServiceError to_api_error(const catalog::CatalogError& error);
protocol::ServiceError to_api_error(const catalog::CodeError& error, const Limits& limits);
protocol::ServiceError to_api_error(const invoke::InvokeError& error, const Limits& limits);

protocol::ServiceError function_not_found(std::string_view arn);
protocol::ServiceError alias_not_found(std::string_view arn);
protocol::ServiceError revision_mismatch();
// Something could not be made durable: the reason goes to the log.
protocol::ServiceError storage_failed(std::string_view why);
protocol::ServiceError invalid_parameter(std::string message);
// 413, as AWS's front door says it of whole requests ("InvokeFunction", "CreateFunction").
protocol::ServiceError payload_too_large(std::size_t limit, std::string_view operation);
protocol::ServiceError package_too_large(std::size_t zip_limit, std::string_view operation);

}  // namespace lambent::services::lambda
