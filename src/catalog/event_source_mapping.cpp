#include "catalog/event_source_mapping.h"

#include "catalog/record_reader.h"

namespace lambent::catalog {

std::string encode_event_source_mapping(const EventSourceMapping& mapping) {
  return json::serialize(json::object{{"format", kRecordFormat},
                                      {"id", mapping.id},
                                      {"source_arn", mapping.source_arn},
                                      {"function_name", mapping.function_name},
                                      {"qualifier", mapping.qualifier},
                                      {"is_enabled", mapping.is_enabled},
                                      {"batch_size", mapping.batch_size},
                                      {"window_seconds", mapping.window_seconds},
                                      {"parallelization", mapping.parallelization},
                                      {"tumbling_seconds", mapping.tumbling_seconds},
                                      {"starting_position", mapping.starting_position},
                                      {"filters", json::value_from(mapping.filters)},
                                      {"max_age_seconds", mapping.max_age_seconds},
                                      {"max_retries", mapping.max_retries},
                                      {"bisects", mapping.bisects},
                                      {"reports_item_failures", mapping.reports_item_failures},
                                      {"on_failure", mapping.on_failure},
                                      {"tags", pairs_to_json(mapping.tags)},
                                      {"modified_ms", mapping.modified_ms}});
}

Result<EventSourceMapping> decode_event_source_mapping(std::string_view text) {
  LAMBENT_TRY(const auto object, open_record(text, "event source mapping"));
  RecordReader reader(object);
  EventSourceMapping mapping;
  reader.text("id", mapping.id);
  reader.text("source_arn", mapping.source_arn);
  reader.text("function_name", mapping.function_name);
  reader.text("qualifier", mapping.qualifier);
  reader.boolean("is_enabled", mapping.is_enabled);
  reader.number("batch_size", mapping.batch_size);
  reader.number("window_seconds", mapping.window_seconds);
  reader.number("parallelization", mapping.parallelization);
  if (reader.has("tumbling_seconds")) reader.number("tumbling_seconds", mapping.tumbling_seconds);
  reader.text("starting_position", mapping.starting_position);
  reader.texts("filters", mapping.filters);
  reader.number("max_age_seconds", mapping.max_age_seconds);
  reader.number("max_retries", mapping.max_retries);
  reader.boolean("bisects", mapping.bisects);
  reader.boolean("reports_item_failures", mapping.reports_item_failures);
  reader.text("on_failure", mapping.on_failure);
  reader.pairs("tags", mapping.tags);
  reader.number("modified_ms", mapping.modified_ms);
  LAMBENT_TRY_VOID(reader.result("event source mapping"));
  return mapping;
}

}  // namespace lambent::catalog
