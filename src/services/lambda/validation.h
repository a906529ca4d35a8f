// What AWS checks beyond the service model, each check on its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "egress/network_rules.h"
#include "invoke/invoker.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

// This host can run it; the error lists what it has.
ApiResult<void> check_runtime(const std::string& runtime, const invoke::RuntimeCatalog& runtimes);
// provided.* alone needs no handler.
bool is_custom_runtime(std::string_view runtime);

// Reserved names and the size of all together.
ApiResult<void> check_environment(const api::Environment& environment, std::size_t limit_bytes);

// Ranges that are narrower than the model's.
ApiResult<void> check_sizes(const std::optional<std::int32_t>& timeout, const std::optional<std::int32_t>& memory,
                            const std::optional<api::EphemeralStorage>& storage, const Limits& limits);

// At most 50, names of 1 to 128 characters that do not start with "aws:", values to 256.
ApiResult<void> check_tags(const protocol::Map<std::string>& tags);
// Of the tags that this server gives a meaning: lambent:network is a policy within what the operator grants, and
// lambent:isolation is "request". A strict server refuses all whose name begins with "lambent:".
ApiResult<void> check_own_tags(const protocol::Map<std::string>& tags, const egress::NetworkRules& rules,
                               bool is_strict);

// Code that is not given inline; `zip_given`: a ZipFile is there.
ApiResult<void> check_code_source(bool zip_given, bool s3_given, bool image_given);

// Members that name things this server does not have (container images, file systems, ...): a clear refusal, since a
// function that silently lacks what it was given would fail in a puzzling way.
ApiResult<void> check_supported(const api::CreateFunctionRequest& request);
ApiResult<void> check_supported(const api::UpdateFunctionConfigurationRequest& request);

// Of a strict server: what is only kept here and AWS acts on is refused, and so is what AWS refuses and works here.
ApiResult<void> check_strict(const api::CreateFunctionRequest& request);
// `runtime`: of the function as it is.
ApiResult<void> check_strict(const api::UpdateFunctionConfigurationRequest& request, const std::string& runtime);

ApiResult<void> check_cors(const api::Cors& cors);

}  // namespace lambent::services::lambda
