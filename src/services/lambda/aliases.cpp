// CreateAlias, GetAlias, UpdateAlias, DeleteAlias and ListAliases. Moving an alias is one atomic write: a call sees it
// before or after, and both versions are there.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 50;

api::AliasConfiguration to_api(const catalog::Alias& alias, std::string arn) {
  api::AliasConfiguration out;
  out.alias_arn = std::move(arn);
  out.name = alias.name;
  out.function_version = alias.version;
  out.description = alias.description;
  out.revision_id = alias.revision_id;
  if (alias.additional) {
    out.routing_config.emplace().additional_version_weights =
        protocol::Map<double>{{alias.additional->version, alias.additional->weight}};
  }
  return out;
}

// The weights of the request, if it has any; an empty map takes them away.
ApiResult<void> apply_routing(const std::optional<api::AliasRoutingConfiguration>& given, catalog::Alias& alias) {
  if (!given || !given->additional_version_weights) return {};
  const auto& weights = *given->additional_version_weights;
  if (weights.size() > 1) {
    return failure(invalid_parameter("Number of items in AdditionalVersionWeights cannot be greater than 1"));
  }
  alias.additional.reset();
  for (const auto& [version, weight] : weights) alias.additional = catalog::Alias::Weighted{version, weight};
  return {};
}

}  // namespace

// Every version that it leads to is there, and it leads to each once.
ApiResult<void> LambdaService::check_alias(const catalog::Entry& entry, const catalog::Alias& alias) const {
  const auto& name = entry.latest->name;
  if (!entry.version(alias.version)) {
    return failure(function_not_found(settings_.home.function_arn(name, alias.version)));
  }
  if (!alias.additional) return {};
  const auto& second = alias.additional->version;
  if (alias.version == catalog::kLatest || second == catalog::kLatest) {
    return failure(invalid_parameter("$LATEST is not supported for an alias pointing to more than 1 version"));
  }
  if (second == alias.version) {
    return failure(invalid_parameter(fmt::format(
        "Invalid function version {0}. Function version {0} is already included in routing configuration.", second)));
  }
  if (!entry.version(second)) return failure(function_not_found(settings_.home.function_arn(name, second)));
  return {};
}

Answer<api::AliasConfiguration> LambdaService::create_alias(const CallContext&, api::CreateAliasRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY(auto change, co_await begin_change_in_turn(name));
  auto arn = settings_.home.function_arn(name, request.name);
  if (change.entry()->alias(request.name)) {
    co_return failure(api::ResourceConflictException{.message = fmt::format("Alias already exists: {}", arn)});
  }
  catalog::Alias alias;
  alias.name = std::move(request.name);
  alias.version = std::move(request.function_version);
  alias.description = std::move(request.description).value_or("");
  alias.revision_id = parts_.random.uuid();
  LAMBENT_CO_TRY_VOID(apply_routing(request.routing_config, alias));
  LAMBENT_CO_TRY_VOID(check_alias(*change.entry(), alias));
  const auto committed = co_await change.commit({.alias = alias});
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return to_api(alias, std::move(arn));
}

Answer<api::AliasConfiguration> LambdaService::get_alias(const CallContext&, api::GetAliasRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  auto arn = settings_.home.function_arn(name, request.name);
  const auto* entry = parts_.catalog.entry(name);
  const auto alias = entry ? entry->alias(request.name) : nullptr;
  if (!alias) co_return failure(alias_not_found(arn));
  co_return to_api(*alias, std::move(arn));
}

Answer<api::AliasConfiguration> LambdaService::update_alias(const CallContext&, api::UpdateAliasRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY(auto change, co_await begin_change_in_turn(name));
  auto arn = settings_.home.function_arn(name, request.name);
  const auto before = change.entry()->alias(request.name);
  if (!before) co_return failure(alias_not_found(arn));
  if (request.revision_id && *request.revision_id != before->revision_id) co_return failure(revision_mismatch());
  auto alias = *before;
  if (request.function_version) alias.version = *std::move(request.function_version);
  if (request.description) alias.description = *std::move(request.description);
  alias.revision_id = parts_.random.uuid();
  LAMBENT_CO_TRY_VOID(apply_routing(request.routing_config, alias));
  LAMBENT_CO_TRY_VOID(check_alias(*change.entry(), alias));
  const auto committed = co_await change.commit({.alias = alias});
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.follow(*change.entry());
  co_return to_api(alias, std::move(arn));
}

// One that is not there is deleted already.
Answer<protocol::Nothing> LambdaService::delete_alias(const CallContext&, api::DeleteAliasRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY(auto change, co_await begin_change_in_turn(name));
  if (!change.entry()->alias(request.name)) co_return protocol::Nothing{};
  catalog::Edit edit{.erased_alias = request.name, .settings = *change.entry()->settings};
  edit.settings->forget(request.name);
  const auto committed = co_await change.commit(std::move(edit));
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.follow(*change.entry());
  co_return protocol::Nothing{};
}

Answer<api::ListAliasesResponse> LambdaService::list_aliases(const CallContext&, api::ListAliasesRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  const auto* entry = parts_.catalog.entry(name);
  if (!entry) co_return failure(function_not_found(settings_.home.function_arn(name)));
  const auto wanted = static_cast<std::size_t>(request.max_items.value_or(kDefaultPage));
  const auto page = parts_.catalog.list_aliases(*entry, request.function_version.value_or(""),
                                                request.marker.value_or(""), std::min(wanted, kDefaultPage));
  if (!page) co_return failure(to_api_error(page.error()));
  api::ListAliasesResponse reply;
  auto& aliases = reply.aliases.emplace();
  for (const auto& alias : page->aliases) {
    aliases.push_back(to_api(*alias, settings_.home.function_arn(name, alias->name)));
  }
  if (!page->next_marker.empty()) reply.next_marker = page->next_marker;
  co_return reply;
}

}  // namespace lambent::services::lambda
