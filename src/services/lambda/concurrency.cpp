// Reserved concurrency: PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency. Provisioned:
// PutProvisionedConcurrencyConfig, GetProvisionedConcurrencyConfig, ListProvisionedConcurrencyConfigs and
// DeleteProvisionedConcurrencyConfig.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/time_format.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/paging.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 50;

std::uint64_t provisioned_of(const catalog::Settings& settings) {
  std::uint64_t sum = 0;
  for (const auto& [qualifier, config] : settings.provisioned) sum += config.requested;
  return sum;
}

protocol::ServiceError no_provisioned_config() {
  return api::ProvisionedConcurrencyConfigNotFoundException{
      .message = "No Provisioned Concurrency Config found for this function"};
}

// A version has its instances from its own configuration or from one alias, not from both.
ApiResult<void> check_shared_versions(const catalog::Entry& entry, const std::string& qualifier) {
  const auto own = entry.alias(qualifier);
  for (const auto& [other, config] : entry.settings->provisioned) {
    if (other == qualifier) continue;
    const auto alias = entry.alias(other);
    if (!own && alias && catalog::Entry::leads(*alias, qualifier)) {
      return failure(invalid_parameter("Version is pointed to by a Provisioned Concurrency alias"));
    }
    if (own && !alias && catalog::Entry::leads(*own, other)) {
      return failure(invalid_parameter(
          "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"));
    }
  }
  return {};
}

}  // namespace

// What other functions leave, if this one takes `wanted` for itself.
ApiResult<void> LambdaService::check_unreserved(const std::string& name, std::uint64_t wanted,
                                                std::string_view member) const {
  std::uint64_t others = 0;
  for (const auto& [other, entry] : parts_.catalog.entries()) {
    if (other == name) continue;
    const auto& settings = *entry.settings;
    others += settings.reserved_concurrency ? *settings.reserved_concurrency : provisioned_of(settings);
  }
  const std::uint64_t account = settings_.limits.account_concurrency;
  const auto least = std::min<std::uint64_t>(settings_.calls.unreserved_concurrency, account);
  if (wanted == 0 || others + wanted + least <= account) return {};
  return failure(invalid_parameter(fmt::format(
      "Specified {} for function decreases account's UnreservedConcurrentExecution below its minimum value of [{}].",
      member, least)));
}

net::Task<ApiResult<void>> LambdaService::change_settings(std::string name, SettingsEdit edit) {
  LAMBENT_CO_TRY(auto change, co_await begin_change_in_turn(name));
  auto settings = *change.entry()->settings;
  LAMBENT_CO_TRY_VOID(edit(*change.entry(), settings));
  const auto committed = co_await change.commit({.settings = std::move(settings)});
  if (!committed) co_return failure(to_api_error(committed.error()));
  parts_.invoker.follow(*change.entry());
  co_return ApiResult<void>();
}

Answer<api::Concurrency> LambdaService::put_function_concurrency(const CallContext&,
                                                                 api::PutFunctionConcurrencyRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  // One at a time over all functions, since each looks at what the others have.
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kConcurrencyTurn));
  const auto wanted = static_cast<std::uint32_t>(request.reserved_concurrent_executions);
  const auto edit = [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
    LAMBENT_TRY_VOID(check_unreserved(name, wanted, "ReservedConcurrentExecutions"));
    if (const auto provisioned = provisioned_of(settings); provisioned > wanted) {
      return failure(invalid_parameter(
          fmt::format("ReservedConcurrentExecutions  {} should not be lower than function's total provisioned "
                      "concurrency [{}].",
                      wanted, provisioned)));
    }
    settings.reserved_concurrency = wanted;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_settings(name, edit));
  api::Concurrency reply;
  reply.reserved_concurrent_executions = request.reserved_concurrent_executions;
  co_return reply;
}

Answer<api::GetFunctionConcurrencyResponse> LambdaService::get_function_concurrency(
    const CallContext&, api::GetFunctionConcurrencyRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  const auto* entry = parts_.catalog.entry(name);
  if (!entry) co_return failure(function_not_found(settings_.home.function_arn(name)));
  api::GetFunctionConcurrencyResponse reply;
  if (const auto& reserved = entry->settings->reserved_concurrency) {
    reply.reserved_concurrent_executions = static_cast<std::int32_t>(*reserved);
  }
  co_return reply;
}

Answer<protocol::Nothing> LambdaService::delete_function_concurrency(const CallContext&,
                                                                     api::DeleteFunctionConcurrencyRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY_VOID(
      co_await change_settings(name, [](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        settings.reserved_concurrency.reset();
        return {};
      }));
  co_return protocol::Nothing{};
}

// The version or alias that is meant; never $LATEST, directly or by an alias.
ApiResult<LambdaService::Named> LambdaService::find_provisionable(std::string_view name,
                                                                  std::string_view qualifier) const {
  auto named = find(name, qualifier);
  if (named && named->function->version == catalog::kLatest) {
    return failure(
        invalid_parameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions."));
  }
  return named;
}

LambdaService::ProvisionedState LambdaService::provisioned_state(const catalog::Entry& entry,
                                                                 const std::string& qualifier) const {
  const auto& config = entry.settings->provisioned.find(qualifier)->second;
  ProvisionedState state;
  std::size_t allocated = 0;
  std::size_t available = 0;
  bool failed = false;
  const auto add = [&](std::string_view version) {
    const auto function = entry.version(version);
    if (!function) return;
    const auto now = parts_.invoker.readiness(*function);
    allocated += now.allocated;
    available += now.available;
    failed |= now.failed;
  };
  if (const auto alias = entry.alias(qualifier)) {
    add(alias->version);
    if (alias->additional) add(alias->additional->version);
  } else {
    add(qualifier);
  }
  state.requested = static_cast<std::int32_t>(config.requested);
  state.allocated = std::min(static_cast<std::int32_t>(allocated), state.requested);
  state.available = std::min(static_cast<std::int32_t>(available), state.allocated);
  state.status = state.allocated == state.requested ? "READY" : failed ? "FAILED" : "IN_PROGRESS";
  if (state.status == "FAILED") state.reason = "FUNCTION_ERROR_INIT_FAILURE";
  state.last_modified = config.last_modified;
  return state;
}

namespace {

template <class Reply, class State>
void fill(Reply& reply, State state) {
  reply.requested_provisioned_concurrent_executions = state.requested;
  reply.allocated_provisioned_concurrent_executions = state.allocated;
  reply.available_provisioned_concurrent_executions = state.available;
  reply.status = std::move(state.status);
  reply.status_reason = std::move(state.reason);
  reply.last_modified = std::move(state.last_modified);
}

}  // namespace

Answer<api::PutProvisionedConcurrencyConfigResponse> LambdaService::put_provisioned_concurrency_config(
    const CallContext&, api::PutProvisionedConcurrencyConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_provisionable(request.function_name, request.qualifier));
  const auto name = named.entry->latest->name;
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kConcurrencyTurn));
  const catalog::ProvisionedConcurrency config{
      .requested = static_cast<std::uint32_t>(request.provisioned_concurrent_executions),
      .last_modified = format_lambda_time(parts_.clock.wall())};
  const auto edit = [&](const catalog::Entry& entry, catalog::Settings& settings) -> ApiResult<void> {
    LAMBENT_TRY_VOID(find_provisionable(request.function_name, request.qualifier));
    LAMBENT_TRY_VOID(check_shared_versions(entry, named.qualifier));
    settings.provisioned[named.qualifier] = config;
    const auto all = provisioned_of(settings);
    if (!settings.reserved_concurrency) return check_unreserved(name, all, "ConcurrentExecutions");
    if (all > *settings.reserved_concurrency) {
      return failure(
          invalid_parameter("Requested Provisioned Concurrency should not be greater than the "
                            "reservedConcurrentExecution for function"));
    }
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_settings(name, edit));
  api::PutProvisionedConcurrencyConfigResponse reply;
  fill(reply, ProvisionedState{.requested = request.provisioned_concurrent_executions,
                               .status = "IN_PROGRESS",
                               .last_modified = config.last_modified});
  co_return reply;
}

Answer<api::GetProvisionedConcurrencyConfigResponse> LambdaService::get_provisioned_concurrency_config(
    const CallContext&, api::GetProvisionedConcurrencyConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_provisionable(request.function_name, request.qualifier));
  if (!named.entry->settings->provisioned.contains(named.qualifier)) co_return failure(no_provisioned_config());
  api::GetProvisionedConcurrencyConfigResponse reply;
  fill(reply, provisioned_state(*named.entry, named.qualifier));
  co_return reply;
}

Answer<api::ListProvisionedConcurrencyConfigsResponse> LambdaService::list_provisioned_concurrency_configs(
    const CallContext&, api::ListProvisionedConcurrencyConfigsRequest request) {
  LAMBENT_CO_TRY(const auto named, find_entry(request.function_name, ""));
  const auto& name = named.entry->latest->name;
  api::ListProvisionedConcurrencyConfigsResponse reply;
  auto& shown = reply.provisioned_concurrency_configs.emplace();
  auto next = each_of_page(named.entry->settings->provisioned, parts_.catalog.markers(), "provisioned of " + name,
                           request.marker, request.max_items, kDefaultPage,
                           [&](const std::string& qualifier, const catalog::ProvisionedConcurrency&) {
                             auto& item = shown.emplace_back();
                             item.function_arn = settings_.home.function_arn(name, qualifier);
                             fill(item, provisioned_state(*named.entry, qualifier));
                           });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

Answer<protocol::Nothing> LambdaService::delete_provisioned_concurrency_config(
    const CallContext&, api::DeleteProvisionedConcurrencyConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_provisionable(request.function_name, request.qualifier));
  LAMBENT_CO_TRY_VOID(co_await change_settings(
      named.entry->latest->name, [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        if (settings.provisioned.erase(named.qualifier) == 0) return failure(no_provisioned_config());
        return {};
      }));
  co_return protocol::Nothing{};
}

}  // namespace lambent::services::lambda
