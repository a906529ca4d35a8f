#include "tables/backup.h"

#include <fmt/format.h>

#include "base/log.h"
#include "tables/collections.h"
#include "tables/item_codec.h"
#include "tables/item_rules.h"
#include "tables/mutation.h"

namespace lambent::tables {
namespace {

using store::Space;

WorkStep give_up(std::string_view what, const std::string& name, const Error& error) {
  log::error("tables: {} {} stops until the next start: {}", what, name, error.message());
  return {.done = true, .committed = {}};
}

// The copy of one backup, from step to step.
class Copy {
 public:
  Copy(const store::KeyValueStore& store, TablePtr table, Backup backup,
       std::move_only_function<void(BackupPtr)> published)
      : store_(store),
        table_(std::move(table)),
        backup_(std::move(backup)),
        published_(std::move(published)),
        snapshot_(store.snapshot()) {}

  WorkStep step(Staging& staging) {
    if (!table_ || table_->dropped) {
      staging.remove_meta(backup_key(backup_.id));
      return {.done = true, .committed = [this] { published_(nullptr); }};
    }
    if (!cleared_) return clear(staging);
    return copy(staging);
  }

 private:
  WorkStep clear(Staging& staging) {
    const auto prefix = table_prefix(backup_.data);
    const auto now = store_.snapshot();
    const auto cursor = now->cursor(Space::tables, prefix, store::prefix_end(prefix));
    std::size_t removed = 0;
    for (cursor->seek_first(); cursor->valid() && removed < kItemsAtOnce; cursor->next(), ++removed) {
      staging.remove(std::string(cursor->key()));
    }
    if (const auto status = cursor->status(); !status) return give_up("backup", backup_.name, status.error());
    cleared_ = !cursor->valid();
    return {};
  }

  WorkStep copy(Staging& staging) {
    const auto to = view_prefix(backup_.data, 0);
    const auto cursor =
        snapshot_->cursor(Space::tables, next_.empty() ? table_->prefix : next_, store::prefix_end(table_->prefix));
    std::size_t items = 0;
    for (cursor->seek_first(); cursor->valid() && items < kItemsAtOnce && staging.size_bytes() < kBytesAtOnce;
         cursor->next(), ++items) {
      const auto item = decode_item(cursor->value());
      if (!item) return give_up("backup", backup_.name, item.error());
      staging.put(to + std::string(cursor->key().substr(table_->prefix.size())), std::string(cursor->value()));
      ++backup_.items;
      backup_.bytes += static_cast<std::int64_t>(size_of(*item));
      next_ = std::string(cursor->key()) + '\0';
    }
    if (const auto status = cursor->status(); !status) return give_up("backup", backup_.name, status.error());
    if (cursor->valid()) return {};
    backup_.available = true;
    staging.put_meta(backup_key(backup_.id), encode_backup(backup_));
    // Runs after the work has ended: it keeps what it needs.
    return {.done = true,
            .committed = [published = std::move(published_), backup = std::make_shared<const Backup>(
                                                                 backup_)]() mutable { published(std::move(backup)); }};
  }

  const store::KeyValueStore& store_;
  TablePtr table_;
  Backup backup_;
  std::move_only_function<void(BackupPtr)> published_;
  std::unique_ptr<store::Snapshot> snapshot_;  // of the moment at which the copy was asked for
  bool cleared_ = false;
  std::string next_;
};

void stage_restored(const TablePtr& table, const TableDefinition& definition, std::string_view key_rest,
                    std::string_view bytes, const Item& item, Staging& staging) {
  staging.put(table->prefix + std::string(key_rest), std::string(bytes));
  for (const auto& index : definition.indexes) {
    if (!is_in_index(index, item)) continue;
    staging.put(index_key(view_prefix(table->id, index.id), index.key, definition.key, item),
                encode_item(projected(index, definition.key, item)));
  }
  staging.count(table, 1, static_cast<std::int64_t>(size_of(item)));
}

WorkStep restore_some(const store::KeyValueStore& store, const Backup& backup, const TablePtr& table,
                      Staging& staging) {
  const auto definition = table->definition();
  const auto from = view_prefix(backup.data, 0);
  const auto progress = progress_key(table->id, 0);
  const auto snapshot = store.snapshot();
  const auto after = snapshot->get(Space::tables_meta, progress);
  if (!after) return give_up("restoring", table->name, after.error());
  const auto cursor = snapshot->cursor(Space::tables, *after ? **after + '\0' : from, store::prefix_end(from));
  CollectionSizes sizes(staging);
  std::string last;
  std::size_t items = 0;
  for (cursor->seek_first(); cursor->valid() && items < kItemsAtOnce && staging.size_bytes() < kBytesAtOnce;
       cursor->next(), ++items) {
    const auto item = decode_item(cursor->value());
    if (!item) return give_up("restoring", table->name, item.error());
    if (const auto added = sizes.add(*table, {}, *item); !added)
      return give_up("restoring", table->name, added.error());
    stage_restored(table, *definition, cursor->key().substr(from.size()), cursor->value(), *item, staging);
    last = cursor->key();
  }
  if (const auto status = cursor->status(); !status) return give_up("restoring", table->name, status.error());
  sizes.stage();
  if (cursor->valid()) {
    staging.put_meta(progress, last);
    return {};
  }
  staging.remove_meta(progress);
  TableDefinition ready = *definition;
  if (ready.restored) ready.restored->running = false;
  return {.done = true, .committed = [table, publish = stage_definition(table, std::move(ready), staging)]() mutable {
            publish();
            table->restoring = false;
          }};
}

}  // namespace

std::string encode_backup(const Backup& backup) {
  const auto number = [](std::int64_t value) { return AttributeValue(Number38(value)); };
  return encode_item({{"id", AttributeValue(backup.id)},
                      {"name", AttributeValue(backup.name)},
                      {"data", number(static_cast<std::int64_t>(backup.data))},
                      {"created", number(backup.created_ms)},
                      {"available", number(backup.available ? 1 : 0)},
                      {"items", number(backup.items)},
                      {"bytes", number(backup.bytes)},
                      {"table", AttributeValue(AttributeValue::Variant(Binary{encode_definition(backup.table)}))}});
}

Result<Backup> decode_backup(std::string_view bytes) {
  LAMBENT_TRY(const auto map, decode_item(bytes));
  bool good = true;
  const auto get = [&]<class T>(std::string_view name, T) {
    const auto at = map.find(name);
    const T* value = at == map.end() ? nullptr : at->second.template get_if<T>();
    good = good && value != nullptr;
    return value == nullptr ? T{} : *value;
  };
  const auto integer = [&](std::string_view name) { return get(name, Number38()).as_int64().value_or(0); };
  Backup backup{.id = get("id", std::string()), .name = get("name", std::string())};
  backup.data = static_cast<std::uint64_t>(integer("data"));
  backup.created_ms = integer("created");
  backup.available = integer("available") != 0;
  backup.items = integer("items");
  backup.bytes = integer("bytes");
  LAMBENT_TRY(backup.table, decode_definition(get("table", Binary()).bytes));
  if (!good) return fail(Error::of("decode", "backup", "damaged"));
  return backup;
}

std::string backup_key(const std::string& id) {
  return std::string(kBackups) + id;
}

Work copy_to_backup(const store::KeyValueStore& store, TablePtr table, Backup backup,
                    std::move_only_function<void(BackupPtr)> published) {
  backup.items = 0;
  backup.bytes = 0;
  auto copy = std::make_shared<Copy>(store, std::move(table), std::move(backup), std::move(published));
  return [copy](Staging& staging) {
    auto step = copy->step(staging);
    // The step's end may use the copy after the work is gone.
    if (!step.committed) return step;
    return WorkStep{.done = step.done, .committed = [copy, end = std::move(step.committed)]() mutable { end(); }};
  };
}

Work restore_from_backup(const store::KeyValueStore& store, BackupPtr backup, TablePtr table) {
  return [&store, backup = std::move(backup), table = std::move(table)](Staging& staging) {
    return restore_some(store, *backup, table, staging);
  };
}

}  // namespace lambent::tables
