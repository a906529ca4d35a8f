// The engine's part about on-demand backups.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "tables/engine.h"
#include "tables/item_codec.h"

namespace lambent::tables {
namespace {

using store::Space;

std::unexpected<TablesError> no_backup(const std::string& id) {
  return refuse(ErrorKind::backup_not_found, "Backup not found: " + id);
}

// "01489602797149-73d8d5bc": milliseconds of its making, and chance.
std::string new_backup_id(std::int64_t now_ms, Random& random) {
  return fmt::format("{:014}-{}", now_ms, random.hex(4));
}

// What a restored table has of the one that was backed up: neither stream, expiry, tags nor protection.
TableDefinition restored_definition(const Backup& backup, const std::string& name) {
  TableDefinition definition = backup.table;
  definition.name = name;
  definition.deletion_protection = false;
  definition.tags.clear();
  definition.ttl.reset();
  definition.stream.reset();
  std::erase_if(definition.indexes, [](const auto& index) { return index.state == ViewState::deleting; });
  for (auto& index : definition.indexes) index.state = ViewState::active;
  return definition;
}

}  // namespace

Result<> Engine::load_backups(const store::Snapshot& snapshot) {
  const auto cursor = snapshot.cursor(Space::tables_meta, kBackups, store::prefix_end(kBackups));
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    LAMBENT_TRY(auto backup, decode_backup(cursor->value()));
    const auto known = std::make_shared<const Backup>(std::move(backup));
    backups_.emplace(known->id, known);
    if (known->available) continue;
    const auto at = tables_.find(known->table.name);
    const auto table = at != tables_.end() && at->second->id == known->table.id ? at->second : nullptr;
    maintenance_.add(copy_to_backup(store_, table, *known,
                                    [this, id = known->id](BackupPtr made) { publish_backup(id, std::move(made)); }));
  }
  for (const auto& [name, table] : tables_) {
    const auto definition = table->definition();
    if (!table->restoring) continue;
    const auto at = backups_.find(definition->restored->backup);
    if (at == backups_.end()) return fail(Error::of("read", "tables_meta", "the backup of " + name + " is missing"));
    maintenance_.add(restore_from_backup(store_, at->second, table));
  }
  return cursor->status();
}

void Engine::publish_backup(const std::string& id, BackupPtr backup) {
  const std::unique_lock lock(mutex_);
  if (backup) {
    backups_[id] = std::move(backup);
  } else {
    backups_.erase(id);
  }
}

void Engine::create_backup(const std::string& table_name, const std::string& name, Completion<BackupPtr> done) {
  writer_->submit([this, table_name, name, done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
    auto table = find(table_name);
    if (!table || staging.dropped.contains((*table)->id)) {
      return [done = std::move(done), table_name](const Result<>&) mutable {
        done(refuse(ErrorKind::source_not_found, "Table not found: " + table_name));
      };
    }
    Backup backup{.id = new_backup_id(staging.now_ms(), random_), .name = name};
    backup.data = take_id(staging);
    backup.created_ms = staging.now_ms();
    backup.items = (*table)->item_count;
    backup.bytes = (*table)->size_bytes;
    backup.table = *(*table)->definition();
    staging.put_meta(backup_key(backup.id), encode_backup(backup));
    staging.ends_group = true;
    return [this, table = *table, made = std::make_shared<const Backup>(std::move(backup)),
            done = std::move(done)](const Result<>& committed) mutable {
      if (!committed) return done(unavailable(committed.error()));
      publish_backup(made->id, made);
      start_work(copy_to_backup(store_, table, *made,
                                [this, id = made->id](BackupPtr copied) { publish_backup(id, std::move(copied)); }));
      done(std::move(made));
    };
  });
}

void Engine::delete_backup(const std::string& id, Completion<BackupPtr> done) {
  writer_->submit([this, id, done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
    auto backup = describe_backup(id);
    bool used = backup && !(*backup)->available;
    {
      const std::shared_lock lock(mutex_);
      for (const auto& [name, table] : tables_) {
        used = used || (table->restoring && table->definition()->restored->backup == id);
      }
    }
    if (backup && used) backup = refuse(ErrorKind::backup_in_use, "Backup is in use: " + id);
    if (backup) {
      staging.remove_meta(backup_key(id));
      staging.put_meta(dropped_key((*backup)->data), "");
      staging.ends_group = true;
    }
    return [this, backup = std::move(backup), done = std::move(done)](const Result<>& committed) mutable {
      if (!committed) return done(unavailable(committed.error()));
      if (backup) {
        publish_backup((*backup)->id, nullptr);
        start_work(remove_all(store_, table_prefix((*backup)->data), dropped_key((*backup)->data)));
      }
      done(std::move(backup));
    };
  });
}

TablesResult<BackupPtr> Engine::describe_backup(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto at = backups_.find(id);
  if (at == backups_.end()) return no_backup(id);
  return at->second;
}

std::vector<BackupPtr> Engine::list_backups() const {
  const std::shared_lock lock(mutex_);
  std::vector<BackupPtr> result;
  for (const auto& [id, backup] : backups_) result.push_back(backup);
  return result;
}

void Engine::restore_table(const std::string& id, const std::string& name,
                           std::function<TablesResult<>(TableDefinition&)> change, Completion<TableDescription> done) {
  writer_->submit(
      [this, id, name, change = std::move(change), done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
        const auto backup = describe_backup(id);
        const auto stage = [&]() -> TablesResult<TableDefinition> {
          LAMBENT_TRY(const auto source, backup);
          if (!source->available) return refuse(ErrorKind::backup_in_use, "Backup is being created: " + id);
          auto definition = restored_definition(*source, name);
          LAMBENT_TRY_VOID(change(definition));
          definition.restored = RestoredFrom{id, source->table.name, staging.now_ms(), true};
          return stage_create(definition, staging);
        };
        auto created = stage();
        if (!created && created.error().kind == ErrorKind::table_exists)
          created.error().kind = ErrorKind::target_exists;
        staging.ends_group = true;
        return [this, backup, created = std::move(created), done = std::move(done)](const Result<>& committed) mutable {
          if (!committed) return done(unavailable(committed.error()));
          if (!created) return done(std::unexpected(std::move(created).error()));
          const auto table = std::make_shared<Table>(*std::move(created));
          table->restoring = true;
          publish_table(table);
          start_work(restore_from_backup(store_, *backup, table));
          done(TableDescription{table->definition(), TableStatus::creating, 0, 0});
        };
      });
}

}  // namespace lambent::tables
