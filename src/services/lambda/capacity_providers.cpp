// Capacity providers (CreateCapacityProvider and the others): kept and shown. Nothing is provisioned, so one is active
// at once; and no function version can name one, so none is ever in use.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/time_format.h"
#include "protocol/json_encode.h"
#include "protocol/json_reader.h"
#include "protocol/lambda/tables.h"
#include "services/lambda/errors.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/paging.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

namespace tables = api::tables;

constexpr std::size_t kPage = 50;
constexpr const char* kKind = "capacity-provider";
constexpr std::string_view kResource = ":capacity-provider:";

std::string_view id_in_arn(std::string_view arn) {
  return arn.substr(arn.rfind(':') + 1);
}

// The members of two of the API's answers in one object: {"CapacityProvider":{...},"Tags":{...}}.
std::string encode(api::CapacityProvider provider, protocol::Map<std::string> tags) {
  const api::GetCapacityProviderResponse shown{.capacity_provider = std::move(provider)};
  const api::ListTagsResponse tagged{.tags = std::move(tags)};
  return fmt::format("{{{},{}}}", protocol::json_members(tables::structure_GetCapacityProviderResponse, &shown, ""),
                     protocol::json_members(tables::structure_ListTagsResponse, &tagged, ""));
}

// Reads what encode() wrote into one of the two answers.
template <class Reply>
Reply decode(std::string text, const protocol::Structure& structure) {
  Reply reply;
  protocol::Violations violations;  // checked when it was given
  const auto failed = protocol::read_json(text, structure, &reply, {}, {}, violations);
  return failed ? Reply{} : std::move(reply);
}

api::CapacityProvider decode_provider(const std::string& text) {
  return decode<api::GetCapacityProviderResponse>(text, tables::structure_GetCapacityProviderResponse)
      .capacity_provider;
}

protocol::Map<std::string> decode_tags(const std::string& text) {
  return decode<api::ListTagsResponse>(text, tables::structure_ListTagsResponse)
      .tags.value_or(protocol::Map<std::string>());
}

}  // namespace

std::string LambdaService::capacity_provider_arn(std::string_view name) const {
  return fmt::format("arn:aws:lambda:{}:{}{}{}", settings_.home.region, settings_.home.account_id, kResource, name);
}

ApiResult<std::string> LambdaService::capacity_provider_name(std::string_view name_or_arn) const {
  std::string name(id_in_arn(name_or_arn));
  if (name_or_arn == name || name_or_arn == capacity_provider_arn(name)) return name;
  return failure(to_api_error(catalog::NameError{
      catalog::NameError::Kind::other_account,
      fmt::format("User: arn:aws:iam::{}:root is not authorized to perform this operation on resource: {}",
                  settings_.home.account_id, name_or_arn)}));
}

ApiResult<LambdaService::CapacityProvider> LambdaService::find_capacity_provider(std::string_view name_or_arn) const {
  LAMBENT_TRY(const auto name, capacity_provider_name(name_or_arn));
  const auto& providers = parts_.documents.all(kKind);
  const auto found = providers.find(name);
  if (found == providers.end()) {
    return failure(api::ResourceNotFoundException{
        .message = fmt::format("Capacity provider not found: {}", capacity_provider_arn(name))});
  }
  return CapacityProvider{.shown = decode_provider(found->second), .tags = decode_tags(found->second)};
}

net::Task<ApiResult<void>> LambdaService::keep_capacity_provider(CapacityProvider provider) {
  std::string name(id_in_arn(provider.shown.capacity_provider_arn));
  const auto kept = co_await parts_.documents.put(kKind, std::move(name),
                                                  encode(std::move(provider.shown), std::move(provider.tags)));
  if (!kept) co_return failure(storage_failed(kept.error().message()));
  co_return ApiResult<void>();
}

net::Task<ApiResult<void>> LambdaService::change_capacity_provider_tags(std::string arn, TagEdit edit) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCapacityTurn));
  LAMBENT_CO_TRY(auto provider, find_capacity_provider(arn));
  LAMBENT_CO_TRY_VOID(edit(provider.tags));
  co_return co_await keep_capacity_provider(std::move(provider));
}

Answer<api::CreateCapacityProviderResponse> LambdaService::create_capacity_provider(
    const CallContext&, api::CreateCapacityProviderRequest request) {
  LAMBENT_CO_TRY(const auto name, capacity_provider_name(request.capacity_provider_name));
  CapacityProvider provider;
  if (request.tags) provider.tags = *std::move(request.tags);
  LAMBENT_CO_TRY_VOID(check_tags(provider.tags));
  provider.shown = {.capacity_provider_arn = capacity_provider_arn(name),
                    .state = "Active",
                    .vpc_config = std::move(request.vpc_config),
                    .permissions_config = std::move(request.permissions_config),
                    .instance_requirements = std::move(request.instance_requirements),
                    .capacity_provider_scaling_config = std::move(request.capacity_provider_scaling_config),
                    .kms_key_arn = std::move(request.kms_key_arn),
                    .last_modified = format_lambda_time(parts_.clock.wall()),
                    .propagate_tags = std::move(request.propagate_tags),
                    .telemetry_config = std::move(request.telemetry_config)};
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCapacityTurn));
  if (parts_.documents.all(kKind).contains(name)) {
    co_return failure(
        api::ResourceConflictException{.message = fmt::format("Capacity provider already exist: {}", name)});
  }
  LAMBENT_CO_TRY_VOID(co_await keep_capacity_provider(provider));
  co_return api::CreateCapacityProviderResponse{.capacity_provider = std::move(provider.shown)};
}

Answer<api::GetCapacityProviderResponse> LambdaService::get_capacity_provider(const CallContext&,
                                                                              api::GetCapacityProviderRequest request) {
  LAMBENT_CO_TRY(auto provider, find_capacity_provider(request.capacity_provider_name));
  co_return api::GetCapacityProviderResponse{.capacity_provider = std::move(provider.shown)};
}

Answer<api::UpdateCapacityProviderResponse> LambdaService::update_capacity_provider(
    const CallContext&, api::UpdateCapacityProviderRequest request) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCapacityTurn));
  LAMBENT_CO_TRY(auto provider, find_capacity_provider(request.capacity_provider_name));
  auto& shown = provider.shown;
  if (request.capacity_provider_scaling_config) {
    shown.capacity_provider_scaling_config = std::move(request.capacity_provider_scaling_config);
  }
  if (request.propagate_tags) shown.propagate_tags = std::move(request.propagate_tags);
  if (request.telemetry_config) shown.telemetry_config = std::move(request.telemetry_config);
  shown.last_modified = format_lambda_time(parts_.clock.wall());
  LAMBENT_CO_TRY_VOID(co_await keep_capacity_provider(provider));
  co_return api::UpdateCapacityProviderResponse{.capacity_provider = std::move(shown)};
}

Answer<api::DeleteCapacityProviderResponse> LambdaService::delete_capacity_provider(
    const CallContext&, api::DeleteCapacityProviderRequest request) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kCapacityTurn));
  LAMBENT_CO_TRY(auto provider, find_capacity_provider(request.capacity_provider_name));
  auto& shown = provider.shown;
  const auto gone =
      co_await parts_.documents.put(kKind, std::string(id_in_arn(shown.capacity_provider_arn)), std::nullopt);
  if (!gone) co_return failure(storage_failed(gone.error().message()));
  shown.state = "Deleting";
  co_return api::DeleteCapacityProviderResponse{.capacity_provider = std::move(shown)};
}

Answer<api::ListCapacityProvidersResponse> LambdaService::list_capacity_providers(
    const CallContext&, api::ListCapacityProvidersRequest request) {
  const catalog::Documents::Kind none;
  const bool all_match = request.state.value_or("Active") == "Active";
  api::ListCapacityProvidersResponse reply;
  auto next = each_of_page(all_match ? parts_.documents.all(kKind) : none, parts_.catalog.markers(), kKind,
                           request.marker, request.max_items, kPage, [&](const std::string&, const std::string& text) {
                             reply.capacity_providers.push_back(decode_provider(text));
                           });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

Answer<api::ListFunctionVersionsByCapacityProviderResponse> LambdaService::list_function_versions_by_capacity_provider(
    const CallContext&, api::ListFunctionVersionsByCapacityProviderRequest request) {
  LAMBENT_CO_TRY(auto provider, find_capacity_provider(request.capacity_provider_name));
  api::ListFunctionVersionsByCapacityProviderResponse reply;
  reply.capacity_provider_arn = std::move(provider.shown.capacity_provider_arn);
  const std::map<std::string, std::string> none;  // CapacityProviderConfig is refused; a marker must be this list's
  auto next = each_of_page(none, parts_.catalog.markers(), reply.capacity_provider_arn, request.marker,
                           request.max_items, kPage, [&](const std::string& arn, const std::string& state) {
                             reply.function_versions.push_back({.function_arn = arn, .state = state});
                           });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

}  // namespace lambent::services::lambda
