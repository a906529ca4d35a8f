// The engine's part about streams: opened and closed with the tables' settings, found and read.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "tables/engine.h"

namespace lambent::tables {
namespace {

using store::Space;

// "2015-05-11T21:21:33.291"
std::string label_of(std::int64_t ms) {
  const auto second = std::chrono::sys_seconds(std::chrono::seconds(ms / 1000));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}", fmt::gmtime(std::chrono::system_clock::to_time_t(second)),
                     ms % 1000);
}

}  // namespace

Result<> Engine::load_streams(const store::Snapshot& snapshot) {
  const auto cursor = snapshot.cursor(Space::tables_meta, kStreams, store::prefix_end(kStreams));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    LAMBENT_TRY(auto stored, decode_stream(cursor->value()));
    const auto stream = std::make_shared<Stream>(std::move(stored.definition));
    const auto id = stream->definition.id;
    stream->first = stored.first;
    stream->closed_ms = stored.closed_ms;
    const auto records = snapshot.cursor(Space::streams, record_prefix(id), store::prefix_end(record_prefix(id)));
    records->seek_last();
    stream->next = records->valid() ? sequence_of(records->key()) + 1 : stored.first;
    LAMBENT_TRY_VOID(records->status());
    streams_.emplace(id, stream);
  }
  for (const auto& [name, table] : tables_) {
    const auto definition = table->definition();
    if (!definition->stream || !definition->stream->enabled) continue;
    const auto at = streams_.find(definition->stream->id);
    if (at == streams_.end()) return fail(Error::of("read", "tables_meta", "the stream of " + name + " is missing"));
    table->stream = at->second;
  }
  return cursor->status();
}

std::move_only_function<void(const TablePtr&)> Engine::stage_new_stream(TableDefinition& definition, Staging& staging) {
  StreamDefinition opened{.id = take_id(staging),
                          .table = definition.name,
                          .label = {},
                          .view = definition.stream->view,
                          .key = definition.key,
                          .created_ms = staging.now_ms()};
  // Labels of one table's streams differ, whatever the clock does.
  const auto earlier = streams(definition.name);
  auto label_ms = opened.created_ms;
  do {
    opened.label = label_of(label_ms++);
  } while (std::ranges::any_of(earlier, [&](const auto& s) { return s->definition.label == opened.label; }));
  definition.stream->id = opened.id;
  definition.stream->label = opened.label;
  staging.put_meta(stream_meta_key(opened.id), encode_stream(opened, 1, 0));
  staging.ends_group = true;
  return [this, stream = std::make_shared<Stream>(std::move(opened))](const TablePtr& table) {
    table->stream = stream;
    const std::unique_lock lock(mutex_);
    streams_.emplace(stream->definition.id, stream);
  };
}

std::move_only_function<void()> Engine::stage_stream_end(const TablePtr& table, Staging& staging) {
  if (!table->stream) return {};
  const auto now = std::max<std::int64_t>(1, staging.now_ms());
  const auto& stream = *table->stream;
  staging.put_meta(stream_meta_key(stream.definition.id), encode_stream(stream.definition, stream.first, now));
  staging.ends_group = true;
  return [table, now] {
    table->stream->closed_ms = now;
    table->stream.reset();
  };
}

std::vector<StreamPtr> Engine::streams(const std::optional<std::string>& table) const {
  const std::shared_lock lock(mutex_);
  std::vector<StreamPtr> result;
  for (const auto& [id, stream] : streams_) {
    if (!table || stream->definition.table == *table) result.push_back(stream);
  }
  return result;
}

TablesResult<StreamPtr> Engine::find_stream(const std::string& table, const std::string& label) const {
  for (const auto& stream : streams(table)) {
    if (stream->definition.label == label) return stream;
  }
  return refuse(ErrorKind::table_not_found,
                fmt::format("Requested resource not found: Stream: {}/stream/{} not found", table, label));
}

TablesResult<std::vector<StreamRecord>> Engine::read_stream(const Stream& stream, std::uint64_t from,
                                                            std::size_t limit) const {
  if (from < stream.first) {
    return refuse(ErrorKind::trimmed_data, "The operation attempted to read past the oldest stream record in a shard");
  }
  return read_records(*store_.snapshot(), stream, from, limit);
}

}  // namespace lambent::tables
