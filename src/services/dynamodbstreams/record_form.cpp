#include "services/dynamodbstreams/record_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "services/dynamodb/table_description.h"
#include "services/dynamodb/values.h"
#include "services/dynamodbstreams/shard_iterator.h"

namespace lambent::services::dynamodbstreams {

namespace wire = protocol::dynamodbstreams;
using tables::StreamRecord;

namespace {

protocol::Timestamp time_of(std::int64_t ms) {
  return protocol::Timestamp{std::chrono::milliseconds(ms)};
}

std::string_view event_name(StreamRecord::Kind kind) {
  switch (kind) {
    case StreamRecord::Kind::insert:
      return wire::operation_type::insert;
    case StreamRecord::Kind::modify:
      return wire::operation_type::modify;
    case StreamRecord::Kind::remove:
      break;
  }
  return wire::operation_type::remove;
}

}  // namespace

std::string shard_id(const tables::Stream& stream) {
  return fmt::format("shardId-{:020}-{:08x}", stream.definition.created_ms, stream.definition.id);
}

wire::Record record_of(const tables::Stream& stream, const StreamRecord& record, const std::string& region) {
  wire::Record result;
  result.event_id = fmt::format("{:016x}{:016x}", stream.definition.id, record.sequence);
  result.event_name = std::string(event_name(record.kind));
  result.event_version = "1.1";
  result.event_source = "aws:dynamodb";
  result.aws_region = region;
  if (record.by_service) {
    result.user_identity = wire::Identity{.principal_id = "dynamodb.amazonaws.com", .type = "Service"};
  }
  auto& change = result.dynamodb.emplace();
  // Whole seconds, as at DynamoDB.
  change.approximate_creation_date_time = time_of(record.at_ms / 1000 * 1000);
  change.keys = dynamodb::to_wire(record.keys);
  change.new_image = dynamodb::to_wire(record.new_image);
  change.old_image = dynamodb::to_wire(record.old_image);
  change.sequence_number = sequence_text(record.sequence);
  change.size_bytes = static_cast<std::int64_t>(std::max<std::size_t>(1, record.size_bytes));
  change.stream_view_type = std::string(dynamodb::view_type(stream.definition.view));
  return result;
}

}  // namespace lambent::services::dynamodbstreams
