#include "services/dynamodbstreams/dynamodb_streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "services/dynamodb/table_description.h"
#include "services/dynamodb/values.h"
#include "services/dynamodbstreams/record_form.h"
#include "services/dynamodbstreams/shard_iterator.h"

// Leaves an operation with the engine's error, or binds its result.
#define STREAMS_CO_TRY(declaration, expression) STREAMS_CO_TRY_(LAMBENT_CONCAT(try_, __LINE__), declaration, expression)
#define STREAMS_CO_TRY_(tmp, declaration, expression)           \
  auto tmp = (expression);                                      \
  if (!tmp) co_return protocol::failure(error_of(tmp.error())); \
  declaration = *std::move(tmp)

namespace lambent::services::dynamodbstreams {

namespace wire = protocol::dynamodbstreams;
using tables::ErrorKind;
using tables::StreamRecord;
using tables::TablesResult;

namespace {

constexpr std::size_t kStreamsListed = 100;
constexpr std::size_t kMaxRecords = 1000;

protocol::ServiceError error_of(const tables::TablesError& error) {
  switch (error.kind) {
    case ErrorKind::validation:
      return protocol::validation_error(error.message);
    case ErrorKind::table_not_found:
      return wire::ResourceNotFoundException{.message = error.message};
    case ErrorKind::trimmed_data:
      return wire::TrimmedDataAccessException{.message = error.message};
    case ErrorKind::expired_iterator:
      return wire::ExpiredIteratorException{.message = error.message};
    default:
      break;
  }
  // Why is the operator's to know: it names files of this host, and functions read this too.
  log::error("dynamodb streams: {}", error.message);
  return wire::InternalServerError{.message = "Internal server error"};
}

protocol::Timestamp time_of(std::int64_t ms) {
  return protocol::Timestamp{std::chrono::milliseconds(ms)};
}

std::string arn_of(const tables::Stream& stream, const protocol::CallContext& call) {
  return fmt::format("{}/stream/{}", dynamodb::table_arn(stream.definition.table, call), stream.definition.label);
}

std::vector<wire::KeySchemaElement> key_schema(const tables::KeySchema& key) {
  std::vector<wire::KeySchemaElement> schema{{.attribute_name = key.hash.name, .key_type = "HASH"}};
  if (key.range) schema.push_back({.attribute_name = key.range->name, .key_type = "RANGE"});
  return schema;
}

wire::Shard shard(const tables::Stream& stream) {
  wire::Shard result;
  result.shard_id = shard_id(stream);
  auto& range = result.sequence_number_range.emplace();
  range.starting_sequence_number = sequence_text(1);
  if (stream.closed_ms != 0) range.ending_sequence_number = sequence_text(std::max<std::uint64_t>(stream.next, 2) - 1);
  return result;
}

// The first sequence number whose record is not older than the time. Times of records do not fall, but for a stepped
// clock.
TablesResult<std::uint64_t> first_since(const tables::Engine& engine, const tables::Stream& stream,
                                        std::int64_t at_ms) {
  std::uint64_t low = stream.first, high = stream.next;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    LAMBENT_TRY(const auto records, engine.read_stream(stream, middle, 1));
    if (records.empty() || records[0].at_ms >= at_ms) {
      high = middle;
    } else {
      low = records[0].sequence + 1;
    }
  }
  return low;
}

TablesResult<std::uint64_t> given_sequence(const tables::Stream& stream, const wire::GetShardIteratorInput& input) {
  const auto given = input.sequence_number ? parse_sequence(*input.sequence_number) : std::nullopt;
  if (!given || *given >= stream.next) {
    return tables::invalid("Invalid SequenceNumber: " + input.sequence_number.value_or("null"));
  }
  if (*given < stream.first) {
    return tables::refuse(ErrorKind::trimmed_data,
                          "The operation attempted to read past the oldest stream record in a shard");
  }
  return *given;
}

TablesResult<std::uint64_t> place_of(const tables::Engine& engine, const tables::Stream& stream,
                                     const wire::GetShardIteratorInput& input) {
  const auto& type = input.shard_iterator_type;
  if (type == wire::shard_iterator_type::trim_horizon) return stream.first.load();
  if (type == wire::shard_iterator_type::latest) return stream.next.load();
  if (type == wire::shard_iterator_type::at_timestamp) {
    if (!input.timestamp) return tables::invalid("Timestamp is required for the shard iterator type AT_TIMESTAMP");
    return first_since(engine, stream, input.timestamp->time_since_epoch().count());
  }
  LAMBENT_TRY(const auto sequence, given_sequence(stream, input));
  return type == wire::shard_iterator_type::after_sequence_number ? sequence + 1 : sequence;
}

}  // namespace

TablesResult<tables::StreamPtr> DynamoDbStreams::find(std::string_view arn) const {
  const auto name = parse_stream_arn(arn);
  if (!name) return tables::invalid("Invalid StreamArn: " + std::string(arn));
  auto found = engine_.find_stream(name->table, name->label);
  if (found) return found;
  return tables::refuse(ErrorKind::table_not_found,
                        fmt::format("Requested resource not found: Stream: {} not found", arn));
}

protocol::Answer<wire::ListStreamsOutput> DynamoDbStreams::list_streams(const Call& call,
                                                                        wire::ListStreamsInput input) {
  const auto limit = input.limit ? static_cast<std::size_t>(*input.limit) : kStreamsListed;
  wire::ListStreamsOutput output;
  auto& list = output.streams.emplace();
  bool listing = !input.exclusive_start_stream_arn;
  for (const auto& stream : engine_.streams(input.table_name)) {
    const auto arn = arn_of(*stream, call);
    if (!listing) {
      listing = arn == *input.exclusive_start_stream_arn;
      continue;
    }
    if (list.size() == limit) {
      output.last_evaluated_stream_arn = list.back().stream_arn;
      break;
    }
    list.push_back(
        {.stream_arn = arn, .table_name = stream->definition.table, .stream_label = stream->definition.label});
  }
  co_return output;
}

protocol::Answer<wire::DescribeStreamOutput> DynamoDbStreams::describe_stream(const Call& call,
                                                                              wire::DescribeStreamInput input) {
  STREAMS_CO_TRY(const auto stream, find(input.stream_arn));
  const auto& definition = stream->definition;
  wire::DescribeStreamOutput output;
  auto& description = output.stream_description.emplace();
  description.stream_arn = arn_of(*stream, call);
  description.stream_label = definition.label;
  description.stream_status =
      std::string(stream->closed_ms == 0 ? wire::stream_status::enabled : wire::stream_status::disabled);
  description.stream_view_type = std::string(dynamodb::view_type(definition.view));
  description.creation_request_date_time = time_of(definition.created_ms);
  description.table_name = definition.table;
  description.key_schema = key_schema(definition.key);
  description.shards.emplace();
  // The one shard has no children, and nothing comes after it.
  const bool wanted = !input.exclusive_start_shard_id && !(input.shard_filter && input.shard_filter->type);
  if (wanted) description.shards->push_back(shard(*stream));
  co_return output;
}

protocol::Answer<wire::GetShardIteratorOutput> DynamoDbStreams::get_shard_iterator(const Call&,
                                                                                   wire::GetShardIteratorInput input) {
  STREAMS_CO_TRY(const auto stream, find(input.stream_arn));
  if (input.shard_id != shard_id(*stream)) {
    co_return protocol::failure(wire::ResourceNotFoundException{
        .message = fmt::format("Requested resource not found: Shard: {} in stream: {} not found", input.shard_id,
                               input.stream_arn)});
  }
  STREAMS_CO_TRY(const auto next, co_await pool_.run(loop_, [&engine = engine_, stream, &input] {
    return place_of(engine, *stream, input);
  }));
  wire::GetShardIteratorOutput output;
  output.shard_iterator = to_text({input.stream_arn, next, clock_.wall_ms()});
  co_return output;
}

protocol::Answer<wire::GetRecordsOutput> DynamoDbStreams::get_records(const Call& call, wire::GetRecordsInput input) {
  const auto now = clock_.wall_ms();
  auto iterator = parse_shard_iterator(input.shard_iterator);
  if (!iterator) co_return protocol::failure(protocol::validation_error("Invalid ShardIterator"));
  if (now - iterator->made_ms > kIteratorLives_ms) {
    co_return protocol::failure(
        wire::ExpiredIteratorException{.message = "The provided iterator exceeds the maximum age allowed"});
  }
  STREAMS_CO_TRY(const auto stream, find(iterator->stream_arn));
  const auto limit = std::min(input.limit ? static_cast<std::size_t>(*input.limit) : kMaxRecords, kMaxRecords);
  // Before the read: a stream that is closed by then gets no record behind what the read sees.
  const bool closed = stream->closed_ms != 0;
  STREAMS_CO_TRY(const auto records,
                 co_await pool_.run(loop_, [&engine = engine_, stream, from = iterator->next, limit] {
                   return engine.read_stream(*stream, from, limit);
                 }));
  wire::GetRecordsOutput output;
  output.records.emplace();
  for (const auto& record : records) output.records->push_back(record_of(*stream, record, call.region));
  if (!records.empty()) iterator->next = records.back().sequence + 1;
  if (!closed || iterator->next < stream->next) {
    output.next_shard_iterator = to_text({iterator->stream_arn, iterator->next, now});
  }
  co_return output;
}

}  // namespace lambent::services::dynamodbstreams
