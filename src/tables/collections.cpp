#include "tables/collections.h"

#include <algorithm>

#include "tables/item_codec.h"
#include "tables/item_rules.h"

namespace lambent::tables {
namespace {

using store::Space;

bool has_collections(const TableDefinition& definition) {
  return !std::ranges::all_of(definition.indexes, &IndexDefinition::global);
}

std::string collection_key(const Table& table, const AttributeValue& hash) {
  return partition_prefix(view_prefix(table.id, kCollectionsView), hash);
}

std::int64_t bytes_of(const TableDefinition& definition, const Item& item) {
  return static_cast<std::int64_t>(size_with_local_entries(definition, item));
}

// Of a collection that has no size yet: a new one, or one of a table that is older than these sizes.
Result<std::int64_t> measured(const store::KeyValueStore& store, const Table& table, const TableDefinition& definition,
                              const AttributeValue& hash) {
  const auto prefix = partition_prefix(table.prefix, hash);
  const auto snapshot = store.snapshot();
  const auto cursor = snapshot->cursor(Space::tables, prefix, store::prefix_end(prefix));
  std::int64_t bytes = 0;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    LAMBENT_TRY(const auto item, decode_item(cursor->value()));
    bytes += bytes_of(definition, item);
  }
  LAMBENT_TRY_VOID(cursor->status());
  return bytes;
}

}  // namespace

Result<CollectionSizes::Sizes*> CollectionSizes::sizes_at(const Table& table, const TableDefinition& definition,
                                                          const AttributeValue& hash) {
  const auto key = collection_key(table, hash);
  if (const auto at = sizes_.find(key); at != sizes_.end()) return &at->second;
  LAMBENT_TRY(const auto stored, staging_.get_bytes(key));
  Sizes sizes;
  std::uint64_t bytes = 0;
  std::string_view in = stored ? std::string_view(*stored) : std::string_view();
  if (read_varint(in, bytes)) {
    sizes.before = static_cast<std::int64_t>(bytes);
  } else if (!staging_.is_changed(key)) {
    LAMBENT_TRY(sizes.before, measured(staging_.store(), table, definition, hash));
  }
  sizes.now = sizes.before;
  return &sizes_.emplace(key, sizes).first->second;
}

TablesResult<> CollectionSizes::add(const PreparedWrite& write, const Outcome& outcome, std::size_t limit) {
  const auto definition = write.table->definition();
  if (!has_collections(*definition)) return {};
  auto sizes = sizes_at(*write.table, *definition, write.key.find(write.table->key().hash.name)->second);
  if (!sizes) return unavailable(sizes.error());
  const auto growth = (outcome.after ? bytes_of(*definition, *outcome.after) : 0) -
                      (outcome.before ? bytes_of(*definition, *outcome.before) : 0);
  if (growth > 0 && static_cast<std::uint64_t>((*sizes)->now + growth) > limit) {
    return refuse(ErrorKind::item_collection_limit, "Collection size exceeded.");
  }
  (*sizes)->now += growth;
  return {};
}

Result<> CollectionSizes::add(const Table& table, const std::optional<Item>& before, const std::optional<Item>& after) {
  const auto definition = table.definition();
  if (!has_collections(*definition)) return {};
  const auto& item = after ? *after : *before;
  LAMBENT_TRY(auto* sizes, sizes_at(table, *definition, item.find(table.key().hash.name)->second));
  sizes->now += (after ? bytes_of(*definition, *after) : 0) - (before ? bytes_of(*definition, *before) : 0);
  return {};
}

std::optional<Collection> CollectionSizes::of(const PreparedWrite& write) const {
  const auto& hash = *write.key.find(write.table->key().hash.name);
  const auto at = sizes_.find(collection_key(*write.table, hash.second));
  if (at == sizes_.end()) return std::nullopt;
  return Collection{.key = Item{hash}, .bytes = static_cast<std::uint64_t>(at->second.now)};
}

void CollectionSizes::stage() {
  for (const auto& [key, sizes] : sizes_) {
    if (sizes.now == sizes.before) continue;
    if (sizes.now <= 0) {
      staging_.remove(key);
      continue;
    }
    std::string bytes;
    append_varint(bytes, static_cast<std::uint64_t>(sizes.now));
    staging_.put(key, std::move(bytes));
  }
}

}  // namespace lambent::tables
