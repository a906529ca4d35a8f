#include "tables/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "tables/item_codec.h"
#include "tables/item_rules.h"
#include "tables/reader.h"

namespace lambent::tables {
namespace {

using store::Space;

constexpr std::size_t kItemsRemovedAtOnce = 1000;
constexpr std::size_t kBatchGetBytes = 16U << 20U;

TableDescription describe(const Table& table, TableStatus status) {
  return {table.definition, status, table.item_count, table.size_bytes};
}

void add_capacity(std::vector<Capacity>& all, const Capacity& more) {
  auto at = std::ranges::find(all, more.table, &Capacity::table);
  if (at == all.end()) {
    all.push_back(more);
    return;
  }
  at->table_units += more.table_units;
  for (const auto& [name, units] : more.local_units) at->local_units[name] += units;
  for (const auto& [name, units] : more.global_units) at->global_units[name] += units;
}

// Transactions cost twice.
Capacity doubled(Capacity capacity) {
  capacity.table_units *= 2;
  for (auto& [name, units] : capacity.local_units) units *= 2;
  for (auto& [name, units] : capacity.global_units) units *= 2;
  return capacity;
}

// A job's end: the result where the commit succeeded, else its failure.
template <class T>
Writer::Finish finish_with(Completion<T> done, TablesResult<T> result) {
  return [done = std::move(done), result = std::move(result)](const Result<>& committed) mutable {
    if (committed) return done(std::move(result));
    done(unavailable(committed.error()));
  };
}

std::string_view cancellation_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::condition_failed:
      return "ConditionalCheckFailed";
    case ErrorKind::item_collection_limit:
      return "ItemCollectionSizeLimitExceeded";
    default:
      return "ValidationError";
  }
}

}  // namespace

Engine::Engine(store::KeyValueStore& store, const Clock& clock, Random& random)
    : store_(store), clock_(clock), random_(random) {}

Engine::~Engine() {
  writer_.reset();
}

Result<std::unique_ptr<Engine>> Engine::open(store::KeyValueStore& store, const Clock& clock, Random& random) {
  std::unique_ptr<Engine> engine(new Engine(store, clock, random));
  LAMBENT_TRY_VOID(engine->load());
  engine->start();
  return engine;
}

void Engine::start() {
  writer_ = std::make_unique<Writer>(store_, [this](Staging& staging) { return remove_some_dropped_items(staging); });
}

Result<> Engine::load() {
  const auto snapshot = store_.snapshot();
  LAMBENT_TRY(const auto next, snapshot->get(Space::tables_meta, kNextTableId));
  if (next) {
    std::string_view in = *next;
    if (!read_varint(in, next_table_id_)) return fail(Error::of("read", "tables_meta", "next table id is damaged"));
  }
  const auto definitions = snapshot->cursor(Space::tables_meta, kDefinitions, store::prefix_end(kDefinitions));
  for (definitions->seek_first(); definitions->valid(); definitions->next()) {
    LAMBENT_TRY_VOID(load_table(definitions->value()));
  }
  LAMBENT_TRY_VOID(definitions->status());
  LAMBENT_TRY_VOID(tokens_.load(*snapshot));
  const auto dropped = snapshot->cursor(Space::tables_meta, kDropped, store::prefix_end(kDropped));
  for (dropped->seek_first(); dropped->valid(); dropped->next()) {
    std::uint64_t id = 0;
    for (const char c : dropped->key().substr(kDropped.size())) id = id << 8U | static_cast<unsigned char>(c);
    garbage_.push_back(id);
  }
  return dropped->status();
}

Result<> Engine::load_table(std::string_view definition_bytes) {
  LAMBENT_TRY(auto definition, decode_definition(definition_bytes));
  const std::string name = definition.name;
  LAMBENT_TRY(const auto counts, store_.get(Space::tables_meta, counts_key(definition.id)));
  auto table = std::make_shared<Table>(std::move(definition));
  if (counts) {
    const auto [items, bytes] = decode_counts(*counts);
    table->item_count = items;
    table->size_bytes = bytes;
  }
  tables_.emplace(name, std::move(table));
  return {};
}

TablesResult<TablePtr> Engine::find(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto at = tables_.find(name);
  if (at == tables_.end()) return no_such_table();
  return at->second;
}

// ---- tables

void Engine::create_table(const CreateTableRequest& request, Completion<TableDescription> done) {
  auto wanted = define_table(request);
  if (!wanted) return done(std::unexpected(std::move(wanted).error()));
  writer_->submit(
      [this, wanted = *std::move(wanted), done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
        auto created = stage_create(wanted, staging);
        return [this, created = std::move(created), done = std::move(done)](const Result<>& committed) mutable {
          if (!committed) return done(unavailable(committed.error()));
          if (created) {
            const std::unique_lock lock(mutex_);
            tables_.emplace(created->definition->name, std::make_shared<Table>(*created->definition));
          }
          done(std::move(created));
        };
      });
}

TablesResult<TableDescription> Engine::stage_create(const TableDefinition& wanted, Staging& staging) {
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
  definition.id = next_table_id_++;
  definition.uuid = random_.uuid();
  definition.created_ms = clock_.wall_ms();
  std::string next;
  append_varint(next, next_table_id_);
  staging.put_meta(std::string(kNextTableId), std::move(next));
  staging.put_meta(definition_key(definition.name), encode_definition(definition));
  staging.created.insert(definition.name);
  return TableDescription{.definition = std::make_shared<const TableDefinition>(std::move(definition)),
                          .status = TableStatus::creating};
}

void Engine::delete_table(const std::string& name, Completion<TableDescription> done) {
  writer_->submit([this, name, done = std::move(done)](Staging& staging) mutable -> Writer::Finish {
    auto dropped = stage_delete(name, staging);
    return [this, dropped = std::move(dropped), done = std::move(done)](const Result<>& committed) mutable {
      if (!committed) return done(unavailable(committed.error()));
      if (!dropped) return done(std::unexpected(std::move(dropped).error()));
      const auto& table = **dropped;
      (*dropped)->dropped = true;
      {
        const std::unique_lock lock(mutex_);
        tables_.erase(table.definition->name);
      }
      garbage_.push_back(table.definition->id);
      writer_->wake_chore();
      done(describe(table, TableStatus::deleting));
    };
  });
}

TablesResult<TablePtr> Engine::stage_delete(const std::string& name, Staging& staging) {
  const auto table = find(name);
  if (!table || staging.dropped.contains((*table)->definition->id)) {
    return refuse(ErrorKind::table_not_found, fmt::format("Requested resource not found: Table: {} not found", name));
  }
  if ((*table)->definition->deletion_protection) {
    return invalid(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
  }
  const auto id = (*table)->definition->id;
  staging.dropped.insert(id);
  staging.remove_meta(definition_key(name));
  staging.remove_meta(counts_key(id));
  staging.put_meta(dropped_key(id), "");
  return *table;
}

bool Engine::remove_some_dropped_items(Staging& staging) {
  if (garbage_.empty()) return false;
  const auto id = garbage_.back();
  const std::string prefix = table_prefix(id);
  const auto snapshot = store_.snapshot();
  const auto cursor = snapshot->cursor(Space::tables, prefix, store::prefix_end(prefix));
  std::size_t removed = 0;
  for (cursor->seek_first(); cursor->valid() && removed < kItemsRemovedAtOnce; cursor->next(), ++removed) {
    staging.remove(std::string(cursor->key()));
  }
  if (!cursor->status()) return false;  // tried again at the next start
  if (!cursor->valid()) {
    staging.remove_meta(dropped_key(id));
    garbage_.pop_back();
  }
  return !garbage_.empty();
}

TablesResult<TableDescription> Engine::describe_table(const std::string& name) const {
  const auto table = find(name);
  if (!table) {
    return refuse(ErrorKind::table_not_found, fmt::format("Requested resource not found: Table: {} not found", name));
  }
  return describe(**table, TableStatus::active);
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

// ---- changes of items

void Engine::write(WriteRequest request, Completion<WriteResult> done) {
  auto table = find(request.table);
  if (!table) return done(std::unexpected(std::move(table).error()));
  auto prepared = prepare_write(std::move(request), *std::move(table));
  if (!prepared) return done(std::unexpected(std::move(prepared).error()));
  writer_->submit([write = *std::move(prepared), done = std::move(done)](Staging& staging) mutable {
    auto outcome = evaluate(write, staging);
    if (!outcome) return finish_with<WriteResult>(std::move(done), std::unexpected(std::move(outcome).error()));
    WriteResult result{.attributes = {}, .capacity = stage(write, *outcome, staging)};
    result.attributes = returned(write, *outcome);
    return finish_with<WriteResult>(std::move(done), std::move(result));
  });
}

TablesResult<std::vector<PreparedWrite>> Engine::prepare_all(std::vector<WriteRequest> requests,
                                                             std::string_view if_twice) {
  std::vector<PreparedWrite> writes;
  std::set<std::string> keys;
  for (auto& request : requests) {
    LAMBENT_TRY(auto table, find(request.table));
    LAMBENT_TRY(auto write, prepare_write(std::move(request), std::move(table)));
    if (!keys.insert(write.at).second) return invalid(std::string(if_twice));
    writes.push_back(std::move(write));
  }
  return writes;
}

void Engine::batch_write(std::vector<WriteRequest> requests, Completion<BatchWriteResult> done) {
  auto prepared = prepare_all(std::move(requests), "Provided list of item keys contains duplicates");
  if (!prepared) return done(std::unexpected(std::move(prepared).error()));
  writer_->submit([writes = *std::move(prepared), done = std::move(done)](Staging& staging) mutable {
    std::vector<Outcome> outcomes;
    for (const auto& write : writes) {
      auto outcome = evaluate(write, staging);
      if (!outcome) return finish_with<BatchWriteResult>(std::move(done), std::unexpected(std::move(outcome).error()));
      outcomes.push_back(*std::move(outcome));
    }
    BatchWriteResult result;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      add_capacity(result.capacity, stage(writes[i], outcomes[i], staging));
    }
    return finish_with<BatchWriteResult>(std::move(done), std::move(result));
  });
}

void Engine::transact_write(std::vector<WriteRequest> requests, const std::optional<std::string>& token,
                            Completion<BatchWriteResult> done) {
  const std::string fingerprint = token ? fingerprint_of(requests) : std::string();
  auto prepared =
      prepare_all(std::move(requests), "Transaction request cannot include multiple operations on one item");
  if (!prepared) return done(std::unexpected(std::move(prepared).error()));
  writer_->submit(
      [this, writes = *std::move(prepared), token, fingerprint, done = std::move(done)](Staging& staging) mutable {
        const auto now = clock_.wall_ms();
        if (token) {
          const auto before = tokens_.done_before(*token, fingerprint, now);
          if (!before) return finish_with<BatchWriteResult>(std::move(done), std::unexpected(before.error()));
          if (*before) return finish_with<BatchWriteResult>(std::move(done), BatchWriteResult{});
        }
        auto result = stage_transaction(writes, staging);
        if (result && token) tokens_.note(*token, fingerprint, now, staging);
        return finish_with<BatchWriteResult>(std::move(done), std::move(result));
      });
}

TablesResult<BatchWriteResult> Engine::stage_transaction(const std::vector<PreparedWrite>& writes, Staging& staging) {
  std::vector<Outcome> outcomes;
  TablesError cancelled{.kind = ErrorKind::transaction_cancelled, .message = {}, .item = {}, .reasons = {}};
  std::string codes;
  for (const auto& write : writes) {
    auto outcome = evaluate(write, staging);
    auto& reason = cancelled.reasons.emplace_back();
    if (outcome) {
      outcomes.push_back(*std::move(outcome));
    } else if (outcome.error().kind == ErrorKind::unavailable || outcome.error().kind == ErrorKind::table_not_found) {
      return std::unexpected(std::move(outcome).error());
    } else {
      const auto& error = outcome.error();
      reason = {std::string(cancellation_code(error.kind)), error.message, error.item};
    }
    codes += (codes.empty() ? "" : ", ") + reason.code;
  }
  if (outcomes.size() != writes.size()) {
    cancelled.message =
        fmt::format("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes);
    return std::unexpected(std::move(cancelled));
  }
  BatchWriteResult result;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    add_capacity(result.capacity, doubled(stage(writes[i], outcomes[i], staging)));
  }
  return result;
}

// ---- reads

TablesResult<GetResult> Engine::get(const GetRequest& request) const {
  LAMBENT_TRY(const auto table, find(request.table));
  return read_item(*store_.snapshot(), *table, request);
}

TablesResult<BatchGetResult> Engine::batch_get(const BatchGetRequest& request) const {
  const auto snapshot = store_.snapshot();
  BatchGetResult result;
  std::size_t bytes = 0;
  for (const auto& [name, wanted] : request.tables) {
    LAMBENT_TRY(const auto table, find(name));
    std::set<std::string> seen;
    auto& items = result.items[name];
    for (const auto& key : wanted.keys) {
      LAMBENT_TRY_VOID(check_key(table->key(), key));
      if (!seen.insert(item_key(table->prefix, table->key(), key)).second) {
        return invalid("Provided list of item keys contains duplicates");
      }
      if (bytes > kBatchGetBytes) {
        result.unprocessed[name].push_back(key);
        continue;
      }
      LAMBENT_TRY(auto got, read_item(*snapshot, *table,
                                      {.table = name,
                                       .key = key,
                                       .projection = wanted.projection,
                                       .placeholders = wanted.placeholders,
                                       .consistent = wanted.consistent}));
      add_capacity(result.capacity, got.capacity);
      if (!got.item) continue;
      bytes += size_of(*got.item);
      items.push_back(*std::move(got.item));
    }
  }
  return result;
}

TablesResult<TransactGetResult> Engine::transact_get(const std::vector<GetRequest>& requests) const {
  const auto snapshot = store_.snapshot();
  TransactGetResult result;
  for (auto request : requests) {
    LAMBENT_TRY(const auto table, find(request.table));
    request.consistent = true;
    LAMBENT_TRY(auto got, read_item(*snapshot, *table, request));
    add_capacity(result.capacity, doubled(got.capacity));
    result.items.push_back(std::move(got.item));
  }
  return result;
}

TablesResult<Page> Engine::query(const PageRequest& request) const {
  LAMBENT_TRY(const auto table, find(request.table));
  if (!request.key_condition) {
    return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  }
  return read_page(*store_.snapshot(), *table, request);
}

TablesResult<Page> Engine::scan(const PageRequest& request) const {
  LAMBENT_TRY(const auto table, find(request.table));
  return read_page(*store_.snapshot(), *table, request);
}

}  // namespace lambent::tables
