// Which source's records call which function, and how: the record of one event source mapping.
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace lambent::catalog {

struct EventSourceMapping {
  static constexpr std::string_view kKind = "event-source-mappings";  // of the documents that are mappings
  static constexpr std::int64_t kUnlimited = -1;                      // of ages and retries

  std::string id;  // a UUID
  std::string source_arn;
  std::string function_name;
  std::string qualifier;  // empty: $LATEST
  bool is_enabled = true;
  std::int64_t batch_size = 100;
  std::int64_t window_seconds = 0;    // to gather a batch
  std::int64_t parallelization = 1;   // batches of one shard that are with the function at the same time
  std::int64_t tumbling_seconds = 0;  // of a tumbling window; 0: none
  std::string starting_position;      // TRIM_HORIZON, LATEST
  std::vector<std::string> filters;   // patterns; none: every record
  std::int64_t max_age_seconds = kUnlimited;
  std::int64_t max_retries = kUnlimited;  // after the first attempt
  bool bisects = false;                   // a batch that fails is tried again in halves
  bool reports_item_failures = false;     // FunctionResponseTypes: ReportBatchItemFailures
  std::string on_failure;                 // ARN, or empty
  std::vector<std::pair<std::string, std::string>> tags;
  std::int64_t modified_ms = 0;  // since the epoch
};

// How it is kept; see record_reader.h.
std::string encode_event_source_mapping(const EventSourceMapping& mapping);
Result<EventSourceMapping> decode_event_source_mapping(std::string_view text);

}  // namespace lambent::catalog
