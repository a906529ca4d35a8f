// What becomes of asynchronous calls: PutFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfig,
// GetFunctionEventInvokeConfig, ListFunctionEventInvokeConfigs, DeleteFunctionEventInvokeConfig,
// PutFunctionRecursionConfig and GetFunctionRecursionConfig.
#include <fmt/format.h>

#include <utility>

#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/paging.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 50;

protocol::ServiceError no_config(std::string_view arn) {
  return api::ResourceNotFoundException{.message =
                                            fmt::format("The function {} doesn't have an EventInvokeConfig", arn)};
}

api::FunctionEventInvokeConfig to_api(const catalog::EventInvokeConfig& config, std::string arn) {
  api::FunctionEventInvokeConfig out;
  out.last_modified = protocol::Timestamp(std::chrono::milliseconds(config.modified_ms));
  out.function_arn = std::move(arn);
  if (config.max_retries) out.maximum_retry_attempts = static_cast<std::int32_t>(*config.max_retries);
  if (config.max_age_seconds) out.maximum_event_age_in_seconds = static_cast<std::int32_t>(*config.max_age_seconds);
  auto& destinations = out.destination_config.emplace();
  auto& success = destinations.on_success.emplace();
  if (!config.on_success.empty()) success.destination = config.on_success;
  auto& on_failure = destinations.on_failure.emplace();
  if (!config.on_failure.empty()) on_failure.destination = config.on_failure;
  return out;
}

template <class Request>
ApiResult<void> check_given(const Request& request) {
  if (request.maximum_retry_attempts || request.maximum_event_age_in_seconds || request.destination_config) return {};
  return failure(invalid_parameter("You must specify at least one of error handling or destination setting."));
}

// What the request gives, over what is there.
template <class Request>
void apply_given(const Request& request, catalog::EventInvokeConfig& config) {
  if (request.maximum_retry_attempts) {
    config.max_retries = static_cast<std::uint32_t>(*request.maximum_retry_attempts);
  }
  if (request.maximum_event_age_in_seconds) {
    config.max_age_seconds = static_cast<std::uint32_t>(*request.maximum_event_age_in_seconds);
  }
  if (!request.destination_config) return;
  const auto& [on_success, on_failure] = *request.destination_config;
  if (on_success) config.on_success = on_success->destination.value_or("");
  if (on_failure) config.on_failure = on_failure->destination.value_or("");
}

}  // namespace

// The qualifier is "$LATEST" where none was given, and the ARN has it.
ApiResult<LambdaService::Named> LambdaService::find_qualified(std::string_view name,
                                                              const std::optional<std::string>& qualifier) const {
  auto named = find(name, qualifier.value_or(""));
  if (named && named->qualifier.empty()) {
    named->qualifier = catalog::kLatest;
    named->arn = settings_.home.function_arn(named->function->name, named->qualifier);
  }
  return named;
}

// A function of this server must be there, and cannot be its own destination.
ApiResult<void> LambdaService::check_destination(const std::string& arn, const Named& of) const {
  const auto target = catalog::parse_function_name(arn);
  if (!target || target->region.empty()) return {};
  const bool is_known = find(arn, "").has_value();
  if (!is_known) {
    return failure(
        invalid_parameter(fmt::format("The destination ARN {} is invalid: there is no such function.", arn)));
  }
  if (target->name == of.function->name) {
    return failure(invalid_parameter("You can't specify the function as a destination for itself."));
  }
  return {};
}

net::Task<ApiResult<catalog::EventInvokeConfig>> LambdaService::store_event_invoke(
    Named named, bool must_exist, std::function<void(catalog::EventInvokeConfig&)> apply) {
  catalog::EventInvokeConfig stored;
  const auto edit = [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
    const auto before = settings.event_invoke.find(named.qualifier);
    if (must_exist && before == settings.event_invoke.end()) return failure(no_config(named.arn));
    if (must_exist) stored = before->second;
    apply(stored);
    for (const auto* arn : {&stored.on_success, &stored.on_failure}) {
      if (!arn->empty()) LAMBENT_TRY_VOID(check_destination(*arn, named));
    }
    stored.modified_ms = parts_.clock.wall_ms();
    settings.event_invoke[named.qualifier] = stored;
    return {};
  };
  LAMBENT_CO_TRY_VOID(co_await change_settings(named.function->name, edit));
  co_return stored;
}

Answer<api::FunctionEventInvokeConfig> LambdaService::put_function_event_invoke_config(
    const CallContext&, api::PutFunctionEventInvokeConfigRequest request) {
  LAMBENT_CO_TRY(auto named, find_qualified(request.function_name, request.qualifier));
  LAMBENT_CO_TRY_VOID(check_given(request));
  LAMBENT_CO_TRY(const auto stored, co_await store_event_invoke(named, false, [&](catalog::EventInvokeConfig& config) {
                   apply_given(request, config);
                 }));
  co_return to_api(stored, std::move(named.arn));
}

Answer<api::FunctionEventInvokeConfig> LambdaService::update_function_event_invoke_config(
    const CallContext&, api::UpdateFunctionEventInvokeConfigRequest request) {
  LAMBENT_CO_TRY(auto named, find_qualified(request.function_name, request.qualifier));
  LAMBENT_CO_TRY_VOID(check_given(request));
  LAMBENT_CO_TRY(const auto stored, co_await store_event_invoke(named, true, [&](catalog::EventInvokeConfig& config) {
                   apply_given(request, config);
                 }));
  co_return to_api(stored, std::move(named.arn));
}

Answer<api::FunctionEventInvokeConfig> LambdaService::get_function_event_invoke_config(
    const CallContext&, api::GetFunctionEventInvokeConfigRequest request) {
  LAMBENT_CO_TRY(auto named, find_qualified(request.function_name, request.qualifier));
  const auto& configs = named.entry->settings->event_invoke;
  const auto config = configs.find(named.qualifier);
  if (config == configs.end()) co_return failure(no_config(named.arn));
  co_return to_api(config->second, std::move(named.arn));
}

Answer<api::ListFunctionEventInvokeConfigsResponse> LambdaService::list_function_event_invoke_configs(
    const CallContext&, api::ListFunctionEventInvokeConfigsRequest request) {
  LAMBENT_CO_TRY(const auto named, find_entry(request.function_name, ""));
  const auto& name = named.entry->latest->name;
  api::ListFunctionEventInvokeConfigsResponse reply;
  auto& shown = reply.function_event_invoke_configs.emplace();
  auto next = each_of_page(named.entry->settings->event_invoke, parts_.catalog.markers(), "event configs of " + name,
                           request.marker, request.max_items, kDefaultPage,
                           [&](const std::string& qualifier, const catalog::EventInvokeConfig& config) {
                             shown.push_back(to_api(config, settings_.home.function_arn(name, qualifier)));
                           });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

Answer<protocol::Nothing> LambdaService::delete_function_event_invoke_config(
    const CallContext&, api::DeleteFunctionEventInvokeConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_qualified(request.function_name, request.qualifier));
  LAMBENT_CO_TRY_VOID(co_await change_settings(
      named.function->name, [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        if (settings.event_invoke.erase(named.qualifier) == 0) return failure(no_config(named.arn));
        return {};
      }));
  co_return protocol::Nothing{};
}

Answer<api::PutFunctionRecursionConfigResponse> LambdaService::put_function_recursion_config(
    const CallContext&, api::PutFunctionRecursionConfigRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY_VOID(
      co_await change_settings(name, [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        settings.allows_recursion = request.recursive_loop == "Allow";
        return {};
      }));
  api::PutFunctionRecursionConfigResponse reply;
  reply.recursive_loop = request.recursive_loop;
  co_return reply;
}

Answer<api::GetFunctionRecursionConfigResponse> LambdaService::get_function_recursion_config(
    const CallContext&, api::GetFunctionRecursionConfigRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  const auto* entry = parts_.catalog.entry(name);
  if (!entry) co_return failure(function_not_found(settings_.home.function_arn(name)));
  api::GetFunctionRecursionConfigResponse reply;
  reply.recursive_loop = entry->settings->allows_recursion ? "Allow" : "Terminate";
  co_return reply;
}

}  // namespace lambent::services::lambda
