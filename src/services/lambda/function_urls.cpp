// CreateFunctionUrlConfig, GetFunctionUrlConfig, UpdateFunctionUrlConfig, DeleteFunctionUrlConfig and
// ListFunctionUrlConfigs. A URL belongs to $LATEST or to an alias and is part of that record; changing it is no new
// revision of either.
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

constexpr int kDefaultPage = 50;

protocol::ServiceError no_such_url() {
  return api::ResourceNotFoundException{.message = "The resource you requested does not exist."};
}

// The members that all answers have.
template <class Reply>
Reply url_reply(const catalog::FunctionUrl& url, std::string arn, const catalog::FunctionUrlAddress& address) {
  Reply reply;
  reply.function_url = address.url_of(url.url_id);
  reply.function_arn = std::move(arn);
  reply.auth_type = url.auth_type;
  if (url.cors) reply.cors = to_api(*url.cors);
  reply.creation_time = url.creation_time;
  reply.invoke_mode = url.invoke_mode;
  if constexpr (requires { reply.last_modified_time; }) reply.last_modified_time = url.last_modified_time;
  return reply;
}

// The URL of $LATEST (no qualifier) or of an alias, which is there.
const std::optional<catalog::FunctionUrl>& url_of(const catalog::Entry& entry, const std::string& qualifier) {
  return qualifier.empty() ? entry.latest->url : entry.alias(qualifier)->url;
}

catalog::Edit edit_of(const catalog::Entry& entry, const std::string& qualifier,
                      std::optional<catalog::FunctionUrl> url) {
  catalog::Edit edit;
  if (qualifier.empty()) {
    edit.latest.emplace(*entry.latest).url = std::move(url);
  } else {
    edit.alias.emplace(*entry.alias(qualifier)).url = std::move(url);
  }
  return edit;
}

}  // namespace

ApiResult<LambdaService::Named> LambdaService::find_url_owner(std::string_view name,
                                                              const std::optional<std::string>& qualifier) const {
  auto named = find_entry(name, qualifier.value_or(""));
  if (named && !named->qualifier.empty() && !named->entry->alias(named->qualifier)) {
    return failure(alias_not_found(named->arn));
  }
  return named;
}

Answer<api::CreateFunctionUrlConfigResponse> LambdaService::create_function_url_config(
    const CallContext&, api::CreateFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_url_owner(request.function_name, request.qualifier));
  if (request.cors) LAMBENT_CO_TRY_VOID(check_cors(*request.cors));
  LAMBENT_CO_TRY(auto change, co_await begin_change(named.entry->latest->name));
  if (url_of(*change.entry(), named.qualifier)) {
    co_return failure(api::ResourceConflictException{
        .message = fmt::format("Failed to create function url config for [functionArn = {}]. Error message:  "
                               "FunctionUrlConfig exists for this Lambda function",
                               named.arn)});
  }
  catalog::FunctionUrl url;
  url.url_id = parts_.random.text(catalog::kUrlIdLength, catalog::kUrlIdAlphabet);
  url.auth_type = request.auth_type;
  url.invoke_mode = request.invoke_mode.value_or("BUFFERED");
  if (request.cors) url.cors = to_record(*request.cors);
  url.creation_time = format_iso_millis(parts_.clock.wall());
  url.last_modified_time = url.creation_time;
  const auto committed = co_await change.commit(edit_of(*change.entry(), named.qualifier, url));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return url_reply<api::CreateFunctionUrlConfigResponse>(url, named.arn, settings_.function_urls);
}

Answer<api::GetFunctionUrlConfigResponse> LambdaService::get_function_url_config(
    const CallContext&, api::GetFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_url_owner(request.function_name, request.qualifier));
  const auto& url = url_of(*named.entry, named.qualifier);
  if (!url) co_return failure(no_such_url());
  co_return url_reply<api::GetFunctionUrlConfigResponse>(*url, named.arn, settings_.function_urls);
}

Answer<api::UpdateFunctionUrlConfigResponse> LambdaService::update_function_url_config(
    const CallContext&, api::UpdateFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_url_owner(request.function_name, request.qualifier));
  if (request.cors) LAMBENT_CO_TRY_VOID(check_cors(*request.cors));
  LAMBENT_CO_TRY(auto change, co_await begin_change(named.entry->latest->name));
  auto url = url_of(*change.entry(), named.qualifier);
  if (!url) co_return failure(no_such_url());
  if (request.auth_type) url->auth_type = *request.auth_type;
  if (request.invoke_mode) url->invoke_mode = *request.invoke_mode;
  if (request.cors) url->cors = to_record(*request.cors);
  url->last_modified_time = format_iso_millis(parts_.clock.wall());
  const auto committed = co_await change.commit(edit_of(*change.entry(), named.qualifier, url));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return url_reply<api::UpdateFunctionUrlConfigResponse>(*url, named.arn, settings_.function_urls);
}

Answer<protocol::Nothing> LambdaService::delete_function_url_config(const CallContext&,
                                                                    api::DeleteFunctionUrlConfigRequest request) {
  LAMBENT_CO_TRY(const auto named, find_url_owner(request.function_name, request.qualifier));
  LAMBENT_CO_TRY(auto change, co_await begin_change(named.entry->latest->name));
  if (!url_of(*change.entry(), named.qualifier)) co_return failure(no_such_url());
  const auto committed = co_await change.commit(edit_of(*change.entry(), named.qualifier, std::nullopt));
  if (!committed) co_return failure(to_api_error(committed.error()));
  co_return protocol::Nothing{};
}

// That of $LATEST, then those of aliases by name. The marker is the last one's alias ("" for $LATEST).
Answer<api::ListFunctionUrlConfigsResponse> LambdaService::list_function_url_configs(
    const CallContext&, api::ListFunctionUrlConfigsRequest request) {
  LAMBENT_CO_TRY(const auto named, find_entry(request.function_name, ""));
  const auto& name = named.entry->latest->name;
  const auto list = "URLs of " + name;
  const auto& markers = parts_.catalog.markers();
  const auto after = markers.read(list, request.marker.value_or(""));
  if (request.marker && !request.marker->empty() && !after) co_return failure(invalid_parameter("Invalid Marker"));
  const auto limit = static_cast<std::size_t>(request.max_items.value_or(kDefaultPage));
  api::ListFunctionUrlConfigsResponse reply;
  auto& shown = reply.function_url_configs;
  std::string last;
  const auto add = [&](const std::string& qualifier) {
    const auto& url = url_of(*named.entry, qualifier);
    if (!url || reply.next_marker) return;
    if (shown.size() == limit) {
      reply.next_marker = markers.make(list, last);
      return;
    }
    shown.push_back(
        url_reply<api::FunctionUrlConfig>(*url, settings_.home.function_arn(name, qualifier), settings_.function_urls));
    last = qualifier;
  };
  if (!after) add("");
  auto at = after ? named.entry->aliases.upper_bound(*after) : named.entry->aliases.begin();
  for (; at != named.entry->aliases.end(); ++at) add(at->first);
  co_return reply;
}

}  // namespace lambent::services::lambda
