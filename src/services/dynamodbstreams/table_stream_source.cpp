#include "services/dynamodbstreams/table_stream_source.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/json_text.h"
#include "protocol/dynamodbstreams/tables.h"
#include "protocol/json_encode.h"
#include "services/dynamodbstreams/record_form.h"
#include "services/dynamodbstreams/shard_iterator.h"
#include "tables/key_codec.h"

namespace lambent::services::dynamodbstreams {

using tables::ErrorKind;
using triggers::StreamFailure;
using triggers::StreamResult;

namespace {

constexpr std::size_t kMostRecords = 1000;  // of one read, as of GetRecords

StreamFailure failure_of(const tables::TablesError& error) {
  return {.is_gone = error.kind == ErrorKind::table_not_found, .message = error.message};
}

// One element of an event's Records: what GetRecords says, and which stream it is from.
std::string to_event(const protocol::dynamodbstreams::Record& record, std::string_view arn) {
  std::string json;
  protocol::append_json(json, protocol::dynamodbstreams::tables::structure_Record, &record);
  json.pop_back();
  json += R"(,"eventSourceARN":)";
  append_json_string(json, arn);
  return json + "}";
}

}  // namespace

bool TableStreamSource::takes(std::string_view arn) const {
  return parse_stream_arn(arn).has_value();
}

StreamResult<tables::StreamPtr> TableStreamSource::find(std::string_view arn) const {
  const auto name = parse_stream_arn(arn);
  if (!name) return std::unexpected(StreamFailure{true, "Invalid stream ARN"});
  auto found = engine_.find_stream(name->table, name->label);
  if (!found) return std::unexpected(StreamFailure{true, "Stream not found"});
  return *std::move(found);
}

net::Task<StreamResult<std::vector<triggers::StreamShard>>> TableStreamSource::shards(std::string arn) {
  LAMBENT_CO_TRY(const auto stream, find(arn));
  co_return std::vector<triggers::StreamShard>{{.id = shard_id(*stream), .parent = {}}};
}

net::Task<StreamResult<std::string>> TableStreamSource::position(std::string arn, std::string,
                                                                 triggers::StreamStart start) {
  LAMBENT_CO_TRY(const auto stream, find(arn));
  if (start == triggers::StreamStart::trim_horizon) co_return std::string();
  co_return sequence_text(stream->next - 1);
}

net::Task<StreamResult<triggers::StreamRead>> TableStreamSource::read(std::string arn, std::string, std::string after,
                                                                      std::size_t limit) {
  LAMBENT_CO_TRY(const auto stream, find(arn));
  const auto next = parse_sequence(after).value_or(0) + 1;
  const std::uint64_t from = std::max<std::uint64_t>(next, stream->first);
  triggers::StreamRead read;
  // Before the read: a stream that is closed by then gets no record behind what the read sees.
  const bool closed = stream->closed_ms != 0;
  if (from >= stream->next) {  // nothing new: no thread needs to look
    read.is_end = closed;
    co_return read;
  }
  const auto records =
      co_await pool_.run(loop_, [&engine = engine_, stream, from, most = std::min(limit, kMostRecords)] {
        return engine.read_stream(*stream, from, most);
      });
  if (!records && records.error().kind == ErrorKind::trimmed_data) co_return read;  // looks again where it begins now
  if (!records) co_return std::unexpected(failure_of(records.error()));
  for (const auto& record : *records) {
    read.records.push_back(
        {.sequence = sequence_text(record.sequence),
         .json = to_event(record_of(*stream, record, region_), arn),
         .arrived_ms = record.at_ms,
         .key_hash = std::hash<std::string>()(tables::item_key("", stream->definition.key, record.keys))});
  }
  read.is_end = closed && (records->empty() || records->back().sequence + 1 >= stream->next);
  co_return read;
}

}  // namespace lambent::services::dynamodbstreams
