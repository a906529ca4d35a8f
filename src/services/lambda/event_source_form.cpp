#include "services/lambda/event_source_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "event_pattern/pattern.h"
#include "services/lambda/errors.h"

namespace lambent::services::lambda {

using protocol::failure;

namespace {

constexpr std::int64_t kYoungestAge = 60;

ApiResult<std::vector<std::string>> read_filters(const api::FilterCriteria& criteria, std::uint32_t most) {
  std::vector<std::string> patterns;
  for (const auto& filter : criteria.filters.value_or(std::vector<api::Filter>())) {
    const auto& text = filter.pattern.value_or("");
    const auto pattern = event_pattern::Pattern::parse(text);
    if (!pattern) {
      return failure(invalid_parameter(fmt::format("Invalid filter pattern definition. {}", pattern.error().detail)));
    }
    patterns.push_back(text);
  }
  if (patterns.size() > most) {
    return failure(invalid_parameter(fmt::format("Too many filters: at most {} are possible.", most)));
  }
  return patterns;
}

// What belongs to sources that this server does not have.
template <class Request>
bool has_others(const Request& request) {
  return request.source_access_configurations || request.amazon_managed_kafka_event_source_config ||
         request.self_managed_kafka_event_source_config || request.document_db_event_source_config ||
         request.provisioned_poller_config || request.scaling_config;
}

template <class Request>
ApiResult<void> check_members(const Request& request) {
  if (has_others(request)) {
    return failure(invalid_parameter("A parameter of this request belongs to another kind of event source than " +
                                     std::string("DynamoDB streams, the only kind that this server has.")));
  }
  const auto age = request.maximum_record_age_in_seconds.value_or(-1);
  if (age != -1 && age < kYoungestAge) {
    return failure(invalid_parameter("MaximumRecordAgeInSeconds must be -1 or between 60 and 604800."));
  }
  if (request.destination_config && request.destination_config->on_success &&
      !request.destination_config->on_success->destination.value_or("").empty()) {
    return failure(invalid_parameter("OnSuccess destination is not supported for event source mappings."));
  }
  return {};
}

template <class Request>
ApiResult<void> apply(const Request& request, std::uint32_t most_filters, catalog::EventSourceMapping& mapping) {
  LAMBENT_TRY_VOID(check_members(request));
  if (request.filter_criteria) {
    LAMBENT_TRY(mapping.filters, read_filters(*request.filter_criteria, most_filters));
  }
  mapping.is_enabled = request.enabled.value_or(mapping.is_enabled);
  mapping.batch_size = request.batch_size.value_or(mapping.batch_size);
  mapping.window_seconds = request.maximum_batching_window_in_seconds.value_or(mapping.window_seconds);
  mapping.parallelization = request.parallelization_factor.value_or(mapping.parallelization);
  mapping.tumbling_seconds = request.tumbling_window_in_seconds.value_or(mapping.tumbling_seconds);
  if (mapping.tumbling_seconds > 0 && mapping.parallelization > 1) {
    return failure(
        invalid_parameter("Tumbling windows are not supported with a ParallelizationFactor greater than 1."));
  }
  mapping.max_age_seconds = request.maximum_record_age_in_seconds.value_or(mapping.max_age_seconds);
  mapping.max_retries = request.maximum_retry_attempts.value_or(mapping.max_retries);
  mapping.bisects = request.bisect_batch_on_function_error.value_or(mapping.bisects);
  if (request.function_response_types) mapping.reports_item_failures = !request.function_response_types->empty();
  if (request.destination_config) {
    const auto& on_failure = request.destination_config->on_failure;
    mapping.on_failure = on_failure ? on_failure->destination.value_or("") : std::string();
  }
  return {};
}

std::int32_t narrow(std::int64_t number) {
  return static_cast<std::int32_t>(number);  // the model bounds it
}

}  // namespace

ApiResult<void> apply_members(const api::CreateEventSourceMappingRequest& request, std::uint32_t most_filters,
                              catalog::EventSourceMapping& mapping) {
  return apply(request, most_filters, mapping);
}

ApiResult<void> apply_members(const api::UpdateEventSourceMappingRequest& request, std::uint32_t most_filters,
                              catalog::EventSourceMapping& mapping) {
  return apply(request, most_filters, mapping);
}

api::EventSourceMappingConfiguration to_configuration(const catalog::EventSourceMapping& mapping) {
  api::EventSourceMappingConfiguration shown;
  shown.uuid = mapping.id;
  shown.event_source_arn = mapping.source_arn;
  shown.starting_position = mapping.starting_position;
  shown.batch_size = narrow(mapping.batch_size);
  shown.maximum_batching_window_in_seconds = narrow(mapping.window_seconds);
  shown.parallelization_factor = narrow(mapping.parallelization);
  shown.maximum_record_age_in_seconds = narrow(mapping.max_age_seconds);
  shown.maximum_retry_attempts = narrow(mapping.max_retries);
  shown.bisect_batch_on_function_error = mapping.bisects;
  shown.tumbling_window_in_seconds = narrow(mapping.tumbling_seconds);
  shown.last_modified = protocol::Timestamp(std::chrono::milliseconds(mapping.modified_ms));
  auto& types = shown.function_response_types.emplace();
  if (mapping.reports_item_failures) types.emplace_back("ReportBatchItemFailures");
  auto& on_failure = shown.destination_config.emplace().on_failure.emplace();
  if (!mapping.on_failure.empty()) on_failure.destination = mapping.on_failure;
  if (!mapping.filters.empty()) {
    auto& filters = shown.filter_criteria.emplace().filters.emplace();
    for (const auto& pattern : mapping.filters) filters.push_back({.pattern = pattern});
  }
  return shown;
}

}  // namespace lambent::services::lambda
