// GetAccountSettings, TagResource, UntagResource and ListTags.
#include <algorithm>
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

constexpr std::int64_t kTotalCodeBytes = 80'530'636'800;  // AWS's 75 GB; shown, not enforced

template <class Tags>
void erase_tags(const std::vector<std::string>& keys, Tags& tags) {
  std::erase_if(tags, [&](const auto& tag) { return std::ranges::find(keys, tag.first) != keys.end(); });
}

bool is_capacity_provider(std::string_view arn) {
  return arn.contains(":capacity-provider:");
}

// Tags belong to functions, never to their versions; and to event source mappings and capacity providers.
ApiResult<void> check_taggable(std::string_view resource) {
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

Answer<api::GetAccountSettingsResponse> LambdaService::get_account_settings(const CallContext&,
                                                                            api::GetAccountSettingsRequest) {
  const auto& limits = settings_.limits;
  api::GetAccountSettingsResponse reply;
  auto& limit = reply.account_limit.emplace();
  limit.total_code_size = kTotalCodeBytes;
  limit.code_size_unzipped = static_cast<std::int64_t>(limits.unzipped_bytes);
  limit.code_size_zipped = static_cast<std::int64_t>(limits.zip_upload_bytes);
  limit.concurrent_executions = static_cast<std::int32_t>(limits.account_concurrency);
  const auto reserved = std::min<std::uint64_t>(parts_.catalog.reserved_concurrency(), limits.account_concurrency);
  limit.unreserved_concurrent_executions = static_cast<std::int32_t>(limits.account_concurrency - reserved);
  auto& usage = reply.account_usage.emplace();
  usage.function_count = static_cast<std::int64_t>(parts_.catalog.size());
  usage.total_code_size = static_cast<std::int64_t>(parts_.catalog.total_code_bytes());
  co_return reply;
}

Answer<protocol::Nothing> LambdaService::tag_resource(const CallContext&, api::TagResourceRequest request) {
  if (const auto mapping = mapping_id(request.resource)) {
    const auto add = [&](catalog::EventSourceMapping& tagged) -> ApiResult<void> {
      auto tags = to_map(tagged.tags);
      for (auto& [name, value] : request.tags) tags[name] = value;
      LAMBENT_TRY_VOID(check_tags(tags));
      tagged.tags = to_pairs(tags);
      return {};
    };
    LAMBENT_CO_TRY_VOID(co_await change_mapping_tags(*mapping, add));
    co_return protocol::Nothing{};
  }
  if (is_capacity_provider(request.resource)) {
    const auto add = [&](protocol::Map<std::string>& tags) -> ApiResult<void> {
      for (auto& [name, value] : request.tags) tags[name] = value;
      return check_tags(tags);
    };
    LAMBENT_CO_TRY_VOID(co_await change_capacity_provider_tags(request.resource, add));
    co_return protocol::Nothing{};
  }
  LAMBENT_CO_TRY_VOID(check_taggable(request.resource));
  LAMBENT_CO_TRY(auto change, co_await begin_change(request.resource));
  auto function = *change.current();
  auto tags = to_map(function.tags);
  for (auto& [name, value] : request.tags) tags[name] = value;
  LAMBENT_CO_TRY_VOID(check_tags(tags));
  LAMBENT_CO_TRY_VOID(check_own_tags(request.tags, settings_.network, settings_.strict));
  function.tags = to_pairs(tags);
  LAMBENT_CO_TRY_VOID(co_await commit_tags(parts_, change, std::move(function)));
  co_return protocol::Nothing{};
}

Answer<protocol::Nothing> LambdaService::untag_resource(const CallContext&, api::UntagResourceRequest request) {
  if (const auto mapping = mapping_id(request.resource)) {
    const auto remove = [&](catalog::EventSourceMapping& tagged) -> ApiResult<void> {
      erase_tags(request.tag_keys, tagged.tags);
      return {};
    };
    LAMBENT_CO_TRY_VOID(co_await change_mapping_tags(*mapping, remove));
    co_return protocol::Nothing{};
  }
  if (is_capacity_provider(request.resource)) {
    const auto remove = [&](protocol::Map<std::string>& tags) -> ApiResult<void> {
      for (const auto& key : request.tag_keys) tags.erase(key);
      return {};
    };
    LAMBENT_CO_TRY_VOID(co_await change_capacity_provider_tags(request.resource, remove));
    co_return protocol::Nothing{};
  }
  LAMBENT_CO_TRY_VOID(check_taggable(request.resource));
  LAMBENT_CO_TRY(auto change, co_await begin_change(request.resource));
  auto function = *change.current();
  erase_tags(request.tag_keys, function.tags);
  LAMBENT_CO_TRY_VOID(co_await commit_tags(parts_, change, std::move(function)));
  co_return protocol::Nothing{};
}

Answer<api::ListTagsResponse> LambdaService::list_tags(const CallContext&, api::ListTagsRequest request) {
  api::ListTagsResponse reply;
  if (const auto id = mapping_id(request.resource)) {
    LAMBENT_CO_TRY(const auto mapping, find_mapping(*id));
    reply.tags = to_map(mapping.tags);
    co_return reply;
  }
  if (is_capacity_provider(request.resource)) {
    LAMBENT_CO_TRY(auto provider, find_capacity_provider(request.resource));
    reply.tags = std::move(provider.tags);
    co_return reply;
  }
  LAMBENT_CO_TRY_VOID(check_taggable(request.resource));
  LAMBENT_CO_TRY(const auto named, find(request.resource, ""));
  reply.tags = to_map(named.function->tags);
  co_return reply;
}

}  // namespace lambent::services::lambda
