// TagResource, UntagResource and ListTags: of functions, event source mappings, capacity providers and code signing
// configurations.
#include <utility>

#include "services/lambda/configuration.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

bool is_capacity_provider(std::string_view arn) {
  return arn.contains(":capacity-provider:");
}

bool is_code_signing(std::string_view arn) {
  return arn.contains(":code-signing-config:");
}

// Tags belong to functions, never to their versions.
ApiResult<void> check_function_arn(std::string_view resource) {
  const auto name = catalog::parse_function_name(resource);
  if (name && name->qualifier.empty() && !name->region.empty()) return {};
  return failure(
      invalid_parameter("Tags on function aliases and versions are not supported. Please specify a function ARN."));
}

// Keeps the function with its new tags. Another network policy among them makes it another configuration: instances
// that run with the former policy take no more calls.
net::Task<ApiResult<void>> commit_tags(const LambdaParts& parts, catalog::Catalog::Change& change,
                                       catalog::Function function) {
  const auto before = change.current();
  const bool is_other = apply_own_tags(function);
  if (is_other) function.configuration_id = parts.random.uuid();
  const auto committed = co_await change.commit({.latest = std::move(function)});
  if (!committed) co_return failure(to_api_error(committed.error()));
  if (is_other) parts.invoker.retire(*before);
  co_return ApiResult<void>();
}

}  // namespace

net::Task<ApiResult<void>> LambdaService::change_function_tags(std::string arn, TagEdit edit) {
  LAMBENT_CO_TRY_VOID(check_function_arn(arn));
  LAMBENT_CO_TRY(auto change, co_await begin_change(arn));
  auto function = *change.current();
  auto tags = to_map(function.tags);
  LAMBENT_CO_TRY_VOID(edit(tags));
  function.tags = to_pairs(tags);
  co_return co_await commit_tags(parts_, change, std::move(function));
}

net::Task<ApiResult<void>> LambdaService::change_tags(std::string arn, TagEdit edit) {
  if (auto mapping = mapping_id(arn)) return change_mapping_tags(*std::move(mapping), std::move(edit));
  if (is_capacity_provider(arn)) return change_capacity_provider_tags(std::move(arn), std::move(edit));
  if (is_code_signing(arn)) return change_code_signing_tags(std::move(arn), std::move(edit));
  return change_function_tags(std::move(arn), std::move(edit));
}

ApiResult<protocol::Map<std::string>> LambdaService::find_tags(const std::string& arn) const {
  if (const auto id = mapping_id(arn)) {
    LAMBENT_TRY(const auto mapping, find_mapping(*id));
    return to_map(mapping.tags);
  }
  if (is_capacity_provider(arn)) {
    LAMBENT_TRY(auto provider, find_capacity_provider(arn));
    return std::move(provider.tags);
  }
  if (is_code_signing(arn)) {
    LAMBENT_TRY(auto config, find_code_signing(arn));
    return std::move(config.tags);
  }
  LAMBENT_TRY_VOID(check_function_arn(arn));
  LAMBENT_TRY(const auto named, find(arn, ""));
  return to_map(named.function->tags);
}

Answer<protocol::Nothing> LambdaService::tag_resource(const CallContext&, api::TagResourceRequest request) {
  const bool is_function = catalog::parse_function_name(request.resource).has_value();
  const auto add = [&](protocol::Map<std::string>& tags) -> ApiResult<void> {
    for (const auto& [name, value] : request.tags) tags[name] = value;
    LAMBENT_TRY_VOID(check_tags(tags));
    return is_function ? check_own_tags(request.tags, settings_.network, settings_.strict) : ApiResult<void>();
  };
  LAMBENT_CO_TRY_VOID(co_await change_tags(request.resource, add));
  co_return protocol::Nothing{};
}

Answer<protocol::Nothing> LambdaService::untag_resource(const CallContext&, api::UntagResourceRequest request) {
  const auto remove = [&](protocol::Map<std::string>& tags) -> ApiResult<void> {
    for (const auto& key : request.tag_keys) tags.erase(key);
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_tags(request.resource, remove));
  co_return protocol::Nothing{};
}

Answer<api::ListTagsResponse> LambdaService::list_tags(const CallContext&, api::ListTagsRequest request) {
  LAMBENT_CO_TRY(auto tags, find_tags(request.resource));
  co_return api::ListTagsResponse{.tags = std::move(tags)};
}

}  // namespace lambent::services::lambda
