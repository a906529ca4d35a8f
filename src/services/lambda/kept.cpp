// What is kept and shown, and changes nothing on this server: code signing (CreateCodeSigningConfig and the others),
// runtime management (PutRuntimeManagementConfig, GetRuntimeManagementConfig), scaling of functions on own instances
// (PutFunctionScalingConfig, GetFunctionScalingConfig).
#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>
#include <utility>

#include "base/time_format.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/paging.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace json = boost::json;

namespace {

constexpr std::size_t kDefaultPage = 50;
constexpr const char* kCodeSigning = "code-signing-config";

protocol::ServiceError no_code_signing(std::string_view arn) {
  return api::ResourceNotFoundException{
      .message = fmt::format("The Lambda code signing configuration {} can not be found.", arn)};
}

std::string id_in_arn(std::string_view arn) {
  return std::string(arn.substr(arn.rfind(':') + 1));
}

json::object parse_object(const std::string& text) {
  boost::system::error_code failed;
  auto value = json::parse(text, failed);
  return failed || !value.is_object() ? json::object() : std::move(value.get_object());
}

std::string text_of(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int32_t> number_of(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value && value->is_int64() ? std::optional(static_cast<std::int32_t>(value->get_int64())) : std::nullopt;
}

std::string encode(const api::CodeSigningConfig& config, const protocol::Map<std::string>& tags) {
  json::object tagged;
  for (const auto& [name, value] : tags) tagged[name] = value;
  json::array publishers;
  for (const auto& arn : config.allowed_publishers.signing_profile_version_arns) publishers.emplace_back(arn);
  return json::serialize(
      json::object{{"arn", config.code_signing_config_arn},
                   {"description", config.description.value_or("")},
                   {"publishers", std::move(publishers)},
                   {"policy", config.code_signing_policies.untrusted_artifact_on_deployment.value_or("Warn")},
                   {"last_modified", config.last_modified},
                   {"tags", std::move(tagged)}});
}

api::CodeSigningConfig decode(const std::string& id, const std::string& text) {
  const auto object = parse_object(text);
  api::CodeSigningConfig config;
  config.code_signing_config_id = id;
  config.code_signing_config_arn = text_of(object, "arn");
  if (auto description = text_of(object, "description"); !description.empty()) config.description = description;
  if (const auto* publishers = object.if_contains("publishers"); publishers && publishers->is_array()) {
    for (const auto& arn : publishers->get_array()) {
      if (arn.is_string()) config.allowed_publishers.signing_profile_version_arns.emplace_back(arn.get_string());
    }
  }
  config.code_signing_policies.untrusted_artifact_on_deployment = text_of(object, "policy");
  config.last_modified = text_of(object, "last_modified");
  return config;
}

protocol::Map<std::string> decode_tags(const std::string& text) {
  protocol::Map<std::string> tags;
  const auto object = parse_object(text);
  const auto* kept = object.if_contains("tags");
  if (!kept || !kept->is_object()) return tags;
  for (const auto& [name, value] : kept->get_object()) tags[std::string(name)] = std::string(value.as_string());
  return tags;
}

}  // namespace

ApiResult<LambdaService::CodeSigning> LambdaService::find_code_signing(const std::string& arn) const {
  const auto& configs = parts_.documents.all(kCodeSigning);
  const auto found = configs.find(id_in_arn(arn));
  if (found == configs.end()) return failure(no_code_signing(arn));
  return CodeSigning{.shown = decode(found->first, found->second), .tags = decode_tags(found->second)};
}

net::Task<ApiResult<void>> LambdaService::keep_code_signing(CodeSigning config) {
  const auto kept = co_await parts_.documents.put(kCodeSigning, config.shown.code_signing_config_id,
                                                  encode(config.shown, config.tags));
  if (!kept) co_return failure(storage_failed(kept.error().message()));
  co_return ApiResult<void>();
}

net::Task<ApiResult<void>> LambdaService::change_code_signing_tags(std::string arn, TagEdit edit) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCodeSigningTurn));
  LAMBENT_CO_TRY(auto config, find_code_signing(arn));
  LAMBENT_CO_TRY_VOID(edit(config.tags));
  co_return co_await keep_code_signing(std::move(config));
}

Answer<api::CreateCodeSigningConfigResponse> LambdaService::create_code_signing_config(
    const CallContext&, api::CreateCodeSigningConfigRequest request) {
  CodeSigning made;
  if (request.tags) made.tags = *std::move(request.tags);
  LAMBENT_CO_TRY_VOID(check_tags(made.tags));
  auto& config = made.shown;
  config.code_signing_config_id = "csc-" + parts_.random.hex(9).substr(0, 17);
  config.code_signing_config_arn = fmt::format("arn:aws:lambda:{}:{}:code-signing-config:{}", settings_.home.region,
                                               settings_.home.account_id, config.code_signing_config_id);
  config.description = std::move(request.description);
  config.allowed_publishers = std::move(request.allowed_publishers);
  if (request.code_signing_policies) config.code_signing_policies = *std::move(request.code_signing_policies);
  auto& policy = config.code_signing_policies.untrusted_artifact_on_deployment;
  if (!policy) policy = "Warn";
  config.last_modified = format_lambda_time(parts_.clock.wall());
  LAMBENT_CO_TRY_VOID(co_await keep_code_signing(made));
  co_return api::CreateCodeSigningConfigResponse{.code_signing_config = std::move(config)};
}

Answer<api::GetCodeSigningConfigResponse> LambdaService::get_code_signing_config(
    const CallContext&, api::GetCodeSigningConfigRequest request) {
  LAMBENT_CO_TRY(auto config, find_code_signing(request.code_signing_config_arn));
  co_return api::GetCodeSigningConfigResponse{.code_signing_config = std::move(config.shown)};
}

Answer<api::UpdateCodeSigningConfigResponse> LambdaService::update_code_signing_config(
    const CallContext&, api::UpdateCodeSigningConfigRequest request) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCodeSigningTurn));
  LAMBENT_CO_TRY(auto found, find_code_signing(request.code_signing_config_arn));
  auto& config = found.shown;
  if (request.description) config.description = std::move(request.description);
  if (request.allowed_publishers) config.allowed_publishers = *std::move(request.allowed_publishers);
  if (request.code_signing_policies) config.code_signing_policies = *std::move(request.code_signing_policies);
  config.last_modified = format_lambda_time(parts_.clock.wall());
  LAMBENT_CO_TRY_VOID(co_await keep_code_signing(found));
  co_return api::UpdateCodeSigningConfigResponse{.code_signing_config = std::move(config)};
}

std::vector<std::string> LambdaService::functions_with_code_signing(const std::string& arn) const {
  std::vector<std::string> functions;
  for (const auto& [name, entry] : parts_.catalog.entries()) {
    if (entry.settings->code_signing_config_arn == arn) functions.push_back(entry.latest->arn);
  }
  return functions;
}

Answer<api::DeleteCodeSigningConfigResponse> LambdaService::delete_code_signing_config(
    const CallContext&, api::DeleteCodeSigningConfigRequest request) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCodeSigningTurn));
  LAMBENT_CO_TRY(const auto config, find_code_signing(request.code_signing_config_arn));
  if (!functions_with_code_signing(request.code_signing_config_arn).empty()) {
    co_return failure(api::ResourceConflictException{
        .message = "The code signing configuration is in use by one or more functions and cannot be deleted."});
  }
  const auto gone = co_await parts_.documents.put(kCodeSigning, config.shown.code_signing_config_id, std::nullopt);
  if (!gone) co_return failure(storage_failed(gone.error().message()));
  co_return api::DeleteCodeSigningConfigResponse{};
}

Answer<api::ListCodeSigningConfigsResponse> LambdaService::list_code_signing_configs(
    const CallContext&, api::ListCodeSigningConfigsRequest request) {
  api::ListCodeSigningConfigsResponse reply;
  auto& configs = reply.code_signing_configs.emplace();
  auto next = each_of_page(
      parts_.documents.all(kCodeSigning), parts_.catalog.markers(), kCodeSigning, request.marker, request.max_items,
      kDefaultPage, [&](const std::string& id, const std::string& text) { configs.push_back(decode(id, text)); });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

Answer<api::ListFunctionsByCodeSigningConfigResponse> LambdaService::list_functions_by_code_signing_config(
    const CallContext&, api::ListFunctionsByCodeSigningConfigRequest request) {
  LAMBENT_CO_TRY_VOID(find_code_signing(request.code_signing_config_arn));
  api::ListFunctionsByCodeSigningConfigResponse reply;
  std::map<std::string, bool> found;
  for (auto& arn : functions_with_code_signing(request.code_signing_config_arn)) found.emplace(std::move(arn), true);
  auto& arns = reply.function_arns.emplace();
  auto next = each_of_page(found, parts_.catalog.markers(), request.code_signing_config_arn, request.marker,
                           request.max_items, kDefaultPage, [&](const std::string& arn, bool) { arns.push_back(arn); });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

Answer<api::PutFunctionCodeSigningConfigResponse> LambdaService::put_function_code_signing_config(
    const CallContext&, api::PutFunctionCodeSigningConfigRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY_VOID(find_code_signing(request.code_signing_config_arn));
  LAMBENT_CO_TRY_VOID(
      co_await change_settings(name, [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        settings.code_signing_config_arn = request.code_signing_config_arn;
        return {};
      }));
  co_return api::PutFunctionCodeSigningConfigResponse{.code_signing_config_arn = request.code_signing_config_arn,
                                                      .function_name = name};
}

Answer<api::GetFunctionCodeSigningConfigResponse> LambdaService::get_function_code_signing_config(
    const CallContext&, api::GetFunctionCodeSigningConfigRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  const auto* entry = parts_.catalog.entry(name);
  if (!entry) co_return failure(function_not_found(settings_.home.function_arn(name)));
  // Without one AWS answers with an empty ARN.
  co_return api::GetFunctionCodeSigningConfigResponse{
      .code_signing_config_arn = entry->settings->code_signing_config_arn, .function_name = name};
}

Answer<protocol::Nothing> LambdaService::delete_function_code_signing_config(
    const CallContext&, api::DeleteFunctionCodeSigningConfigRequest request) {
  LAMBENT_CO_TRY(const auto name, name_to_change(request.function_name));
  LAMBENT_CO_TRY_VOID(
      co_await change_settings(name, [](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        settings.code_signing_config_arn.clear();
        return {};
      }));
  co_return protocol::Nothing{};
}

Answer<api::PutRuntimeManagementConfigResponse> LambdaService::put_runtime_management_config(
    const CallContext&, api::PutRuntimeManagementConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_qualified(request.function_name, request.qualifier));
  const bool is_manual = request.update_runtime_on == "Manual";
  if (is_manual != request.runtime_version_arn.has_value()) {
    co_return failure(
        invalid_parameter(is_manual ? "Runtime Version ARN is required when runtime update mode is Manual."
                                    : "Runtime Version ARN is not allowed when runtime update mode is not Manual."));
  }
  const auto text = json::serialize(json::object{{"update_on", request.update_runtime_on},
                                                 {"version_arn", request.runtime_version_arn.value_or("")}});
  LAMBENT_CO_TRY_VOID(co_await change_settings(
      named.function->name, [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        settings.runtime_management[named.qualifier] = text;
        return {};
      }));
  co_return api::PutRuntimeManagementConfigResponse{.update_runtime_on = request.update_runtime_on,
                                                    .function_arn = named.arn,
                                                    .runtime_version_arn = request.runtime_version_arn};
}

Answer<api::GetRuntimeManagementConfigResponse> LambdaService::get_runtime_management_config(
    const CallContext&, api::GetRuntimeManagementConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_qualified(request.function_name, request.qualifier));
  api::GetRuntimeManagementConfigResponse reply{.update_runtime_on = "Auto", .function_arn = named.arn};
  const auto& configs = named.entry->settings->runtime_management;
  if (const auto config = configs.find(named.qualifier); config != configs.end()) {
    const auto object = parse_object(config->second);
    reply.update_runtime_on = text_of(object, "update_on");
    if (auto arn = text_of(object, "version_arn"); !arn.empty()) reply.runtime_version_arn = std::move(arn);
  }
  co_return reply;
}

Answer<api::PutFunctionScalingConfigResponse> LambdaService::put_function_scaling_config(
    const CallContext&, api::PutFunctionScalingConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find(request.function_name, request.qualifier));
  json::object object;
  if (const auto& config = request.function_scaling_config) {
    if (config->min_execution_environments) object["min"] = *config->min_execution_environments;
    if (config->max_execution_environments) object["max"] = *config->max_execution_environments;
  }
  LAMBENT_CO_TRY_VOID(co_await change_settings(
      named.function->name, [&](const catalog::Entry&, catalog::Settings& settings) -> ApiResult<void> {
        settings.scaling[named.qualifier] = json::serialize(object);
        return {};
      }));
  co_return api::PutFunctionScalingConfigResponse{.function_state = "Active"};
}

Answer<api::GetFunctionScalingConfigResponse> LambdaService::get_function_scaling_config(
    const CallContext&, api::GetFunctionScalingConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find(request.function_name, request.qualifier));
  api::GetFunctionScalingConfigResponse reply;
  reply.function_arn = named.arn;
  const auto& configs = named.entry->settings->scaling;
  if (const auto config = configs.find(named.qualifier); config != configs.end()) {
    const auto object = parse_object(config->second);
    auto& shown = reply.requested_function_scaling_config.emplace();
    shown.min_execution_environments = number_of(object, "min");
    shown.max_execution_environments = number_of(object, "max");
    reply.applied_function_scaling_config = shown;
  }
  co_return reply;
}

}  // namespace lambent::services::lambda
