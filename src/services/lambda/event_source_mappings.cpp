// CreateEventSourceMapping, GetEventSourceMapping, UpdateEventSourceMapping, DeleteEventSourceMapping and
// ListEventSourceMappings. A mapping works once its record is on disk: the answers to changes say Creating, Enabling,
// Updating and so on, as AWS's do, and the next look says Enabled or Disabled.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "services/lambda/configuration.h"
#include "services/lambda/errors.h"
#include "services/lambda/event_source_form.h"
#include "services/lambda/lambda_service.h"
#include "services/lambda/paging.h"
#include "services/lambda/validation.h"

namespace lambent::services::lambda {

using catalog::EventSourceMapping;
using protocol::Answer;
using protocol::CallContext;
using protocol::failure;

namespace {

constexpr std::size_t kDefaultPage = 100;

std::string_view service_in(std::string_view arn) {
  for (int i = 0; i < 2; ++i) arn.remove_prefix(std::min(arn.find(':'), arn.size() - 1) + 1);
  return arn.substr(0, arn.find(':'));
}

}  // namespace

ApiResult<EventSourceMapping> LambdaService::find_mapping(const std::string& id) const {
  const auto& mappings = parts_.documents.all(EventSourceMapping::kKind);
  const auto found = mappings.find(id);
  if (found == mappings.end()) {
    return failure(api::ResourceNotFoundException{.message = "The resource you requested does not exist."});
  }
  auto mapping = catalog::decode_event_source_mapping(found->second);
  if (!mapping) return failure(storage_failed(mapping.error().message()));
  return *std::move(mapping);
}

ApiResult<void> LambdaService::check_source_kind(const api::CreateEventSourceMappingRequest& request) const {
  if (request.self_managed_event_source || request.topics || request.queues) {
    return failure(
        invalid_parameter("Self-managed event sources, topics and queues are not supported by this server."));
  }
  const auto& arn = request.event_source_arn.value_or("");
  if (arn.empty()) return failure(invalid_parameter("Event source ARN is required."));
  if (!parts_.event_sources.takes(arn)) {
    return failure(invalid_parameter(fmt::format(
        "Unrecognized event source, must be a DynamoDB stream: {} sources are not supported by this server. "
        "Unsupported source arn : {}",
        service_in(arn), arn)));
  }
  if (!request.starting_position) {
    return failure(invalid_parameter("StartingPosition is required for event source mappings of streams."));
  }
  if (*request.starting_position == "AT_TIMESTAMP") {
    return failure(invalid_parameter("StartingPosition AT_TIMESTAMP is not supported for DynamoDB streams."));
  }
  return {};
}

ApiResult<void> LambdaService::check_not_twice(const EventSourceMapping& mapping) const {
  for (const auto& [id, text] : parts_.documents.all(EventSourceMapping::kKind)) {
    const auto other = catalog::decode_event_source_mapping(text);
    if (!other || id == mapping.id || other->source_arn != mapping.source_arn ||
        other->function_name != mapping.function_name) {
      continue;
    }
    return failure(api::ResourceConflictException{
        .message = fmt::format("An event source mapping with event source arn (\" {} \") and function name (\" {} \") "
                               "already exists. Please update or delete the existing mapping with UUID {}",
                               mapping.source_arn, mapping.function_name, id)});
  }
  return {};
}

ApiResult<void> LambdaService::aim_mapping(const std::string& function_name, EventSourceMapping& mapping) const {
  LAMBENT_TRY(const auto named, find(function_name, ""));
  mapping.function_name = named.function->name;
  mapping.qualifier = named.qualifier;
  return {};
}

ApiResult<void> LambdaService::check_mapping_target(const EventSourceMapping& mapping) const {
  if (mapping.on_failure.empty()) return {};
  LAMBENT_TRY(const auto named, find(mapping.function_name, mapping.qualifier));
  return check_destination(mapping.on_failure, named);
}

net::Task<ApiResult<void>> LambdaService::keep_mapping(const EventSourceMapping& mapping) {
  const auto kept = co_await parts_.documents.put(std::string(EventSourceMapping::kKind), mapping.id,
                                                  catalog::encode_event_source_mapping(mapping));
  if (!kept) co_return failure(storage_failed(kept.error().message()));
  co_return ApiResult<void>();
}

api::EventSourceMappingConfiguration LambdaService::show_mapping(const EventSourceMapping& mapping,
                                                                 std::string_view state) const {
  auto shown = to_configuration(mapping);
  shown.function_arn = settings_.home.function_arn(mapping.function_name, mapping.qualifier);
  shown.event_source_mapping_arn = fmt::format("arn:aws:lambda:{}:{}:event-source-mapping:{}", settings_.home.region,
                                               settings_.home.account_id, mapping.id);
  shown.state = state.empty() ? (mapping.is_enabled ? "Enabled" : "Disabled") : std::string(state);
  shown.state_transition_reason = "User action";
  shown.last_processing_result = parts_.event_sources.last_result(mapping.id);
  return shown;
}

Answer<api::EventSourceMappingConfiguration> LambdaService::create_event_source_mapping(
    const CallContext&, api::CreateEventSourceMappingRequest request) {
  EventSourceMapping mapping;
  LAMBENT_CO_TRY_VOID(aim_mapping(request.function_name, mapping));
  LAMBENT_CO_TRY_VOID(check_source_kind(request));
  LAMBENT_CO_TRY_VOID(apply_members(request, settings_.calls.filters, mapping));
  LAMBENT_CO_TRY_VOID(check_mapping_target(mapping));
  mapping.source_arn = *request.event_source_arn;
  if (!co_await parts_.event_sources.exists(mapping.source_arn)) {
    co_return failure(invalid_parameter(fmt::format("Stream not found: {}", mapping.source_arn)));
  }
  mapping.starting_position = *request.starting_position;
  if (request.tags) {
    LAMBENT_CO_TRY_VOID(check_tags(*request.tags));
    mapping.tags = to_pairs(*request.tags);
  }
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kMappingsTurn));
  LAMBENT_CO_TRY_VOID(check_not_twice(mapping));
  mapping.id = parts_.random.uuid();
  mapping.modified_ms = parts_.clock.wall_ms();
  LAMBENT_CO_TRY_VOID(co_await keep_mapping(mapping));
  parts_.event_sources.follow(mapping);
  co_return show_mapping(mapping, "Creating");
}

Answer<api::EventSourceMappingConfiguration> LambdaService::get_event_source_mapping(
    const CallContext&, api::GetEventSourceMappingRequest request) {
  LAMBENT_CO_TRY(const auto mapping, find_mapping(request.uuid));
  co_return show_mapping(mapping, {});
}

Answer<api::EventSourceMappingConfiguration> LambdaService::update_event_source_mapping(
    const CallContext&, api::UpdateEventSourceMappingRequest request) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kMappingsTurn));
  LAMBENT_CO_TRY(auto mapping, find_mapping(request.uuid));
  const bool was_enabled = mapping.is_enabled;
  if (request.function_name) LAMBENT_CO_TRY_VOID(aim_mapping(*request.function_name, mapping));
  LAMBENT_CO_TRY_VOID(apply_members(request, settings_.calls.filters, mapping));
  LAMBENT_CO_TRY_VOID(check_mapping_target(mapping));
  LAMBENT_CO_TRY_VOID(check_not_twice(mapping));
  mapping.modified_ms = parts_.clock.wall_ms();
  LAMBENT_CO_TRY_VOID(co_await keep_mapping(mapping));
  parts_.event_sources.follow(mapping);
  co_return show_mapping(
      mapping, was_enabled == mapping.is_enabled ? "Updating" : (mapping.is_enabled ? "Enabling" : "Disabling"));
}

Answer<api::EventSourceMappingConfiguration> LambdaService::delete_event_source_mapping(
    const CallContext&, api::DeleteEventSourceMappingRequest request) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kMappingsTurn));
  LAMBENT_CO_TRY(const auto mapping, find_mapping(request.uuid));
  const auto erased = co_await parts_.documents.put(std::string(EventSourceMapping::kKind), mapping.id, std::nullopt);
  if (!erased) co_return failure(storage_failed(erased.error().message()));
  parts_.event_sources.forget(mapping.id);
  co_return show_mapping(mapping, "Deleting");
}

Answer<api::ListEventSourceMappingsResponse> LambdaService::list_event_source_mappings(
    const CallContext&, api::ListEventSourceMappingsRequest request) {
  std::optional<catalog::FunctionName> of;
  if (request.function_name) {
    auto resolved = catalog::resolve_function_name(settings_.home, *request.function_name);
    if (!resolved) co_return failure(to_api_error(resolved.error()));
    of = *std::move(resolved);
  }
  std::map<std::string, EventSourceMapping, std::less<>> wanted;
  for (const auto& [id, text] : parts_.documents.all(EventSourceMapping::kKind)) {
    auto mapping = catalog::decode_event_source_mapping(text);
    const bool is_wanted =
        mapping && (!request.event_source_arn || mapping->source_arn == *request.event_source_arn) &&
        (!of || (mapping->function_name == of->name && (of->qualifier.empty() || mapping->qualifier == of->qualifier)));
    if (is_wanted) wanted.emplace(id, *std::move(mapping));
  }
  api::ListEventSourceMappingsResponse reply;
  auto& shown = reply.event_source_mappings.emplace();
  auto next = each_of_page(
      wanted, parts_.catalog.markers(), "event source mappings", request.marker, request.max_items, kDefaultPage,
      [&](const std::string&, const EventSourceMapping& mapping) { shown.push_back(show_mapping(mapping, {})); });
  if (!next) co_return failure(next.error());
  reply.next_marker = *std::move(next);
  co_return reply;
}

std::optional<std::string> LambdaService::mapping_id(std::string_view arn) {
  constexpr std::string_view kResource = ":event-source-mapping:";
  const auto at = arn.find(kResource);
  if (at == std::string_view::npos) return std::nullopt;
  return std::string(arn.substr(at + kResource.size()));
}

net::Task<ApiResult<void>> LambdaService::change_mapping_tags(std::string id, TagEdit edit) {
  const auto turn = co_await parts_.catalog.begin_change_in_turn(std::string(kMappingsTurn));
  LAMBENT_CO_TRY(auto mapping, find_mapping(id));
  auto tags = to_map(mapping.tags);
  LAMBENT_CO_TRY_VOID(edit(tags));
  mapping.tags = to_pairs(tags);
  co_return co_await keep_mapping(mapping);
}

}  // namespace lambent::services::lambda
