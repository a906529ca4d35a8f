// The sentences of IAM's errors.
#pragma once

#include <string>
#include <string_view>

#include "protocol/service_error.h"

namespace lambent::services::iam {

protocol::ServiceError no_role(std::string_view name);
protocol::ServiceError no_policy(std::string_view arn);
protocol::ServiceError no_such(std::string message);
protocol::ServiceError already_there(std::string message);
protocol::ServiceError in_use(std::string message);
protocol::ServiceError malformed(std::string message);
protocol::ServiceError over_quota(std::string message);
protocol::ServiceError invalid_input(std::string message);
protocol::ServiceError storage_failed(std::string message);

}  // namespace lambent::services::iam
