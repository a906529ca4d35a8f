#include "tables/staging.h"

#include "tables/item_codec.h"

namespace lambent::tables {

using store::Space;

Result<std::optional<std::string>> Staging::get_bytes(const std::string& key) const {
  if (const auto at = items_.find(key); at != items_.end()) return at->second;
  return store_.get(Space::tables, key);
}

Result<std::optional<Item>> Staging::get(const std::string& key) const {
  LAMBENT_TRY(const auto bytes, get_bytes(key));
  if (!bytes) return std::nullopt;
  LAMBENT_TRY(auto item, decode_item(*bytes));
  return std::optional(std::move(item));
}

void Staging::put(const std::string& key, std::string value) {
  size_bytes_ += key.size() + value.size();
  items_[key] = std::move(value);
}

void Staging::remove(const std::string& key) {
  size_bytes_ += key.size();
  items_[key] = std::nullopt;
}

void Staging::record(Stream& stream, const StreamRecord& record) {
  std::string bytes = encode_record(record);
  size_bytes_ += bytes.size();
  records_.emplace_back(record_key(stream.definition.id, stream.next.fetch_add(1)), std::move(bytes));
}

void Staging::put_meta(const std::string& key, std::string value) {
  meta_[key] = std::move(value);
}
void Staging::remove_meta(const std::string& key) {
  meta_[key] = std::nullopt;
}

void Staging::count(const TablePtr& table, std::int64_t items, std::int64_t bytes) {
  auto& counts = counts_[table];
  counts.items += items;
  counts.bytes += bytes;
}

store::WriteBatch Staging::batch() const {
  store::WriteBatch batch;
  const auto add = [&](Space space, const std::map<std::string, std::optional<std::string>>& changes) {
    for (const auto& [key, value] : changes) {
      if (value) {
        batch.put(space, key, *value);
      } else {
        batch.remove(space, key);
      }
    }
  };
  add(Space::tables, items_);
  for (const auto& [table, counts] : counts_) {
    if (dropped.contains(table->id)) continue;
    batch.put(Space::tables_meta, counts_key(table->id),
              encode_counts(table->item_count + counts.items, table->size_bytes + counts.bytes));
  }
  add(Space::tables_meta, meta_);
  for (const auto& [key, value] : records_) {
    if (value) {
      batch.put(Space::streams, key, *value);
    } else {
      batch.remove(Space::streams, key);
    }
  }
  return batch;
}

void Staging::publish_counts() {
  for (const auto& [table, counts] : counts_) {
    table->item_count += counts.items;
    table->size_bytes += counts.bytes;
  }
}

std::string definition_key(const std::string& table_name) {
  return std::string(kDefinitions) + table_name;
}
std::string counts_key(std::uint64_t table_id) {
  return "c/" + table_prefix(table_id);
}
std::string progress_key(std::uint64_t table_id, std::uint8_t view) {
  return "b/" + view_prefix(table_id, view);
}
std::string dropped_key(std::uint64_t table_id) {
  return std::string(kDropped) + table_prefix(table_id);
}

std::string encode_counts(std::int64_t items, std::int64_t bytes) {
  std::string out;
  append_varint(out, static_cast<std::uint64_t>(items));
  append_varint(out, static_cast<std::uint64_t>(bytes));
  return out;
}

std::pair<std::int64_t, std::int64_t> decode_counts(std::string_view bytes) {
  std::uint64_t items = 0, size = 0;
  if (!read_varint(bytes, items) || !read_varint(bytes, size)) return {0, 0};
  return {static_cast<std::int64_t>(items), static_cast<std::int64_t>(size)};
}

}  // namespace lambent::tables
