#include "tables/maintenance.h"

#include <algorithm>

#include "base/log.h"
#include "tables/collections.h"
#include "tables/expiry.h"
#include "tables/item_codec.h"
#include "tables/item_rules.h"
#include "tables/mutation.h"

namespace lambent::tables {
namespace {

using store::Space;

// A read that fails ends the work until the next start of the server.
WorkStep give_up(std::string_view what, const Table& table, const Error& error) {
  log::error("tables: {} of {} stops until the next start: {}", what, table.name, error.message());
  return {.done = true, .committed = {}};
}

void stage_entry(const Table& table, const TableDefinition& definition, std::uint8_t view, std::string_view at,
                 const Item& item, Staging& staging) {
  if (view == kExpiryView) {
    const auto seconds = definition.ttl ? expiry_of(definition.ttl->attribute, item) : std::nullopt;
    if (seconds) staging.put(expiry_key(table, *seconds, at), "");
    return;
  }
  const auto index = std::ranges::find(definition.indexes, view, &IndexDefinition::id);
  if (index == definition.indexes.end() || !is_in_index(*index, item)) return;
  staging.put(index_key(view_prefix(table.id, view), index->key, definition.key, item),
              encode_item(projected(*index, definition.key, item)));
}

TableDefinition with_view_active(const TableDefinition& before, std::uint8_t view) {
  TableDefinition definition = before;
  if (view == kExpiryView && definition.ttl) definition.ttl->state = ViewState::active;
  for (auto& index : definition.indexes) {
    if (index.id == view) index.state = ViewState::active;
  }
  return definition;
}

TableDefinition without_view(const TableDefinition& before, std::uint8_t view) {
  TableDefinition definition = before;
  if (view == kExpiryView) definition.ttl.reset();
  std::erase_if(definition.indexes, [&](const auto& index) { return index.id == view; });
  prune_attributes(definition);
  return definition;
}

// The state that the definition has for the view; nothing where it has no such view (any more).
std::optional<ViewState> state_of(const TableDefinition& definition, std::uint8_t view) {
  if (view == kExpiryView) return definition.ttl ? std::optional(definition.ttl->state) : std::nullopt;
  const auto index = std::ranges::find(definition.indexes, view, &IndexDefinition::id);
  return index == definition.indexes.end() ? std::nullopt : std::optional(index->state);
}

WorkStep fill_some(const store::KeyValueStore& store, const TablePtr& table, std::uint8_t view, Staging& staging) {
  const auto definition = table->definition();
  if (table->dropped || state_of(*definition, view) != ViewState::creating) return {.done = true, .committed = {}};
  const auto progress = progress_key(table->id, view);
  const auto snapshot = store.snapshot();
  const auto after = snapshot->get(Space::tables_meta, progress);
  if (!after) return give_up("filling an index", *table, after.error());
  const auto cursor =
      snapshot->cursor(Space::tables, *after ? **after + '\0' : table->prefix, store::prefix_end(table->prefix));
  std::string last;
  std::size_t items = 0, bytes = 0;
  for (cursor->seek_first(); cursor->valid() && items < kItemsAtOnce && bytes < kBytesAtOnce; cursor->next(), ++items) {
    const auto item = decode_item(cursor->value());
    if (!item) return give_up("filling an index", *table, item.error());
    stage_entry(*table, *definition, view, cursor->key(), *item, staging);
    bytes += cursor->value().size();
    last = cursor->key();
  }
  if (const auto status = cursor->status(); !status) return give_up("filling an index", *table, status.error());
  if (cursor->valid()) {
    staging.put_meta(progress, last);
    return {};
  }
  staging.remove_meta(progress);
  return {.done = true, .committed = stage_definition(table, with_view_active(*definition, view), staging)};
}

WorkStep clear_some(const store::KeyValueStore& store, const TablePtr& table, std::uint8_t view, Staging& staging) {
  if (table->dropped) return {.done = true, .committed = {}};
  const auto prefix = view_prefix(table->id, view);
  const auto snapshot = store.snapshot();
  const auto cursor = snapshot->cursor(Space::tables, prefix, store::prefix_end(prefix));
  std::size_t removed = 0;
  for (cursor->seek_first(); cursor->valid() && removed < kItemsAtOnce; cursor->next(), ++removed) {
    staging.remove(std::string(cursor->key()));
  }
  if (const auto status = cursor->status(); !status) return give_up("clearing an index", *table, status.error());
  if (cursor->valid()) return {};
  staging.remove_meta(progress_key(table->id, view));
  return {.done = true, .committed = stage_definition(table, without_view(*table->definition(), view), staging)};
}

// One entry of the expiry view: the item goes, if it is what the entry says.
Result<> expire(const TablePtr& table, const std::string& attribute, std::string_view entry, std::int64_t now_s,
                Staging& staging) {
  PreparedWrite write{.kind = WriteRequest::Kind::remove, .table = table};
  write.at = expired_item_key(*table, entry);
  write.by_service = true;
  LAMBENT_TRY(auto before, staging.get(write.at));
  const auto seconds = before ? expiry_of(attribute, *before) : std::nullopt;
  if (!seconds || *seconds > now_s) {
    staging.remove(std::string(entry));
    return {};
  }
  CollectionSizes sizes(staging);
  LAMBENT_TRY_VOID(sizes.add(*table, before, {}));
  sizes.stage();
  stage(write, {.before = std::move(before), .after = {}}, staging);
  return {};
}

WorkStep expire_some(const store::KeyValueStore& store, const TablePtr& table, std::int64_t now_ms, Staging& staging) {
  const auto definition = table->definition();
  if (table->dropped || !definition->ttl || definition->ttl->state != ViewState::active) {
    return {.done = true, .committed = {}};
  }
  staging.set_now_ms(now_ms);
  const auto now_s = now_ms / 1000;
  const auto snapshot = store.snapshot();
  const auto cursor =
      snapshot->cursor(Space::tables, expiry_start(*table, now_s - kOldestExpiry_s), expiry_start(*table, now_s + 1));
  std::size_t removed = 0;
  for (cursor->seek_first(); cursor->valid() && removed < kItemsAtOnce && staging.size_bytes() < kBytesAtOnce;
       cursor->next(), ++removed) {
    const auto expired = expire(table, definition->ttl->attribute, cursor->key(), now_s, staging);
    if (!expired) return give_up("expiry", *table, expired.error());
  }
  if (const auto status = cursor->status(); !status) return give_up("expiry", *table, status.error());
  return {.done = !cursor->valid(), .committed = {}};
}

// How far a stream is trimmed by one step.
struct Trimmed {
  std::size_t removed = 0;
  std::uint64_t first = 1;
  bool more = false;
};

Result<Trimmed> trim_some(const store::KeyValueStore& store, const Stream& stream, std::int64_t oldest_ms, bool whole,
                          Staging& staging) {
  const auto prefix = record_prefix(stream.definition.id);
  const auto snapshot = store.snapshot();
  const auto cursor = snapshot->cursor(Space::streams, prefix, store::prefix_end(prefix));
  Trimmed trimmed{.first = stream.first};
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    const auto sequence = sequence_of(cursor->key());
    const auto record = decode_record(cursor->value(), sequence);
    if (!whole && record && record->at_ms >= oldest_ms) break;
    if (trimmed.removed == kItemsAtOnce) {
      trimmed.more = true;
      break;
    }
    staging.remove_record(std::string(cursor->key()));
    trimmed.first = sequence + 1;
    ++trimmed.removed;
  }
  LAMBENT_TRY_VOID(cursor->status());
  return trimmed;
}

}  // namespace

Writer::Step Maintenance::step(Staging& staging) {
  if (works_.empty()) return {};
  auto work = std::move(works_.front());
  works_.pop_front();
  auto step = work(staging);
  if (!step.done) works_.push_back(std::move(work));
  return {.more = !works_.empty(), .committed = std::move(step.committed)};
}

std::move_only_function<void()> stage_definition(const TablePtr& table, TableDefinition definition, Staging& staging) {
  staging.put_meta(definition_key(table->name), encode_definition(definition));
  staging.ends_group = true;
  return [table, next = std::make_shared<const TableDefinition>(std::move(definition))]() mutable {
    table->set_definition(std::move(next));
  };
}

Work fill_view(const store::KeyValueStore& store, TablePtr table, std::uint8_t view) {
  return [&store, table = std::move(table), view](Staging& staging) { return fill_some(store, table, view, staging); };
}

Work clear_view(const store::KeyValueStore& store, TablePtr table, std::uint8_t view) {
  return [&store, table = std::move(table), view](Staging& staging) { return clear_some(store, table, view, staging); };
}

Work remove_all(const store::KeyValueStore& store, std::string prefix, std::string meta_key) {
  return [&store, prefix = std::move(prefix), meta_key = std::move(meta_key)](Staging& staging) -> WorkStep {
    const auto snapshot = store.snapshot();
    const auto cursor = snapshot->cursor(Space::tables, prefix, store::prefix_end(prefix));
    std::size_t removed = 0;
    for (cursor->seek_first(); cursor->valid() && removed < kItemsAtOnce; cursor->next(), ++removed) {
      staging.remove(std::string(cursor->key()));
    }
    if (const auto status = cursor->status(); !status) {
      log::error("tables: removing deleted items stops until the next start: {}", status.error().message());
      return {.done = true, .committed = {}};
    }
    if (cursor->valid()) return {};
    staging.remove_meta(meta_key);
    return {.done = true, .committed = {}};
  };
}

Work remove_expired(const store::KeyValueStore& store, TablePtr table, std::int64_t now_ms,
                    std::move_only_function<void()> finished) {
  return [&store, table = std::move(table), now_ms, finished = std::move(finished)](Staging& staging) mutable {
    auto step = expire_some(store, table, now_ms, staging);
    if (step.done) finished();
    return step;
  };
}

Work trim_stream(const store::KeyValueStore& store, StreamPtr stream, std::int64_t now_ms,
                 std::move_only_function<void(bool gone)> finished) {
  return [&store, stream = std::move(stream), now_ms,
          finished = std::move(finished)](Staging& staging) mutable -> WorkStep {
    const auto closed = stream->closed_ms.load();
    const bool whole = closed != 0 && closed < now_ms - kRecordsKept_ms;
    const auto trimmed = trim_some(store, *stream, now_ms - kRecordsKept_ms, whole, staging);
    if (!trimmed) {
      log::error("tables: trimming a stream stops: {}", trimmed.error().message());
      finished(false);
      return {.done = true, .committed = {}};
    }
    const auto id = stream->definition.id;
    if (whole && !trimmed->more) {
      staging.remove_meta(stream_meta_key(id));
      return {.done = true, .committed = [finished = std::move(finished)]() mutable { finished(true); }};
    }
    if (!trimmed->more) finished(false);
    if (trimmed->removed == 0) return {.done = true, .committed = {}};
    staging.put_meta(stream_meta_key(id), encode_stream(stream->definition, trimmed->first, closed));
    return {.done = !trimmed->more, .committed = [stream, first = trimmed->first] { stream->first = first; }};
  };
}

}  // namespace lambent::tables
