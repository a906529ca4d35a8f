// CreateFunctionUrlConfig, GetFunctionUrlConfig, UpdateFunctionUrlConfig, DeleteFunctionUrlConfig and
// ListFunctionUrlConfigs. A function's URL is part of its record; changing it is no new revision of the function.
#include <fmt/format.h>

#include <utility>

#include "base/time_format.h"
#include "services/lambda/configuration.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

protocol::ServiceError no_such_url() {
  return api::ResourceNotFoundException{.message = "The resource you requested does not exist."};
}

// URLs belong to $LATEST (no qualifier) or an alias, and there are no aliases.
ApiResult<void> check_qualifier(const std::optional<std::string>& qualifier, const std::string& arn) {
  if (!qualifier) return {};
  return failure(
      api::ResourceNotFoundException{.message = fmt::format("Cannot find alias arn: {}:{}", arn, *qualifier)});
}

// The members that all answers have.
template <class Reply>
Reply url_reply(const catalog::Function& function, const catalog::FunctionUrlAddress& address) {
  const auto& url = *function.url;
  Reply reply;
  reply.function_url = address.url_of(url.url_id);
  reply.function_arn = function.arn;
  reply.auth_type = url.auth_type;
  if (url.cors) reply.cors = to_api(*url.cors);
  reply.creation_time = url.creation_time;
  reply.invoke_mode = url.invoke_mode;
  if constexpr (requires { reply.last_modified_time; }) reply.last_modified_time = url.last_modified_time;
  return reply;
}

}  // namespace

Answer<api::CreateFunctionUrlConfigResponse> LambdaService::create_function_url_config(
    const CallContext&, api::CreateFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(auto change, begin_change(request.function_name));
  LAMBENT_CO_TRY_VOID(check_qualifier(request.qualifier, change.current()->arn));
  if (request.cors) LAMBENT_CO_TRY_VOID(check_cors(*request.cors));
  auto function = *change.current();
  if (function.url) {
    co_return failure(api::ResourceConflictException{
        .message = fmt::format("Failed to create function url config for [functionArn = {}]. Error message:  "
                               "FunctionUrlConfig exists for this Lambda function",
                               function.arn)});
  }
  auto& url = function.url.emplace();
  url.url_id = parts_.random.text(catalog::kUrlIdLength, catalog::kUrlIdAlphabet);
  url.auth_type = request.auth_type;
  url.invoke_mode = request.invoke_mode.value_or("BUFFERED");
  if (request.cors) url.cors = to_record(*request.cors);
  url.creation_time = format_iso_millis(parts_.clock.wall());
  url.last_modified_time = url.creation_time;
  const auto committed = co_await change.commit(std::move(function));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return url_reply<api::CreateFunctionUrlConfigResponse>(**committed, settings_.function_urls);
}

Answer<api::GetFunctionUrlConfigResponse> LambdaService::get_function_url_config(
    const CallContext&, api::GetFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find(request.function_name, ""));
  LAMBENT_CO_TRY_VOID(check_qualifier(request.qualifier, named.function->arn));
  if (!named.function->url) co_return failure(no_such_url());
  co_return url_reply<api::GetFunctionUrlConfigResponse>(*named.function, settings_.function_urls);
}

Answer<api::UpdateFunctionUrlConfigResponse> LambdaService::update_function_url_config(
    const CallContext&, api::UpdateFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(auto change, begin_change(request.function_name));
  LAMBENT_CO_TRY_VOID(check_qualifier(request.qualifier, change.current()->arn));
  if (request.cors) LAMBENT_CO_TRY_VOID(check_cors(*request.cors));
  auto function = *change.current();
  if (!function.url) co_return failure(no_such_url());
  if (request.auth_type) function.url->auth_type = *request.auth_type;
  if (request.invoke_mode) function.url->invoke_mode = *request.invoke_mode;
  if (request.cors) function.url->cors = to_record(*request.cors);
  function.url->last_modified_time = format_iso_millis(parts_.clock.wall());
  const auto committed = co_await change.commit(std::move(function));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return url_reply<api::UpdateFunctionUrlConfigResponse>(**committed, settings_.function_urls);
}

Answer<protocol::Nothing> LambdaService::delete_function_url_config(const CallContext&,
                                                                    api::DeleteFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(auto change, begin_change(request.function_name));
  LAMBENT_CO_TRY_VOID(check_qualifier(request.qualifier, change.current()->arn));
  auto function = *change.current();
  if (!function.url) co_return failure(no_such_url());
  function.url.reset();
  const auto committed = co_await change.commit(std::move(function));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return protocol::Nothing{};
}

Answer<api::ListFunctionUrlConfigsResponse> LambdaService::list_function_url_configs(
    const CallContext&, api::ListFunctionUrlConfigsRequest request) {
  LAMBENT_CO_TRY(const auto named, find(request.function_name, ""));
  // A function has one URL at most, so no page ever leads to a next one.
  if (request.marker && !request.marker->empty()) co_return failure(invalid_parameter("Invalid Marker"));
  api::ListFunctionUrlConfigsResponse reply;
  if (named.function->url) {
    reply.function_url_configs.push_back(url_reply<api::FunctionUrlConfig>(*named.function, settings_.function_urls));
  }
  co_return reply;
}

}  // namespace lambent::services::lambda
