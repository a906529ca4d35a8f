// The engine's part about tables as such: made, described, changed and deleted.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "tables/engine.h"
#include "tables/item_codec.h"

namespace lambent::tables {
namespace {

TableDescription describe(const Table& table, TableStatus status) {
  return {table.definition(), status, table.item_count, table.size_bytes};
}

std::unexpected<TablesError> not_found(const std::string& name) {
  return refuse(ErrorKind::table_not_found, fmt::format("Requested resource not found: Table: {} not found", name));
}

std::unexpected<TablesError> busy(const std::string& name, std::string_view why) {
  return refuse(ErrorKind::in_use,
                fmt::format("Attempt to change a resource which is still in use: Table: {} {}", name, why));
}

TablesResult<TableDefinition> with_time_to_live(const TableDefinition& before, const std::string& attribute,
                                                bool enabled) {
  if (before.ttl && before.ttl->state != ViewState::active) {
    return invalid("Time to live has been modified multiple times within a fixed interval");
  }
  if (before.ttl.has_value() == enabled) {
    return invalid(enabled ? "TimeToLive is already enabled" : "TimeToLive is already disabled");
  }
  if (before.ttl && before.ttl->attribute != attribute) {
    return invalid("TimeToLive is active on a different AttributeName: current AttributeName is " +
                   before.ttl->attribute);
  }
  TableDefinition definition = before;
  definition.ttl = TimeToLive{attribute, enabled ? ViewState::creating : ViewState::deleting};
  return definition;
}

}  // namespace

TablesResult<TablePtr> Engine::find_any(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto at = tables_.find(name);
  if (at == tables_.end()) return not_found(name);
  return at->second;
}

std::uint64_t Engine::take_id(Staging& staging) {
  const auto id = next_table_id_++;
  std::string next;
  append_varint(next, next_table_id_);
  staging.put_meta(std::string(kNextTableId), std::move(next));
  return id;
}

void Engine::start_work(Work work) {
  maintenance_.add(std::move(work));
  writer_->wake_chore();
}

// ---- made and deleted

void Engine::create_table(const CreateTableRequest& request, Completion<TableDescription> done) {
  auto wanted = define_table(request);
  if (!wanted) return done(std::unexpected(std::move(wanted).error()));
  writer_->submit(
      [this, wanted = *std::move(wanted), done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
        auto created = stage_create(wanted, staging);
        std::move_only_function<void(const TablePtr&)> use_stream;
        if (created && created->stream) {
          use_stream = stage_new_stream(*created, staging);
          staging.put_meta(definition_key(created->name), encode_definition(*created));
        }
        return [this, created = std::move(created), use_stream = std::move(use_stream),
                done = std::move(done)](const Result<>& committed) mutable {
          if (!committed) return done(unavailable(committed.error()));
          if (!created) return done(std::unexpected(std::move(created).error()));
          const auto table = std::make_shared<Table>(*std::move(created));
          if (use_stream) use_stream(table);
          publish_table(table);
          done(describe(*table, TableStatus::creating));
        };
      });
}

void Engine::publish_table(const TablePtr& table) {
  const std::unique_lock lock(mutex_);
  tables_.emplace(table->name, table);
}

TablesResult<TableDefinition> Engine::stage_create(const TableDefinition& wanted, Staging& staging) {
  std::size_t present = staging.created.size();
  {
    const std::shared_lock lock(mutex_);
    present += tables_.size();
    // A table that this group drops is in the catalog until the commit; its name is free after that.
    if (tables_.contains(wanted.name) || staging.created.contains(wanted.name)) {
      return refuse(ErrorKind::table_exists, "Table already exists: " + wanted.name);
    }
  }
  if (present >= kMaxTables) {
    return refuse(ErrorKind::limit_exceeded,
                  fmt::format("Subscriber limit exceeded: There is a limit of {} tables per region", kMaxTables));
  }
  TableDefinition definition = wanted;
  definition.id = take_id(staging);
  definition.uuid = random_.uuid();
  definition.created_ms = staging.now_ms();
  definition.on_demand_since_ms = definition.throughput ? 0 : staging.now_ms();
  staging.put_meta(definition_key(definition.name), encode_definition(definition));
  staging.created.insert(definition.name);
  return definition;
}

void Engine::delete_table(const std::string& name, Completion<TableDescription> done) {
  writer_->submit([this, name, done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
    auto dropped = stage_delete(name, staging);
    std::move_only_function<void()> end_stream;
    if (dropped) end_stream = stage_stream_end(*dropped, staging);
    return [this, dropped = std::move(dropped), end_stream = std::move(end_stream),
            done = std::move(done)](const Result<>& committed) mutable {
      if (!committed) return done(unavailable(committed.error()));
      if (!dropped) return done(std::unexpected(std::move(dropped).error()));
      const auto& table = *dropped;
      table->dropped = true;
      if (end_stream) end_stream();
      {
        const std::unique_lock lock(mutex_);
        tables_.erase(table->name);
      }
      start_work(remove_all(store_, table_prefix(table->id), dropped_key(table->id)));
      done(describe(*table, TableStatus::deleting));
    };
  });
}

TablesResult<TablePtr> Engine::stage_delete(const std::string& name, Staging& staging) {
  LAMBENT_TRY(auto table, find_any(name));
  if (staging.dropped.contains(table->id)) return not_found(name);
  if (table->definition()->deletion_protection) {
    return invalid(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
  }
  if (table->restoring) return busy(name, "is being restored");
  for (const auto& backup : list_backups()) {
    if (!backup->available && backup->table.id == table->id) return busy(name, "is being backed up");
  }
  staging.dropped.insert(table->id);
  staging.remove_meta(definition_key(name));
  staging.remove_meta(counts_key(table->id));
  for (const auto& index : table->definition()->indexes) staging.remove_meta(progress_key(table->id, index.id));
  staging.remove_meta(progress_key(table->id, kExpiryView));
  staging.put_meta(dropped_key(table->id), "");
  return table;
}

// ---- described

TablesResult<TableDescription> Engine::describe_table(const std::string& name) const {
  LAMBENT_TRY(const auto table, find_any(name));
  return describe(*table, table->restoring ? TableStatus::creating : TableStatus::active);
}

TableList Engine::list_tables(const std::optional<std::string>& after, std::size_t limit) const {
  const std::shared_lock lock(mutex_);
  TableList list;
  auto at = after ? tables_.upper_bound(*after) : tables_.begin();
  for (; at != tables_.end(); ++at) {
    if (list.names.size() == limit) {
      list.last = list.names.back();
      break;
    }
    list.names.push_back(at->first);
  }
  return list;
}

// ---- changed

void Engine::change_definition(const std::string& name, Change change, Completion<TableDescription> done) {
  writer_->submit([this, name, change = std::move(change),
                   done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
    TablesResult<Changed> changed = not_found(name);
    std::move_only_function<void()> publish;
    auto table = find_any(name);
    if (table && !staging.dropped.contains((*table)->id)) {
      changed = (*table)->restoring ? TablesResult<Changed>(busy(name, "is being restored")) : change(*table, staging);
    }
    if (changed) publish = stage_definition(*table, changed->definition, staging);
    return [this, table = std::move(table), changed = std::move(changed), publish = std::move(publish),
            done = std::move(done)](const Result<>& committed) mutable {
      if (!committed) return done(unavailable(committed.error()));
      if (!changed) return done(std::unexpected(std::move(changed).error()));
      const auto before = (*table)->definition();
      publish();
      if (changed->after) changed->after();
      follow_views(*table, *before);
      done(describe(**table, TableStatus::updating));
    };
  });
}

void Engine::follow_views(const TablePtr& table, const TableDefinition& before) {
  const auto now = table->definition();
  const auto follow = [&](std::uint8_t view, ViewState state, std::optional<ViewState> earlier) {
    if (state == ViewState::active || earlier == state) return;
    start_work(state == ViewState::creating ? fill_view(store_, table, view) : clear_view(store_, table, view));
  };
  for (const auto& index : now->indexes) {
    const auto* earlier = before.index(index.name);
    follow(index.id, index.state, earlier == nullptr ? std::nullopt : std::optional(earlier->state));
  }
  if (now->ttl) follow(kExpiryView, now->ttl->state, before.ttl ? std::optional(before.ttl->state) : std::nullopt);
}

// What an earlier run of the server left unfinished.
void Engine::work_on_table(const TablePtr& table) {
  const auto now = table->definition();
  const auto go_on = [&](std::uint8_t view, ViewState state) {
    if (state == ViewState::creating) maintenance_.add(fill_view(store_, table, view));
    if (state == ViewState::deleting) maintenance_.add(clear_view(store_, table, view));
  };
  for (const auto& index : now->indexes) go_on(index.id, index.state);
  if (now->ttl) go_on(kExpiryView, now->ttl->state);
}

void Engine::update_table(UpdateTableRequest request, Completion<TableDescription> done) {
  const std::string name = request.name;
  change_definition(
      name,
      [this, request = std::move(request)](const TablePtr& table, Staging& staging) -> TablesResult<Changed> {
        const auto before = table->definition();
        LAMBENT_TRY(auto definition, updated(*before, request));
        if (before->throughput && !definition.throughput) definition.on_demand_since_ms = staging.now_ms();
        Changed changed{.definition = std::move(definition), .after = {}};
        if (!request.stream) return changed;
        if (!request.stream->enabled) {
          changed.after = stage_stream_end(table, staging);
        } else {
          auto use = stage_new_stream(changed.definition, staging);
          changed.after = [table, use = std::move(use)]() mutable { use(table); };
        }
        return changed;
      },
      std::move(done));
}

void Engine::update_tags(const std::string& name, std::map<std::string, std::string> set,
                         std::vector<std::string> removed, Completion<TableDescription> done) {
  change_definition(
      name,
      [set = std::move(set), removed = std::move(removed)](const TablePtr& table, Staging&) -> TablesResult<Changed> {
        TableDefinition definition = *table->definition();
        for (const auto& [key, value] : set) definition.tags[key] = value;
        for (const auto& key : removed) definition.tags.erase(key);
        LAMBENT_TRY_VOID(check_tags(definition.tags));
        return Changed{.definition = std::move(definition), .after = {}};
      },
      std::move(done));
}

void Engine::update_time_to_live(const std::string& name, const std::string& attribute, bool enabled,
                                 Completion<TableDescription> done) {
  change_definition(
      name,
      [attribute, enabled](const TablePtr& table, Staging&) -> TablesResult<Changed> {
        LAMBENT_TRY(auto definition, with_time_to_live(*table->definition(), attribute, enabled));
        return Changed{.definition = std::move(definition), .after = {}};
      },
      std::move(done));
}

// ---- what goes by itself

void Engine::tick() {
  const auto now = clock_.wall_ms();
  writer_->submit([this, now](Staging&) -> Writer::Finish {
    look_for_expired(now);
    return [](const Result<>&) {};
  });
}

void Engine::look_for_expired(std::int64_t now_ms) {
  std::vector<TablePtr> with_ttl;
  std::vector<StreamPtr> streams;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [name, table] : tables_) {
      if (table->definition()->ttl && !expiring_.contains(table->id)) with_ttl.push_back(table);
    }
    for (const auto& [id, stream] : streams_) {
      if (!trimming_.contains(id)) streams.push_back(stream);
    }
  }
  for (const auto& table : with_ttl) {
    expiring_.insert(table->id);
    start_work(remove_expired(store_, table, now_ms, [this, id = table->id] { expiring_.erase(id); }));
  }
  for (const auto& stream : streams) {
    const auto id = stream->definition.id;
    trimming_.insert(id);
    start_work(trim_stream(store_, stream, now_ms, [this, id](bool gone) {
      trimming_.erase(id);
      if (!gone) return;
      const std::unique_lock lock(mutex_);
      streams_.erase(id);
    }));
  }
}

}  // namespace lambent::tables
